"""Errors as RFC 9457 problems, in the reader's language.

What comes in: any exception that reached the edge. What goes out: a `Problem`: status, `application/problem+json`
members and headers. Errors of the tree say what they mean; their facts that are lists or mappings become extension
members (`conflicts`, `allowed`, `references`). Everything else says only that something went wrong and its trace id:
no class, no text, no path of ours. Who calls it: the edge's error handler, and bulk answers for their items.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Protocol

from flask import Response
from werkzeug.exceptions import HTTPException

from fieldstone.platform.database.errors import DRIVER_ERRORS, ConnectionLost, RunAgain, translated
from fieldstone.platform.http.respond import encode
from fieldstone.platform.http.statuses import status_of
from fieldstone.platform.i18n import mark, translate
from fieldstone.platform.kernel.errors import FieldError, FieldstoneError, Unavailable

TYPE_BASE = "https://fieldstone.dev/problems/"
MEDIA_TYPE = "application/problem+json"
_RESERVED = frozenset({"type", "title", "status", "code", "detail", "trace_id", "errors", "instance"})

_HTTP_CODES: Mapping[int, tuple[str, str]] = {
    400: ("unreadable", mark("The request could not be read.")),
    404: ("not_found", mark("There is nothing here, or you may not see it.")),
    405: ("method_not_allowed", mark("This address does not know the method {method}.")),
    408: ("timeout", mark("The request took too long to arrive.")),
    411: ("length_required", mark("The request must say its length.")),
    413: ("too_large", mark("This is larger than allowed.")),
    414: ("uri_too_long", mark("The address is too long.")),
    415: ("unsupported_media", mark("This kind of content is not accepted here.")),
    416: ("range_not_satisfiable", mark("The file does not have this range.")),
    431: ("headers_too_large", mark("The headers are larger than allowed.")),
}
_TITLES: Mapping[int, str] = {
    400: mark("Not readable"),
    401: mark("Not signed in"),
    403: mark("Not allowed"),
    404: mark("Not found"),
    405: mark("Method not allowed"),
    409: mark("Conflict"),
    412: mark("Changed by someone else"),
    413: mark("Too large"),
    415: mark("Kind of content not accepted"),
    422: mark("Not acceptable"),
    423: mark("Locked"),
    428: mark("Revision needed"),
    429: mark("Too many requests"),
    500: mark("Something went wrong"),
    503: mark("Not available now"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One refusal, ready to be sent: `body` holds the members, all JSON-safe, `headers` what the status asks for."""

    status: int
    body: Mapping[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict)

    def response(self) -> Response:
        """The problem as JSON."""
        return Response(encode(self.body), self.status, self.headers, content_type=MEDIA_TYPE)


class ErrorPages(Protocol):
    """Draws a problem as a page for people; provided by ui."""

    def page(self, problem: Problem, locale: str) -> Response | None: ...


def problem_of(error: BaseException, *, locale: str, trace_id: str, method: str = "") -> Problem:
    """The problem that an exception is to its caller."""
    if isinstance(error, FieldstoneError):
        return _of_tree(error, locale, trace_id)
    if isinstance(error, HTTPException) and error.code and error.code < 500:
        return _of_http(error, locale, trace_id, method)
    if isinstance(error, DRIVER_ERRORS):
        # A driver's own error escapes only where no unit was open: the directory, a probe.
        return problem_of(_in_our_words(error), locale=locale, trace_id=trace_id, method=method)
    return _unknown(locale, trace_id)


def _in_our_words(error: BaseException) -> Exception:
    words = translated(error)
    if isinstance(words, ConnectionLost | RunAgain):
        return Unavailable(retry_after=2)
    return RuntimeError() if isinstance(words, DRIVER_ERRORS) else words


def error_item(error: FieldError, locale: str) -> dict[str, str]:
    """One entry of `errors`."""
    return {"path": error.path, "code": error.code, "message": translate(error.message, error.facts, locale)}


def _of_tree(error: FieldstoneError, locale: str, trace_id: str) -> Problem:
    status = status_of(error)
    if status == HTTPStatus.INTERNAL_SERVER_ERROR:
        return _unknown(locale, trace_id)
    body = _members(status, error.instance_code, _in_one_line(error, locale), locale, trace_id)
    if error.errors:
        body["errors"] = [error_item(item, locale) for item in error.errors]
    for name, value in error.facts.items():
        if name not in _RESERVED and isinstance(value, list | tuple | dict | Mapping | frozenset | set):
            body[name] = value
    return Problem(status=status, body=body, headers=_headers(status, error.facts))


def _in_one_line(error: FieldstoneError, locale: str) -> str:
    message = error.message
    if isinstance(message, str):
        message = " ".join(message.split())
    return translate(message, error.facts, locale)


def _headers(status: int, facts: Mapping[str, Any]) -> dict[str, str]:
    headers: dict[str, str] = {}
    if "retry_after" in facts:
        headers["Retry-After"] = str(facts["retry_after"])
    elif status in (429, 503):
        headers["Retry-After"] = "1"
    if status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = 'Bearer realm="fieldstone"'
    return headers


def _of_http(error: HTTPException, locale: str, trace_id: str, method: str) -> Problem:
    """A refusal by Flask or Werkzeug: our words for its status; its own text may quote the request."""
    status = error.code or 400
    code, message = _HTTP_CODES.get(status, ("refused", "Something was refused."))
    headers = {name: value for name, value in error.get_headers() if name in ("Allow", "Retry-After", "Content-Range")}
    return Problem(
        status=status,
        body=_members(status, code, translate(message, {"method": method}, locale), locale, trace_id),
        headers=headers,
    )


def _unknown(locale: str, trace_id: str) -> Problem:
    message = translate("Something went wrong on our side. Please quote {trace_id}.", {"trace_id": trace_id}, locale)
    return Problem(status=500, body=_members(500, "internal", message, locale, trace_id))


def _members(status: int, code: str, detail: str, locale: str, trace_id: str) -> dict[str, Any]:
    return {
        "type": TYPE_BASE + code.replace("_", "-"),
        "title": translate(_TITLES.get(status, HTTPStatus(status).phrase), None, locale),
        "status": status,
        "code": code,
        "detail": detail,
        "trace_id": trace_id,
    }
