"""Hypothesis strategies for bodies of metadata, and in-memory snapshots for tests without a database."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

from fieldstone.platform.kernel.metadata import Definition
from fieldstone.platform.metadata.artefacts import Compiled, SnapshotCache
from fieldstone.platform.metadata.canonical import content_hash
from fieldstone.platform.metadata.manifest import Manifest
from tests.support.note_kind import note_kinds

WORDS = st.sampled_from(["a", "b", "c", "name_1", "x/y", "~", "标签", "é"])
TEXTS = st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\x00"), max_size=8)
SCALARS = st.one_of(
    TEXTS, st.booleans(), st.none(), st.integers(-(2**40), 2**40), st.floats(allow_nan=False, allow_infinity=False)
)
BODIES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(WORDS, inner, max_size=4)),
    max_leaves=20,
)
OBJECTS = st.dictionaries(WORDS, BODIES, max_size=5)


def definition(kind: str, body: Mapping[str, Any], package: str | None = None) -> Definition:
    return Definition(kind=kind, name=body["name"], body=body, hash=content_hash(body), package=package)


def manifest_of(*definitions: Definition, building: Mapping[Any, frozenset[str]] | None = None) -> Manifest:
    """A manifest whose notes and fields have the usual physical names."""
    physical: dict[tuple[str, str], str] = {}
    for each in definitions:
        if each.kind == "note":
            physical["note", each.name] = f"n_{each.name}"
            for field in each.body["fields"]:
                physical["field", f"{each.name}.{field['name']}"] = f"f_{field['name']}"
    return Manifest(definitions, physical, building or {})


def compiled(*definitions: Definition, cache: SnapshotCache | None = None) -> Compiled:
    return (cache or SnapshotCache(note_kinds())).compiled(manifest_of(*definitions))
