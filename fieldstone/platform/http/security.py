"""Headers that every answer carries.

What comes in: the request's scheme and the answer. What goes out: the answer with its content security policy,
caching and sniffing rules. Private answers are never stored and vary by cookie. Called by the edge.
"""

from __future__ import annotations

from flask import Response

PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; "
    "connect-src 'self'; media-src 'self' blob:; manifest-src 'self'; worker-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
DATA_POLICY = "default-src 'none'; frame-ancestors 'none'"
YEAR_S = 31_536_000


def add_headers(response: Response, *, secure: bool, shared: bool) -> Response:
    """Security headers; `shared` answers (static files, probes) keep the caching they chose, if any."""
    headers = response.headers
    is_page = response.mimetype == "text/html"
    headers.setdefault("Content-Security-Policy", PAGE_POLICY if is_page else DATA_POLICY)
    headers.setdefault("X-Content-Type-Options", "nosniff")
    headers.setdefault("X-Frame-Options", "DENY")
    headers.setdefault("Referrer-Policy", "same-origin")
    headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
    headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
    headers.setdefault(
        "Permissions-Policy", "camera=(self), geolocation=(self), microphone=(), payment=(), usb=(), browsing-topics=()"
    )
    if secure:
        headers.setdefault("Strict-Transport-Security", f"max-age={YEAR_S}; includeSubDomains")
    if shared:
        headers.setdefault("Cache-Control", "no-store")
    else:
        headers["Cache-Control"] = "no-store"
        response.vary.update(("Cookie", "Authorization", "Accept-Language"))
    return response
