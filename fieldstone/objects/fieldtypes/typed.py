"""The marshmallow field behind every field type.

What comes in: a function that reads one JSON value or raises `Rejected`. What goes out: a marshmallow field whose
error messages are `Problem` values, so that codes and facts survive until the edge translates them. Who calls it:
`FieldType.marshmallow_field`, and the codec for fields that may not be written.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from marshmallow import ValidationError, fields, missing

from fieldstone.objects.fieldtypes.problems import NOT_WRITABLE, REQUIRED, Problem, ProblemKind, Rejected


class Typed(fields.Field[Any]):
    """Reads a value with a function. `empty` is what stands for null."""

    def __init__(self, read: Callable[[Any], Any], *, required: bool, empty: Any = None) -> None:
        super().__init__(required=required, allow_none=True)
        self.reader = read
        self.empty = empty

    def _validate_missing(self, value: Any) -> None:
        if self.required and (value is None or value is missing):
            raise failure(REQUIRED)

    def deserialize(self, value: Any, attr: str | None = None, data: Any = None, **facts: Any) -> Any:
        """The Python value; raises `ValidationError` whose messages are `Problem` values."""
        result = super().deserialize(value, attr, data, **facts)
        if value is None or result is None:
            if self.required:
                raise failure(REQUIRED)
            return self.empty
        if self.required and result == self.empty:
            raise failure(REQUIRED)
        return result

    def _deserialize(self, value: Any, attr: str | None, data: Any, **facts: Any) -> Any:
        try:
            return self.reader(value)
        except Rejected as rejected:
            raise ValidationError([rejected.problem]) from None


class NotWritable(fields.Field[Any]):
    """Refuses whatever is sent for it."""

    def deserialize(self, value: Any, attr: str | None = None, data: Any = None, **facts: Any) -> Any:
        """Raises `ValidationError` if anything was sent."""
        if value is not missing:
            raise failure(NOT_WRITABLE)
        return value


def failure(kind: ProblemKind, **facts: Any) -> ValidationError:
    """A validation error of that kind."""
    return ValidationError([Problem(code=kind.code, message=kind.message, facts=facts)])
