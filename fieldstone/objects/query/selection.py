"""Which columns a list selects, and how its rows become documents and values.

What comes in: field paths (none: every field that may be seen, without child rows). What goes out: `Selection`: columns
with the joins they need, slots for the row dumper, and what no column keeps: linked records, formulas that are worked
out when they are read, child rows. Labels come with the row: one join for each lookup. Who calls it: plans of lists.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import sqlalchemy as sa

from fieldstone.objects.codec.dumper import Slot
from fieldstone.objects.fieldtypes.declaration import Label, Labels
from fieldstone.objects.query.paths import FoundPath, PathFinder
from fieldstone.objects.query.sorting import label_column
from fieldstone.objects.query.values import MAX_FIELDS
from fieldstone.objects.sql.rows import Joins
from fieldstone.objects.types import Field, ObjectType
from fieldstone.platform.kernel.errors import Unreadable

ALWAYS: Final = ("id", "revision")
_UNASKED: Final = frozenset({"deleted_at", "title"})
"""System fields that are answered only when they are asked for."""


def is_shown(field: Field) -> bool:
    """Whether a field is answered unless somebody asks for others."""
    return not (field.system and field.name in _UNASKED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Selected:
    """One selected field: its path, where its columns and its label stand in the row."""

    path: str
    field: Field
    columns: tuple[int, ...]
    label: int | None

    def value(self, row: Sequence[Any]) -> Any:
        """The Python value."""
        return self.field.type.from_columns([row[position] for position in self.columns])

    def labels(self, row: Sequence[Any], value: Any) -> Labels:
        """The label of the record that the value points to."""
        if self.label is None or value is None:
            return None
        text = row[self.label]
        identity, name = (value["id"], value["object"]) if isinstance(value, Mapping) else (value, "")
        return None if text is None else Label(id=identity, label=text, object=name or _target(self.field))


@dataclass(slots=True, kw_only=True)
class _Entry:
    """A field at the root of the answer, and the fields asked of the record that it points to."""

    found: Selected
    nested: dict[str, Selected] = field(default_factory=dict)


class Selection:
    """The columns of one query. Filled once, then read."""

    def __init__(self, finder: PathFinder, table: sa.FromClause, joins: Joins) -> None:
        self._finder = finder
        self._table = table
        self._joins = joins
        self._entries: dict[str, _Entry] = {}
        self.columns: list[sa.ColumnElement[Any]] = []
        self.links: list[Field] = []
        self.volatile: list[Field] = []
        self.rows: list[Field] = []

    def choose(self, paths: Sequence[str] | None) -> None:
        """Select the fields of these paths, or all. Raises `Unreadable`."""
        if paths is not None and len(paths) > MAX_FIELDS:
            raise Unreadable("At most {limit} fields can be asked for.", limit=MAX_FIELDS)
        for path in (*ALWAYS, *(self._everything() if paths is None else paths)):
            self._choose(self._finder.find(path, "fields"), path)

    def add(self, column: sa.ColumnElement[Any]) -> int:
        """Select one more column; its position in the row."""
        self.columns.append(column)
        return len(self.columns) - 1

    @property
    def slots(self) -> tuple[Slot, ...]:
        """How a row becomes a document."""
        return tuple(
            Slot(
                name=name,
                field=entry.found.field,
                columns=entry.found.columns,
                label=entry.found.label,
                nested=tuple(
                    Slot(name=inner, field=each.field, columns=each.columns, label=each.label)
                    for inner, each in entry.nested.items()
                ),
            )
            for name, entry in self._entries.items()
        )

    @property
    def selected(self) -> tuple[Selected, ...]:
        """Every selected field that columns keep, with its path."""
        found = [each for entry in self._entries.values() for each in (entry.found, *entry.nested.values())]
        return tuple(each for each in found if each.columns)

    def _everything(self) -> list[str]:
        rights = self._finder.access.policy.rights(self._finder.kind.name)
        return [
            name
            for name, each in self._finder.kind.fields.items()
            if rights is not None and rights.readable(name) and is_shown(each) and not each.type.nested
        ]

    def _choose(self, found: FoundPath, path: str) -> None:
        if not found.steps:
            self._root(found.field)
            return
        if len(found.steps) > 1 or not found.field.stored:
            raise Unreadable("{path} is too far away to be answered.", code="path_too_long", path=path[:200])
        lookup = found.steps[0][0]
        entry = self._root(lookup)
        if found.field.name in ("id", "label") or found.field.name in entry.nested:
            return
        table = self._joins.table(self._table, found.steps)[1]
        entry.nested[found.field.name] = self._take(path, found.field, table)

    def _root(self, chosen: Field) -> _Entry:
        entry = self._entries.get(chosen.name)
        if entry is None:
            entry = self._entries[chosen.name] = _Entry(found=self._take(chosen.name, chosen, self._table))
            if chosen.type.nested:
                self.rows.append(chosen)
            elif chosen.name in self._finder.kind.links:
                self.links.append(chosen)
            elif chosen.type.volatile:
                self.volatile.append(chosen)
        return entry

    def _take(self, path: str, chosen: Field, table: sa.FromClause) -> Selected:
        positions = tuple(self.add(table.c[name]) for name in chosen.column_names)
        label = self._label(chosen, table) if positions and chosen.type.labelled else None
        return Selected(path=path, field=chosen, columns=positions, label=label)

    def _label(self, chosen: Field, table: sa.FromClause) -> int | None:
        titles = [
            label_column(target, self._joins.table(table, [(chosen, target)])[1]) for target in self._targets(chosen)
        ]
        if not titles:
            return None
        return self.add(titles[0] if len(titles) == 1 else sa.func.coalesce(*titles))

    def _targets(self, chosen: Field) -> list[ObjectType]:
        """The objects whose records the caller may see by name; none for a lookup to any object (see `labels`)."""
        access = self._finder.access
        found = [access.objects(name) for name in chosen.type.targets if access.policy.names_records(name)]
        return [each for each in found if each is not None]


def _target(chosen: Field) -> str:
    return chosen.type.targets[0] if chosen.type.targets else ""
