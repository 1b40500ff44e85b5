"""One order for every door: API, form, import, batch, automation and plugin take the same steps by the same rules."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from fieldstone.objects.records.saves import STEPS, SaveTrace
from fieldstone.objects.records.service import RecordService
from fieldstone.platform.kernel.context import Channel
from fieldstone.platform.metadata.doors import CallerDoors
from fieldstone.platform.metadata.service import MetadataService, PublishOrder
from fieldstone.platform.metadata.values import Change
from fieldstone.platform.units import Caller, SystemCredential, Units, UserCredential
from tests.support.company import Company
from tests.support.objects import body, field

OBJECTS = [
    body("gauge", field("name", "text"), field("loads", "roll_up", object="load", function="count", field="gauge")),
    body(
        "load",
        field("number", "auto_number", pattern="L-{0000}"),
        field("code", "text", required=True),
        field("gauge", "lookup", object="gauge"),
        field("impact", "integer"),
        field("urgency", "integer"),
        field("note", "text", default="as usual"),
        field("level", "integer", read_only=True),
        field("points", "formula", expression="level * 10", value_type="integer"),
        title='number + " " + code',
        sharing="all",
    ),
    body("echo", field("code", "text"), sharing="all"),
    body("maker", field("code", "text"), field("target", "lookup", object="load"), sharing="all"),
]
AUTOMATIONS = [
    {
        "name": "load_level",
        "object": "load",
        "label": "Level",
        "trigger": {"on": ["create", "update"], "fields": ["impact", "urgency"]},
        "timing": "before",
        "actions": [{"action": "set_field", "values": {"level": {"expression": "impact * urgency"}}}],
    },
    {
        "name": "load_echo",
        "object": "load",
        "label": "Echo",
        "trigger": {"on": ["create", "update"], "fields": ["impact"]},
        "timing": "after",
        "actions": [{"action": "create_record", "object": "echo", "values": {"code": {"expression": "code"}}}],
    },
    {
        "name": "maker_makes",
        "object": "maker",
        "label": "Make",
        "trigger": {"on": ["create"]},
        "condition": "target == null",
        "timing": "after",
        "actions": [
            {
                "action": "create_record",
                "object": "load",
                "values": {"code": {"expression": "code"}, "impact": 2, "urgency": 3, "note": "n"},
            }
        ],
    },
    {
        "name": "maker_changes",
        "object": "maker",
        "label": "Change",
        "trigger": {"on": ["create"]},
        "condition": "target != null",
        "timing": "after",
        "actions": [{"action": "update_record", "record": "target", "values": {"impact": 5}}],
    },
]
RULES = [
    {
        "name": "load_not_too_high",
        "object": "load",
        "condition": "impact > 90",
        "message": "Too high.",
        "fields": ["impact"],
    }
]
NEW = {"impact": 2, "urgency": 3, "note": "n"}
DOORS = ("api", "form", "import", "bulk", "automation", "plugin")


@pytest.fixture(scope="module")
def traces(acme: Company) -> list[SaveTrace]:
    """Every save from here on."""
    caller = Caller(tenant="acme", credential=SystemCredential(), channel="system")
    kinds = {"object": OBJECTS, "automation": AUTOMATIONS, "validation_rule": RULES}
    changes = [Change(kind=kind, name=str(each["name"]), body=each) for kind, all in kinds.items() for each in all]
    acme.frame.need(MetadataService).publish(
        CallerDoors(acme.frame.need(Units), caller), changes, PublishOrder(name="doors")
    )
    seen: list[SaveTrace] = []
    acme.frame.need(RecordService).watch(seen.append)
    return seen


@pytest.fixture(autouse=True)
def _forget(traces: list[SaveTrace]) -> Iterator[None]:
    yield
    traces.clear()


class Doors:
    """The same save through each door."""

    def __init__(self, acme: Company) -> None:
        self.acme = acme
        self.admin = acme.as_("admin")

    def create(self, door: str, code: str, **more: Any) -> int:
        """Create a load; the status, or 0 where there is none."""
        values = {"code": code, **NEW, **more}
        match door:
            case "api":
                return self.admin.post("/api/v1/records/load", values).status_code
            case "form":
                return self._form("/o/load/new", values)
            case "import":
                return self._import(values, {"object": "load"})
            case "bulk":
                return self._bulk({"op": "create", "data": values})
            case "automation":
                return self.admin.post("/api/v1/records/maker", {"code": code}).status_code
            case _:
                return self._plugin(lambda ctx, unit: self.records.create(ctx, unit, "load", values))

    def change(self, door: str, load: Mapping[str, Any], impact: int) -> int:
        match door:
            case "api":
                return self.admin.patch(f"/api/v1/records/load/{load['id']}", {"impact": impact}).status_code
            case "form":
                base = json.dumps({"impact": str(load["impact"])})
                form = {"base": base, "revision": str(load["revision"]), "impact": str(impact)}
                return self._form(f"/o/load/{load['id']}/edit/impact", form)
            case "import":
                return self._import({"code": load["code"], "impact": impact}, {"object": "load", "key": "code"})
            case "bulk":
                return self._bulk({"op": "update", "id": load["id"], "data": {"impact": impact}})
            case "automation":
                return self.admin.post("/api/v1/records/maker", {"code": "x", "target": load["id"]}).status_code
            case _:
                return self._plugin(
                    lambda ctx, unit: self.records.update(ctx, unit, "load", load["id"], {"impact": impact})
                )

    @property
    def records(self) -> RecordService:
        return self.acme.frame.need(RecordService)

    def _form(self, path: str, values: Mapping[str, Any]) -> int:
        program = self.admin
        sent = {name: str(value) for name, value in values.items()}
        return program.client.post(path, data=sent, headers=program.headers, base_url="http://localhost").status_code

    def _bulk(self, operation: Mapping[str, Any]) -> int:
        return self.admin.post("/api/v1/records/load/bulk", {"operations": [operation]}).status_code

    def _import(self, values: Mapping[str, Any], mapping: Mapping[str, Any]) -> int:
        text = ",".join(values) + "\n" + ",".join(str(each) for each in values.values()) + "\n"
        data = {"file": (io.BytesIO(text.encode()), "loads.csv"), "mapping": json.dumps(mapping)}
        program = self.admin
        answer = program.client.post("/api/v1/imports", data=data, headers=program.headers, base_url="http://localhost")
        self.acme.work_off()
        job = program.get(f"/api/v1/jobs/{answer.json['data']['id']}").json["data"]
        return 422 if job["errors"] else answer.status_code

    def _plugin(self, work: Callable[..., Any]) -> int:
        """As the host of plugins does with a result: on behalf of a user, by the channel of plugins."""
        channel: Channel = "plugin"
        caller = Caller(tenant="acme", credential=UserCredential(user_id=self.acme.ids["user/admin"]), channel=channel)
        self.acme.frame.need(Units).write(caller, work)
        return 0


@pytest.fixture(scope="module")
def doors(acme: Company, traces: list[SaveTrace]) -> Doors:
    return Doors(acme)


def of_load(traces: list[SaveTrace]) -> SaveTrace:
    (found,) = [trace for trace in traces if trace.object == "load"]
    return found


def load(doors: Doors, code: str) -> dict[str, Any]:
    (found,) = doors.admin.get(f'/api/v1/records/load?filter=code == "{code}"').json["data"]
    return dict(found)


@pytest.mark.parametrize("door", DOORS)
def test_a_create_takes_the_same_steps_by_the_same_rules(doors: Doors, traces: list[SaveTrace], door: str) -> None:
    assert doors.create(door, f"create-{door}") < 400
    trace = of_load(traces)
    assert (trace.steps, trace.event, trace.channel) == (STEPS, "create", "api" if door == "bulk" else door)
    assert trace.rules == (("load_level", True), ("load_not_too_high", False), ("load_echo", True))
    made = load(doors, f"create-{door}")
    assert (made["level"], made["points"], made["note"], made["number"][:2]) == (6, 60, "n", "L-")
    (entry,) = doors.admin.get(f"/api/v1/records/load/{made['id']}/history").json["data"]
    changed = {change["field"] for change in entry["changes"]}
    assert {"number", "code", "impact", "urgency", "note", "level", "points"} <= changed
    echo = doors.admin.get(f'/api/v1/records/echo?filter=code == "create-{door}"').json["data"]
    assert len(echo) == 1


@pytest.mark.parametrize("door", DOORS)
def test_a_change_takes_the_same_steps_by_the_same_rules(doors: Doors, traces: list[SaveTrace], door: str) -> None:
    doors.create("api", f"change-{door}")
    before = load(doors, f"change-{door}")
    traces.clear()
    assert doors.change(door, before, 5) < 400
    trace = of_load(traces)
    assert (trace.steps, trace.event) == (STEPS, "update")
    assert trace.rules == (("load_level", True), ("load_not_too_high", False), ("load_echo", True))
    after = load(doors, f"change-{door}")
    assert (after["level"], after["points"], after["revision"]) == (15, 150, 2)


@pytest.mark.parametrize("door", [door for door in DOORS if door not in ("automation", "plugin")])
def test_a_rule_refuses_by_every_door(doors: Doors, traces: list[SaveTrace], door: str) -> None:
    refused = doors.create(door, f"refused-{door}", impact=91)
    assert refused == 422
    assert doors.admin.get(f'/api/v1/records/load?filter=code == "refused-{door}"').json["data"] == []
    assert [trace for trace in traces if trace.object == "load"] == []
