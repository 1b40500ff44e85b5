"""Tables are parsed apart, within limits; hostile files are refused with a reason."""

from __future__ import annotations

import io
import zipfile
from datetime import date, datetime
from pathlib import Path

import pytest
import xlsxwriter

from fieldstone.objects.transfer.reading import SourceFormat, table_of
from fieldstone.platform.kernel.errors import FieldstoneError, Invalid, TooLarge


def read(folder: Path, content: bytes, **written: str) -> tuple[tuple[str, ...], list[tuple[int, list[str]]]]:
    path = folder / "upload"
    path.write_bytes(content)
    with path.open("rb") as source, table_of(source, SourceFormat(**written)) as table:
        rows = [(row.number, list(row.cells)) for row in table.rows()]
        assert len(rows) == table.count
        assert [row.number for row in table.rows()] == [number for number, _ in rows]
        return table.columns, rows


def workbook(*rows: tuple[object, ...], sheet: str = "Sheet1") -> bytes:
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as book:
        page = book.add_worksheet(sheet)
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        for number, row in enumerate(rows):
            for index, cell in enumerate(row):
                page.write(number, index, cell, *([day] if isinstance(cell, date | datetime) else []))
    return out.getvalue()


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found_out(tmp_path: Path, delimiter: str) -> None:
    text = delimiter.join(("a", "b")) + "\n" + delimiter.join(("1", "2")) + "\n"
    assert read(tmp_path, text.encode()) == (("a", "b"), [(2, ["1", "2"])])


def test_marks_of_encoding_blank_rows_and_quoted_lines_are_understood(tmp_path: Path) -> None:
    text = '\ufeffa,b\r\n\r\n"x\ny","q""q"\r\n , \r\nz,\r\n'
    assert read(tmp_path, text.encode()) == (("a", "b"), [(3, ["x\ny", 'q"q']), (5, ["z", ""])])


def test_a_named_encoding_is_used_and_a_wrong_one_refused(tmp_path: Path) -> None:
    text = "a;b\nä;2\n".encode("latin-1")
    assert read(tmp_path, text, encoding="latin-1")[1] == [(2, ["ä", "2"])]
    with pytest.raises(Invalid, match="not written in utf-8"):
        read(tmp_path, text)


def test_cells_of_a_workbook_come_as_plain_texts(tmp_path: Path) -> None:
    content = workbook(
        ("a", "b", "c", "d"),
        (
            3,
            2.5,
            True,
            datetime(2024, 2, 29, 1, 16),  # noqa: DTZ001
        ),
        ("=x", "", None, date(2024, 1, 2)),
    )
    columns, rows = read(tmp_path, content)
    assert columns == ("a", "b", "c", "d")
    assert rows[0] == (2, ["3", "2.5", "true", "2024-02-29T01:16:00"])


def test_a_sheet_is_chosen_by_name(tmp_path: Path) -> None:
    content = workbook(("a",), (1,), sheet="Data")
    assert read(tmp_path, content, sheet="Data")[0] == ("a",)
    with pytest.raises(Invalid, match="no sheet called Other"):
        read(tmp_path, content, sheet="Other")


def test_an_archive_that_unpacks_without_end_is_refused(tmp_path: Path) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", b"0" * 400_000_000)
    with pytest.raises(TooLarge, match="unpacks to more"):
        read(tmp_path, out.getvalue())


def test_an_archive_that_lies_about_its_size_is_refused(tmp_path: Path) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", b"0" * 50_000_000)
    real, claimed = (50_000_000).to_bytes(4, "little"), (10).to_bytes(4, "little")
    with pytest.raises(FieldstoneError):
        read(tmp_path, out.getvalue().replace(real, claimed))


def test_a_sheet_of_one_far_cell_is_refused_and_harms_nobody(tmp_path: Path) -> None:
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as book:
        page = book.add_worksheet()
        page.write_string(0, 0, "a")
        page.write_number(1_048_575, 16_383, 1)
    with pytest.raises(TooLarge):
        read(tmp_path, out.getvalue())


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"", Invalid),
        (b"\n\n", Invalid),
        (b"PK\x03\x04 nothing", Invalid),
        (b"a,b\n" + b"x" * 60_000 + b",1\n", TooLarge),
        (b",".join([b"c"] * 600) + b"\n", TooLarge),
        (b"a\n" + b"1\n" * 200_001, TooLarge),
    ],
)
def test_what_is_no_table_or_too_much_is_refused(tmp_path: Path, content: bytes, kind: type[FieldstoneError]) -> None:
    with pytest.raises(kind):
        read(tmp_path, content)
