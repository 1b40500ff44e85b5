"""Numbers: integer, decimal, percent, rating. Exact everywhere: no float is accepted or answered.

Decimals are JSON strings on output and strings or exact JSON numbers on input, always with the declared number of
decimal places. Integers stay within +-(2^53 - 1), which every JSON reader keeps exactly.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import ROUND_HALF_UP, Context, Decimal
from types import MappingProxyType
from typing import Any, ClassVar

import sqlalchemy as sa

from fieldstone.objects.fieldtypes import formats, problems
from fieldstone.objects.fieldtypes.base import Field, FieldType, Scope
from fieldstone.objects.fieldtypes.declaration import USUAL, Declaration, MigrationClass
from fieldstone.objects.fieldtypes.operators import NUMERIC, Operator
from fieldstone.objects.fieldtypes.problems import Problem, rejected
from fieldstone.objects.fieldtypes.source import Constants
from fieldstone.objects.fieldtypes.texts import PLAIN, TextFormat
from fieldstone.platform.database.types import ExactDecimal
from fieldstone.rules.expressions.types import DECIMAL, INT, Type

MAX_INTEGER = 2**53 - 1
MAX_PRECISION = 38
_DECIMAL = re.compile(r"[+-]?(?:\d{1,60}(?:\.\d{0,60})?|\.\d{1,60})(?:[eE][+-]?\d{1,2})?", re.ASCII)
_INTEGER = re.compile(r"[+-]?\d{1,20}", re.ASCII)
_STATISTICS = ("count", "sum", "avg", "min", "max")


def exact(value: Any) -> Decimal:
    """The decimal that a JSON number, a text or a Python number means. Raises `Rejected`."""
    if isinstance(value, Decimal):
        number = value
    elif isinstance(value, str):
        if not _DECIMAL.fullmatch(value):
            raise rejected(problems.NOT_A_NUMBER)
        number = Decimal(value)
    elif isinstance(value, int) and not isinstance(value, bool):
        number = Decimal(value) if abs(value) < 10**100 else Decimal("Infinity")
    else:
        raise rejected(problems.NO_NUMBER)
    if not number.is_finite() or abs(number.adjusted()) > 100:
        raise rejected(problems.NOT_A_NUMBER)
    return number


def fitted(number: Decimal, precision: int, scale: int) -> Decimal:
    """The same number with exactly `scale` places. Raises `Rejected` when it has more, or too many digits."""
    result = rounded(number, scale)
    if result != number:
        raise rejected(problems.TOO_PRECISE, scale=scale)
    return within(result, precision, scale)


def within(number: Decimal, precision: int, scale: int) -> Decimal:
    """The number itself. Raises `Rejected` when it has too many digits before the mark."""
    if number and number.adjusted() >= precision - scale:
        raise rejected(problems.TOO_LARGE, max="9" * (precision - scale) + ("." + "9" * scale if scale else ""))
    return number


def rounded(number: Decimal, scale: int) -> Decimal:
    """With exactly `scale` places, halves away from zero; never a negative zero."""
    result = number.quantize(_UNITS[scale], context=_CONTEXT)
    return result if result else _UNITS[scale] - _UNITS[scale]


def plain(number: Decimal) -> str:
    """Its digits, without an exponent."""
    return format(number, "f")


def number_from(text: str, fmt: TextFormat) -> str:
    """The text of a number in a cell, with a full stop as decimal mark and without group marks."""
    bare = text.strip().replace("\u00a0", "").replace(" ", "")
    if fmt.group_mark:
        bare = bare.replace(fmt.group_mark, "")
    return bare.replace(fmt.decimal_mark, ".")


class Numeric(FieldType):
    """What all numbers share: bounds, order, arithmetic."""

    group = "number"
    icon = "123"
    common: ClassVar[frozenset[str]] = USUAL | {"min", "max", "unique"}
    operators: ClassVar[tuple[Operator, ...]] = NUMERIC
    aggregates: ClassVar[tuple[str, ...]] = _STATISTICS

    def __init__(self, declaration: Declaration, scope: Scope) -> None:
        super().__init__(declaration, scope)
        self.least = self.bound("min")
        self.most = self.bound("max")

    def bound(self, name: str) -> Decimal | None:
        """A bound of the definition."""
        value = self.option(name)
        return None if value is None else exact(value if isinstance(value, str | Decimal) else str(value))

    def bounded(self, number: Any) -> Any:
        """The number itself. Raises `Rejected` when it is out of bounds."""
        if self.least is not None and number < self.least:
            raise rejected(problems.TOO_SMALL, min=plain(self.least))
        if self.most is not None and number > self.most:
            raise rejected(problems.TOO_LARGE, max=plain(self.most))
        return number

    def check(self) -> Iterable[Problem]:
        if self.least is not None and self.most is not None and self.least > self.most:
            yield Problem(code="bounds", message="The least value is above the greatest.", path="/min")

    def aggregate_body(self, function: str) -> Mapping[str, Any] | None:
        if function == "avg":
            return {"type": "decimal", "scale": 4}
        return super().aggregate_body(function)

    def literal(self, value: Any) -> str:
        return str(value)

    def from_text(self, text: str, fmt: TextFormat = PLAIN) -> Any:
        return None if text.strip() in fmt.empty else self.read(number_from(text, fmt))

    def search_text(self, value: Any) -> str:
        return self.to_text(value)

    def bounds_schema(self) -> dict[str, Any]:
        """The bounds for JSON Schema, where they are numbers."""
        pairs = (("minimum", self.least), ("maximum", self.most))
        return {name: int(bound) for name, bound in pairs if bound is not None and bound == int(bound)}

    def bounds_widget(self) -> dict[str, Any]:
        """The bounds for a number input."""
        pairs = (("min", self.least), ("max", self.most))
        return {name: plain(bound) for name, bound in pairs if bound is not None}


class IntegerType(Numeric):
    """A whole number within +-(2^53 - 1)."""

    name = "integer"
    label = MappingProxyType({"en": "Whole number", "zh-Hans": "整数", "zh-Hant": "整數"})
    options = MappingProxyType(
        {"min": {"title": "Least", "type": "integer"}, "max": {"title": "Greatest", "type": "integer"}}
    )
    lowest: ClassVar[int] = -MAX_INTEGER
    highest: ClassVar[int] = MAX_INTEGER

    def expression_type(self) -> Type:
        return INT

    def storage(self) -> tuple[tuple[str, sa.types.TypeEngine[Any]], ...]:
        return (("", sa.BigInteger()),)

    def read(self, value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int | Decimal):
            raise rejected(problems.NOT_WHOLE)
        if isinstance(value, Decimal):
            number = exact(value)
            if number != number.to_integral_value():
                raise rejected(problems.NOT_WHOLE)
            value = int(number)
        if not self.lowest <= value <= self.highest:
            if value < 0:
                raise rejected(problems.TOO_SMALL, min=self.lowest)
            raise rejected(problems.TOO_LARGE, max=self.highest)
        return int(self.bounded(value))

    def coerce(self, value: Any) -> int | None:
        return None if value is None else self.read(value if isinstance(value, int) else int(rounded(exact(value), 0)))

    def load_source(self, value: str, constants: Constants) -> Sequence[str]:
        low = self.lowest if self.least is None else max(self.lowest, -int(-self.least // 1))
        high = self.highest if self.most is None else min(self.highest, int(self.most // 1))
        return [f"if type({value}) is not int or not {low} <= {value} <= {high}:", "    raise Doubt"]

    def json_schema(self) -> dict[str, Any]:
        return {"type": "integer", "minimum": self.lowest, "maximum": self.highest} | self.bounds_schema()

    def output_schema(self) -> dict[str, Any]:
        return {"type": "integer"}

    def widget(self, field: Field, locale: str) -> dict[str, Any]:
        return {"kind": "number", "step": "1"} | self.bounds_widget()

    def display(self, value: Any, locale: str, time_zone: str) -> str:
        return formats.number(value, locale, 0)

    def from_text(self, text: str, fmt: TextFormat = PLAIN) -> Any:
        if text.strip() in fmt.empty:
            return None
        bare = number_from(text, fmt)
        if _INTEGER.fullmatch(bare):
            return self.read(int(bare))
        number = exact(bare)
        return self.read(number)

    def migrate_from(self, other: FieldType) -> MigrationClass | None:
        if isinstance(other, IntegerType):
            return "safe"
        return "lossy" if other.storage() and not other.volatile and not other.labelled else None


class RatingType(IntegerType):
    """Some stars out of `max`."""

    name = "rating"
    label = MappingProxyType({"en": "Rating", "zh-Hans": "评分", "zh-Hant": "評分"})
    icon = "star"
    common = USUAL | {"max"}
    operators = (*NUMERIC,)
    groupable = True
    options = MappingProxyType(
        {"max": {"title": "Stars", "type": "integer", "minimum": 2, "maximum": 10, "default": 5}}
    )

    def __init__(self, declaration: Declaration, scope: Scope) -> None:
        super().__init__(declaration, scope)
        self.least = Decimal(1)
        self.most = Decimal(self.option("max", 5))

    def aggregate_body(self, function: str) -> Mapping[str, Any] | None:
        return {"type": "integer"} if function == "sum" else super().aggregate_body(function)

    def widget(self, field: Field, locale: str) -> dict[str, Any]:
        return {"kind": "rating", "max": int(self.option("max", 5))}

    def display(self, value: Any, locale: str, time_zone: str) -> str:
        return f"{value}/{self.option('max', 5)}"


def places_option(default: int, title: str = "Decimal places") -> dict[str, Any]:
    """The schema of an option with decimal places."""
    return {"title": title, "type": "integer", "minimum": 0, "maximum": 12, "default": default}


class DecimalType(Numeric):
    """An exact number with a fixed number of decimal places."""

    name = "decimal"
    label = MappingProxyType({"en": "Decimal number", "zh-Hans": "小数", "zh-Hant": "小數"})
    icon = "decimal"
    default_precision: ClassVar[int] = 18
    default_scale: ClassVar[int] = 2
    options: ClassVar[Mapping[str, Any]] = MappingProxyType(
        {
            "precision": {
                "title": "Digits",
                "description": "Digits in all, before and after the mark.",
                "type": "integer",
                "minimum": 1,
                "maximum": MAX_PRECISION,
                "default": 18,
            },
            "scale": places_option(2),
            "min": {"title": "Least", "type": ["number", "string"]},
            "max": {"title": "Greatest", "type": ["number", "string"]},
        }
    )

    def __init__(self, declaration: Declaration, scope: Scope) -> None:
        super().__init__(declaration, scope)
        self.scale: int = self.option("scale", self.default_scale)
        self.precision: int = self.option("precision", self.default_precision)

    def check(self) -> Iterable[Problem]:
        yield from super().check()
        if self.scale > self.precision:
            yield Problem(code="scale", message="There are more decimal places than digits.", path="/scale")

    def expression_type(self) -> Type:
        return DECIMAL

    def storage(self) -> tuple[tuple[str, sa.types.TypeEngine[Any]], ...]:
        return (("", stored_decimal(self.precision, self.scale)),)

    def signature(self) -> str:
        return decimal_signature(self.precision, self.scale)

    def read(self, value: Any) -> Decimal:
        return self.bounded(fitted(exact(value), self.precision, self.scale))  # type: ignore[no-any-return]

    def load_source(self, value: str, constants: Constants) -> Sequence[str]:
        if self.least is not None or self.most is not None:
            return super().load_source(value, constants)
        return decimal_source(value, constants, self.precision, self.scale)

    def coerce(self, value: Any) -> Decimal | None:
        if value is None:
            return None
        number = exact(repr(value) if isinstance(value, float) else value)
        return self.bounded(within(rounded(number, self.scale), self.precision, self.scale))  # type: ignore[no-any-return]

    def aggregate_body(self, function: str) -> Mapping[str, Any] | None:
        if function in ("sum", "avg"):
            places = self.scale if function == "sum" else min(self.scale + 2, 12)
            return {"type": type(self).name, "scale": places, "precision": self.precision}
        return super().aggregate_body(function)

    def write(self, value: Any) -> str:
        return format(value, "f")

    def dump_source(self, value: str, constants: Constants) -> str:
        return f"str({value})" if self.scale <= 6 else f"format({value}, 'f')"

    def literal(self, value: Any) -> str:
        return f'decimal("{plain(value)}")'

    def json_schema(self) -> dict[str, Any]:
        return {"oneOf": [decimal_text(self.scale), {"type": "number"} | self.bounds_schema()]}

    def output_schema(self) -> dict[str, Any]:
        return decimal_text(self.scale)

    def widget(self, field: Field, locale: str) -> dict[str, Any]:
        return {"kind": "decimal", "step": plain(_UNITS[self.scale]), "scale": self.scale} | self.bounds_widget()

    def display(self, value: Any, locale: str, time_zone: str) -> str:
        return formats.number(value, locale, self.scale)

    def to_text(self, value: Any, fmt: TextFormat = PLAIN) -> str:
        return plain(value).replace(".", fmt.decimal_mark)

    def migrate_from(self, other: FieldType) -> MigrationClass | None:
        if isinstance(other, DecimalType) and other.signature() == self.signature():
            return "safe"
        if isinstance(other, DecimalType) and other.scale <= self.scale:
            return "slow"
        if isinstance(other, IntegerType):
            return "slow"
        return "lossy" if other.storage() and not other.volatile and not other.labelled else None


class PercentType(DecimalType):
    """A share in percent: `12.50` means 12.5 %."""

    name = "percent"
    label = MappingProxyType({"en": "Percent", "zh-Hans": "百分比", "zh-Hant": "百分比"})
    icon = "percentage"
    default_precision = 12
    options = MappingProxyType(
        {
            "scale": places_option(2),
            "min": {"title": "Least", "type": ["number", "string"]},
            "max": {"title": "Greatest", "type": ["number", "string"]},
        }
    )

    def widget(self, field: Field, locale: str) -> dict[str, Any]:
        return {**super().widget(field, locale), "kind": "percent"}

    def display(self, value: Any, locale: str, time_zone: str) -> str:
        return f"{formats.number(value, locale, self.scale)}%"

    def from_text(self, text: str, fmt: TextFormat = PLAIN) -> Any:
        return super().from_text(text.strip().removesuffix("%"), fmt)


def decimal_source(value: str, constants: Constants, precision: int, scale: int) -> Sequence[str]:
    """Lines that read a decimal that is written in the usual way, as text."""
    places = rf"(?:\.\d{{1,{scale}}})?" if scale else ""
    usual = re.compile(rf"-?\d{{1,{precision - scale}}}{places}", re.ASCII) if precision > scale else _DECIMAL
    if usual is _DECIMAL:
        return [f"{value} = {constants(lambda each: fitted(exact(each), precision, scale))}({value})"]
    return [
        f"if type({value}) is not str or not {constants(usual.fullmatch)}({value}):",
        "    raise Doubt",
        f"{value} = {constants(Decimal)}({value}).quantize({constants(_UNITS[scale])}, None, {constants(_CONTEXT)})",
        f"if not {value}:",
        f"    {value} = {constants(_UNITS[scale] - _UNITS[scale])}",
    ]


def stored_decimal(precision: int, scale: int) -> sa.types.TypeEngine[Any]:
    """The column of a decimal: one of two precisions, so that widening the declared one changes no column."""
    return ExactDecimal(18 if precision <= 18 else MAX_PRECISION, scale)


def decimal_signature(precision: int, scale: int) -> str:
    """How a decimal is kept."""
    return f"decimal({18 if precision <= 18 else MAX_PRECISION},{scale})"


def decimal_text(scale: int) -> dict[str, Any]:
    """JSON Schema of a decimal as text."""
    places = rf"(\.[0-9]{{1,{scale}}}0*)?" if scale else r"(\.0*)?"
    return {"type": "string", "pattern": rf"^[+-]?[0-9]+{places}$", "format": "decimal"}


_UNITS = tuple(Decimal(1).scaleb(-places) for places in range(MAX_PRECISION + 1))
_CONTEXT = Context(prec=300, rounding=ROUND_HALF_UP)
