"""Reading an uploaded table: CSV or XLSX, parsed by a process of its own with bounded memory, time and output.

What comes in: an open file and how it is written. What goes out: a `Table`: its columns, and its rows as often as they
are asked for. Who calls it: imports, their preview, the command line.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any, Final

from fieldstone.platform.kernel.errors import FieldstoneError, Invalid, TooLarge

WALL_S: Final = 120
MAX_ROWS: Final = 200_000
CHILD: Final = "fieldstone.objects.transfer.child"
LIMITS: Final[Mapping[str, int]] = {
    "rows": MAX_ROWS,
    "columns": 500,
    "cell": 50_000,
    "unpacked": 300 * 2**20,
    "entries": 2_000,
}
PROCESS: Final[Mapping[str, int]] = {"memory": 2 * 2**30, "cpu_s": 90, "output": 2**30, "open_files": 32}
_MESSAGES: Final[Mapping[str, str]] = {
    "empty": "This file has no rows.",
    "encoding": "This file is not written in {encoding}.",
    "not_csv": "This file is not a table that can be read.",
    "not_xlsx": "This file is not an Excel workbook (.xlsx) that can be read.",
    "no_sheet": "This workbook has no sheet called {sheet}.",
    "too_many_rows": "A file has at most {most} rows. Please split it.",
    "too_many_columns": "Row {row} has more than {most} columns.",
    "cell_too_long": "A cell has at most {most} characters.",
    "bomb": "This workbook unpacks to more than {most} bytes.",
    "too_large": "This file takes more memory or time than is allowed.",
}
_TOO_LARGE = frozenset({"too_many_rows", "too_many_columns", "cell_too_long", "bomb", "too_large"})


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFormat:
    """How the file is written; None: found out (UTF-8, the likeliest delimiter, the first sheet)."""

    encoding: str | None = None
    delimiter: str | None = None
    sheet: str | None = None


@dataclass(frozen=True, slots=True)
class SourceRow:
    """One row: its number in the file (the header is 1) and its cells as texts."""

    number: int
    cells: Sequence[str]


class Table:
    """A parsed file. Its rows are on disk, and can be gone through again."""

    def __init__(self, parsed: IO[str]) -> None:
        self._parsed = parsed
        self.columns, self.count = self._ends()

    def _ends(self) -> tuple[tuple[str, ...], int]:
        """The header and the number of rows. Raises `Invalid`, `TooLarge`."""
        self._parsed.seek(0)
        first = last = self._parsed.readline()
        for line in self._parsed:
            last = line
        end = _decoded(last)
        if end[:1] == ["refused"]:
            raise _refusal(end[1], end[2])
        if end[:1] != ["end"]:
            raise _refusal("too_large", {})
        return tuple(each.strip() for each in _decoded(first)), int(end[1])

    def rows(self) -> Iterator[SourceRow]:
        """The rows in order, without blank ones."""
        self._parsed.seek(0)
        self._parsed.readline()
        for line in self._parsed:
            head, cells = _decoded(line)
            if head == "end":
                return
            yield SourceRow(head, cells)


@contextmanager
def table_of(source: IO[bytes], written: SourceFormat) -> Iterator[Table]:
    """The table in a file on disk; what was parsed is gone afterwards. Raises `Invalid`, `TooLarge`."""
    with tempfile.TemporaryFile("w+", encoding="utf-8", newline="\n") as parsed:
        _parse(source, parsed, written)
        yield Table(parsed)


def _parse(source: IO[bytes], parsed: IO[str], written: SourceFormat) -> None:
    order = {
        "process": dict(PROCESS),
        "limits": dict(LIMITS),
        "encoding": written.encoding,
        "delimiter": written.delimiter,
        "sheet": written.sheet,
    }
    try:
        subprocess.run(  # noqa: S603 - our own interpreter, our own code
            [sys.executable, "-m", CHILD, json.dumps(order)],
            stdin=source,
            stdout=parsed,
            stderr=subprocess.DEVNULL,
            env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1"},
            cwd="/",
            start_new_session=True,
            timeout=WALL_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise _refusal("too_large", {}) from None


def _decoded(line: str) -> list[Any]:
    """One line of the answer; nothing for one that was cut off."""
    try:
        value = json.loads(line) if line.endswith("\n") else []
    except ValueError:
        return []
    return value if isinstance(value, list) else []


def _refusal(code: str, facts: Mapping[str, Any]) -> FieldstoneError:
    kind = TooLarge if code in _TOO_LARGE else Invalid
    return kind(_MESSAGES.get(code, _MESSAGES["not_csv"]), code=f"file_{code}", **facts)
