"""Which signature of a function fits its arguments.

What comes in: a function and checked arguments. What goes out: the overload, the arguments converted for it and the
type of the result; without an overload when only the values can decide. Who calls it: `calls`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fieldstone.rules.expressions.coercion import common_type, convert, distance
from fieldstone.rules.expressions.dialect import Dialect
from fieldstone.rules.expressions.functions.definition import Function, Overload
from fieldstone.rules.expressions.reports import Reports, is_open
from fieldstone.rules.expressions.syntax import Literal, Node
from fieldstone.rules.expressions.types import DYN, NULL, T, Type, list_of


@dataclass(frozen=True, slots=True)
class Choice:
    """A fitting signature. `parameters` has one type for each argument, `T` replaced by what it stands for."""

    overload: Overload
    parameters: tuple[Type, ...]
    result: Type
    distance: int


def choices(function: Function, arguments: Sequence[Node], dialect: Dialect) -> list[Choice]:
    """All signatures that fit, the nearest first."""
    found = [_choice(overload, arguments, dialect) for overload in function.overloads]
    return sorted((choice for choice in found if choice is not None), key=lambda choice: choice.distance)


def decided_by_values(fitting: Sequence[Choice], arguments: Sequence[Node]) -> bool:
    """Whether several signatures fit and only the values of dynamic arguments can tell which is meant."""
    return len(fitting) > 1 and fitting[0].distance >= 8 and any(is_open(each.type) for each in arguments)


def converted(choice: Choice, arguments: Sequence[Node], reports: Reports) -> tuple[Node, ...]:
    """The arguments as the chosen signature wants them."""
    return tuple(
        convert(argument, parameter, reports) for argument, parameter in zip(arguments, choice.parameters, strict=True)
    )


def _choice(overload: Overload, arguments: Sequence[Node], dialect: Dialect) -> Choice | None:
    parameters = parameters_for(overload, len(arguments))
    if parameters is None:
        return None
    meaning = _meaning_of_t(parameters, arguments, dialect)
    if meaning is None:
        return None
    wanted = tuple(substituted(parameter, meaning) for parameter in parameters)
    total = 0
    for argument, parameter in zip(arguments, wanted, strict=True):
        step = distance(argument, parameter, dialect)
        if step is None:
            return None
        total += step
    return Choice(overload, wanted, substituted(overload.result, meaning), total)


def parameters_for(overload: Overload, count: int) -> tuple[Type, ...] | None:
    """The parameter types for so many arguments, None when the signature does not take so many."""
    missing = count - len(overload.parameters)
    if missing == 0:
        return overload.parameters
    if missing < 0 or overload.rest is None:
        return None
    return (*overload.parameters, *(overload.rest for _ in range(missing)))


def _meaning_of_t(parameters: Sequence[Type], arguments: Sequence[Node], dialect: Dialect) -> Type | None:
    standing: list[Node] = []
    for parameter, argument in zip(parameters, arguments, strict=True):
        if parameter == T:
            standing.append(argument)
        elif parameter.is_list and parameter.element == T:
            if not argument.type.is_list and not is_open(argument.type) and argument.type != NULL:
                return None
            standing.append(Literal(value=None, type=argument.type.element))
    return common_type(standing, dialect) if standing else NULL


def substituted(of_type: Type, meaning: Type) -> Type:
    """`of_type` with `T` replaced by `meaning`."""
    if of_type == T:
        return meaning
    if of_type.is_list and of_type.element == T:
        return list_of(DYN if meaning == NULL else meaning)
    return of_type
