"""Telling people: notices become `notification` records, one for each person, in that person's language.

What comes in: `Notify` effects, applied with the unit of the change they tell of. What goes out: records through the
record service. Who calls it: the record service for the action `notify`, and approvals.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

import sqlalchemy as sa

from fieldstone.objects.records.values import Record
from fieldstone.platform.database.prepared import Prepared
from fieldstone.platform.database.types import Id
from fieldstone.platform.identity.org import OrgService
from fieldstone.platform.identity.tables import USER
from fieldstone.platform.kernel.context import Context, Unit
from fieldstone.platform.kernel.text import localized
from fieldstone.rules.effects import Notify

NOTIFICATION = "notification"
MAX_SUBJECT = 400
_READERS = Prepared(
    sa.select(USER.c.id, USER.c.locale)
    .where(USER.c.active, USER.c.id.in_(sa.bindparam("ids", type_=Id(), expanding=True)))
    .order_by(USER.c.id)
)


class Creating(Protocol):
    """The part of the record service that is needed here."""

    def create(self, ctx: Context, unit: Unit, object_name: str, data: Mapping[str, Any]) -> Record:
        """Create a record."""
        ...


class NoticeService:
    """Delivers notices."""

    def __init__(self, records: Creating, org: OrgService) -> None:
        self._records = records
        self._org = org

    def notify(self, ctx: Context, unit: Unit, notice: Notify) -> None:
        """Make one notification for each active person that the notice is for."""
        for person, locale in self._readers(unit, notice):
            language = locale or ctx.tenant.locale
            body = {
                "recipient": person,
                "subject": localized(notice.subject, language)[:MAX_SUBJECT],
                "body": localized(notice.body, language) or None,
                "record": _record(notice),
                "reason": notice.rule,
            }
            self._records.create(ctx.as_system(), unit, NOTIFICATION, body)

    def _readers(self, unit: Unit, notice: Notify) -> Iterable[tuple[str, str | None]]:
        by_role = self._org.users_with_any_role(unit, notice.roles) if notice.roles else ()
        people = sorted({*notice.users, *by_role})
        return [(row[0], row[1]) for row in unit.rows(_READERS, {"ids": people})] if people else ()


def _record(notice: Notify) -> Mapping[str, str] | None:
    if notice.object is None or notice.record is None:
        return None
    return {"object": notice.object, "id": notice.record}
