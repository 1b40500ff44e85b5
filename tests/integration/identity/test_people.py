"""Users, roles and teams at the door, on both databases: who may do what to whom."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from fieldstone.platform.audit import Audit, AuditFilter
from fieldstone.platform.identity.tables import TEAM, USER, USER_ROLE
from fieldstone.platform.kernel.errors import Conflict, Invalid
from tests.support.web import PASSWORD, Program, Web

NOBODY = "01900000-0000-7000-8000-000000000000"


@pytest.fixture
def boss(web: Web) -> Program:
    return web.program(web.token(web.add_user("boss@example.com", "boss")))


@pytest.fixture
def people(web: Web) -> Program:
    """Manages users, and has no other right of importance."""
    return web.program(web.token(web.add_user("people@example.com", "people")))


def rows(web: Web, tenant: str = "acme") -> str:
    """Everything about users and roles, to see that nothing has changed."""
    return str(
        web.run_read(
            lambda ctx, unit: [unit.rows(sa.select(table).order_by(*table.primary_key)) for table in (USER, USER_ROLE)],
            tenant,
        )
    )


def test_users_are_created_read_changed_and_listed(web: Web, boss: Program) -> None:
    made = boss.post(
        "/api/v1/users", {"email": "Ann@Example.com", "name": "Ann", "roles": ["agent"], "locale": "zh-Hant"}
    )
    assert made.status_code == 201, made.text
    ann = made.json["data"]
    assert (ann["email"], ann["roles"], ann["has_password"]) == ("ann@example.com", ["agent"], False)
    assert made.headers["Location"] == f"/api/v1/users/{ann['id']}"
    changed = boss.patch(f"/api/v1/users/{ann['id']}", {"name": "Anne", "roles": ["auditor"]}, If_Match='"1"')
    assert changed.status_code == 200, changed.text
    assert (changed.json["data"]["name"], changed.json["data"]["roles"]) == ("Anne", ["auditor"])
    stale = boss.patch(f"/api/v1/users/{ann['id']}", {"name": "Anna"}, If_Match='"1"')
    assert stale.status_code == 412
    assert boss.get(f"/api/v1/users/{ann['id']}").headers["ETag"] == changed.headers["ETag"]


def test_a_list_of_users_is_paged_and_searched(web: Web, boss: Program) -> None:
    for name in ("cy", "ab", "be", "dx"):
        web.add_user(f"{name}@example.com")
    seen: list[str] = []
    cursor = ""
    while cursor is not None:
        answer = boss.get("/api/v1/users?limit=2" + (f"&cursor={cursor}" if cursor else ""))
        assert answer.status_code == 200, answer.text
        seen += [user["email"] for user in answer.json["data"]]
        cursor = answer.json["next_cursor"]
    assert seen == [f"{name}@example.com" for name in ("ab", "be", "boss", "cy", "dx")]
    assert [u["email"] for u in boss.get("/api/v1/users?q=BE").json["data"]] == ["be@example.com"]
    assert boss.get("/api/v1/users?q=%25").json["data"] == []
    assert boss.get("/api/v1/users?cursor=%3B%3B").status_code == 400


@pytest.mark.parametrize(
    ("body", "path", "code"),
    [
        ({"name": "A"}, "/email", "required"),
        ({"email": "a@example.com"}, "/name", "required"),
        ({"email": "no address", "name": "A"}, "/email", "email"),
        ({"email": "a@b@c", "name": "A"}, "/email", "email"),
        ({"email": "a@example.com\r\nBcc: x@example.com", "name": "A"}, "/email", "email"),
        ({"email": "a@example.com", "name": "A\r\nB"}, "/name", "characters"),
        ({"email": "a@example.com", "name": "A\u202eB"}, "/name", "characters"),
        ({"email": "a@example.com", "name": "A" * 201}, "/name", "too_long"),
        ({"email": "a@example.com", "name": "A", "locale": "xx"}, "/locale", "choice"),
        ({"email": "a@example.com", "name": "A", "time_zone": "../etc/passwd"}, "/time_zone", "choice"),
        ({"email": "a@example.com", "name": "A", "roles": ["nope"]}, "/roles/0", "unknown"),
        ({"email": "a@example.com", "name": "A", "roles": "boss"}, "/roles", "type"),
        ({"email": "a@example.com", "name": "A", "teams": [NOBODY]}, "/teams/0", "unknown"),
        ({"email": "a@example.com", "name": "A", "teams": ["x"]}, "/teams/0", "unknown"),
        ({"email": "a@example.com", "name": "A", "manager": NOBODY}, "/manager", "unknown"),
        ({"email": "a@example.com", "name": "A", "tenant": "globex"}, "/tenant", "unknown"),
        ({"email": "a@example.com", "name": "A", "id": NOBODY}, "/id", "unknown"),
        ({"email": "a@example.com", "name": "A", "password_hash": "x"}, "/password_hash", "unknown"),
        ({"email": "BOSS@example.com", "name": "A"}, "/email", "unique"),
        ({"email": 5, "name": ["A"]}, "/email", "type"),
    ],
)
def test_a_bad_user_is_refused_at_the_field_and_nothing_is_written(
    web: Web, boss: Program, body: dict[str, Any], path: str, code: str
) -> None:
    before = rows(web)
    answer = boss.post("/api/v1/users", body)
    assert answer.status_code == 422, answer.text
    assert (path, code) in {(error["path"], error["code"]) for error in answer.json["errors"]}
    assert rows(web) == before


def test_addresses_are_unique_per_tenant_only(web: Web, boss: Program) -> None:
    web.add_user("ann@example.com", tenant="globex")
    assert boss.post("/api/v1/users", {"email": "ann@example.com", "name": "Ann"}).status_code == 201


def test_people_change_their_own_profile_and_nothing_else_of_themselves(web: Web) -> None:
    ann = web.add_user("ann@example.com", "agent")
    program = web.program(web.token(ann))
    body = {"name": "Anna", "locale": "zh-Hans", "time_zone": "Asia/Shanghai", "preferences": {"theme": "dark"}}
    assert program.patch("/api/v1/me", body).status_code == 200
    assert program.get("/api/v1/me").json["data"]["preferences"] == {"theme": "dark"}
    before = rows(web)
    for path, change, status in (
        ("/api/v1/me", {"roles": ["boss"]}, 422),
        ("/api/v1/me", {"email": "x@example.com"}, 422),
        ("/api/v1/me", {"active": False}, 422),
        (f"/api/v1/users/{ann.id}", {"roles": ["boss"]}, 403),
        (f"/api/v1/users/{ann.id}", {"email": "x@example.com"}, 403),
        (f"/api/v1/users/{ann.id}", {"teams": []}, 403),
        (f"/api/v1/users/{ann.id}", {"manager": None}, 403),
    ):
        assert program.patch(path, change).status_code == status, (path, change)
    assert rows(web) == before


def test_who_may_not_manage_users_neither_sees_nor_changes_them(web: Web) -> None:
    ann, bob = web.add_user("ann@example.com", "agent"), web.add_user("bob@example.com", "agent")
    program = web.program(web.token(ann))
    before = rows(web)
    refusals = [
        program.get("/api/v1/users"),
        program.post("/api/v1/users", {"email": "x@example.com", "name": "X"}),
        program.patch(f"/api/v1/users/{bob.id}", {"name": "Robert"}),
        program.post(f"/api/v1/users/{bob.id}/password-token"),
        program.post("/api/v1/teams", {"name": "T"}),
        program.post("/api/v1/tokens", {"name": "t", "user": bob.id}),
    ]
    assert [answer.status_code for answer in refusals] == [403] * len(refusals)
    assert program.get(f"/api/v1/users/{bob.id}").status_code == 404
    assert (
        program.get(f"/api/v1/users/{NOBODY}").json["detail"] == program.get(f"/api/v1/users/{bob.id}").json["detail"]
    )
    assert rows(web) == before


def test_nobody_grants_rights_they_lack_nor_manages_who_has_them(web: Web, people: Program) -> None:
    boss = web.add_user("chief@example.com", "boss", password=PASSWORD)
    agent = web.add_user("ann@example.com", "agent")
    before = rows(web)
    for answer in (
        people.post("/api/v1/users", {"email": "evil@example.com", "name": "Evil", "roles": ["boss"]}),
        people.post("/api/v1/users", {"email": "evil@example.com", "name": "Evil", "roles": ["finance"]}),
        people.patch(f"/api/v1/users/{agent.id}", {"roles": ["boss"]}),
        people.patch(f"/api/v1/users/{agent.id}", {"roles": ["auditor"]}),
        people.patch(f"/api/v1/users/{boss.id}", {"email": "mine@example.com"}),
        people.patch(f"/api/v1/users/{boss.id}", {"roles": []}),
        people.patch(f"/api/v1/users/{boss.id}", {"active": False}),
        people.post(f"/api/v1/users/{boss.id}/password-token"),
        people.post("/api/v1/tokens", {"name": "t", "user": boss.id}),
        people.delete(f"/api/v1/users/{boss.id}/second-factor"),
    ):
        assert answer.status_code == 403, answer.text
    assert rows(web) == before


def test_a_manager_of_users_does_not_widen_their_own_reach(web: Web, people: Program) -> None:
    me = people.get("/api/v1/me").json["data"]
    agent = web.add_user("ann@example.com")
    team = people.post("/api/v1/teams", {"name": "North"}).json["data"]["id"]
    before = rows(web)
    for answer in (
        people.patch(f"/api/v1/users/{me['id']}", {"roles": ["people", "agent"]}),
        people.patch(f"/api/v1/users/{me['id']}", {"roles": []}),
        people.patch(f"/api/v1/users/{me['id']}", {"teams": [team]}),
        people.patch(f"/api/v1/users/{agent.id}", {"manager": me["id"]}),
        people.patch(f"/api/v1/teams/{team}", {"manager": me["id"]}),
        people.post("/api/v1/teams", {"name": "Mine", "manager": me["id"]}),
    ):
        assert answer.status_code == 403, answer.text
    assert rows(web) == before


def test_deactivation_holds_at_the_next_request(web: Web, boss: Program) -> None:
    ann = web.add_user("ann@example.com", "agent", password=PASSWORD)
    program, browser = web.program(web.token(ann)), web.browser("ann@example.com")
    assert program.get("/api/v1/me").status_code == browser.get("/api/v1/me").status_code == 200
    assert boss.patch(f"/api/v1/users/{ann.id}", {"active": False}).status_code == 200
    assert program.get("/api/v1/me").status_code == browser.get("/api/v1/me").status_code == 401
    assert boss.patch(f"/api/v1/users/{ann.id}", {"active": True}).status_code == 200
    assert browser.get("/api/v1/me").status_code == 401, "a session that ended stays ended"
    assert program.get("/api/v1/me").status_code == 200


def test_a_change_of_roles_holds_at_the_next_request(web: Web, boss: Program) -> None:
    ann = web.add_user("ann@example.com", "people")
    program = web.program(web.token(ann))
    assert program.get("/api/v1/users").status_code == 200
    assert boss.patch(f"/api/v1/users/{ann.id}", {"roles": ["agent"]}).status_code == 200
    assert program.get("/api/v1/users").status_code == 403


def test_somebody_is_always_left_who_can_manage_users(web: Web) -> None:
    first, second = web.add_user("one@example.com", "boss"), web.add_user("two@example.com", "boss")
    one, two = web.program(web.token(first)), web.program(web.token(second))
    assert one.patch(f"/api/v1/users/{first.id}", {"active": False}).status_code == 409
    assert two.patch(f"/api/v1/users/{first.id}", {"roles": ["agent"]}).status_code == 200
    with pytest.raises(Conflict, match="Somebody must be left"):
        web.run(lambda ctx, unit: web.identity.users.deactivate(ctx, unit, second.id))
    with pytest.raises(Conflict, match="Somebody must be left"):
        web.run(lambda ctx, unit: web.identity.users.assign_roles(ctx, unit, second.id, []))
    assert two.get("/api/v1/users").status_code == 200


def test_ids_of_another_tenant_are_as_good_as_missing(web: Web, boss: Program) -> None:
    there = web.add_user("ann@example.com", "agent", tenant="globex")
    team = web.run(lambda ctx, unit: web.identity.teams.create(ctx, unit, name="Theirs"), "globex").id
    before = rows(web, "globex")
    for foreign, missing in ((there.id, NOBODY),):
        for method, path, body in (
            ("GET", "/api/v1/users/{id}", None),
            ("PATCH", "/api/v1/users/{id}", {"name": "X"}),
            ("POST", "/api/v1/users/{id}/password-token", None),
            ("DELETE", "/api/v1/users/{id}/second-factor", None),
        ):
            one = boss.send(method, path.format(id=foreign), body)
            two = boss.send(method, path.format(id=missing), body)
            assert one.status_code == two.status_code == 404, path
            assert one.json["detail"] == two.json["detail"]
    assert boss.get(f"/api/v1/teams/{team}").status_code == 404
    assert boss.post("/api/v1/users", {"email": "b@example.com", "name": "B", "teams": [team]}).status_code == 422
    assert boss.post("/api/v1/users", {"email": "b@example.com", "name": "B", "manager": there.id}).status_code == 422
    assert rows(web, "globex") == before


def test_teams_are_a_tree_without_circles(web: Web, boss: Program) -> None:
    north = boss.post("/api/v1/teams", {"name": "North"}).json["data"]
    city = boss.post("/api/v1/teams", {"name": "City", "parent": north["id"]}).json["data"]
    circle = boss.patch(f"/api/v1/teams/{north['id']}", {"parent": city["id"]})
    assert (circle.status_code, circle.json["errors"][0]["code"]) == (422, "cycle")
    assert boss.patch(f"/api/v1/teams/{north['id']}", {"parent": north["id"]}).status_code == 422
    assert boss.post("/api/v1/teams", {"name": "North"}).status_code == 422
    assert boss.delete(f"/api/v1/teams/{north['id']}").status_code == 409
    assert boss.delete(f"/api/v1/teams/{city['id']}").status_code == 204
    assert boss.get("/api/v1/teams").json["data"][0]["name"] == "North"
    assert web.run_read(lambda ctx, unit: unit.scalar(sa.select(sa.func.count()).select_from(TEAM))) == 1


def test_the_org_tree_knows_managers_and_reports(web: Web) -> None:
    boss, lead, engineer, temp = (web.add_user(f"{n}@example.com") for n in ("boss", "lead", "engineer", "temp"))
    users, teams, org = web.identity.users, web.identity.teams, web.identity.org

    def arrange(ctx: Any, unit: Any) -> None:
        top = teams.create(ctx, unit, name="Service", manager=boss.id)
        north = teams.create(ctx, unit, name="North", parent=top.id, manager=lead.id)
        empty = teams.create(ctx, unit, name="Night", parent=north.id)
        users.assign_teams(ctx, unit, lead.id, [north.id])
        users.assign_teams(ctx, unit, engineer.id, [north.id])
        users.assign_teams(ctx, unit, temp.id, [empty.id])

    web.run(arrange)

    def above(user: Any, levels: int = 1) -> Any:
        return web.run_read(lambda ctx, unit: org.manager_of(unit, user.id, levels))

    assert (above(engineer), above(temp), above(lead), above(boss)) == (lead.id, lead.id, boss.id, None)
    assert (above(engineer, 2), above(engineer, 3)) == (boss.id, None)
    assert web.run_read(lambda ctx, unit: org.reports_of(unit, boss.id)) == {lead.id, engineer.id, temp.id}
    assert web.run_read(lambda ctx, unit: org.reports_of(unit, engineer.id)) == frozenset()
    web.run(lambda ctx, unit: users.deactivate(ctx, unit, lead.id))
    assert (above(engineer), above(temp)) == (boss.id, boss.id), "a manager who is switched off is passed over"
    web.run(lambda ctx, unit: users.update(ctx, unit, temp.id, {"manager": engineer.id}))
    assert above(temp) == engineer.id
    with pytest.raises(Invalid):
        web.run(lambda ctx, unit: users.update(ctx, unit, engineer.id, {"manager": temp.id}))


def test_users_with_a_role_are_found_when_active(web: Web) -> None:
    ann, bob = web.add_user("ann@example.com", "agent"), web.add_user("bob@example.com", "agent")
    web.run(lambda ctx, unit: web.identity.users.deactivate(ctx, unit, bob.id))
    assert web.run_read(lambda ctx, unit: web.identity.org.users_with_role(unit, "agent")) == [ann.id]


def test_every_change_is_audited_with_before_and_after(web: Web, boss: Program) -> None:
    ann = web.add_user("ann@example.com", "agent")
    boss.patch(f"/api/v1/users/{ann.id}", {"roles": ["auditor"]})
    boss.patch(f"/api/v1/users/{ann.id}", {"active": False})
    wanted = AuditFilter(subject=f"user/{ann.id}")
    entries = web.run_read(lambda ctx, unit: Audit().entries(unit, wanted))
    assert [entry.action for entry in entries] == ["user.deactivate", "user.roles", "user.create"]
    assert (entries[1].before["roles"], entries[1].after["roles"]) == (["agent"], ["auditor"])
    assert {entry.actor_name for entry in entries} == {"Boss", "System"}
