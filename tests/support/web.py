"""A platform with its web app for tests: identity, the HTTP frame and a few roles, on whichever database.

`Web` wraps an `Installation`; it makes users straight through the services and speaks HTTP through Flask's client, as
a browser (cookies, form tokens) or as a program (bearer tokens).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from flask import Flask, Response
from flask.testing import FlaskClient
from flask_wtf.csrf import generate_csrf
from werkzeug.test import TestResponse

from fieldstone.platform.audit import Audit
from fieldstone.platform.database.unit import SqlUnit
from fieldstone.platform.frame import Frame
from fieldstone.platform.http.call import Call
from fieldstone.platform.http.edge import SessionTouch
from fieldstone.platform.http.policies import PUBLIC, Rights
from fieldstone.platform.http.routes import Pages
from fieldstone.platform.http.web import make_app
from fieldstone.platform.identity.api_people import make_people_api
from fieldstone.platform.identity.api_self import make_self_api
from fieldstone.platform.identity.org import OrgService
from fieldstone.platform.identity.resolve import IdentityService
from fieldstone.platform.identity.services import Identity, make_identity
from fieldstone.platform.identity.values import NewUser, User
from fieldstone.platform.kernel.metadata import Definition, Snapshot
from fieldstone.platform.tenancy.store import TenantStore
from fieldstone.platform.units import Units
from tests.support.installation import EmptySnapshot, Installation

PASSWORD = "a long enough pass phrase"

ROLES: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "boss": {
            "system": [
                "manage_metadata",
                "manage_users",
                "view_audit",
                "manage_jobs",
                "import_records",
                "export_records",
                "see_all_jobs",
                "manage_tenant",
            ],
            "objects": {
                "*": {"read": "all", "create": "all", "update": "all", "delete": "all", "export": True, "import": True}
            },
        },
        "people": {"system": ["manage_users"], "objects": {"ticket": {"read": "all"}}},
        "agent": {"objects": {"ticket": {"read": "team", "update": "own"}}},
        "clerk": {"objects": {"ticket": {"read": "own"}}, "inherits": ["agent"]},
        "finance": {"objects": {"invoice": {"read": "all"}}},
        "auditor": {"system": ["view_audit"]},
    }
)


class RoleSnapshot(EmptySnapshot):
    """A snapshot in which only the roles above are published."""

    def definition(self, kind: str, name: str) -> Definition | None:
        if kind != "role" or name not in ROLES:
            return None
        return Definition(kind=kind, name=name, body={"name": name, "label": name, **ROLES[name]}, hash=name)

    def names(self, kind: str) -> tuple[str, ...]:
        return tuple(sorted(ROLES)) if kind == "role" else ()


def role_snapshots(unit: SqlUnit, tenant: str, version: int) -> Snapshot:
    """Snapshot source with the roles above."""
    return RoleSnapshot(version)


@dataclass(frozen=True, kw_only=True)
class Web:
    """An installation one can talk to."""

    home: Installation
    units: Units
    identity: Identity
    app: Flask

    def add_user(
        self, email: str, *roles: str, tenant: str = "acme", password: str | None = None, teams: tuple[str, ...] = ()
    ) -> User:
        """A user, with a password when one is given."""
        caller = self.home.caller(tenant)
        new = NewUser(email=email, name=email.partition("@")[0].capitalize(), roles=roles, teams=teams)
        user = self.units.write(caller, lambda ctx, unit: self.identity.users.create(ctx, unit, new))
        if password is not None:
            self.identity.passwords.set_directly(caller, user.id, password)
        return user

    def token(self, user: User, *, tenant: str = "acme", scope: str = "write", strict: bool = False) -> str:
        """A new API token of a user."""
        return self.units.write(
            self.home.caller(tenant),
            lambda ctx, unit: self.identity.tokens.create(ctx, unit, user.id, "test", scope, require_if_match=strict),
        )[1]

    def program(self, token: str) -> Program:
        """A client that sends a bearer token."""
        return Program(client=self.app.test_client(), headers={"Authorization": f"Bearer {token}"})

    def stranger(self) -> Program:
        """A client that sends nothing."""
        return Program(client=self.app.test_client(), headers={})

    def browser(self, email: str, password: str = PASSWORD, *, host: str = "acme.localhost") -> Program:
        """A client with a session cookie and a form token."""
        stranger = replace(self.stranger(), host=host)
        answer = stranger.post("/api/v1/sessions", {"email": email, "password": password})
        assert answer.status_code == 201, answer.text
        return stranger.with_headers(X_CSRFToken=stranger.get("/form-token").text)

    def run_read(self, work: Callable[..., Any], tenant: str = "acme") -> Any:
        return self.units.read(self.home.caller(tenant), work)

    def run(self, work: Callable[..., Any], tenant: str = "acme") -> Any:
        return self.units.write(self.home.caller(tenant), work)


@dataclass(frozen=True, kw_only=True)
class Program:
    """Speaks HTTP to one host with the same headers each time."""

    client: FlaskClient
    headers: Mapping[str, str]
    host: str = "localhost"

    def send(
        self, method: str, path: str, body: Any = None, *, data: bytes | None = None, **headers: str
    ) -> TestResponse:
        """One request; `body` is JSON, `data` raw bytes sent as JSON; header names with _ for -."""
        sent = {**self.headers, **{name.replace("_", "-"): value for name, value in headers.items()}}
        base = f"http://{self.host}"
        if data is not None:
            sent.setdefault("Content-Type", "application/json")
            return self.client.open(path, method=method, data=data, headers=sent, base_url=base)
        return self.client.open(path, method=method, json=body, headers=sent, base_url=base)

    def get(self, path: str, **headers: str) -> TestResponse:
        return self.send("GET", path, **headers)

    def post(self, path: str, body: Any = None, **headers: str) -> TestResponse:
        return self.send("POST", path, body, **headers)

    def patch(self, path: str, body: Any = None, **headers: str) -> TestResponse:
        return self.send("PATCH", path, body, **headers)

    def delete(self, path: str, **headers: str) -> TestResponse:
        return self.send("DELETE", path, **headers)

    def with_headers(self, **headers: str) -> Program:
        """The same client, sending more."""
        return replace(self, headers={**self.headers, **{k.replace("_", "-"): v for k, v in headers.items()}})


def make_frame(home: Installation) -> tuple[Frame, Units, Identity]:
    """A frame with platform services on an installation, not yet frozen."""
    resolver = IdentityService(OrgService(), home.clock)
    units = home.units_with(resolve_actor=resolver.resolve, snapshot_source=role_snapshots)
    identity = make_identity(units, Audit(), session_hours=home.settings.session_hours)
    frame = Frame(home.settings)
    frame.provide(units)
    frame.provide(home.tenants, TenantStore)
    frame.provide(identity.rights, Rights)
    frame.provide(identity.use, SessionTouch)
    frame.blueprints += [make_people_api(identity).blueprint, make_self_api(identity).blueprint]
    return frame, units, identity


def make_form_pages() -> Pages:
    """A page that gives out form tokens, as every page of the product does in its head."""
    pages = Pages("form_pages")

    @pages.get("/form-token", policy=PUBLIC)
    def form_token(call: Call) -> Response:
        return Response(generate_csrf(), content_type="text/html")

    return pages


def make_web(home: Installation, *more: Callable[[Units, Identity], Any]) -> Web:
    """A web app; `more` make further route groups."""
    frame, units, identity = make_frame(home)
    frame.blueprints.append(make_form_pages().blueprint)
    frame.blueprints += [make(units, identity).blueprint for make in more]
    frame.freeze()
    return Web(home=home, units=units, identity=identity, app=make_app(frame))
