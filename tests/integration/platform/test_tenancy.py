"""Tenants: made whole or not at all, found by name and host, apart from each other."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from fieldstone.platform.database.home import READ_STATE
from fieldstone.platform.kernel.errors import Conflict, Invalid, NotFound
from fieldstone.platform.tenancy.store import NewTenant
from tests.support.installation import Installation


def test_a_tenant_is_found_as_it_was_made(home: Installation) -> None:
    made = home.tenants.create(
        "umbrella-2", "Umbrella", locale="zh-Hant", time_zone="Asia/Taipei", currency="TWD", hue=12
    )
    assert home.tenants.get("umbrella-2") == made
    assert [record.tenant.name for record in home.tenants.list()] == ["acme", "globex", "umbrella-2"]
    context = home.read(lambda ctx, unit: ctx, "umbrella-2")
    assert (context.tenant, context.locale, context.time_zone) == (made, "zh-Hant", "Asia/Taipei")


@pytest.mark.parametrize(
    "name", ["", "A", "1a", "a_b", "a" * 41, "a-", "-a", "a.b", "a/b", "a b", "www", "ä", 'a"b', "a\n"]
)
def test_a_bad_name_is_refused(home: Installation, name: str) -> None:
    with pytest.raises(Invalid):
        home.tenants.create(name, "x")
    assert len(home.tenants.list()) == 2


def test_a_taken_name_is_refused_and_the_tenant_unharmed(home: Installation) -> None:
    home.write(lambda ctx, unit: home.work.outbox.post(ctx, unit, "told", {}))
    with pytest.raises(Conflict):
        home.tenants.create("acme", "x")
    assert len(home.read(lambda ctx, unit: home.work.outbox.letters(unit, "ready"))) == 1


def test_names_of_full_length_and_with_hyphens_do_not_collide(home: Installation) -> None:
    for name in ("a" * 40, "a" * 39 + "b", "a-b", "ab"):
        home.tenants.create(name, name)
    for number, name in enumerate(("a" * 40, "a" * 39 + "b", "a-b", "ab")):
        for _ in range(number):
            home.write(lambda ctx, unit: home.work.outbox.post(ctx, unit, "told", {}), name)
    for number, name in enumerate(("a" * 40, "a" * 39 + "b", "a-b", "ab")):
        found = home.read(lambda ctx, unit: home.work.outbox.letters(unit, "ready"), name)
        assert len(found) == number


def test_hosts_lead_to_their_tenant_and_belong_to_one(home: Installation) -> None:
    home.tenants.create("umbrella", "U", hosts=["Help.Umbrella.example.", "service.umbrella.example"])
    assert home.tenants.by_host("help.umbrella.example") == "umbrella"
    assert home.tenants.by_host("other.example") is None
    with pytest.raises(Conflict):
        home.tenants.create("other", "O", hosts=["help.umbrella.example"])
    with pytest.raises(Invalid):
        home.tenants.create("other", "O", hosts=["not a host"])
    with pytest.raises(NotFound):
        home.tenants.get("other")


def test_a_changed_tenant_is_seen_by_every_process(home: Installation) -> None:
    other = Installation(home.settings)
    assert other.read(lambda ctx, unit: ctx.locale) == "en"
    changed = home.tenants.update("acme", label="Acme Ltd", locale="zh-Hans", hosts=["acme.example"])
    assert (changed.label, changed.currency) == ("Acme Ltd", "USD")
    assert other.read(lambda ctx, unit: (ctx.tenant.label, ctx.locale)) == ("Acme Ltd", "zh-Hans")
    assert other.tenants.by_host("acme.example") == "acme"
    home.tenants.update("acme", hosts=[])
    assert home.tenants.by_host("acme.example") is None
    assert home.read(lambda ctx, unit: ctx.tenant.label, "globex") == "Globex"
    with pytest.raises(NotFound):
        home.tenants.update("nobody", label="x")
    other.close()


def test_hooks_see_the_new_tenant_and_undo_it_when_they_fail(home: Installation) -> None:
    seen: list[NewTenant] = []

    def hook(new: NewTenant) -> None:
        seen.append(new)
        home.write(lambda ctx, unit: home.work.outbox.post(ctx, unit, "told", {}), new.tenant.name)
        if new.tenant.name == "bad":
            raise Conflict("no")

    home.tenants.after_create(hook)
    home.tenants.create("good", "G", admin_email="a@example.com")
    with pytest.raises(Conflict):
        home.tenants.create("bad", "B")
    assert [(new.tenant.name, new.admin_email) for new in seen] == [("good", "a@example.com"), ("bad", None)]
    with pytest.raises(NotFound):
        home.tenants.get("bad")
    home.tenants.create("again", "A")


def test_a_dropped_tenant_leaves_nothing_and_its_name_is_free(home: Installation) -> None:
    home.tenants.create("umbrella", "U", hosts=["umbrella.example"])
    key = home.files.put("umbrella", [b"x"]).key
    home.write(lambda ctx, unit: home.work.outbox.post(ctx, unit, "told", {}), "umbrella")
    home.tenants.drop("umbrella")
    with pytest.raises(NotFound):
        home.files.open("umbrella", key)
    with pytest.raises(NotFound):
        home.tenants.drop("umbrella")
    home.tenants.create("umbrella", "U", hosts=["umbrella.example"])
    assert home.read(lambda ctx, unit: home.work.outbox.letters(unit, "ready"), "umbrella") == []


def test_the_state_in_the_home_is_the_truth_and_the_directory_a_copy(home: Installation) -> None:
    home.tenants.suspend("acme")
    assert {record.tenant.name: record.state for record in home.tenants.list()} == {
        "acme": "suspended",
        "globex": "active",
    }
    home.tenants.resume("acme")
    assert home.read(lambda ctx, unit: unit.rows(READ_STATE)) == [(0, 2, "active")]


def test_an_unknown_database_makes_no_tenant(home: Installation) -> None:
    with pytest.raises(NotFound):
        home.tenants.create("umbrella", "U", database="nowhere")
    assert len(home.tenants.list()) == 2


def test_tenants_may_live_on_another_database(make_installation: Any, postgres_url: str) -> None:
    home: Installation = make_installation(databases={"east": postgres_url})
    if home.dialect == "postgresql":
        return
    home.tenants.create("umbrella", "U", database="east")
    assert home.read(lambda ctx, unit: unit.dialect, "umbrella") == "postgresql"
    assert home.read(lambda ctx, unit: unit.dialect, "acme") == "sqlite"
    home.write(lambda ctx, unit: home.work.outbox.post(ctx, unit, "told", {}), "umbrella")
    assert home.work.run_due() == 1


def test_the_tables_of_a_home_are_all_there(home: Installation) -> None:
    from_tables = home.read(lambda ctx, unit: unit.scalar(sa.text("SELECT count(*) FROM outbox")))
    assert from_tables == 0
