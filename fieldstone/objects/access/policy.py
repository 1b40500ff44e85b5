"""What an actor may do, compiled: per snapshot and set of roles, shared by everybody who has those roles.

What comes in: roles and sharing rules of a snapshot. What goes out: `Policy` with `ObjectRights` for each object:
operations and the rows they reach, rights on fields. Rights of several roles add up; what no role allows is denied.
Who calls it: `Access`, for one actor.

Rows. `own`: the owner is the actor or somebody below in the org tree. `team`: also what people of the actor's teams
own. Rows of an owned object (`owned` lookup) are reached as the record they belong to: read with it, everything else
with the right to update it.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from fieldstone.objects.access.reach import EVERYTHING, NOTHING, Opening, Reach
from fieldstone.objects.access.roles import OPERATIONS, FieldRight, Grant, Operation, Role, roles_of
from fieldstone.objects.access.schema import FIELD_RIGHTS, LEVELS, SYSTEM_RIGHTS
from fieldstone.objects.access.sharing import sharing_rules
from fieldstone.objects.access.system import system_reach
from fieldstone.objects.sql.conditions import RowCondition
from fieldstone.objects.types import Field, ObjectType
from fieldstone.platform.kernel.metadata import Snapshot
from fieldstone.rules.expressions.syntax import Path

_RANK: Final = {level: rank for rank, level in enumerate(LEVELS)}
_FIELD_RANK: Final = {right: rank for rank, right in enumerate(FIELD_RIGHTS)}
_SHARING: Final = {"private": "own", "team": "team", "all": "all"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectRights:
    """What may be done with records of `kind`."""

    kind: ObjectType
    reaches: Mapping[Operation, Reach]
    fields: Mapping[str, FieldRight]
    export: bool
    import_: bool
    limits: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def reach(self, operation: Operation) -> Reach:
        """The rows an operation reaches."""
        return self.reaches.get(operation, NOTHING)

    def may(self, operation: Operation) -> bool:
        """Whether an operation reaches any row at all."""
        return not self.reach(operation).is_nothing

    def readable(self, name: str) -> bool:
        """Whether a field may be seen, filtered, sorted and exported."""
        return self.fields.get(name, "hidden") != "hidden"

    def editable(self, name: str) -> bool:
        """Whether a field may be written."""
        return self.fields.get(name, "hidden") == "edit"


class Policy:
    """What a set of roles allows in one snapshot. Rights of an object are compiled on first use."""

    is_system = False

    def __init__(self, snapshot: Snapshot, roles: frozenset[str]) -> None:
        self.snapshot = snapshot
        self.roles: tuple[Role, ...] = roles_of(snapshot, roles)
        self.names = frozenset(role.name for role in self.roles) | roles
        self.system_rights = frozenset(right for role in self.roles for right in role.system)
        self._rights: dict[str, ObjectRights | None] = {}

    @property
    def key(self) -> Hashable:
        """What tells this policy from others of the same snapshot."""
        return self.names

    def rights(self, name: str) -> ObjectRights | None:
        """The rights on an object; None when there is no such object."""
        if name not in self._rights:
            kind: ObjectType | None = self.snapshot.find("object", name)
            self._rights[name] = None if kind is None else self._compiled(kind)
        return self._rights[name]

    def names_records(self, name: str) -> bool:
        """Whether records of an object may be seen by their title: it is hidden if a field that it is made of is."""
        rights = self.rights(name)
        if rights is None or not rights.may("read") or "title" not in rights.kind.system_fields:
            return False
        title = rights.kind.title
        return title is None or all(self._may_see(rights, path) for path in title.references)

    def _may_see(self, rights: ObjectRights | None, path: Path) -> bool:
        for name in path:
            if rights is None or not rights.readable(name):
                return rights is not None and name not in rights.kind.fields
            targets = rights.kind.fields[name].type.targets
            rights = self.rights(targets[0]) if len(targets) == 1 else None
            if rights is None:
                return True
        return True

    def _compiled(self, kind: ObjectType) -> ObjectRights:
        owned = owning_lookup(kind)
        reaches: dict[Operation, Reach] = {
            operation: self._owned_reach(owned, operation) if owned is not None else self._reach(kind, operation)
            for operation in OPERATIONS
        }
        fields, limits = self._fields(kind)
        return ObjectRights(
            kind=kind,
            reaches=MappingProxyType(reaches),
            fields=MappingProxyType(fields),
            export="export_records" in self.system_rights or any(r.flag(kind.name, "export") for r in self.roles),
            import_="import_records" in self.system_rights or any(r.flag(kind.name, "import_") for r in self.roles),
            limits=MappingProxyType(limits),
        )

    def _owned_reach(self, lookup: Field, operation: Operation) -> Reach:
        parent = self.rights(lookup.type.targets[0])
        through: Operation = "read" if operation == "read" else "update"
        if parent is None or not (parent.may(through) or (operation == "create" and parent.may("create"))):
            return NOTHING
        if parent.reach(through).is_nothing:
            through = "create"
        return Reach(parent=lookup, through=through, roles=parent.reach(through).roles)

    def _reach(self, kind: ObjectType, operation: Operation) -> Reach:
        special = system_reach(kind, operation, self.system_rights)
        if special is not None:
            return special
        given = [(role, role.grant(kind.name, operation)) for role in self.roles]
        granted = [(role, grant) for role, grant in given if grant is not None]
        level, roles = _highest(kind, granted)
        if level == "all":
            return Reach(level=level, roles=roles)
        openings = [
            Opening(condition=self._where(kind, role, operation, grant), source=role.name)
            for role, grant in granted
            if grant.where is not None
        ]
        if level != "none" or openings:
            openings.extend(self._shared(kind, operation))
        return Reach(level=level, openings=tuple(openings), roles=roles)

    def _where(self, kind: ObjectType, role: Role, operation: Operation, grant: Grant) -> RowCondition:
        if grant.where is None:
            raise ValueError("a grant without a condition")
        return RowCondition(grant.where, kind, f"w_{role.name}_{kind.name}_{operation}_")

    def _shared(self, kind: ObjectType, operation: Operation) -> list[Opening]:
        return [
            Opening(condition=RowCondition(rule.condition, kind, f"s_{rule.name}_"), source=rule.name, rule=rule)
            for rule in sharing_rules(self.snapshot, kind.name)
            if rule.opens(operation) and (rule.users or rule.teams or rule.roles & self.names)
        ]

    def _fields(self, kind: ObjectType) -> tuple[dict[str, FieldRight], dict[str, tuple[str, ...]]]:
        speaking = [role for role in self.roles if self._concerns(role, kind)] or list(self.roles)
        rights: dict[str, FieldRight] = {}
        limits: dict[str, tuple[str, ...]] = {}
        for name in kind.fields:
            said = {role.name: role.fields.get((kind.name, name), "edit") for role in speaking}
            best: FieldRight = max(said.values(), key=lambda right: _FIELD_RANK[right], default="edit")
            rights[name] = best
            if best != "edit":
                limits[name] = tuple(sorted(said))
        return rights, limits

    def _concerns(self, role: Role, kind: ObjectType) -> bool:
        """Whether a role grants anything on an object (or on the one that its rows belong to)."""
        names = [kind.name]
        owned = owning_lookup(kind)
        if owned is not None:
            names.extend(owned.type.targets)
        for name in names:
            grants = (role.grant(name, operation) for operation in OPERATIONS)
            if any(grant is not None and (grant.level != "none" or grant.where is not None) for grant in grants):
                return True
        return False


class SystemPolicy(Policy):
    """The system on its own account may do everything."""

    is_system = True

    def __init__(self, snapshot: Snapshot) -> None:
        super().__init__(snapshot, frozenset())
        self.system_rights = frozenset(SYSTEM_RIGHTS)

    @staticmethod
    def of(snapshot: Snapshot) -> SystemPolicy:
        """The policy of the system in a snapshot."""
        found: SystemPolicy = snapshot.derived("access.system", SystemPolicy)
        return found

    @property
    def key(self) -> Hashable:
        """See `Policy`."""
        return "system"

    def _compiled(self, kind: ObjectType) -> ObjectRights:
        return ObjectRights(
            kind=kind,
            reaches=MappingProxyType(dict.fromkeys(OPERATIONS, EVERYTHING)),
            fields=MappingProxyType(dict.fromkeys(kind.fields, "edit")),
            export=True,
            import_=True,
        )


def owning_lookup(kind: ObjectType) -> Field | None:
    """The lookup that makes records of an object rows of another's, or None."""
    return next((field for field in kind.lookups if field.type.option("owned")), None)


def _highest(kind: ObjectType, granted: list[tuple[Role, Grant]]) -> tuple[str, tuple[str, ...]]:
    """The widest level, and the roles that give it."""
    levels = {role.name: _level(kind, grant) for role, grant in granted}
    best = max(levels.values(), key=lambda level: _RANK[level], default="none")
    return best, tuple(name for name, level in levels.items() if level == best and level != "none")


def _level(kind: ObjectType, grant: Grant) -> str:
    return _SHARING[kind.sharing] if grant.level == "sharing" else grant.level


def policy_of(snapshot: Snapshot, roles: frozenset[str]) -> Policy:
    """The policy of a set of roles; compiled once per snapshot and set."""
    kept: dict[frozenset[str], Policy] = snapshot.derived("access.policies", _no_policies)
    found = kept.get(roles)
    if found is None:
        if len(kept) >= POLICIES_KEPT:
            kept.pop(next(iter(kept)), None)
        found = kept[roles] = Policy(snapshot, roles)
    return found


POLICIES_KEPT: Final = 500
"""Sets of roles whose policies a snapshot keeps."""


def _no_policies(snapshot: Snapshot) -> dict[frozenset[str], Policy]:
    return {}
