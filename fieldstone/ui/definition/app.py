"""The kind `app`: a group of objects and pages that people move between: the left navigation.

What comes in: definitions from `apps/*.json`. What goes out: `App` artefacts. Who calls it: `platform.metadata` through
the `MetadataKind`, and the shell of every page.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from fieldstone.platform.kernel.metadata import Definition, MetadataError, MetadataKind, Reference, Snapshot
from fieldstone.platform.kernel.text import Text
from fieldstone.rules.kinds.shapes import NAME, TEXT, document

PAGES = ("home", "approvals", "jobs", "bin", "dispatch")

SCHEMA = document(
    "app",
    "App",
    {
        "label": TEXT,
        "icon": {"type": "string", "maxLength": 60},
        "order": {"type": "integer", "default": 100},
        "roles": {"type": "array", "items": NAME, "uniqueItems": True},
        "nav": {
            "type": "array",
            "maxItems": 30,
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["items"],
                "properties": {
                    "label": TEXT,
                    "items": {
                        "type": "array",
                        "maxItems": 50,
                        "items": {
                            "type": "object",
                            "additionalProperties": False,
                            "minProperties": 1,
                            "properties": {
                                "object": NAME,
                                "view": NAME,
                                "page": {"enum": list(PAGES)},
                                "label": TEXT,
                            },
                        },
                    },
                },
            },
        },
    },
    ("nav",),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NavItem:
    """One line of the navigation: an object (with a view) or a page of the platform."""

    object: str | None
    view: str | None
    page: str | None
    label: Text | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NavGroup:
    """Lines under one heading."""

    label: Text | None
    items: tuple[NavItem, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """A compiled app."""

    name: str
    label: Text
    icon: str
    order: int
    roles: frozenset[str]
    groups: tuple[NavGroup, ...]


def compile_app(definition: Definition, snapshot: Snapshot) -> App:
    """Compile one definition. Raises `MetadataError` for an item that names nothing there is."""
    body = definition.body
    for reference in references(definition, snapshot):
        if snapshot.find(reference.kind, reference.name) is None:
            raise MetadataError(
                "There is no {kind} called {name}.",
                path=reference.path,
                code=f"unknown_{reference.kind}",
                kind=reference.kind,
                name=reference.name,
            )
    return App(
        name=body["name"],
        label=body.get("label", body["name"]),
        icon=body.get("icon", "apps"),
        order=body.get("order", 100),
        roles=frozenset(body.get("roles", ())),
        groups=tuple(
            NavGroup(label=group.get("label"), items=tuple(_item(item) for item in group["items"]))
            for group in body["nav"]
        ),
    )


def references(definition: Definition, snapshot: Snapshot) -> Iterable[Reference]:
    """The objects, views and roles that the app names."""
    body = definition.body
    for n, role in enumerate(body.get("roles", ())):
        yield Reference(path=f"/roles/{n}", kind="role", name=role)
    for g, group in enumerate(body.get("nav", ())):
        for i, item in enumerate(group.get("items", ())):
            for kind in ("object", "view"):
                if kind in item:
                    yield Reference(path=f"/nav/{g}/items/{i}/{kind}", kind=kind, name=item[kind])


def _item(body: Mapping[str, Any]) -> NavItem:
    return NavItem(object=body.get("object"), view=body.get("view"), page=body.get("page"), label=body.get("label"))


KIND = MetadataKind(
    name="app",
    folder="apps",
    label={"en": "App", "zh-Hans": "应用", "zh-Hant": "應用"},
    schema=SCHEMA,
    compile=compile_app,
    references=references,
    order=80,
)
