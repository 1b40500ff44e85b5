"""One call: what a view is given.

What comes in: Flask's request and the edge. What goes out: the caller for units of work, decoded input, the answer of
a unit. Every unit opened here checks the route's policy first, on the identity verified by that very unit. Who calls
it: views, which decode by it, call one service inside `read` or `write`, and render.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from functools import cached_property
from typing import Any, TypeVar

from flask import Request, Response
from werkzeug.datastructures import MultiDict

from fieldstone.platform.database.unit import SqlUnit
from fieldstone.platform.http.credentials import Presented, presented
from fieldstone.platform.http.edge import Edge
from fieldstone.platform.http.etags import revision_in
from fieldstone.platform.http.idempotency import HEADER, KeyedRequest, digest_of, key_in
from fieldstone.platform.http.json_input import decode_json
from fieldstone.platform.http.policies import Policy
from fieldstone.platform.i18n import choose_locale
from fieldstone.platform.kernel.context import Actor, Channel, Context
from fieldstone.platform.kernel.errors import (
    FieldError,
    Invalid,
    NotSignedIn,
    PreconditionRequired,
    TooLarge,
    Unreadable,
    UnsupportedMedia,
)
from fieldstone.platform.units import Caller, SystemCredential

T = TypeVar("T")
Work = Callable[[Context, SqlUnit], T]

ANONYMOUS = Actor(id="00000000-0000-7000-8000-000000000001", name="")
LOCALE_COOKIE = "fs_locale"
READING = ("GET", "HEAD", "OPTIONS")


class Call:
    """One request to one view."""

    def __init__(self, edge: Edge, request: Request, policy: Policy, channel: Channel, request_id: str) -> None:
        self.request = request
        self.request_id = request_id
        self._edge = edge
        self.policy = policy
        self._channel: Channel = channel
        self._context: Context | None = None
        self._query_known = False
        self._asks_revision = False

    @cached_property
    def presented(self) -> Presented | None:
        """The credential that came along, unverified."""
        return presented(self.request)

    @cached_property
    def tenant(self) -> str:
        """The name of the tenant this call is for."""
        given = self.presented
        named = given.tenant if given is not None else None
        if self.policy.needs_identity:
            return self._edge.hosts.tenant(self.request.host, proven=named)
        asked = self.request.args.get("tenant")
        return self._edge.hosts.tenant_for_strangers(self.request.host, asked=asked, hinted=named)

    @cached_property
    def caller(self) -> Caller:
        """Who asks, for `Units`; nobody on public routes, whatever came along.

        Raises `NotSignedIn` when the policy needs somebody and nobody is there.
        """
        given = self.presented if self.policy.needs_identity else None
        if given is None and self.policy.needs_identity:
            raise NotSignedIn
        return Caller(
            tenant=self.tenant,
            credential=given.credential if given is not None else SystemCredential(),
            locale=self._locale_wish,
            request_id=self.request_id,
            channel=self._channel,
        )

    def system_caller(self, tenant: str | None = None) -> Caller:
        """The system's account, for services that let people in; `tenant` as a one-time token names it.

        Raises `NotSignedIn` when the host belongs to another tenant.
        """
        if tenant is not None:
            self._edge.hosts.tenant(self.request.host, proven=tenant)
        return replace(self.caller, tenant=tenant or self.tenant, credential=SystemCredential())

    @property
    def device(self) -> tuple[str, str]:
        """Address and user agent of whoever calls, as a sign-in notes them."""
        return self.request.remote_addr or "", self.request.headers.get("User-Agent", "")

    @property
    def locale(self) -> str:
        """The reader's language: of the last unit's context, before that what the browser says."""
        if self._context is not None:
            return self._context.locale
        return self._locale_wish or "en"

    @property
    def actor(self) -> Actor:
        """Whoever the last unit found to be calling; nobody before."""
        return self._context.actor if self._context is not None else ANONYMOUS

    @property
    def context(self) -> Context | None:
        """The context of the last unit, for rendering after it."""
        return self._context

    @property
    def was_checked(self) -> bool:
        """Whether a unit has verified the caller and the policy."""
        return self._context is not None

    @property
    def was_presented(self) -> bool:
        """Whether a credential came along that could be read."""
        return self.__dict__.get("presented") is not None

    @property
    def args(self) -> MultiDict[str, str]:
        """The query parameters as they came; `query` refuses unknown ones."""
        return self.request.args

    def query(self, known: Collection[str] = (), *, repeated: Collection[str] = ()) -> MultiDict[str, str]:
        """The query parameters. Raises `Unreadable` for one that is not `known`, or that comes twice and may not."""
        self._query_known = True
        allowed = {*known, "tenant"} if self.policy.level == "public" else set(known)
        errors = [
            FieldError(path=f"?{name[:100]}", code="unknown", message="There is no such query parameter.")
            for name in self.request.args
            if name not in allowed
        ]
        errors += [
            FieldError(path=f"?{name}", code="duplicate", message="This query parameter is there twice.")
            for name in self.request.args
            if name in allowed and name not in repeated and len(self.request.args.getlist(name)) > 1
        ]
        if errors:
            raise Unreadable("The address has query parameters that are not understood.", errors=errors)
        return self.request.args

    def integer(self, name: str, *, default: int, least: int = 0, most: int) -> int:
        """A whole number from the query; `most` caps what is too large. Raises `Unreadable`."""
        text = self.request.args.get(name)
        if text is None:
            return default
        if not (text.isascii() and text.isdigit() and len(text) <= 18) or int(text) < least:
            raise Unreadable(
                errors=[FieldError(path=f"?{name}", code="integer", message="This must be a whole number.")]
            )
        return min(int(text), most)

    def json(self) -> Mapping[str, Any]:
        """The body as an exactly decoded mapping. Raises `UnsupportedMedia`, `Unreadable`, `Invalid`."""
        value = self.json_value()
        if not isinstance(value, dict):
            raise Invalid(errors=[FieldError(path="", code="type", message="The body must be a JSON object.")])
        return value

    def json_value(self) -> Any:
        """The body as whatever JSON value it is."""
        request = self.request
        charset = request.mimetype_params.get("charset", "utf-8").lower()
        is_json = request.mimetype == "application/json" or request.mimetype.endswith("+json")
        if not is_json or charset not in ("utf-8", "utf8") or request.headers.get("Content-Encoding"):
            raise UnsupportedMedia("Send the body as application/json in UTF-8, not compressed.")
        return decode_json(self.body())

    def body(self) -> bytes:
        """The raw body, within the route's limit. Raises `TooLarge`.

        A file is read in pieces from `request.stream`, which refuses the same.
        """
        request = self.request
        limit = request.max_content_length or 0
        if (request.content_length or 0) > limit:
            raise TooLarge(limit=limit)
        body = request.get_data()
        # A body that does not say its length is cut off at the limit without a word.
        if request.content_length is None and len(body) >= limit:
            raise TooLarge(limit=limit)
        return body

    def if_match(self) -> int | None:
        """The revision the caller expects, or None. Raises `Unreadable`, `StaleRevision`."""
        self._asks_revision = True
        return revision_in(self.request.headers.get("If-Match"))

    def read(self, work: Work[T]) -> T:
        """Run `work` in one read unit: a consistent snapshot; nothing is written."""
        return self._edge.units.read(self.caller, self._checked(work))

    def write(self, work: Work[T]) -> T:
        """Run `work` in one write unit; it may run twice and must have no outside effect."""
        self._check_method()
        return self._edge.units.write(self.caller, self._checked(work))

    def publish(self, work: Work[T]) -> T:
        """Run `work` in one publishing unit: alone on the tenant's metadata, with the right to change tables."""
        self._check_method()
        return self._edge.units.publish(self.caller, self._checked(work))

    def idempotent(self, work: Work[T], render: Callable[[T], Response]) -> Response:
        """`write` and render, once per Idempotency-Key; without the header, once per call."""
        key = key_in(self.request.headers.get(HEADER))
        if key is None:
            return render(self.write(work))
        request = self._keyed(key)

        def once(context: Context, unit: SqlUnit) -> Response:
            return self._edge.idempotency.once(context, unit, request, lambda: render(work(context, unit)))

        return self.write(once)

    def _check_method(self) -> None:
        if self.request.method in READING:
            raise RuntimeError("a GET never writes")

    def _keyed(self, key: str) -> KeyedRequest:
        request = self.request
        digest = digest_of(request.full_path, self.body(), request.headers.get("If-Match"))
        return KeyedRequest(key=key, route=f"{request.method} {request.endpoint}", digest=digest)

    def _checked(self, work: Work[T]) -> Work[T]:
        if not self._query_known:
            self.query()
        caller = self.caller

        def run(context: Context, unit: SqlUnit) -> T:
            if isinstance(caller.credential, SystemCredential):
                context = replace(context, actor=ANONYMOUS)
            elif self._context is None:
                self._edge.limits.identified(caller.tenant, context.actor.id)
            # What people chose for themselves goes before what their browser says.
            context = replace(context, locale=context.actor.locale or context.locale)
            self._context = context
            self.policy.check(context, self._edge.rights, self.request.method)
            self._check_revision_sent(context)
            return work(context, unit)

        return run

    def _check_revision_sent(self, context: Context) -> None:
        demanded = context.actor.preferences.get("require_if_match") is True
        if self._asks_revision and demanded and "If-Match" not in self.request.headers:
            raise PreconditionRequired

    @cached_property
    def _locale_wish(self) -> str | None:
        chosen = choose_locale(
            self.request.cookies.get(LOCALE_COOKIE),
            accept_language=self.request.headers.get("Accept-Language"),
            default="",
        )
        return chosen or None
