"""What one version consists of: its elements, their physical names, the parts that a job still builds.

A manifest is immutable and content-addressed: tenants with the same elements, physical names and building parts have
the same `hash` and share everything compiled from it. Pure. Made by the store (from rows) and by candidates (from a
base and changes); read by snapshots and the artefact cache.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import TypeAlias

from fieldstone.platform.kernel.metadata import Definition
from fieldstone.platform.metadata.canonical import digest

Key: TypeAlias = tuple[str, str]
Physical: TypeAlias = Mapping[Key, str]
Building: TypeAlias = Mapping[Key, frozenset[str]]


class Manifest:
    """All definitions of one version by (kind, name), physical names by (kind, path), building parts by element."""

    __slots__ = ("__weakref__", "_fingerprints", "_names", "building", "elements", "hash", "physical")

    def __init__(self, elements: Iterable[Definition], physical: Physical, building: Building) -> None:
        ordered = sorted(elements, key=lambda definition: (definition.kind, definition.name))
        self.elements: Mapping[Key, Definition] = MappingProxyType({(d.kind, d.name): d for d in ordered})
        self.physical: Physical = MappingProxyType(dict(sorted(physical.items())))
        self.building: Building = MappingProxyType({key: parts for key, parts in sorted(building.items()) if parts})
        self._names = _names_by_kind(self.elements)
        self._fingerprints = self._fingerprinted()
        self.hash = digest("\n".join(self._lines()))

    def names(self, kind: str) -> tuple[str, ...]:
        """Names of all elements of a kind, sorted."""
        return self._names.get(kind, ())

    def fingerprint(self, key: Key) -> str:
        """What an element's artefact depends on, apart from what it refers to; "" when there is no such element."""
        return self._fingerprints.get(key, "")

    def _fingerprinted(self) -> dict[Key, str]:
        physical = _physical_by_element(self.physical)
        prints = {}
        for key, definition in self.elements.items():
            parts = [definition.hash, definition.package or "", *physical.get(key[1], ()), "", *self._parts(key)]
            prints[key] = digest("\t".join(parts))
        return prints

    def _parts(self, key: Key) -> list[str]:
        return sorted(self.building.get(key, ()))

    def _lines(self) -> Iterable[str]:
        for (kind, name), definition in self.elements.items():
            yield f"element\t{kind}\t{name}\t{definition.hash}\t{definition.package or ''}"
        for (kind, path), physical in self.physical.items():
            yield f"physical\t{kind}\t{path}\t{physical}"
        for (kind, name), parts in self.building.items():
            yield f"building\t{kind}\t{name}\t" + "\t".join(sorted(parts))


def element_of(path: str) -> str:
    """The name of the element that a physical path belongs to ("ticket.subject" -> "ticket")."""
    return path.partition(".")[0]


def _names_by_kind(elements: Mapping[Key, Definition]) -> dict[str, tuple[str, ...]]:
    names: dict[str, list[str]] = {}
    for kind, name in elements:
        names.setdefault(kind, []).append(name)
    return {kind: tuple(sorted(found)) for kind, found in names.items()}


def _physical_by_element(physical: Physical) -> dict[str, list[str]]:
    result: dict[str, list[str]] = {}
    for (kind, path), name in physical.items():
        result.setdefault(element_of(path), []).append(f"{kind}={path}={name}")
    return result


EMPTY = Manifest((), {}, {})
