"""Currency: an exact amount and the code of its currency, in two columns.

With the option `currency` every value has that currency; without it each value may name its own, and one that does
not gets the tenant's (`complete`, in the record service). Amounts of different currencies are never added up.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa
from babel.numbers import list_currencies

from fieldstone.objects.fieldtypes import formats, problems
from fieldstone.objects.fieldtypes.base import Field, FieldType, Scope
from fieldstone.objects.fieldtypes.declaration import Declaration, MigrationClass
from fieldstone.objects.fieldtypes.numbers import (
    DecimalType,
    Numeric,
    decimal_signature,
    decimal_source,
    decimal_text,
    exact,
    fitted,
    number_from,
    places_option,
    plain,
    rounded,
    stored_decimal,
    within,
)
from fieldstone.objects.fieldtypes.problems import Problem, Rejected, rejected
from fieldstone.objects.fieldtypes.source import Constants
from fieldstone.objects.fieldtypes.texts import PLAIN, TextFormat
from fieldstone.platform.database.types import Chars
from fieldstone.platform.kernel.context import Tenant
from fieldstone.rules.expressions.types import DECIMAL, MONEY, STRING, Type
from fieldstone.rules.expressions.values import Money

PRECISION = 18
_TEXT = re.compile(r"(?:([A-Za-z]{3})\s*)?([^A-Za-z]+?)(?:\s*([A-Za-z]{3}))?", re.ASCII)


@lru_cache(maxsize=1)
def currencies() -> frozenset[str]:
    """All ISO 4217 codes that CLDR knows."""
    return frozenset(list_currencies())


class CurrencyType(Numeric):
    """An amount of money."""

    name = "currency"
    label = MappingProxyType({"en": "Currency", "zh-Hans": "货币", "zh-Hant": "貨幣"})
    icon = "coin"
    completes = True
    options = MappingProxyType(
        {
            "currency": {
                "title": "Currency",
                "description": "The currency of every value; without it each value may name its own.",
                "type": "string",
                "pattern": "^[A-Z]{3}$",
            },
            "scale": places_option(2),
            "min": {"title": "Least", "type": ["number", "string"]},
            "max": {"title": "Greatest", "type": ["number", "string"]},
        }
    )

    def __init__(self, declaration: Declaration, scope: Scope) -> None:
        super().__init__(declaration, scope)
        self.scale: int = self.option("scale", 2)
        self.currency: str | None = self.option("currency")

    def check(self) -> Iterable[Problem]:
        yield from super().check()
        if self.currency is not None and self.currency not in currencies():
            kind = problems.CURRENCY_UNKNOWN
            yield Problem(code=kind.code, message=kind.message, path="/currency", facts={"currency": self.currency})

    def expression_type(self) -> Type:
        return MONEY

    def result_types(self) -> Sequence[Type]:
        return (MONEY, DECIMAL)

    def members(self) -> Mapping[str, tuple[Type, str]]:
        return {"amount": (DECIMAL, ""), "currency": (STRING, "currency")}

    def literal(self, value: Any) -> str:
        return f'decimal("{plain(value.amount)}")'

    def storage(self) -> tuple[tuple[str, sa.types.TypeEngine[Any]], ...]:
        return (("", stored_decimal(PRECISION, self.scale)), ("currency", Chars()))

    def signature(self) -> str:
        return f"money:{decimal_signature(PRECISION, self.scale)}"

    def to_columns(self, value: Any) -> tuple[Any, ...]:
        return (None, None) if value is None else (value.amount, value.currency)

    def from_columns(self, values: Sequence[Any]) -> Any:
        return None if values[0] is None else Money(values[0], values[1])

    def column_source(self, columns: Sequence[str], constants: Constants) -> str:
        amount, currency = columns
        return f"(None if {amount} is None else {constants(Money)}({amount}, {currency}))"

    def read(self, value: Any) -> Money:
        amount: Any
        currency: Any
        if isinstance(value, Money):
            amount, currency = value.amount, value.currency
        elif isinstance(value, Mapping):
            amount, currency = self._parts(value)
        else:
            amount, currency = value, self.currency
        try:
            number = fitted(exact(amount), PRECISION, self.scale)
        except Rejected as error:
            raise error.under("/amount" if isinstance(value, Mapping) else "") from None
        return self._checked(number, currency)

    def load_source(self, value: str, constants: Constants) -> Sequence[str]:
        if self.least is not None or self.most is not None:
            return super().load_source(value, constants)
        allowed = constants(frozenset({self.currency}) if self.currency else currencies())
        fixed = constants(self.currency)
        bare = [f"elif {fixed} is not None:", f"    a, c = {value}, {fixed}"] if self.currency else []
        return [
            f"if type({value}) is dict and len({value}) == 2 and 'amount' in {value}:",
            f"    a, c = {value}['amount'], {value}.get('currency')",
            *bare,
            "else:",
            "    raise Doubt",
            f"if type(c) is not str or c not in {allowed}:",
            "    raise Doubt",
            *decimal_source("a", constants, PRECISION, self.scale),
            f"{value} = {constants(Money)}(a, c)",
        ]

    def coerce(self, value: Any) -> Money | None:
        if value is None:
            return None
        amount, currency = (value.amount, value.currency) if isinstance(value, Money) else (value, self.currency)
        number = exact(repr(amount) if isinstance(amount, float) else amount)
        return self._checked(within(rounded(number, self.scale), PRECISION, self.scale), currency)

    def _parts(self, value: Mapping[str, Any]) -> tuple[Any, Any]:
        for name in value:
            if name not in ("amount", "currency"):
                raise rejected(problems.UNKNOWN_PART, path=f"/{name}")
        if value.get("amount") is None:
            raise rejected(problems.REQUIRED, path="/amount")
        return value["amount"], value.get("currency", self.currency)

    def _checked(self, amount: Decimal, currency: Any) -> Money:
        if currency is None or currency == "":
            return Money(self.bounded(amount), self.currency or "")
        if not isinstance(currency, str) or currency not in currencies():
            raise rejected(problems.CURRENCY_UNKNOWN, path="/currency", currency=str(currency)[:20])
        if self.currency is not None and currency != self.currency:
            raise rejected(problems.CURRENCY_NOT_ALLOWED, path="/currency", currency=self.currency)
        return Money(self.bounded(amount), currency)

    def aggregate_body(self, function: str) -> Mapping[str, Any] | None:
        return FieldType.aggregate_body(self, function)

    def complete(self, value: Any, tenant: Tenant) -> Any:
        return value if value.currency else Money(value.amount, tenant.currency)

    def write(self, value: Any) -> dict[str, str]:
        return {"amount": format(value.amount, "f"), "currency": value.currency}

    def dump_source(self, value: str, constants: Constants) -> str:
        amount = f"str({value}.amount)" if self.scale <= 6 else f"format({value}.amount, 'f')"
        return f"{{'amount': {amount}, 'currency': {value}.currency}}"

    def json_schema(self) -> dict[str, Any]:
        amount = {"oneOf": [decimal_text(self.scale), {"type": "number"}]}
        whole: dict[str, Any] = {
            "type": "object",
            "properties": {"amount": amount, "currency": self._currency_schema()},
            "required": ["amount"],
            "additionalProperties": False,
        }
        return {"oneOf": [whole, *amount["oneOf"]]}

    def output_schema(self) -> dict[str, Any]:
        properties = {"amount": decimal_text(self.scale), "currency": self._currency_schema()}
        return {"type": "object", "properties": properties, "required": ["amount", "currency"]}

    def _currency_schema(self) -> dict[str, Any]:
        return {"const": self.currency} if self.currency else {"type": "string", "pattern": "^[A-Z]{3}$"}

    def widget(self, field: Field, locale: str) -> dict[str, Any]:
        widget = {"kind": "money", "scale": self.scale, "currency": self.currency} | self.bounds_widget()
        return widget if self.currency else widget | {"currencies": sorted(currencies())}

    def display(self, value: Any, locale: str, time_zone: str) -> str:
        return formats.money(value.amount, value.currency, locale, self.scale)

    def to_text(self, value: Any, fmt: TextFormat = PLAIN) -> str:
        return f"{plain(value.amount).replace('.', fmt.decimal_mark)} {value.currency}"

    def from_text(self, text: str, fmt: TextFormat = PLAIN) -> Any:
        if text.strip() in fmt.empty:
            return None
        found = _TEXT.fullmatch(text.strip())
        if found is None:
            raise rejected(problems.NOT_A_NUMBER)
        before, amount, after = found.groups()
        code = before or after
        parts = {"amount": number_from(amount, fmt)} | ({"currency": code.upper()} if code else {})
        return self.read(parts)

    def migrate_from(self, other: FieldType) -> MigrationClass | None:
        if isinstance(other, CurrencyType):
            if self.currency is not None and self.currency != other.currency:
                return "lossy"
            return "safe" if other.signature() == self.signature() else "slow" if other.scale <= self.scale else "lossy"
        if isinstance(other, DecimalType) and self.currency and other.scale <= self.scale:
            return "slow"
        return "lossy" if other.storage() and self.currency and not other.volatile and not other.labelled else None
