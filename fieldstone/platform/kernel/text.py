"""Texts in several languages.

A `Text` is a plain string or a mapping of locale to string, as tenants write labels in metadata:
`{"en": "Ticket", "zh-Hans": "服务请求", "zh-Hant": "服務請求"}`. Pure; called by every room that shows a label.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

Text: TypeAlias = str | Mapping[str, str]

LOCALES: tuple[str, ...] = ("en", "zh-Hans", "zh-Hant")

_FALLBACK: Mapping[str, tuple[str, ...]] = {
    "en": ("en", "zh-Hans", "zh-Hant"),
    "zh-Hans": ("zh-Hans", "zh-Hant", "en"),
    "zh-Hant": ("zh-Hant", "zh-Hans", "en"),
}


def localized(text: Text | None, locale: str) -> str:
    """The text in `locale`, else in the nearest language that has it, else any; "" for None."""
    if text is None:
        return ""
    if isinstance(text, str):
        return text
    for name in _FALLBACK.get(locale, ("en",)):
        if text.get(name):
            return text[name]
    return next((value for value in text.values() if value), "")


def filled(template: str, facts: Mapping[str, object]) -> str:
    """Replace `{name}` placeholders by facts. Only whole names are replaced: no attributes, indexes or formats."""
    for name, value in facts.items():
        template = template.replace("{" + name + "}", str(value))
    return template
