"""Export: the records of a list as a stream of CSV or as a workbook, with what their reader may see and nothing else.

What comes in: a caller, a `ListQuery`, columns. What goes out: bytes, page by page, each page a read unit of its own,
all on the metadata version of the first; when that changes under way the export stops instead of mixing two shapes.
No cell is ever a formula. Who calls it: the API and pages.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import IO, Any, Final, Literal, TypeAlias

import xlsxwriter

from fieldstone.objects.access.service import Access
from fieldstone.objects.fieldtypes.base import Field
from fieldstone.objects.fieldtypes.declaration import Label
from fieldstone.objects.query.service import QueryService
from fieldstone.objects.query.values import MAX_LIMIT, ListQuery, Page, Record
from fieldstone.objects.transfer.problem_files import MARK, csv_line
from fieldstone.objects.types import ObjectType
from fieldstone.platform.kernel.context import Context, Unit
from fieldstone.platform.kernel.errors import Conflict, Forbidden, NotFound, TooLarge
from fieldstone.platform.units import Caller, Units

ExportFormat: TypeAlias = Literal["csv", "xlsx"]
Headings: TypeAlias = Literal["names", "labels"]
MAX_SHEET_ROWS: Final = 1_048_575
EXACT_DIGITS: Final = 15
CHUNK: Final = 64 * 1024
MEDIA_TYPES: Final[Mapping[ExportFormat, str]] = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Column:
    """One column: the path of its values, its heading, the field that writes them."""

    path: str
    heading: str
    field: Field


@dataclass(frozen=True, slots=True, kw_only=True)
class _Start:
    """What the first unit found: the version that everything is pinned to, the columns, the first page."""

    version: int
    columns: Sequence[_Column]
    query: ListQuery
    page: Page


class ExportService:
    """Exports lists."""

    def __init__(self, access: Access, query: QueryService) -> None:
        self._access = access
        self._query = query

    def stream(
        self,
        units: Units,
        caller: Caller,
        query: ListQuery,
        columns: Sequence[str] | None,
        fmt: ExportFormat,
        headings: Headings = "names",
    ) -> Iterator[bytes]:
        """The list in that format. `columns`: field paths, None for every field that the caller may read.

        Refusals (`Forbidden`, `NotFound`, `Unreadable`) are raised by the call itself, before the first byte.
        """
        start = units.read(caller, lambda ctx, unit: self.begin(ctx, unit, query, columns, headings))
        return self.rest(units, caller, start, fmt)

    def begin(
        self, ctx: Context, unit: Unit, query: ListQuery, columns: Sequence[str] | None, headings: Headings
    ) -> _Start:
        """Check rights and read the first page, for callers that have a unit open."""
        access = self._access.of(ctx)
        rights = access.require(query.object, "read")
        if not rights.export:
            raise Forbidden("You may not export {object}.", object=query.object)
        paths = columns or [
            name for name, field in rights.kind.fields.items() if rights.readable(name) and _is_exported(field)
        ]
        chosen = [_column(ctx, rights.kind, path, headings) for path in paths]
        asked = replace(query, fields=tuple(paths), limit=MAX_LIMIT, cursor=None, count="no")
        page = self._query.list(ctx, unit, asked)
        return _Start(version=ctx.snapshot.version, columns=chosen, query=asked, page=_held(page))

    def rest(self, units: Units, caller: Caller, start: _Start, fmt: ExportFormat) -> Iterator[bytes]:
        """The bytes of an export that has begun."""
        return _WRITERS[fmt](start.columns, self._records(units, caller, start))

    def _records(self, units: Units, caller: Caller, start: _Start) -> Iterator[Record]:
        page = start.page
        yield from page.records
        while page.next_cursor is not None:
            asked = replace(start.query, cursor=page.next_cursor)
            page = units.read(caller, self._next(asked, start.version))
            yield from page.records

    def _next(self, asked: ListQuery, version: int) -> Callable[[Context, Unit], Page]:
        def work(ctx: Context, unit: Unit) -> Page:
            if ctx.snapshot.version != version:
                raise Conflict("The configuration changed during the export. Please start it again.")
            if not self._access.of(ctx).require(asked.object, "read").export:
                raise Forbidden("You may not export {object}.", object=asked.object)
            return _held(self._query.list(ctx, unit, asked))

        return work


def _held(page: Page) -> Page:
    """The page with its records read now, inside the unit."""
    records = page.records
    return replace(page, read=lambda: records)


def _is_exported(field: Field) -> bool:
    return not field.type.nested and field.name not in ("deleted_at", "title")


def _column(ctx: Context, kind: ObjectType, path: str, headings: Headings) -> _Column:
    here, labels = kind, []
    names = path.split(".")
    for name in names[:-1]:
        step = here.field(name)
        labels.append(step.text(ctx.locale))
        if len(step.type.targets) != 1:
            raise NotFound("{object} has no field {field}.", object=kind.name, field=path[:100])
        here = ctx.snapshot.get("object", step.type.targets[0])
    field = here.field(names[-1])
    words = " / ".join([*labels, field.text(ctx.locale)])
    return _Column(path=path, heading=words if headings == "labels" else path, field=field)


def _text(record: Record, column: _Column) -> str:
    """A cell as text: the names of what lookups point to, otherwise what an import reads back."""
    value = record.values.get(column.path)
    if value is None or value == []:
        return ""
    if column.field.type.labelled and column.path in record.labels:
        found = record.labels[column.path]
        several: Sequence[Label] = found if isinstance(found, Sequence) else [found] if found is not None else []
        return ";".join(each.label or each.id for each in several)
    return column.field.type.to_text(value)


def _csv(columns: Sequence[_Column], records: Iterator[Record]) -> Iterator[bytes]:
    lines: list[str] = [MARK + csv_line([column.heading for column in columns])]
    for record in records:
        lines.append(csv_line([_text(record, column) for column in columns]))
        if len(lines) >= MAX_LIMIT:
            yield "".join(lines).encode()
            lines = []
    if lines:
        yield "".join(lines).encode()


def _xlsx(columns: Sequence[_Column], records: Iterator[Record]) -> Iterator[bytes]:
    """A workbook is one archive: it is written to disk as a whole before its first byte leaves."""
    with tempfile.TemporaryFile() as file:
        _write_book(file, columns, records)
        file.seek(0)
        while chunk := file.read(CHUNK):
            yield chunk


def _write_book(file: IO[bytes], columns: Sequence[_Column], records: Iterator[Record]) -> None:
    with xlsxwriter.Workbook(file, {"constant_memory": True}) as book:
        sheet = book.add_worksheet()
        bold = book.add_format({"bold": True})
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        sheet.freeze_panes(1, 0)
        for index, column in enumerate(columns):
            sheet.write_string(0, index, column.heading, bold)
        for number, record in enumerate(records, start=1):
            if number > MAX_SHEET_ROWS:
                raise TooLarge("A sheet has at most {most} rows. Please export as CSV.", most=MAX_SHEET_ROWS)
            for index, column in enumerate(columns):
                _write_cell(sheet, (number, index), record, column, day)


def _write_cell(sheet: Any, at: tuple[int, int], record: Record, column: _Column, day: Any) -> None:
    value = record.values.get(column.path)
    if _is_exact_number(value):
        sheet.write_number(*at, value)
    elif isinstance(value, date) and not isinstance(value, datetime) and value.year >= 1900:
        sheet.write_datetime(*at, value, day)
    else:
        text = _text(record, column)
        if text:
            sheet.write_string(*at, text)


def _is_exact_number(value: Any) -> bool:
    """Whether a spreadsheet keeps the number as it is."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return False
    return len(Decimal(value).as_tuple().digits) <= EXACT_DIGITS


_WRITERS: Final[Mapping[ExportFormat, Callable[[Sequence[_Column], Iterator[Record]], Iterator[bytes]]]] = {
    "csv": _csv,
    "xlsx": _xlsx,
}
