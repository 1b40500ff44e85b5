"""Real incidents as tickets: 600 from the UCI incident log (see data/NOTICE.md), moved to the last weeks.

In: rows of `data/servicenow_incidents.csv`. Out: `Seed`s. The same mapping as `packages/service/imports/`, plus a shift
in time that brings the last incident to yesterday. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from fieldstone.plugins.demo.seed import Seed

STATES: Mapping[str, str] = {
    "New": "new",
    "Active": "open",
    "Awaiting User Info": "waiting",
    "Awaiting Problem": "waiting",
    "Awaiting Vendor": "waiting",
    "Awaiting Evidence": "waiting",
    "Resolved": "resolved",
    "Closed": "closed",
}
LEVELS: Mapping[str, str] = {"1 - High": "high", "2 - Medium": "medium", "3 - Low": "low"}
LATEST = datetime(2016, 3, 3, 12, 0, tzinfo=UTC)


def incident_tickets(rows: Iterable[Mapping[str, str]], now: datetime) -> Iterator[Seed]:
    """A ticket for each incident."""
    shift = (now - timedelta(days=1)) - LATEST
    for row in rows:
        opened = _moment(row["opened_at"], shift)
        values: dict[str, Any] = {
            "subject": f"{row['category']}: {row['u_symptom']}" if row["u_symptom"] != "?" else row["category"],
            "status": STATES[row["incident_state"]],
            "category": "incident",
            "channel": "phone",
            "impact": LEVELS[row["impact"]],
            "urgency": LEVELS[row["urgency"]],
            "caller": _filled(row["caller_id"]),
            "assignment_group": _filled(row["assignment_group"]),
            "topic": _filled(row["subcategory"]),
            "address": _filled(row["location"]),
            "source_number": row["number"],
            "opened_at": _text(opened),
            "resolved_at": _text(_moment(row["resolved_at"], shift)),
            "closed_at": _text(_moment(row["closed_at"], shift)),
            "reassignment_count": int(row["reassignment_count"]),
            "reopen_count": int(row["reopen_count"]),
            "made_sla": row["made_sla"] == "TRUE",
        }
        kept = {name: value for name, value in values.items() if value is not None}
        yield Seed(object="ticket", key=f"incident/{row['number']}", values=kept, at=opened)


def _filled(text: str) -> str | None:
    return None if text in ("", "?") else text


def _moment(text: str, shift: timedelta) -> datetime | None:
    if text in ("", "?"):
        return None
    return datetime.strptime(text, "%d-%m-%Y %H:%M").replace(tzinfo=UTC) + shift


def _text(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment is not None else None
