"""Which rows of a file count when several are about the same record: the one with the greatest value in a column.

What comes in: a table and an interpreter. What goes out: numbers of rows. Who calls it: imports.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, TypeAlias

from fieldstone.objects.transfer.interpreting import Interpreter
from fieldstone.objects.transfer.reading import Table

Rank: TypeAlias = tuple[int, Any]


def chosen_rows(table: Table, interpreter: Interpreter) -> frozenset[int] | None:
    """The numbers of the rows that count; None when all do. Of equal rows the last one counts."""
    latest_by, key_column = interpreter.map.latest_by, interpreter.key_column
    if latest_by is None or key_column is None:
        return None
    formats = (*interpreter.map.texts.datetimes, *interpreter.map.texts.dates)
    best: dict[str, tuple[Rank, int]] = {}
    for row in table.rows():
        key = interpreter.cell(row, key_column).strip()
        rank = _rank(interpreter.cell(row, latest_by).strip(), formats)
        if key not in best or rank >= best[key][0]:
            best[key] = (rank, row.number)
    return frozenset(number for _, number in best.values())


def _rank(text: str, formats: Sequence[str]) -> Rank:
    """Numbers by value, moments by time, anything else as text."""
    try:
        number = Decimal(text)
    except InvalidOperation:
        number = Decimal("NaN")
    if number.is_finite():
        return (2, number)
    for pattern in formats:
        try:
            return (1, datetime.strptime(text, pattern).replace(tzinfo=UTC))
        except ValueError:
            continue
    return (0, text)
