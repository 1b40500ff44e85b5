"""Renames: an element or a named part that goes on under another name, and the rewriting of what refers to it.

What comes in: the base and the drafted definitions, where `renamed_from` names what an element, or an item of one of
its lists, was called. What goes out: the renames that take effect (the old name exists, the new one does not) and
rewritten bodies of the kinds that can rewrite. Pure; called by candidates.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fieldstone.platform.kernel.metadata import Definition, MetadataKind, Rename
from fieldstone.platform.metadata.manifest import Key, Manifest

RENAMED_FROM = "renamed_from"


def find_renames(base: Manifest, drafts: Mapping[Key, Definition | None]) -> list[Rename]:
    """The renames in effect, those of elements first; part renames name the element as it is called afterwards."""
    elements = [rename for definition in drafts.values() if definition for rename in _of_element(base, definition)]
    former = {(rename.kind, rename.to): rename.name for rename in elements}
    parts: list[Rename] = []
    for key, definition in drafts.items():
        before = base.elements.get((key[0], former.get(key, key[1])))
        if definition is not None and before is not None:
            parts.extend(_of_parts(before.body, definition))
    return elements + parts


def _of_element(base: Manifest, definition: Definition) -> Iterator[Rename]:
    old = definition.body.get(RENAMED_FROM)
    exists = (definition.kind, old) in base.elements
    if isinstance(old, str) and exists and (definition.kind, definition.name) not in base.elements:
        yield Rename(kind=definition.kind, name=old, to=definition.name)


def _of_parts(before: Mapping[str, Any], after: Definition) -> Iterator[Rename]:
    for key, items in after.body.items():
        old_names = names_in(before.get(key))
        new_names = names_in(items)
        for item in items if isinstance(items, list) else ():
            old = item.get(RENAMED_FROM) if isinstance(item, Mapping) else None
            name = item.get("name") if old else None
            if isinstance(name, str) and old in old_names - new_names and name not in old_names:
                yield Rename(kind=after.kind, name=after.name, to=name, part=str(old))


def names_in(items: Any) -> set[str]:
    """The names of the items of a list, by `name` or `value`; empty for anything else."""
    if not isinstance(items, list):
        return set()
    found = (item.get("name", item.get("value")) for item in items if isinstance(item, Mapping))
    return {name for name in found if isinstance(name, str)}


def has_part(body: Mapping[str, Any], part: str) -> bool:
    """Whether a body has the part: dotted names of items of its lists, each inside the one before ("status.open")."""
    levels: list[Any] = [body]
    for name in part.split("."):
        levels = [
            item
            for level in levels
            for items in level.values()
            if isinstance(items, list)
            for item in items
            if isinstance(item, Mapping) and name in (item.get("name"), item.get("value"))
        ]
    return bool(levels)


def rewritten(kind: MetadataKind, definition: Definition, renames: Sequence[Rename]) -> Mapping[str, Any] | None:
    """The body with all renames applied, or None when nothing changed or the kind cannot rewrite."""
    if kind.rewrite is None:
        return None
    body = definition.body
    for rename in renames:
        changed = kind.rewrite(
            Definition(kind=definition.kind, name=definition.name, body=body, hash="", package=definition.package),
            rename,
        )
        body = body if changed is None else changed
    return None if body == definition.body else body
