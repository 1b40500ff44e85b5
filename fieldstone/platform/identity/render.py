"""Identity as JSON: what the API says about users, teams, sessions and tokens. No secret passes here."""

from __future__ import annotations

from typing import Any

from fieldstone.platform.identity.values import SessionInfo, SignedIn, Team, TokenInfo, User
from fieldstone.platform.kernel.context import Context


def me(context: Context, user: User, rights: frozenset[str]) -> dict[str, Any]:
    """Whoever asks, with what they may do."""
    tenant = context.tenant
    return {
        "id": user.id,
        "revision": user.revision,
        "email": user.email,
        "name": user.name,
        "roles": user.roles,
        "teams": user.teams,
        "rights": sorted(rights),
        "scope": context.actor.scope,
        "locale": user.locale,
        "time_zone": user.time_zone,
        "preferences": user.preferences,
        "second_factor": user.second_factor,
        "tenant": {
            "name": tenant.name,
            "label": tenant.label,
            "locale": tenant.locale,
            "time_zone": tenant.time_zone,
            "currency": tenant.currency,
        },
    }


def user(value: User) -> dict[str, Any]:
    """A user as those who manage users see them."""
    return {
        "id": value.id,
        "revision": value.revision,
        "email": value.email,
        "name": value.name,
        "active": value.active,
        "locale": value.locale,
        "time_zone": value.time_zone,
        "manager": value.manager,
        "preferences": value.preferences,
        "roles": value.roles,
        "teams": value.teams,
        "has_password": value.has_password,
        "second_factor": value.second_factor,
        "created_at": value.created_at,
        "updated_at": value.updated_at,
    }


def team(value: Team) -> dict[str, Any]:
    """A team."""
    return {
        "id": value.id,
        "revision": value.revision,
        "name": value.name,
        "parent": value.parent,
        "manager": value.manager,
        "members": value.members,
    }


def session(value: SessionInfo, current: str | None) -> dict[str, Any]:
    """An open session; `current` is the id of the one that asks."""
    return {
        "id": value.id,
        "user": value.user_id,
        "current": value.id == current,
        "created_at": value.created_at,
        "last_seen_at": value.last_seen_at,
        "expires_at": value.expires_at,
        "user_agent": value.user_agent,
        "address": value.address,
    }


def signed_in(value: SignedIn) -> dict[str, Any]:
    """The outcome of a sign-in; the secret travels in the cookie only."""
    return {
        "id": value.session_id,
        "user": value.user_id,
        "expires_at": value.expires_at,
        "second_factor_due": value.second_factor_due,
    }


def token(value: TokenInfo) -> dict[str, Any]:
    """An API token without its text."""
    return {
        "id": value.id,
        "user": value.user_id,
        "name": value.name,
        "scope": value.scope,
        "require_if_match": value.require_if_match,
        "created_at": value.created_at,
        "expires_at": value.expires_at,
    }
