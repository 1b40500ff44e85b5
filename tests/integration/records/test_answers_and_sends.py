"""What a save answers is what a read answers; how often the database is asked."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from fieldstone.objects.api.documents import document
from fieldstone.objects.query.values import ListQuery, Record
from fieldstone.platform.database.unit import SqlUnit
from fieldstone.platform.http.respond import encode
from fieldstone.platform.kernel.context import Context
from tests.support.field_samples import SAMPLES
from tests.support.house import House
from tests.support.objects import body, field

ELSEWHERE = frozenset(
    [
        "lookup",
        "user",
        "team",
        "many_to_many",
        "child",
        "formula",
        "roll_up",
        "auto_number",
        "file",
        "image",
        "signature",
    ]
)
TYPES = {name: samples for name, samples in SAMPLES.items() if name not in ELSEWHERE and samples.json}

METADATA: Mapping[str, Any] = {
    "object": [
        body("firm", field("name", "text", required=True), field("code", "text"), title="name", sharing="all"),
        body(
            "wide",
            field("number", "auto_number", pattern="W-{0000}"),
            field("firm", "lookup", object="firm"),
            field("person", "user"),
            *(field(f"x_{name}", name, **dict(samples.options)) for name, samples in TYPES.items()),
            field("twice", "formula", expression="x_rating * 2", value_type="integer"),
            field("cost", "decimal", scale=2),
            field("tail", "text"),
            title='number + " " + tail',
            sharing="private",
        ),
        body(
            "order",
            field("name", "text", searchable=True),
            field("firm", "lookup", object="firm"),
            field("age", "formula", expression="daysBetween(today(), today())", value_type="integer"),
            field("lines", "child", object="order_line", field="order"),
            field("friends", "many_to_many", object="firm"),
            title="name",
            sharing="all",
        ),
        body("order_line", field("order", "lookup", object="order", owned=True, required=True), field("name", "text")),
    ],
    "automation": [
        {
            "name": "tail",
            "object": "wide",
            "label": "Tail",
            "trigger": {"on": ["create", "update"]},
            "condition": 'tail == "grow"',
            "timing": "after",
            "actions": [{"action": "set_field", "values": {"tail": "grown"}}],
        }
    ],
    "validation_rule": [
        {"name": f"rule_{n}", "object": "wide", "condition": f"cost > {n}000000.0", "message": "No", "fields": ["cost"]}
        for n in range(1, 4)
    ],
    "role": [
        {
            "name": "agent",
            "label": "Agent",
            "objects": {"*": {"read": "own", "create": "all", "update": "own"}, "firm": {"read": "all"}},
            "fields": {"wide.cost": "hidden", "firm.code": "hidden"},
        },
        {"name": "blind", "label": "Blind", "objects": {"wide": {"create": "all", "update": "all", "read": "own"}}},
    ],
}


@pytest.fixture(scope="module")
def people(home: House) -> dict[str, str]:
    return {role: home.user(f"{role}@acme.example", role) for role in ("admin", "agent", "blind")}


def shown(home: House, record: Record, user: str | None) -> Any:
    """The record as the API answers it."""
    return json.loads(home.read(lambda ctx, unit: encode(document(ctx, record)), user=user))


def values(index: int) -> dict[str, Any]:
    return {f"x_{name}": samples.json[index % len(samples.json)][0] for name, samples in TYPES.items()}


@pytest.mark.parametrize("role", ["admin", "agent"])
@pytest.mark.parametrize("index", range(6))
def test_a_save_answers_what_a_read_answers(home: House, people: Mapping[str, str], role: str, index: int) -> None:
    user = people[role]
    firm = home.create("firm", {"name": "Hydro"})
    other = home.create("firm", {"name": "Aero"})
    data = {**values(index), "firm": firm.id if index else None, "person": people["blind"] if index % 2 else None}
    made = home.create("wide", data, user=user)
    assert shown(home, made, user) == shown(home, home.get(made, user=user), user)
    changes = [
        values(index + 1),
        {"firm": other.id},
        {"person": user, "tail": f"t{index}"},
        {"tail": "grow"},
        {"firm": None},
        {},
        dict.fromkeys((f"x_{name}" for name in TYPES), None),
    ]
    for change in changes:
        changed = home.update(made, change, user=user)
        assert shown(home, changed, user) == shown(home, home.get(made, user=user), user), change


def test_lists_rows_and_late_formulas_are_answered_too(home: House, people: Mapping[str, str]) -> None:
    user = people["admin"]
    firm = home.create("firm", {"name": "Hydro"})
    for data in ({}, {"lines": [{"name": "a"}]}, {"friends": [firm.id]}, {"firm": firm.id}):
        made = home.create("order", data, user=user)
        assert shown(home, made, user) == shown(home, home.get(made, user=user), user)
        changed = home.update(made, {"name": "x"}, user=user)
        assert shown(home, changed, user) == shown(home, home.get(made, user=user), user)


def test_a_record_that_its_maker_may_not_read_is_answered_by_its_id(home: House, people: Mapping[str, str]) -> None:
    made = home.create("wide", {"owner": people["admin"], "tail": "secret"}, user=people["blind"])
    assert (made.values, made.revision) == ({"id": made.id}, 1)
    assert home.get(made).values["tail"] == "secret"


def counted(home: House, work: Callable[[Context, SqlUnit], Any], user: str, *, write: bool) -> tuple[int, int]:
    """(sends, statements) of a warm unit: the work is done three times, with other records and users before."""
    seen: list[SqlUnit] = []

    def run(ctx: Context, unit: SqlUnit) -> None:
        seen.append(unit)
        work(ctx, unit)

    for _ in range(3):
        (home.write if write else home.read)(run, user=user)
    return seen[-1].sends, seen[-1].statements


def test_saves_and_reads_ask_the_database_as_often_as_planned(home: House, people: Mapping[str, str]) -> None:
    user = people["agent"]
    firm = home.create("firm", {"name": "Hydro"})
    data = {**values(1), "firm": firm.id}
    made = home.create("wide", data, user=user)
    for number in range(30):
        home.create("wide", {**data, "tail": str(number)}, user=user)
    turn = iter(range(1_000))
    asked = ListQuery(object="wide", filter='firm.name == "Hydro"', sort=("-created_at",), limit=20)
    create = counted(home, lambda ctx, unit: home.records.create(ctx, unit, "wide", data), user, write=True)
    update = counted(
        home,
        lambda ctx, unit: home.records.update(ctx, unit, "wide", made.id, {"tail": f"n{next(turn)}"}),
        user,
        write=True,
    )
    get = counted(home, lambda ctx, unit: home.records.get(ctx, unit, "wide", made.id, ends=True), user, write=False)
    found = counted(home, lambda ctx, unit: home.query.list(ctx, unit, asked, ends=True), user, write=False)
    # Statements: lookups and locks, the number, the row, its history. Reading: one for rows and labels.
    assert [each[1] for each in (create, update, get, found)] == [4, 3, 1, 1]
    if home.dialect == "postgresql":
        assert [each[0] for each in (create, update, get, found)] == [3, 2, 1, 1]


def test_the_number_of_statements_does_not_grow_with_rows(home: House, people: Mapping[str, str]) -> None:
    user = people["admin"]
    firm = home.create("firm", {"name": "Hydro"})
    asked = ListQuery(object="order", fields=("name", "firm.name", "friends", "age", "owner"), limit=100)
    counts = []
    for more in (2, 40):
        for number in range(more):
            home.create("order", {"name": f"o{number}", "firm": firm.id, "friends": [firm.id]}, user=user)
        counts.append(counted(home, lambda ctx, unit: home.query.list(ctx, unit, asked), user, write=False)[1])
    assert counts[0] == counts[1] <= 3


def test_rules_that_nothing_touched_cost_no_statement(home: House, people: Mapping[str, str]) -> None:
    made = home.create("firm", {"name": "Plain"}, user=people["admin"])
    turn = iter(range(1_000))
    update = counted(
        home,
        lambda ctx, unit: home.records.update(ctx, unit, "firm", made.id, {"name": f"n{next(turn)}"}),
        people["admin"],
        write=True,
    )
    assert update[1] == 3
