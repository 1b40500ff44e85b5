"""A layout brought to bear on one record: which sections and fields are there, needed, and may be written.

In: the layout (or none: then all fields in order), the record's values, what the reader may do. Out: sections of placed
fields. The conditions are those of the layout; whether a value is accepted is still the record service's word. Called
by the form and record pages.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fieldstone.objects.access.conditions import user_variables
from fieldstone.objects.access.service import ActorAccess, evaluation_context
from fieldstone.objects.sql.related import variables_of
from fieldstone.objects.types import Field, ObjectType
from fieldstone.platform.kernel.text import Text
from fieldstone.rules.expressions.compile import Expression
from fieldstone.rules.expressions.context import EvaluationContext
from fieldstone.rules.expressions.errors import EvaluationError
from fieldstone.ui.definition.layout import Layout, LayoutField, Section


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A field on the form, as the conditions stand for this record."""

    field: Field
    full: bool
    required: bool
    read_only: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedSection:
    """A section with the fields that are shown."""

    name: str
    label: Text
    columns: int
    tab: Text
    fields: tuple[Placed, ...]


class Arrangement:
    """One layout for one reader."""

    def __init__(self, access: ActorAccess, kind: ObjectType, layout: Layout | None) -> None:
        self.kind = kind
        self.layout = layout
        self._access = access
        self._rights = access.rights(kind.name)
        self._sections = layout.sections if layout is not None else (_everything(kind),)

    @property
    def has_conditions(self) -> bool:
        """Whether the form has to be asked again when a value changes."""
        return self.layout is not None and bool(self.layout.conditions)

    def sections(self, values: Mapping[str, Any]) -> tuple[PlacedSection, ...]:
        """The sections for a record with these values."""
        seen = _Seen(
            variables={**variables_of(self.kind, values), "user": user_variables(self._access.ctx.actor)},
            context=evaluation_context(self._access.ctx),
        )
        placed = (self._section(section, seen) for section in self._sections if seen.holds(section.visible, True))
        return tuple(section for section in placed if section.fields)

    def all_fields(self) -> tuple[Field, ...]:
        """Every field of the layout that may be written, whatever the conditions say."""
        names = dict.fromkeys(item.field for section in self._sections for item in section.fields)
        names |= dict.fromkeys(self.layout.quick_create if self.layout is not None else ())
        found = (self.kind.fields.get(name) for name in names)
        return tuple(f for f in found if f is not None and f.writable and self._rights.editable(f.name))

    def alone(self, name: str) -> Placed | None:
        """A field that is on no section now, as lists edit it."""
        return self._placed(LayoutField(field=name), _Seen(variables={}, context=evaluation_context(self._access.ctx)))

    def quick(self) -> tuple[PlacedSection, ...]:
        """The short form that creates a record."""
        names = self.layout.quick_create if self.layout is not None else ()
        wanted = names or tuple(f.name for f in self.kind.own_fields.values() if f.required and f.writable)
        seen = _Seen(variables={}, context=evaluation_context(self._access.ctx))
        items = (self._placed(LayoutField(field=name), seen) for name in wanted)
        shown = tuple(item for item in items if item is not None)
        return (PlacedSection(name="quick", label="", columns=2, tab="", fields=shown),)

    def _section(self, section: Section, seen: _Seen) -> PlacedSection:
        items = (self._placed(item, seen) for item in section.fields)
        return PlacedSection(
            name=section.name,
            label=section.label,
            columns=section.columns,
            tab=section.tab,
            fields=tuple(item for item in items if item is not None),
        )

    def _placed(self, item: LayoutField, seen: _Seen) -> Placed | None:
        field = self.kind.fields.get(item.field)
        if field is None or not self._rights.readable(item.field) or not seen.holds(item.visible, True):
            return None
        closed = not field.writable or not self._rights.editable(item.field)
        return Placed(
            field=field,
            full=item.full or field.type.nested,
            required=field.required or seen.holds(item.required, False),
            read_only=closed or seen.holds(item.read_only, False),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    variables: Mapping[str, Any]
    context: EvaluationContext

    def holds(self, condition: Expression | None, otherwise: bool) -> bool:
        """Whether the condition holds; one that cannot be told yet never hides what somebody may need."""
        if condition is None:
            return otherwise
        try:
            return condition.holds(self.variables, self.context)
        except (EvaluationError, KeyError):
            return otherwise


def _everything(kind: ObjectType) -> Section:
    """What stands in for a layout: all own fields in order."""
    fields: Sequence[LayoutField] = [LayoutField(field=name) for name in kind.own_fields]
    return Section(name="main", label="", columns=2, tab="", visible=None, fields=tuple(fields))
