"""An expression in readable words: `Amount is greater than 10,000 and Priority is "High"`.

What comes in: a compiled expression, a lookup of labels, a locale. What goes out: one line of text, not yet escaped
for HTML. Who calls it: the designer, rule lists, decision traces and approval cards.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Protocol

from babel import Locale
from babel.dates import format_date, format_datetime, format_time
from babel.numbers import format_decimal

from fieldstone.rules.expressions.compile import Expression
from fieldstone.rules.expressions.phrases import PHRASES
from fieldstone.rules.expressions.syntax import (
    Binary,
    Call,
    Comprehension,
    Convert,
    FieldPath,
    Has,
    Index,
    ListNode,
    Literal,
    Logical,
    MapNode,
    Member,
    Node,
    Path,
    RecordId,
    Ternary,
    Unary,
    Variable,
)
from fieldstone.rules.expressions.types import BOOL, DATE, MONEY, NULL, TIME, TIMESTAMP

_BETWEEN_CHINESE = re.compile("(?<=[\u4e00-\u9fff“”「」（）：]) (?=[\u4e00-\u9fff“”「」（）])")
"""A space that Chinese does not write; beside Latin letters and figures it stays."""
_TIMES = (DATE, TIMESTAMP, TIME)
_TIME_WORDS = {"<": "before", "<=": "not_after", ">": "after", ">=": "not_before"}
_SIGNS = {"+": "+", "-": "−", "*": "×", "/": "÷", "%": "%"}
_OPPOSITES = {
    "==": "!=", "!=": "==", "in": "not_in", "includes": "not_includes", "empty": "filled", "filled": "empty",
    "true": "false", "hasRole": "not hasRole",
}  # fmt: skip


class Labels(Protocol):
    """How fields and options are called in the reader's language."""

    def field(self, path: Path) -> str:
        """The label of a field by its path, such as "Customer tier" for `("customer", "tier")`."""
        ...

    def option(self, path: Path, value: str) -> str | None:
        """The label of an option of the field, or of a record it refers to; None when `value` has none."""
        ...


def describe(expression: Expression, labels: Labels, locale: str) -> str:
    """The expression in words; an unknown locale reads as English."""
    text = _Reader(labels, locale).read(expression.tree)
    return _BETWEEN_CHINESE.sub("", text) if locale.startswith("zh") else text


class _Reader:
    """Reads nodes out in one language."""

    def __init__(self, labels: Labels, locale: str) -> None:
        self._labels = labels
        self._phrases = PHRASES.get(locale, PHRASES["en"])
        self._locale = Locale.parse(locale if locale in PHRASES else "en", sep="-")
        self._readers: dict[type[Node], Callable[[Any], str]] = {
            Literal: lambda node: self._value(node.value),
            FieldPath: lambda node: self._path(node.path),
            Variable: lambda node: self._path(node.origin) if node.origin else node.name,
            Member: self._member,
            RecordId: lambda node: self.read(node.operand),
            Convert: lambda node: self.read(node.operand),
            Unary: self._unary,
            Binary: self._binary,
            Logical: self._logical,
            Ternary: self._ternary,
            Index: lambda node: self._say("element", self.read(node.operand), self.read(node.index)),
            ListNode: lambda node: self._list([self.read(item) for item in node.items], "list"),
            MapNode: self._map,
            Has: lambda node: self._say("has", self.read(node.operand), node.field),
            Call: self._call,
            Comprehension: self._comprehension,
        }

    def read(self, node: Node) -> str:
        return self._readers[type(node)](node)

    def _say(self, phrase: str, *parts: str) -> str:
        text = self._phrases[phrase]
        pieces = [f"{{{index}}}" for index in range(len(parts))]
        return _filled(text, dict(zip(pieces, parts, strict=True)))

    def _path(self, path: Path) -> str:
        if path[0] == "previous" and len(path) > 1:
            return self._say("previous", self._labels.field(path[1:]))
        return self._labels.field(path)

    def _member(self, node: Member) -> str:
        if node.operand.type == MONEY:
            operand = self.read(node.operand)
            return operand if node.field == "amount" else self._say("currency", operand)
        path = _path_of(node)
        return self._path(path) if path else self._say("field", self.read(node.operand), node.field)

    def _condition(self, node: Node) -> str:
        """A value that stands as a condition by itself."""
        is_value = isinstance(node, FieldPath | Member | Variable | Index) and node.type == BOOL
        return self._say("true", self.read(node)) if is_value else self.read(node)

    def _unary(self, node: Unary) -> str:
        if node.operator == "-":
            return f"−{self._operand(node.operand)}"
        inner = node.operand
        if isinstance(inner, Binary):
            phrase, parts = self._compared(inner)
            if phrase in _OPPOSITES:
                return self._say(_OPPOSITES[phrase], *parts)
        if isinstance(inner, Call) and f"not {inner.name}" in self._phrases:
            return self._called(f"not {inner.name}", inner)
        if isinstance(inner, FieldPath | Member | Variable):
            return self._say("false", self.read(inner))
        return self._say("not", self._condition(inner))

    def _binary(self, node: Binary) -> str:
        if node.operator in _SIGNS:
            left, right = self._operand(node.left), self._operand(node.right)
            return f"{left} {_SIGNS[node.operator]} {right}"
        phrase, parts = self._compared(node)
        return self._say(phrase, *parts)

    def _compared(self, node: Binary) -> tuple[str, tuple[str, ...]]:
        """The phrase of a comparison, and what it is said about."""
        left, right, operator = node.left, node.right, node.operator
        if operator in ("==", "!=") and NULL in (left.type, right.type):
            return "empty" if operator == "==" else "filled", (self.read(right if left.type == NULL else left),)
        if operator == "in":
            return self._contained(left, right)
        if operator in _TIME_WORDS and left.type in _TIMES:
            operator_phrase = _TIME_WORDS[operator]
        else:
            operator_phrase = operator
        return operator_phrase, (self._beside(left, right), self._beside(right, left))

    def _contained(self, left: Node, right: Node) -> tuple[str, tuple[str, ...]]:
        if isinstance(right, FieldPath) and right.path == ("user", "roles"):
            return "hasRole", (self._beside(left, right),)
        if isinstance(right, ListNode):
            items = [self._beside(item, left) for item in right.items]
            return "in", (self.read(left), self._list(items, "or"))
        return "includes", (self._beside(left, right), self.read(right))

    def _beside(self, node: Node, other: Node) -> str:
        """A value that is compared with a field reads as the label of the field's option."""
        path = _path_of(other)
        if isinstance(node, Literal) and isinstance(node.value, str) and path:
            label = self._labels.option(path, node.value)
            if label is not None:
                return self._say("quote", label)
        return self._bracketed(node)

    def _logical(self, node: Logical) -> str:
        terms = [
            f"({self.read(term)})" if isinstance(term, Logical | Ternary) else self._condition(term)
            for term in node.terms
        ]
        return self._phrases[node.operator].join(terms)

    def _ternary(self, node: Ternary) -> str:
        return self._say("if", self._condition(node.condition), self.read(node.then), self.read(node.otherwise))

    def _call(self, node: Call) -> str:
        if node.name in ("round",) and len(node.arguments) == 2:
            return self._called("round 2", node)
        return self._called(node.name if node.name in self._phrases else "call", node)

    def _called(self, phrase: str, node: Call) -> str:
        if node.name == "changed" and isinstance(node.arguments[0], Literal):
            return self._say(phrase, self._labels.field((str(node.arguments[0].value),)))
        first = node.arguments[0] if node.arguments else None
        parts = [self._beside(each, first) if first is not None else "" for each in node.arguments]
        pieces = {f"{{{index}}}": part for index, part in enumerate(parts)}
        return _filled(
            self._phrases[phrase], {**pieces, "{all}": self._phrases["list"].join(parts), "{name}": node.name}
        )

    def _comprehension(self, node: Comprehension) -> str:
        source = self.read(node.source)
        if node.kind == "map" and node.result is not None:
            if node.condition is not None:
                source = self._say("filter", source, self._condition(node.condition))
            return self._say("map", source, self.read(node.result))
        condition = "" if node.condition is None else self._condition(node.condition)
        return self._say(node.kind, source, condition)

    def _map(self, node: MapNode) -> str:
        return "{" + ", ".join(f"{self.read(key)}: {self.read(value)}" for key, value in node.entries) + "}"

    def _list(self, items: Sequence[str], last: str) -> str:
        if not items:
            return self._phrases["nothing"]
        if len(items) == 1:
            return items[0]
        return self._phrases["list"].join(items[:-1]) + self._phrases[last] + items[-1]

    def _operand(self, node: Node) -> str:
        """A side of arithmetic: a sum or product inside it needs brackets."""
        inner = _without_conversions(node)
        return f"({self.read(inner)})" if isinstance(inner, Binary) else self._bracketed(inner)

    def _bracketed(self, node: Node) -> str:
        """A side of a comparison: sums need no brackets, conditions do."""
        inner = _without_conversions(node)
        is_condition = isinstance(inner, Logical | Ternary) or (isinstance(inner, Binary) and inner.type == BOOL)
        return f"({self.read(inner)})" if is_condition else self.read(inner)

    def _value(self, value: Any) -> str:
        match value:
            case None:
                return self._phrases["null"]
            case bool():
                return self._phrases["yes" if value else "no"]
            case int() | float() | Decimal():
                return str(format_decimal(value, locale=self._locale, decimal_quantization=False))
            case datetime():
                moment = format_datetime(value, "y-MM-dd HH:mm:ss", tzinfo=UTC, locale=self._locale)
                return f"{moment} UTC"
            case date():
                return str(format_date(value, "medium", locale=self._locale))
            case time():
                return str(format_time(value, "short", locale=self._locale))
            case timedelta():
                return self._duration(value)
            case bytes():
                return value.hex()
            case _:
                return self._say("quote", str(value))

    def _duration(self, value: timedelta) -> str:
        seconds = abs(value)
        parts = []
        for unit, size in (("d", timedelta(days=1)), ("h", timedelta(hours=1)), ("m", timedelta(minutes=1))):
            count, seconds = divmod(seconds, size)
            if count:
                parts.append(self._say(unit, str(count)))
        if seconds or not parts:
            parts.append(self._say("s", f"{seconds.total_seconds():g}"))
        return ("−" if value < timedelta() else "") + " ".join(parts)


def _without_conversions(node: Node) -> Node:
    while isinstance(node, Convert | RecordId):
        node = node.operand
    return node


def _path_of(node: Node) -> Path | None:
    """The path of a field, also inside a list that is walked over."""
    match node:
        case FieldPath():
            return node.path
        case Variable():
            return node.origin
        case RecordId() | Convert():
            return _path_of(node.operand)
        case Member() if node.operand.type.is_record:
            before = _path_of(node.operand)
            return None if before is None else (*before, node.field)
        case _:
            return None


def _filled(template: str, parts: dict[str, str]) -> str:
    """Placeholders replaced in one pass, so that a label with braces stays a label."""
    text, rest = "", template
    while rest:
        at = {piece: rest.find(piece) for piece in parts if piece in rest}
        if not at:
            return text + rest
        piece = min(at, key=lambda each: at[each])
        text += rest[: at[piece]] + parts[piece]
        rest = rest[at[piece] + len(piece) :]
    return text
