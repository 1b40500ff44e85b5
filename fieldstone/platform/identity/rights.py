"""What roles allow, as far as identity must know: system rights, and whether one set of roles covers another.

Reads the published bodies of kind `role` (`system`, `inherits`, `objects`, `fields`); what object and row rights mean
for records is decided in `objects.access`. A tenant without any published role called `admin` still has that one,
built in, with every right: somebody must be able to publish the first package. Called by the HTTP policies and by the
services of this package.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from fieldstone.platform.kernel.context import Context
from fieldstone.platform.kernel.errors import Forbidden
from fieldstone.platform.kernel.metadata import Snapshot

ADMIN = "admin"
SYSTEM_RIGHTS: tuple[str, ...] = (
    "manage_metadata",
    "manage_users",
    "view_audit",
    "manage_jobs",
    "import_records",
    "export_records",
    "see_all_jobs",
    "manage_tenant",
)
_BUILT_IN_ADMIN: Mapping[str, Any] = {
    "name": ADMIN,
    "system": SYSTEM_RIGHTS,
    "objects": {
        "*": {"read": "all", "create": "all", "update": "all", "delete": "all", "export": True, "import": True}
    },
}
_NOTHING = ("none", False)
_LEVELS: Mapping[str, int] = {"none": 0, "own": 1, "team": 2, "all": 3}
_FIELD_LEVELS: Mapping[str, int] = {"hidden": 0, "read": 1, "edit": 2}


class RoleRights:
    """Answers about the roles of one snapshot; compiled once per snapshot and set of roles."""

    def of(self, context: Context) -> frozenset[str]:
        """The system rights of the context's actor; the system has them all."""
        if context.actor.is_system:
            return frozenset(SYSTEM_RIGHTS)
        return self.of_roles(context.snapshot, context.actor.roles)

    def of_roles(self, snapshot: Snapshot, roles: Iterable[str]) -> frozenset[str]:
        """The system rights of a set of roles, inherited ones included."""
        return frozenset(right for body in _bodies(snapshot, roles) for right in body.get("system", ()))

    def exists(self, snapshot: Snapshot, role: str) -> bool:
        """Whether a role may be assigned."""
        return _body(snapshot, role) is not None

    def lacking(self, snapshot: Snapshot, held: Iterable[str], wanted: Iterable[str]) -> list[str]:
        """What `wanted` roles allow and `held` roles do not, as short names; empty when covered.

        Errs on the side of lacking: a right under a condition is covered only by the same condition or by "all".
        """
        held_bodies = list(_bodies(snapshot, held))
        missing: set[str] = set()
        for body in _bodies(snapshot, wanted):
            missing.update(_lacking_system(held_bodies, body))
            missing.update(_lacking_objects(held_bodies, body))
            missing.update(_lacking_fields(held_bodies, body))
        return sorted(missing)

    def require(self, context: Context, right: str) -> None:
        """Raise `Forbidden` unless the context's actor has the system right."""
        if right not in self.of(context):
            raise Forbidden("This needs the right {right}.", right=right)

    def require_everything(self, context: Context) -> None:
        """Raise `Forbidden` unless the actor may do all there is: for steps that widen one's own reach."""
        if not context.actor.is_system and self._lacks_something(context):
            raise Forbidden("You cannot widen your own access.")

    def _lacks_something(self, context: Context) -> bool:
        bodies = list(_bodies(context.snapshot, context.actor.roles))
        return bool(_lacking_system(bodies, _BUILT_IN_ADMIN)) or any(_lacking_objects(bodies, _BUILT_IN_ADMIN))

    def require_cover(self, context: Context, roles: Iterable[str]) -> None:
        """Raise `Forbidden` unless the actor has every right that `roles` give."""
        if context.actor.is_system:
            return
        lacking = self.lacking(context.snapshot, context.actor.roles, roles)
        if lacking:
            raise Forbidden(
                "You cannot give or manage rights that you do not have yourself: {lacking}.", lacking=lacking
            )


def _bodies(snapshot: Snapshot, roles: Iterable[str]) -> Iterator[Mapping[str, Any]]:
    """The bodies of roles and of what they inherit, each once."""
    waiting, seen = sorted(roles), set[str]()
    while waiting:
        name = waiting.pop()
        body = _body(snapshot, name)
        if name in seen or body is None:
            continue
        seen.add(name)
        waiting.extend(body.get("inherits", ()))
        yield body


def _body(snapshot: Snapshot, role: str) -> Mapping[str, Any] | None:
    definition = snapshot.definition("role", role)
    if definition is not None:
        return definition.body
    return _BUILT_IN_ADMIN if role == ADMIN else None


def _lacking_system(held: list[Mapping[str, Any]], body: Mapping[str, Any]) -> set[str]:
    have = {right for own in held for right in own.get("system", ())}
    return set(body.get("system", ())) - have


def _lacking_objects(held: list[Mapping[str, Any]], body: Mapping[str, Any]) -> Iterator[str]:
    for name, rights in body.get("objects", {}).items():
        for operation, right in rights.items():
            if not any(_covers(_right_on(own, name, operation), right) for own in held):
                yield f"{name}.{operation}"


def _right_on(body: Mapping[str, Any], name: str, operation: str) -> Any:
    """The right of one role on an object: its own entry, else that for all objects."""
    objects = body.get("objects", {})
    if name in objects and operation in objects[name]:
        return objects[name][operation]
    return objects.get("*", {}).get(operation, "none")


def _covers(held: Any, wanted: Any) -> bool:
    """`True` means the object's own sharing and a mapping means a condition: neither compares with a level."""
    if wanted in _NOTHING or held == "all" or held == wanted:
        return True
    if isinstance(held, str) and isinstance(wanted, str):
        return _LEVELS[held] >= _LEVELS[wanted]
    return False


def _lacking_fields(held: list[Mapping[str, Any]], body: Mapping[str, Any]) -> Iterator[str]:
    """Fields that `body` opens and that every held role with a word on them keeps more closed."""
    for path, wanted in body.get("fields", {}).items():
        levels = [own["fields"][path] for own in held if path in own.get("fields", {})]
        if levels and max(_FIELD_LEVELS[level] for level in levels) < _FIELD_LEVELS[wanted]:
            yield path
