"""What rules decide: effects.

What it is for: a rule never writes; it returns effects, plain values that the record service applies in the same unit
of work. What goes out: one frozen class per effect and `Effect`, their union. Who makes them: `rules.engine` and
`rules.approvals`; who applies them: `objects.records` (with the cause chain of the rule), tested without a database.

Values of `SetField`, `CreateRecord` and `UpdateRecord` are Python values of the target field's type, or `CreatedId`
for the id of a record that an earlier effect of the same run creates. They are field-checked when they are applied.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, TypeAlias

from fieldstone.platform.kernel.text import Text

_EMPTY: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class CreatedId:
    """Stands for the id of the record made by the `CreateRecord` whose `as_name` is `name`, earlier in the same run."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SetField:
    """Set a field of the record being saved, before it is written."""

    rule: str
    field: str
    value: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Reject:
    """Refuse the save. All rejects of a save are reported together.

    `message` is a plain string or labels by locale; `{placeholders}` are already filled in. `fields` are the API
    names it points at (none: the whole record).
    """

    rule: str
    message: Text
    fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateRecord:
    """Create a record of `object` through the record service, as the system, with the rule as its cause."""

    rule: str
    object: str
    values: Mapping[str, Any]
    as_name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateRecord:
    """Change fields of a stored record through the record service, as the system, with the rule as its cause.

    `expect` are values that the record must still have; when one differs nothing is written and the save is a
    `Conflict`.
    """

    rule: str
    object: str
    id: str
    values: Mapping[str, Any]
    expect: Mapping[str, Any] = field(default_factory=lambda: _EMPTY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Notify:
    """Tell people. `users` are user ids, `roles` role names (everyone who has one); duplicates count once.

    `object` and `record` name the record that the notification opens; access is checked again when it is read.
    """

    rule: str
    subject: Text
    body: Text = ""
    users: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    object: str | None = None
    record: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PostMessage:
    """Post `payload` (JSON values only) to the outbox under `topic`: webhooks, plugin actions, asynchronous rules.

    It leaves with the commit, at least once; consumers drop repeats by the message id.
    """

    rule: str
    topic: str
    payload: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmitForApproval:
    """Submit the record to an approval process, as the acting user."""

    rule: str
    process: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispatch:
    """Have the record assigned by a dispatch policy (ranked outside the unit of work)."""

    rule: str
    policy: str


Effect: TypeAlias = (
    SetField | Reject | CreateRecord | UpdateRecord | Notify | PostMessage | SubmitForApproval | Dispatch
)
