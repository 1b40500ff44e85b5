"""Credentials as requests carry them: a bearer token, or the session cookie.

What comes in: headers and cookies. What goes out: a credential and the tenant it names in clear, unverified; whether
it is worth anything is found out inside the unit of work. A bearer header that cannot be a token is refused at once:
it never falls back to the cookie. Called by `Call` and the sign-in pages.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from flask import Request, Response

from fieldstone.platform.kernel.errors import NotSignedIn
from fieldstone.platform.units import Credential, SessionCredential, TokenCredential

COOKIE = "fs_session"
SECURE_COOKIE = "__Host-fs_session"
_TOKEN = re.compile(r"fs_([a-z][a-z0-9-]{0,39})_[A-Za-z0-9_-]{20,100}", re.ASCII)
_SESSION = re.compile(r"([a-z][a-z0-9-]{0,39})\.[A-Za-z0-9_-]{20,100}", re.ASCII)
_ONE_TIME = re.compile(r"fsp_([a-z][a-z0-9-]{0,39})_[A-Za-z0-9_-]{20,100}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Presented:
    """A credential and the tenant it names."""

    tenant: str
    credential: Credential


def presented(request: Request) -> Presented | None:
    """What the request carries, or None. Raises `NotSignedIn` for an Authorization header that is no token of ours."""
    header = request.headers.get("Authorization")
    if header is not None:
        return bearer(header)
    cookie = session_secret(request)
    return of_cookie(cookie) if cookie else None


def bearer(header: str) -> Presented:
    """The token of an Authorization header."""
    scheme, _, token = header.partition(" ")
    match = _TOKEN.fullmatch(token.strip()) if scheme.lower() == "bearer" else None
    if match is None:
        raise NotSignedIn("This token is not valid.", code="token_invalid")
    return Presented(tenant=match.group(1), credential=TokenCredential(secret=match.group(0)))


def of_cookie(value: str) -> Presented | None:
    """The session of a cookie; None for what cannot be one."""
    match = _SESSION.fullmatch(value)
    return Presented(tenant=match.group(1), credential=SessionCredential(secret=value)) if match else None


def session_secret(request: Request) -> str | None:
    """The value of the session cookie; over https only the one that no neighbour domain can set."""
    return request.cookies.get(cookie_name(secure=request.is_secure))


def tenant_of_one_time_token(token: str) -> str | None:
    """The tenant that a setup or reset token names, or None."""
    match = _ONE_TIME.fullmatch(token)
    return match.group(1) if match else None


def cookie_name(*, secure: bool) -> str:
    """The cookie's name for a scheme."""
    return SECURE_COOKIE if secure else COOKIE


def keep_session(response: Response, secret: str, expires_at: datetime, *, secure: bool) -> Response:
    """Let the browser keep a session secret: not for scripts, not for other sites."""
    response.set_cookie(
        cookie_name(secure=secure), secret, expires=expires_at, httponly=True, samesite="Lax", secure=secure, path="/"
    )
    return response


def drop_session(response: Response, *, secure: bool) -> Response:
    """Let the browser forget it."""
    response.delete_cookie(cookie_name(secure=secure), httponly=True, samesite="Lax", secure=secure, path="/")
    return response
