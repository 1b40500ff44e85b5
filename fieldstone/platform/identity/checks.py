"""What a user's or team's fields may hold.

What comes in: values as a caller sent them. What goes out: nothing, or `Invalid` with every fault at once. Called by
the services before they write, whatever door the values came through.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any
from zoneinfo import available_timezones

from fieldstone.platform.kernel.errors import FieldError, Invalid
from fieldstone.platform.kernel.text import LOCALES

_EMAIL = re.compile(r"[^@\s<>\"\\,;:()\[\]]{1,64}@[^@\s<>\"\\,;:()\[\]/]{1,189}")
_MAX_NAME = 200
_MAX_PREFERENCES = 40
_PREFERENCE_TYPES = (str, bool, int, type(None))


class Faults:
    """Collects what is wrong, to be told at once."""

    def __init__(self) -> None:
        self._found: list[FieldError] = []

    def add(self, path: str, code: str, message: str, facts: Mapping[str, Any] | None = None) -> None:
        """One more thing wrong at `path`."""
        self._found.append(FieldError(path=path, code=code, message=message, facts=facts or {}))

    def stop_if_any(self) -> None:
        """Raise `Invalid` when something is wrong."""
        if self._found:
            raise Invalid(errors=self._found)

    def email(self, value: Any) -> None:
        """An address with one @, no spaces and nothing that a mail header would take for its own."""
        if not isinstance(value, str) or not _EMAIL.fullmatch(value.strip()) or has_controls(value):
            self.add("/email", "email", "This is not an e-mail address.")

    def name(self, value: Any) -> None:
        """A name on one line."""
        if not isinstance(value, str) or not value.strip():
            self.add("/name", "required", "This is needed.")
        elif len(value) > _MAX_NAME:
            self.add("/name", "too_long", "Use at most {limit} characters.", {"limit": _MAX_NAME})
        elif has_controls(value):
            self.add("/name", "characters", "Control characters are not allowed here.")

    def locale(self, value: Any) -> None:
        """One of ours, or None."""
        if value is not None and value not in LOCALES:
            self.add("/locale", "choice", "Choose one of {choices}.", {"choices": LOCALES})

    def time_zone(self, value: Any) -> None:
        """A name of the time zone database, or None."""
        if value is not None and (not isinstance(value, str) or value not in available_timezones()):
            self.add("/time_zone", "choice", "This is not a time zone. Write it as Europe/Berlin.")

    def preferences(self, value: Any) -> None:
        """A small flat mapping of plain values."""
        fits = (
            isinstance(value, Mapping)
            and len(value) <= _MAX_PREFERENCES
            and all(isinstance(key, str) and len(key) <= _MAX_PREFERENCES for key in value)
            and all(isinstance(item, _PREFERENCE_TYPES) and len(str(item)) <= _MAX_NAME for item in value.values())
        )
        if not fits:
            self.add("/preferences", "invalid", "Preferences are a few short plain values.")

    def names(self, path: str, value: Any) -> None:
        """A list of texts without repetition."""
        if not isinstance(value, Sequence) or isinstance(value, str) or not all(isinstance(v, str) for v in value):
            self.add(path, "type", "This must be a list of texts.")
        elif len(set(value)) != len(value):
            self.add(path, "duplicate", "Something is there twice.")


_BAD_CATEGORIES = frozenset({"Cc", "Cs", "Zl", "Zp"})
_OVERRIDES = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def has_controls(text: str) -> bool:
    """Whether a text has control, direction-override or line-separating characters."""
    return any(sign in _OVERRIDES or unicodedata.category(sign) in _BAD_CATEGORIES for sign in text)
