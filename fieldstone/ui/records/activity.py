"""What happened to a record, in words: comments and changes, newest first.

In: a record that the reader may see, its history and its comments. Out: the events that `components/activity.html`
draws; changes of fields that the reader may not see are left out. Called by the activity panel and the history page.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_datetime, format_timedelta

from fieldstone.objects.access.service import ActorAccess
from fieldstone.objects.fieldtypes.declaration import Label
from fieldstone.objects.fieldtypes.problems import Rejected
from fieldstone.objects.query.service import QueryService
from fieldstone.objects.query.values import Constraint, ListQuery, Record
from fieldstone.objects.records.history import MASK, HistoryEntry
from fieldstone.objects.records.service import RecordService
from fieldstone.objects.types import Field
from fieldstone.platform.kernel.context import SYSTEM, Context, Unit
from fieldstone.platform.kernel.text import localized
from fieldstone.ui.render import words
from fieldstone.ui.values.shown import prose

COMMENT = "comment"
_ICONS = {"create": "plus", "update": "pencil", "delete": "trash", "restore": "restore"}
_COLORS = {"create": "green", "update": "blue", "delete": "red", "restore": "amber"}


class Activity:
    """Reads and words what happened to one record."""

    def __init__(
        self, records: RecordService, query: QueryService, access: ActorAccess, ctx: Context, unit: Unit
    ) -> None:
        self._records = records
        self._query = query
        self._access = access
        self._ctx = ctx
        self._unit = unit
        self._ = words(ctx.locale)
        self._names: Mapping[str, Label] = {}

    def newest(self, object_name: str, record: str, limit: int) -> list[dict[str, Any]]:
        """Comments and changes together."""
        comments = self._comments(object_name, record, limit)
        changes, _ = self.changes(object_name, record, None, limit)
        events = [self.comment(each) for each in comments] + changes
        return sorted(events, key=lambda event: str(event["when_iso"]), reverse=True)[:limit]

    def changes(
        self, object_name: str, record: str, before: str | None, limit: int
    ) -> tuple[list[dict[str, Any]], str | None]:
        """Changes, and the cursor of older ones."""
        page = self._records.history(self._ctx, self._unit, object_name, record, before=before, limit=limit)
        kind = self._access.rights(object_name).kind
        rights = self._access.rights(object_name)
        seen = {name: field for name, field in kind.fields.items() if rights.readable(name)}
        self._names = self._labels(page.entries, seen)
        events = [self._event(entry, seen) for entry in page.entries]
        return [event for event in events if event is not None], page.next_cursor

    def comment(self, comment: Record) -> dict[str, Any]:
        """A comment as an event."""
        author = comment.labels.get("created_by")
        return {
            "id": comment.id,
            "who": author.label if isinstance(author, Label) else self._("Somebody"),
            "text": self._("commented"),
            "html": prose(str(comment.values.get("body") or "")),
            **self._moment(comment.values["created_at"]),
        }

    def may_comment(self) -> bool:
        """Whether the reader may write comments."""
        return self._access.may(COMMENT, "create")

    def _comments(self, object_name: str, record: str, limit: int) -> Sequence[Record]:
        if not self._access.may(COMMENT, "read"):
            return ()
        query = ListQuery(
            object=COMMENT,
            more=(Constraint(field="record", object=object_name, id=record),),
            fields=("body", "created_at", "created_by"),
            sort=("-created_at",),
            limit=limit,
        )
        return self._query.list(self._ctx, self._unit, query).records

    def _labels(self, entries: Sequence[HistoryEntry], seen: Mapping[str, Field]) -> Mapping[str, Label]:
        """Names of the people who did it and of the records that changes speak of, one statement for each object."""
        wanted: dict[str, set[str]] = {"user": {entry.actor for entry in entries if entry.actor != SYSTEM.id}}
        for entry in entries:
            for name, pair in entry.changes.items():
                if name in seen:
                    for target in seen[name].type.targets:
                        wanted.setdefault(target, set()).update(_ids(pair))
        found: dict[str, Label] = {}
        for target, ids in wanted.items():
            if ids:
                found.update(self._query.labels(self._ctx, self._unit, target, sorted(ids)))
        return found

    def _event(self, entry: HistoryEntry, seen: Mapping[str, Field]) -> dict[str, Any] | None:
        changes = [
            self._change(seen[name], old, new)
            for name, (old, new) in entry.changes.items()
            if name in seen and not seen[name].system
        ]
        if entry.kind == "update" and not changes:
            return None
        return {
            "id": entry.id,
            "who": self._who(entry),
            "icon": _ICONS[entry.kind],
            "color": _COLORS[entry.kind],
            "text": self._said(entry.kind),
            "changes": changes if entry.kind == "update" else [],
            "why": self._why(entry),
            **self._moment(entry.at),
        }

    def _change(self, field: Field, old: Any, new: Any) -> dict[str, str]:
        return {"field": field.text(self._ctx.locale), "old": self._value(field, old), "new": self._value(field, new)}

    def _said(self, kind: str) -> str:
        _ = self._
        said = {
            "create": _("created this"),
            "update": _("changed"),
            "delete": _("moved this to the bin"),
            "restore": _("restored this"),
        }
        return said[kind]

    def _who(self, entry: HistoryEntry) -> str:
        if entry.actor == SYSTEM.id:
            return self._("System")
        label = self._names.get(entry.actor)
        return (label.label or "") if label is not None else self._("Somebody")

    def _why(self, entry: HistoryEntry) -> str:
        """What led to it: the automation or import, outermost first."""
        causes = [self._cause(cause) for cause in entry.causes]
        if entry.channel == "import":
            causes.insert(0, self._("Import"))
        return " › ".join(causes)

    def _cause(self, cause: Mapping[str, Any]) -> str:
        kind, name = str(cause.get("kind", "")), str(cause.get("name", ""))
        found = self._ctx.snapshot.find("approval_process" if kind == "approval_process" else "automation", name)
        label = localized(getattr(found, "label", ""), self._ctx.locale) if found is not None else ""
        return label or name

    def _value(self, field: Field, value: Any) -> str:
        if value is None or value == MASK:
            return "" if value is None else MASK
        if field.type.targets:
            labels = (self._names.get(each) for each in _ids((value,)))
            return ", ".join((label.label or "•••") if label is not None else "•••" for label in labels)
        try:
            return field.type.display(field.type.read(value), self._ctx.locale, self._ctx.time_zone)
        except (Rejected, TypeError, KeyError):
            return str(value)

    def _moment(self, at: datetime) -> dict[str, str]:
        return {"when": ago(at, self._ctx), "when_iso": at.isoformat()}


def ago(at: datetime, ctx: Context) -> str:
    """How long ago, for what is younger than a week; else the moment."""
    language = ctx.locale.replace("-", "_")
    passed = at - ctx.now
    if abs(passed.total_seconds()) < 7 * 86400:
        return format_timedelta(passed, add_direction=True, locale=language, threshold=1.4)
    return format_datetime(at.astimezone(ZoneInfo(ctx.time_zone)), "medium", locale=language)


def _ids(values: Sequence[Any]) -> set[str]:
    """The ids in values of lookups as history keeps them."""
    found: set[str] = set()
    for value in values:
        for each in value if isinstance(value, list) else [value]:
            identity = each.get("id") if isinstance(each, Mapping) else each
            if isinstance(identity, str):
                found.add(identity)
    return found
