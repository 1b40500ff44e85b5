"""The semantic difference of two bodies or two versions: what was added, removed, changed, moved.

What comes in: two plain bodies, or two sets of definitions. What goes out: differences with a path by names, not by
positions (`/fields/priority/options/high/label`): an inserted field is one addition and not a change of all that
follow. Lists whose items have a name are matched by it; lists of plain values are compared as ordered sets; other lists
by their longest common run. Pure. Called by versions, changesets and packages; `wording` makes sentences.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from fieldstone.platform.kernel.metadata import Definition
from fieldstone.platform.kernel.text import LOCALES
from fieldstone.platform.metadata.canonical import canonical
from fieldstone.platform.metadata.manifest import Key
from fieldstone.platform.metadata.pointers import pointer

ChangeWord = Literal["added", "removed", "changed", "moved"]
# What names an item of a list, in this order of preference.
NAMING = ("name", "value", "code", "field", "object", "page", "id")


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of a path: a property (`label` None) or a named item of the list before it, with its label."""

    key: str
    item: bool = False
    label: Any = None


Steps: TypeAlias = tuple[Step, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One difference inside an element; `before` and `after` are the JSON values (None: not there)."""

    steps: Steps
    change: ChangeWord
    before: Any = None
    after: Any = None

    @property
    def path(self) -> str:
        return pointer(step.key for step in self.steps)


@dataclass(frozen=True, slots=True, kw_only=True)
class ElementDifference:
    """One element that differs. `label` is what the element calls itself."""

    kind: str
    name: str
    change: ChangeWord
    label: Any = None
    parts: Sequence[Difference] = field(default=())


def compare_definitions(before: Mapping[Key, Definition], after: Mapping[Key, Definition]) -> list[ElementDifference]:
    """The elements that differ, by kind and name."""
    result = []
    for key in sorted(before.keys() | after.keys()):
        old, new = before.get(key), after.get(key)
        if old is not None and new is not None and old.hash == new.hash:
            continue
        result.append(_element(key, old, new))
    return result


def _element(key: Key, old: Definition | None, new: Definition | None) -> ElementDifference:
    change: ChangeWord = "changed" if old and new else "added" if new else "removed"
    parts = compare_bodies(old.body, new.body) if old and new else []
    present = new or old
    label = present.body.get("label") if present else None
    return ElementDifference(kind=key[0], name=key[1], change=change, label=label, parts=parts)


def compare_bodies(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Difference]:
    """The differences inside one element, in the order of its keys."""
    return list(_mappings((), before, after))


def _values(steps: Steps, before: Any, after: Any) -> Iterator[Difference]:
    before, after = _same_form(before, after)
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        yield from _mappings(steps, before, after)
    elif isinstance(before, list) and isinstance(after, list):
        yield from _lists(steps, before, after)
    elif canonical(before) != canonical(after):
        yield Difference(steps=steps, change="changed", before=before, after=after)


def _same_form(before: Any, after: Any) -> tuple[Any, Any]:
    """A plain text next to one by locale is its English."""
    if isinstance(before, str) and is_text(after):
        return {"en": before}, after
    if isinstance(after, str) and is_text(before):
        return before, {"en": after}
    return before, after


def is_text(value: Any) -> bool:
    """Whether a value is a text by locale."""
    return (
        isinstance(value, Mapping)
        and bool(value)
        and all(key in LOCALES and isinstance(text, str) for key, text in value.items())
    )


def _mappings(steps: Steps, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Difference]:
    for key in sorted(before.keys() | after.keys()):
        inner = (*steps, Step(key=key))
        if key not in before:
            yield Difference(steps=inner, change="added", after=after[key])
        elif key not in after:
            yield Difference(steps=inner, change="removed", before=before[key])
        else:
            yield from _values(inner, before[key], after[key])


def _lists(steps: Steps, before: list[Any], after: list[Any]) -> Iterator[Difference]:
    old, new = _named(before), _named(after)
    if old is None or new is None:
        yield from _runs(steps, before, after)
        return
    for name, item in old.items():
        if name not in new:
            yield Difference(steps=_item(steps, name, item), change="removed", before=item)
    for name, item in new.items():
        if name not in old:
            yield Difference(steps=_item(steps, name, item), change="added", after=item)
        else:
            yield from _values(_item(steps, name, item), old[name], item)
    yield from _order(steps, list(old), list(new))


def _order(steps: Steps, before: list[str], after: list[str]) -> Iterator[Difference]:
    old = [name for name in before if name in set(after)]
    new = [name for name in after if name in set(before)]
    if old != new:
        yield Difference(steps=steps, change="moved", before=before, after=after)


def _named(items: Sequence[Any]) -> dict[str, Any] | None:
    """The items by their names, or None when some have no name or share one."""
    naming = _naming(items)
    result: dict[str, Any] = {}
    for item in items:
        name = item.get(naming) if isinstance(item, Mapping) else item
        if not isinstance(name, str | int) or str(name) in result:
            return None
        result[str(name)] = item
    return result


def names_of_items(items: Sequence[Any]) -> list[str]:
    """How the items of a list are addressed: by their names where they all have one, else by position."""
    named = _named(items)
    return list(named) if named is not None else [str(index) for index in range(len(items))]


def _naming(items: Iterable[Any]) -> str:
    mappings = [item for item in items if isinstance(item, Mapping)]
    return next((key for key in NAMING if all(key in item for item in mappings)), "")


def _item(steps: Steps, name: str, item: Any) -> Steps:
    label = item.get("label") if isinstance(item, Mapping) else None
    return (*steps, Step(key=name, item=True, label=label))


def _runs(steps: Steps, before: list[Any], after: list[Any]) -> Iterator[Difference]:
    """Lists without names: items of the longest common runs are equal, replaced ones are compared in pairs."""
    old, new = [canonical(item) for item in before], [canonical(item) for item in after]
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
    for tag, old_from, old_to, new_from, new_to in matcher.get_opcodes():
        if tag == "equal":
            continue
        pairs = min(old_to - old_from, new_to - new_from)
        for offset in range(pairs):
            inner = _item(steps, str(new_from + offset), after[new_from + offset])
            yield from _values(inner, before[old_from + offset], after[new_from + offset])
        for index in range(old_from + pairs, old_to):
            yield Difference(steps=_item(steps, str(index), before[index]), change="removed", before=before[index])
        for index in range(new_from + pairs, new_to):
            yield Difference(steps=_item(steps, str(index), after[index]), change="added", after=after[index])
