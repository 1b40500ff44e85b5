"""What approvals need of the rooms beside them.

What goes out: protocols, fulfilled by the record service and by notifications; so this package stands beside them
without knowing how they work. Who reads it: the services of this package.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from fieldstone.objects.records.values import Record
from fieldstone.platform.kernel.context import Context, Unit
from fieldstone.rules.effects import Notify
from fieldstone.rules.expressions.context import EvaluationContext
from fieldstone.rules.expressions.syntax import Path


class Records(Protocol):
    """The one door to records."""

    def get(
        self, ctx: Context, unit: Unit, object_name: str, record_id: str, fields: Sequence[str] | None = None
    ) -> Record:
        """A record as the actor may see it; `fields` None: all but its title. Raises `NotFound`."""
        ...

    def create(self, ctx: Context, unit: Unit, object_name: str, data: Mapping[str, Any]) -> Record:
        """Create a record."""
        ...

    def update(
        self,
        ctx: Context,
        unit: Unit,
        object_name: str,
        record_id: str,
        data: Mapping[str, Any],
        *,
        revision: int | None = None,
    ) -> Record:
        """Change a record that is still at `revision`. Raises `StaleRevision`."""
        ...


class Variables(Protocol):
    """Records as expressions read them."""

    def of(self, ctx: Context, unit: Unit, record: Record, paths: Collection[Path]) -> Mapping[str, Any]:
        """The values of a record, with the fields at `paths` through its lookups."""
        ...

    def context(self, ctx: Context) -> EvaluationContext:
        """The surroundings of an evaluation in this request."""
        ...


class Notices(Protocol):
    """Tells people."""

    def notify(self, ctx: Context, unit: Unit, notice: Notify) -> None:
        """Deliver a notice with the unit."""
        ...


class Reminders(Protocol):
    """The timers of the platform."""

    def set(self, ctx: Context, unit: Any, kind: str, key: str, due_at: datetime, payload: Mapping[str, Any]) -> None:
        """Fire `kind` for `key` at a moment; replaces what was set for them."""
        ...

    def cancel(self, unit: Any, kind: str, key: str) -> None:
        """Forget what was set."""
        ...


class SystemRights(Protocol):
    """Which system rights an actor has."""

    def of(self, context: Context) -> frozenset[str]: ...
