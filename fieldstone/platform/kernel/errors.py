"""The one error tree.

What it is for: every refusal that a person or a program may see is an instance of `FieldstoneError`.
What comes in: facts, as keyword arguments. What goes out: a stable `code`, a message template in English with
`{fact}` placeholders (also the key of its translation) and the facts. No HTTP here: `platform.http.problems`
maps classes to statuses in one table. Who calls it: every room.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, ClassVar

from fieldstone.platform.kernel.text import Text

_NO_FACTS: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldError:
    """One thing wrong with one place of the input.

    `path` is a JSON pointer into the caller's body ("/amount", "/lines/0/part"; "" is the whole body).
    `message` is an English template (translated by the edge) or a tenant's own labels by locale.
    """

    path: str
    code: str
    message: Text
    facts: Mapping[str, Any] = field(default_factory=lambda: _NO_FACTS)


class FieldstoneError(Exception):
    """Something was refused."""

    code: ClassVar[str] = "refused"

    def __init__(
        self, message: Text | None = None, *, errors: Sequence[FieldError] = (), code: str | None = None, **facts: Any
    ) -> None:
        self.message: Text = message if message is not None else (type(self).__doc__ or "").strip()
        self.errors: tuple[FieldError, ...] = tuple(errors)
        self.facts: Mapping[str, Any] = MappingProxyType(facts)
        self.instance_code: str = code or type(self).code
        super().__init__(self.message if isinstance(self.message, str) else str(dict(self.message)))

    def __str__(self) -> str:
        text = self.message if isinstance(self.message, str) else str(self.message.get("en", ""))
        for name, value in self.facts.items():
            text = text.replace("{" + name + "}", str(value))
        details = "; ".join(f"{e.path}: {e.message} {dict(e.facts) or ''}".rstrip() for e in self.errors)
        return f"{text} [{details}]" if details else text


class Unreadable(FieldstoneError):
    """The request could not be read."""

    code = "unreadable"


class Invalid(FieldstoneError):
    """Some values are not acceptable."""

    code = "invalid"


class NotSignedIn(FieldstoneError):
    """Please sign in."""

    code = "not_signed_in"


class Forbidden(FieldstoneError):
    """You may not do this."""

    code = "forbidden"


class NotFound(FieldstoneError):
    """There is nothing here, or you may not see it."""

    code = "not_found"


class Conflict(FieldstoneError):
    """The present state does not allow this."""

    code = "conflict"


class StaleRevision(FieldstoneError):
    """Someone else changed this record."""

    # The fact `conflicts` maps each field to its stored and its submitted value.
    code = "stale_revision"


class TooLarge(FieldstoneError):
    """This is larger than allowed."""

    code = "too_large"


class UnsupportedMedia(FieldstoneError):
    """This kind of content is not accepted here."""

    code = "unsupported_media"


class Locked(FieldstoneError):
    """This record is locked."""

    code = "locked"


class PreconditionRequired(FieldstoneError):
    """Send If-Match with the revision you read."""

    code = "precondition_required"


class TooManyRequests(FieldstoneError):
    """Too many requests. Please try again in {retry_after} seconds."""

    code = "too_many_requests"


class Unavailable(FieldstoneError):
    """The service is busy. Please try again in {retry_after} seconds."""

    code = "unavailable"


class Misconfigured(FieldstoneError):
    """The configuration is not safe to start with."""

    code = "misconfigured"


class DuplicateName(FieldstoneError):
    """The name {name} is registered twice."""

    code = "duplicate_name"


class Frozen(FieldstoneError):
    """The registry {name} is closed after start."""

    code = "frozen"
