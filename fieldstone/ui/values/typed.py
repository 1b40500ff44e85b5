"""What somebody typed, put back into the widgets of a form: nothing that was entered is lost when a form comes again.

In: a widget, the form (or the query of an address that fills a form in advance). Out: the widget with the value as it
was typed. Called by the form pages.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from werkzeug.datastructures import MultiDict

Form: TypeAlias = MultiDict[str, str]
Names: TypeAlias = Mapping[str, str]
_ADDRESS = ("street", "city", "region", "postcode", "country")


def typed(made: dict[str, Any], form: Form, names: Names) -> dict[str, Any]:
    """The widget with what the form has for it; `names` are the names of records by id."""
    if made.get("readonly"):
        return made
    name = made["name"]
    read = _READERS.get(made["kind"], _plain)
    value = read(made, form, name, names)
    return made if value is None else {**made, "value": value}


def chosen_ids(form: Form, name: str) -> list[str]:
    """The ids of the records that were chosen for a lookup."""
    return [value for value in form.getlist(name) if value]


def _plain(made: Mapping[str, Any], form: Form, name: str, names: Names) -> Any:
    return form.get(name)


def _check(made: Mapping[str, Any], form: Form, name: str, names: Names) -> Any:
    return "true" in form.getlist(name) if name in form else None


def _many(made: Mapping[str, Any], form: Form, name: str, names: Names) -> Any:
    return [value for value in form.getlist(name) if value] if name in form else None


def _lookup(made: Mapping[str, Any], form: Form, name: str, names: Names) -> Any:
    if name not in form:
        return None
    found = [{"id": each, "label": names.get(each, each)} for each in chosen_ids(form, name)]
    if made["attrs"].get("multiple"):
        return found
    return found[0] if found else {}


def _money(made: Mapping[str, Any], form: Form, name: str, names: Names) -> Any:
    if f"{name}.amount" not in form:
        return None
    return {"amount": form[f"{name}.amount"], "currency": form.get(f"{name}.currency")}


def _place(made: Mapping[str, Any], form: Form, name: str, names: Names) -> Any:
    if f"{name}.lat" not in form:
        return None
    return {"lat": form[f"{name}.lat"], "lon": form.get(f"{name}.lon", "")}


def _address(made: Mapping[str, Any], form: Form, name: str, names: Names) -> Any:
    if f"{name}.city" not in form:
        return None
    return {part: form.get(f"{name}.{part}", "") for part in _ADDRESS}


def _whole(made: Mapping[str, Any], form: Form, name: str, names: Names) -> Any:
    text = form.get(name)
    return int(text) if text and text.isdigit() and len(text) < 4 else text


def _kept(made: Mapping[str, Any], form: Form, name: str, names: Names) -> Any:
    """A file cannot be put back into a form; the one that was there stays."""
    return None


_READERS: Mapping[str, Callable[[Mapping[str, Any], Form, str, Names], Any]] = {
    "checkbox": _check,
    "multiselect": _many,
    "lookup": _lookup,
    "user": _lookup,
    "money": _money,
    "geolocation": _place,
    "address": _address,
    "rating": _whole,
    "file": _kept,
    "image": _kept,
    "signature": _kept,
}
