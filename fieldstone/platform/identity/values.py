"""The values of identity: what services take and give, frozen and without secrets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

Scope = Literal["read", "write"]
Purpose = Literal["setup", "reset"]


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A user as others may see them. `roles` are names, `teams` ids, the first one is the person's own team."""

    id: str
    revision: int
    email: str
    name: str
    active: bool
    locale: str | None
    time_zone: str | None
    manager: str | None
    preferences: Mapping[str, Any]
    roles: tuple[str, ...]
    teams: tuple[str, ...]
    has_password: bool
    second_factor: bool
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class NewUser:
    """A user to be. Without a password they set one with a one-time token."""

    email: str
    name: str
    roles: tuple[str, ...] = ()
    teams: tuple[str, ...] = ()
    locale: str | None = None
    time_zone: str | None = None
    manager: str | None = None
    preferences: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Team:
    """A team in the tree: `manager` leads it, `members` are the ids of its own members."""

    id: str
    revision: int
    name: str
    parent: str | None
    manager: str | None
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionInfo:
    """An open session as its owner sees it."""

    id: str
    user_id: str
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime
    user_agent: str
    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenInfo:
    """An API token without its secret."""

    id: str
    user_id: str
    name: str
    scope: Scope
    require_if_match: bool
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """The outcome of a sign-in: the secret for the cookie, until when, and whether a second factor is still due."""

    secret: str = field(repr=False)
    session_id: str
    user_id: str
    expires_at: datetime
    second_factor_due: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolment:
    """A second factor about to be switched on: the secret, its URI for an app, and that as an SVG picture."""

    secret: str = field(repr=False)
    uri: str = field(repr=False)
    qr_svg: str = field(repr=False)
