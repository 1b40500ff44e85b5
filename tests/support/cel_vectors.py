"""Reads the conformance vectors of the CEL specification and runs them.

Used by `tests/contract/test_cel_conformance.py` and by `scripts/reference_expressions.py`, which prints the rates.
"""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from fieldstone.rules.expressions.compile import compile_in
from fieldstone.rules.expressions.context import EvaluationContext
from fieldstone.rules.expressions.dialect import STANDARD, STANDARD_UNCHECKED, Dialect
from fieldstone.rules.expressions.errors import EvaluationError, ExpressionError
from fieldstone.rules.expressions.types import (
    BOOL,
    BYTES,
    DOUBLE,
    DYN,
    INT,
    NULL,
    STRING,
    UINT,
    Type,
    list_of,
    map_of,
)
from fieldstone.rules.expressions.values import UInt, key_of, kind_of

FOLDER = Path(__file__).parents[1] / "data" / "cel-spec"
CONTEXT = EvaluationContext(now=datetime(2026, 1, 31, 12, tzinfo=UTC), time_zone=ZoneInfo("UTC"))
_TYPES = {"bool": BOOL, "int": INT, "uint": UINT, "double": DOUBLE, "string": STRING, "null": NULL}


@dataclass(frozen=True, slots=True)
class Vector:
    """One test of the specification."""

    file: str
    section: str
    name: str
    source: str
    bindings: Mapping[str, Any]
    expect: Mapping[str, Any]
    checked: bool

    @property
    def key(self) -> str:
        return f"{self.file}/{self.section}/{self.name}"


class Bindings:
    """A type environment of the bindings of a vector."""

    def __init__(self, types: Mapping[str, Type]) -> None:
        self._types = types

    def variable(self, name: str) -> Type | None:
        return self._types.get(name)

    def member(self, record: str, field: str) -> Type | None:
        return None

    def names(self) -> Sequence[str]:
        return tuple(self._types)

    def members(self, record: str) -> Sequence[str]:
        return ()


def vectors() -> Iterator[Vector]:
    """All vectors, by file in alphabetical order."""
    for path in sorted(FOLDER.glob("*.json")):
        for test in json.loads(path.read_text(encoding="utf-8")):
            yield Vector(
                path.stem,
                test["section"],
                test["name"],
                test["expr"],
                test["bindings"],
                test["expect"],
                not test.get("disable_check", False),
            )


def standard(vector: Vector) -> Dialect:
    """The dialect of the specification for this vector."""
    return STANDARD if vector.checked else STANDARD_UNCHECKED


def outcome(vector: Vector, dialect: Dialect | None = None) -> str:
    """`as expected`, or what happened instead; in the dialect of the specification if no other is given."""
    values = {name: value_of(tagged) for name, tagged in vector.bindings.items()}
    types = {name: type_of(tagged) for name, tagged in vector.bindings.items()}
    try:
        result = compile_in(dialect or standard(vector), vector.source, Bindings(types)).evaluate(values, CONTEXT)
    except (ExpressionError, EvaluationError) as error:
        return "as expected" if "error" in vector.expect else f"error: {error}"
    if "error" in vector.expect:
        return f"{result!r} instead of an error"
    return "as expected" if _same(result, value_of(vector.expect["value"])) else f"{result!r}"


def _same(result: Any, wanted: Any) -> bool:
    """Equal, and of the same types throughout."""
    if kind_of(result) != kind_of(wanted):
        return False
    if isinstance(wanted, list):
        return len(result) == len(wanted) and all(map(_same, result, wanted))
    if isinstance(wanted, dict):
        return len(result) == len(wanted) and all(key in result and _same(result[key], wanted[key]) for key in wanted)
    if isinstance(wanted, float) and wanted == result:
        return math.copysign(1, wanted) == math.copysign(1, result)
    return bool(result == wanted)


def value_of(tagged: Mapping[str, Any]) -> Any:
    """The run-time value of a tagged one."""
    ((tag, value),) = tagged.items()
    readers = {
        "int": int,
        "uint": lambda text: UInt(int(text)),
        "double": float,
        "bytes_base64": base64.b64decode,
        "list": lambda items: [value_of(item) for item in items],
        "map": lambda entries: {key_of(value_of(key)): value_of(item) for key, item in entries},
    }
    return readers[tag](value) if tag in readers else value


def type_of(tagged: Mapping[str, Any]) -> Type:
    """The type of a tagged value."""
    ((tag, value),) = tagged.items()
    if tag == "list":
        return list_of(_common(type_of(item) for item in value))
    if tag == "map":
        return map_of(_common(type_of(key) for key, _ in value), _common(type_of(item) for _, item in value))
    return BYTES if tag == "bytes_base64" else _TYPES[tag]


def _common(types: Iterator[Type]) -> Type:
    distinct = set(types)
    return distinct.pop() if len(distinct) == 1 else DYN


_NANOSECONDS = "A moment and a duration hold microseconds, as the databases do; CEL's hold nanoseconds."
_LONG_TIMES = "A difference of moments may be as long as the calendar; CEL's fits 64 bits of nanoseconds (292 years)."
DEVIATIONS: Mapping[str, str] = {
    "timestamps/timestamp_conversions/toString_timestamp_nanos": _NANOSECONDS,
    "timestamps/timestamp_arithmetic/add_time_to_duration_nanos_negative": _NANOSECONDS,
    "timestamps/timestamp_arithmetic/add_time_to_duration_nanos_positive": _NANOSECONDS,
    "timestamps/timestamp_range/sub_time_duration_over": _LONG_TIMES,
    "timestamps/timestamp_range/sub_time_duration_under": _LONG_TIMES,
}
"""Vectors that the engine does not follow, by `Vector.key`, each with the reason."""


def rates(dialect: Dialect | None = None) -> dict[str, tuple[int, int]]:
    """For each file how many vectors pass, and how many there are."""
    counted: dict[str, tuple[int, int]] = {}
    for vector in vectors():
        passed, total = counted.get(vector.file, (0, 0))
        counted[vector.file] = (passed + (outcome(vector, dialect) == "as expected"), total + 1)
    return counted
