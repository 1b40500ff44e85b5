"""The API of the audit: `GET /audit`, newest first.

Made by `make_audit_api`, registered by the platform's part.
"""

from __future__ import annotations

from typing import Any

from flask import Response

from fieldstone.platform.audit import PAGE, Audit, AuditEntry, AuditFilter
from fieldstone.platform.http.call import Call
from fieldstone.platform.http.policies import RIGHT
from fieldstone.platform.http.respond import page
from fieldstone.platform.http.routes import Api
from fieldstone.platform.kernel.errors import FieldError, Unreadable
from fieldstone.platform.kernel.ids import is_id


def make_audit_api(audit: Audit) -> Api:
    """Routes of the audit."""
    api = Api("audit", prefix="/api/v1")

    @api.get("/audit", policy=RIGHT("view_audit"))
    def list_entries(call: Call) -> Response:
        query = call.query({"action", "subject", "actor", "limit", "cursor"})
        wanted = AuditFilter(
            action=query.get("action"),
            subject=query.get("subject"),
            actor=_id("actor", query.get("actor")),
            older_than=_id("cursor", query.get("cursor")),
            most=call.integer("limit", default=50, least=1, most=PAGE),
        )
        found = call.read(lambda ctx, unit: audit.entries(unit, wanted))
        following = found[-1].id if len(found) == wanted.most else None
        return page([_rendered(entry) for entry in found], next_cursor=following)

    return api


def _rendered(entry: AuditEntry) -> dict[str, Any]:
    return {
        "id": entry.id,
        "at": entry.at,
        "actor": {"id": entry.actor, "label": entry.actor_name},
        "channel": entry.channel,
        "request_id": entry.request_id,
        "causes": list(entry.causes),
        "version": entry.version,
        "action": entry.action,
        "subject": entry.subject,
        "before": entry.before,
        "after": entry.after,
    }


def _id(name: str, text: str | None) -> str | None:
    if text is not None and not is_id(text):
        raise Unreadable(errors=[FieldError(path=f"?{name}", code="id", message="This must be an id.")])
    return text
