"""The snapshot of one tenant at one version: what every room asks.

What comes in: a version number and what is compiled of its manifest. What goes out: the kernel's `Snapshot`. Artefacts
compile on first use, once; when the version changes the old snapshot dies with its last user. Made by the metadata
service, held by units and contexts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from fieldstone.platform.kernel.metadata import Definition, Snapshot
from fieldstone.platform.metadata.artefacts import Compiled


class TenantSnapshot:
    """A version number on top of a compiled manifest that several tenants may share."""

    __slots__ = ("__weakref__", "_version", "compiled")

    def __init__(self, version: int, compiled: Compiled) -> None:
        self._version = version
        self.compiled = compiled

    @property
    def version(self) -> int:
        return self._version

    def get(self, kind: str, name: str) -> Any:
        """The compiled artefact. Raises `NotFound`, or `MetadataError` when it does not compile."""
        return self.compiled.get(kind, name)

    def find(self, kind: str, name: str) -> Any | None:
        """The compiled artefact, or None when there is no such element."""
        return self.compiled.find(kind, name)

    def names(self, kind: str) -> Sequence[str]:
        """Names of all elements of a kind, sorted."""
        return self.compiled.names(kind)

    def all(self, kind: str) -> Sequence[Any]:
        """All compiled artefacts of a kind, sorted by name."""
        return self.compiled.all(kind)

    def definition(self, kind: str, name: str) -> Definition | None:
        """The definition as stored, or None."""
        return self.compiled.definition(kind, name)

    def derived(self, key: str, make: Callable[[Snapshot], Any]) -> Any:
        """A value made once and kept; it may not depend on the version number, since tenants share it."""
        return self.compiled.derived(key, make)

    def physical(self, kind: str, path: str) -> str | None:
        """The stable physical name of a part, or None."""
        return self.compiled.physical(kind, path)

    def building(self, kind: str, name: str) -> frozenset[str]:
        """The parts of an element that a job still builds."""
        return self.compiled.building(kind, name)
