"""What the rules that run outside of a save need of the record room.

What goes out: protocols, fulfilled by the record service. Who reads it: the services of this package.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Protocol

from fieldstone.objects.records.values import Record
from fieldstone.platform.kernel.context import Context, Unit
from fieldstone.rules.effects import Effect
from fieldstone.rules.expressions.compile import Expression
from fieldstone.rules.expressions.context import EvaluationContext
from fieldstone.rules.expressions.syntax import Path


class Records(Protocol):
    """Reading records, and applying what rules decide."""

    def get(self, ctx: Context, unit: Unit, object_name: str, record_id: str) -> Record:
        """A record as the actor may see it. Raises `NotFound`."""
        ...

    def apply(self, ctx: Context, unit: Unit, object_name: str, record_id: str, effects: Sequence[Effect]) -> None:
        """Apply effects to a stored record, as those of a rule after the write."""
        ...


class Variables(Protocol):
    """Records as expressions read them."""

    def of(self, ctx: Context, unit: Unit, record: Record, paths: Collection[Path]) -> Mapping[str, Any]:
        """The values of a record, with the fields at `paths` through its lookups."""
        ...

    def context(self, ctx: Context) -> EvaluationContext:
        """The surroundings of an evaluation in this request."""
        ...


class Selection(Protocol):
    """Finding records."""

    def ids(
        self, ctx: Context, unit: Unit, object_name: str, condition: Expression | None, after: str | None, limit: int
    ) -> Sequence[str]:
        """Ids of live records that fulfil a condition, in order of id, from after `after`."""
        ...
