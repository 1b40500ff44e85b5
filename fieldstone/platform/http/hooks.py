"""Around every request: arriving, leaving, refusing.

Arriving gives an id and checks what can be checked without knowing who asks; leaving adds headers, counts, logs one
line and notes that a session is in use; refusing turns any exception into a problem, as JSON or as a page. Registered
by `web.make_app`.
"""

from __future__ import annotations

import re
import secrets
import time
from urllib.parse import unquote_to_bytes

import structlog
from flask import Response, current_app, g, request
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as AnyResponse

from fieldstone.platform.http.call import LOCALE_COOKIE, Call
from fieldstone.platform.http.edge import edge
from fieldstone.platform.http.policies import Policy
from fieldstone.platform.http.problems import Problem, problem_of
from fieldstone.platform.http.routes import POLICY, is_page
from fieldstone.platform.http.security import add_headers
from fieldstone.platform.i18n import choose_locale
from fieldstone.platform.kernel.errors import FieldstoneError, Unreadable
from fieldstone.platform.units import SessionCredential

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}", re.ASCII)
_LONGEST_PATH = 300
_log = structlog.get_logger("fieldstone.http")


def arrive() -> None:
    """Before anything else: an id, the clock, what an address may hold, the limits."""
    g.request_id = _request_id()
    g.started = time.perf_counter()
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=g.request_id)
    if _level() != "open":
        edge().limits.arrived(request.remote_addr or "")
    _check_address()


def leave(response: Response) -> Response:
    """After everything else, also after a refusal."""
    level = _level()
    add_headers(response, secure=request.is_secure, shared=level == "open")
    response.headers["X-Request-Id"] = g.request_id
    seconds = time.perf_counter() - g.started
    route = request.url_rule.rule if request.url_rule is not None else "none"
    edge().metrics.answered(request.method, route, response.status_code, seconds)
    if level != "open":
        _note_refusal(response)
        _note_use()
        _write_line(response, route, seconds)
    return response


def refuse(error: Exception) -> AnyResponse:
    """The answer to an exception."""
    if isinstance(error, HTTPException) and (error.code is None or error.code < 400):
        return error.get_response()
    problem = problem_of(error, locale=_locale(), trace_id=g.request_id, method=request.method)
    if problem.status >= 500:
        _log.error("request.failed", route=str(request.url_rule), exc_info=error)
    return _page(problem) or problem.response()


def _request_id() -> str:
    """The id a proxy gave, when it looks like one, else a fresh one."""
    given = request.headers.get("X-Request-Id", "")
    return given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(16)


def _check_address() -> None:
    """Raise `Unreadable` for bytes in the address that are no text."""
    for part in (request.environ.get("PATH_INFO", "").encode("latin-1"), unquote_to_bytes(request.query_string)):
        try:
            text = part.decode("utf-8")
        except UnicodeDecodeError as error:
            raise Unreadable("The address is not valid UTF-8.") from error
        if "\x00" in text:
            raise Unreadable("The address has a character that is not allowed.")


def _level() -> str:
    view = current_app.view_functions.get(request.endpoint or "")
    policy = getattr(view, POLICY, None)
    return policy.level if isinstance(policy, Policy) else "public"


def _call() -> Call | None:
    call = g.get("call")
    return call if isinstance(call, Call) else None


def _locale() -> str:
    call = _call()
    if call is not None:
        return call.locale
    cookie, header = request.cookies.get(LOCALE_COOKIE), request.headers.get("Accept-Language")
    return choose_locale(cookie, accept_language=header)


def _page(problem: Problem) -> Response | None:
    """The problem as a page, when a person is to read it and ui can draw it."""
    pages = edge().error_pages
    if pages is None or not _wants_page():
        return None
    return pages.page(problem, _locale())


def _wants_page() -> bool:
    if request.endpoint is not None:
        return is_page(current_app, request.endpoint)
    return not request.path.startswith("/api/") and request.accept_mimetypes.accept_html


def _note_refusal(response: Response) -> None:
    """A wrong credential costs the address it came from."""
    call = _call()
    carried = "Authorization" in request.headers or (call is not None and call.was_presented)
    if response.status_code == 401 and carried:
        edge().limits.refused(request.remote_addr or "")


def _note_use() -> None:
    """A session is in use. When that cannot be noted now (database busy), the next request will."""
    call = _call()
    if call is None or not call.was_checked or call.context is None or call.context.actor.is_system:
        return
    credential = call.caller.credential
    if not isinstance(credential, SessionCredential):
        return
    try:
        edge().touch.used(call.caller, credential.secret)
    except FieldstoneError as error:
        _log.info("session.not_noted", code=error.instance_code)


def _write_line(response: Response, route: str, seconds: float) -> None:
    call = _call()
    _log.info(
        "request",
        method=request.method[:10],
        route=route,
        path=request.path[:_LONGEST_PATH],
        status=response.status_code,
        ms=round(seconds * 1000, 1),
        tenant=call.caller.tenant if call is not None and call.was_checked else None,
        user=call.actor.id if call is not None and call.was_checked else None,
        address=request.remote_addr,
    )
