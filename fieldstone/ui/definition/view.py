"""The kind `view`: a saved way to look at the records of an object: columns, filter, sort, display.

What comes in: definitions from `views/*.json`. What goes out: `View` artefacts. Who calls it: `platform.metadata`
through the `MetadataKind`, and the list pages.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from fieldstone.platform.kernel.metadata import MetadataKind, Snapshot
from fieldstone.platform.kernel.text import Text
from fieldstone.rules.expressions.types import BOOL
from fieldstone.rules.kinds.compiling import Compiling, compile_with, references_with
from fieldstone.rules.kinds.shapes import EXPRESSION, NAME, PATH, TEXT, document

SORT_KEY: Mapping[str, Any] = {"type": "string", "pattern": "^-?[a-z][a-z0-9_]{0,39}(\\.[a-z][a-z0-9_]{0,39}){0,4}$"}

SCHEMA = document(
    "view",
    "View",
    {
        "label": TEXT,
        "object": NAME,
        "columns": {"type": "array", "items": PATH, "minItems": 1, "maxItems": 40, "uniqueItems": True},
        "filter": EXPRESSION,
        "sort": {"type": "array", "items": SORT_KEY, "maxItems": 5},
        "type": {"enum": ["table", "kanban"], "default": "table"},
        "group": {**NAME, "description": "The select field whose options are the columns of a kanban view"},
        "default": {"type": "boolean", "default": False},
        "order": {"type": "integer", "default": 100},
        "count": {"type": "boolean", "default": False, "description": "Show how many records the view has"},
        "roles": {"type": "array", "items": NAME, "uniqueItems": True, "description": "Who sees it; empty: everybody"},
    },
    ("object", "columns"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """A compiled view; `filter` stays source, because lists compile it together with the reader's own chips."""

    name: str
    object: str
    label: Text
    columns: tuple[str, ...]
    filter: str | None
    sort: tuple[str, ...]
    type: Literal["table", "kanban"]
    group: str | None
    default: bool
    order: int
    count: bool
    roles: frozenset[str]

    def shown_to(self, roles: frozenset[str]) -> bool:
        """Whether somebody with these roles sees the view among the tabs."""
        return not self.roles or bool(self.roles & roles)


def build(scope: Compiling) -> View:
    """Compile one definition. Raises `MetadataError`."""
    body = scope.body
    for index, column in enumerate(body["columns"]):
        scope.field_path(column, f"/columns/{index}")
    for index, key in enumerate(body.get("sort", ())):
        scope.field_path(key.removeprefix("-"), f"/sort/{index}")
    if "filter" in body:
        scope.expression(body["filter"], "/filter", BOOL)
    if "group" in body:
        scope.field(body["group"], "/group")
    for index, role in enumerate(body.get("roles", ())):
        scope.refer(f"/roles/{index}", "role", role)
    return View(
        name=body["name"],
        object=scope.object.name,
        label=body.get("label", body["name"]),
        columns=tuple(body["columns"]),
        filter=body.get("filter"),
        sort=tuple(body.get("sort", ())),
        type=body.get("type", "table"),
        group=body.get("group"),
        default=body.get("default", False),
        order=body.get("order", 100),
        count=body.get("count", False),
        roles=frozenset(body.get("roles", ())),
    )


def views_of(snapshot: Snapshot, object_name: str) -> tuple[View, ...]:
    """All views of an object, in order; the default one first."""
    index: Mapping[str, tuple[View, ...]] = snapshot.derived("ui.views", _by_object)
    return index.get(object_name, ())


def _by_object(snapshot: Snapshot) -> Mapping[str, tuple[View, ...]]:
    found: dict[str, list[View]] = {}
    for view in snapshot.all("view"):
        found.setdefault(view.object, []).append(view)
    return {name: tuple(sorted(views, key=lambda v: (not v.default, v.order, v.name))) for name, views in found.items()}


KIND = MetadataKind(
    name="view",
    folder="views",
    label={"en": "View", "zh-Hans": "视图", "zh-Hant": "檢視"},
    schema=SCHEMA,
    compile=compile_with(build),
    references=references_with(build),
    order=70,
)
