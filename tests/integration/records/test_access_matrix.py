"""Everybody against everything: what roles, levels, conditions, sharing rules and the org tree allow.

An oracle written from the words of the reference, and independent of the product's code, says for each person, record
and operation what must come of it. Every way to a record is tried; where an operation is refused the record must be as
it was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from fieldstone.objects.access.service import Access
from fieldstone.objects.query.values import Record
from fieldstone.platform.kernel.errors import FieldstoneError, Forbidden, Invalid, NotFound, Unreadable
from tests.support.house import House
from tests.support.objects import body, field

LEVELS = {"read": "none", "create": "none", "update": "none", "delete": "none"}
METADATA: Mapping[str, Any] = {
    "object": [
        body(
            "case",
            field("name", "text", required=True, searchable=True),
            field("region", "text"),
            field("cost", "integer", default=7),
            field("memos", "child", object="memo", field="case"),
            title="name",
            sharing="private",
        ),
        body(
            "memo",
            field("case", "lookup", object="case", owned=True, required=True),
            field("text", "text", required=True),
            title="text",
        ),
        body(
            "visit",
            field("case", "lookup", object="case"),
            field("what", "text"),
            title='"visit of " + case.name',
            sharing="all",
        ),
    ],
    "role": [
        {"name": "nobody", "label": "Nobody"},
        {"name": "owner", "label": "Own", "objects": {"case": {**LEVELS, "read": "own", "update": "own", "create": "own"}}},
        {"name": "mate", "label": "Team", "objects": {"case": {**LEVELS, "read": "team", "update": "team", "delete": "own"}}},
        {"name": "every", "label": "All", "objects": {"*": dict.fromkeys(LEVELS, "all")}},
        {"name": "viewer", "label": "View", "objects": {"*": {"read": "all"}}, "fields": {"case.cost": "hidden"}},
        {"name": "sharer", "label": "As shared", "objects": {"case": {"read": True, "update": True}}},
        {
            "name": "north",
            "label": "North",
            "objects": {
                "case": {
                    "read": {"where": 'region == "north"'},
                    "update": {"where": 'region == "north" && owner == user'},
                    "create": {"where": 'region == "north"'},
                }
            },
        },
        {"name": "both", "label": "Both", "inherits": ["owner", "north"]},
        {"name": "guest", "label": "Guest", "objects": {"case": {"read": "own"}, "visit": {"read": "all"}}},
    ],
    "sharing_rule": [
        {"name": "to_guests", "object": "case", "condition": 'region == "open"', "to": {"roles": ["guest"]}, "access": "read"},
        {"name": "to_blue", "object": "case", "condition": 'region == "blue"', "to": {"teams": ["Blue"]}, "access": "update"},
        {
            "name": "to_one",
            "object": "case",
            "condition": 'region == "mine"',
            "to": {"users": ["Olga@acme.example"]},
            "access": "read",
        },
    ],
}  # fmt: skip

PEOPLE: Mapping[str, tuple[tuple[str, ...], tuple[str, ...], str | None]] = {
    "nora": (("nobody",), (), None),
    "olga": (("owner",), ("Red",), None),
    "otto": (("owner",), ("Red",), "olga"),
    "oleg": (("owner",), (), "otto"),
    "mia": (("mate",), ("Red",), None),
    "max": (("mate",), ("Blue",), None),
    "eve": (("every",), (), None),
    "vera": (("viewer",), (), None),
    "sam": (("sharer",), ("Blue",), None),
    "nils": (("north",), (), None),
    "bo": (("both",), ("Blue",), None),
    "gus": (("guest",), (), None),
}
REGIONS = ("north", "open", "blue", "mine", "")
OWNERS = ("olga", "otto", "oleg", "mia", "max", "nils", "gus")


@dataclass(frozen=True)
class Case:
    record: Record
    owner: str
    region: str
    memo: Record


@dataclass(frozen=True)
class World:
    home: House
    ids: Mapping[str, str]
    cases: tuple[Case, ...]


@pytest.fixture(scope="module")
def world(home: House) -> World:
    teams = {name: home.team(name) for name in ("Red", "Blue")}
    ids: dict[str, str] = {}
    for name, (roles, of_teams, manager) in PEOPLE.items():
        ids[name] = home.user(
            f"{name}@acme.example",
            *roles,
            teams=[teams[team] for team in of_teams],
            manager=None if manager is None else ids[manager],
        )
    return World(home, ids, tuple(_cases(home, ids)))


def _cases(home: House, ids: Mapping[str, str]) -> Iterator[Case]:
    for owner in OWNERS:
        for region in REGIONS:
            given = {
                "name": f"{owner} {region}",
                "region": region or None,
                "owner": ids[owner],
                "memos": [{"text": "m"}],
            }
            record = home.create("case", given)
            yield Case(record, owner, region, record.values["memos"][0])


# -- the oracle ---------------------------------------------------------------------------------------------------


def below(name: str) -> set[str]:
    """A person and everybody below in the org tree."""
    found = {name}
    for other, (_, _, manager) in PEOPLE.items():
        if manager == name:
            found |= below(other)
    return found


def mates(name: str) -> set[str]:
    """People who share a team with somebody."""
    return {other for other, (_, teams, _) in PEOPLE.items() if set(teams) & set(PEOPLE[name][1])}


def is_allowed(who: str, case: Case, operation: str) -> bool:
    """What the roles say, in the words of the reference."""
    (role,), teams, _ = PEOPLE[who]
    mine = case.owner in below(who)
    ours = mine or case.owner in mates(who)
    north = case.region == "north"
    blue = case.region == "blue" and "Blue" in teams
    one = case.region == "mine" and who == "olga"
    match role, operation:
        case "owner", "read":
            return mine or blue or one
        case "owner", "update":
            return mine or blue
        case "mate", "read" | "update":
            return ours or blue
        case "mate", "delete":
            return mine
        case "every", _:
            return True
        case "viewer", "read":
            return True
        case "sharer", "read" | "update":
            return mine or blue
        case "north", "read":
            return north
        case "north", "update":
            return north and case.owner == who
        case "both", "read":
            return mine or north or blue
        case "both", "update":
            return mine or (north and case.owner == who) or blue
        case "guest", "read":
            return mine or case.region == "open"
        case _:
            return False


# -- every way to a record ----------------------------------------------------------------------------------------


def outcome(attempt: Callable[[], Any]) -> str:
    try:
        attempt()
    except NotFound:
        return "not found"
    except Forbidden:
        return "forbidden"
    except FieldstoneError as error:
        return type(error).__name__
    return "done"


class Undone(Exception):
    """Ends a unit that is not to be kept."""


def tried(world: World, who: str, work: Callable[[Any, Any], Any]) -> str:
    """What comes of a write, which is undone in any case."""

    def run() -> None:
        def inside(ctx: Any, unit: Any) -> None:
            work(ctx, unit)
            unit.flush()
            raise Undone

        try:
            world.home.write(inside, user=world.ids[who])
        except Undone:
            return

    return outcome(run)


@pytest.mark.parametrize("who", PEOPLE)
def test_lists_counts_and_searches_show_what_may_be_read_and_nothing_else(world: World, who: str) -> None:
    expected = {case.record.id for case in world.cases if is_allowed(who, case, "read")}
    home, user = world.home, world.ids[who]
    if outcome(lambda: home.list("case", user)) != "done":
        assert expected == set()
        return
    assert set(home.ids("case", user, limit=200)) == expected
    page = home.list("case", user, limit=1, count="exact")
    assert page.count == len(expected)
    found = {case.record.id for case in world.cases if case.region == "north"}
    assert set(home.ids("case", user, limit=200, q="north")) == expected & found
    hits = home.read(lambda ctx, unit: home.query.search(ctx, unit, "north", 50), user=user)
    assert {hit.id for hit in hits if hit.object == "case"} <= expected
    labels = home.read(
        lambda ctx, unit: home.query.labels(ctx, unit, "case", [c.record.id for c in world.cases]), user=user
    )
    assert set(labels) == expected


@pytest.mark.parametrize("who", PEOPLE)
def test_one_record_is_read_only_by_those_who_may(world: World, who: str) -> None:
    for case in world.cases:
        may = is_allowed(who, case, "read")
        for record in (case.record, case.memo):
            found = outcome(lambda record=record: world.home.get(record, world.ids[who]))
            assert (found == "done") is may, (who, case.owner, case.region, record.object, found)
            assert may or found in ("not found", "forbidden")


@pytest.mark.parametrize("who", PEOPLE)
def test_changes_reach_what_the_rights_reach_and_nothing_else(world: World, who: str) -> None:
    records = world.home.records
    for case in world.cases:
        ways: Mapping[str, tuple[str, Callable[[Any, Any], Any]]] = {
            "update": ("update", lambda ctx, unit: records.update(ctx, unit, "case", case.record.id, {"cost": 8})),
            "row": ("update", lambda ctx, unit: records.update(ctx, unit, "memo", case.memo.id, {"text": "n"})),
            "new row": ("update", lambda ctx, unit: records.create(ctx, unit, "memo", {"case": case.record.id, "text": "n"})),
            "drop row": ("update", lambda ctx, unit: records.delete(ctx, unit, "memo", case.memo.id)),
            "delete": ("delete", lambda ctx, unit: records.delete(ctx, unit, "case", case.record.id)),
        }  # fmt: skip
        for name, (operation, work) in ways.items():
            may = is_allowed(who, case, operation)
            found = tried(world, who, work)
            assert (found == "done") is may, (who, case.owner, case.region, name, found)
    kept = world.home.list("case", limit=200).documents
    assert {document["cost"] for document in kept} == {7}
    assert {document["revision"] for document in kept} == {1}


def test_nobody_creates_or_gives_away_what_is_out_of_their_reach(world: World) -> None:
    records, ids = world.home.records, world.ids

    def create(owner: str, region: str) -> Callable[[Any, Any], Any]:
        data = {"name": "New", "owner": ids[owner], "region": region}
        return lambda ctx, unit: records.create(ctx, unit, "case", data)

    assert tried(world, "olga", create("olga", "")) == "done"
    assert tried(world, "olga", create("oleg", "")) == "done"
    assert tried(world, "olga", create("mia", "")) == "forbidden"
    assert tried(world, "nils", create("nils", "north")) == "done"
    assert tried(world, "nils", create("nils", "south")) == "forbidden"
    assert tried(world, "mia", create("mia", "")) == "forbidden"
    mine = next(case for case in world.cases if (case.owner, case.region) == ("olga", ""))
    give = {"owner": ids["mia"]}
    assert (
        tried(world, "olga", lambda ctx, unit: records.update(ctx, unit, "case", mine.record.id, give)) == "forbidden"
    )
    north = next(case for case in world.cases if (case.owner, case.region) == ("nils", "north"))
    move = {"region": "south"}
    assert (
        tried(world, "nils", lambda ctx, unit: records.update(ctx, unit, "case", north.record.id, move)) == "forbidden"
    )


HIDDEN_WAYS: Mapping[str, Mapping[str, Any]] = {
    "filter": {"filter": "cost > 1"},
    "filter through a lookup": {"filter": "case.cost > 1"},
    "filter in a function": {"filter": "coalesce(cost, 0) == 7"},
    "sort": {"sort": ("cost",)},
    "fields": {"fields": ("name", "cost")},
    "fields through a lookup": {"fields": ("case.cost",)},
}


@pytest.mark.parametrize("way", HIDDEN_WAYS)
def test_a_hidden_field_does_not_exist(world: World, way: str) -> None:
    vera = world.ids["vera"]
    name = "visit" if "lookup" in way else "case"
    with pytest.raises(Unreadable) as refused:
        world.home.list(name, vera, **HIDDEN_WAYS[way])
    assert "cost" not in str(refused.value.facts.get("suggestion", ""))
    document = world.home.list("case", vera).documents[0]
    assert "cost" not in document
    record = world.home.get(world.cases[0].record, vera)
    assert "cost" not in record.values


def test_a_field_that_may_not_be_seen_cannot_be_sent_either(world: World) -> None:
    home = world.home
    home.publish(
        role=[
            {
                "name": "blind",
                "label": "Blind",
                "objects": {"*": dict.fromkeys(LEVELS, "all")},
                "fields": {"case.cost": "hidden", "case.region": "read"},
            }
        ]
    )
    blind = home.user("blind@acme.example", "blind")
    with pytest.raises(Invalid) as refused:
        home.create("case", {"name": "x", "cost": 1, "region": "north"}, user=blind)
    assert {(error.path, error.code) for error in refused.value.errors} == {
        ("/cost", "unknown_field"),
        ("/region", "not_writable"),
    }


def test_labels_of_records_out_of_reach_are_masked(world: World) -> None:
    home, gus = world.home, world.ids["gus"]
    case = next(case for case in world.cases if (case.owner, case.region) == ("olga", ""))
    visit = home.create("visit", {"case": case.record.id, "what": "look"})
    seen = home.get(visit, gus)
    assert (seen.values["case"], seen.labels["case"]) == (case.record.id, None)
    listed = home.list("visit", gus, fields=("case.name", "what")).documents[0]
    assert listed["case"] == {"id": case.record.id, "label": None, "name": None}
    assert home.ids("visit", gus, filter='case.name == "olga "') == []
    open_case = next(case for case in world.cases if case.region == "open")
    visible = home.create("visit", {"case": open_case.record.id})
    assert home.get(visible, gus).labels["case"].label == open_case.record.values["name"]


def test_people_can_be_told_why(world: World) -> None:
    home = world.home

    def reasons(who: str, operation: str, of: str | None = None) -> list[str]:
        access = home.read(
            lambda ctx, unit: home.frame.need(Access).of(ctx).explain("case", operation, of), user=world.ids[who]
        )
        return [reason.code for reason in access]

    assert reasons("nora", "read") == ["no_role"]
    assert reasons("olga", "read") == ["role", "condition", "condition"]
    assert reasons("eve", "delete") == ["role"]
    assert reasons("vera", "read", "cost") == ["role", "field_hidden"]
