"""Rights on system and adopted objects, which no role decides.

What comes in: a system object and the system rights that roles give. What goes out: the rows each operation reaches.
Who calls it: `policy`.

People, teams and roles are known to everybody who signs in, and changed only by their own services. What is about a
record (comments, attachments, approval requests and their steps) is reached as that record. Notifications are their
owner's. Jobs and timers belong to whoever started them, and to those who may see all of them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Final, Literal, TypeAlias

from fieldstone.objects.access.reach import EVERYTHING, NOTHING, Reach
from fieldstone.objects.access.roles import Operation
from fieldstone.objects.types import Field, ObjectType

Rows: TypeAlias = Literal["none", "own", "all", "subject", "own_on_subject", "own_or_watcher"]

_RIGHTS: Final[Mapping[str, Mapping[Operation, Rows]]] = MappingProxyType(
    {
        "user": {"read": "all"},
        "team": {"read": "all"},
        "role": {"read": "all"},
        "job": {"read": "own_or_watcher"},
        "timer": {"read": "own_or_watcher"},
        "approval_request": {"read": "subject"},
        "approval_step": {"read": "subject"},
        "comment": {"read": "subject", "create": "subject", "update": "own_on_subject", "delete": "own_on_subject"},
        "attachment": {"read": "subject", "create": "subject", "update": "own_on_subject", "delete": "own_on_subject"},
        "notification": {"read": "own", "update": "own", "delete": "own"},
    }
)
_WATCHER: Final = "see_all_jobs"


def system_reach(kind: ObjectType, operation: Operation, rights: Collection[str]) -> Reach | None:
    """The rows that an operation reaches on a system object; None for objects that roles decide about."""
    if kind.managed_by is None and not kind.system:
        return None
    rows = _RIGHTS.get(kind.name, {}).get(operation, "none")
    if rows == "own_or_watcher":
        rows = "all" if _WATCHER in rights else "own"
    subject = subject_of(kind)
    match rows:
        case "all":
            return EVERYTHING
        case "own":
            return Reach(level="own")
        case "subject" if subject is not None:
            return Reach(subject=subject)
        case "own_on_subject" if subject is not None:
            return Reach(level="own", subject=subject)
        case _:
            return NOTHING


def subject_of(kind: ObjectType) -> Field | None:
    """The lookup to what a system record is about, or None: its first lookup that is called `record` or `request`."""
    return next((field for field in kind.lookups if field.name in ("record", "request") and field.type.targets), None)
