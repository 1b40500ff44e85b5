"""Compiles the definition of an object.

What comes in: a definition that fits the schema of the kind, and the snapshot (for the definitions it refers to and
its physical names). What goes out: an `ObjectType`, with findings about what cannot be. Who calls it: the snapshot,
once per content.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from fieldstone.objects.definition.dependencies import formula_order
from fieldstone.objects.definition.fields import Surroundings, compile_field, surroundings, system_field
from fieldstone.objects.definition.indexes import table_indexes
from fieldstone.objects.definition.scope import Bodies, DefinitionScope, system_body
from fieldstone.objects.definition.system_fields import SYSTEM_FIELDS, WRITABLE_SYSTEM_FIELDS
from fieldstone.objects.definition.tables import link_tables, make_table, physical_column
from fieldstone.objects.fieldtypes.base import Declaration, Field
from fieldstone.objects.fieldtypes.builtin import FieldTypes
from fieldstone.objects.types import LinkTable, ObjectType, RecordType, SortColumn, TableIndex
from fieldstone.platform.kernel.metadata import Definition, Snapshot
from fieldstone.rules.expressions.compile import Expression
from fieldstone.rules.expressions.types import STRING

Compile = Callable[[Definition, Snapshot], ObjectType]


def bodies_of(snapshot: Snapshot, own: Definition) -> Bodies:
    """Definitions of objects by name: the one at work, and those that the snapshot knows."""

    def body(name: str) -> Mapping[str, Any] | None:
        if name == own.name:
            return own.body
        found = snapshot.definition("object", name)
        return None if found is None else found.body

    return body


def make_compile(types: FieldTypes) -> Compile:
    """The compile function of the kind."""

    def compile_object(definition: Definition, snapshot: Snapshot) -> ObjectType:
        return _compile(definition, snapshot, types)

    return compile_object


def _compile(definition: Definition, snapshot: Snapshot, types: FieldTypes) -> ObjectType:
    body = definition.body
    bodies = bodies_of(snapshot, definition)
    around = surroundings(definition.name, DefinitionScope(types, bodies), bodies)
    building = snapshot.building("object", definition.name)
    own = _own_fields(definition, snapshot, around, building)
    system = _system_fields(body, around)
    table = make_table(definition, snapshot, system, own)
    title = _title(body, around)
    links = link_tables(own, snapshot)
    return ObjectType(
        name=definition.name,
        label=body["label"],
        plural=body.get("plural") or body["label"],
        icon=body.get("icon", "database"),
        description=body.get("description", ""),
        own_fields=own,
        system_fields=system,
        table=table,
        links=links,
        title=title,
        title_fields=tuple(dict.fromkeys(path[0] for path in title.references)) if title else (),
        record_types=tuple(
            RecordType(name=each["name"], label=each.get("label", each["name"]))
            for each in body.get("record_types", ())
        ),
        sharing=body.get("sharing", "private"),
        owner_field=body.get("owner_field"),
        unique_groups=tuple(tuple(group) for group in body.get("unique", ())),
        indexes=_indexes(body, table.name, {**system, **own}, links),
        require_if_match=bool(body.get("require_if_match")),
        system=bool(body.get("system")),
        managed_by=body.get("managed_by"),
        building=building,
        environment=around.environment,
        formula_order=formula_order(own),
        body=body,
        problems=around.findings.all,
    )


def _own_fields(
    definition: Definition, snapshot: Snapshot, around: Surroundings, building: frozenset[str]
) -> dict[str, Field]:
    fields: dict[str, Field] = {}
    for index, body in enumerate(definition.body.get("fields", ())):
        declaration = Declaration(object=definition.name, name=body["name"], body=body)
        physical = physical_column(definition, snapshot, declaration.name)
        active = declaration.name not in building
        fields[declaration.name] = compile_field(declaration, f"/fields/{index}", around, physical, active)
    return fields


def _system_fields(body: Mapping[str, Any], around: Surroundings) -> dict[str, Field]:
    columns = body.get("storage", {}).get("columns", {})
    fields: dict[str, Field] = {}
    for name in SYSTEM_FIELDS:
        declared = system_body(body, name)
        if declared is None:
            continue
        declaration = Declaration(object=around.object, name=name, body=declared)
        writable = name in WRITABLE_SYSTEM_FIELDS and _may_be_sent(name, body)
        fields[name] = system_field(declaration, around.scope, columns.get(name, name), writable)
    return fields


def _may_be_sent(name: str, body: Mapping[str, Any]) -> bool:
    if body.get("managed_by") or body.get("system"):
        return False
    return bool(body.get("record_types")) if name == "record_type" else not body.get("owner_field")


def _title(body: Mapping[str, Any], around: Surroundings) -> Expression | None:
    source = body.get("title")
    return None if source is None else around.findings.expression(source, "/title", around.environment, (STRING,))


def _indexes(
    body: Mapping[str, Any], table: str, fields: Mapping[str, Field], links: Mapping[str, LinkTable]
) -> tuple[TableIndex, ...]:
    if body.get("storage") is not None:
        return ()
    declared = [list(map(_sort_column, columns)) for columns in body.get("indexes", ())]
    return table_indexes(table, fields, body.get("unique", ()), declared, links)


def _sort_column(text: str) -> SortColumn:
    return SortColumn(field=text.removeprefix("-"), descending=text.startswith("-"))
