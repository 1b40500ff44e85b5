"""What is decided by values: operators, fields, elements and functions on values whose type is not known before.

What comes in: run-time values. What goes out: a value or `EvaluationError`. Each function here *makes* the function
that generated code calls, for one dialect: that is where null, missing keys and zero divisors become either null or
an error. Who calls it: the code generator.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from fieldstone.rules.expressions.dialect import Absent, Conversions, Dialect
from fieldstone.rules.expressions.errors import EvaluationError
from fieldstone.rules.expressions.functions.dates import midnight
from fieldstone.rules.expressions.functions.definition import Function, Needs, OnNull, Overload
from fieldstone.rules.expressions.operators import NEGATION, OPERATIONS, Operation
from fieldstone.rules.expressions.overloads import parameters_for
from fieldstone.rules.expressions.types import DATE, DECIMAL, DOUBLE, DYN, ERROR, INT, NULL, TIMESTAMP, UINT, T, Type
from fieldstone.rules.expressions.values import Money, contains, key_back, key_of, kind_of

_KEY_KINDS = frozenset({"bool", "int", "uint", "string", "double", "decimal"})
_WIDENED: dict[str, tuple[tuple[str, Callable[[Any], Any]], ...]] = {
    "int": (("decimal", Decimal), ("double", float)),
    "uint": (("decimal", Decimal), ("double", float)),
}
_UNCHECKED = (DYN.name, ERROR.name, NULL.name, T.name)


def absent(dialect: Dialect, message: str, subject: str = "") -> Any:
    """None where what is absent is unknown, otherwise the error."""
    if dialect.absent is Absent.IS_ERROR:
        raise EvaluationError(message, code="absent", subject=subject)
    return None


def operator(symbol: str, dialect: Dialect) -> Callable[[Any, Any], Any]:
    """An arithmetic operator or order on dynamic values."""
    table = OPERATIONS[symbol]

    def calculate(left: Any, right: Any) -> Any:
        if left is None or right is None:
            return absent(dialect, "{subject} does not work on null.", symbol)
        operation = table.get((kind_of(left), kind_of(right)))
        if operation is None:
            operation, left, right = _widened(table, left, right, dialect)
        if operation is None:
            raise _no_operator(symbol, left, right)
        return quotient(operation.calculate(left, right), dialect)

    return calculate


def quotient(value: Any, dialect: Dialect) -> Any:
    """`value`, or for None what the dialect makes of a zero divisor."""
    return absent(dialect, "Nothing can be divided by zero.") if value is None else value


def divided(calculate: Callable[[Any, Any], Any], dialect: Dialect) -> Callable[[Any, Any], Any]:
    """A division that fails on a zero divisor where the dialect says so."""
    if dialect.absent is Absent.IS_UNKNOWN:
        return calculate
    return lambda left, right: quotient(calculate(left, right), dialect)


def _widened(
    table: Mapping[tuple[str, str], Operation], left: Any, right: Any, dialect: Dialect
) -> tuple[Operation | None, Any, Any]:
    if dialect.conversions is Conversions.IMPLICIT:
        for kind, convert in _WIDENED.get(kind_of(left), ()):
            if (kind, kind_of(right)) in table:
                return table[kind, kind_of(right)], convert(left), right
        for kind, convert in _WIDENED.get(kind_of(right), ()):
            if (kind_of(left), kind) in table:
                return table[kind_of(left), kind], left, convert(right)
        if isinstance(left, Money) ^ isinstance(right, Money) and ("money", "money") in table:
            amounts = [each.amount if isinstance(each, Money) else each for each in (left, right)]
            return table.get((kind_of(amounts[0]), kind_of(amounts[1]))), amounts[0], amounts[1]
    return None, left, right


def _no_operator(symbol: str, left: Any, right: Any) -> EvaluationError:
    message = "{operator} does not work on {left} and {right}."
    return EvaluationError(message, code="no_operator", operator=symbol, left=kind_of(left), right=kind_of(right))


def negation(dialect: Dialect) -> Callable[[Any], Any]:
    """The minus sign before a dynamic value."""

    def calculate(value: Any) -> Any:
        if value is None:
            return absent(dialect, "{subject} does not work on null.", "-")
        operation = NEGATION.get(kind_of(value))
        if operation is None:
            message = "{operator} does not work on {type}."
            raise EvaluationError(message, code="no_operator", operator="-", type=kind_of(value))
        return operation.calculate(value)

    return calculate


def condition(dialect: Dialect) -> Callable[[Any], Any]:
    """A dynamic value used as a condition."""

    def decided(value: Any) -> Any:
        if isinstance(value, bool):
            return value
        if value is None:
            return absent(dialect, "A condition is null.")
        raise EvaluationError("A condition is wanted here, not {type}.", code="not_a_condition", type=kind_of(value))

    return decided


def member(dialect: Dialect) -> Callable[[Any, str], Any]:
    """A field of a map or of a dynamic value."""

    def selected(value: Any, field: str) -> Any:
        if isinstance(value, Mapping):
            return value[field] if field in value else absent(dialect, "There is no key {subject}.", field)
        if isinstance(value, Money) and field in ("amount", "currency"):
            return value.amount if field == "amount" else value.currency
        if value is None:
            return absent(dialect, "Null has no field {subject}.", field)
        raise EvaluationError("A {type} has no field {field}.", code="no_field", field=field, type=kind_of(value))

    return selected


def has_key(dialect: Dialect) -> Callable[[Any, str], bool]:
    """Whether a map has a key; null has none where absent values are unknown."""

    def found(value: Any, field: str) -> bool:
        if isinstance(value, Mapping):
            return field in value
        if value is None and dialect.absent is Absent.IS_UNKNOWN:
            return False
        raise EvaluationError("A {type} has no field {field}.", code="no_field", field=field, type=kind_of(value))

    return found


def element(dialect: Dialect) -> Callable[[Any, Any], Any]:
    """An element of a list by its position, or of a map by its key."""

    def found(value: Any, index: Any) -> Any:
        if value is None or index is None:
            return absent(dialect, "Null has no elements.")
        if isinstance(value, Mapping):
            key = _usable_key(index)
            return value[key] if key in value else absent(dialect, "There is no key {subject}.", str(index)[:40])
        position = key_of(index)
        if not isinstance(value, list | tuple) or not isinstance(position, int):
            message = "{type} has no element for an index of type {index}."
            raise EvaluationError(message, code="no_index", type=kind_of(value), index=kind_of(index))
        if 0 <= position < len(value):
            return value[position]
        return absent(dialect, "The list has no element {subject}.", str(position))

    return found


def _usable_key(index: Any) -> Any:
    if kind_of(index) not in _KEY_KINDS:
        raise EvaluationError("{type} cannot be the key of a map.", code="bad_key", type=kind_of(index))
    return key_of(index)


def membership(dialect: Dialect) -> Callable[[Any, Any], bool]:
    """`in` on any list or map."""

    def found(wanted: Any, items: Any) -> bool:
        if isinstance(items, Mapping):
            return kind_of(wanted) in _KEY_KINDS and key_of(wanted) in items
        if isinstance(items, list | tuple):
            return contains(items, wanted)
        if items is None and dialect.absent is Absent.IS_UNKNOWN:
            return False
        raise EvaluationError("`in` wants a list, not {type}.", code="not_a_list", type=kind_of(items))

    return found


def map_of_entries(entries: Sequence[tuple[Any, Any]]) -> dict[Any, Any]:
    """A map from its entries; a key that stands twice is an error."""
    made: dict[Any, Any] = {}
    for key, value in entries:
        usable = _usable_key(key)
        if usable in made:
            raise EvaluationError("The key {key} stands twice in a map.", code="duplicate_key", key=str(key)[:40])
        made[usable] = value
    return made


def elements(value: Any) -> Sequence[Any]:
    """What a comprehension walks over: the elements of a list or the keys of a map."""
    if isinstance(value, list | tuple):
        return value
    if isinstance(value, Mapping):
        return [key_back(key) for key in value]
    raise EvaluationError("A list is wanted here, not {type}.", code="not_a_list", type=kind_of(value))


def record_ids(records: Sequence[Mapping[str, Any] | None]) -> list[str | None]:
    """The ids of a list of records."""
    return [None if record is None else record["id"] for record in records]


def as_type(given: Type, wanted: Type, dialect: Dialect) -> Callable[[Any, Any], Any]:
    """Makes a dynamic value, or a list of another type, a `wanted`: `convert(context, value)`.

    A value of another type is an error, except that numbers are widened where the dialect does that.
    """
    if wanted.is_list:
        return _list_as_type(given.element, wanted.element, dialect)
    if (given, wanted) == (DATE, TIMESTAMP):
        return lambda context, day: None if day is None else midnight(context, day)
    kind = "map" if wanted.is_record else wanted.name

    def converted(_: Any, value: Any) -> Any:
        found = kind_of(value)
        if found == kind or kind in _UNCHECKED:
            return value
        if value is None and dialect.absent is Absent.IS_UNKNOWN:
            return None
        if dialect.conversions is Conversions.IMPLICIT:
            for wider, convert in _WIDENED.get(found, ()):
                if wider == kind:
                    return convert(value)
        raise EvaluationError("{wanted} is wanted here, not {given}.", code="wrong_type", wanted=kind, given=found)

    return converted


def _list_as_type(given: Type, wanted: Type, dialect: Dialect) -> Callable[[Any, Any], Any]:
    each = as_type(given, wanted, dialect)

    def converted(context: Any, value: Any) -> Any:
        if isinstance(value, list | tuple):
            return [each(context, item) for item in value]
        if value is None and dialect.absent is Absent.IS_UNKNOWN:
            return None
        raise EvaluationError(
            "{wanted} is wanted here, not {given}.", code="wrong_type", wanted="list", given=kind_of(value)
        )

    return converted


def dispatch(function: Function, dialect: Dialect) -> Callable[..., Any]:
    """Calls the overload that fits the values: `call(variables, context, *arguments)`."""

    def call(variables: Any, context: Any, *arguments: Any) -> Any:
        for overload in function.overloads:
            if _fits(overload, arguments, dialect):
                return _called(overload, variables, context, arguments)
        if None in arguments and dialect.absent is Absent.IS_UNKNOWN:
            return None
        types = ", ".join(map(kind_of, arguments))
        raise EvaluationError(
            "{name}() does not work on {types}.", code="bad_arguments", name=function.name, types=types
        )

    return call


def _fits(overload: Overload, arguments: Sequence[Any], dialect: Dialect) -> bool:
    parameters = parameters_for(overload, len(arguments))
    if parameters is None or (None in arguments and overload.on_null is OnNull.GIVES_NULL):
        return False
    return all(
        parameter.name in _UNCHECKED or parameter.name == kind_of(argument)
        for parameter, argument in zip(parameters, arguments, strict=True)
    )


def _called(overload: Overload, variables: Any, context: Any, arguments: Sequence[Any]) -> Any:
    if overload.needs is Needs.CONTEXT:
        return overload.implementation(context, *arguments)
    if overload.needs is Needs.RECORD:
        return overload.implementation(variables, *arguments)
    return overload.implementation(*arguments)


WIDENING: dict[tuple[Type, Type], Callable[[Any], Any]] = {
    (INT, DECIMAL): Decimal,
    (INT, DOUBLE): float,
    (UINT, DECIMAL): Decimal,
}
"""Conversions of values whose type is known."""
