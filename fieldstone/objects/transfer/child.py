"""The process that parses an uploaded table, apart from everything else and with little to spend.

Started by `reading` as `python -m fieldstone.objects.transfer.child`: the file is standard input, the order the only
argument (JSON: limits, encoding, delimiter, sheet). It limits itself before it looks at the file, then writes one JSON
array per line: the header, then `[row number, [texts]]`, at last `["end", rows]` or `["refused", code, facts]`. It has
no database, no settings and no secrets; whatever a hostile file does to it, its parent sees that no end came.
"""

from __future__ import annotations

import csv
import io
import itertools
import json
import resource
import sys
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import IO, Any, Final

from python_calamine import CalamineError, PasswordError, ZipError, load_workbook

from fieldstone.objects.fieldtypes.texts import cell_text

LIMITED: Final = {
    "memory": resource.RLIMIT_AS,
    "cpu_s": resource.RLIMIT_CPU,
    "output": resource.RLIMIT_FSIZE,
    "open_files": resource.RLIMIT_NOFILE,
}
DELIMITERS: Final = ",;\t|"
ZIP_START: Final = b"PK\x03\x04"
SAMPLE: Final = 64 * 1024
CHUNK: Final = 256 * 1024

Order = Mapping[str, Any]
Row = tuple[int, Sequence[str]]


class Refused(Exception):
    """The file is not taken."""

    def __init__(self, code: str, **facts: Any) -> None:
        super().__init__(code)
        self.code = code
        self.facts = facts


def main(order: Order, source: IO[bytes], out: IO[str]) -> None:
    """Parse `source` as the order says; the answer goes to `out`."""
    for name, amount in order["process"].items():
        resource.setrlimit(LIMITED[name], (amount, amount))
    try:
        _write(_bounded(_table(order, source), order["limits"]), out)
    except Refused as refused:
        _line(out, ["refused", refused.code, refused.facts])
    except MemoryError:
        _line(out, ["refused", "too_large", {}])


def _write(table: Iterator[Row], out: IO[str]) -> None:
    header = next(table, None)
    if header is None:
        raise Refused("empty")
    _line(out, list(header[1]))
    count = 0
    for number, cells in table:
        _line(out, [number, cells])
        count += 1
    _line(out, ["end", count])


def _line(out: IO[str], value: Any) -> None:
    out.write(json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n")


def _bounded(table: Iterator[Row], limits: Mapping[str, int]) -> Iterator[Row]:
    """The rows that are not blank; refuses more than the limits."""
    filled = ((number, cells) for number, cells in table if any(cell.strip() for cell in cells))
    for count, (number, cells) in enumerate(filled):
        if count > limits["rows"]:
            raise Refused("too_many_rows", most=limits["rows"])
        if len(cells) > limits["columns"]:
            raise Refused("too_many_columns", row=number, most=limits["columns"])
        if any(len(cell) > limits["cell"] for cell in cells):
            raise Refused("cell_too_long", row=number, most=limits["cell"])
        yield number, cells


def _table(order: Order, source: IO[bytes]) -> Iterator[Row]:
    start = source.read(4)
    source.seek(0)
    if start == ZIP_START:
        check_archive(source, order["limits"])
        source.seek(0)
        return _sheet(source, order.get("sheet"))
    return _lines(source, order)


# -- CSV ----------------------------------------------------------------------------------------------------------
def _lines(source: IO[bytes], order: Order) -> Iterator[Row]:
    csv.field_size_limit(order["limits"]["cell"] + 1)
    try:
        text = io.TextIOWrapper(source, encoding=order.get("encoding") or "utf-8-sig", newline="")
        delimiter = order.get("delimiter") or _likely_delimiter(text.read(SAMPLE))
        text.seek(0)
        yield from enumerate(csv.reader(text, delimiter=delimiter, strict=False), start=1)
    except (UnicodeDecodeError, LookupError):
        raise Refused("encoding", encoding=order.get("encoding") or "utf-8") from None
    except csv.Error as error:
        code = "cell_too_long" if "field larger" in str(error) else "not_csv"
        raise Refused(code, row=0, most=order["limits"]["cell"]) from None


def _likely_delimiter(sample: str) -> str:
    """The one that the first line has most of."""
    first = next((line for line in sample.splitlines() if line.strip()), "")
    return max(DELIMITERS, key=first.count)


# -- XLSX ---------------------------------------------------------------------------------------------------------
def check_archive(source: IO[bytes], limits: Mapping[str, int]) -> None:
    """Unpack the archive once, into nothing, and count: what a bomb says of itself is not believed."""
    left = limits["unpacked"]
    try:
        with zipfile.ZipFile(source) as archive:
            entries = archive.infolist()
            if len(entries) > limits["entries"] or sum(each.file_size for each in entries) > left:
                raise Refused("bomb", most=limits["unpacked"])
            for entry in entries:
                left -= _unpacked(archive, entry, left)
                if left < 0:
                    raise Refused("bomb", most=limits["unpacked"])
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, ValueError, OSError):
        raise Refused("not_xlsx") from None


def _unpacked(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, most: int) -> int:
    size = 0
    with archive.open(entry) as content:
        while size <= most and (chunk := content.read(CHUNK)):
            size += len(chunk)
    return size


def _sheet(source: IO[bytes], name: str | None) -> Iterator[Row]:
    try:
        book = load_workbook(io.BytesIO(source.read()))
        if name is not None and name not in book.sheet_names:
            raise Refused("no_sheet", sheet=name)
        sheet = book.get_sheet_by_name(name) if name is not None else book.get_sheet_by_index(0)
        rows: Iterable[Sequence[object]] = sheet.iter_rows()
        for number, cells in zip(itertools.count(1), rows):
            yield number, [cell_text(cell) for cell in cells]
    except (CalamineError, ZipError, PasswordError):
        raise Refused("not_xlsx") from None


if __name__ == "__main__":
    main(json.loads(sys.argv[1]), sys.stdin.buffer, io.TextIOWrapper(sys.stdout.buffer, encoding="utf-8", newline="\n"))
