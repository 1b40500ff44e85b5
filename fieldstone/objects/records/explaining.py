"""What happened to a record and why, as far as its reader may know.

What comes in: the rows of history. What goes out: history trimmed by field access, and the decision trace: who may do
what with the record now, and which rules ran over it, hit or not, when. Who calls it: the record service.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from fieldstone.objects.access.explain import Reason
from fieldstone.objects.access.policy import ObjectRights
from fieldstone.objects.access.roles import OPERATIONS
from fieldstone.objects.access.service import Access
from fieldstone.objects.query.service import QueryService
from fieldstone.objects.records import history
from fieldstone.objects.records.history import HistoryEntry, HistoryPage
from fieldstone.platform.kernel.context import Context, Unit
from fieldstone.platform.kernel.errors import Unreadable
from fieldstone.platform.kernel.ids import is_id

RECENT = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """One save and the rules that ran over it: mappings with `kind`, `rule`, `hit`, and of hits `inputs`, `effects`."""

    revision: int
    kind: str
    at: datetime
    actor: str
    channel: str
    causes: Sequence[Mapping[str, Any]]
    rules: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """Why a record is as it is: the reader's own rights, by operation, and the decisions of rules, newest first."""

    access: Mapping[str, Sequence[Reason]]
    decisions: Sequence[Decision]


class Explainer:
    """Shows history and traces."""

    def __init__(self, access: Access, query: QueryService) -> None:
        self._access = access
        self._query = query

    def history(
        self, ctx: Context, unit: Unit, name: str, record: str, *, before: str | None, limit: int
    ) -> HistoryPage:
        """The history of a record that the actor may see. Raises `NotFound`."""
        rights = self._visible(ctx, unit, name, record)
        if before is not None and not is_id(before):
            raise Unreadable("This cursor is not one that a list has given.", code="bad_cursor")
        page = history.of_record(unit, name, record, before, limit)
        return replace(page, entries=[_trimmed(rights, entry) for entry in page.entries])

    def trace(self, ctx: Context, unit: Unit, name: str, record: str) -> Trace:
        """The decision trace of a record. Raises `NotFound`."""
        rights = self._visible(ctx, unit, name, record)
        access = self._access.of(ctx)
        page = history.of_record(unit, name, record, None, RECENT)
        return Trace(
            access={operation: access.explain(name, operation) for operation in OPERATIONS},
            decisions=[_decision(rights, entry) for entry in page.entries],
        )

    def _visible(self, ctx: Context, unit: Unit, name: str, record: str) -> ObjectRights:
        self._query.found(ctx, unit, name, record, ("id",), deleted=None)
        return self._access.of(ctx).rights(name)


def _trimmed(rights: ObjectRights, entry: HistoryEntry) -> HistoryEntry:
    shown = {name: pair for name, pair in entry.changes.items() if rights.readable(name)}
    return replace(entry, changes=shown, rules=_rules(rights, entry.rules))


def _decision(rights: ObjectRights, entry: HistoryEntry) -> Decision:
    return Decision(
        revision=entry.revision,
        kind=entry.kind,
        at=entry.at,
        actor=entry.actor,
        channel=entry.channel,
        causes=entry.causes,
        rules=_rules(rights, entry.rules),
    )


def _rules(rights: ObjectRights, rules: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Rules without what is hidden from the reader: values read, and fields set."""
    return [_rule(rights, rule) for rule in rules]


def _rule(rights: ObjectRights, rule: Mapping[str, Any]) -> dict[str, Any]:
    inputs = {path: value for path, value in rule.get("inputs", {}).items() if _may_see(rights, path)}
    effects = [each for each in rule.get("effects", ()) if "field" not in each or rights.readable(each["field"])]
    return {**rule, **({"inputs": inputs, "effects": effects} if rule.get("hit") else {})}


def _may_see(rights: ObjectRights, path: str) -> bool:
    """A value read by a rule is shown when it is the record's own and visible, or the user's; not through lookups."""
    steps = path.split(".")
    if steps[0] == "previous":
        steps = steps[1:]
    if not steps or steps[0] == "user":
        return True
    return rights.readable(steps[0]) and len(steps) == 1
