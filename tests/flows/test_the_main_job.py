"""The main job: a request becomes a work order, is dispatched, done and written back; quotes go their way up."""

import pytest

from fieldstone.objects.query.service import QueryService
from fieldstone.objects.records.service import RecordService
from fieldstone.platform.tenancy.transfer import TenantTransfer
from fieldstone.platform.units import Caller, SystemCredential, Units


def ticket(acme, **values):
    return acme.add(
        "ticket",
        {"subject": "It drips", "customer": acme.ids["customer"], "site": acme.ids["site"], **values},
        role="agent",
    )


def work_orders_of(acme, ticket_id):
    answer = acme.as_("admin").get(f'/api/v1/records/work_order?filter=ticket == "{ticket_id}"')
    return answer.json["data"]


def quote(acme, price, **values):
    line = {"description": "Work", "quantity": "1", "unit_price": {"amount": price, "currency": "USD"}}
    return acme.add(
        "quote", {"subject": "Repair", "customer": acme.ids["customer"], "lines": [line], **values}, role="agent"
    )


def submit(acme, quote_id, role="agent"):
    return acme.as_(role).post(f"/api/v1/records/quote/{quote_id}/actions/quote_submit", {})


def request_of(acme, quote_id):
    found = acme.as_("admin").get(f"/api/v1/approvals?object=quote&record={quote_id}").json["data"]
    return found[0]


def decide(acme, role, request_id, decision="approve"):
    return acme.as_(role).post(f"/api/v1/approvals/{request_id}/decisions", {"decision": decision})


@pytest.mark.parametrize(
    ("impact", "urgency", "priority"),
    [("high", "high", "critical"), ("high", "medium", "high"), ("medium", "medium", "moderate"), ("low", "low", "low")],
)
def test_priority_follows_impact_and_urgency(acme, impact, urgency, priority):
    assert ticket(acme, impact=impact, urgency=urgency)["priority"] == priority


def test_a_repair_request_becomes_a_work_order_with_its_site_and_territory(acme):
    request = ticket(acme, category="repair", asset=acme.ids["asset"], impact="high", urgency="high")
    (order,) = work_orders_of(acme, request["id"])
    assert order["subject"] == "It drips"
    assert order["priority"] == "critical"
    assert order["asset"]["id"] == acme.ids["asset"]
    assert order["territory"]["id"] == acme.ids["territory"]
    assert acme.get("ticket", request["id"])["work_orders"] == 1


def test_a_question_makes_no_work_order(acme):
    assert work_orders_of(acme, ticket(acme, category="question")["id"]) == []


def test_the_nearest_qualified_engineer_is_proposed_and_assigned_and_the_work_is_written_back(acme):
    order = acme.add(
        "work_order",
        {
            "subject": "Chiller down",
            "customer": acme.ids["customer"],
            "site": acme.ids["site"],
            "asset": acme.ids["asset"],
            "skills": [{"skill": acme.ids["skill"], "min_level": 2}],
        },
        role="dispatcher",
    )
    address = f"/api/v1/dispatch/work_order/{order['id']}"
    proposal = acme.as_("dispatcher").get(f"{address}/candidates").json
    assert [each["resource"]["label"] for each in proposal["data"]] == ["Near", "Far"]
    assert all(abs(sum(p["contribution"] for p in each["parts"]) - each["score"]) < 0.01 for each in proposal["data"])
    left_out = {each["resource"]["label"]: [r["code"] for r in each["reasons"]] for each in proposal["excluded"]}
    assert left_out == {"Unskilled": ["SKILL_MISSING"]}

    refused = acme.as_("dispatcher").post(f"{address}/assign", {"resource": acme.ids["unskilled"]})
    assert refused.status_code == 409
    assert acme.get("work_order", order["id"])["resource"] is None

    assigned = acme.as_("dispatcher").post(f"{address}/assign", {"resource": acme.ids["near"]})
    assert assigned.status_code == 200, assigned.text
    assert assigned.json["data"]["status"] == "dispatched"
    assert assigned.json["data"]["engineer"]["id"] == acme.ids["user/engineer"]

    engineer = acme.as_("engineer")
    notices = engineer.get("/api/v1/records/notification").json["data"]
    assert any("a job for you" in each["subject"] for each in notices)
    actions = f"/api/v1/records/work_order/{order['id']}/actions"
    assert engineer.post(f"{actions}/work_order_accept", {}).status_code == 200
    assert engineer.post(f"{actions}/work_order_arrive", {}).status_code == 200
    incomplete = engineer.post(f"{actions}/work_order_complete", {})
    assert incomplete.status_code == 422
    done = engineer.post(f"{actions}/work_order_complete", {"resolution": "New seal", "cause": "wear"})
    assert done.status_code == 200, done.text
    assert done.json["data"]["status"] == "completed"
    assert done.json["data"]["completed_at"] is not None
    assert acme.get("asset", acme.ids["asset"])["last_service_on"] is not None
    assert acme.get("customer", acme.ids["customer"])["last_service_on"] is not None


def test_parts_come_off_the_stock_and_never_more_than_there_are(acme):
    order = acme.add("work_order", {"subject": "Bearing", "customer": acme.ids["customer"]})
    line = {"work_order": order["id"], "part": acme.ids["part"], "stock_item": acme.ids["item"], "quantity": "2"}
    before = float(acme.get("stock_item", acme.ids["item"])["on_hand"])
    used = acme.add("part_line", line)
    assert used["amount"] == {"amount": "200.00", "currency": "USD"}
    assert float(acme.get("stock_item", acme.ids["item"])["on_hand"]) == before - 2
    assert acme.get("work_order", order["id"])["parts_total"]["amount"] == "200.00"

    too_many = acme.as_("admin").post("/api/v1/records/part_line", {**line, "quantity": "50"})
    assert too_many.status_code == 422, too_many.text
    assert float(acme.get("stock_item", acme.ids["item"])["on_hand"]) == before - 2
    assert acme.get("work_order", order["id"])["parts_total"]["amount"] == "200.00"

    assert acme.as_("admin").delete(f"/api/v1/records/part_line/{used['id']}").status_code == 204
    assert float(acme.get("stock_item", acme.ids["item"])["on_hand"]) == before


@pytest.mark.parametrize(
    ("price", "deciders"),
    [("4999.99", []), ("5000.00", ["manager"]), ("49999.99", ["manager"]), ("50000.00", ["manager", "director"])],
)
def test_the_amount_decides_who_approves_to_the_cent(acme, price, deciders):
    made = quote(acme, price)
    answer = submit(acme, made["id"])
    assert answer.status_code == 200, answer.text
    for number, role in enumerate(deciders):
        assert acme.get("quote", made["id"])["status"] == "submitted"
        other = "director" if role == "manager" else "finance"
        assert decide(acme, other, request_of(acme, made["id"])["id"]).status_code in (403, 404, 409), number
        assert decide(acme, role, request_of(acme, made["id"])["id"]).status_code == 200
    assert acme.get("quote", made["id"])["status"] == "approved"


def test_a_quote_under_approval_is_locked_on_every_door_but_for_its_open_field(acme):
    made = quote(acme, "6000")
    submit(acme, made["id"])
    before = acme.get("quote", made["id"])
    admin, address = acme.as_("admin"), f"/api/v1/records/quote/{made['id']}"
    line = before["lines"][0]["id"]
    changed = {"quantity": "9"}
    doors = [
        admin.patch(address, {"subject": "Other"}),
        admin.patch(address, {"lines": [{"id": line, **changed}]}),
        admin.patch(f"/api/v1/records/quote_line/{line}", changed),
        admin.delete(f"/api/v1/records/quote_line/{line}"),
        admin.delete(address),
    ]
    assert [door.status_code for door in doors] == [423] * len(doors)
    bulk = admin.post(
        "/api/v1/records/quote/bulk", {"operations": [{"op": "update", "id": made["id"], "data": {"subject": "Other"}}]}
    )
    assert bulk.status_code == 422
    assert bulk.json["results"][0]["error"]["status"] == 423
    assert acme.get("quote", made["id"]) == before
    assert admin.patch(address, {"internal_note": "Call them first"}).status_code == 200


def test_nobody_approves_their_own_quote(acme):
    made = acme.add(
        "quote",
        {
            "subject": "Mine",
            "customer": acme.ids["customer"],
            "lines": [{"description": "Work", "unit_price": {"amount": "7000", "currency": "USD"}}],
        },
        role="manager",
    )
    submit(acme, made["id"], role="manager")
    request = request_of(acme, made["id"])
    assert decide(acme, "manager", request["id"]).status_code in (403, 404, 409)
    assert acme.get("quote", made["id"])["status"] == "submitted"
    assert decide(acme, "director", request["id"]).status_code == 200
    assert acme.get("quote", made["id"])["status"] == "approved"


def test_what_acme_has_does_not_exist_for_globex(acme):
    stranger = acme.as_("admin", tenant="globex")
    for name in ("customer", "site", "asset", "resource", "part"):
        record = acme.ids[name if name != "resource" else "near"]
        missing = "01900000-0000-7000-8000-000000000000"
        seen = stranger.get(f"/api/v1/records/{name}/{record}")
        never = stranger.get(f"/api/v1/records/{name}/{missing}")
        assert seen.status_code == never.status_code == 404
        assert {**seen.json, "trace_id": ""} == {**never.json, "trace_id": ""}
        assert stranger.get(f"/api/v1/records/{name}").json["data"] == []
    assert stranger.post("/api/v1/records/site", {"name": "x", "customer": acme.ids["customer"]}).status_code == 422


def test_a_tenant_leaves_as_one_file_and_comes_back_under_another_name(acme, tmp_path):
    made = ticket(acme, subject="To be carried along 水泵")
    transfer = acme.frame.need(TenantTransfer)
    transfer.export_to("acme", tmp_path / "acme.zip")
    transfer.restore_from(tmp_path / "acme.zip", "copy")
    caller = Caller(tenant="copy", credential=SystemCredential())
    copied = acme.frame.need(Units).read(
        caller, lambda ctx, unit: acme.frame.need(QueryService).get(ctx, unit, "ticket", made["id"])
    )
    assert copied.values["subject"] == "To be carried along 水泵"
    assert copied.values["number"] == made["number"]
    changed = acme.frame.need(Units).write(
        caller,
        lambda ctx, unit: acme.frame.need(RecordService).update(ctx, unit, "ticket", made["id"], {"subject": "Copy"}),
    )
    assert changed.values["subject"] == "Copy"
    assert acme.get("ticket", made["id"])["subject"] == "To be carried along 水泵"
