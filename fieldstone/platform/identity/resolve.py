"""From a credential to the person it stands for.

What comes in: the open unit and a credential. What goes out: the `Actor` with roles, teams and everybody below in the
org tree. Raises `NotSignedIn`. `Units` calls it, inside the unit that the actor will work in, and keeps the answer for
some seconds under the tenant's access version.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa

from fieldstone.platform.clock import Clock
from fieldstone.platform.database.prepared import Prepared
from fieldstone.platform.identity.org import OrgService
from fieldstone.platform.identity.secrets import hash_secret
from fieldstone.platform.identity.sessions import still_open
from fieldstone.platform.identity.tables import API_TOKEN, SESSION, TEAM_MEMBER, USER, USER_ROLE
from fieldstone.platform.identity.values import Scope
from fieldstone.platform.kernel.context import SYSTEM, Actor, Unit
from fieldstone.platform.kernel.errors import NotSignedIn
from fieldstone.platform.units import (
    Credential,
    SessionCredential,
    SystemCredential,
    TokenCredential,
    UserCredential,
)

_SESSION = Prepared(
    sa.select(SESSION.c.user_id, SESSION.c.pending, SESSION.c.last_seen_at, SESSION.c.expires_at).where(
        SESSION.c.secret_hash == sa.bindparam("secret_hash")
    )
)
_TOKEN = Prepared(
    sa.select(API_TOKEN.c.user_id, API_TOKEN.c.scope, API_TOKEN.c.require_if_match, API_TOKEN.c.expires_at).where(
        API_TOKEN.c.secret_hash == sa.bindparam("secret_hash")
    )
)
_PERSON = Prepared(
    sa.select(USER.c.name, USER.c.email, USER.c.active, USER.c.locale, USER.c.time_zone, USER.c.preferences).where(
        USER.c.id == sa.bindparam("user_id")
    )
)
_ROLES = Prepared(sa.select(USER_ROLE.c.role).where(USER_ROLE.c.user_id == sa.bindparam("user_id")))
_TEAMS = Prepared(sa.select(TEAM_MEMBER.c.team).where(TEAM_MEMBER.c.user_id == sa.bindparam("user_id")))

REQUIRE_IF_MATCH = "require_if_match"
"""The preference under which an actor carries that their token demands If-Match."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Proof:
    """Whom a credential stands for, and with what scope."""

    user_id: str
    scope: Scope = "write"
    extra: Mapping[str, Any] = field(default_factory=dict)


class IdentityService:
    """Resolves credentials."""

    def __init__(self, org: OrgService, clock: Clock) -> None:
        self._org = org
        self._clock = clock

    def resolve(self, unit: Unit, credential: Credential) -> Actor:
        """Who this is. Raises `NotSignedIn` for what is unknown, expired, revoked or switched off."""
        if isinstance(credential, SystemCredential):
            return SYSTEM
        return self._actor(unit, self._proof(unit, credential, self._clock.now()))

    def _proof(self, unit: Unit, credential: Credential, now: datetime) -> _Proof:
        if isinstance(credential, SessionCredential):
            return self._of_session(unit, credential.secret, now)
        if isinstance(credential, TokenCredential):
            return self._of_token(unit, credential.secret, now)
        if isinstance(credential, UserCredential):
            return _Proof(user_id=credential.user_id)
        raise NotSignedIn

    def _of_session(self, unit: Unit, secret: str, now: datetime) -> _Proof:
        row = unit.one(_SESSION, {"secret_hash": hash_secret(secret)})
        if row is None:
            raise NotSignedIn("Your session has ended. Please sign in again.", code="session_ended")
        user_id, pending, last_seen_at, expires_at = row
        if not still_open(pending=pending, last_seen_at=last_seen_at, expires_at=expires_at, now=now):
            raise NotSignedIn("Your session has ended. Please sign in again.", code="session_ended")
        return _Proof(user_id=user_id)

    def _of_token(self, unit: Unit, token: str, now: datetime) -> _Proof:
        row = unit.one(_TOKEN, {"secret_hash": hash_secret(token)})
        if row is None or (row[3] is not None and row[3] <= now):
            raise NotSignedIn("This token is not valid.", code="token_invalid")
        extra = {REQUIRE_IF_MATCH: True} if row[2] else {}
        return _Proof(user_id=row[0], scope=row[1], extra=extra)

    def _actor(self, unit: Unit, proof: _Proof) -> Actor:
        parameters = {"user_id": proof.user_id}
        person = unit.one(_PERSON, parameters)
        if person is None or not person[2]:
            raise NotSignedIn("This account is switched off.", code="account_off")
        return Actor(
            id=proof.user_id,
            name=person[0],
            email=person[1],
            roles=frozenset(row[0] for row in unit.rows(_ROLES, parameters)),
            teams=frozenset(row[0] for row in unit.rows(_TEAMS, parameters)),
            reports=self._org.reports_of(unit, proof.user_id),
            scope=proof.scope,
            locale=person[3],
            time_zone=person[4],
            preferences=MappingProxyType({**person[5], **proof.extra}),
        )
