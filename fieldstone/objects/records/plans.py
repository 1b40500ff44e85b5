"""What saving records of an object takes, worked out once per snapshot.

What comes in: a snapshot and an object. What goes out: `SavePlan`: its rules, the related fields and lists that they
read, the roll-ups it feeds, and prepared statements by shape. Who calls it: the steps of a save.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable, Iterator
from functools import cached_property
from typing import Any

import sqlalchemy as sa

from fieldstone.objects.access.policy import owning_lookup
from fieldstone.objects.fieldtypes.files import FileType
from fieldstone.objects.query.plans import PlanCache, needed_formulas
from fieldstone.objects.records.relations import Referrer, RollUp, referrers_of, roll_ups_of
from fieldstone.objects.sql.listed import ListReader
from fieldstone.objects.sql.related import Related
from fieldstone.objects.types import Field, ObjectType
from fieldstone.platform.database.prepared import Prepared
from fieldstone.platform.database.types import Id
from fieldstone.platform.kernel.context import DialectName
from fieldstone.platform.kernel.metadata import Snapshot
from fieldstone.rules.engine.rule_set import RuleSet, rule_set
from fieldstone.rules.expressions.compile import Expression
from fieldstone.rules.expressions.syntax import Path

_STAMPS = frozenset({"id", "revision", "created_at", "created_by", "updated_at", "updated_by", "title"})


class SavePlan:
    """See the file. Made by `plan_of`; what it holds is made on first use."""

    def __init__(self, snapshot: Snapshot, kind: ObjectType) -> None:
        self.snapshot = snapshot
        self.kind = kind
        self.statements = PlanCache(snapshot)
        self._lists: dict[tuple[str, DialectName], ListReader] = {}

    def objects(self, name: str) -> ObjectType | None:
        """A compiled object by name."""
        found: ObjectType | None = self.snapshot.find("object", name)
        return found

    @cached_property
    def rules(self) -> RuleSet:
        """The rules of the object."""
        return rule_set(self.snapshot, self.kind.name)

    @cached_property
    def related(self) -> Related:
        """The fields through lookups that anything in a save reads."""
        return Related(self.kind, self.objects, self._paths)

    @cached_property
    def volatile(self) -> tuple[Field, ...]:
        """The formulas without a column that rules read: they are worked out for the save."""
        names = {path[0] for rule in self._rules for path in rule.inputs.paths}
        return tuple(needed_formulas(self.kind, sorted(names)))

    @cached_property
    def stored_formulas(self) -> tuple[Field, ...]:
        """The formulas that are kept in columns, each after what it needs."""
        return tuple(field for field in self.kind.formulas if field.stored)

    @cached_property
    def owned(self) -> Field | None:
        """The lookup that makes these records rows of others."""
        return owning_lookup(self.kind)

    @cached_property
    def roll_ups(self) -> tuple[RollUp, ...]:
        """The roll-ups that these records feed."""
        return roll_ups_of(self.snapshot, self.kind)

    @cached_property
    def referrers(self) -> tuple[Referrer, ...]:
        """The lookups that lead here."""
        return referrers_of(self.snapshot, self.kind)

    @cached_property
    def written_by_rules(self) -> frozenset[str]:
        """Fields that automations before the save may fill: they need not be sent."""
        return frozenset(
            field
            for rule in self.rules.automations
            if rule.timing == "before"
            for name, field in rule.writes
            if name == self.kind.name
        )

    @cached_property
    def required(self) -> frozenset[str]:
        """The required fields: whether they are filled is asked at the end."""
        return frozenset(field.name for field in self.kind.own_fields.values() if field.required)

    @cached_property
    def stamps(self) -> frozenset[str]:
        """The fields whose change is no change of the record."""
        return _STAMPS - self.kind.own_fields.keys()

    @cached_property
    def pointers(self) -> tuple[Field, ...]:
        """The stored fields that point to records of an object."""
        return tuple(field for field in self.kind.fields.values() if field.type.targets and field.stored)

    @cached_property
    def files(self) -> tuple[Field, ...]:
        """The stored fields whose values are uploaded files."""
        return tuple(field for field in self.kind.fields.values() if isinstance(field.type, FileType))

    def list_reader(self, name: str, dialect: DialectName) -> ListReader:
        """Reads a list field for the rules."""
        key = (name, dialect)
        if key not in self._lists:
            paths = self.related.lists[name]
            self._lists[key] = ListReader(self.kind, self.objects, name, paths, dialect)
        return self._lists[key]

    # -- statements ---------------------------------------------------------------------------------------------
    @cached_property
    def insert(self) -> Prepared:
        """Inserts a whole row."""
        return Prepared(sa.insert(self.kind.table), columns=[column.name for column in self.kind.table.c])

    def update(self, columns: Collection[str]) -> Prepared:
        """Changes these columns of the row `row_id`, which must still be at `seen_revision`."""

        def make() -> Prepared:
            table = self.kind.table
            values = {name: sa.bindparam(name, type_=table.c[name].type) for name in columns}
            mine = table.c.id == sa.bindparam("row_id", type_=Id())
            seen = table.c.revision == sa.bindparam("seen_revision", type_=sa.BigInteger)
            return Prepared(sa.update(table).where(mine, seen).values(values))

        made: Prepared = self.statements.get(("update", frozenset(columns)), make)
        return made

    def quiet_update(self, columns: Collection[str]) -> Prepared:
        """The same without a look at the revision, for values that the system works out."""

        def make() -> Prepared:
            table = self.kind.table
            values = {name: sa.bindparam(name, type_=table.c[name].type) for name in columns}
            return Prepared(sa.update(table).where(table.c.id == sa.bindparam("row_id", type_=Id())).values(values))

        made: Prepared = self.statements.get(("quiet", frozenset(columns)), make)
        return made

    # -- inputs -------------------------------------------------------------------------------------------------
    @property
    def _rules(self) -> Iterator[Any]:
        yield from self.rules.validation_rules
        yield from self.rules.automations
        yield from self.rules.processes

    @cached_property
    def _paths(self) -> frozenset[Path]:
        found: set[Path] = set()
        for rule in self._rules:
            found.update(_own(rule.inputs.paths))
        for expression in self._expressions():
            found.update(_own(expression.references))
        for field in self.kind.own_fields.values():
            found.update(self._filter_paths(field))
        for roll_up in self.roll_ups:
            if roll_up.filter is not None:
                found.update(roll_up.filter.references)
        return frozenset(found)

    def _expressions(self) -> Iterable[Expression]:
        if self.kind.title is not None:
            yield self.kind.title
        for field in self.kind.own_fields.values():
            if field.default_expression is not None:
                yield field.default_expression
        for field in (*self.stored_formulas, *self.volatile):
            if field.expression is not None:
                yield field.expression

    def _filter_paths(self, field: Field) -> Iterator[Path]:
        """What the filter of a lookup reads: fields of the target, and of the record itself."""
        if field.filter is None or field.type.rolled_up() is not None or not field.type.targets:
            return
        target = self.objects(field.type.targets[0])
        for path in field.filter.references:
            if path[0] == "record" and (target is None or "record" not in target.fields):
                yield path[1:]
            elif target is not None and path[0] in target.fields:
                yield (field.name, *path)


def _own(paths: Iterable[Path]) -> Iterator[Path]:
    """Paths as read from the record; what is read from `previous` counts as well."""
    for path in paths:
        yield path[1:] if path[0] == "previous" and len(path) > 1 else path


def plan_of(snapshot: Snapshot, kind: ObjectType) -> SavePlan:
    """The plan of an object; made once per snapshot."""
    plans: _Plans = snapshot.derived("records.plans", _Plans)
    return plans.of(kind)


class _Plans:
    """The plans of one snapshot."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._lock = threading.Lock()
        self._made: dict[str, SavePlan] = {}

    def of(self, kind: ObjectType) -> SavePlan:
        """The plan of an object."""
        found = self._made.get(kind.name)
        if found is None:
            with self._lock:
                found = self._made.setdefault(kind.name, SavePlan(self._snapshot, kind))
        return found
