"""The audit: who changed metadata or identity, when, from what to what; append-only and sealed by a chain of hashes.

What comes in: `Audit.record` within the unit of the change itself, so that a change without its entry cannot commit.
What goes out: entries newest first (`entries`), and the first place where the chain is broken (`first_broken`).
Entries are never changed; a job seals them a little later (`seal`), because a chain kept inline would make every
change wait for every other. Values of secrets are never written. Called by identity, metadata, tenancy and jobs.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from fieldstone.platform.database.home import HOME
from fieldstone.platform.database.prepared import Prepared
from fieldstone.platform.database.types import Chars, Id, UtcDateTime
from fieldstone.platform.kernel.context import Context, Unit
from fieldstone.platform.kernel.ids import new_id

audit_entry = sa.Table(
    "audit_entry",
    HOME,
    sa.Column("id", Id(), primary_key=True),
    sa.Column("at", UtcDateTime(), nullable=False),
    sa.Column("actor", Id(), nullable=False, index=True),
    sa.Column("actor_name", sa.Text, nullable=False),
    sa.Column("channel", sa.Text, nullable=False),
    sa.Column("request_id", sa.Text, nullable=False),
    sa.Column("causes", sa.Text),
    sa.Column("version", sa.BigInteger, nullable=False),
    sa.Column("action", Chars(), nullable=False),
    sa.Column("subject", Chars(), nullable=False, index=True),
    # JSON as it was written: the hash is of this text, so no database may put it into another form.
    sa.Column("before", sa.Text),
    sa.Column("after", sa.Text),
)
audit_seal = sa.Table(
    "audit_seal",
    HOME,
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("entry", Id(), nullable=False, unique=True),
    sa.Column("hash", sa.Text, nullable=False),
)

SECRET_WORDS = ("password", "secret", "token", "private_key", "recovery", "authorization", "credential")
HIDDEN = "•••"
SEAL_BATCH = 500
PAGE = 200

_COLUMNS = list(audit_entry.c)
_INSERT = Prepared(sa.insert(audit_entry), columns=[column.name for column in _COLUMNS])
_LAST_SEAL = Prepared(sa.select(audit_seal.c.number, audit_seal.c.hash).order_by(audit_seal.c.number.desc()).limit(1))
_UNSEALED = Prepared(
    sa.select(*_COLUMNS)
    .outerjoin(audit_seal, audit_seal.c.entry == audit_entry.c.id)
    .where(audit_seal.c.number.is_(None))
    .order_by(audit_entry.c.id)
    .limit(sa.bindparam("most", type_=sa.Integer))
)
_SEALED = Prepared(
    sa.select(audit_seal.c.number, audit_seal.c.hash, *_COLUMNS)
    .outerjoin(audit_entry, audit_seal.c.entry == audit_entry.c.id)
    .where(audit_seal.c.number > sa.bindparam("beyond", type_=sa.BigInteger))
    .order_by(audit_seal.c.number)
    .limit(sa.bindparam("most", type_=sa.Integer))
)
_SEAL = Prepared(sa.insert(audit_seal), columns=["number", "entry", "hash"])


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One change. `subject` is "kind/name" or "user/<id>"; `before` and `after` are what the change was about."""

    id: str
    at: datetime
    actor: str
    actor_name: str
    channel: str
    request_id: str
    causes: Sequence[Mapping[str, Any]]
    version: int
    action: str
    subject: str
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFilter:
    """Which entries are wanted; None means any. `older_than` is the id of the last entry already read."""

    action: str | None = None
    subject: str | None = None
    actor: str | None = None
    older_than: str | None = None
    most: int = 50


class Audit:
    """Writes, reads, seals and verifies the audit of one tenant, within the unit it is given."""

    def record(
        self,
        ctx: Context,
        unit: Unit,
        action: str,
        subject: str,
        before: Mapping[str, Any] | None = None,
        after: Mapping[str, Any] | None = None,
    ) -> None:
        """Add one entry. Values under keys that name secrets are replaced."""
        causes = [{"kind": c.kind, "name": c.name, "record": c.record} for c in ctx.causes]
        unit.run(
            _INSERT,
            {
                "id": new_id(),
                "at": ctx.now.astimezone(UTC),
                "actor": ctx.actor.id,
                "actor_name": ctx.actor.name,
                "channel": ctx.channel,
                "request_id": ctx.request_id,
                "causes": _text(causes) if causes else None,
                "version": ctx.snapshot.version,
                "action": action,
                "subject": subject,
                "before": None if before is None else _text(without_secrets(before)),
                "after": None if after is None else _text(without_secrets(after)),
            },
        )

    def entries(self, unit: Unit, wanted: AuditFilter) -> list[AuditEntry]:
        """At most `wanted.most` (200) entries, newest first."""
        query = sa.select(*_COLUMNS).order_by(audit_entry.c.id.desc()).limit(min(max(wanted.most, 1), PAGE))
        if wanted.action is not None:
            query = query.where(audit_entry.c.action == wanted.action)
        if wanted.subject is not None:
            query = query.where(audit_entry.c.subject == wanted.subject)
        if wanted.actor is not None:
            query = query.where(audit_entry.c.actor == wanted.actor)
        if wanted.older_than is not None:
            query = query.where(audit_entry.c.id < wanted.older_than)
        return [_entry(row) for row in unit.rows(query)]

    def seal(self, unit: Unit, most: int = SEAL_BATCH) -> int:
        """Chain at most `most` entries that are not sealed yet; how many. Of two at once one fails, none is lost."""
        last = unit.one(_LAST_SEAL)
        number, previous = (last[0], last[1]) if last else (0, "")
        seals = []
        for row in unit.rows(_UNSEALED, {"most": most}):
            number, previous = number + 1, _chained(previous, row)
            seals.append({"number": number, "entry": row[0], "hash": previous})
        if seals:
            unit.run_many(_SEAL, seals)
        return len(seals)

    def first_broken(self, unit: Unit) -> int | None:
        """The number of the first seal that does not fit its entry and its predecessor; None when all do."""
        expected, previous = 1, ""
        while True:
            rows = unit.rows(_SEALED, {"beyond": expected - 1, "most": SEAL_BATCH})
            for number, stored, *entry in rows:
                if number != expected or entry[0] is None or stored != _chained(previous, tuple(entry)):
                    return expected
                expected, previous = expected + 1, stored
            if len(rows) < SEAL_BATCH:
                return None


def without_secrets(value: Any) -> Any:
    """The value with everything under a key that names a secret replaced by dots."""
    if isinstance(value, Mapping):
        return {
            str(key): HIDDEN if _is_secret(str(key)) and item is not None else without_secrets(item)
            for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [without_secrets(item) for item in value]
    return value


def _is_secret(key: str) -> bool:
    return any(word in key.lower() for word in SECRET_WORDS)


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)


def _chained(previous: str, row: Sequence[Any]) -> str:
    """The hash over the one before and all columns of an entry."""
    cells = [cell.astimezone(UTC).isoformat() if isinstance(cell, datetime) else cell for cell in row]
    return hashlib.sha256((previous + "\n" + _text(cells)).encode()).hexdigest()


def _entry(row: Sequence[Any]) -> AuditEntry:
    values = dict(zip((column.name for column in _COLUMNS), row, strict=True))
    for name in ("before", "after", "causes"):
        values[name] = json.loads(values[name]) if values[name] else None
    values["causes"] = values["causes"] or ()
    return AuditEntry(**values)
