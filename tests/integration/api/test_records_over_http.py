"""Records over HTTP, as the contract says: bodies, statuses, headers, errors with their places."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.house import House
from tests.support.objects import body, field
from tests.support.web import Program

RECORDS = "/api/v1/records"
METADATA = {
    "object": [
        body("firm", field("name", "text", required=True, searchable=True), title="name", sharing="all"),
        body(
            "invoice",
            field("number", "auto_number", pattern="I-{0000}"),
            field("subject", "text", required=True, searchable=True),
            field("firm", "lookup", object="firm", on_delete="restrict"),
            field("state", "select", options=[{"value": "open"}, {"value": "paid"}], default="open"),
            field("total", "roll_up", object="invoice_line", function="sum", field="invoice", of="price"),
            field("margin", "decimal", scale=2),
            field("paid_at", "datetime"),
            field("tags", "multi_select", options=[{"value": "a"}, {"value": "b"}]),
            field("code", "text", unique=True),
            field("lines", "child", object="invoice_line", field="invoice"),
            title='number + " " + subject',
            sharing="all",
        ),
        body(
            "invoice_line",
            field("invoice", "lookup", object="invoice", owned=True, required=True),
            field("text", "text", required=True),
            field("price", "decimal", scale=2, default="0.00"),
            title="text",
        ),
        body("strict", field("name", "text"), title="name", sharing="all", require_if_match=True),
        body("secret", field("name", "text"), title="name", sharing="private"),
    ],
    "validation_rule": [
        {
            "name": "paid_needs_date",
            "object": "invoice",
            "condition": 'state == "paid" && paid_at == null',
            "message": {"en": "Say when it was paid.", "zh-Hans": "请填写付款时间。"},
            "fields": ["paid_at"],
        }
    ],
    "automation": [
        {
            "name": "pay",
            "object": "invoice",
            "label": "Pay",
            "trigger": {
                "on": ["button"],
                "input": [{"name": "note", "label": "Note", "type": "text", "required": True}],
            },
            "condition": 'state == "open"',
            "actions": [
                {
                    "action": "set_field",
                    "values": {
                        "state": "paid",
                        "paid_at": {"expression": "now()"},
                        "subject": {"expression": "input.note"},
                    },
                }
            ],
        }
    ],
    "role": [
        {
            "name": "clerk",
            "label": "Clerk",
            "objects": {
                "firm": {"read": "all"},
                "invoice": {"read": "all", "create": "all", "update": "own"},
                "invoice_line": {},
            },
            "fields": {"invoice.margin": "hidden"},
        }
    ],
}


@pytest.fixture(scope="module")
def admin(home: House) -> Program:
    return home.program(home.user("boss@acme.example", "admin"))


@pytest.fixture(scope="module")
def clerk(home: House) -> Program:
    return home.program(home.user("clerk@acme.example", "clerk"))


@pytest.fixture
def firm(admin: Program) -> dict[str, Any]:
    return made(admin, "firm", name="Hydro")


def made(program: Program, name: str, /, **values: Any) -> dict[str, Any]:
    answer = program.post(f"{RECORDS}/{name}", values)
    assert answer.status_code == 201, answer.text
    data: dict[str, Any] = answer.json["data"]
    return data


def places(answer: Any) -> set[tuple[str, str]]:
    return {(error["path"], error["code"]) for error in answer.json["errors"]}


def test_a_record_is_created_read_changed_deleted_and_restored(admin: Program, firm: dict[str, Any]) -> None:
    answer = admin.post(f"{RECORDS}/invoice", {"subject": "Pump", "firm": firm["id"], "margin": 1.5, "tags": ["b"]})
    record = answer.json["data"]
    address = f"{RECORDS}/invoice/{record['id']}"
    assert (answer.status_code, answer.headers["Location"], answer.headers["ETag"]) == (201, address, '"1"')
    assert record["firm"] == {"id": firm["id"], "label": "Hydro"}
    assert (record["margin"], record["tags"], record["state"], record["lines"]) == ("1.50", ["b"], "open", [])
    assert {"id", "revision", "created_at", "created_by", "updated_at", "updated_by", "owner"} <= record.keys()
    read = admin.get(address)
    assert (read.status_code, read.json["data"], read.headers["ETag"]) == (200, record, '"1"')
    changed = admin.patch(address, {"subject": "Fan"}, If_Match='"1"')
    assert (changed.json["data"]["subject"], changed.headers["ETag"]) == ("Fan", '"2"')
    assert admin.delete(address, If_Match='"2"').status_code == 204
    assert admin.get(address).status_code == 404
    back = admin.post(f"{address}/restore")
    assert (back.status_code, back.json["data"]["subject"], back.headers["ETag"]) == (200, "Fan", '"4"')


def test_rows_are_part_of_the_body_of_their_record(admin: Program) -> None:
    record = made(admin, "invoice", subject="Rows", lines=[{"text": "a", "price": "1.10"}, {"text": "b", "price": 2}])
    first, second = record["lines"]
    assert (record["total"], first["price"], second["text"]) == ("3.10", "1.10", "b")
    address = f"{RECORDS}/invoice/{record['id']}"
    changed = admin.patch(address, {"lines": [{"id": second["id"], "price": "5"}, {"text": "c", "price": "1"}]}).json
    assert [row["text"] for row in changed["data"]["lines"]] == ["b", "c"]
    assert changed["data"]["total"] == "6.00"
    wrong = admin.patch(address, {"lines": [{"id": second["id"], "price": "x"}, {"price": "1"}]})
    assert wrong.status_code == 422
    assert {path for path, _ in places(wrong)} == {"/lines/0/price", "/lines/1/text"}


def test_every_error_is_told_at_once_with_its_place_in_the_readers_language(admin: Program) -> None:
    body = {"subject": 5, "state": "lost", "margin": "1.234", "nope": 1, "number": "I-9", "revision": 3}
    answer = admin.post(f"{RECORDS}/invoice", body)
    assert answer.status_code == 422
    assert {path for path, _ in places(answer)} == {f"/{name}" for name in body}
    body = {"subject": "x", "state": "paid"}
    refused = admin.post(f"{RECORDS}/invoice", body, Accept_Language="zh-CN")
    assert refused.json["errors"] == [{"path": "/paid_at", "code": "rule", "message": "请填写付款时间。"}]


def test_a_stale_change_is_412_with_both_values(admin: Program) -> None:
    address = f"{RECORDS}/invoice/{made(admin, 'invoice', subject='One')['id']}"
    admin.patch(address, {"subject": "Two", "state": "open"})
    answer = admin.patch(address, {"subject": "Three", "margin": "1.00"}, If_Match='"1"')
    assert answer.status_code == 412
    assert answer.json["conflicts"] == {
        "subject": {"stored": "Two", "submitted": "Three"},
        "margin": {"stored": None, "submitted": "1.00"},
    }
    assert admin.delete(address, If_Match='"1"').status_code == 412
    for header in ('"abc"', "W/", "x" * 500, '"99999999999999999999999"'):
        assert admin.patch(address, {"subject": "x"}, If_Match=header).status_code in (400, 412), header


def test_objects_that_ask_for_a_revision_get_one(admin: Program) -> None:
    address = f"{RECORDS}/strict/{made(admin, 'strict', name='a')['id']}"
    assert admin.patch(address, {"name": "b"}).status_code == 428
    assert admin.delete(address).status_code == 428
    assert admin.patch(address, {"name": "b"}, If_Match='"1"').status_code == 200


def test_a_repeated_call_with_a_key_is_done_once(admin: Program) -> None:
    first = admin.post(f"{RECORDS}/firm", {"name": "Once"}, Idempotency_Key="k-1")
    again = admin.post(f"{RECORDS}/firm", {"name": "Once"}, Idempotency_Key="k-1")
    assert (again.status_code, again.json, again.headers["Location"]) == (201, first.json, first.headers["Location"])
    other = admin.post(f"{RECORDS}/firm", {"name": "Twice"}, Idempotency_Key="k-1")
    assert other.status_code == 422
    assert admin.get(f'{RECORDS}/firm?filter=name == "Once"&count=true').json["count"] == 1


def test_a_list_is_filtered_sorted_selected_and_paged(admin: Program) -> None:
    firm = made(admin, "firm", name="Lists")
    for number in range(5):
        made(admin, "invoice", subject=f"List {number}", firm=firm["id"], margin=number)
    base = f'{RECORDS}/invoice?filter=firm.name == "Lists"&sort=-margin&fields=subject,firm.name,margin&count=true'
    first = admin.get(f"{base}&limit=3").json
    assert [each["margin"] for each in first["data"]] == ["4.00", "3.00", "2.00"]
    assert first["data"][0] == {
        "id": first["data"][0]["id"],
        "revision": 1,
        "subject": "List 4",
        "margin": "4.00",
        "firm": {"id": firm["id"], "label": "Lists", "name": "Lists"},
    }
    assert first["count"] == 5
    second = admin.get(f"{base}&limit=3&cursor={first['next_cursor']}").json
    assert ([each["margin"] for each in second["data"]], second["next_cursor"]) == (["1.00", "0.00"], None)


def test_what_a_list_cannot_read_is_400_with_place_and_suggestion(admin: Program) -> None:
    for query, code in (
        ("filter=subjct == 1", "unknown_name"),
        ("filter=subject ==", None),
        ("filter=subject == 1", None),
        ("sort=nope", None),
        ("fields=nope", None),
        ("cursor=abc", None),
        ("limit=x", None),
        ("nope=1", None),
        ("count=maybe", None),
    ):
        answer = admin.get(f"{RECORDS}/invoice?{query}")
        assert answer.status_code == 400, (query, answer.text)
        if code is not None:
            assert "subject" in answer.text
            assert "position" in answer.text or "at" in answer.text


def test_an_unknown_object_or_record_is_404(home: House, admin: Program) -> None:
    theirs = home.create("firm", {"name": "Theirs"}, tenant="globex")
    for address in (f"firm/{theirs.id}", "firm/nope", "nope", "nope/1", f"firm/{theirs.id.upper()}", "firm?view=nope"):
        assert admin.get(f"{RECORDS}/{address}").status_code == 404, address
    assert admin.patch(f"{RECORDS}/firm/{theirs.id}", {"name": "x"}).status_code == 404
    assert admin.delete(f"{RECORDS}/firm/{theirs.id}").status_code == 404
    assert admin.post(f"{RECORDS}/firm/{theirs.id}/restore").status_code == 404
    refused = admin.post(f"{RECORDS}/invoice", {"subject": "x", "firm": theirs.id})
    assert (refused.status_code, {path for path, _ in places(refused)}) == (422, {"/firm"})


def test_who_has_no_right_is_told_so_and_learns_nothing(home: House, admin: Program, clerk: Program) -> None:
    mine = made(admin, "invoice", subject="Admin's", margin="9.99")
    address = f"{RECORDS}/invoice/{mine['id']}"
    assert "margin" not in clerk.get(address).json["data"]
    assert clerk.patch(address, {"subject": "x"}).status_code == 403
    assert clerk.delete(address).status_code == 403
    assert clerk.post(f"{RECORDS}/firm", {"name": "x"}).status_code == 403
    own = made(clerk, "invoice", subject="Clerk's")
    assert clerk.patch(f"{RECORDS}/invoice/{own['id']}", {"subject": "y"}).status_code == 200
    assert clerk.patch(f"{RECORDS}/invoice/{own['id']}", {"margin": "1.00"}).status_code == 422
    for query in ('filter=margin > "1"', "sort=margin", "fields=margin"):
        assert clerk.get(f"{RECORDS}/invoice?{query}").status_code == 400, query
    assert clerk.get(f"{RECORDS}/secret").status_code == 404
    stranger = Program(client=home.app.test_client(), headers={})
    assert stranger.get(f"{RECORDS}/firm").status_code == 401


def test_a_reading_token_only_reads(home: House) -> None:
    program = home.program(home.user("reader@acme.example", "admin"), scope="read")
    assert program.get(f"{RECORDS}/firm").status_code == 200
    assert program.post(f"{RECORDS}/firm", {"name": "x"}).status_code == 403


def test_a_referenced_record_is_not_deleted(admin: Program, firm: dict[str, Any]) -> None:
    made(admin, "invoice", subject="Points", firm=firm["id"])
    answer = admin.delete(f"{RECORDS}/firm/{firm['id']}")
    assert (answer.status_code, answer.json["code"]) == (409, "referred_to")
    assert "invoice" in answer.text


def test_a_taken_value_is_422_and_a_taken_value_on_restore_409(admin: Program) -> None:
    first = made(admin, "invoice", subject="U", code="C-1")
    refused = admin.post(f"{RECORDS}/invoice", {"subject": "V", "code": "C-1"})
    assert (refused.status_code, places(refused)) == (422, {("/code", "unique")})
    admin.delete(f"{RECORDS}/invoice/{first['id']}")
    made(admin, "invoice", subject="W", code="C-1")
    assert admin.post(f"{RECORDS}/invoice/{first['id']}/restore").status_code == 409


def test_a_batch_answers_for_each_operation(admin: Program) -> None:
    one, two = made(admin, "firm", name="One"), made(admin, "firm", name="Two")
    operations = [
        {"op": "create", "data": {"name": "Three"}},
        {"op": "update", "id": one["id"], "revision": 1, "data": {"name": "Uno"}},
        {"op": "delete", "id": two["id"]},
        {"op": "create", "data": {"name": None}},
    ]
    refused = admin.post(f"{RECORDS}/firm/bulk", {"operations": operations, "atomic": True})
    assert refused.status_code == 422
    assert [each["status"] for each in refused.json["results"]] == [424, 424, 424, 422]
    assert refused.json["results"][3]["error"]["errors"][0]["path"] == "/name"
    assert admin.get(f"{RECORDS}/firm/{one['id']}").json["data"]["name"] == "One"
    done = admin.post(f"{RECORDS}/firm/bulk", {"operations": operations, "atomic": False})
    assert done.status_code == 200
    assert [each["status"] for each in done.json["results"]] == [201, 200, 204, 422]
    assert done.json["results"][1] == {"index": 1, "status": 200, "id": one["id"], "revision": 2}
    assert admin.get(f"{RECORDS}/firm/{one['id']}").json["data"]["name"] == "Uno"


def test_a_batch_that_cannot_be_read_is_refused_as_a_whole(admin: Program) -> None:
    for sent in (
        {},
        {"operations": {}},
        {"operations": []},
        {"operations": [1]},
        {"operations": [{"op": "upsert"}]},
        {"operations": [{"op": "create", "data": [1]}]},
        {"operations": [{"op": "update", "data": {}}]},
        {"operations": [{"op": "delete", "id": 5}]},
        {"operations": [{"op": "delete", "id": "x", "revision": "1"}]},
        {"operations": [{"op": "create", "data": {}}], "atomic": "yes"},
        {"operations": [{"op": "create", "data": {}}] * 1_001},
    ):
        assert admin.post(f"{RECORDS}/firm/bulk", sent).status_code == 422, sent


def test_an_action_is_run_with_its_input(admin: Program) -> None:
    address = f"{RECORDS}/invoice/{made(admin, 'invoice', subject='To pay')['id']}"
    missing = admin.post(f"{address}/actions/pay", {})
    assert (missing.status_code, places(missing)) == (422, {("/note", "required")})
    unknown = admin.post(f"{address}/actions/pay", {"note": "x", "other": 1})
    assert (unknown.status_code, places(unknown)) == (422, {("/other", "unknown_field")})
    done = admin.post(f"{address}/actions/pay", {"note": "Paid in cash"})
    assert (done.status_code, done.json["data"]["state"], done.json["data"]["subject"]) == (200, "paid", "Paid in cash")
    assert admin.post(f"{address}/actions/pay", {"note": "again"}).status_code == 409
    assert admin.post(f"{address}/actions/nope", {}).status_code == 404


def test_history_related_records_and_the_trace_belong_to_a_record(admin: Program, clerk: Program) -> None:
    firm = made(admin, "firm", name="Story")
    record = made(admin, "invoice", subject="Told", firm=firm["id"], margin="2.00", lines=[{"text": "a"}])
    address = f"{RECORDS}/invoice/{record['id']}"
    admin.patch(address, {"subject": "Retold"})
    page = admin.get(f"{address}/history?limit=1").json
    (entry,) = page["data"]
    assert entry["changes"] == [{"field": "subject", "from": "Told", "to": "Retold"}]
    assert (entry["kind"], entry["actor"]["label"], entry["channel"]) == ("update", "Boss", "api")
    older = admin.get(f"{address}/history?cursor={page['next_cursor']}").json
    assert ([each["kind"] for each in older["data"]], older["next_cursor"]) == (["create"], None)
    fields = {change["field"] for each in clerk.get(f"{address}/history").json["data"] for change in each["changes"]}
    assert "subject" in fields
    assert "margin" not in fields
    lines = admin.get(f"{address}/related/lines?fields=text").json["data"]
    assert [line["text"] for line in lines] == ["a"]
    invoices = admin.get(f"{RECORDS}/firm/{firm['id']}/related/invoice.firm?count=true").json
    assert ([each["id"] for each in invoices["data"]], invoices["count"]) == ([record["id"]], 1)
    for name in ("nope", "invoice.nope", "invoice.subject", "secret.name", "nope.firm"):
        assert admin.get(f"{RECORDS}/firm/{firm['id']}/related/{name}").status_code == 404, name
    trace = clerk.get(f"{address}/trace").json["data"]
    assert {reason["allows"] for reason in trace["access"]["read"]} == {True}
    assert [rule["rule"] for rule in trace["decisions"][-1]["rules"]] == ["paid_needs_date"]


def test_what_is_asked_of_a_hidden_record_is_404(home: House, admin: Program, clerk: Program) -> None:
    hidden = made(admin, "secret", name="Hidden")
    for way in ("", "/history", "/trace", "/related/lines"):
        assert clerk.get(f"{RECORDS}/secret/{hidden['id']}{way}").status_code == 404, way


def test_search_finds_records_of_every_object_that_may_be_seen(admin: Program, clerk: Program) -> None:
    firm = made(admin, "firm", name="Zebra pumps")
    invoice = made(admin, "invoice", subject="New zebra")
    found = admin.get("/api/v1/search?q=zeb").json["data"]
    assert {(hit["object"], hit["id"]) for hit in found} == {("firm", firm["id"]), ("invoice", invoice["id"])}
    assert {hit["label"] for hit in found} == {"Zebra pumps", f"{invoice['number']} New zebra"}
    assert admin.get("/api/v1/search?q=").json["data"] == []
    assert admin.get("/api/v1/search?q=" + "x" * 300).status_code == 400


def test_the_answer_is_json_even_of_large_numbers_and_odd_text(admin: Program) -> None:
    text = "汉字 \U0001f600 ' \" \\ <b> {{ x }} %s"
    record = made(admin, "invoice", subject=text, margin="9999999999999.99")
    read = admin.get(f"{RECORDS}/invoice/{record['id']}")
    assert json.loads(read.data)["data"]["subject"] == text
    assert read.json["data"]["margin"] == "9999999999999.99"
    found = admin.get(
        f"{RECORDS}/invoice",
    ).json
    assert text in {each["subject"] for each in found["data"]}
