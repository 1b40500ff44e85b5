"""Exports: what is in them, what is never in them, and that they read back."""

from __future__ import annotations

import csv
import io
from typing import Any

from python_calamine import load_workbook

from fieldstone.objects.query.values import ListQuery
from fieldstone.objects.transfer.exporting import ExportService
from fieldstone.platform.kernel.errors import Conflict
from tests.integration.transfer.conftest import METADATA, Desk

FORMULAS = ("=1+1", "+1", "@SUM(A1)", "-cmd", "\tx", " =1", "'=1", '=HYPERLINK("http://x")')


def exported(desk: Desk, who: str, query: str = "") -> list[dict[str, str]]:
    answer = desk.people[who].get(f"/api/v1/records/task/export.csv{query}")
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Disposition"] == 'attachment; filename="task.csv"'
    return list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"), newline="")))


def add(desk: Desk, **values: Any) -> None:
    desk.home.create("task", values)


def test_an_export_has_every_record_of_the_list_once(desk: Desk) -> None:
    desk.bring("clerk", "code,name,hours\n" + "".join(f"X{n:03},Task,{n}\n" for n in range(450)))
    rows = exported(desk, "clerk", "?fields=code,hours&sort=code")
    assert [row["code"] for row in rows] == [f"X{n:03}" for n in range(450)]
    assert len(exported(desk, "clerk", "?fields=code&filter=hours<10.0")) == 10


def test_no_cell_of_an_export_is_a_formula(desk: Desk) -> None:
    for text in FORMULAS:
        add(desk, name="Task", notes=text)
    raw = desk.people["clerk"].get("/api/v1/records/task/export.csv?fields=notes").data.decode("utf-8-sig")
    cells = [row[0] for row in csv.reader(io.StringIO(raw, newline=""))][1:]
    assert len(cells) == len(FORMULAS)
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]
    book = desk.people["clerk"].get("/api/v1/records/task/export.xlsx?fields=notes").data
    sheet = load_workbook(io.BytesIO(book)).get_sheet_by_index(0).to_python()
    stored = sorted(each["notes"] for each in desk.home.list("task").documents)
    assert sorted(row[0] for row in sheet[1:]) == stored


def test_hidden_fields_are_in_no_export(desk: Desk) -> None:
    add(desk, name="A", salary=5)
    assert "salary" in exported(desk, "boss")[0]
    assert "salary" not in exported(desk, "clerk")[0]
    assert desk.people["clerk"].get("/api/v1/records/task/export.csv?fields=salary").status_code in (400, 404)


def test_an_export_needs_its_right(desk: Desk) -> None:
    assert desk.people["reader"].get("/api/v1/records/task/export.csv").status_code == 403
    assert desk.people["boss"].get("/api/v1/records/nothing/export.csv").status_code == 404
    assert desk.people["boss"].get("/api/v1/records/task/export.pdf").status_code == 404


def test_a_workbook_has_numbers_as_numbers_and_names_of_records(desk: Desk) -> None:
    place = desk.home.create("place", {"name": "Depot"})
    add(desk, code="A", name="One", hours="2.50", due="2024-02-29", place=place.id)
    book = desk.people["clerk"].get("/api/v1/records/task/export.xlsx?fields=code,hours,due,place&headings=labels").data
    sheet = load_workbook(io.BytesIO(book)).get_sheet_by_index(0).to_python()
    assert sheet[0] == ["Code", "Hours", "Due", "Place"]
    assert [sheet[1][0], sheet[1][1], str(sheet[1][2]), sheet[1][3]] == ["A", 2.5, "2024-02-29", "Depot"]


def test_what_is_exported_can_be_imported_again(desk: Desk) -> None:
    place = desk.home.create("place", {"name": "Depot"})
    add(
        desk,
        code="A",
        name="=A",
        notes='-A, "B"\nC',
        hours="1.25",
        due="2024-02-29",
        begun="2024-02-29T10:00:00Z",
        place=place.id,
    )
    names = "code,name,notes,state,hours,due,begun,place"
    text = desk.people["clerk"].get(f"/api/v1/records/task/export.csv?fields={names}").data.decode("utf-8-sig")
    before = desk.tasks()["A"]
    job = desk.bring("clerk", text, {"key": "code"})
    assert job["result"].get("unchanged") == 1
    assert desk.tasks()["A"] == before


def test_an_export_stops_when_the_configuration_changes_under_it(desk: Desk) -> None:
    desk.bring("clerk", "code,name\n" + "".join(f"V{n},Task\n" for n in range(450)))
    exports, home = desk.home.frame.need(ExportService), desk.home
    content = exports.stream(home.units, home.caller(), ListQuery(object="task"), ("code",), "csv")
    next(content)
    task = METADATA["object"][1]
    home.publish(object=[{**task, "plural": f"Tasks {home.dialect}"}])
    try:
        rest = list(content)
    except Conflict as error:
        rest = [str(error).encode()]
    assert b"configuration changed" in rest[-1]
