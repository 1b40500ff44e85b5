"""What a kind's functions may see of the metadata while something is made that tenants share.

`ClosureView` is handed to `compile`: it answers only for what the element refers to and raises `MetadataError` (code
`undeclared_reference`) for anything else, also later, when an artefact kept it. It holds definitions, never artefacts,
so a cached artefact keeps no old version alive. `AskedView` is handed to `references`: it records what was asked.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeAlias

from fieldstone.platform.kernel.metadata import Definition, MetadataError, Snapshot
from fieldstone.platform.metadata.manifest import Key, Manifest, element_of

Question: TypeAlias = tuple[str, str, str]


class Whole(Snapshot, Protocol):
    """Everything compiled of one manifest."""

    @property
    def manifest(self) -> Manifest: ...

    @property
    def cache(self) -> Source: ...


class Source(Protocol):
    """Where a view finds the compiled manifest again after it went."""

    def compiled(self, manifest: Manifest) -> Whole: ...


class ClosureView:
    """The elements of one closure, as a snapshot."""

    __slots__ = ("_cache", "_closure", "_compiled", "_manifest", "_names", "_owner")

    def __init__(self, compiled: Whole, closure: frozenset[Key], owner: Key) -> None:
        self._compiled = weakref.ref(compiled)
        self._cache = compiled.cache
        self._manifest = compiled.manifest
        self._closure = closure
        self._names = frozenset(name for _, name in closure)
        self._owner = owner

    @property
    def version(self) -> int:
        raise self._undeclared("the version number")

    def get(self, kind: str, name: str) -> Any:
        return self._of(kind, name).get(kind, name)

    def find(self, kind: str, name: str) -> Any | None:
        return self._of(kind, name).find(kind, name)

    def definition(self, kind: str, name: str) -> Definition | None:
        return self._of(kind, name).definition(kind, name)

    def building(self, kind: str, name: str) -> frozenset[str]:
        return self._of(kind, name).building(kind, name)

    def physical(self, kind: str, path: str) -> str | None:
        if element_of(path) not in self._names:
            raise self._undeclared(f"the physical name of {kind} {path}")
        return self._manifest.physical.get((kind, path))

    def names(self, kind: str) -> Sequence[str]:
        raise self._undeclared(f"all names of {kind}")

    def all(self, kind: str) -> Sequence[Any]:
        raise self._undeclared(f"all of {kind}")

    def derived(self, key: str, make: Callable[[Any], Any]) -> Any:
        raise self._undeclared(f"the index {key}")

    def _of(self, kind: str, name: str) -> Whole:
        if (kind, name) not in self._closure:
            raise self._undeclared(f"{kind} {name}")
        return self._compiled() or self._cache.compiled(self._manifest)

    def _undeclared(self, what: str) -> MetadataError:
        return MetadataError(
            "The artefact of {owner} asked for {what}, which its references do not name.",
            code="undeclared_reference",
            owner=f"{self._owner[0]} {self._owner[1]}",
            what=what,
        )


class AskedView:
    """A whole manifest, with a record of the questions put to it."""

    __slots__ = ("_compiled", "asked_for_all", "questions")

    def __init__(self, compiled: Whole) -> None:
        self._compiled = compiled
        self.questions: set[Question] = set()
        self.asked_for_all = False

    @property
    def version(self) -> int:
        return self._compiled.version

    def get(self, kind: str, name: str) -> Any:
        self.questions.add(("artefact", kind, name))
        return self._compiled.get(kind, name)

    def find(self, kind: str, name: str) -> Any | None:
        self.questions.add(("artefact", kind, name))
        return self._compiled.find(kind, name)

    def definition(self, kind: str, name: str) -> Definition | None:
        self.questions.add(("definition", kind, name))
        return self._compiled.definition(kind, name)

    def building(self, kind: str, name: str) -> frozenset[str]:
        self.questions.add(("definition", kind, name))
        return self._compiled.building(kind, name)

    def physical(self, kind: str, path: str) -> str | None:
        self.questions.add(("physical", kind, path))
        return self._compiled.physical(kind, path)

    def names(self, kind: str) -> Sequence[str]:
        self.asked_for_all = True
        return self._compiled.names(kind)

    def all(self, kind: str) -> Sequence[Any]:
        self.asked_for_all = True
        return self._compiled.all(kind)

    def derived(self, key: str, make: Callable[[Any], Any]) -> Any:
        self.asked_for_all = True
        return self._compiled.derived(key, make)
