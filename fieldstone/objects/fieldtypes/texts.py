"""How values are written as text in CSV and spreadsheet cells.

What goes out: `TextFormat`, which an import map fills in (date formats, marks, words for yes and no), and
`cell_text`, the text of a typed spreadsheet cell. Who calls it: `from_text` and `to_text` of field types, transfer.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


@dataclass(frozen=True, slots=True, kw_only=True)
class TextFormat:
    """How to read texts that are not written as we write them.

    `dates`, `datetimes` and `times` are `strptime` formats tried in order, after the ISO form. `time_zone` is that of
    datetimes without one. `empty` are texts that mean "no value". `separator` parts several values in one cell.
    """

    dates: tuple[str, ...] = ()
    datetimes: tuple[str, ...] = ()
    times: tuple[str, ...] = ()
    time_zone: str = "UTC"
    decimal_mark: str = "."
    group_mark: str = ","
    yes: frozenset[str] = frozenset({"true", "yes", "y", "1", "on", "x", "是"})
    no: frozenset[str] = frozenset({"false", "no", "n", "0", "off", "否"})
    empty: frozenset[str] = frozenset({""})
    separator: str = ";"

    @property
    def zone(self) -> ZoneInfo:
        """The time zone; UTC when the name is unknown."""
        return zone(self.time_zone)


PLAIN: Final = TextFormat()


def zone(name: str) -> ZoneInfo:
    """The time zone of that name; UTC when there is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")


def cell_text(value: object) -> str:
    """The text of a spreadsheet cell: whole floats without a fraction, dates and times in ISO form, "" for nothing."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case float():
            return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
        case datetime() | date() | time():
            return value.isoformat()
        case timedelta():
            return f"PT{value.total_seconds():f}S"
        case _:
            return str(value)
