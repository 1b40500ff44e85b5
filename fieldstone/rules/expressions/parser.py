"""Tokens to a tree, by precedence climbing (Pratt).

What comes in: source text. What goes out: the tree as written, with nodes of `syntax`, or `ExpressionError` with the
position. The grammar is that of the Common Expression Language; words that CEL reserves for its hosts (`if`,
`package`, ...) are ordinary names here. Who calls it: `compile` and `completion`.
"""

from __future__ import annotations

from typing import Any

from fieldstone.rules.expressions.errors import ExpressionError, Position, Problem
from fieldstone.rules.expressions.lexer import Token, tokenize
from fieldstone.rules.expressions.limits import MAX_DEPTH, check_limits, too_deep
from fieldstone.rules.expressions.macros import expand
from fieldstone.rules.expressions.syntax import (
    Binary,
    Call,
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
from fieldstone.rules.expressions.types import BOOL, BYTES, DOUBLE, INT, NULL, STRING, UINT, Type
from fieldstone.rules.expressions.values import INT_MAX

_RELATION = 3
_PRECEDENCE: dict[str, int] = {
    "||": 1, "&&": 2, "==": 3, "!=": 3, "<": 3, "<=": 3, ">": 3, ">=": 3, "in": 3,
    "+": 4, "-": 4, "*": 5, "/": 5, "%": 5,
}  # fmt: skip
_LITERALS: dict[str, tuple[Any, Type]] = {"true": (True, BOOL), "false": (False, BOOL), "null": (None, NULL)}
_LITERAL_KINDS: dict[str, Type] = {"int": INT, "uint": UINT, "float": DOUBLE, "string": STRING, "bytes": BYTES}
_SPELLINGS = {"and": "&&", "or": "||", "not": "!", "AND": "&&", "OR": "||", "NOT": "!", "is": "==", "True": "true"}


def parse(source: str) -> Node:
    """The tree of `source`. Raises `ExpressionError`."""
    parser = _Parser(source)
    tree = parser.whole()
    check_limits(source, tree)
    return tree


class _Parser:
    """A cursor over the tokens of one source."""

    __slots__ = ("_depth", "_index", "_source", "_tokens")

    def __init__(self, source: str) -> None:
        self._source = source
        self._tokens = tokenize(source)
        self._index = 0
        self._depth = 0

    def whole(self) -> Node:
        tree = self._expression()
        if self._peek().kind != "end":
            raise self._unexpected()
        return tree

    def _expression(self) -> Node:
        self._enter()
        condition = self._binary(1)
        if self._takes("?"):
            then = self._expression()
            self._expect(":")
            otherwise = self._expression()
            condition = Ternary(
                start=condition.start, end=otherwise.end, condition=condition, then=then, otherwise=otherwise
            )
        self._depth -= 1
        return condition

    def _binary(self, minimum: int) -> Node:
        left = self._unary()
        while True:
            token = self._tokens[self._index]
            precedence = _PRECEDENCE.get(token.text, 0) if token.kind == "op" else 0
            if precedence < minimum:
                return left
            if precedence < _RELATION:
                left = self._logical(left, token.text, precedence)
                continue
            self._index += 1
            right = self._binary(precedence + 1)
            left = Binary(start=left.start, end=right.end, operator=token.text, left=left, right=right)  # type: ignore[arg-type]

    def _logical(self, left: Node, operator: str, precedence: int) -> Node:
        terms = [left]
        while self._takes(operator):
            terms.append(self._binary(precedence + 1))
        return Logical(start=left.start, end=terms[-1].end, operator=operator, terms=tuple(terms))  # type: ignore[arg-type]

    def _unary(self) -> Node:
        token = self._peek()
        if token.kind != "op" or token.text not in "!-":
            return self._postfix(self._primary())
        self._index += 1
        number = self._peek()
        if token.text == "-" and number.kind in ("int", "float"):
            self._index += 1
            return self._postfix(self._number(number, -1, token.start))
        self._enter()
        operand = self._unary()
        self._depth -= 1
        return Unary(start=token.start, end=operand.end, operator=token.text, operand=operand)  # type: ignore[arg-type]

    def _postfix(self, node: Node) -> Node:
        while True:
            if self._takes("."):
                node = self._selected(node)
            elif self._takes("["):
                index = self._expression()
                node = Index(start=node.start, end=self._expect("]").end, operand=node, index=index)
            else:
                return node

    def _selected(self, node: Node) -> Node:
        token = self._next()
        if token.kind not in ("name", "quoted") or token.text in _LITERALS:
            raise self._unexpected(token)
        if token.kind == "name" and self._takes("("):
            arguments, end = self._arguments(")")
            return self._call(Call(start=node.start, end=end, name=token.text, arguments=arguments, target=node))
        return Member(start=node.start, end=token.end, operand=node, field=token.text)

    def _primary(self) -> Node:
        token = self._next()
        if token.kind in _LITERAL_KINDS:
            return self._number(token, 1, token.start) if token.kind in ("int", "float") else _literal(token)
        if token.text == "." and self._peek().kind == "name":
            token = self._next()
        if token.kind == "name":
            return self._name(token)
        match token.text if token.kind == "op" else "":
            case "(":
                inner = self._expression()
                self._expect(")")
                return inner
            case "[":
                items, end = self._arguments("]")
                return ListNode(start=token.start, end=end, items=items)
            case "{":
                return self._map(token)
            case _:
                raise self._unexpected(token)

    def _name(self, token: Token) -> Node:
        if token.text in _LITERALS:
            value, of_type = _LITERALS[token.text]
            return Literal(start=token.start, end=token.end, value=value, type=of_type)
        if self._takes("("):
            arguments, end = self._arguments(")")
            return self._call(Call(start=token.start, end=end, name=token.text, arguments=arguments))
        return Name(start=token.start, end=token.end, name=token.text)

    def _call(self, call: Call) -> Node:
        return expand(self._source, call) or call

    def _arguments(self, closing: str) -> tuple[tuple[Node, ...], int]:
        items: list[Node] = []
        while self._peek().text != closing or self._peek().kind != "op":
            items.append(self._expression())
            if not self._takes(","):
                break
            if closing == ")" and self._peek().text == ")":
                raise self._unexpected()
        return tuple(items), self._expect(closing).end

    def _map(self, opening: Token) -> Node:
        entries: list[tuple[Node, Node]] = []
        while self._peek().text != "}" or self._peek().kind != "op":
            key = self._expression()
            self._expect(":")
            entries.append((key, self._expression()))
            if not self._takes(","):
                break
        return MapNode(start=opening.start, end=self._expect("}").end, entries=tuple(entries))

    def _number(self, token: Token, sign: int, start: int) -> Node:
        if token.kind == "int" and sign * token.value > INT_MAX:
            message = "The number {text} is too large."
            raise self._problem(token, "number_too_large", message, "")
        text = f"-{token.text}" if sign < 0 else token.text
        of_type = _LITERAL_KINDS[token.kind]
        return Literal(start=start, end=token.end, value=sign * token.value, type=of_type, text=text)

    def _peek(self) -> Token:
        return self._tokens[self._index]

    def _next(self) -> Token:
        token = self._tokens[self._index]
        if token.kind != "end":
            self._index += 1
        return token

    def _takes(self, text: str) -> bool:
        token = self._tokens[self._index]
        if token.kind != "op" or token.text != text:
            return False
        self._index += 1
        return True

    def _expect(self, text: str) -> Token:
        token = self._next()
        if token.kind != "op" or token.text != text:
            message = "A {wanted} is missing before {text}." if token.kind != "end" else "A {wanted} is missing."
            raise self._problem(token, "syntax", message, _SPELLINGS.get(token.text, ""), wanted=text)
        return token

    def _enter(self) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise too_deep(self._source, self._peek().start)

    def _unexpected(self, token: Token | None = None) -> ExpressionError:
        found = token or self._peek()
        if found.kind == "end":
            return self._problem(found, "syntax", "The expression ends too early.", "")
        return self._problem(found, "syntax", "{text} cannot stand here.", _SPELLINGS.get(found.text, ""))

    def _problem(self, token: Token, code: str, message: str, suggestion: str, wanted: str = "") -> ExpressionError:
        position = Position.of(self._source, token.start, token.end)
        facts = {"text": token.text[:40], "wanted": wanted}
        return ExpressionError(
            Problem(position=position, code=code, message=message, facts=facts, suggestion=suggestion)
        )


def _literal(token: Token) -> Literal:
    return Literal(start=token.start, end=token.end, value=token.value, type=_LITERAL_KINDS[token.kind])
