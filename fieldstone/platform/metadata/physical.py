"""Stable physical names: which table or column holds which part, over renames, removals and returns.

What comes in: the parts that the kinds of changed elements ask for, and every name ever given. What goes out: the live
names after the change. A part keeps its name while its signature stays; a part that returns with the same signature
gets its old column back (nothing is dropped by a publish); anything else gets a name that was never used in its table.
Pure; called by candidates.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from fieldstone.platform.kernel.metadata import Definition, MetadataKind, PhysicalPart, Rename
from fieldstone.platform.metadata.manifest import Key

# PostgreSQL cuts names after 63 bytes; suffixes of several columns of one field need room behind the stem.
STEM_LENGTH = 44


@dataclass(frozen=True, slots=True, kw_only=True)
class PhysicalName:
    """One allotted name. `scope` is the physical name of the table a column is in, "" for a table."""

    element: Key
    kind: str
    path: str
    name: str
    scope: str = ""
    signature: str = ""

    @property
    def key(self) -> Key:
        return self.kind, self.path


@dataclass(frozen=True, slots=True, kw_only=True)
class PhysicalNames:
    """The names in use now, and those of parts that went (the latest first)."""

    live: tuple[PhysicalName, ...] = ()
    retired: tuple[PhysicalName, ...] = ()

    def existing(self, scope: str) -> frozenset[str]:
        """All names ever given in a table, or ("") to tables: nothing is dropped, so they all exist."""
        return frozenset(name.name for name in (*self.live, *self.retired) if name.scope == scope)


def parts_of(kind: MetadataKind, definition: Definition) -> list[PhysicalPart]:
    """The parts of a definition that need names, tables first; bare pairs completed by the usual stem and scope."""
    parts = [p if isinstance(p, PhysicalPart) else _usual(*p) for p in kind.physical(definition)]
    return sorted(parts, key=lambda part: part.scope != "")


def _usual(kind: str, path: str) -> PhysicalPart:
    owner, _, last = path.rpartition(".")
    if kind == "field":
        return PhysicalPart(kind=kind, path=path, stem=f"f_{last}", scope=owner)
    return PhysicalPart(kind=kind, path=path, stem=f"{kind[0]}_{path.replace('.', '_')}")


def allot(
    names: PhysicalNames,
    changed: Mapping[Key, Sequence[PhysicalPart]],
    renames: Iterable[Rename],
    preferred: Iterable[PhysicalName] = (),
) -> tuple[PhysicalName, ...]:
    """The live names after the elements in `changed` have the given parts (none for a removed element).

    `preferred` are the names of an older version that is being restored: its parts get them back.
    """
    kept = [name for name in names.live if name.element not in changed]
    allotment = _Allotment(names, kept, _former_paths(renames), preferred)
    for element, parts in changed.items():
        allotment.add(element, parts)
    return tuple(sorted(allotment.names, key=lambda name: name.key))


def _former_paths(renames: Iterable[Rename]) -> dict[str, str]:
    """New path to old path; element renames come first, part renames name the element as it is called now."""
    former: dict[str, str] = {}
    for rename in renames:
        if rename.part is None:
            former[rename.to] = rename.name
        else:
            former[f"{rename.name}.{rename.to}"] = f"{former.get(rename.name, rename.name)}.{rename.part}"
    return former


class _Allotment:
    """One run of `allot`: the names given so far and where a part may find the one it had."""

    def __init__(
        self,
        names: PhysicalNames,
        kept: Sequence[PhysicalName],
        former: Mapping[str, str],
        preferred: Iterable[PhysicalName],
    ) -> None:
        self.names = list(kept)
        self._former = former
        self._live = {name.key: name for name in names.live}
        self._preferred = {name.key: name for name in preferred}
        self._retired = names.retired
        self._ever = {(n.scope, n.name) for n in (*names.live, *names.retired)}
        self._used = {(n.scope, n.name) for n in kept}

    def add(self, element: Key, parts: Sequence[PhysicalPart]) -> None:
        """Give every part of one element its name: first those that had one, then the new ones."""
        tables: dict[str, str] = {}
        for is_column in (False, True):
            group = [part for part in parts if bool(part.scope) == is_column]
            found = {part.path: self._former_name(part) for part in group}
            for part in sorted(group, key=lambda part: found[part.path] is None):
                self._give(element, part, tables.get(part.scope, ""), found[part.path])
            tables.update({name.path: name.name for name in self.names if name.element == element and not name.scope})

    def _give(self, element: Key, part: PhysicalPart, scope: str, former: PhysicalName | None) -> None:
        if former is None or (scope, former.name) in self._used:
            former = self._returning(part, scope)
        name = former.name if former else self._fresh(part.stem, scope)
        self._used.add((scope, name))
        self._ever.add((scope, name))
        self.names.append(
            PhysicalName(
                element=element, kind=part.kind, path=part.path, name=name, scope=scope, signature=part.signature
            )
        )

    def _former_name(self, part: PhysicalPart) -> PhysicalName | None:
        old_path = self._former_path(part.path)
        for name in (
            self._preferred.get((part.kind, part.path)),
            self._live.get((part.kind, part.path)),
            self._live.get((part.kind, old_path)),
        ):
            if name is not None and name.signature == part.signature:
                return name
        return None

    def _former_path(self, path: str) -> str:
        if path in self._former:
            return self._former[path]
        element, dot, rest = path.partition(".")
        return self._former.get(element, element) + dot + rest

    def _returning(self, part: PhysicalPart, scope: str) -> PhysicalName | None:
        for name in self._retired:
            same = name.key == (part.kind, part.path) and name.scope == scope and name.signature == part.signature
            if same and (scope, name.name) not in self._used and name.name not in self._live_names(scope):
                return name
        return None

    def _live_names(self, scope: str) -> set[str]:
        return {name.name for name in self._live.values() if name.scope == scope}

    def _fresh(self, stem: str, scope: str) -> str:
        stem = _shortened(stem)
        number, name = 1, stem
        while (scope, name) in self._ever:
            number += 1
            name = f"{stem}_{number}"
        return name


def _shortened(stem: str) -> str:
    if len(stem) <= STEM_LENGTH:
        return stem
    return f"{stem[: STEM_LENGTH - 9]}_{hashlib.sha256(stem.encode()).hexdigest()[:8]}"


def moved(before: Sequence[PhysicalName], after: Sequence[PhysicalName]) -> tuple[set[Key], list[PhysicalName]]:
    """What a version changes in the stored names: keys that end, and names that begin."""
    old = {name.key: name for name in before}
    new = {name.key: name for name in after}
    ended = {key for key, name in old.items() if new.get(key) != name}
    return ended, [name for key, name in new.items() if old.get(key) != name]
