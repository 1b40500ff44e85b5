"""What a function of the language is: a name, words about it, and typed overloads.

What comes in: definitions by family (`text`, `numbers`, ...). What goes out: `Function` and `Overload` values, read
by the checker (types), the code generator (`implementation`), the SQL compiler (`sql`) and the generated reference
(`summary`, `example`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any

from fieldstone.rules.expressions.types import Type


class OnNull(Enum):
    """What happens when an argument is null."""

    GIVES_NULL = "gives_null"
    """The function is not called and the result is null, as in SQL."""
    PASSED_ON = "passed_on"
    """The implementation receives None and decides."""


class Needs(Enum):
    """What an implementation receives before its arguments."""

    ARGUMENTS = "arguments"
    CONTEXT = "context"
    RECORD = "record"
    """The mapping of variables."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Overload:
    """One signature. `rest` is the type of any further arguments, None when there are none.

    `sql` is the tag on which the SQL compiler switches; None means that a database cannot evaluate it.
    `implementation` takes run-time values and raises `EvaluationError` for values it cannot use.
    """

    parameters: tuple[Type, ...]
    result: Type
    implementation: Callable[..., Any]
    rest: Type | None = None
    sql: str | None = None
    on_null: OnNull = OnNull.GIVES_NULL
    needs: Needs = Needs.ARGUMENTS

    @property
    def signature(self) -> str:
        """The parameters and the result, as the reference shows them."""
        names = [str(parameter) for parameter in self.parameters]
        if self.rest is not None:
            names.append(f"{self.rest}...")
        return f"({', '.join(names)}) -> {self.result}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """A named function. `example` is an expression and `gives` its value, both in source form."""

    name: str
    family: str
    summary: str
    example: str
    gives: str
    overloads: tuple[Overload, ...]


def overload(
    *parameters: Type,
    to: Type,
    by: Callable[..., Any],
    rest: Type | None = None,
    sql: str | None = None,
    on_null: OnNull = OnNull.GIVES_NULL,
    needs: Needs = Needs.ARGUMENTS,
) -> Overload:
    """An `Overload` in one line: from `parameters` `to` a type, calculated `by` a Python function."""
    return Overload(
        parameters=parameters, result=to, implementation=by, rest=rest, sql=sql, on_null=on_null, needs=needs
    )
