"""Series of numbers: how automatic numbers look and when they start anew. Pure; the counters are rows of a table."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

from fieldstone.platform.i18n import mark

_TOKEN = re.compile(r"\{(YYYY|YY|MM|DD|0{1,12})\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberSeries:
    """How numbers of a series look: `WO-{YYYY}-{00000}`.

    `{YYYY}`, `{YY}`, `{MM}` and `{DD}` are the day of drawing; `{0000}` is the counter, filled up with zeros. The
    counter starts anew in each period: a day, month or year, whichever is the smallest in the pattern.
    """

    pattern: str
    start: int = 1

    def problem(self) -> str | None:
        """What is wrong with it, as an English template."""
        counters = [token for token in _TOKEN.findall(self.pattern) if token.startswith("0")]
        if len(counters) != 1:
            return mark("The pattern needs one counter, such as {example}.")
        if "{" in _TOKEN.sub("", self.pattern) or "}" in _TOKEN.sub("", self.pattern):
            return mark("The pattern may hold only {tokens}.")
        return None

    def period(self, day: date) -> str:
        """The name of the period of that day, under which its counter is kept; "" when it never starts anew."""
        tokens = set(_TOKEN.findall(self.pattern))
        if "DD" in tokens:
            return day.isoformat()
        if "MM" in tokens:
            return day.isoformat()[:7]
        return day.isoformat()[:4] if tokens & {"YYYY", "YY"} else ""

    def write(self, counter: int, day: date) -> str:
        """The number with that counter, drawn on that day."""
        year, month, day_of_month = day.isoformat().split("-")
        dates = {"YYYY": year, "YY": year[2:], "MM": month, "DD": day_of_month}
        return _TOKEN.sub(
            lambda match: dates.get(match.group(1)) or str(counter).zfill(len(match.group(1))), self.pattern
        )
