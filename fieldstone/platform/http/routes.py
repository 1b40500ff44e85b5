"""Routes with a declared policy.

What comes in: a blueprint's name and prefix; views of the form `view(call, **path) -> Response`. What goes out: Flask
routes that build the `Call`, check CSRF and limits, and make sure that a unit has verified the caller before the
answer leaves. `Api` answers JSON, `Pages` HTML. Every route names its policy; `undeclared` finds those that do not,
and `make_app` refuses to start with one. Called by the rooms' `make_api` and `make_pages`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import wraps
from typing import Any, Literal

from flask import Blueprint, Flask, Response, g, request

from fieldstone.platform.http.call import Call
from fieldstone.platform.http.csrf import RouteKind, check_csrf
from fieldstone.platform.http.edge import edge
from fieldstone.platform.http.policies import Policy
from fieldstone.platform.kernel.context import Channel

View = Callable[..., Response]
BodyLimit = Literal["text", "file"]
POLICY = "fieldstone_policy"
KIND = "fieldstone_kind"


class Routes:
    """A blueprint whose routes declare policies."""

    kind: RouteKind
    channel: Channel

    def __init__(self, name: str, *, prefix: str = "") -> None:
        self.blueprint = Blueprint(name, __name__, url_prefix=prefix or None)

    def route(
        self, rule: str, *, policy: Policy, methods: Sequence[str] = ("GET",), body: BodyLimit = "text"
    ) -> Callable[[View], View]:
        """Register a view. `body`: "file" allows what the settings allow for files, "text" what they allow else."""

        def register(view: View) -> View:
            self.blueprint.add_url_rule(rule, view.__name__, self._handler(view, policy, body), methods=list(methods))
            return view

        return register

    def get(self, rule: str, *, policy: Policy) -> Callable[[View], View]:
        """Register a view that reads."""
        return self.route(rule, policy=policy)

    def post(self, rule: str, *, policy: Policy, body: BodyLimit = "text") -> Callable[[View], View]:
        """Register a view for POST."""
        return self.route(rule, policy=policy, methods=("POST",), body=body)

    def patch(self, rule: str, *, policy: Policy) -> Callable[[View], View]:
        """Register a view for PATCH."""
        return self.route(rule, policy=policy, methods=("PATCH",))

    def put(self, rule: str, *, policy: Policy) -> Callable[[View], View]:
        """Register a view for PUT."""
        return self.route(rule, policy=policy, methods=("PUT",))

    def delete(self, rule: str, *, policy: Policy) -> Callable[[View], View]:
        """Register a view for DELETE."""
        return self.route(rule, policy=policy, methods=("DELETE",))

    def _handler(self, view: View, policy: Policy, body: BodyLimit) -> Callable[..., Response]:
        kind, channel = self.kind, self.channel

        @wraps(view)
        def handle(**path: Any) -> Response:
            here = edge()
            request.max_content_length = here.settings.file_limit if body == "file" else here.settings.body_limit
            call = Call(here, request, policy, channel, g.request_id)
            g.call = call
            _admit(call, policy, kind)
            response = view(call, **path)
            if policy.needs_identity and not call.was_checked:
                call.read(lambda context, unit: None)
            return response

        setattr(handle, POLICY, policy)
        setattr(handle, KIND, kind)
        return handle


class Api(Routes):
    """JSON routes."""

    kind: RouteKind = "api"
    channel: Channel = "api"


class Pages(Routes):
    """HTML routes."""

    kind: RouteKind = "page"
    channel: Channel = "form"


def _admit(call: Call, policy: Policy, kind: RouteKind) -> None:
    """Everything that can be refused before a unit is opened."""
    if policy.level != "open":
        check_csrf(call, kind)
        _ = call.caller


def undeclared(app: Flask) -> list[str]:
    """Routes without a policy, as `METHODS rule (endpoint)`."""
    return sorted(
        f"{'/'.join(sorted(rule.methods or ()))} {rule.rule} ({rule.endpoint})"
        for rule in app.url_map.iter_rules()
        if not isinstance(getattr(app.view_functions[rule.endpoint], POLICY, None), Policy)
    )


def is_page(app: Flask, endpoint: str | None) -> bool:
    """Whether an endpoint answers in HTML."""
    return endpoint is not None and getattr(app.view_functions.get(endpoint), KIND, None) == "page"


def policies(app: Flask) -> Iterable[tuple[str, str, Policy]]:
    """(methods, rule, policy) of every route."""
    for rule in app.url_map.iter_rules():
        methods = ",".join(sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}))
        yield methods, rule.rule, getattr(app.view_functions[rule.endpoint], POLICY)
