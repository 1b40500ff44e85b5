"""A parsed tree back to source text.

What comes in: a tree of the parser (not a checked one). What goes out: text that parses to an equal tree, in one
normal layout. Who calls it: the designer when it rewrites an expression (a renamed field), and tests.
"""

from __future__ import annotations

from fieldstone.rules.expressions.syntax import (
    Binary,
    Call,
    Comprehension,
    Has,
    Index,
    ListNode,
    Literal,
    Logical,
    MapNode,
    Member,
    Name,
    Node,
    Ternary,
    Unary,
)
from fieldstone.rules.expressions.types import BYTES, DOUBLE, UINT

_TERNARY, _OR, _AND, _RELATION, _ADD, _MULTIPLY, _UNARY, _POSTFIX, _ATOM = range(9)
_LEVELS = {"||": _OR, "&&": _AND, "+": _ADD, "-": _ADD, "*": _MULTIPLY, "/": _MULTIPLY, "%": _MULTIPLY}
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def unparse(node: Node) -> str:
    """The source text of a parsed tree."""
    return _text(node, _TERNARY)


def quoted(text: str) -> str:
    """`text` as a string literal."""
    return '"' + "".join(_escaped(character) for character in text) + '"'


def _escaped(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    return character if character.isprintable() else f"\\U{ord(character):08x}"


def _text(node: Node, minimum: int) -> str:
    text, level = _written(node)
    return text if level >= minimum else f"({text})"


def _written(node: Node) -> tuple[str, int]:
    match node:
        case Literal():
            return _literal(node), _POSTFIX
        case Name():
            return node.name, _ATOM
        case Member():
            return f"{_text(node.operand, _POSTFIX)}.{_selector(node.field)}", _POSTFIX
        case Index():
            return f"{_text(node.operand, _POSTFIX)}[{unparse(node.index)}]", _POSTFIX
        case Unary():
            return node.operator + _operand_of_unary(node.operand), _UNARY
        case Binary():
            level = _LEVELS.get(node.operator, _RELATION)
            return f"{_text(node.left, level)} {node.operator} {_text(node.right, level + 1)}", level
        case Logical():
            level = _LEVELS[node.operator]
            return f" {node.operator} ".join(_text(term, level + 1) for term in node.terms), level
        case Ternary():
            parts = (_text(node.condition, _OR), unparse(node.then), unparse(node.otherwise))
            return "{} ? {} : {}".format(*parts), _TERNARY
        case _:
            return _bracketed(node), _POSTFIX


def _bracketed(node: Node) -> str:
    match node:
        case ListNode():
            return f"[{_joined(node.items)}]"
        case MapNode():
            return "{" + ", ".join(f"{unparse(key)}: {unparse(value)}" for key, value in node.entries) + "}"
        case Has():
            operand = "" if node.operand is None else f"{_text(node.operand, _POSTFIX)}."
            return f"has({operand}{_selector(node.field) if operand else node.field})"
        case Call():
            target = "" if node.target is None else f"{_text(node.target, _POSTFIX)}."
            return f"{target}{node.name}({_joined(node.arguments)})"
        case Comprehension():
            parts = [node.variable, *(unparse(part) for part in (node.condition, node.result) if part is not None)]
            return f"{_text(node.source, _POSTFIX)}.{node.kind}({', '.join(parts)})"
        case _:
            raise TypeError(f"{type(node).__name__} is no node of a parsed tree")


def _joined(nodes: tuple[Node, ...]) -> str:
    return ", ".join(unparse(node) for node in nodes)


def _operand_of_unary(operand: Node) -> str:
    text = _text(operand, _UNARY)
    # A minus before a number would be read as part of the number.
    return f"({text})" if text[0] in "0123456789." else text


def _selector(field: str) -> str:
    plain = field.isidentifier() and field.isascii() and field not in ("in", "true", "false", "null")
    return field if plain else f"`{field}`"


def _literal(node: Literal) -> str:
    value = node.value
    if isinstance(value, str):
        return quoted(value)
    if node.type == BYTES:
        return 'b"' + "".join(f"\\x{byte:02x}" for byte in value) + '"'
    if node.type == UINT:
        return f"{int(value)}u"
    if node.type == DOUBLE:
        return node.text or _double(value)
    return "null" if value is None else str(value).lower()


def _double(value: float) -> str:
    text = repr(value)
    return text if "." in text or "e" in text else f"{text}.0"
