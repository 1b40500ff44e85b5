"""Fields of related records that expressions read, loaded together with a record.

What comes in: an object and paths through lookups (`("customer", "tier")`). What goes out: `Related`, which adds
columns and joins to a query and turns a row into nested mappings, as expressions read them. Who calls it: the record
service (rules, formulas) and lists (formulas that are worked out when they are read). Whoever may read them does not
matter here: a rule decides with all there is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from fieldstone.objects.sql.rows import Joins, Objects, Step, key_of
from fieldstone.objects.types import Field, ObjectType
from fieldstone.rules.expressions.syntax import Path


@dataclass(slots=True, kw_only=True)
class _Branch:
    """A lookup that is followed: the fields read at its end, and further lookups from there."""

    lookup: Field
    target: ObjectType
    fields: dict[str, Field] = field(default_factory=dict)
    branches: dict[str, _Branch] = field(default_factory=dict)


class Related:
    """The related fields of one object that a set of paths reads. Immutable once made."""

    def __init__(self, kind: ObjectType, objects: Objects, paths: Iterable[Path]) -> None:
        self.kind = kind
        self._objects = objects
        self._branches: dict[str, _Branch] = {}
        self.lists: dict[str, set[Path]] = {}
        for path in sorted(set(paths)):
            self._add(path)

    @property
    def is_empty(self) -> bool:
        """Whether nothing is read through lookups."""
        return not self._branches

    @property
    def lookups(self) -> tuple[str, ...]:
        """The own lookups that are followed."""
        return tuple(self._branches)

    def columns(self, table: sa.FromClause, joins: Joins) -> list[sa.ColumnElement[Any]]:
        """The columns to select, in the order that `read` expects; joins what they need."""
        found: list[sa.ColumnElement[Any]] = []
        for branch in self._branches.values():
            self._collect(branch, table, [], joins, found)
        return found

    def columns_at(self, name: str, target: ObjectType, at: sa.FromClause, joins: Joins) -> list[sa.ColumnElement[Any]]:
        """The columns of one lookup's target, read from `at` itself: its id first."""
        found: list[sa.ColumnElement[Any]] = [key_of(target, at)]
        branch = self._branches.get(name)
        if branch is not None:
            found.extend(at.c[column] for each in branch.fields.values() for column in each.column_names)
            for inner in branch.branches.values():
                self._collect(inner, at, [], joins, found)
        return found

    def read_at(self, name: str, row: Sequence[Any], start: int) -> tuple[Mapping[str, Any] | None, int]:
        """What `columns_at` selected, and where the row goes on."""
        reader = _Reader(row, start)
        branch = self._branches.get(name)
        if branch is None:
            identity = row[start]
            return (None if identity is None else {"id": identity}), start + 1
        return reader.branch(branch), reader.position

    def read(self, row: Sequence[Any], start: int) -> dict[str, Mapping[str, Any] | None]:
        """Own lookups by name, each a mapping with `id` and the fields read, or None when it points nowhere."""
        reader = _Reader(row, start)
        return {name: reader.branch(branch) for name, branch in self._branches.items()}

    def _add(self, path: Path) -> None:
        name, *rest = path
        found = self.kind.fields.get(name)
        if found is None or not rest:
            if found is not None and _is_list(found):
                self.lists.setdefault(name, set())
            return
        if _is_list(found):
            self.lists.setdefault(name, set()).add(tuple(rest))
            return
        self._follow(self._branches, found, rest)

    def _follow(self, branches: dict[str, _Branch], lookup: Field, rest: Sequence[str]) -> None:
        target = self._objects(lookup.type.targets[0]) if len(lookup.type.targets) == 1 else None
        if target is None or rest == ["id"]:
            return
        branch = branches.setdefault(lookup.name, _Branch(lookup=lookup, target=target))
        found = target.fields.get(rest[0])
        if found is None:
            return
        if found.stored:
            branch.fields[found.name] = found
        if len(rest) > 1:
            self._follow(branch.branches, found, rest[1:])

    def _collect(
        self,
        branch: _Branch,
        table: sa.FromClause,
        steps: list[Step],
        joins: Joins,
        found: list[sa.ColumnElement[Any]],
    ) -> None:
        steps = [*steps, (branch.lookup, branch.target)]
        _, at = joins.table(table, steps)
        found.append(key_of(branch.target, at))
        found.extend(at.c[name] for each in branch.fields.values() for name in each.column_names)
        for inner in branch.branches.values():
            self._collect(inner, table, steps, joins, found)


class _Reader:
    """Reads the columns of branches one after another."""

    def __init__(self, row: Sequence[Any], position: int) -> None:
        self._row = row
        self.position = position

    def branch(self, branch: _Branch) -> Mapping[str, Any] | None:
        identity = self._take(1)[0]
        values: dict[str, Any] = {"id": identity}
        for each in branch.fields.values():
            value = each.type.from_columns(self._take(len(each.column_names)))
            values[each.name] = None if value is None else each.type.variable(value)
        for name, inner in branch.branches.items():
            values[name] = self.branch(inner)
        return None if identity is None else values

    def _take(self, count: int) -> Sequence[Any]:
        start = self.position
        self.position += count
        return self._row[start : self.position]


def variables_of(kind: ObjectType, values: Mapping[str, Any]) -> dict[str, Any]:
    """A record's values as the variables of expressions: what points to a record is a mapping with its `id`."""
    found = dict(values)
    for each in pointers(kind):
        value = found.get(each.name)
        if value is not None:
            found[each.name] = each.type.variable(value)
    return found


def pointers(kind: ObjectType) -> Iterable[Field]:
    """The fields of an object that point to records."""
    return (each for each in kind.fields.values() if each.type.targets)


def _is_list(found: Field) -> bool:
    """Whether the value is a list of records, which no column of the row keeps."""
    return not found.stored and found.type.expression_type().is_list
