"""Two small kinds of metadata for tests: `note` owns a table, `remark` refers to a field of a note.

A note is {"name", "label"?, "fields": [{"name", "type", "unique"?, "renamed_from"?}], "needs"?, "circle"?: notes}.
Its artefact knows its table, its columns and, lazily, the notes it needs; `circle` it asks for while it compiles. A
remark is {"name", "note", "field"} and can rewrite itself when either is renamed; a note cannot.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from fieldstone.platform.kernel.metadata import (
    Definition,
    Diagnostic,
    MetadataError,
    MetadataKind,
    PhysicalPart,
    PlanContext,
    PlanStep,
    Reference,
    Rename,
    Snapshot,
)
from fieldstone.platform.kernel.registry import Registry

COMMON = "https://fieldstone.dev/schemas/common.json#/$defs/"
COLUMN_TYPES = {"text": "TEXT", "number": "BIGINT"}

NOTE_SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["name", "fields"],
    "properties": {
        "name": {"$ref": COMMON + "name"},
        "label": {"$ref": COMMON + "text"},
        "renamed_from": {"$ref": COMMON + "name"},
        "needs": {"type": "array", "items": {"type": "string"}},
        "circle": {"type": "string"},
        "fields": {
            "type": "array",
            "maxItems": 500,
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["name", "type"],
                "properties": {
                    "name": {"$ref": COMMON + "name"},
                    "label": {"$ref": COMMON + "text"},
                    "type": {"enum": ["text", "number"]},
                    "unique": {"type": "boolean"},
                    "renamed_from": {"$ref": COMMON + "name"},
                    "options": {"type": "array"},
                },
            },
        },
    },
}
REMARK_SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["name", "note", "field"],
    "properties": {
        "name": {"$ref": COMMON + "name"},
        "note": {"type": "string"},
        "field": {"type": "string"},
        "text": {"$ref": COMMON + "text"},
    },
}


@dataclass(frozen=True)
class Note:
    """A compiled note."""

    name: str
    table: str | None
    columns: Mapping[str, str | None]
    building: frozenset[str]
    hash: str
    snapshot: Snapshot
    needs: tuple[str, ...]

    def needed(self) -> list[Note]:
        return [self.snapshot.get("note", name) for name in self.needs]


def fields_of(body: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    return {field["name"]: field for field in body["fields"]}


def compile_note(definition: Definition, snapshot: Snapshot) -> Note:
    body = definition.body
    if len(fields_of(body)) != len(body["fields"]):
        raise MetadataError("A field name is used twice.", path="/fields", code="field_twice")
    if "circle" in body:
        snapshot.get("note", body["circle"])
    return Note(
        name=definition.name,
        table=snapshot.physical("note", definition.name),
        columns={name: snapshot.physical("field", f"{definition.name}.{name}") for name in fields_of(body)},
        building=snapshot.building("note", definition.name),
        hash=definition.hash,
        snapshot=snapshot,
        needs=tuple(body.get("needs", ())),
    )


def note_references(definition: Definition, snapshot: Snapshot) -> Iterator[Reference]:
    for index, name in enumerate(definition.body.get("needs", ())):
        yield Reference(path=f"/needs/{index}", kind="note", name=name)
    if "circle" in definition.body:
        yield Reference(path="/circle", kind="note", name=definition.body["circle"])


def check_note(definition: Definition, snapshot: Snapshot) -> Iterator[Diagnostic]:
    if not definition.body["fields"]:
        yield Diagnostic(path="/fields", severity="warning", code="no_fields", message="This note has no fields.")


def note_parts(definition: Definition) -> Iterator[PhysicalPart]:
    name = definition.name
    yield PhysicalPart(kind="note", path=name, stem=f"n_{name}")
    for field in fields_of(definition.body).values():
        path = f"{name}.{field['name']}"
        yield PhysicalPart(kind="field", path=path, stem=f"f_{field['name']}", scope=name, signature=field["type"])


def plan_note(before: Definition | None, after: Definition | None, context: PlanContext) -> Iterable[PlanStep]:
    if after is None:
        return
    table = context.after.physical("note", after.name)
    if table not in context.existing():
        yield _sql(f"Create {table}", "safe", f'CREATE TABLE "{table}" (id BIGINT PRIMARY KEY)')
    for name, column in _columns(after, context.after).items():
        field = fields_of(after.body)[name]
        if column not in context.existing(str(table)):
            type_ = COLUMN_TYPES[field["type"]]
            yield _sql(f"Add {column}", "safe", f'ALTER TABLE "{table}" ADD COLUMN "{column}" {type_}')
        was_unique = before is not None and fields_of(before.body).get(name, {}).get("unique", False)
        if field.get("unique") and not was_unique:
            inputs = {"column": column}
            part = f"{name}.unique"
            yield PlanStep(
                step="prove unique", step_class="slow", message="Prove", job="prove", building=part, job_input=inputs
            )
    if before is not None and set(fields_of(before.body)) - set(fields_of(after.body)) - _former(after):
        yield PlanStep(step="retire", step_class="lossy", message="A field goes")


def _former(after: Definition) -> set[str]:
    return {field["renamed_from"] for field in after.body["fields"] if "renamed_from" in field}


def _columns(definition: Definition | None, snapshot: Snapshot) -> dict[str, str | None]:
    if definition is None:
        return {}
    names = fields_of(definition.body)
    return {name: snapshot.physical("field", f"{definition.name}.{name}") for name in names}


def _sql(step: str, step_class: Any, sql: str) -> PlanStep:
    return PlanStep(step=step, step_class=step_class, message=step, apply=lambda unit: unit.run(sa.text(sql)))


def compile_remark(definition: Definition, snapshot: Snapshot) -> tuple[Note, str]:
    note = snapshot.get("note", definition.body["note"])
    field = definition.body["field"]
    if field not in note.columns:
        raise MetadataError("{note} has no field {field}.", path="/field", code="no_field", note=note.name, field=field)
    return note, field


def remark_references(definition: Definition, snapshot: Snapshot) -> Iterator[Reference]:
    body = definition.body
    yield Reference(path="/field", kind="note", name=body["note"], part=body["field"])


def rewrite_remark(definition: Definition, rename: Rename) -> Mapping[str, Any] | None:
    body = definition.body
    if rename.kind != "note" or body["note"] != rename.name:
        return None
    if rename.part is None:
        return {**body, "note": rename.to}
    return {**body, "field": rename.to} if body["field"] == rename.part else None


NOTE = MetadataKind(
    name="note",
    folder="notes",
    label="Note",
    schema=NOTE_SCHEMA,
    compile=compile_note,
    check=check_note,
    references=note_references,
    plan=plan_note,
    physical=note_parts,
    order=10,
)
REMARK = MetadataKind(
    name="remark",
    folder="remarks",
    label="Remark",
    schema=REMARK_SCHEMA,
    compile=compile_remark,
    references=remark_references,
    rewrite=rewrite_remark,
    order=20,
)


def note_kinds(*more: MetadataKind) -> Registry[MetadataKind]:
    """The registry of a small installation."""
    registry: Registry[MetadataKind] = Registry("metadata kind")
    for kind in (NOTE, REMARK, *more):
        registry.register(kind.name, kind)
    registry.freeze()
    return registry


def note(name: str, *fields: str, **more: Any) -> dict[str, Any]:
    """A note whose fields are given as "name" (text) or "name:number"."""
    parsed = [field.partition(":") for field in fields]
    return {"name": name, "fields": [{"name": n, "type": t or "text"} for n, _, t in parsed], **more}


def remark(name: str, note_name: str, field: str) -> dict[str, Any]:
    return {"name": name, "note": note_name, "field": field}
