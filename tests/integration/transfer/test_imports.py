"""Imports through the API: dry run, errors row by row, upsert, rights, going on after a kill, and undoing."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

from fieldstone.objects.transfer.tables import IMPORT_ROW
from tests.integration.transfer.conftest import Desk

TEN = "code,name,hours\n" + "".join(f"T{n},Task {n},{n}.50\n" for n in range(10))
BAD = "code,name,hours\nA,Good,1\nB,,2\nC,Bad number,x\nD,Negative,-3\nE,Also good,4\n"


def error_rows(desk: Desk, who: str, job: dict[str, Any]) -> list[dict[str, str]]:
    answer = desk.people[who].get(job["error_file"])
    assert answer.status_code == 200, answer.text
    return list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"))))


def test_a_file_whose_columns_are_fields_comes_in_without_a_map(desk: Desk) -> None:
    job = desk.bring("clerk", TEN)
    assert (job["state"], job["done"], job["total"], job["errors"]) == ("done", 10, 10, 0)
    assert job["result"]["created"] == 10
    assert desk.tasks()["T3"]["hours"] == "3.50"
    assert desk.tasks()["T3"]["state"] == "new"


def test_a_dry_run_tells_every_bad_row_and_keeps_nothing(desk: Desk) -> None:
    job = desk.bring("clerk", BAD, dry_run="true")
    assert (job["state"], job["errors"]) == ("done", 3)
    assert desk.tasks() == {}
    assert [row["import_row"] for row in error_rows(desk, "clerk", job)] == ["3", "4", "5"]


def test_bad_rows_are_in_the_error_file_and_good_ones_are_in(desk: Desk) -> None:
    job = desk.bring("clerk", BAD)
    assert (job["result"]["created"], job["errors"]) == (2, 3)
    assert sorted(desk.tasks()) == ["A", "E"]
    rows = error_rows(desk, "clerk", job)
    assert [(row["code"], row["import_errors"].split(":")[0]) for row in rows] == [
        ("B", "name"),
        ("C", "hours"),
        ("D", "hours"),
    ]
    assert "Hours are not negative." in rows[2]["import_errors"]


def test_a_corrected_error_file_can_be_imported_again(desk: Desk) -> None:
    job = desk.bring("clerk", BAD, {"key": "code"})
    text = desk.people["clerk"].get(job["error_file"]).data.decode("utf-8-sig")
    again = desk.bring(
        "clerk", text.replace("B,,2", "B,Named,2").replace(",x", ",7").replace(",-3", ",3"), {"key": "code"}
    )
    assert again["result"]["created"] == 3
    assert sorted(desk.tasks()) == ["A", "B", "C", "D", "E"]


def test_known_keys_are_updated_and_equal_rows_are_left_alone(desk: Desk) -> None:
    desk.bring("clerk", TEN, {"key": "code"})
    job = desk.bring("clerk", TEN.replace("Task 4", "Renamed"), {"key": "code"})
    assert {name: job["result"].get(name) for name in ("created", "updated", "unchanged")} == {
        "created": None,
        "updated": 1,
        "unchanged": 9,
    }
    assert desk.tasks()["T4"]["name"] == "Renamed"


def test_two_rows_of_one_key_in_one_file_are_one_record(desk: Desk) -> None:
    job = desk.bring("clerk", "code,name\nA,First\nA,Second\n", {"key": "code"})
    assert (job["result"]["created"], job["result"]["updated"]) == (1, 1)
    assert desk.tasks()["A"]["name"] == "Second"


def test_only_the_latest_row_of_a_key_counts(desk: Desk) -> None:
    text = "code,name,seen\nA,Newest,10\nA,Old,9\nB,Only,1\n"
    job = desk.bring("clerk", text, {"key": "code", "latest_by": "seen", "columns": {"code": "code", "name": "name"}})
    assert (job["total"], job["result"]["skipped"]) == (2, 1)
    assert desk.tasks()["A"]["name"] == "Newest"


def test_lookups_are_found_by_name(desk: Desk) -> None:
    depot = desk.home.create("place", {"name": "Depot"})
    for _ in range(2):
        desk.home.create("place", {"name": "Twice"})
    job = desk.bring("clerk", "code,name,place\nA,One,Depot\nB,Two,Nowhere\nC,Three,Twice\nD,Four,\n")
    assert desk.tasks()["A"]["place"]["id"] == depot.id
    assert desk.tasks()["D"]["place"] is None
    assert [row["code"] for row in error_rows(desk, "clerk", job)] == ["B", "C"]


def test_an_import_writes_no_field_that_its_caller_may_not_write(desk: Desk) -> None:
    job = desk.bring("clerk", "code,name,salary\nA,One,5\n")
    assert (job["errors"], desk.tasks()) == (1, {})


def test_without_the_right_to_import_nothing_is_queued(desk: Desk) -> None:
    answer = desk.upload("reader", "/api/v1/imports", TEN.encode(), object="task")
    assert answer.status_code == 403
    assert desk.people["reader"].get("/api/v1/jobs").json["data"] == []


def test_a_map_that_does_not_fit_fails_with_the_reason(desk: Desk) -> None:
    job = desk.bring("clerk", TEN, {"columns": {"nowhere": "name", "code": "no_such_field"}})
    assert job["state"] == "failed"
    assert "nowhere" in job["message"]
    assert "no_such_field" in job["message"]


def test_a_map_that_is_no_map_is_refused_at_once(desk: Desk) -> None:
    answer = desk.upload("clerk", "/api/v1/imports", TEN.encode(), mapping=json.dumps({"object": "task", "x": 1}))
    assert answer.status_code == 422
    assert answer.json["errors"][0]["path"] == "/mapping"


def test_a_workbook_that_is_none_fails_and_says_so(desk: Desk) -> None:
    answer = desk.upload("clerk", "/api/v1/imports", b"PK\x03\x04 no archive", "x.xlsx", object="task")
    assert "Excel workbook" in desk.finished("clerk", answer)["message"]


def test_jobs_and_error_files_of_others_are_not_there(desk: Desk) -> None:
    job = desk.bring("clerk", BAD)
    assert desk.people["reader"].get(f"/api/v1/jobs/{job['id']}").status_code == 404
    assert desk.people["stranger"].get(f"/api/v1/jobs/{job['id']}").status_code == 404
    assert desk.people["boss"].get(f"/api/v1/jobs/{job['id']}").status_code == 200
    for other in ("reader", "stranger", "boss"):
        assert desk.people[other].get(job["error_file"]).status_code == 404
    assert desk.people["reader"].post(f"/api/v1/jobs/{job['id']}/undo").status_code == 404


def test_a_queued_import_that_is_cancelled_brings_nothing(desk: Desk) -> None:
    answer = desk.upload("clerk", "/api/v1/imports", TEN.encode(), object="task")
    cancelled = desk.people["clerk"].post(f"/api/v1/jobs/{answer.json['data']['id']}/cancel")
    assert cancelled.json["data"]["state"] == "cancelled"
    assert desk.finished("clerk", answer)["state"] == "cancelled"
    assert desk.tasks() == {}


# -- undoing --------------------------------------------------------------------------------------------------------
def test_undoing_takes_back_what_was_created_and_what_was_changed(desk: Desk) -> None:
    desk.bring("clerk", "code,name,hours\nT1,Before,1\n", {"key": "code"})
    job = desk.bring("clerk", TEN, {"key": "code"})
    undone = desk.undo("clerk", job)
    assert (undone["state"], undone["result"]["deleted"], undone["result"]["restored"]) == ("done", 9, 1)
    assert undone["result"]["conflicts"] == 0
    assert {code: (each["name"], each["hours"]) for code, each in desk.tasks().items()} == {"T1": ("Before", "1.00")}


def test_later_edits_are_listed_and_not_overwritten(desk: Desk) -> None:
    desk.bring("clerk", TEN, {"key": "code"})
    job = desk.bring("clerk", TEN.replace("Task", "Imported"), {"key": "code"})
    three = desk.tasks()["T3"]
    desk.people["boss"].patch(f"/api/v1/records/task/{three['id']}", {"name": "Edited", "state": "done"})
    undone = desk.undo("clerk", job)
    assert (undone["result"]["restored"], undone["result"]["conflicts"]) == (9, 1)
    after = desk.tasks()
    assert (after["T3"]["name"], after["T3"]["state"], after["T4"]["name"]) == ("Edited", "done", "Task 4")
    row = error_rows(desk, "clerk", undone)[0]
    assert (row["record"], row["field"]) == (three["id"], "name")
    assert (row["before"], row["imported"], row["now"]) == ("Task 3", "Imported 3", "Edited")


def test_an_edit_of_another_field_does_not_keep_the_import_from_being_undone(desk: Desk) -> None:
    desk.bring("clerk", TEN, {"key": "code"})
    job = desk.bring("clerk", TEN.replace("Task", "Imported"), {"key": "code"})
    three = desk.tasks()["T3"]
    desk.people["boss"].patch(f"/api/v1/records/task/{three['id']}", {"state": "done"})
    assert desk.undo("clerk", job)["result"]["conflicts"] == 0
    assert (desk.tasks()["T3"]["name"], desk.tasks()["T3"]["state"]) == ("Task 3", "done")


def test_a_created_record_that_was_edited_since_stays(desk: Desk) -> None:
    job = desk.bring("clerk", TEN)
    three = desk.tasks()["T3"]
    desk.people["boss"].patch(f"/api/v1/records/task/{three['id']}", {"name": "Ours now"})
    undone = desk.undo("clerk", job)
    assert (undone["result"]["deleted"], undone["result"]["records_with_conflicts"]) == (9, 1)
    assert [each["name"] for each in desk.tasks().values()] == ["Ours now"]


def test_an_import_is_undone_once_and_a_dry_run_never(desk: Desk) -> None:
    job = desk.bring("clerk", TEN)
    desk.undo("clerk", job)
    assert desk.people["clerk"].post(f"/api/v1/jobs/{job['id']}/undo").status_code == 409
    tried = desk.bring("clerk", TEN, dry_run="true")
    assert desk.people["clerk"].post(f"/api/v1/jobs/{tried['id']}/undo").status_code == 409


def test_more_rows_than_a_batch_are_all_noted(desk: Desk) -> None:
    text = "code,name\n" + "".join(f"M{n},Many\n" for n in range(450))
    job = desk.bring("clerk", text)
    assert (job["result"]["created"], job["done"]) == (450, 450)
    query = IMPORT_ROW.select().where(IMPORT_ROW.c.batch == job["result"]["batch"])
    assert len(desk.home.read(lambda ctx, unit: unit.rows(query))) == 450
    assert desk.undo("clerk", job)["result"]["deleted"] == 450
