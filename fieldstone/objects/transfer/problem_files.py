"""The files that tell what went wrong, row by row: refused rows of an import, conflicts of an undoing. CSV, guarded.

A file of refused rows has the columns of the source, so that it can be corrected and imported again; two columns in
front tell the row and the reasons.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import PurePath
from typing import Final, Protocol

from fieldstone.objects.transfer.guard import guarded
from fieldstone.objects.transfer.tables import CONFLICT, REFUSED, ImportRow, rows_with
from fieldstone.platform.work.jobs import JobRun

PAGE: Final = 500
MARK: Final = "\ufeff"
ROW: Final = "import_row"
ERRORS: Final = "import_errors"
CONFLICT_COLUMNS: Final = ("record", "field", "before", "imported", "now", "reason")


class Named(Protocol):
    """What the file is about."""

    @property
    def batch(self) -> str: ...

    @property
    def name(self) -> str: ...


def csv_line(cells: Sequence[str]) -> str:
    """One line of a CSV file, without anything that a spreadsheet would run."""
    out = io.StringIO(newline="")
    csv.writer(out).writerow([guarded(cell) for cell in cells])
    return out.getvalue()


def refused_rows_file(run: JobRun, order: Named, columns: Sequence[str]) -> None:
    """Give the job the file of its refused rows, when there are any."""
    header = (ROW, ERRORS, *(column for column in columns if column not in (ROW, ERRORS)))
    positions = [index for index, column in enumerate(columns) if column not in (ROW, ERRORS)]

    def line(row: ImportRow) -> str:
        problem = row.problem or {}
        cells = problem["cells"]
        kept = [cells[index] if index < len(cells) else "" for index in positions]
        return csv_line([str(row.row), " | ".join(problem["errors"]), *kept])

    _give(run, order, REFUSED, header, line, "errors")


def conflicts_file(run: JobRun, order: Named) -> None:
    """Give the job the file of what it did not undo, when there is any."""

    def lines(row: ImportRow) -> str:
        found = (row.problem or {}).get("conflicts", [])
        return "".join(
            csv_line([str(row.record), *(_shown(each.get(name)) for name in CONFLICT_COLUMNS[1:])]) for each in found
        )

    _give(run, order, CONFLICT, CONFLICT_COLUMNS, lines, "conflicts")


def _give(
    run: JobRun, order: Named, outcome: str, header: Sequence[str], line: Callable[[ImportRow], str], what: str
) -> None:
    lines = _lines(run, order.batch, outcome, line)
    first = next(lines, None)
    if first is None:
        return

    def content() -> Iterator[bytes]:
        yield (MARK + csv_line(header) + first).encode()
        for each in lines:
            yield each.encode()

    run.error_file(f"{PurePath(order.name).stem[:100]}-{what}.csv", content())


def _lines(run: JobRun, batch: str, outcome: str, line: Callable[[ImportRow], str]) -> Iterator[str]:
    after = -1
    while True:
        rows = run.units.read(
            run.caller,
            lambda ctx, unit, after=after: rows_with(unit, batch, outcome, after, PAGE),  # type: ignore[misc]
        )
        if not rows:
            return
        yield from map(line, rows)
        after = rows[-1].row


def _shown(value: object) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
