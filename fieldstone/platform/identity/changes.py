"""What every change of identity leaves behind: an audit entry and a new access version.

The access version makes each process forget what it knows about people, so that a change holds at the next request.
Called by the services of this package within the unit of the change.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fieldstone.platform.audit import Audit
from fieldstone.platform.kernel.context import Context, Unit
from fieldstone.platform.units import bump_access


class Changes:
    """Records changes of who may do what."""

    def __init__(self, audit: Audit) -> None:
        self._audit = audit

    def record(
        self,
        context: Context,
        unit: Unit,
        action: str,
        subject: str,
        before: Mapping[str, Any] | None = None,
        after: Mapping[str, Any] | None = None,
    ) -> None:
        """Something that decides about access has changed."""
        self.note(context, unit, action, subject, before, after)
        bump_access(unit)

    def note(
        self,
        context: Context,
        unit: Unit,
        action: str,
        subject: str,
        before: Mapping[str, Any] | None = None,
        after: Mapping[str, Any] | None = None,
    ) -> None:
        """Something worth remembering that changes nobody's access (a sign-in, a name)."""
        self._audit.record(context, unit, action, subject, before, after)
