"""Numbers, dates and times in words, per language.

What comes in: a Python value and a locale (`en`, `zh-Hans`, `zh-Hant`). What goes out: text for people, following
CLDR through Babel. Who calls it: `display` of field types. Results are remembered, because a list shows the same few
dates and marks again and again and Babel takes some 20 microseconds a value.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache

from babel import Locale
from babel.dates import format_date, format_time
from babel.numbers import format_currency, format_decimal
from babel.units import format_unit

from fieldstone.objects.fieldtypes.texts import zone

_BABEL = {"en": "en_US", "zh-Hans": "zh_Hans_CN", "zh-Hant": "zh_Hant_TW"}
_UNITS = (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1))


@lru_cache(maxsize=64)
def babel_locale(locale: str) -> Locale:
    """Babel's locale for one of ours; English for others."""
    return Locale.parse(_BABEL.get(locale, "en_US"))


@lru_cache(maxsize=8192)
def number(value: Decimal | int, locale: str, places: int) -> str:
    """With group marks and exactly `places` decimal places."""
    pattern = "#,##0." + "0" * places if places else "#,##0"
    text: str = format_decimal(value, format=pattern, locale=babel_locale(locale), decimal_quantization=False)
    return text


@lru_cache(maxsize=8192)
def money(amount: Decimal, currency: str, locale: str, places: int) -> str:
    """An amount with the sign of its currency."""
    pattern = babel_locale(locale).currency_formats["standard"].pattern.split(";")[0]
    whole = pattern.replace("0.00", "0." + "0" * places if places else "0")
    return format_currency(
        amount, currency, format=whole, locale=babel_locale(locale), currency_digits=False, decimal_quantization=False
    )


@lru_cache(maxsize=8192)
def day(value: date, locale: str) -> str:
    """A date, the month in letters."""
    return format_date(value, "medium", locale=babel_locale(locale))


@lru_cache(maxsize=8192)
def moment(value: datetime, locale: str, time_zone: str) -> str:
    """Date and time of day, to the minute, in a time zone."""
    local = value.astimezone(zone(time_zone))
    clock = format_time(local.time(), "short", locale=babel_locale(locale))
    return f"{day(local.date(), locale)} {clock}"


@lru_cache(maxsize=1024)
def clock(value: time, locale: str) -> str:
    """A time of day, to the minute, to the second if it has seconds."""
    return format_time(value, "medium" if value.second else "short", locale=babel_locale(locale))


@lru_cache(maxsize=4096)
def span(value: timedelta, locale: str) -> str:
    """A duration in its largest three units: `2 hr 30 min`."""
    left = int(abs(value).total_seconds())
    parts = []
    for unit, size in _UNITS:
        count, left = divmod(left, size)
        if count:
            parts.append(format_unit(count, f"duration-{unit}", "short", locale=babel_locale(locale)))
    text = " ".join(parts[:3]) or format_unit(0, "duration-minute", "short", locale=babel_locale(locale))
    return f"-{text}" if value < timedelta(0) else text
