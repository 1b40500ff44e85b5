"""Publishing on both databases: one transaction, stable columns, conflicts, restore, activation, limits."""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from fieldstone.platform.audit import AuditFilter
from fieldstone.platform.kernel.context import Context, Unit
from fieldstone.platform.kernel.errors import Conflict, Invalid, NotFound
from fieldstone.platform.kernel.metadata import Definition, MetadataKind, PlanStep
from fieldstone.platform.metadata.service import PublishOrder
from fieldstone.platform.metadata.values import Published
from tests.support.installation import Installation, settings_for
from tests.support.metadata import MetadataHome, put, remove
from tests.support.note_kind import note, note_kinds, remark
from tests.support.version_reader import CONTEXT


def columns(meta: MetadataHome, table: str) -> set[str]:
    """The columns a table really has."""

    def read(ctx: Context, unit: Unit) -> set[str]:
        if unit.dialect == "sqlite":
            return {row[0] for row in unit.rows(sa.text(f"SELECT name FROM pragma_table_info('{table}')"))}
        query = "SELECT column_name FROM information_schema.columns WHERE table_name = :t"
        return {row[0] for row in unit.rows(sa.text(query + " AND table_schema = current_schema()"), {"t": table})}

    return meta.home.read(read)


def test_a_published_element_is_in_the_next_snapshot_and_has_its_table(meta: MetadataHome) -> None:
    published = meta.publish(put("note", note("visit", "place", "length:number")))
    assert published == Published(version=1)
    visit = meta.snapshot().get("note", "visit")
    assert visit.table == "n_visit"
    assert visit.columns == {"place": "f_place", "length": "f_length"}
    assert columns(meta, "n_visit") == {"id", "f_place", "f_length"}
    assert meta.snapshot("globex").names("note") == ()


def test_a_unit_of_this_and_of_another_process_sees_the_new_version(meta: MetadataHome) -> None:
    other = MetadataHome(meta.home)
    seen = other.units.read(meta.home.caller(), lambda ctx, unit: ctx.snapshot.names("note"))
    assert seen == ()
    meta.publish(put("note", note("visit", "place")))
    for units in (meta.units, other.units):
        found = units.read(meta.home.caller(), lambda ctx, unit: (ctx.snapshot.version, ctx.snapshot.names("note")))
        assert found == (1, ("visit",))


def test_publishing_nothing_new_makes_no_version(meta: MetadataHome) -> None:
    meta.publish(put("note", note("visit", "place")))
    assert meta.publish(put("note", note("visit", "place"))).version == 1


def test_a_refused_body_tells_every_error_with_its_path(meta: MetadataHome) -> None:
    bad = {"name": "visit", "fields": [{"name": "place", "type": "txt"}, {"nme": "x", "type": "text"}], "colour": 1}
    found = {(d.path, d.code) for d in meta.preview(put("note", bad)).diagnostics}
    assert found == {
        ("/note/visit/fields/0/type", "enum"),
        ("/note/visit/fields/1/name", "required"),
        ("/note/visit/fields/1/nme", "unknown_property"),
        ("/note/visit/colour", "unknown_property"),
    }
    with pytest.raises(Invalid) as refusal:
        meta.publish(put("note", bad))
    assert refusal.value.instance_code == "metadata_invalid"
    assert {error.path for error in refusal.value.errors} == {path for path, _ in found}
    assert meta.snapshot().version == 0


@pytest.mark.parametrize(
    ("body", "limit"),
    [
        (note("visit", *(f"f{n}" for n in range(10_000))), "list_items"),
        (note("visit", "x") | {"label": "x" * 1_000_000}, "text_length"),
        (
            {"name": "visit", "fields": [{"name": "a", "type": "text", "options": ["v" * 1000] * 2_000}]},
            "definition_bytes",
        ),
        ({"name": "visit", "fields": [{"name": "a", "type": "text", "options": [[[]] * 4_000] * 20}]}, "values"),
    ],
)
def test_a_metadata_bomb_is_refused_with_the_name_of_the_limit(meta: MetadataHome, body: Any, limit: str) -> None:
    with pytest.raises(Invalid) as refusal:
        meta.publish(put("note", body))
    (error,) = refusal.value.errors
    assert (error.code, error.facts["limit"]) == ("limit", limit)


def test_nesting_of_a_thousand_levels_is_refused_with_the_name_of_the_limit(meta: MetadataHome) -> None:
    deep: list[Any] = []
    for _ in range(1_000):
        deep = [deep]
    (found,) = meta.preview(put("note", note("visit", "x") | {"needs": deep})).diagnostics
    assert (found.code, found.facts["limit"]) == ("limit", "depth")


def test_a_dangling_reference_is_refused_where_it_stands(meta: MetadataHome) -> None:
    preview = meta.preview(put("note", note("visit", "place", needs=["site"])))
    (found,) = preview.diagnostics
    assert (found.path, found.code) == ("/note/visit/needs/0", "dangling_reference")
    assert preview.plan == ()


def test_what_is_referred_to_cannot_be_removed_and_the_refusal_lists_the_places(meta: MetadataHome) -> None:
    meta.publish(put("note", note("site", "a")), put("note", note("visit", "b", needs=["site"])))
    meta.publish(put("remark", remark("r1", "site", "a")))
    found = [d for d in meta.preview(remove("note", "site")).diagnostics if d.code == "element_in_use"]
    assert [d.path for d in found] == ["/note/site"]
    assert found[0].facts["places"] == ["/note/visit/needs/0", "/remark/r1/field"]
    gone = meta.preview(remove("note", "site"), put("note", note("visit", "b")), remove("remark", "r1"))
    assert not gone.refused


def test_a_field_that_is_referred_to_cannot_be_removed(meta: MetadataHome) -> None:
    meta.publish(put("note", note("site", "a", "b")), put("remark", remark("r1", "site", "a")))
    found = [d for d in meta.preview(put("note", note("site", "b"))).diagnostics if d.code == "part_in_use"]
    assert [(d.path, d.facts["places"]) for d in found] == [("/note/site", ["/remark/r1/field"])]
    assert not meta.preview(put("note", note("site", "a"))).refused


def test_an_element_that_does_not_compile_is_refused_once_and_where_it_is_wrong(meta: MetadataHome) -> None:
    found = meta.preview(put("note", note("site", "a", "a")), put("remark", remark("r1", "site", "a"))).diagnostics
    assert [(d.path, d.code) for d in found] == [("/note/site/fields", "field_twice")]


def test_elements_that_need_each_other_to_compile_are_named_in_a_circle(meta: MetadataHome) -> None:
    found = meta.preview(put("note", note("a", "x", circle="b")), put("note", note("b", "x", circle="a"))).diagnostics
    assert {(d.path, d.code) for d in found} == {("/note/a", "circular"), ("/note/b", "circular")}
    assert "note a → note b → note a" in {d.facts["cycle"] for d in found}


def test_elements_may_refer_to_each_other_when_they_ask_lazily(meta: MetadataHome) -> None:
    meta.publish(put("note", note("a", "x", needs=["b"])), put("note", note("b", "x", needs=["a"])))
    a = meta.snapshot().get("note", "a")
    assert a.needed()[0].needed()[0].name == "a"


def test_a_renamed_element_keeps_its_table_and_what_can_be_rewritten_follows(meta: MetadataHome) -> None:
    meta.publish(put("note", note("site", "a")), put("remark", remark("r1", "site", "a")))
    preview = meta.preview(put("note", note("place", "a", renamed_from="site")))
    assert not preview.refused
    assert preview.impact.renamed == ["note/site → place"]
    assert preview.impact.rewritten == ["remark/r1"]
    meta.publish(put("note", note("place", "a", renamed_from="site")))
    snapshot = meta.snapshot()
    assert snapshot.names("note") == ("place",)
    assert snapshot.get("note", "place").table == "n_site"
    assert snapshot.get("note", "place").columns == {"a": "f_a"}
    assert snapshot.definition("remark", "r1").body["note"] == "place"  # type: ignore[union-attr]


def test_a_rename_is_refused_with_the_list_when_a_reference_cannot_be_rewritten(meta: MetadataHome) -> None:
    meta.publish(put("note", note("site", "a")), put("note", note("visit", "b", needs=["site"])))
    found = meta.preview(put("note", note("place", "a", renamed_from="site"))).diagnostics
    assert ("/note/site", "element_in_use") in {(d.path, d.code) for d in found}


def test_a_renamed_field_keeps_its_column_and_references_follow(meta: MetadataHome) -> None:
    meta.publish(put("note", note("site", "a", "b")), put("remark", remark("r1", "site", "a")))
    body = {
        "name": "site",
        "fields": [{"name": "c", "type": "text", "renamed_from": "a"}, {"name": "b", "type": "text"}],
    }
    meta.publish(put("note", body))
    snapshot = meta.snapshot()
    assert snapshot.get("note", "site").columns == {"c": "f_a", "b": "f_b"}
    assert snapshot.get("remark", "r1")[1] == "c"
    # The old name is free again, but not the old column.
    with_new = {**body, "fields": [*body["fields"], {"name": "a", "type": "text"}]}  # type: ignore[misc]
    meta.publish(put("note", with_new))
    assert meta.snapshot().get("note", "site").columns == {"c": "f_a", "b": "f_b", "a": "f_a_2"}


def test_a_field_that_returns_gets_its_column_back_and_one_of_another_type_a_new_one(meta: MetadataHome) -> None:
    meta.publish(put("note", note("site", "a", "b")))
    meta.publish(put("note", note("site", "b")), confirm=["lossy"])
    meta.publish(put("note", note("site", "b", "a:number")))
    assert meta.snapshot().get("note", "site").columns["a"] == "f_a_2"
    meta.publish(put("note", note("site", "b")), confirm=["lossy"])
    meta.publish(put("note", note("site", "b", "a")))
    assert meta.snapshot().get("note", "site").columns["a"] == "f_a"
    assert columns(meta, "n_site") == {"id", "f_a", "f_b", "f_a_2"}


def test_lossy_steps_need_to_be_confirmed(meta: MetadataHome) -> None:
    meta.publish(put("note", note("site", "a", "b")))
    with pytest.raises(Invalid) as refusal:
        meta.publish(put("note", note("site", "a")))
    assert refusal.value.instance_code == "confirm_lossy"
    assert [error.path for error in refusal.value.errors] == ["/note/site"]
    assert meta.snapshot().version == 1
    assert meta.publish(put("note", note("site", "a")), confirm=["lossy"]).version == 2


def test_restoring_a_version_brings_back_bodies_names_and_columns(meta: MetadataHome) -> None:
    meta.publish(put("note", note("site", "a", "b")), put("remark", remark("r1", "site", "a")))
    meta.home.publish(lambda ctx, unit: unit.run(sa.text("INSERT INTO n_site (id, f_a) VALUES (1, 'kept')")))
    renamed = {"name": "site", "fields": [{"name": "c", "type": "text", "renamed_from": "a"}]}
    meta.publish(put("note", renamed), confirm=["lossy"])
    meta.publish(put("note", note("other", "x")))
    order = PublishOrder(name="Back", confirm=frozenset({"lossy"}))
    restored = meta.versions.restore(meta.doors(), 1, order)
    assert restored.version == 4
    snapshot = meta.snapshot()
    assert snapshot.names("note") == ("site",)
    assert snapshot.get("note", "site").columns == {"a": "f_a", "b": "f_b"}
    assert snapshot.definition("remark", "r1").body["field"] == "a"  # type: ignore[union-attr]
    assert meta.home.read(lambda ctx, unit: unit.scalar(sa.text("SELECT f_a FROM n_site"))) == "kept"
    rows = meta.home.read(lambda ctx, unit: meta.versions.list(unit))
    assert [(row.number, row.restored) for row in rows] == [(4, 1), (3, None), (2, None), (1, None)]
    assert meta.home.read(lambda ctx, unit: meta.versions.differences(unit, 1, 4)) == []


def test_a_version_that_does_not_exist_is_not_found(meta: MetadataHome) -> None:
    meta.publish(put("note", note("site", "a")))
    with pytest.raises(NotFound):
        meta.versions.restore(meta.doors(), 9, PublishOrder(name="x"))


def test_a_publish_on_a_moved_base_is_a_conflict_that_says_whether_a_rebase_helps(meta: MetadataHome) -> None:
    meta.publish(put("note", note("site", "a")))
    meta.publish(put("note", note("visit", "a")))
    with pytest.raises(Conflict) as refusal:
        meta.publish(put("note", note("third", "a")), base=1)
    assert (refusal.value.facts["version"], refusal.value.facts["moved"]["rebase"]) == (2, True)
    with pytest.raises(Conflict) as refusal:
        meta.publish(put("note", note("visit", "b")), base=1)
    assert refusal.value.facts["elements"] == ["note/visit"]
    assert meta.snapshot().version == 2


def test_a_part_that_needs_a_job_is_building_until_the_job_has_proved_it(meta: MetadataHome) -> None:
    body = {"name": "site", "fields": [{"name": "a", "type": "text", "unique": True}]}
    published = meta.publish(put("note", body))
    ((kind, given),) = meta.posted.jobs
    assert (kind, given["element"], given["building"], given["version"]) == ("prove", "note/site", "a.unique", 1)
    assert len(published.jobs) == 1
    assert meta.snapshot().building("note", "site") == {"a.unique"}
    assert meta.snapshot().get("note", "site").building == {"a.unique"}
    active = meta.service.activate(meta.doors(), "note", "site", "a.unique")
    assert active.version == 2
    assert meta.snapshot().building("note", "site") == frozenset()
    assert meta.snapshot().get("note", "site").building == frozenset()
    again = meta.service.activate(meta.doors(), "note", "site", "a.unique")
    assert again.version == 2
    # A draft made before the activation has the same elements under it, so it need not be rebased.
    assert meta.publish(put("note", note("visit", "a")), base=1).version == 3


def test_building_parts_follow_a_rename_and_end_with_their_element(meta: MetadataHome) -> None:
    body = {"name": "site", "fields": [{"name": "a", "type": "text", "unique": True}]}
    meta.publish(put("note", body))
    meta.publish(put("note", {**body, "name": "place", "renamed_from": "site"}))
    assert meta.snapshot().building("note", "place") == {"a.unique"}
    meta.publish(remove("note", "place"))
    assert meta.snapshot().names("note") == ()
    fresh = MetadataHome(meta.home)
    assert fresh.snapshot().compiled.manifest.building == {}


def test_a_step_that_fails_leaves_nothing_behind(meta: MetadataHome) -> None:
    meta.home.publish(lambda ctx, unit: unit.run(sa.text("CREATE TABLE n_visit (id BIGINT)")))
    with pytest.raises(Exception):  # noqa: B017  (whatever the database says)
        meta.publish(put("note", note("site", "a")), put("note", note("visit", "a")))
    assert meta.snapshot().version == 0
    assert columns(meta, "n_site") == set()
    assert meta.home.read(lambda ctx, unit: meta.audit.entries(unit, AuditFilter())) == []


def test_a_publish_is_audited_and_posts_one_message(meta: MetadataHome) -> None:
    meta.publish(put("note", note("site", "a")))
    meta.publish(put("note", note("site", "a", "b")), put("note", note("visit", "a")), name="Second")
    newest, _ = meta.home.read(lambda ctx, unit: meta.audit.entries(unit, AuditFilter()))
    assert (newest.action, newest.subject) == ("metadata.published", "version/2")
    assert newest.after is not None
    told = [(e["name"], e["change"]) for e in newest.after["elements"]]
    assert told == [("site", "changed"), ("visit", "added")]
    assert [(topic, payload["version"]) for topic, payload in meta.posted.messages] == [
        ("metadata.published", 1),
        ("metadata.published", 2),
    ]


def test_a_fresh_process_loads_the_very_manifest_that_was_published(meta: MetadataHome) -> None:
    unique = {"name": "visit", "fields": [{"name": "a", "type": "text", "unique": True}]}
    meta.publish(
        put("note", note("site", "a"), package="demo"), put("note", unique), put("remark", remark("r", "site", "a"))
    )
    mine, theirs = meta.snapshot().compiled.manifest, MetadataHome(meta.home).snapshot().compiled.manifest
    assert mine is not theirs
    assert mine.hash == theirs.hash
    assert mine.elements == theirs.elements


def test_where_used_lists_references_to_an_element_or_to_one_part_of_it(meta: MetadataHome) -> None:
    meta.publish(
        put("note", note("site", "a", "b")),
        put("note", note("visit", "x", needs=["site"])),
        put("remark", remark("r1", "site", "a")),
        put("remark", remark("r2", "site", "b")),
    )

    def users(part: str | None) -> list[str]:
        uses = meta.home.read(lambda ctx, unit: meta.service.where_used(unit, "note", "site", part))
        return [f"{use.kind}/{use.name}{use.reference.path}" for use in uses]

    assert users(None) == ["note/visit/needs/0", "remark/r1/field", "remark/r2/field"]
    assert users("a") == ["remark/r1/field"]


def test_what_the_software_brings_later_does_not_overwrite_what_a_tenant_has(home: Installation) -> None:
    first = MetadataHome(home)
    first.publish(put("note", note("comment", "own")))
    upgraded = MetadataHome(home, kinds_with(provided(("text",))))
    with pytest.raises(Invalid) as refusal:
        upgraded.service.publish_provided(upgraded.doors())
    assert [(error.path, error.code) for error in refusal.value.errors] == [("/note/comment", "name_taken")]
    assert first.snapshot().get("note", "comment").columns == {"own": "f_own"}


def test_of_many_publishers_at_once_each_is_done_or_told_that_the_base_moved(meta: MetadataHome) -> None:
    meta.publish(put("note", note("start", "a")))
    begin = threading.Barrier(6)

    def one(number: int) -> int | None:
        begin.wait()
        try:
            return meta.publish(put("note", note(f"n{number}", "a"))).version
        except Conflict as conflict:
            return None if conflict.instance_code in ("base_moved", "tenant_busy") else -1

    with ThreadPoolExecutor(6) as pool:
        versions = [version for version in pool.map(one, range(6)) if version is not None]
    assert sorted(versions) == list(range(2, 2 + len(versions)))
    assert meta.snapshot().version == 1 + len(versions)
    assert len(meta.snapshot().names("note")) == 1 + len(versions)
    assert versions


def die(ctx: Any) -> None:
    os._exit(9)


def publish_and_die(data_dir: str, database_url: str | None) -> None:
    """A process that is killed in the middle of a publish, after its first table was made."""
    base = note_kinds()["note"]
    values = {name: getattr(base, name) for name in MetadataKind.__dataclass_fields__}

    def plan(before: Any, after: Any, context: Any) -> list[PlanStep]:
        return [*base.plan(before, after, context), PlanStep(step="die", step_class="safe", message="", apply=die)]

    home = Installation(settings_for(Path(data_dir), database_url))
    dying = MetadataHome(home, kinds_with(MetadataKind(**{**values, "plan": plan})))
    dying.publish(put("note", note("site", "a")))


def test_a_publisher_killed_on_the_way_leaves_nothing_and_blocks_nobody(
    meta: MetadataHome, tmp_path: Path, database_url: str | None
) -> None:
    process = CONTEXT.Process(target=publish_and_die, args=(str(tmp_path), database_url))
    process.start()
    process.join(60)
    assert process.exitcode == 9
    assert (meta.snapshot().version, columns(meta, "n_site")) == (0, set())
    assert meta.publish(put("note", note("site", "a"))).version == 1
    assert columns(meta, "n_site") == {"id", "f_a"}


def provided(fields: tuple[str, ...]) -> MetadataKind:
    body = note("comment", *fields)
    base = note_kinds()["note"]
    values = {name: getattr(base, name) for name in MetadataKind.__dataclass_fields__}
    return MetadataKind(**{**values, "adopted": (Definition(kind="note", name="comment", body=body, hash=""),)})


def kinds_with(kind: MetadataKind) -> Any:
    registry = type(note_kinds())("metadata kind")
    registry.register("note", kind)
    registry.register("remark", note_kinds()["remark"])
    return registry


def test_what_the_software_provides_is_the_first_version_and_an_upgrade_a_later_one(home: Installation) -> None:
    first = MetadataHome(home, kinds_with(provided(("text",))))
    assert first.service.publish_provided(first.doors()).version == 1
    assert first.service.publish_provided(first.doors()).version == 1
    assert columns(first, "n_comment") == {"id", "f_text"}
    first.publish(put("remark", remark("r", "comment", "text")))
    upgraded = MetadataHome(home, kinds_with(provided(("text", "rating"))))
    assert upgraded.snapshot().get("note", "comment").columns == {"text": "f_text"}
    assert upgraded.service.publish_provided(upgraded.doors()).version == 3
    assert columns(first, "n_comment") == {"id", "f_text", "f_rating"}
    with pytest.raises(Invalid) as refusal:
        upgraded.publish(remove("note", "comment"))
    assert [error.code for error in refusal.value.errors] == ["provided"]
    order = PublishOrder(name="Back")
    assert upgraded.versions.restore(upgraded.doors(), 1, order).version == 4
    assert upgraded.snapshot().get("note", "comment").columns == {"text": "f_text", "rating": "f_rating"}
    assert upgraded.snapshot().names("remark") == ()
