"""Idempotency-Key: the same request, sent twice, happens once.

What comes in: the open write unit, the key, what the request is, and the work with its rendering. What goes out: the
answer, the stored one when the key has been used. The row of the key commits with the effect, so a crash leaves either
both or neither; a second request with the key waits for the first one's commit, and is refused when that takes too
long. Keys belong to one user and one route; they are forgotten after a day. Called by `Call.idempotent`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from flask import Response
from sqlalchemy.dialects.postgresql import insert

from fieldstone.platform.database.home import HOME
from fieldstone.platform.database.prepared import Prepared
from fieldstone.platform.database.types import Chars, Id, Json, UtcDateTime
from fieldstone.platform.kernel.context import Context, Unit
from fieldstone.platform.kernel.errors import Conflict, FieldError, Invalid, Unavailable, Unreadable

HEADER = "Idempotency-Key"
REPLAYED = "Idempotent-Replayed"
_KEY = re.compile(r"[\x21-\x7e]{1,200}", re.ASCII)
_KEPT_HEADERS = ("Content-Type", "ETag", "Location")

KEYS = sa.Table(
    "idempotency_key",
    HOME,
    sa.Column("user_id", Id(), primary_key=True),
    sa.Column("route", Chars(), primary_key=True),
    sa.Column("key", Chars(), primary_key=True),
    sa.Column("request_hash", sa.String(64), nullable=False),
    sa.Column("status", sa.Integer),
    sa.Column("headers", Json()),
    sa.Column("body", sa.LargeBinary),
    sa.Column("created_at", UtcDateTime(), nullable=False),
    sa.Index("idempotency_key_created", "created_at"),
    info={"export": "skip"},
)

_SAME = (
    (KEYS.c.user_id == sa.bindparam("the_user"))
    & (KEYS.c.route == sa.bindparam("the_route"))
    & (KEYS.c.key == sa.bindparam("the_key"))
)
_CLAIM = Prepared(
    insert(KEYS).on_conflict_do_nothing(index_elements=["user_id", "route", "key"]),
    columns=["user_id", "route", "key", "request_hash", "created_at"],
)
_FIND = Prepared(
    sa.select(KEYS.c.request_hash, KEYS.c.status, KEYS.c.headers, KEYS.c.body, KEYS.c.created_at).where(_SAME)
)
_ANSWER = Prepared(
    sa.update(KEYS)
    .where(_SAME)
    .values(status=sa.bindparam("status"), headers=sa.bindparam("headers"), body=sa.bindparam("body"))
)
_FORGET_ONE = Prepared(sa.delete(KEYS).where(_SAME, KEYS.c.created_at <= sa.bindparam("until")))
_FORGET = Prepared(sa.delete(KEYS).where(KEYS.c.created_at <= sa.bindparam("until")))


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyedRequest:
    """A request with a key: `route` is method and rule, `digest` tells one request from another."""

    key: str
    route: str
    digest: str


def key_in(header: str | None) -> str | None:
    """The key in the header, or None. Raises `Unreadable`."""
    if header is None:
        return None
    if not _KEY.fullmatch(header):
        raise Unreadable("Idempotency-Key must be 1 to 200 printable ASCII characters.")
    return header


def digest_of(path: str, body: bytes, if_match: str | None) -> str:
    """What must be equal for two requests to be the same."""
    parts = (path.encode("utf-8", "surrogatepass"), (if_match or "").encode("latin-1", "replace"), body)
    return hashlib.sha256(b"\x00".join(parts)).hexdigest()


class Idempotency:
    """Keeps answers under keys, in the tenant home."""

    def __init__(self, *, hours: int) -> None:
        self._kept = timedelta(hours=hours)

    def once(self, context: Context, unit: Unit, request: KeyedRequest, work: Callable[[], Response]) -> Response:
        """The answer of `work`, or the one it gave before. Raises `Conflict` while it is under way, `Invalid`."""
        place = {"the_user": context.actor.id, "the_route": request.route, "the_key": request.key}
        if not self._claimed(context, unit, request, place):
            return self._stored(unit, request, place)
        response = work()
        headers = {name: response.headers[name] for name in _KEPT_HEADERS if name in response.headers}
        unit.run(
            _ANSWER,
            {**place, "status": response.status_code, "headers": headers, "body": response.get_data()},
        )
        return response

    def forget_old(self, unit: Unit, now: datetime) -> None:
        """Remove the keys of earlier days."""
        unit.run(_FORGET, {"until": now - self._kept})

    def _claimed(self, context: Context, unit: Unit, request: KeyedRequest, place: dict[str, Any]) -> bool:
        row = {
            "user_id": context.actor.id,
            "route": request.route,
            "key": request.key,
            "request_hash": request.digest,
            "created_at": context.now,
        }
        try:
            unit.run(_FORGET_ONE, {**place, "until": context.now - self._kept})
            return unit.run(_CLAIM, row) == 1
        except Unavailable as busy:
            # The row is locked by the first request, which has not ended within the time a lock is waited for.
            raise Conflict(
                "A request with this Idempotency-Key is under way. Please try again in {retry_after} seconds.",
                code="in_progress",
                retry_after=1,
            ) from busy

    def _stored(self, unit: Unit, request: KeyedRequest, place: dict[str, Any]) -> Response:
        row = unit.one(_FIND, place)
        if row is None or row[1] is None:
            raise Conflict(
                "A request with this Idempotency-Key is under way. Please try again in {retry_after} seconds.",
                code="in_progress",
                retry_after=1,
            )
        if row[0] != request.digest:
            raise Invalid(
                errors=[
                    FieldError(
                        path="",
                        code="idempotency_key_reused",
                        message="This Idempotency-Key was used for another request.",
                    )
                ],
                code="idempotency_key_reused",
            )
        response = Response(bytes(row[3]), row[1], row[2])
        response.headers[REPLAYED] = "true"
        return response
