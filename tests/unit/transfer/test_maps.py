"""Import maps and what they make of rows."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fieldstone.objects.transfer.interpreting import Interpreter, creating
from fieldstone.objects.transfer.mapping import read_map
from fieldstone.objects.transfer.reading import SourceRow
from fieldstone.objects.types import ObjectType
from fieldstone.platform.kernel.errors import Invalid
from fieldstone.plugins.demo.installing import SERVICE
from tests.support.objects import ObjectSnapshot, body, field

MAPS = sorted((SERVICE / "imports").glob("*.json"))


def task() -> ObjectType:
    options = [{"value": each, "label": each} for each in ("new", "done")]
    snapshot = ObjectSnapshot(
        body(
            "task",
            field("code", "text"),
            field("state", "select", options=options),
            field("due", "date"),
            field("begun", "datetime"),
            field("hours", "decimal", precision=8, scale=2),
            field("spot", "geolocation"),
            field("note", "text"),
            field("number", "auto_number", pattern="T-{0000}"),
        )
    )
    found: ObjectType = snapshot.get("object", "task")
    return found


def interpreted(header: list[str], cells: list[str], **given: Any) -> tuple[dict[str, Any], list[str]]:
    reading = Interpreter(task(), read_map({"object": "task", **given}), header).read(SourceRow(2, cells))
    return creating(reading.values), [error.path for error in reading.errors]


@pytest.mark.parametrize("path", MAPS, ids=lambda path: path.stem)
def test_shipped_maps_fit_the_objects_of_their_package(path: Any) -> None:
    given = read_map(json.loads(path.read_text(encoding="utf-8")))
    snapshot = ObjectSnapshot(*(json.loads(each.read_text("utf-8")) for each in (SERVICE / "objects").glob("*.json")))
    columns = [
        *given.columns,
        *(name for rule in given.compute.values() for name in rule.columns),
        given.latest_by or "",
    ]
    interpreter = Interpreter(snapshot.get("object", given.object), given, list(dict.fromkeys(columns)))
    assert interpreter.key_column is not None


def test_there_are_shipped_maps() -> None:
    assert [path.stem for path in MAPS] == ["nyc_311", "servicenow_incidents"]


def test_day_first_dates_and_marks_for_nothing_are_read_as_the_map_says() -> None:
    form = {"dates": ["%d-%m-%Y", "%d-%m-%Y %H:%M"], "empty": ["?"], "time_zone": "Asia/Shanghai"}
    values, errors = interpreted(["due", "begun", "hours"], ["03-02-2024", "29-02-2016 08:16", "?"], format=form)
    assert errors == []
    assert str(values["due"]) == "2024-02-03"
    assert values["begun"].isoformat() == "2016-02-29T00:16:00+00:00"
    assert "hours" not in values


def test_marks_of_decimals_are_read_as_the_map_says() -> None:
    values, _ = interpreted(["hours"], ["1.234,50"], format={"decimal_mark": ",", "group_mark": "."})
    assert str(values["hours"]) == "1234.50"


def test_values_are_translated_and_unknown_ones_are_errors_without_a_default() -> None:
    rule = {"field": "state", "values": {"Open": "new"}}
    assert interpreted(["s"], ["Open"], columns={"s": rule}) == ({"state": "new"}, [])
    assert interpreted(["s"], ["Lost"], columns={"s": rule})[1] == ["/state"]
    assert interpreted(["s"], ["Lost"], columns={"s": {**rule, "default": "done"}})[0] == {"state": "done"}


def test_fields_are_made_of_several_columns() -> None:
    compute = {
        "spot": {"columns": ["lat", "lon"], "as": "geolocation"},
        "note": {"columns": ["a", "b"], "as": "join", "separator": ": "},
        "code": {"columns": ["x", "a"], "as": "first"},
    }
    columns = ["lat", "lon", "a", "b", "x"]
    values, errors = interpreted(columns, ["40.5", "-73.9", "A", "B", ""], compute=compute, columns={})
    assert (values["spot"], values["note"], values["code"], errors) == ({"lat": 40.5, "lon": -73.9}, "A: B", "A", [])
    assert interpreted(columns, ["", "", "", "", ""], compute=compute)[0] == {}
    assert interpreted(columns, ["40.5", "", "", "", ""], compute=compute)[1] == ["/spot"]
    assert interpreted(columns, ["95", "0", "", "", ""], compute=compute)[1] == ["/spot/lat"]


def test_all_faults_of_a_row_are_told_at_once() -> None:
    _, errors = interpreted(["due", "hours", "state"], ["x", "y", "z", "too much"])
    assert errors == ["", "/due", "/hours", "/state"]


@pytest.mark.parametrize(
    "given",
    [
        {"columns": {"nowhere": "code"}},
        {"columns": {"code": "nothing"}},
        {"columns": {"code": "number"}},
        {"columns": {"code": "id"}},
        {"key": "due"},
        {"columns": {}, "constants": {"id": "x"}},
    ],
)
def test_a_map_that_does_not_fit_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        Interpreter(task(), read_map({"object": "task", **given}), ["code", "note"])


@pytest.mark.parametrize(
    "given",
    [
        [],
        {},
        {"object": "Task"},
        {"object": "task", "more": 1},
        {"object": "task", "columns": {"a": {"values": {}}}},
        {"object": "task", "columns": {"a": "code", "b": "code"}},
        {"object": "task", "latest_by": "a"},
        {"object": "task", "key": "code", "columns": {"a": "note"}},
        {"object": "task", "compute": {"spot": {"columns": ["a"], "as": "eval"}}},
        {"object": "task", "constants": {"code": {"deep": 1}}},
    ],
)
def test_what_is_no_map_is_refused(given: Any) -> None:
    with pytest.raises(Invalid):
        read_map(given)
