"""Reading the fields of a JSON body, strictly.

What comes in: a decoded mapping and the fields a route knows. What goes out: typed values; all faults at once as one
`Invalid`, unknown fields included. Called by API views whose bodies are not records.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from fieldstone.platform.kernel.errors import FieldError, Invalid

MAX_TEXT = 10_000


class Body:
    """One body. Ask for every field, then `done`."""

    def __init__(self, values: Mapping[str, Any], known: Sequence[str]) -> None:
        self._values = values
        self._faults = [
            FieldError(
                path=f"/{name[:100]}", code="unknown", message="There is no such field, or it cannot be written."
            )
            for name in values
            if name not in known
        ]

    def has(self, name: str) -> bool:
        """Whether the field is there."""
        return name in self._values

    def text(self, name: str, *, most: int = MAX_TEXT) -> str:
        """A text that must be there; "" while a fault is on record."""
        value = self._values.get(name)
        if value is None:
            self.fault(name, "required", "This is needed.")
            return ""
        return self._as_text(name, value, most) or ""

    def optional_text(self, name: str, *, most: int = MAX_TEXT) -> str | None:
        """A text, or None when it is absent or null."""
        value = self._values.get(name)
        return None if value is None else self._as_text(name, value, most)

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of texts; empty when absent."""
        value = self._values.get(name, [])
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            self.fault(name, "type", "This must be a list of texts.")
            return ()
        return tuple(value)

    def flag(self, name: str, *, default: bool) -> bool:
        """True or false."""
        value = self._values.get(name, default)
        if not isinstance(value, bool):
            self.fault(name, "type", "This must be true or false.")
            return default
        return value

    def mapping(self, name: str) -> Mapping[str, Any]:
        """A JSON object; empty when absent."""
        value = self._values.get(name, {})
        if not isinstance(value, dict):
            self.fault(name, "type", "This must be a JSON object.")
            return {}
        return value

    def moment(self, name: str) -> datetime | None:
        """A point in time with its offset, or None when absent or null."""
        value = self._values.get(name)
        if value is None:
            return None
        try:
            moment = datetime.fromisoformat(value) if isinstance(value, str) else None
        except ValueError:
            moment = None
        if moment is None or moment.tzinfo is None:
            self.fault(name, "datetime", "Write a point in time as 2030-01-31T12:00:00Z.")
            return None
        return moment

    def fault(self, name: str, code: str, message: str) -> None:
        """One more fault, at a field."""
        self._faults.append(FieldError(path=f"/{name}", code=code, message=message))

    def done(self) -> None:
        """Raise `Invalid` when there were faults."""
        if self._faults:
            raise Invalid(errors=self._faults)

    def _as_text(self, name: str, value: Any, most: int) -> str | None:
        if not isinstance(value, str):
            self.fault(name, "type", "This must be a text.")
            return None
        if len(value) > most:
            self._faults.append(
                FieldError(
                    path=f"/{name}", code="too_long", message="Use at most {limit} characters.", facts={"limit": most}
                )
            )
            return None
        return value


def _escaped(name: str) -> str:
    """A key as one step of a JSON pointer."""
    return name[:100].replace("~", "~0").replace("/", "~1")
