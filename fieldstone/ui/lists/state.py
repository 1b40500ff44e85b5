"""The state of a list page, all of it in the URL: view, chips, sort, search, columns, page.

In: query parameters. Out: `ListState`, and URLs of the same list with one thing changed. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from werkzeug.datastructures import MultiDict

KNOWN = frozenset({"view", "f", "sort", "q", "columns", "cursor", "trail", "as"})
MAX_CHIPS = 20
MAX_TRAIL = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Chip:
    """One filter: a field path, the name of an operator, the values as text."""

    field: str
    operator: str
    values: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The chip as it stands in the URL."""
        return ":".join((self.field, self.operator, "|".join(_escaped(value) for value in self.values)))


@dataclass(frozen=True, slots=True, kw_only=True)
class ListState:
    """What a list shows. `trail` are the cursors of the pages before this one, the first page being ""."""

    path: str
    view: str = ""
    chips: tuple[Chip, ...] = ()
    sort: str = ""
    q: str = ""
    columns: tuple[str, ...] = ()
    cursor: str = ""
    trail: tuple[str, ...] = ()

    def url(self) -> str:
        """The address of this state."""
        pairs: list[tuple[str, str]] = []
        pairs += [("view", self.view)] if self.view else []
        pairs += [("f", chip.text) for chip in self.chips]
        pairs += [("sort", self.sort)] if self.sort else []
        pairs += [("q", self.q)] if self.q else []
        pairs += [("columns", ",".join(self.columns))] if self.columns else []
        pairs += [("cursor", self.cursor)] if self.cursor else []
        pairs += [("trail", "~".join(self.trail))] if self.trail else []
        return self.path + ("?" + urlencode(pairs) if pairs else "")

    def first_page(self) -> ListState:
        """The same list from its beginning."""
        return replace(self, cursor="", trail=())

    def with_view(self, view: str) -> ListState:
        """Another view, without what was changed on top of the present one."""
        return ListState(path=self.path, view=view)

    def sorted_by(self, key: str) -> ListState:
        """Sorted by a key; `-key` is downwards."""
        return replace(self.first_page(), sort=key)

    def without(self, chip: Chip) -> ListState:
        """One chip less."""
        return replace(self.first_page(), chips=tuple(each for each in self.chips if each != chip))

    def having(self, chip: Chip) -> ListState:
        """One chip more; a chip of the same field and operator gives way."""
        kept = (each for each in self.chips if (each.field, each.operator) != (chip.field, chip.operator))
        return replace(self.first_page(), chips=(*kept, chip))

    def showing(self, columns: Iterable[str]) -> ListState:
        """With these columns instead of the view's."""
        return replace(self, columns=tuple(columns))

    def next_page(self, cursor: str) -> ListState:
        """One page on."""
        return replace(self, cursor=cursor, trail=(*self.trail, self.cursor)[-MAX_TRAIL:])

    def previous_page(self) -> ListState | None:
        """One page back; None on the first."""
        return replace(self, cursor=self.trail[-1], trail=self.trail[:-1]) if self.trail else None

    @property
    def page(self) -> int:
        """The number of this page, from 1."""
        return len(self.trail) + 1


def state_of(path: str, args: MultiDict[str, str]) -> ListState:
    """The state that query parameters mean; chips that cannot be read are left out."""
    chips = (chip_of(text) for text in args.getlist("f")[:MAX_CHIPS])
    return ListState(
        path=path,
        view=args.get("view", ""),
        chips=tuple(chip for chip in chips if chip is not None),
        sort=args.get("sort", ""),
        q=args.get("q", "").strip()[:200],
        columns=tuple(name for name in args.get("columns", "").split(",") if name)[:40],
        cursor=args.get("cursor", ""),
        trail=tuple(args["trail"].split("~")) if "trail" in args else (),
    )


def with_form(state: ListState, args: MultiDict[str, str]) -> ListState:
    """The state after a dialog of the list was sent: a chip more, or other columns."""
    if "column" in args:
        return state.showing(args.getlist("column")[:40])
    if "chip_field" in args and "chip_operator" in args:
        values = tuple(value for value in args.getlist("chip_value") if value)
        return state.having(Chip(field=args["chip_field"], operator=args["chip_operator"], values=values))
    return state


def chip_of(text: str) -> Chip | None:
    """The chip written as `field:operator:value|value`."""
    field, _, rest = text.partition(":")
    operator, _, values = rest.partition(":")
    if not field or not operator:
        return None
    return Chip(field=field, operator=operator, values=_split(values) if values else ())


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("|", "\\|")


def _split(text: str) -> tuple[str, ...]:
    values, current, escape = [], "", False
    for character in text:
        if escape:
            current, escape = current + character, False
        elif character == "\\":
            escape = True
        elif character == "|":
            values.append(current)
            current = ""
        else:
            current += character
    return (*values, current)
