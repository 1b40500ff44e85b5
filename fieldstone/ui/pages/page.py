"""What every page behind the sign-in does: read in one unit, build the frame in the same unit, render after it.

In: a call, where the page is, a function that reads what the page shows. Out: the HTML response. Called by the pages.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flask import Response
from flask_wtf.csrf import generate_csrf

from fieldstone.platform.http.call import Call
from fieldstone.platform.kernel.context import Context, Unit
from fieldstone.ui.render import Renderer, words
from fieldstone.ui.shell import Place, Shell
from fieldstone.ui.values.shown import Reader

Look = Callable[[Context, Unit], Mapping[str, Any]]
APP_COOKIE = "fs_app"


class PageMaker:
    """Draws whole pages and fragments of them."""

    def __init__(self, renderer: Renderer, shell: Shell) -> None:
        self._renderer = renderer
        self._shell = shell

    def page(
        self, call: Call, template: str, look: Look, *, object_name: str | None = None, status: int = 200
    ) -> Response:
        """A whole page: what `look` reads, and the frame around it, of one unit."""
        place = Place(path=call.request.path, object=object_name, app=call.request.cookies.get(APP_COOKIE))
        token = generate_csrf()

        def read(ctx: Context, unit: Unit) -> dict[str, Any]:
            values = look(ctx, unit)
            return {**values, "shell": self._shell.full(ctx, unit, place, token)}

        return self._renderer.page(template, *self._read(call, read), status)

    def fragment(self, call: Call, template: str, look: Look, *, status: int = 200) -> Response:
        """A part of a page: what `look` reads, and the form token."""
        token = generate_csrf()

        def read(ctx: Context, unit: Unit) -> dict[str, Any]:
            return {**look(ctx, unit), "csrf": token}

        return self._renderer.page(template, *self._read(call, read), status)

    def drawn(self, call: Call, template: str, values: Mapping[str, Any], *, status: int = 200) -> Response:
        """A part of a page of values that are there already."""
        return self._renderer.page(template, call.locale, {**values, "csrf": generate_csrf()}, status)

    def _read(self, call: Call, read: Callable[[Context, Unit], dict[str, Any]]) -> tuple[str, dict[str, Any]]:
        values = call.read(read)
        return call.locale, values


def reader_of(ctx: Context) -> Reader:
    """Language and time zone of whoever reads."""
    return Reader(locale=ctx.locale, time_zone=ctx.time_zone)


def say(ctx_locale: str, text: str, **facts: object) -> str:
    """A sentence of ours in the reader's language."""
    return words(ctx_locale)(text, **facts)
