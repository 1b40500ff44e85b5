"""Refusals as pages: whoever is not signed in is sent to the sign-in, everybody else gets a page in their language.

In: a `Problem`. Out: HTML; for htmx the bare problem, which the page's script shows as a toast. Provided as
`ErrorPages`.
"""

from __future__ import annotations

from urllib.parse import quote

from flask import Response, request
from flask_wtf.csrf import generate_csrf

from fieldstone.platform.http.problems import Problem
from fieldstone.ui import htmx
from fieldstone.ui.render import Renderer
from fieldstone.ui.shell import plain


class HtmlErrorPages:
    """Draws problems."""

    def __init__(self, renderer: Renderer) -> None:
        self._renderer = renderer

    def page(self, problem: Problem, locale: str) -> Response | None:
        """The problem as a page; None leaves it to JSON."""
        if problem.status == 401 and request.method == "GET":
            return htmx.go_to(f"/sign-in?next={quote(request.full_path.rstrip('?'), safe='/')}")
        if htmx.wants_fragment():
            return None
        body = problem.body
        values = {
            "shell": plain("Fieldstone", None, locale, generate_csrf()),
            "status": problem.status,
            "title": body.get("title", ""),
            "detail": body.get("detail", ""),
            "trace_id": body.get("trace_id", ""),
        }
        response = self._renderer.page("pages/error.html", locale, values, problem.status)
        response.headers.extend(dict(problem.headers))
        return response
