"""Artefacts: compiled once, shared by content, bounded, and never told more than their references name."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Iterator
from typing import Any

import pytest

from fieldstone.platform.kernel.errors import NotFound
from fieldstone.platform.kernel.metadata import Definition, MetadataError, MetadataKind, Reference, Snapshot
from fieldstone.platform.kernel.registry import Registry
from fieldstone.platform.metadata.artefacts import SnapshotCache
from fieldstone.platform.metadata.lru import BoundedMap
from fieldstone.platform.metadata.manifest import Manifest
from fieldstone.platform.metadata.snapshot import TenantSnapshot
from tests.support.note_kind import NOTE, Note, note, note_kinds, remark
from tests.unit.metadata.bodies import compiled, definition, manifest_of

SITE = definition("note", note("site", "a"))
VISIT = definition("note", note("visit", "b", needs=["site"]))
LONELY = definition("note", note("lonely", "b"))


def counting_kind(calls: list[str], **more: Any) -> MetadataKind:
    def compile_note(body: Definition, snapshot: Snapshot) -> Any:
        calls.append(body.name)
        return NOTE.compile(body, snapshot)

    values = {name: getattr(NOTE, name) for name in MetadataKind.__dataclass_fields__}
    return MetadataKind(**{**values, "compile": compile_note, **more})


def registry_of(kind: MetadataKind) -> Registry[MetadataKind]:
    registry: Registry[MetadataKind] = Registry("metadata kind")
    registry.register(kind.name, kind)
    return registry


def test_an_artefact_is_compiled_on_first_use_and_once_by_many_threads() -> None:
    calls: list[str] = []
    held = compiled(SITE, VISIT, cache=SnapshotCache(registry_of(counting_kind(calls))))
    assert calls == []
    start = threading.Barrier(8)
    found: list[Note] = []

    def ask() -> None:
        start.wait()
        found.append(held.get("note", "site"))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert calls == ["site"]
    assert len({id(each) for each in found}) == 1


def test_tenants_with_the_same_metadata_share_everything_compiled() -> None:
    cache = SnapshotCache(note_kinds())
    one, two = (TenantSnapshot(version, compiled(SITE, VISIT, cache=cache)) for version in (3, 7))
    assert (one.version, two.version) == (3, 7)
    assert one.get("note", "visit") is two.get("note", "visit")
    assert one.derived("names", lambda s: list(s.names("note"))) is two.derived("names", lambda s: [])


def test_tenants_with_other_metadata_share_what_is_equal_in_its_whole_closure() -> None:
    cache = SnapshotCache(note_kinds())
    mine = compiled(SITE, VISIT, LONELY, cache=cache)
    other_site = definition("note", note("site", "a", "c"))
    theirs = compiled(other_site, VISIT, LONELY, cache=cache)
    assert mine.get("note", "lonely") is theirs.get("note", "lonely")
    assert mine.get("note", "visit") is not theirs.get("note", "visit")
    assert [note.hash for note in theirs.get("note", "visit").needed()] == [other_site.hash]
    assert [note.hash for note in mine.get("note", "visit").needed()] == [SITE.hash]


def test_other_physical_names_or_building_parts_make_another_artefact() -> None:
    cache = SnapshotCache(note_kinds())
    base = manifest_of(SITE)
    moved = Manifest([SITE], {**base.physical, ("field", "site.a"): "f_a_2"}, {})
    building = manifest_of(SITE, building={("note", "site"): frozenset({"a.unique"})})
    columns = [cache.compiled(m).get("note", "site").columns["a"] for m in (base, moved)]
    assert columns == ["f_a", "f_a_2"]
    assert cache.compiled(building).get("note", "site").building == {"a.unique"}
    assert cache.compiled(base).get("note", "site").building == frozenset()


def test_an_artefact_that_asks_for_what_its_references_do_not_name_is_refused() -> None:
    for ask in (
        lambda s: s.get("note", "lonely"),
        lambda s: s.find("note", "nothing"),
        lambda s: s.definition("note", "lonely"),
        lambda s: s.names("note"),
        lambda s: s.all("note"),
        lambda s: s.derived("x", lambda _: 1),
        lambda s: s.physical("field", "lonely.b"),
        lambda s: s.version,
    ):
        kind = counting_kind([])
        values = {name: getattr(kind, name) for name in MetadataKind.__dataclass_fields__}
        asking = MetadataKind(**{**values, "compile": lambda d, s, ask=ask: ask(s)})
        held = compiled(SITE, LONELY, cache=SnapshotCache(registry_of(asking)))
        with pytest.raises(MetadataError) as refusal:
            held.get("note", "site")
        assert refusal.value.instance_code == "undeclared_reference"
        assert refusal.value.element == "note/site"


def test_an_artefact_that_kept_its_snapshot_may_not_ask_for_more_later() -> None:
    held = compiled(SITE, VISIT, LONELY)
    kept = held.get("note", "visit").snapshot
    assert kept.get("note", "site").name == "site"
    with pytest.raises(MetadataError):
        kept.get("note", "lonely")


def test_a_cached_artefact_keeps_no_old_version_alive() -> None:
    cache = SnapshotCache(note_kinds())
    held = compiled(SITE, VISIT, cache=cache)
    artefact = held.get("note", "visit")
    gone = weakref.ref(held)
    del held
    gc.collect()
    assert gone() is None
    assert artefact.needed()[0].name == "site"
    assert compiled(SITE, VISIT, cache=cache).get("note", "visit") is artefact


def test_references_are_found_again_only_where_everything_asked_is_the_same() -> None:
    asked: list[str] = []

    def references(body: Definition, snapshot: Snapshot) -> Iterator[Reference]:
        asked.append(body.name)
        for name in body.body.get("needs", ()):
            target = snapshot.definition("note", name)
            part = target.body["fields"][0]["name"] if target else None
            yield Reference(path="/needs", kind="note", name=name, part=part)

    cache = SnapshotCache(registry_of(counting_kind([], references=references)))
    first = compiled(SITE, VISIT, LONELY, cache=cache)
    assert first.references(("note", "visit"))[0].part == "a"
    second = compiled(SITE, VISIT, cache=cache)
    assert second.references(("note", "visit")) == first.references(("note", "visit"))
    assert asked == ["visit"]
    third = compiled(definition("note", note("site", "z")), VISIT, cache=cache)
    assert third.references(("note", "visit"))[0].part == "z"
    assert asked == ["visit", "visit"]


def test_what_does_not_compile_is_tried_once_and_refused_each_time() -> None:
    calls: list[str] = []
    broken = definition("note", note("site", "a", "a"))
    held = compiled(broken, VISIT, cache=SnapshotCache(registry_of(counting_kind(calls))))
    for _ in range(3):
        with pytest.raises(MetadataError):
            held.get("note", "site")
    assert calls == ["site"]


def test_a_missing_element_is_not_found_and_an_unknown_kind_is_said() -> None:
    held = compiled(SITE, Definition(kind="gadget", name="g", body={"name": "g"}, hash="0"))
    assert held.find("note", "nothing") is None
    with pytest.raises(NotFound):
        held.get("note", "nothing")
    with pytest.raises(MetadataError) as refusal:
        held.get("gadget", "g")
    assert refusal.value.instance_code == "unknown_kind"


def test_a_remark_compiles_with_its_note() -> None:
    held = compiled(SITE, definition("remark", remark("r", "site", "a")))
    assert held.get("remark", "r") == (held.get("note", "site"), "a")
    assert held.all("note") == (held.get("note", "site"),)


def test_the_cache_stays_within_its_bytes_and_forgets_what_was_not_used_lately() -> None:
    kept = BoundedMap(100)
    for name in "abc":
        kept.put(name, name, 30)
    assert kept.get("a") == "a"
    kept.put("d", "d", 30)
    assert ("b" in kept, "a" in kept, kept.weight) == (False, True, 90)
    assert kept.put("huge", "x", 101).use() == "x"
    assert ("huge" in kept, len(kept)) == (False, 3)
    kept.put("a", "again", 100)
    assert (kept.get("a"), kept.weight, len(kept)) == ("again", 100, 1)


def test_memory_is_bounded_however_many_versions_are_held() -> None:
    cache = SnapshotCache(note_kinds(), capacity=200_000)
    held = [compiled(definition("note", note("site", f"f{n}")), cache=cache) for n in range(60)]
    for each in held:
        assert each.get("note", "site").name == "site"
        assert each.derived("x", lambda s: [s.get("note", "site")])[0].name == "site"
    assert cache.kept.weight <= 200_000
    gc.collect()
    alive = sum(isinstance(each, Note) for each in gc.get_objects())
    assert 0 < alive < 30


def test_an_evicted_artefact_is_compiled_again() -> None:
    calls: list[str] = []
    cache = SnapshotCache(registry_of(counting_kind(calls)), capacity=1)
    for _ in range(2):
        assert compiled(SITE, cache=cache).get("note", "site").name == "site"
        gc.collect()
    assert calls == ["site", "site"]
