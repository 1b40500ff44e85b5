"""Signing in and out, the second factor, setting a password with a one-time token.

In: forms. Out: a session cookie and a redirect to a page of this very site. A refusal shows the form again and says
nothing about which accounts exist. Registered by `ui.part`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from flask import Response
from flask_wtf.csrf import generate_csrf

from fieldstone.platform.http.call import Call
from fieldstone.platform.http.credentials import drop_session, keep_session, session_secret, tenant_of_one_time_token
from fieldstone.platform.http.policies import PUBLIC, SIGNED_IN
from fieldstone.platform.http.routes import Pages
from fieldstone.platform.i18n import translate
from fieldstone.platform.identity.services import Identity
from fieldstone.platform.identity.sessions import Device
from fieldstone.platform.identity.values import SignedIn
from fieldstone.platform.kernel.context import Tenant
from fieldstone.platform.kernel.errors import FieldstoneError
from fieldstone.ui.render import Renderer
from fieldstone.ui.shell import plain


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInAccount:
    """An account that the sign-in page offers by one click; only a demonstration has such."""

    name: str
    email: str
    role: str
    password: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInAccounts:
    """The accounts offered, of one tenant."""

    tenant: str
    accounts: Sequence[SignInAccount]


def make_sign_in_pages(identity: Identity, renderer: Renderer, offered: SignInAccounts | None) -> Pages:
    """The routes."""
    pages = Pages("sign_in_pages")
    show = SignInForms(renderer, offered)
    _sign_in_routes(pages, identity, show)
    _password_routes(pages, identity, show)

    @pages.post("/sign-out", policy=SIGNED_IN)
    def sign_out(call: Call) -> Response:
        secret = session_secret(call.request) or ""
        call.write(lambda ctx, unit: identity.sessions.sign_out(ctx, unit, secret))
        return drop_session(redirect("/sign-in"), secure=call.request.is_secure)

    return pages


def _sign_in_routes(pages: Pages, identity: Identity, show: SignInForms) -> None:
    @pages.get("/sign-in", policy=PUBLIC)
    def sign_in_form(call: Call) -> Response:
        call.query({"next", "tenant"})
        return show.sign_in(call)

    @pages.post("/sign-in", policy=PUBLIC)
    def sign_in(call: Call) -> Response:
        call.query({"next", "tenant"})
        form = call.request.form
        try:
            signed_in = identity.sign_in.sign_in(
                call.system_caller(), form.get("email", ""), form.get("password", ""), _device(call)
            )
        except FieldstoneError as error:
            return show.sign_in(call, error)
        return _onwards(call, signed_in)

    @pages.get("/sign-in/code", policy=PUBLIC)
    def code_form(call: Call) -> Response:
        call.query({"next", "tenant"})
        return show.code(call)

    @pages.post("/sign-in/code", policy=PUBLIC)
    def enter_code(call: Call) -> Response:
        call.query({"next", "tenant"})
        secret = session_secret(call.request) or ""
        code = call.request.form.get("code", "")[:100]
        try:
            signed_in = identity.sign_in.enter_code(call.system_caller(), secret, code, _device(call))
        except FieldstoneError as error:
            return show.code(call, error)
        return _onwards(call, signed_in)


def _password_routes(pages: Pages, identity: Identity, show: SignInForms) -> None:
    @pages.get("/set-password", policy=PUBLIC)
    def password_form(call: Call) -> Response:
        call.query({"token", "tenant"})
        return show.password(call, call.request.args.get("token", ""))

    @pages.post("/set-password", policy=PUBLIC)
    def set_password(call: Call) -> Response:
        call.query({"token", "tenant"})
        form = call.request.form
        token = form.get("token", "")
        try:
            caller = call.system_caller(tenant_of_one_time_token(token))
            identity.passwords.redeem(caller, token, form.get("password", ""))
        except FieldstoneError as error:
            return show.password(call, token, error)
        return redirect("/sign-in")


class SignInForms:
    """Draws the forms."""

    def __init__(self, renderer: Renderer, offered: SignInAccounts | None) -> None:
        self._renderer = renderer
        self._offered = offered

    def sign_in(self, call: Call, error: FieldstoneError | None = None) -> Response:
        """The form for address and password."""
        offered = self._offered
        accounts = offered.accounts if offered is not None and offered.tenant == call.tenant else ()
        values = {"email": call.request.form.get("email", ""), "accounts": accounts, "action": _here(call, "/sign-in")}
        return self._draw(call, "pages/sign_in.html", values, error)

    def code(self, call: Call, error: FieldstoneError | None = None) -> Response:
        """The form for the second factor."""
        return self._draw(call, "pages/sign_in_code.html", {"action": _here(call, "/sign-in/code")}, error)

    def password(self, call: Call, token: str, error: FieldstoneError | None = None) -> Response:
        """The form for a new password."""
        return self._draw(call, "pages/set_password.html", {"token": token, "action": "/set-password"}, error)

    def _draw(self, call: Call, template: str, values: Mapping[str, object], error: FieldstoneError | None) -> Response:
        tenant = call.read(lambda ctx, unit: ctx.tenant)
        message = _sentence(error, call.locale) if error is not None else ""
        shell = _frame(tenant, call.locale)
        return self._renderer.page(
            template, call.locale, {**values, "shell": shell, "message": message}, 422 if error else 200
        )


def redirect(url: str) -> Response:
    """See other."""
    return Response(status=303, headers={"Location": url})


def local_path(text: str | None) -> str:
    """`text` when it is a path of this site, else "/": what comes after signing in is nobody else's page."""
    if (
        not text
        or not text.startswith("/")
        or text.startswith(("//", "/\\"))
        or any(c < " " or c == "\\" for c in text)
    ):
        return "/"
    return text


def _onwards(call: Call, signed_in: SignedIn) -> Response:
    target = local_path(call.request.args.get("next"))
    if signed_in.second_factor_due:
        target = _here(call, "/sign-in/code")
    return keep_session(redirect(target), signed_in.secret, signed_in.expires_at, secure=call.request.is_secure)


def _here(call: Call, path: str) -> str:
    kept = [(name, call.request.args[name]) for name in ("next", "tenant") if name in call.request.args]
    return path + ("?" + "&".join(f"{name}={quote(value, safe='')}" for name, value in kept) if kept else "")


def _frame(tenant: Tenant, locale: str) -> dict[str, object]:
    return plain(tenant.label, tenant.hue, locale, generate_csrf())


def _sentence(error: FieldstoneError, locale: str) -> str:
    sentences = [translate(item.message, item.facts, locale) for item in error.errors]
    return " ".join(sentences) or translate(error.message, error.facts, locale)


def _device(call: Call) -> Device:
    address, user_agent = call.device
    return Device(address=address, user_agent=user_agent)
