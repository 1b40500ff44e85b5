"""No other site makes a browser act here.

Whatever changes something on the strength of a cookie must carry the token of the signed form cookie, in a field
`csrf_token` or the header `X-CSRFToken`. A bearer token is proof enough: browsers do not add it by themselves. What a
stranger posts to the API without any credential (signing in) must come from this very site if it comes from a browser.
Called before each view.
"""

from __future__ import annotations

from typing import Literal
from urllib.parse import urlsplit

from flask import Request, current_app
from flask_wtf.csrf import CSRFError, ValidationError, validate_csrf

from fieldstone.platform.http.call import READING, Call
from fieldstone.platform.kernel.errors import Forbidden
from fieldstone.platform.units import TokenCredential

RouteKind = Literal["api", "page"]
HEADER = "X-CSRFToken"
_OWN_SITE = ("same-origin", "none")


def check_csrf(call: Call, kind: RouteKind) -> None:
    """Raise `Forbidden` unless the request comes from a page of ours or carries a bearer token."""
    if call.request.method in READING:
        return
    given = call.presented
    if given is not None and isinstance(given.credential, TokenCredential):
        return
    _check_origin(call.request)
    if kind == "page" or (given is not None and call.policy.needs_identity):
        _check_token(call.request)


def _check_origin(request: Request) -> None:
    site = request.headers.get("Sec-Fetch-Site")
    origin = request.headers.get("Origin")
    foreign_site = site is not None and site not in _OWN_SITE
    foreign_origin = origin is not None and urlsplit(origin).netloc.lower() != request.host.lower()
    if foreign_site or foreign_origin:
        raise Forbidden("This request came from another site.", code="csrf")


def _check_token(request: Request) -> None:
    header = request.headers.get(HEADER)
    try:
        if header is not None:
            validate_csrf(header)
        else:
            current_app.extensions["csrf"].protect()
    except (ValidationError, CSRFError) as error:
        raise Forbidden("This page is out of date. Reload it and try again.", code="csrf") from error
