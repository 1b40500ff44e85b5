"""Filter chips: from what a person chose to the rule language and to words.

In: a `Chip`, the field it is about. Out: an expression, a phrase. An unknown field, operator or value is refused with
`Unreadable`; hidden fields are unknown. Called by the list page.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from fieldstone.objects.fieldtypes.base import Field
from fieldstone.objects.fieldtypes.operators import Operator
from fieldstone.objects.fieldtypes.problems import Rejected
from fieldstone.platform.kernel.errors import FieldError, Unreadable
from fieldstone.platform.kernel.text import localized
from fieldstone.ui.lists.state import Chip
from fieldstone.ui.values.shown import Reader, widget_of

Find = Callable[[str], "Field | None"]


def operators_of(field: Field) -> Sequence[Operator]:
    """The operators that chips of a field offer."""
    return field.type.operators if field.filterable else ()


def expression_of(chip: Chip, find: Find) -> str:
    """The chip in the rule language. Raises `Unreadable`."""
    field, operator = _known(chip, find)
    literals = [field.type.literal(_value(field, text)) for text in chip.values]
    if operator.values >= 0 and len(literals) != operator.values:
        raise _unreadable(chip)
    return f"({operator.expression(chip.field, *literals)})"


def words_of(chip: Chip, find: Find, reader: Reader, labels: dict[str, str]) -> tuple[str, str]:
    """(the field's name, what is asked of it) for people; `labels` are names of records by id."""
    field, operator = _known(chip, find)
    asked = localized(operator.label, reader.locale)
    mark = ", " if reader.locale == "en" else "、"
    values = mark.join(_shown(field, text, reader, labels) for text in chip.values)
    return field.text(reader.locale), f"{asked} {values}".strip()


def combined(*parts: str | None) -> str | None:
    """All the filters at once."""
    given = [part for part in parts if part]
    if len(given) < 2:
        return given[0] if given else None
    return " && ".join(part if part.startswith("(") and part.endswith(")") else f"({part})" for part in given)


def _known(chip: Chip, find: Find) -> tuple[Field, Operator]:
    field = find(chip.field)
    operator = next((each for each in operators_of(field) if each.name == chip.operator), None) if field else None
    if field is None or operator is None:
        raise _unreadable(chip)
    return field, operator


def _value(field: Field, text: str) -> Any:
    try:
        return field.type.from_text(text)
    except Rejected as rejected:
        raise Unreadable(errors=(rejected.problem.at(f"?f={field.name}"),)) from None


def _shown(field: Field, text: str, reader: Reader, labels: dict[str, str]) -> str:
    if text in labels:
        return labels[text]
    for option in widget_of(field, reader.locale).get("options", ()):
        if option["value"] == text:
            return str(option["label"])
    try:
        value = field.type.from_text(text)
    except Rejected:
        return text
    return field.type.display(value, reader.locale, reader.time_zone) if value is not None else text


def _unreadable(chip: Chip) -> Unreadable:
    return Unreadable(
        "This filter is not understood: {filter}",
        filter=chip.text[:100],
        errors=(FieldError(path=f"?f={chip.field[:60]}", code="unknown", message="There is no such filter."),),
    )
