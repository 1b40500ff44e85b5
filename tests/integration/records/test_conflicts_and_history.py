"""Two people at one record, the bin, what history tells, batches, numbers under parallel creates."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from fieldstone.objects.query.values import Record
from fieldstone.objects.records.history import MASK
from fieldstone.objects.records.values import CreateOperation, DeleteOperation, UpdateOperation
from fieldstone.platform.kernel.errors import Conflict, Invalid, NotFound, StaleRevision
from tests.support.house import House
from tests.support.objects import body, field

METADATA = {
    "object": [
        body(
            "device",
            field("number", "auto_number", pattern="D-{YYYY}-{00000}", start=1),
            field("serial", "text", unique=True),
            field("name", "text", required=True),
            field("pin", "text", sensitive=True),
            field("note", "long_text", tracked=False),
            field("cost", "currency", currency="EUR"),
            field("site", "text"),
            field("slot", "text"),
            title='name + " " + serial',
            unique=[["site", "slot"]],
            sharing="all",
        ),
        body(
            "part", field("device", "lookup", object="device", on_delete="clear"), field("name", "text"), sharing="all"
        ),
    ],
    "role": [
        {
            "name": "clerk",
            "label": "Clerk",
            "objects": {"*": {"read": "all", "create": "all", "update": "all", "delete": "all"}},
            "fields": {"device.cost": "hidden", "device.site": "read"},
        },
    ],
}


def device(home: House, **more: Any) -> Record:
    return home.create("device", {"name": "Boiler", **more})


def errors_of(refused: pytest.ExceptionInfo[Invalid]) -> set[tuple[str, str]]:
    return {(error.path, error.code) for error in refused.value.errors}


def test_a_stale_save_tells_both_values_of_each_field(home: House) -> None:
    read = device(home, site="roof")
    home.update(read, {"name": "Pump", "site": "yard"})
    with pytest.raises(StaleRevision) as refused:
        home.update(read, {"name": "Fan", "site": "yard"}, revision=read.revision)
    assert refused.value.facts["conflicts"] == {"name": {"stored": "Pump", "submitted": "Fan"}}
    assert refused.value.facts["revision"] == 2
    assert home.get(read).values["name"] == "Pump"


def test_a_conflict_does_not_tell_hidden_values(home: House) -> None:
    clerk = home.user("clerk-conflict@acme.example", "clerk")
    read = device(home, cost="10.00")
    home.update(read, {"cost": "20.00", "name": "Pump"})
    with pytest.raises(StaleRevision) as refused:
        home.update(read, {"name": "Fan"}, user=clerk, revision=1)
    assert set(refused.value.facts["conflicts"]) == {"name"}


def test_parallel_changes_of_one_record_are_all_kept(home: House) -> None:
    record = device(home)
    fields = ["name", "site", "slot", "note", "pin", "serial"]
    problems: list[BaseException] = []

    def change(name: str) -> None:
        try:
            home.update(record, {name: f"by {name} {record.id}"})
        except BaseException as error:
            problems.append(error)

    threads = [threading.Thread(target=change, args=(name,)) for name in fields]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    now = home.get(record)
    assert {name: now.values[name] for name in fields} == {name: f"by {name} {record.id}" for name in fields}
    assert now.revision == 1 + len(fields)


def test_a_value_that_is_taken_is_refused_at_its_field(home: House) -> None:
    device(home, serial="S-1")
    with pytest.raises(Invalid) as refused:
        device(home, serial="S-1")
    assert errors_of(refused) == {("/serial", "unique")}
    other = device(home, serial="S-2")
    with pytest.raises(Invalid) as refused:
        home.update(other, {"serial": "S-1"})
    assert errors_of(refused) == {("/serial", "unique")}
    home.create("device", {"name": "Theirs", "serial": "S-1"}, tenant="globex")


def test_taken_pairs_point_to_all_their_fields_and_empty_values_never_collide(home: House) -> None:
    device(home, site="A", slot="1")
    device(home, site="A")
    device(home, site="A")
    with pytest.raises(Invalid) as refused:
        device(home, site="A", slot="1")
    assert errors_of(refused) == {("/site", "unique"), ("/slot", "unique")}


def test_restoring_into_a_taken_value_is_a_conflict_that_names_it(home: House) -> None:
    gone = device(home, serial="S-9")
    home.delete(gone)
    device(home, serial="S-9")
    with pytest.raises(Conflict) as refused:
        home.restore(gone)
    assert refused.value.facts["fields"] == "serial"


def test_the_bin_holds_what_was_deleted_until_it_is_restored(home: House) -> None:
    record = device(home)
    home.delete(record)
    for attempt in (lambda: home.get(record), lambda: home.update(record, {"name": "x"}), lambda: home.delete(record)):
        with pytest.raises(NotFound):
            attempt()
    assert record.id in home.ids("device", deleted=True)
    restored = home.restore(record)
    assert (restored.revision, restored.values["name"]) == (3, "Boiler")
    with pytest.raises(NotFound):
        home.restore(record)


def test_lookups_to_a_deleted_record_are_cleared_where_they_say_so(home: House) -> None:
    record = device(home)
    part = home.create("part", {"name": "Valve", "device": record.id})
    home.delete(record)
    now = home.get(part)
    assert (now.values["device"], now.revision) == (None, 2)


def test_history_begins_with_the_insert_and_tells_each_change(home: House) -> None:
    person = home.user("writer@acme.example", "admin")
    record = home.create("device", {"name": "Boiler", "pin": "1234", "cost": "5.00", "note": "n"}, user=person)
    home.update(record, {"name": "Pump", "pin": "9999", "note": "m"}, user=person, channel="form")
    home.delete(record, user=person)
    page = home.read(lambda ctx, unit: home.records.history(ctx, unit, "device", record.id), user=person)
    deleted, changed, created = page.entries
    assert (created.kind, changed.kind, deleted.kind) == ("create", "update", "delete")
    assert created.changes["name"] == (None, "Boiler")
    assert created.changes["cost"] == (None, {"amount": "5.00", "currency": "EUR"})
    assert changed.changes == {"name": ("Boiler", "Pump"), "pin": (MASK, MASK)}
    assert "note" not in created.changes
    assert (created.actor, changed.channel, changed.revision) == (person, "form", 2)


def test_history_does_not_tell_what_its_reader_may_not_see(home: House) -> None:
    clerk = home.user("clerk-history@acme.example", "clerk")
    record = device(home, cost="5.00")
    page = home.read(lambda ctx, unit: home.records.history(ctx, unit, "device", record.id), user=clerk)
    assert "name" in page.entries[0].changes
    assert "cost" not in page.entries[0].changes


def test_history_is_read_page_by_page(home: House) -> None:
    record = device(home)
    for number in range(4):
        home.update(record, {"name": f"N{number}"})

    def page(before: str | None) -> Any:
        return home.read(lambda ctx, unit: home.records.history(ctx, unit, "device", record.id, before=before, limit=2))

    first = page(None)
    second = page(first.next_cursor)
    third = page(second.next_cursor)
    revisions = [entry.revision for each in (first, second, third) for entry in each.entries]
    assert (revisions, third.next_cursor) == ([5, 4, 3, 2, 1], None)


def test_an_atomic_batch_is_written_as_a_whole_or_not_at_all(home: House) -> None:
    kept, gone = device(home), device(home)
    operations = (
        CreateOperation(data={"name": "New"}),
        UpdateOperation(id=kept.id, data={"name": "Changed"}),
        UpdateOperation(id=kept.id, data={"serial": 5}),
        DeleteOperation(id=gone.id),
    )
    before = len(home.ids("device", limit=200))
    done = home.write(lambda ctx, unit: home.records.bulk(ctx, unit, "device", operations, atomic=True))
    assert not done.kept
    assert [result.outcome for result in done.results] == ["undone", "undone", "refused", "undone"]
    assert [error.path for error in done.results[2].error.errors] == ["/serial"]  # type: ignore[union-attr]
    assert (home.get(kept).values["name"], len(home.ids("device", limit=200))) == ("Boiler", before)
    assert home.get(gone).revision == 1


def test_operations_of_a_loose_batch_stand_alone(home: House) -> None:
    kept, taken = device(home, serial="B-1"), device(home, serial="B-2")
    operations = (
        UpdateOperation(id=taken.id, data={"serial": "B-1"}),
        UpdateOperation(id=kept.id, data={"name": "Changed"}, revision=1),
        UpdateOperation(id=kept.id, data={"name": "Late"}, revision=1),
        DeleteOperation(id="00000000-0000-7000-8000-00000000dead"),
        CreateOperation(data={"name": "New", "serial": "B-3"}),
    )
    done = home.write(lambda ctx, unit: home.records.bulk(ctx, unit, "device", operations, atomic=False))
    assert done.kept
    assert [result.outcome for result in done.results] == ["refused", "updated", "refused", "refused", "created"]
    assert isinstance(done.results[2].error, StaleRevision)
    assert isinstance(done.results[3].error, NotFound)
    assert home.get(kept).values["name"] == "Changed"
    assert home.ids("device", filter='serial == "B-3"') == [done.results[4].id]


def test_numbers_are_unique_and_without_gaps_under_parallel_creates(home: House) -> None:
    numbers: list[str] = []
    problems: list[BaseException] = []

    def create() -> None:
        try:
            for _ in range(5):
                numbers.append(device(home).values["number"])
        except BaseException as error:
            problems.append(error)

    threads = [threading.Thread(target=create) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    with pytest.raises(Invalid):
        device(home, serial=5)
    numbers.append(device(home).values["number"])
    counters = sorted(int(number.rsplit("-", 1)[1]) for number in numbers)
    assert len(set(numbers)) == 51
    assert counters == list(range(counters[0], counters[0] + 51))
