"""Words in the reader's language.

What it is for: messages are English templates with `{fact}` placeholders, and the template is the key of its
translation. Catalogues are `.po` files in the `locales` folder of each room, merged and read once. What comes in:
a template (or a tenant's own labels by locale), facts, a locale. What goes out: one sentence. Who calls it: the
edge (problems, pages, mails) only; services never translate.

`choose_locale` picks a supported locale from what a browser says; languages are compared by script, because a
plain match knows no way from `zh-TW` to `zh-Hant`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from functools import cache, lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from babel import Locale, UnknownLocaleError
from babel.core import get_global

from fieldstone.platform.kernel.text import LOCALES, Text, localized
from fieldstone.platform.lazy import load

ROOMS = Path(__file__).resolve().parent.parent
_PLACE = re.compile(r"\{([a-z_][a-z0-9_]*)\}")
_NOTHING: Mapping[str, str] = MappingProxyType({})
_LONGEST_HEADER = 500


def translate(message: Text, facts: Mapping[str, Any] | None, locale: str) -> str:
    """The message in `locale` with its facts filled in; the English template where no translation exists."""
    if isinstance(message, str):
        template = catalogue(locale).get(message) or message
    else:
        template = localized(message, locale)
    return fill(template, facts or {}, locale)


def mark(template: str) -> str:
    """`template` itself: tells `scripts/messages.py` that a literal in a table is shown to people."""
    return template


def fill(template: str, facts: Mapping[str, Any], locale: str) -> str:
    """Replace whole `{name}` placeholders in one pass, so that braces inside a fact stay what they are."""

    def fact(match: re.Match[str]) -> str:
        name = match.group(1)
        return in_words(facts[name], locale) if name in facts else match.group(0)

    return _PLACE.sub(fact, template)


def in_words(value: Any, locale: str) -> str:
    """A fact as text: labels in the reader's language, decimals without exponent, lists joined."""
    if isinstance(value, str):
        return value
    if value is None:
        return "–"
    if isinstance(value, Mapping):
        return localized(value, locale)
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Iterable):
        return ("、" if locale.startswith("zh") else ", ").join(in_words(item, locale) for item in value)
    return str(value)


@cache
def catalogue(locale: str) -> Mapping[str, str]:
    """All translations into `locale`, of every room; empty for English. Read once."""
    entries: dict[str, str] = {}
    if locale in LOCALES and locale != "en":
        for file in sorted(ROOMS.glob(f"*/locales/{locale}.po")):
            entries.update(read_catalogue(file))
    return MappingProxyType(entries) if entries else _NOTHING


def read_catalogue(file: Path) -> dict[str, str]:
    """Template to translation, of one `.po` file; empty and fuzzy entries are left out."""
    with file.open("rb") as stream:
        messages = load("babel.messages.pofile:read_po")(stream)
    return {
        str(message.id): str(message.string)
        for message in messages
        if message.id and message.string and not message.fuzzy
    }


def choose_locale(*wishes: str | None, accept_language: str | None = None, default: str = "en") -> str:
    """The first supported of `wishes`, then the best of an Accept-Language header, then `default`."""
    for wish in wishes:
        found = supported(wish) if wish else None
        if found:
            return found
    for tag in _by_preference(accept_language or ""):
        found = supported(tag)
        if found:
            return found
    return supported(default) or default


@lru_cache(maxsize=512)
def _supported(tag: str) -> str | None:
    try:
        wish = Locale.parse(tag, sep="-")
    except (ValueError, UnknownLocaleError, TypeError):
        return None
    for name in LOCALES:
        ours = Locale.parse(name, sep="-")
        if (wish.language, _script(wish)) == (ours.language, _script(ours)):
            return name
    return None


def supported(tag: str) -> str | None:
    """The locale of ours that a language tag means (`zh-TW` is `zh-Hant`), or None."""
    cleaned = tag.strip().replace("_", "-")
    if not re.fullmatch(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}", cleaned):
        return None
    return _supported(cleaned)


def _script(locale: Locale) -> str:
    """The script a language is written in there; Babel's likely subtags know what the tag leaves out."""
    if locale.script:
        return locale.script
    likely = get_global("likely_subtags")
    full = likely.get(f"{locale.language}_{locale.territory}") or likely.get(locale.language) or ""
    return next((part for part in full.split("_") if len(part) == 4), "Latn")


def _by_preference(header: str) -> list[str]:
    """Language tags of an Accept-Language header, most wanted first; nonsense is skipped."""
    weighted: list[tuple[float, int, str]] = []
    for position, part in enumerate(header[:_LONGEST_HEADER].split(",")):
        tag, _, parameters = part.partition(";")
        weight = re.fullmatch(r"\s*q\s*=\s*([01](?:\.\d{0,3})?)\s*", parameters) if parameters else None
        quality = float(weight.group(1)) if weight else (1.0 if not parameters else 0.0)
        if tag.strip() and quality > 0:
            weighted.append((-quality, position, tag.strip()))
    return [tag for _, _, tag in sorted(weighted)]
