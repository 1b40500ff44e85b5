"""Compiled artefacts: made once, shared by all tenants whose metadata agree on what the artefact depends on.

What comes in: a manifest and the registered kinds. What goes out: artefacts, references and closures (everything an
element refers to, directly or not). An artefact is addressed by the hash of its closure: definitions, physical names
and building parts. The cache keeps artefacts within a bound in bytes, whatever the number of tenants; `Compiled` knows
where those of one manifest are, compiles what left again, and dies with its last snapshot. Called by snapshots, preview
and where-used.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from fieldstone.platform.kernel.errors import FieldstoneError, NotFound
from fieldstone.platform.kernel.metadata import Definition, MetadataError, MetadataKind, Reference
from fieldstone.platform.kernel.registry import Registry
from fieldstone.platform.metadata.canonical import canonical, digest
from fieldstone.platform.metadata.lru import BoundedMap, Entry
from fieldstone.platform.metadata.manifest import Key, Manifest
from fieldstone.platform.metadata.views import AskedView, ClosureView, Question

CACHE_BYTES = 64 * 2**20
# Measured with tracemalloc over compiled object types: a fixed part, and a part that grows with the definition.
ARTEFACT_BYTES = 8_192
ARTEFACT_FACTOR = 60
REFERENCE_BYTES = 400
DERIVED_BYTES = 32_768
_KEPT_REFERENCES = 4


class _Refused:
    """A definition that does not compile: the error is kept, so that no request compiles it again."""

    __slots__ = ("error",)

    def __init__(self, error: FieldstoneError) -> None:
        self.error = error


class SnapshotCache:
    """Artefacts of all tenants of this process. Compiling is serial: one lock, taken only on a miss."""

    def __init__(self, kinds: Registry[MetadataKind], capacity: int = CACHE_BYTES) -> None:
        self.kinds = kinds
        self.lock = threading.RLock()
        self.kept = BoundedMap(capacity)
        self._compiled: weakref.WeakValueDictionary[str, Compiled] = weakref.WeakValueDictionary()
        self._entered: list[tuple[str, str, Key]] = []

    def compiled(self, manifest: Manifest) -> Compiled:
        """What is compiled of this manifest; the same object for every tenant that has it."""
        with self.lock:
            found = self._compiled.get(manifest.hash)
            if found is None:
                found = self._compiled[manifest.hash] = Compiled(manifest, self)
            return found

    @contextmanager
    def entering(self, what: str, manifest: Manifest, key: Key) -> Iterator[None]:
        """Hold the lock while something of `key` is made. Raises `MetadataError` when that needs itself."""
        with self.lock:
            mark = (what, manifest.hash, key)
            if mark in self._entered:
                raise _circular([k for _, _, k in self._entered[self._entered.index(mark) :]] + [key])
            self._entered.append(mark)
            try:
                yield
            finally:
                self._entered.pop()


def _circular(keys: Sequence[Key]) -> MetadataError:
    names = " → ".join(f"{kind} {name}" for kind, name in dict.fromkeys(keys))
    return MetadataError(
        "These need each other in a circle: {cycle}.", code="circular", cycle=f"{names} → {keys[-1][0]} {keys[-1][1]}"
    )


class Compiled:
    """Everything compiled so far of one manifest."""

    def __init__(self, manifest: Manifest, cache: SnapshotCache) -> None:
        self._manifest = manifest
        self._cache = cache
        self._artefacts: dict[Key, weakref.ref[Entry]] = {}
        self._refused: dict[Key, Entry] = {}
        self.reference_errors: dict[Key, FieldstoneError] = {}
        self._derived: dict[str, weakref.ref[Entry]] = {}
        self._references: dict[Key, tuple[Reference, ...]] = {}
        self._closures: dict[Key, frozenset[Key]] = {}
        self._addresses: dict[Key, str] = {}

    @property
    def manifest(self) -> Manifest:
        return self._manifest

    @property
    def cache(self) -> SnapshotCache:
        return self._cache

    @property
    def version(self) -> int:
        raise MetadataError("What tenants share may not depend on a version number.", code="undeclared_reference")

    def get(self, kind: str, name: str) -> Any:
        """The artefact. Raises `NotFound`, or `MetadataError` when the definition does not compile."""
        held = self._artefacts.get((kind, name))
        entry = held() if held is not None else None
        found = (entry or self._make((kind, name))).use()
        if found.__class__ is _Refused:
            raise found.error.with_traceback(None)
        return found

    def find(self, kind: str, name: str) -> Any | None:
        """The artefact, or None when there is no such element."""
        return self.get(kind, name) if (kind, name) in self._manifest.elements else None

    def names(self, kind: str) -> Sequence[str]:
        """Names of all elements of a kind, sorted."""
        return self._manifest.names(kind)

    def all(self, kind: str) -> Sequence[Any]:
        """All artefacts of a kind, sorted by name."""
        return tuple(self.get(kind, name) for name in self._manifest.names(kind))

    def definition(self, kind: str, name: str) -> Definition | None:
        """The definition as stored, or None."""
        return self._manifest.elements.get((kind, name))

    def derived(self, key: str, make: Callable[[Any], Any]) -> Any:
        """A value made once for this manifest; made again only when room was needed for others."""
        held = self._derived.get(key)
        entry = held() if held is not None else None
        return (entry or self._derive(key, make)).use()

    def _derive(self, key: str, make: Callable[[Any], Any]) -> Entry:
        with self._cache.lock:
            held = self._derived.get(key)
            entry = held() if held is not None else None
            if entry is None:
                address = ("derived", self._manifest.hash, key)
                entry = self._cache.kept.put(address, make(self), DERIVED_BYTES)
                self._derived[key] = weakref.ref(entry)
            return entry

    def physical(self, kind: str, path: str) -> str | None:
        """The stable physical name of a part, or None."""
        return self._manifest.physical.get((kind, path))

    def building(self, kind: str, name: str) -> frozenset[str]:
        """The parts of an element that a job still builds."""
        return self._manifest.building.get((kind, name), frozenset())

    def references(self, key: Key) -> tuple[Reference, ...]:
        """What the element refers to, as its kind tells; () when there is no such element or kind."""
        found = self._references.get(key)
        if found is None:
            with self._cache.entering("references", self._manifest, key):
                found = self._references[key] = self._find_references(key)
        return found

    def _find_references(self, key: Key) -> tuple[Reference, ...]:
        """A definition too broken to tell its references refers to nothing; the error is told by preview."""
        try:
            return self._told_references(key)
        except FieldstoneError as error:
            self.reference_errors[key] = error
            return ()

    def closure(self, key: Key) -> frozenset[Key]:
        """The element and everything it refers to, directly or not, also what does not exist."""
        found = self._closures.get(key)
        if found is None:
            seen = {key}
            waiting = [key]
            while waiting:
                for reference in self.references(waiting.pop()):
                    target = (reference.kind, reference.name)
                    if target not in seen:
                        seen.add(target)
                        waiting.append(target)
            found = self._closures[key] = frozenset(seen)
        return found

    def address(self, key: Key) -> str:
        """The content address of the element's artefact; "" when there is no such element."""
        found = self._addresses.get(key)
        if found is None:
            lines = [f"{k}/{n}\t{self._manifest.fingerprint((k, n))}" for k, n in sorted(self.closure(key))]
            found = digest("\n".join([f"{key[0]}/{key[1]}", *lines])) if key in self._manifest.elements else ""
            self._addresses[key] = found
        return found

    def answer(self, question: Question) -> str:
        """A fingerprint of what this manifest answers to a recorded question."""
        what, kind, name = question
        if what == "artefact":
            return self.address((kind, name))
        if what == "physical":
            return self.physical(kind, name) or ""
        return self._manifest.fingerprint((kind, name))

    def _make(self, key: Key) -> Entry:
        definition = self._manifest.elements.get(key)
        if definition is None:
            raise NotFound("There is no {kind} called {name}.", kind=key[0], name=key[1])
        with self._cache.entering("compile", self._manifest, key):
            held = self._artefacts.get(key)
            entry = held() if held is not None else None
            if entry is None:
                entry = self._find_or_compile(definition, key)
                self._artefacts[key] = weakref.ref(entry)
            return entry

    def _find_or_compile(self, definition: Definition, key: Key) -> Entry:
        try:
            address = ("artefact", self.address(key))
            if key in self.reference_errors:
                raise self.reference_errors[key]
            entry = self._cache.kept.entry(address)
            if entry is None:
                entry = self._cache.kept.put(address, self._compile(definition, key), _weight(definition))
        except FieldstoneError as error:
            if error.instance_code == "circular":
                raise
            if isinstance(error, MetadataError):
                error.element = error.element or f"{key[0]}/{key[1]}"
            entry = self._refused[key] = Entry(_Refused(error), 0)
        return entry

    def _compile(self, definition: Definition, key: Key) -> Any:
        kind = self._cache.kinds.get(definition.kind)
        if kind is None:
            raise MetadataError(
                "No part of this installation knows the kind {kind}.", code="unknown_kind", kind=definition.kind
            )
        return kind.compile(definition, ClosureView(self, self.closure(key), key))

    def _told_references(self, key: Key) -> tuple[Reference, ...]:
        definition = self._manifest.elements.get(key)
        kind = self._cache.kinds.get(key[0])
        if definition is None or kind is None:
            return ()
        address = ("references", key, definition.hash)
        kept: tuple[tuple[dict[Question, str], tuple[Reference, ...]], ...] = self._cache.kept.get(address) or ()
        for answers, references in kept:
            if all(self.answer(question) == answer for question, answer in answers.items()):
                return references
        view = AskedView(self)
        references = tuple(kind.references(definition, view))
        if not view.asked_for_all:
            asked = view.questions | {("definition", r.kind, r.name) for r in references}
            asked.discard(("definition", *key))
            entry = ({question: self.answer(question) for question in asked}, references)
            kept = (entry, *kept[: _KEPT_REFERENCES - 1])
            self._cache.kept.put(address, kept, REFERENCE_BYTES * (1 + sum(len(r) + len(a) for a, r in kept)))
        return references


def _weight(definition: Definition) -> int:
    return ARTEFACT_BYTES + ARTEFACT_FACTOR * len(canonical(definition.body))
