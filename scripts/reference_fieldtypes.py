"""Writes docs/reference/{field-types,objects}.md and the JSON Schemas of objects (fieldstone/schemas/) from the code.

python scripts/reference_fieldtypes.py          write them
python scripts/reference_fieldtypes.py --check  exit 1 when they are not up to date
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from fieldstone.objects.definition.counting import SMALL  # noqa: E402
from fieldstone.objects.definition.schema import COMMON_OPTIONS, object_schema, shipped_schema  # noqa: E402
from fieldstone.objects.definition.shipped import shipped_definitions  # noqa: E402
from fieldstone.objects.fieldtypes import problems  # noqa: E402
from fieldstone.objects.fieldtypes.base import Field, FieldType  # noqa: E402
from fieldstone.objects.fieldtypes.builtin import built_in_types  # noqa: E402
from fieldstone.objects.fieldtypes.problems import ProblemKind  # noqa: E402
from tests.support.field_samples import SAMPLES  # noqa: E402
from tests.support.objects import ObjectSnapshot, body, field  # noqa: E402

PAGE = ROOT / "docs" / "reference" / "field-types.md"
OBJECTS_PAGE = ROOT / "docs" / "reference" / "objects.md"
SCHEMAS = ROOT / "fieldstone" / "schemas"
_WORLD = (
    body("customer", field("name", "text")),
    body("skill", field("name", "text")),
    body("line", field("order", "lookup", object="thing", owned=True), field("amount", "decimal")),
)

_INTRODUCTION = """# Field types

<!-- Written by scripts/reference_fieldtypes.py; do not edit. -->

A field is declared in the definition of its object by a name, a type, a label and options:

```json
{"name": "subject", "type": "text", "label": {"en": "Subject", "zh-Hans": "主题"}, "required": true, "max_length": 200}
```

A value has five forms. *JSON* is what the API reads and answers. *Python* is what rules and plugins work with.
*Columns* are what the database keeps. *Text* is what CSV files and spreadsheets hold. *Display* is what people see, in
their language and time zone. An empty value is `null` in JSON and NULL in the database; `multi_select`, `many_to_many`
and `child` are an empty list instead. An empty or blank text is no value.

## Options of all types
"""

_MIGRATION = """
## Changing the type of a field

A field keeps its values when its type changes, as far as they fit. *safe*: they stay in their column. *slow*: all of
them are converted into a fresh column, on more than 10,000 records by a job, until which the field can be written and
is shown but cannot be filtered. *lossy*: those that do not fit are left empty, which must be confirmed; preview counts
them. Nothing is dropped: the old column stays, and restoring the version before brings its values back.

| from \\ to | {names} |
|---|{lines}|
"""


_OBJECTS = """# Objects

<!-- Written by scripts/reference_fieldtypes.py; do not edit. -->

An object is a kind of record: a ticket, a site, a part. It is a JSON file of a package, or an element of a changeset:

```json
{
  "$schema": "https://fieldstone.dev/schemas/object.json",
  "name": "ticket",
  "label": {"en": "Ticket", "zh-Hans": "服务请求", "zh-Hant": "服務請求"},
  "title": "number + ' ' + subject",
  "sharing": "team",
  "indexes": [["status", "-created_at"]],
  "fields": [
    {"name": "number", "type": "auto_number", "pattern": "T-{YYYY}-{00000}"},
    {"name": "subject", "type": "text", "required": true, "searchable": true},
    {"name": "customer", "type": "lookup", "object": "customer"},
    {"name": "status", "type": "select", "options": [{"value": "open"}, {"value": "closed"}], "default": "open"}
  ]
}
```

| property | meaning |
|---|---|
{properties}

[Field types](field-types.md) lists what a field can be.

## Fields that every record has

| field | type | sent |
|---|---|---|
{system}

Their names cannot be given to other fields, but for `title`. Nor can `previous` and `record`, words of the rule
language, and `search`, `label` and `labels`.

## What publishing does

Each object has a table, each field one or more columns; names of tables and columns stay when labels and API names
change. Nothing is dropped or narrowed: what is removed stays in the database and is found again when an older version
is restored. Preview shows the steps with their class.

| change | up to {small} records | more records |
|---|---|---|
| new object, new field, new option, label, help | at once | at once |
| new index | at once | job, beside the writers |
| unique | at once, refused while values occur twice | job that looks for such values first |
| required | at once; records without a value need one when they are next changed | the same |
| formula, roll-up | worked out at once, or by a job | job |
| another type | converted at once; what does not fit must be confirmed | job |
| removed field or object, removed option | must be confirmed when values are affected | the same |

Until a job has ended, the field is written and shown, but cannot be filtered or sorted and is not promised.

Lookups have an index but no foreign key in the database: records go to the bin and come back, the record service locks
what it points to, and a restored tenant is written in any order.

## Objects that come with Fieldstone

System objects have tables like others; what is read-only in them is written by the engine. Adopted objects are tables
of the platform, shown as records and changed only by their own services.

| object | kind | fields |
|---|---|---|
{shipped}
"""


def objects_page() -> str:
    """The page about objects."""
    schema = object_schema(built_in_types())["properties"]
    properties = (f"| `{name}` | {each['description']} |" for name, each in schema.items() if name != "$schema")
    sample = ObjectSnapshot(body("thing", record_types=[{"name": "a"}])).get("object", "thing")
    system = (
        f"| `{f.name}` | {f.type.name} | {'yes' if f.writable else 'no'} |" for f in sample.system_fields.values()
    )
    shipped = (_shipped(definition.body) for definition in shipped_definitions())
    parts = {"properties": properties, "system": system, "shipped": shipped}
    text = _OBJECTS.replace("{small}", f"{SMALL:,}")
    for name, lines in parts.items():
        text = text.replace("{" + name + "}", "\n".join(lines))
    return text


def _shipped(made: Mapping[str, Any]) -> str:
    fields = ", ".join(f"`{each['name']}`" for each in made["fields"])
    kind = f"adopted, changed by the service of {made['managed_by']}" if "managed_by" in made else "system"
    return f"| `{made['name']}` | {kind} | {fields} |"


def page() -> str:
    """The whole page."""
    return "\n".join(_lines()).rstrip() + "\n"


def _lines() -> Iterator[str]:
    yield _INTRODUCTION
    yield "| option | meaning |"
    yield "|---|---|"
    for name, schema in COMMON_OPTIONS.items():
        words = schema["title"] if "description" not in schema else f"{schema['title']}. {schema['description']}"
        yield f"| `{name}` | {words} |"
    yield "\nEach type takes those that it names below. Bounds are values of the type: numbers, dates, durations."
    yield "\n## Types\n"
    for kind in built_in_types():
        yield from _type(_sample(kind.name))
    yield from _migrations()
    yield from _errors()


def _sample(name: str) -> Field:
    declared = field("f", name, **SAMPLES[name].options)
    found: Field = ObjectSnapshot(body("thing", declared), *_WORLD).get("object", "thing").fields["f"]
    return found


def _type(sample: Field) -> Iterator[str]:
    kind = sample.type
    words = [line.strip() for line in (type(kind).__doc__ or "").splitlines()]
    yield f"### {kind.name}\n"
    yield " ".join(words).strip() + "\n"
    yield from _options(type(kind))
    yield from _facts(sample)
    yield ""


def _options(kind: type[FieldType]) -> Iterator[str]:
    if not kind.options:
        return
    yield "| option | meaning | values |"
    yield "|---|---|---|"
    for name, schema in kind.options.items():
        title = schema.get("title", name.replace("_", " ").capitalize())
        words = f"{title}. {schema['description']}" if "description" in schema else title
        needed = " (needed)" if name in kind.needed_options else ""
        yield f"| `{name}`{needed} | {words} | {_values(schema)} |"
    yield ""


def _values(schema: Mapping[str, Any]) -> str:
    if "enum" in schema:
        values = ", ".join(f"`{value}`" for value in schema["enum"])
    else:
        kinds = schema.get("type", "any")
        values = " or ".join(kinds) if isinstance(kinds, list) else str(kinds)
        low, high = schema.get("minimum"), schema.get("maximum")
        values += f", {low} to {high}" if low is not None and high is not None else ""
    return f"{values}; default `{json.dumps(schema['default'])}`" if "default" in schema else values


def _facts(sample: Field) -> Iterator[str]:
    kind = sample.type
    common = ", ".join(f"`{name}`" for name in COMMON_OPTIONS if name in kind.common)
    yield f"- Options of all types: {common}."
    sent, answered = SAMPLES[kind.name].json[0]
    yield f"- JSON: `{_json(sent)}`" + (f", answered as `{_json(answered)}`." if answered != sent else ".")
    if kind.labelled and not kind.computed:
        yield '- Answered with the label of the record: `{"id": ..., "label": ...}`.'
    yield f"- In expressions: `{kind.expression_type()}`" + _members(kind)
    columns = ", ".join(f"`{name}`" for name in sample.column_names)
    yield f"- Columns of a field `f`: {columns}." if columns else "- Kept in no column of its own."
    if kind.operators:
        yield f"- Filters: {', '.join(operator.label['en'] for operator in kind.operators)}."  # type: ignore[index]
    sorts = {"value": "by value", "label": "by label", "rank": "by the order of the options", "none": "not sorted"}
    yield f"- Lists sort {sorts[kind.sort]}." if kind.sort != "none" else "- Lists cannot be sorted by it."
    yield f"- Aggregates: {', '.join(kind.aggregates)}."


def _members(kind: FieldType) -> str:
    members = ", ".join(f"`.{name}`" for name in kind.members())
    return f", with {members}." if members else "."


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)


def _migrations() -> Iterator[str]:
    samples = [_sample(kind.name).type for kind in built_in_types() if not kind.computed and not kind.nested]
    names = " | ".join(kind.name for kind in samples)
    yield _MIGRATION.format(names=names, lines="---|" * (len(samples) - 1) + "---").rstrip()
    for before in samples:
        cells = " | ".join(after.migrate_from(before) or "-" for after in samples)
        yield f"| **{before.name}** | {cells} |"
    yield ""


def _errors() -> Iterator[str]:
    yield "## Error codes of values\n"
    yield "Every refusal of a value names its place (JSON pointer), one of these codes, and says it in words.\n"
    yield "| code | message |"
    yield "|---|---|"
    kinds = [value for value in vars(problems).values() if isinstance(value, ProblemKind)]
    for kind in sorted(kinds, key=lambda each: each.code):
        yield f"| `{kind.code}` | {kind.message} |"


def _schema(schema: Mapping[str, Any]) -> str:
    return json.dumps(schema, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def files() -> dict[Path, str]:
    """Everything that this script writes."""
    types = built_in_types()
    return {
        PAGE: page(),
        OBJECTS_PAGE: objects_page(),
        SCHEMAS / "object.json": _schema(object_schema(types)),
        SCHEMAS / "shipped_object.json": _schema(shipped_schema(types)),
    }


def main() -> int:
    """Write the files, or say which are not up to date."""
    stale = [path for path, text in files().items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    if "--check" in sys.argv:
        for path in stale:
            print(f"not up to date: {path.relative_to(ROOT)}")
        return 1 if stale else 0
    for path, text in files().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
