"""Translations in files of their own: `translations/zh-Hans.json`, merged into texts when read, taken out when written.

A file is {"$schema", "texts": {"object/ticket/fields/status/options/new/label": "新建"}}: paths by names, as in diffs,
so that translators and diffs see the same address. A text is a string or a mapping by locale. Pure; called by
`reading`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from fieldstone.platform.metadata.diff import is_text, names_of_items
from fieldstone.platform.metadata.manifest import Key
from fieldstone.platform.metadata.pointers import escaped

Bodies: TypeAlias = Mapping[Key, dict[str, Any]]
BASE_LOCALE = "en"


def merge(bodies: Bodies, locale: str, texts: Mapping[str, str]) -> list[str]:
    """Put the texts of one locale into the bodies, in place; the addresses that lead to no text."""
    places = {address: (holder, key) for address, holder, key in _places(bodies)}
    unknown = []
    for address, text in texts.items():
        if address not in places:
            unknown.append(address)
            continue
        holder, key = places[address]
        present = holder[key]
        base = {BASE_LOCALE: present} if isinstance(present, str) else dict(present)
        holder[key] = {**base, locale: text}
    return unknown


def split(bodies: Bodies, locales: Sequence[str]) -> dict[str, dict[str, str]]:
    """Take the texts of `locales` out of the bodies, in place; by locale and address. Texts without English stay."""
    found: dict[str, dict[str, str]] = {locale: {} for locale in locales}
    for address, holder, key in list(_places(bodies)):
        text = holder[key]
        if not is_text(text) or BASE_LOCALE not in text:
            continue
        for locale in locales:
            if locale in text:
                found[locale][address] = text[locale]
        rest = {locale: value for locale, value in text.items() if locale not in locales}
        if len(rest) < len(text):
            holder[key] = rest[BASE_LOCALE] if rest.keys() == {BASE_LOCALE} else rest
    return found


def _places(bodies: Bodies) -> Iterator[tuple[str, Any, Any]]:
    """(address, holder, key) of everything that is or could be a text."""
    for (kind, name), body in sorted(bodies.items()):
        yield from _inside(f"{kind}/{name}", body)


def _inside(address: str, value: Any) -> Iterator[tuple[str, Any, Any]]:
    items: Iterator[tuple[Any, str, Any]]
    if isinstance(value, Mapping):
        items = ((key, key, item) for key, item in value.items())
    else:
        names = names_of_items(value)
        items = ((index, names[index], item) for index, item in enumerate(value))
    for key, name, item in items:
        inner = f"{address}/{escaped(name)}"
        if isinstance(item, str) or is_text(item):
            yield inner, value, key
        elif isinstance(item, Mapping | list):
            yield from _inside(inner, item)
