"""What htmx says in a request and what it is told in a response: the only place that knows its headers.

`htmx-flask` reads and writes the headers of htmx 1 and 2; htmx 4 sends `HX-Source` and `HX-Request-Type` besides, and
names the target as `tag#id`. In: Flask's request. Out: questions the pages ask, and answers with htmx headers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Flask, Response
from flask.sansio.blueprints import BlueprintSetupState
from htmx_flask import Htmx, make_response, request


def install(state: BlueprintSetupState) -> None:
    """Make the requests of the app that a blueprint is registered on know htmx."""
    app = state.app
    assert isinstance(app, Flask)
    Htmx(app)


def wants_fragment() -> bool:
    """Whether a part of a page is asked for, not a whole one."""
    return bool(request.htmx) and request.headers.get("HX-Request-Type") != "full"


def target_id() -> str:
    """The id of the element that the answer goes into; "" when there is none."""
    return (request.htmx.target or "").rpartition("#")[2]


def told(response: Response, events: Mapping[str, Any]) -> Response:
    """The response, with events for the page (`fs:toast`, `fs:close`)."""
    made: Response = make_response(response, trigger=dict(events))
    return made


def go_to(url: str) -> Response:
    """Let htmx leave for another page; without htmx an ordinary redirect."""
    if request.htmx:
        answer: Response = make_response("", 204, redirect=url)
        return answer
    return Response(status=303, headers={"Location": url})


def reload(events: Mapping[str, Any]) -> Response:
    """Let htmx load the page it is on again, and say something there."""
    answer: Response = make_response("", 204, refresh=True, trigger=dict(events))
    return answer


def reload_or_go(url: str, events: Mapping[str, Any]) -> Response:
    """The page anew for htmx, for everybody else the way to it."""
    return reload(events) if request.htmx else go_to(url)


def toast(text: str, *, kind: str = "ok", undo_url: str = "") -> dict[str, Any]:
    """The event that shows a toast."""
    return {"fs:toast": {"text": text, "kind": kind, **({"undo_url": undo_url} if undo_url else {})}}
