"""The API of users and teams: `/users`, `/teams`.

Views decode, call one service and render. Made by `make_people_api`, registered by the platform's part.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Any

from flask import Response

from fieldstone.platform.http.body import Body
from fieldstone.platform.http.call import Call
from fieldstone.platform.http.policies import RIGHT, SIGNED_IN
from fieldstone.platform.http.respond import data, nothing, page
from fieldstone.platform.http.routes import Api
from fieldstone.platform.identity import render
from fieldstone.platform.identity.services import Identity
from fieldstone.platform.identity.users import FIELDS
from fieldstone.platform.identity.values import NewUser, User
from fieldstone.platform.kernel.context import Context, Unit
from fieldstone.platform.kernel.errors import FieldError, Unreadable

MANAGE = RIGHT("manage_users")
MAX_PAGE = 200
_NEW_USER = ("email", "name", "roles", "teams", "locale", "time_zone", "manager", "preferences")
_ASSIGNED = ("roles", "teams", "active")


def make_people_api(identity: Identity) -> Api:
    """Routes of users and teams."""
    api = Api("people", prefix="/api/v1")
    _user_routes(api, identity)
    _team_routes(api, identity)
    return api


def _user_routes(api: Api, identity: Identity) -> None:
    users = identity.users

    @api.get("/users", policy=MANAGE)
    def list_users(call: Call) -> Response:
        query = call.query({"q", "limit", "cursor"})
        limit = call.integer("limit", default=50, least=1, most=MAX_PAGE)
        after, text = decoded_cursor(query.get("cursor")), query.get("q")
        found = call.read(lambda ctx, unit: users.page(ctx, unit, after=after, limit=limit + 1, text=text))
        return paged([render.user(user) for user in found], limit, "email")

    @api.post("/users", policy=MANAGE)
    def create_user(call: Call) -> Response:
        new = new_user(call.json())
        return call.idempotent(lambda ctx, unit: users.create(ctx, unit, new), _created_user)

    @api.get("/users/<user_id>", policy=SIGNED_IN)
    def get_user(call: Call, user_id: str) -> Response:
        user = call.read(lambda ctx, unit: users.get(ctx, unit, user_id))
        return data(render.user(user), etag=user.revision)

    @api.patch("/users/<user_id>", policy=SIGNED_IN)
    def update_user(call: Call, user_id: str) -> Response:
        body, revision = call.json(), call.if_match()
        user = call.write(lambda ctx, unit: _update(identity, ctx, unit, user_id, body, revision))
        return data(render.user(user), etag=user.revision)

    @api.post("/users/<user_id>/password-token", policy=MANAGE)
    def issue_password_token(call: Call, user_id: str) -> Response:
        token = call.write(lambda ctx, unit: identity.passwords.issue(ctx, unit, user_id, "reset"))
        return data({"token": token}, 201)

    @api.delete("/users/<user_id>/second-factor", policy=MANAGE)
    def remove_second_factor(call: Call, user_id: str) -> Response:
        call.write(lambda ctx, unit: identity.totp.remove(ctx, unit, user_id))
        return nothing()


def _team_routes(api: Api, identity: Identity) -> None:
    teams = identity.teams

    @api.get("/teams", policy=SIGNED_IN)
    def list_teams(call: Call) -> Response:
        query = call.query({"limit", "cursor"})
        limit = call.integer("limit", default=MAX_PAGE, least=1, most=MAX_PAGE)
        after = decoded_cursor(query.get("cursor"))
        found = call.read(lambda ctx, unit: teams.page(unit, after=after, limit=limit + 1))
        return paged([render.team(team) for team in found], limit, "name")

    @api.post("/teams", policy=MANAGE)
    def create_team(call: Call) -> Response:
        body = Body(call.json(), ("name", "parent", "manager"))
        name, parent, manager = body.text("name"), body.optional_text("parent"), body.optional_text("manager")
        body.done()
        return call.idempotent(
            lambda ctx, unit: teams.create(ctx, unit, name=name, parent=parent, manager=manager),
            lambda team: data(render.team(team), 201, etag=team.revision, location=f"/api/v1/teams/{team.id}"),
        )

    @api.get("/teams/<team_id>", policy=SIGNED_IN)
    def get_team(call: Call, team_id: str) -> Response:
        team = call.read(lambda ctx, unit: teams.get(unit, team_id))
        return data(render.team(team), etag=team.revision)

    @api.patch("/teams/<team_id>", policy=MANAGE)
    def update_team(call: Call, team_id: str) -> Response:
        body, revision = call.json(), call.if_match()
        team = call.write(lambda ctx, unit: teams.update(ctx, unit, team_id, body, revision=revision))
        return data(render.team(team), etag=team.revision)

    @api.delete("/teams/<team_id>", policy=MANAGE)
    def delete_team(call: Call, team_id: str) -> Response:
        call.write(lambda ctx, unit: teams.delete(ctx, unit, team_id))
        return nothing()


def new_user(values: Mapping[str, Any]) -> NewUser:
    """A user to be, out of a body. Raises `Invalid`."""
    body = Body(values, _NEW_USER)
    new = NewUser(
        email=body.text("email"),
        name=body.text("name"),
        roles=body.texts("roles"),
        teams=body.texts("teams"),
        locale=body.optional_text("locale"),
        time_zone=body.optional_text("time_zone"),
        manager=body.optional_text("manager"),
        preferences=body.mapping("preferences"),
    )
    body.done()
    return new


def _update(
    identity: Identity, ctx: Context, unit: Unit, user_id: str, values: Mapping[str, Any], revision: int | None
) -> User:
    """Fields, then roles, teams and whether the account is on: one change for whoever asks."""
    users, body = identity.users, Body(values, (*FIELDS, *_ASSIGNED))
    roles, teams, active = body.texts("roles"), body.texts("teams"), body.flag("active", default=True)
    body.done()
    fields = {name: value for name, value in values.items() if name in FIELDS}
    user = users.update(ctx, unit, user_id, fields, revision=revision)
    if body.has("roles"):
        user = users.assign_roles(ctx, unit, user_id, roles)
    if body.has("teams"):
        user = users.assign_teams(ctx, unit, user_id, teams)
    if body.has("active") and active != user.active:
        user = users.activate(ctx, unit, user_id) if active else users.deactivate(ctx, unit, user_id)
    return user


def _created_user(user: User) -> Response:
    return data(render.user(user), 201, etag=user.revision, location=f"/api/v1/users/{user.id}")


def paged(rows: Sequence[dict[str, Any]], limit: int, key: str) -> Response:
    """A page out of one row more than asked for; the cursor is the last row's key."""
    shown = rows[:limit]
    return page(shown, next_cursor=encoded_cursor(shown[-1][key]) if len(rows) > limit else None)


def encoded_cursor(key: str) -> str:
    """A cursor that says nothing to people."""
    return base64.urlsafe_b64encode(key.encode()).decode().rstrip("=")


def decoded_cursor(cursor: str | None) -> str | None:
    """The key in a cursor. Raises `Unreadable`."""
    if cursor is None:
        return None
    try:
        return base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError) as error:
        raise Unreadable(
            errors=[FieldError(path="?cursor", code="cursor", message="This cursor is not one of ours.")]
        ) from error
