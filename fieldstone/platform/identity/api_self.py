"""The API of one's own account: `/me`, `/sessions`, `/tokens`, passwords and the second factor.

Views decode, call one service and render. What would hand over the account (password, second factor) takes a signed-in
person, not a token. Made by `make_self_api`, registered by the platform's part.
"""

from __future__ import annotations

from flask import Response

from fieldstone.platform.http.body import Body
from fieldstone.platform.http.call import Call
from fieldstone.platform.http.credentials import (
    drop_session,
    keep_session,
    session_secret,
    tenant_of_one_time_token,
)
from fieldstone.platform.http.policies import PUBLIC, SIGNED_IN
from fieldstone.platform.http.respond import data, nothing
from fieldstone.platform.http.routes import Api
from fieldstone.platform.identity import render
from fieldstone.platform.identity.password_service import bad_token
from fieldstone.platform.identity.services import Identity
from fieldstone.platform.identity.sessions import Device
from fieldstone.platform.identity.users import OWN_FIELDS
from fieldstone.platform.identity.values import SignedIn
from fieldstone.platform.kernel.context import Context, Unit
from fieldstone.platform.kernel.errors import Forbidden
from fieldstone.platform.units import SessionCredential


def make_self_api(identity: Identity) -> Api:
    """Routes of one's own account."""
    api = Api("self", prefix="/api/v1")
    _profile_routes(api, identity)
    _sign_in_routes(api, identity)
    _session_routes(api, identity)
    _token_routes(api, identity)
    _second_factor_routes(api, identity)
    return api


def _profile_routes(api: Api, identity: Identity) -> None:
    @api.get("/me", policy=SIGNED_IN)
    def get_me(call: Call) -> Response:
        return data(call.read(lambda ctx, unit: _me(identity, ctx, unit)))

    @api.patch("/me", policy=SIGNED_IN)
    def update_me(call: Call) -> Response:
        values, revision = call.json(), call.if_match()
        Body(values, tuple(OWN_FIELDS)).done()

        def work(ctx: Context, unit: Unit) -> dict[str, object]:
            identity.users.update(ctx, unit, ctx.actor.id, values, revision=revision)
            return _me(identity, ctx, unit)

        return data(call.write(work))

    @api.post("/me/password", policy=SIGNED_IN)
    def change_password(call: Call) -> Response:
        body = Body(call.json(), ("current", "new"))
        current, new = body.text("current"), body.text("new")
        body.done()
        call.query()
        identity.passwords.change(call.caller, current, new, keep_session=session_secret(call.request))
        return nothing()


def _sign_in_routes(api: Api, identity: Identity) -> None:
    @api.post("/sessions", policy=PUBLIC)
    def sign_in(call: Call) -> Response:
        body = Body(call.json(), ("email", "password"))
        email, password = body.text("email"), body.text("password")
        body.done()
        call.query()
        signed_in = identity.sign_in.sign_in(call.system_caller(), email, password, device_of(call))
        return _with_session(call, signed_in)

    @api.post("/sessions/second-factor", policy=PUBLIC)
    def enter_code(call: Call) -> Response:
        body = Body(call.json(), ("code",))
        code = body.text("code")
        body.done()
        call.query()
        secret = session_secret(call.request) or ""
        return _with_session(call, identity.sign_in.enter_code(call.system_caller(), secret, code, device_of(call)))

    @api.post("/password-tokens/redeem", policy=PUBLIC)
    def redeem_password_token(call: Call) -> Response:
        body = Body(call.json(), ("token", "password"))
        token, password = body.text("token"), body.text("password")
        body.done()
        call.query()
        tenant = tenant_of_one_time_token(token)
        if tenant is None:
            raise bad_token()
        identity.passwords.redeem(call.system_caller(tenant), token, password)
        return nothing()


def _session_routes(api: Api, identity: Identity) -> None:
    sessions = identity.sessions

    @api.get("/sessions", policy=SIGNED_IN)
    def list_sessions(call: Call) -> Response:
        user = call.query({"user"}).get("user")
        secret = session_secret(call.request)

        def work(ctx: Context, unit: Unit) -> list[dict[str, object]]:
            current = sessions.current(unit, secret) if secret else None
            return [render.session(info, current) for info in sessions.list(ctx, unit, user or ctx.actor.id)]

        return data(call.read(work))

    @api.delete("/sessions/current", policy=SIGNED_IN)
    def sign_out(call: Call) -> Response:
        secret = session_secret(call.request) or ""
        call.write(lambda ctx, unit: sessions.sign_out(ctx, unit, secret))
        return drop_session(nothing(), secure=call.request.is_secure)

    @api.delete("/sessions/<session_id>", policy=SIGNED_IN)
    def revoke_session(call: Call, session_id: str) -> Response:
        call.write(lambda ctx, unit: sessions.revoke(ctx, unit, session_id))
        return nothing()

    @api.delete("/sessions", policy=SIGNED_IN)
    def revoke_other_sessions(call: Call) -> Response:
        user = call.query({"user"}).get("user")
        secret = session_secret(call.request)

        def work(ctx: Context, unit: Unit) -> None:
            kept = sessions.current(unit, secret) if secret else None
            sessions.revoke_all(ctx, unit, user or ctx.actor.id, but=kept)

        call.write(work)
        return nothing()


def _token_routes(api: Api, identity: Identity) -> None:
    tokens = identity.tokens

    @api.get("/tokens", policy=SIGNED_IN)
    def list_tokens(call: Call) -> Response:
        user = call.query({"user"}).get("user")
        found = call.read(lambda ctx, unit: tokens.list(ctx, unit, user or ctx.actor.id))
        return data([render.token(info) for info in found])

    @api.post("/tokens", policy=SIGNED_IN)
    def create_token(call: Call) -> Response:
        body = Body(call.json(), ("name", "scope", "user", "require_if_match", "expires_at"))
        name, scope, user = body.text("name"), body.optional_text("scope"), body.optional_text("user")
        strict, expires_at = body.flag("require_if_match", default=False), body.moment("expires_at")
        body.done()
        info, token = call.write(
            lambda ctx, unit: tokens.create(
                ctx,
                unit,
                user or ctx.actor.id,
                name,
                scope or "write",
                require_if_match=strict,
                expires_at=expires_at,
            )
        )
        return data({**render.token(info), "token": token}, 201)

    @api.delete("/tokens/<token_id>", policy=SIGNED_IN)
    def revoke_token(call: Call, token_id: str) -> Response:
        call.write(lambda ctx, unit: tokens.revoke(ctx, unit, token_id))
        return nothing()


def _second_factor_routes(api: Api, identity: Identity) -> None:
    totp = identity.totp

    @api.post("/me/second-factor", policy=SIGNED_IN)
    def start_second_factor(call: Call) -> Response:
        _require_person(call)
        enrolment = call.write(totp.start)
        return data({"secret": enrolment.secret, "uri": enrolment.uri, "qr_svg": enrolment.qr_svg}, 201)

    @api.post("/me/second-factor/confirm", policy=SIGNED_IN)
    def confirm_second_factor(call: Call) -> Response:
        _require_person(call)
        code = _code_in(call)
        return data({"recovery_codes": call.write(lambda ctx, unit: totp.confirm(ctx, unit, code))})

    @api.post("/me/second-factor/remove", policy=SIGNED_IN)
    def remove_own_second_factor(call: Call) -> Response:
        _require_person(call)
        code = _code_in(call)
        call.write(lambda ctx, unit: totp.remove_own(ctx, unit, code))
        return nothing()


def device_of(call: Call) -> Device:
    """Where a sign-in comes from."""
    address, user_agent = call.device
    return Device(address=address, user_agent=user_agent)


def _with_session(call: Call, signed_in: SignedIn) -> Response:
    response = data(render.signed_in(signed_in), 201)
    return keep_session(response, signed_in.secret, signed_in.expires_at, secure=call.request.is_secure)


def _me(identity: Identity, ctx: Context, unit: Unit) -> dict[str, object]:
    return render.me(ctx, identity.users.get(ctx, unit, ctx.actor.id), identity.rights.of(ctx))


def _code_in(call: Call) -> str:
    body = Body(call.json(), ("code",))
    code = body.text("code", most=100)
    body.done()
    return code


def _require_person(call: Call) -> None:
    if not isinstance(call.caller.credential, SessionCredential):
        raise Forbidden("This takes a signed-in person, not a token.", code="needs_session")
