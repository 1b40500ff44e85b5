"""How a value looks when it is read: a Python value as the display mapping of `components/values.html`.

In: a field, a value, its label, the reader's language and time zone. Out: a mapping with `kind` and words. What a field
looks like is told by its widget, which is data of its type; this file knows kinds of widgets, never types of fields.
Called by lists, record pages, related lists and the inbox.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import nh3
from markdown_it import MarkdownIt
from markupsafe import Markup

from fieldstone.objects.fieldtypes.base import Field
from fieldstone.objects.fieldtypes.declaration import Label, Labels

Shown = Mapping[str, Any] | str
_HUES: Mapping[str, int] = MappingProxyType(
    {"red": 15, "amber": 60, "green": 150, "teal": 180, "blue": 255, "purple": 300, "pink": 345}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Who looks: language and time zone."""

    locale: str
    time_zone: str


def shown(field: Field, value: Any, labels: Labels, reader: Reader) -> Shown:
    """The value as a display mapping; "" when there is none."""
    if value is None or value in ("", []):
        return ""
    widget = widget_of(field, reader.locale)
    kind = widget["of"] if widget["kind"] == "readonly" and "of" in widget else widget["kind"]
    show = _KINDS.get(kind, _text)
    return show(_Seen(field=field, value=value, labels=labels, reader=reader, widget=widget))


def widget_of(field: Field, locale: str) -> Mapping[str, Any]:
    """The field's widget in a language; made once for each compiled field."""
    return _WIDGETS.of(field, locale)


class _Widgets:
    """Widgets by identity of the compiled field: fields are immutable and live as long as their snapshot."""

    def __init__(self) -> None:
        self._kept: dict[tuple[int, str], tuple[Field, Mapping[str, Any]]] = {}

    def of(self, field: Field, locale: str) -> Mapping[str, Any]:
        key = (id(field), locale)
        found = self._kept.get(key)
        if found is not None and found[0] is field:
            return found[1]
        if len(self._kept) > 20_000:
            self._kept.clear()
        made: Mapping[str, Any] = MappingProxyType(field.type.widget(field, locale))
        self._kept[key] = (field, made)
        return made


_WIDGETS = _Widgets()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    field: Field
    value: Any
    labels: Labels
    reader: Reader
    widget: Mapping[str, Any]

    @property
    def words(self) -> str:
        return self.field.type.display(self.value, self.reader.locale, self.reader.time_zone)

    def option(self, value: Any) -> Mapping[str, Any]:
        for option in self.widget.get("options", ()):
            if option["value"] == value:
                found: Mapping[str, Any] = option
                return found
        return {"label": str(value)}


def _text(seen: _Seen) -> Shown:
    return {"kind": "text", "text": seen.words}


def _plain(kind: str) -> Callable[[_Seen], Shown]:
    return lambda seen: {"kind": kind, "text": seen.words}


def _tag(seen: _Seen) -> Shown:
    option = seen.option(seen.value)
    return {"kind": "tag", "text": option["label"], "color": option.get("color") or "grey", "dot": True}


def _tags(seen: _Seen) -> Shown:
    options = [seen.option(value) for value in seen.value]
    return {"kind": "tags", "items": [{"text": o["label"], "color": o.get("color") or "grey"} for o in options]}


def _link(seen: _Seen) -> Shown:
    labels = _each(seen.labels)
    if not labels:
        return {"kind": "masked"}
    if seen.widget.get("several"):
        return {"kind": "tags", "items": [{"text": label.label, "color": "grey"} for label in labels]}
    label = labels[0]
    target = label.object or seen.widget["objects"][0]
    return {"kind": "link", "text": label.label, "href": f"/o/{target}/{label.id}"}


def _user(seen: _Seen) -> Shown:
    labels = _each(seen.labels)
    return {"kind": "user", "text": labels[0].label} if labels else {"kind": "masked"}


def _team(seen: _Seen) -> Shown:
    labels = _each(seen.labels)
    return {"kind": "text", "text": labels[0].label} if labels else {"kind": "masked"}


def _bool(seen: _Seen) -> Shown:
    return {"kind": "bool", "value": bool(seen.value)}


def _rating(seen: _Seen) -> Shown:
    return {"kind": "rating", "value": seen.value, "max": seen.widget.get("max", 5)}


def _prose(seen: _Seen) -> Shown:
    return {"kind": "prose", "html": prose(str(seen.value))}


def _place(seen: _Seen) -> Shown:
    lat, lon = seen.value["lat"], seen.value["lon"]
    return {"kind": "geo", "text": seen.words, "href": f"geo:{lat},{lon}"}


def _file(seen: _Seen) -> Shown:
    labels = _each(seen.labels)
    files = [{"name": label.label, "href": f"/api/v1/files/{label.id}"} for label in labels]
    return {"kind": "files", "items": files}


def _picture(kind: str) -> Callable[[_Seen], Shown]:
    def picture(seen: _Seen) -> Shown:
        labels = _each(seen.labels)
        identity = labels[0].id if labels else str(seen.value)
        text = labels[0].label if labels else seen.field.text(seen.reader.locale)
        return {"kind": kind, "href": f"/api/v1/files/{identity}?inline=1", "text": text}

    return picture


def _color(seen: _Seen) -> Shown:
    return {"kind": "colour", "text": seen.words, "hue": _HUES.get(str(seen.value), 0)}


def _each(labels: Labels) -> Sequence[Label]:
    if labels is None:
        return ()
    return (labels,) if isinstance(labels, Label) else labels


def prose(text: str) -> Markup:
    """Markdown of a person as harmless HTML."""
    return Markup(nh3.clean(_MARKDOWN.render(text), link_rel="noopener noreferrer nofollow"))  # noqa: S704 - cleaned


_MARKDOWN = MarkdownIt("commonmark", {"html": False, "linkify": False, "breaks": True}).enable("table")

_KINDS: Mapping[str, Callable[[_Seen], Shown]] = MappingProxyType(
    {
        "select": _tag,
        "multiselect": _tags,
        "lookup": _link,
        "user": _user,
        "team": _team,
        "checkbox": _bool,
        "rating": _rating,
        "markdown": _prose,
        "textarea": _plain("long"),
        "number": _plain("number"),
        "decimal": _plain("number"),
        "percent": _plain("number"),
        "money": _plain("money"),
        "date": _plain("date"),
        "datetime": _plain("date"),
        "email": _plain("email"),
        "tel": _plain("tel"),
        "url": _plain("url"),
        "json": _plain("code"),
        "geolocation": _place,
        "file": _file,
        "image": _picture("image"),
        "signature": _picture("signature"),
        "color": _color,
    }
)
