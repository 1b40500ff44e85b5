"""Things done at the same moment, on both databases."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pyotp
import sqlalchemy as sa

from fieldstone.platform.identity.tables import SESSION, USER, USER_ROLE
from fieldstone.platform.identity.throttle import PER_ACCOUNT
from tests.conftest import MakeInstallation
from tests.support.web import PASSWORD, Web, make_web


def test_guesses_at_the_same_moment_do_not_slip_past_the_count(web: Web) -> None:
    web.add_user("ann@example.com", password=PASSWORD)
    body = {"email": "ann@example.com", "password": "wrong wrong wrong"}

    def guess(_: int) -> int:
        return web.stranger().post("/api/v1/sessions?tenant=acme", body).status_code

    with ThreadPoolExecutor(max_workers=8) as pool:
        outcomes = Counter(pool.map(guess, range(24)))
    assert outcomes[401] == PER_ACCOUNT.free
    assert set(outcomes) <= {401, 429, 503}


def test_two_administrators_switching_each_other_off_leave_one(web: Web) -> None:
    users = [web.add_user(f"boss{n}@example.com", "boss") for n in range(2)]
    programs = [web.program(web.token(user)) for user in users]

    def switch_off(n: int) -> int:
        return programs[n].patch(f"/api/v1/users/{users[1 - n].id}", {"active": False}).status_code

    with ThreadPoolExecutor(max_workers=2) as pool:
        outcomes = sorted(pool.map(switch_off, range(2)))
    active = web.run_read(
        lambda ctx, unit: unit.scalar(
            sa.select(sa.func.count())
            .select_from(USER.join(USER_ROLE, USER.c.id == USER_ROLE.c.user_id))
            .where(USER.c.active)
        )
    )
    assert active == 1
    assert outcomes[0] == 200
    assert outcomes[1] in (401, 409)


def test_one_code_used_twice_at_once_opens_one_session(web: Web) -> None:
    ann = web.add_user("ann@example.com", password=PASSWORD)
    secret = pyotp.random_base32()
    web.run(
        lambda ctx, unit: unit.run(
            sa.update(USER).where(USER.c.id == ann.id).values(totp_secret=secret, totp_active=True)
        )
    )
    code = pyotp.TOTP(secret).at(web.home.clock.now())

    def enter(_: int) -> int:
        program = web.stranger()
        body = {"email": "ann@example.com", "password": PASSWORD}
        assert program.post("/api/v1/sessions?tenant=acme", body).status_code == 201
        return program.post("/api/v1/sessions/second-factor?tenant=acme", {"code": code}).status_code

    with ThreadPoolExecutor(max_workers=4) as pool:
        outcomes = Counter(pool.map(enter, range(4)))
    assert outcomes[201] == 1
    opened = sa.select(sa.func.count()).select_from(SESSION).where(sa.not_(SESSION.c.pending))
    assert web.run_read(lambda ctx, unit: unit.scalar(opened)) == 1


def test_one_time_tokens_are_redeemed_once_also_at_once(web: Web) -> None:
    ann = web.add_user("ann@example.com")
    token = web.run(lambda ctx, unit: web.identity.passwords.issue(ctx, unit, ann.id, "setup"))

    def redeem(n: int) -> int:
        body = {"token": token, "password": f"pass phrase number {n}"}
        return web.stranger().post("/api/v1/password-tokens/redeem", body).status_code

    with ThreadPoolExecutor(max_workers=4) as pool:
        outcomes = Counter(pool.map(redeem, range(4)))
    assert outcomes[204] == 1
    assert set(outcomes) <= {204, 422}


def test_the_client_is_whom_the_trusted_proxy_saw(make_installation: MakeInstallation) -> None:
    web = make_web(make_installation(trusted_proxies=1))
    ann = web.add_user("ann@example.com", password=PASSWORD)
    forged = {"X_Forwarded_For": "1.1.1.1, 2.2.2.2", "X_Forwarded_Proto": "https"}
    body = {"email": "ann@example.com", "password": PASSWORD}
    answer = web.stranger().post("/api/v1/sessions?tenant=acme", body, **forged)
    assert answer.status_code == 201
    assert any(cookie.startswith("__Host-fs_session=") for cookie in answer.headers.getlist("Set-Cookie"))
    sessions = web.run_read(lambda ctx, unit: web.identity.sessions.list(ctx, unit, ann.id))
    assert [session.address for session in sessions] == ["2.2.2.2"]


def test_another_process_notices_a_revocation_at_its_next_request(web: Web) -> None:
    web.add_user("boss@example.com", "boss")
    ann = web.add_user("ann@example.com", "people")
    token = web.token(ann)
    other = make_web(web.home)
    assert other.program(token).get("/api/v1/users").status_code == 200
    web.run(lambda ctx, unit: web.identity.users.assign_roles(ctx, unit, ann.id, []))
    assert other.program(token).get("/api/v1/users").status_code == 403
    web.run(lambda ctx, unit: web.identity.users.assign_roles(ctx, unit, ann.id, ["people"]))
    assert other.program(token).get("/api/v1/users").status_code == 200, "a granted right holds at once too"
    web.run(lambda ctx, unit: web.identity.users.deactivate(ctx, unit, ann.id))
    assert other.program(token).get("/api/v1/users").status_code == 401
