"""The few points at which Fieldstone's language and standard CEL differ, as one value.

Who reads it: the checker and the code generator. `FIELDSTONE` is the product; `STANDARD` and `STANDARD_UNCHECKED`
run the conformance vectors of the specification.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from fieldstone.rules.expressions.functions.catalogue import CEL_FUNCTIONS, FUNCTIONS
from fieldstone.rules.expressions.functions.definition import Function


class Absent(Enum):
    """What an operator does with a value that is not there: a null operand, a missing key, a zero divisor."""

    IS_UNKNOWN = "is_unknown"
    """The result is null, as in SQL; `&&`, `||` and `!` follow Kleene."""
    IS_ERROR = "is_error"


class Faults(Enum):
    """What happens with an expression that the checker finds wrong."""

    REFUSED = "refused"
    DEFERRED = "deferred"
    """The faulty part fails when it is evaluated, unless `&&`, `||` or `?:` make it irrelevant."""


class Conversions(Enum):
    """How values of different types meet."""

    IMPLICIT = "implicit"
    """`0.1` is an exact decimal; int becomes decimal or double, a date a timestamp, and a text literal a date, where
    the other side asks for it."""
    EXPLICIT = "explicit"
    """`0.1` is a double; operators on different types are errors."""


class Names(Enum):
    """Whether a name of the environment may hold dots."""

    PLAIN = "plain"
    QUALIFIED = "qualified"


class Mixing(Enum):
    """What branches of different types, as in `c ? 1 : 'a'`, become."""

    REFUSED = "refused"
    DYNAMIC = "dynamic"


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """One reading of the language. `forbidden_in_text` are characters that no text literal may hold."""

    name: str
    absent: Absent
    faults: Faults
    conversions: Conversions
    names: Names
    mixing: Mixing
    functions: Mapping[str, Function]
    forbidden_in_text: str


FIELDSTONE = Dialect(
    name="fieldstone",
    absent=Absent.IS_UNKNOWN,
    faults=Faults.REFUSED,
    conversions=Conversions.IMPLICIT,
    names=Names.PLAIN,
    mixing=Mixing.REFUSED,
    functions=FUNCTIONS,
    forbidden_in_text="\0",
)
STANDARD = Dialect(
    name="standard",
    absent=Absent.IS_ERROR,
    faults=Faults.REFUSED,
    conversions=Conversions.EXPLICIT,
    names=Names.QUALIFIED,
    mixing=Mixing.DYNAMIC,
    functions=CEL_FUNCTIONS,
    forbidden_in_text="",
)
STANDARD_UNCHECKED = Dialect(
    name="standard without a checker",
    absent=Absent.IS_ERROR,
    faults=Faults.DEFERRED,
    conversions=Conversions.EXPLICIT,
    names=Names.QUALIFIED,
    mixing=Mixing.DYNAMIC,
    functions=CEL_FUNCTIONS,
    forbidden_in_text="",
)
