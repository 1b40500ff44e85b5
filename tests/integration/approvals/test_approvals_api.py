"""The API of approvals: shapes, errors, who may call what."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import MakeInstallation
from tests.support.office import Office, process
from tests.support.web import Program


class Desk:
    """An office with one pending request, and a client for each person."""

    def __init__(self, office: Office) -> None:
        self.office = office
        office.hire("ann")
        office.hire("bob", "director")
        office.hire("eve", "director")
        office.hire("guest", "guest")
        office.hire("chief", "admin")
        self.quote = office.quote("ann", "9000")
        self.request = office.submit("ann", self.quote).id
        web = office.web()
        self.clients: dict[str, Program] = {name: office.program(web, name) for name in office.people}
        self.stranger = web.stranger()

    def decide(self, who: str, body: Any, **headers: str) -> Any:
        path = f"/api/v1/approvals/{self.request}/decisions"
        return self.clients[who].send("POST", path, body, **headers)

    def get(self, who: str, query: str = "") -> Any:
        return self.clients[who].send("GET", f"/api/v1/approvals{query}")


@pytest.fixture
def desk(make_installation: MakeInstallation) -> Desk:
    return Desk(Office(make_installation(), rules={"approval_process": [process()]}))


def test_the_inbox_and_a_decision_have_the_documented_shape(desk: Desk) -> None:
    people = desk.office.people
    (item,) = desk.get("bob", "?state=pending&mine=true").json["data"]
    assert item == {
        "id": desk.request,
        "object": "quote",
        "record": {"id": desk.quote, "label": "Q 9000"},
        "process": {"name": "quotes", "label": "Quotes"},
        "tier": "high",
        "amount": {"amount": "9000.00", "currency": "USD"},
        "state": "pending",
        "step": "one",
        "steps": [
            {
                "name": "one",
                "label": "One",
                "state": "open",
                "quorum": "any",
                "needed": 1,
                "approvers": [{"id": people["bob"], "label": "Bob"}, {"id": people["eve"], "label": "Eve"}],
                "waiting": [{"id": people["bob"], "label": "Bob"}, {"id": people["eve"], "label": "Eve"}],
            }
        ],
        "requester": {"id": people["ann"], "label": "Ann"},
        "submitted_at": "2024-05-06T07:08:09Z",
        "settled_at": None,
        "decisions": [],
        "can": ["approve", "reject", "return", "delegate"],
        "content_changed": None,
    }
    assert desk.get("ann", "?state=pending&mine=true").json["data"] == []
    assert [each["id"] for each in desk.get("ann", "?requested=true").json["data"]] == [desk.request]
    answer = desk.decide("bob", {"decision": "approve", "comment": "Fine"})
    assert answer.status_code == 200
    done = answer.json["data"]
    assert (done["id"], done["state"], done["step"]) == (desk.request, "approved", None)
    assert done["decisions"] == [
        {
            "step": "one",
            "by": {"id": people["bob"], "label": "Bob"},
            "decision": "approve",
            "comment": "Fine",
            "to": None,
            "at": "2024-05-06T07:08:09Z",
        }
    ]
    late = desk.decide("eve", {"decision": "reject"})
    assert late.status_code == 409
    assert late.json["code"] == "approval_decided"
    assert late.json["outcome"] == {
        "state": "approved",
        "step": None,
        "decision": "approve",
        "by": {"id": people["bob"], "label": "Bob"},
    }
    one = desk.clients["ann"].send("GET", f"/api/v1/approvals/{desk.request}").json["data"]
    assert (one["state"], one["content_changed"]) == ("approved", False)
    listed = desk.get("eve", f"?object=quote&record={desk.quote}").json["data"]
    assert [each["id"] for each in listed] == [desk.request]


def test_a_repeated_call_with_its_key_decides_once(desk: Desk) -> None:
    first = desk.decide("bob", {"decision": "approve"}, Idempotency_Key="k1")
    again = desk.decide("bob", {"decision": "approve"}, Idempotency_Key="k1")
    assert (first.status_code, again.status_code) == (200, 200)
    assert first.json == again.json
    assert desk.decide("bob", {"decision": "reject"}, Idempotency_Key="k1").status_code == 422
    assert desk.decide("bob", {"decision": "approve"}).status_code == 409


def test_who_may_not_is_refused_and_nothing_changes(desk: Desk) -> None:
    refused = [
        (desk.stranger.send("POST", f"/api/v1/approvals/{desk.request}/decisions", {"decision": "approve"}), 401),
        (desk.stranger.send("GET", "/api/v1/approvals"), 401),
        (desk.decide("guest", {"decision": "approve"}), 404),
        (desk.decide("ann", {"decision": "approve"}), 403),
        (desk.decide("chief", {"decision": "approve"}), 403),
        (desk.decide("bob", {"decision": "withdraw"}), 403),
        (desk.clients["bob"].send("POST", f"/api/v1/approvals/{desk.request}/retry", {}), 403),
        (desk.clients["bob"].send("POST", "/api/v1/approvals/nope/decisions", {"decision": "approve"}), 404),
        (desk.clients["bob"].send("GET", "/api/v1/approvals/00000000-0000-7000-8000-00000000dead"), 404),
    ]
    for answer, status in refused:
        assert answer.status_code == status, answer.text
    hidden, missing = refused[2][0].json, refused[-1][0].json
    assert {**hidden, "trace_id": ""} == {**missing, "trace_id": ""}
    assert desk.get("guest").json["data"] == []
    view = desk.get("bob").json["data"][0]
    assert (view["state"], view["decisions"]) == ("pending", [])
    assert desk.clients["chief"].send("POST", f"/api/v1/approvals/{desk.request}/retry", {}).status_code == 200


NONSENSE: list[tuple[Any, int, str | None]] = [
    ({}, 422, "/decision"),
    ({"decision": "maybe"}, 422, "/decision"),
    ({"decision": 1}, 422, "/decision"),
    ({"decision": ["approve"]}, 422, "/decision"),
    ({"decision": "approve", "nope": 1}, 422, "/nope"),
    ({"decision": "approve", "comment": 5}, 422, "/comment"),
    ({"decision": "approve", "comment": "x" * 4001}, 422, None),
    ({"decision": "delegate"}, 422, None),
    ({"decision": "delegate", "to": "x"}, 422, None),
    ({"decision": "delegate", "to": {"id": "x"}}, 422, "/to"),
    ({"decision": "approve", "step": "nope"}, 409, None),
    ([], 422, ""),
]
UNREADABLE = [
    "?state=nope",
    "?mine=yes",
    "?cursor=nope",
    "?limit=0",
    "?limit=x",
    "?object=quote",
    "?record=00000000-0000-7000-8000-00000000dead",
    "?object=quote&record=nope",
    "?nope=1",
    "?mine=true&mine=true",
]


def test_what_makes_no_sense_is_told_where_and_changes_nothing(desk: Desk) -> None:
    for body, status, path in NONSENSE:
        answer = desk.decide("bob", body)
        assert answer.status_code == status, (body, answer.text)
        assert path is None or path in [error["path"] for error in answer.json["errors"]], body
    for query in UNREADABLE:
        assert desk.get("bob", query).status_code == 400, query
    assert desk.get("bob").json["data"][0]["state"] == "pending"


def test_pages_follow_one_another(desk: Desk) -> None:
    office = desk.office
    more = [office.submit("ann", office.quote("ann", "9000")).id for _ in range(2)]
    first = desk.get("bob", "?state=pending&mine=true&limit=2").json
    rest = desk.get("bob", f"?state=pending&mine=true&limit=2&cursor={first['next_cursor']}").json
    assert [each["id"] for each in (*first["data"], *rest["data"])] == [*reversed(more), desk.request]
    assert rest["next_cursor"] is None


def test_refusals_are_in_the_readers_language(desk: Desk) -> None:
    desk.decide("bob", {"decision": "approve"})
    answer = desk.decide("eve", {"decision": "approve"}, Accept_Language="zh-CN")
    assert answer.status_code == 409
    assert answer.json["code"] == "approval_decided"
