"""Texts with `{field}` placeholders, by locale.

What comes in: a tenant's text and, when a rule fires, the record's values. What goes out: the same text with the
values written the way each language writes them. Who calls it: validation messages and notifications.

Only whole dotted paths are replaced, in one pass: a value that itself contains braces is shown as it is, and there are
no attributes, indexes or formats.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_datetime, format_time, format_timedelta
from babel.numbers import format_currency, format_decimal

from fieldstone.platform.kernel.text import Text
from fieldstone.rules.engine.paths import read
from fieldstone.rules.expressions.syntax import Path
from fieldstone.rules.expressions.values import Money

_PLACEHOLDER = re.compile(r"\{([a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*)*)\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A text and the paths that its placeholders read (in any language)."""

    text: Text
    paths: frozenset[Path]

    def filled(self, variables: Mapping[str, Any], zone: ZoneInfo) -> Text:
        """The text with values in place of placeholders, in each of its languages; times as the clock of `zone`."""
        if not self.paths:
            return self.text
        if isinstance(self.text, str):
            return _filled(self.text, variables, "en", zone)
        return {locale: _filled(template, variables, locale, zone) for locale, template in self.text.items()}


def message(text: Text) -> Message:
    """A message with the paths of its placeholders."""
    return Message(text=text, paths=frozenset(tuple(name.split(".")) for name in placeholders(text)))


def placeholders(text: Text) -> frozenset[str]:
    """The dotted names between braces, of all languages together."""
    templates = [text] if isinstance(text, str) else text.values()
    return frozenset(name for template in templates for name in _PLACEHOLDER.findall(template))


def _filled(template: str, variables: Mapping[str, Any], locale: str, zone: ZoneInfo) -> str:
    def value(found: re.Match[str]) -> str:
        return written(read(variables, tuple(found[1].split("."))), locale, zone)

    return _PLACEHOLDER.sub(value, template)


def written(value: Any, locale: str, zone: ZoneInfo) -> str:
    """A value as a reader of that language expects it; "" for an empty one."""
    tag = locale.replace("-", "_")
    match value:
        case None:
            return ""
        case bool():
            return _YES_NO.get(locale, _YES_NO["en"])[value]
        case Money():
            return str(format_currency(value.amount, value.currency, locale=tag, decimal_quantization=False))
        case Decimal() | int():
            return str(format_decimal(value, locale=tag, decimal_quantization=False))
        case datetime():
            return format_datetime(value, "short", tzinfo=zone, locale=tag)
        case date():
            return format_date(value, "medium", locale=tag)
        case time():
            return format_time(value, "short", locale=tag)
        case timedelta():
            return format_timedelta(value, locale=tag, threshold=2)
        case Mapping():
            return str(value.get("title") or value.get("name") or value.get("id") or "")
        case str():
            return value
        case list() | tuple():
            return ", ".join(written(item, locale, zone) for item in value)
        case _:
            return str(value)


_YES_NO: Mapping[str, tuple[str, str]] = {"en": ("no", "yes"), "zh-Hans": ("否", "是"), "zh-Hant": ("否", "是")}
