"""The kind `layout`: how the form and the page of an object are arranged.

What comes in: definitions from `layouts/*.json`. What goes out: `Layout` artefacts with compiled conditions. Who calls
it: `platform.metadata` through the `MetadataKind`, and the form and record pages.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fieldstone.platform.kernel.metadata import MetadataKind, Snapshot
from fieldstone.platform.kernel.text import Text
from fieldstone.rules.engine.targets import object_of
from fieldstone.rules.expressions.compile import Expression
from fieldstone.rules.kinds.compiling import Compiling, compile_with, references_with
from fieldstone.rules.kinds.shapes import EXPRESSION, FIELD_NAMES, NAME, PATH, TEXT, document

ITEM: Mapping[str, Any] = {
    "oneOf": [
        NAME,
        {
            "type": "object",
            "additionalProperties": False,
            "required": ["field"],
            "properties": {
                "field": NAME,
                "visible": EXPRESSION,
                "required": EXPRESSION,
                "read_only": EXPRESSION,
                "width": {"enum": ["full"]},
            },
        },
    ]
}

SCHEMA = document(
    "layout",
    "Layout",
    {
        "object": NAME,
        "record_types": {"type": "array", "items": NAME, "uniqueItems": True},
        "roles": {"type": "array", "items": NAME, "uniqueItems": True},
        "highlights": {"type": "array", "items": PATH, "maxItems": 10},
        "path": {**NAME, "description": "The select field whose options are shown as a path"},
        "sections": {
            "type": "array",
            "minItems": 1,
            "maxItems": 60,
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["name", "fields"],
                "properties": {
                    "name": NAME,
                    "label": TEXT,
                    "columns": {"enum": [1, 2, 3], "default": 2},
                    "tab": TEXT,
                    "visible": EXPRESSION,
                    "fields": {"type": "array", "items": ITEM, "maxItems": 200},
                },
            },
        },
        "related": {
            "type": "array",
            "maxItems": 30,
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["object", "field"],
                "properties": {
                    "object": NAME,
                    "field": {**NAME, "description": "The lookup that points back to this object"},
                    "columns": {"type": "array", "items": PATH, "maxItems": 20},
                    "label": TEXT,
                },
            },
        },
        "actions": {"type": "array", "items": NAME, "uniqueItems": True, "maxItems": 30},
        "more_actions": {
            "type": "array",
            "items": NAME,
            "uniqueItems": True,
            "maxItems": 30,
            "description": "Actions in the menu behind the buttons",
        },
        "quick_create": FIELD_NAMES,
    },
    ("object", "sections"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LayoutField:
    """A field's place on a form. Conditions are None when they are not set."""

    field: str
    full: bool = False
    visible: Expression | None = None
    required: Expression | None = None
    read_only: Expression | None = None

    @property
    def conditional(self) -> bool:
        return bool(self.visible or self.required or self.read_only)


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A group of fields; sections with the same `tab` stand on one tab."""

    name: str
    label: Text
    columns: int
    tab: Text
    visible: Expression | None
    fields: tuple[LayoutField, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Related:
    """A list of records of another object that point here through `field`."""

    object: str
    field: str
    columns: tuple[str, ...]
    label: Text | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """A compiled layout."""

    name: str
    object: str
    record_types: frozenset[str]
    roles: frozenset[str]
    highlights: tuple[str, ...]
    path: str | None
    sections: tuple[Section, ...]
    related: tuple[Related, ...]
    actions: tuple[str, ...]
    more_actions: tuple[str, ...]
    quick_create: tuple[str, ...]

    @property
    def conditions(self) -> tuple[Expression, ...]:
        """Every condition of the layout, to know which related fields they read."""
        found = [section.visible for section in self.sections]
        for section in self.sections:
            for item in section.fields:
                found += [item.visible, item.required, item.read_only]
        return tuple(condition for condition in found if condition is not None)


def build(scope: Compiling) -> Layout:
    """Compile one definition. Raises `MetadataError`."""
    body = scope.body
    for index, path in enumerate(body.get("highlights", ())):
        scope.field_path(path, f"/highlights/{index}")
    if "path" in body:
        scope.field(body["path"], "/path")
    for part in ("actions", "more_actions"):
        for index, name in enumerate(body.get(part, ())):
            scope.refer(f"/{part}/{index}", "automation", name)
    for index, role in enumerate(body.get("roles", ())):
        scope.refer(f"/roles/{index}", "role", role)
    return Layout(
        name=body["name"],
        object=scope.object.name,
        record_types=frozenset(body.get("record_types", ())),
        roles=frozenset(body.get("roles", ())),
        highlights=tuple(body.get("highlights", ())),
        path=body.get("path"),
        sections=tuple(_section(scope, item, f"/sections/{n}") for n, item in enumerate(body["sections"])),
        related=tuple(_related(scope, item, f"/related/{n}") for n, item in enumerate(body.get("related", ()))),
        actions=tuple(body.get("actions", ())),
        more_actions=tuple(body.get("more_actions", ())),
        quick_create=scope.field_names(body.get("quick_create", ()), "/quick_create"),
    )


def _section(scope: Compiling, body: Mapping[str, Any], at: str) -> Section:
    return Section(
        name=body["name"],
        label=body.get("label", ""),
        columns=body.get("columns", 2),
        tab=body.get("tab", ""),
        visible=scope.condition("visible", body, at),
        fields=tuple(_item(scope, item, f"{at}/fields/{n}") for n, item in enumerate(body["fields"])),
    )


def _item(scope: Compiling, body: str | Mapping[str, Any], at: str) -> LayoutField:
    if isinstance(body, str):
        return LayoutField(field=scope.field(body, at).name)
    return LayoutField(
        field=scope.field(body["field"], f"{at}/field").name,
        full=body.get("width") == "full",
        visible=scope.condition("visible", body, at),
        required=scope.condition("required", body, at),
        read_only=scope.condition("read_only", body, at),
    )


def _related(scope: Compiling, body: Mapping[str, Any], at: str) -> Related:
    scope.refer(f"{at}/object", "object", body["object"])
    target = object_of(scope.snapshot, body["object"], f"{at}/object")
    scope.field(body["field"], f"{at}/field", target)
    for index, column in enumerate(body.get("columns", ())):
        scope.field(column.partition(".")[0], f"{at}/columns/{index}", target)
    return Related(
        object=body["object"],
        field=body["field"],
        columns=tuple(body.get("columns", ())),
        label=body.get("label"),
    )


def layouts_of(snapshot: Snapshot, object_name: str) -> tuple[Layout, ...]:
    """All layouts of an object; those for certain roles or record types first."""
    index: Mapping[str, tuple[Layout, ...]] = snapshot.derived("ui.layouts", _by_object)
    return index.get(object_name, ())


def layout_for(
    snapshot: Snapshot, object_name: str, roles: frozenset[str], record_type: str | None = None
) -> Layout | None:
    """The layout that somebody with these roles gets for a record of this type; None: there is no layout."""
    for layout in layouts_of(snapshot, object_name):
        for_type = not layout.record_types or record_type in layout.record_types
        if for_type and (not layout.roles or layout.roles & roles):
            return layout
    return None


def _by_object(snapshot: Snapshot) -> Mapping[str, tuple[Layout, ...]]:
    found: dict[str, list[Layout]] = {}
    for layout in snapshot.all("layout"):
        found.setdefault(layout.object, []).append(layout)
    return {
        name: tuple(sorted(layouts, key=lambda one: (not one.record_types, not one.roles, one.name)))
        for name, layouts in found.items()
    }


KIND = MetadataKind(
    name="layout",
    folder="layouts",
    label={"en": "Layout", "zh-Hans": "布局", "zh-Hant": "版面"},
    schema=SCHEMA,
    compile=compile_with(build),
    references=references_with(build),
    order=75,
)
