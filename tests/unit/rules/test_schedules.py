"""When schedules run: by the clock on the wall, also when the clock is changed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldstone.rules.engine.schedule import is_cron, next_run

BERLIN, SHANGHAI, NEW_YORK = ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Shanghai"), ZoneInfo("America/New_York")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("cron", "after", "zone", "expected"),
    [
        ("0 8 * * *", "2026-01-10T00:00", SHANGHAI, "2026-01-11T00:00"),
        ("0 8 * * *", "2026-01-09T23:59:59", SHANGHAI, "2026-01-10T00:00"),
        ("0 8 * * 1", "2026-01-10T00:00", SHANGHAI, "2026-01-12T00:00"),
        ("*/15 * * * *", "2026-01-10T00:07", BERLIN, "2026-01-10T00:15"),
        ("0 8 * * *", "2026-03-28T12:00", BERLIN, "2026-03-29T06:00"),
        ("0 8 * * *", "2026-03-27T12:00", BERLIN, "2026-03-28T07:00"),
        # 2:30 does not exist on 29 March: the clock goes from 2 to 3.
        ("30 2 * * *", "2026-03-28T12:00", BERLIN, "2026-03-29T01:30"),
        ("30 2 * * *", "2026-03-29T01:30", BERLIN, "2026-03-30T00:30"),
        # 2:30 comes twice on 25 October.
        ("30 2 * * *", "2026-10-24T12:00", BERLIN, "2026-10-25T00:30"),
        ("30 2 * * *", "2026-10-25T00:30", BERLIN, "2026-10-26T01:30"),
        ("30 2 * * *", "2026-10-25T01:00", BERLIN, "2026-10-26T01:30"),
        ("0 0 1 1 *", "2026-06-01T00:00", NEW_YORK, "2027-01-01T05:00"),
        ("0 0 29 2 *", "2026-06-01T00:00", BERLIN, "2028-02-28T23:00"),
    ],
)
def test_the_next_run_is_by_the_clock_on_the_wall(cron: str, after: str, zone: ZoneInfo, expected: str) -> None:
    assert next_run(cron, at(after), zone) == at(expected)


@given(
    st.datetimes(min_value=datetime(2020, 1, 1), max_value=datetime(2030, 1, 1)),
    st.sampled_from(["*/5 * * * *", "30 2 * * *", "0 0 * * 0", "15 1,2,3 * * *"]),
    st.sampled_from([BERLIN, SHANGHAI, NEW_YORK]),
)
def test_the_next_run_is_always_later_and_at_a_time_of_the_schedule(after: datetime, cron: str, zone: ZoneInfo) -> None:
    moment = after.replace(tzinfo=UTC)
    found = next_run(cron, moment, zone)
    assert found > moment
    assert found - moment <= timedelta(days=9)
    assert next_run(cron, found, zone) > found


def test_only_expressions_of_five_fields_are_schedules() -> None:
    assert is_cron("0 8 * * 1-5")
    for text in ("", "@daily", "* * * *", "* * * * * *", "60 * * * *", "a b c d e"):
        assert not is_cron(text)
