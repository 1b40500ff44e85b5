"""The indexes of an object's table.

What comes in: compiled fields and what the definition declares. What goes out: `TableIndex` values with names that
follow from what they hold, so that two versions are compared by name. Who calls it: the compiler of objects; plans
create and drop them, the record service asks which fields a violated one is about.

Unique indexes cover live records only and never hold empty values against each other; so do declared indexes, because
lists show live records. Lookups are indexed over all records.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence

from fieldstone.objects.fieldtypes.base import Field
from fieldstone.objects.types import IndexColumn, LinkTable, SortColumn, TableIndex

Columns = tuple[IndexColumn, ...]


def table_indexes(
    table: str,
    fields: Mapping[str, Field],
    unique_groups: Sequence[Sequence[str]],
    declared: Sequence[Sequence[SortColumn]],
    links: Mapping[str, LinkTable],
) -> tuple[TableIndex, ...]:
    """All indexes of an object's tables but primary keys, each once."""
    found = [
        *_unique(table, fields, unique_groups),
        *_declared(table, fields, declared),
        *_of_types(table, fields),
        *(
            _index(link.table.name, ("target",), (IndexColumn(name="target"),), f"{name}.link")
            for name, link in links.items()
        ),
    ]
    return tuple({index.name: index for index in found}.values())


def _unique(table: str, fields: Mapping[str, Field], groups: Sequence[Sequence[str]]) -> Iterator[TableIndex]:
    for field in fields.values():
        if field.unique and field.stored:
            columns = tuple(IndexColumn(name=name) for name in field.column_names)
            yield _index(table, (field.name,), columns, f"{field.name}.unique", unique=True, live=True)
    for group in groups:
        members = [fields[name] for name in group if name in fields]
        if len(members) == len(group) and all(member.stored for member in members):
            columns = tuple(IndexColumn(name=name) for member in members for name in member.column_names)
            yield _index(table, tuple(group), columns, f"unique.{'+'.join(group)}", unique=True, live=True)


def _declared(
    table: str, fields: Mapping[str, Field], declared: Sequence[Sequence[SortColumn]]
) -> Iterator[TableIndex]:
    for columns in declared:
        known = [(fields[each.field], each.descending) for each in columns if each.field in fields]
        if len(known) < len(columns) or not all(field.stored for field, _ in known):
            continue
        parts = [IndexColumn(name=field.column_names[0], descending=down) for field, down in known]
        if not any(each.field == "id" for each in columns):
            parts.append(IndexColumn(name="id", descending=columns[-1].descending))
        words = "+".join(("-" if each.descending else "") + each.field for each in columns)
        yield _index(table, tuple(each.field for each in columns), tuple(parts), f"index.{words}", live=True)


def _of_types(table: str, fields: Mapping[str, Field]) -> Iterator[TableIndex]:
    for field in fields.values():
        if field.type.indexed and field.stored and not field.system:
            yield _index(table, (field.name,), (IndexColumn(name=field.column_names[0]),), f"{field.name}.index")


def _index(
    table: str, fields: tuple[str, ...], columns: Columns, part: str, *, unique: bool = False, live: bool = False
) -> TableIndex:
    words = ",".join(("-" if column.descending else "") + column.name for column in columns)
    mark = hashlib.sha256(f"{table}({words}){unique}{live}".encode()).hexdigest()[:10]
    return TableIndex(
        name=f"{'u' if unique else 'i'}_{table[:40]}_{mark}",
        table=table,
        fields=fields,
        columns=columns,
        unique=unique,
        live=live,
        part=part,
    )
