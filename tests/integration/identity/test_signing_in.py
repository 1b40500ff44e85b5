"""Signing in: passwords, throttling, one-time tokens and the second factor, on both databases."""

from __future__ import annotations

from datetime import timedelta

import pyotp
import pytest
import sqlalchemy as sa

from fieldstone.platform.audit import audit_entry
from fieldstone.platform.identity.sessions import CODE_ATTEMPTS
from fieldstone.platform.identity.tables import ONE_TIME_TOKEN, RECOVERY_CODE, SESSION, SIGN_IN_COUNTER
from fieldstone.platform.identity.throttle import PER_ACCOUNT, PER_ADDRESS
from tests.support.web import PASSWORD, Program, Web

WRONG = "not the pass phrase at all"


def sign_in(program: Program, email: str, password: str, **headers: str) -> tuple[int, str]:
    """Status and code of one attempt on acme's host."""
    answer = program.post("/api/v1/sessions?tenant=acme", {"email": email, "password": password}, **headers)
    return answer.status_code, answer.json.get("code", "")


def test_the_session_cookie_is_kept_from_scripts_and_other_sites(web: Web) -> None:
    web.add_user("ann@example.com", password=PASSWORD)
    body = {"email": "ANN@Example.com ", "password": PASSWORD}
    answer = web.stranger().post("/api/v1/sessions?tenant=acme", body)
    assert answer.status_code == 201
    cookie = next(c for c in answer.headers.getlist("Set-Cookie") if c.startswith("fs_session="))
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "fs_session" not in answer.text
    secure = web.stranger().client.post("/api/v1/sessions?tenant=acme", json=body, base_url="https://localhost")
    cookie = next(c for c in secure.headers.getlist("Set-Cookie") if c.startswith("__Host-fs_session="))
    assert "Secure" in cookie
    assert "max-age=" in secure.headers["Strict-Transport-Security"]


def test_every_refusal_to_sign_in_says_the_same(web: Web) -> None:
    web.add_user("ann@example.com", password=PASSWORD)
    web.add_user("nopassword@example.com")
    gone = web.add_user("gone@example.com", password=PASSWORD)
    web.run(lambda ctx, unit: web.identity.users.deactivate(ctx, unit, gone.id))
    web.add_user("elsewhere@example.com", tenant="globex", password=PASSWORD)
    bodies = set()
    for email, password in (
        ("ann@example.com", WRONG),
        ("nobody@example.com", WRONG),
        ("nopassword@example.com", WRONG),
        ("nopassword@example.com", ""),
        ("gone@example.com", PASSWORD),
        ("elsewhere@example.com", PASSWORD),
        ("'; drop table user_account; --", WRONG),
    ):
        answer = web.stranger().post("/api/v1/sessions?tenant=acme", {"email": email, "password": password})
        if password:
            assert answer.status_code == 401, answer.text
            bodies.add((answer.json["code"], answer.json["detail"], tuple(sorted(answer.json))))
    assert len(bodies) == 1
    assert web.run_read(lambda ctx, unit: unit.scalar(sa.select(sa.func.count()).select_from(SESSION))) == 0


def test_guessing_at_one_account_has_to_wait_also_with_the_right_password(web: Web) -> None:
    web.add_user("ann@example.com", password=PASSWORD)
    for _ in range(PER_ACCOUNT.free):
        assert sign_in(web.stranger(), "ann@example.com", WRONG) == (401, "wrong_credentials")
    refused = web.stranger().post("/api/v1/sessions?tenant=acme", {"email": "Ann@Example.COM", "password": PASSWORD})
    assert refused.status_code == 429
    web.home.clock.move(timedelta(seconds=int(refused.headers["Retry-After"])))
    assert sign_in(web.stranger(), "ann@example.com", PASSWORD)[0] == 201
    assert sign_in(web.stranger(), "ann@example.com", WRONG) == (401, "wrong_credentials")


def test_an_account_that_does_not_exist_is_throttled_alike(web: Web) -> None:
    outcomes = [sign_in(web.stranger(), "nobody@example.com", WRONG)[0] for _ in range(PER_ACCOUNT.free + 1)]
    assert outcomes == [401] * PER_ACCOUNT.free + [429]


@pytest.mark.parametrize("spoof", [{}, {"X_Forwarded_For": "{n}.2.3.4"}, {"Forwarded": "for={n}.2.3.4"}])
def test_one_address_guessing_at_many_accounts_has_to_wait_whatever_it_claims(web: Web, spoof: dict[str, str]) -> None:
    for n in range(PER_ADDRESS.free):
        headers = {name: value.format(n=n) for name, value in spoof.items()}
        assert sign_in(web.stranger(), f"guess{n}@example.com", WRONG, **headers)[0] == 401
    headers = {name: value.format(n=99) for name, value in spoof.items()}
    assert sign_in(web.stranger(), "another@example.com", WRONG, **headers)[0] == 429


def test_what_is_typed_into_the_address_field_is_not_kept(web: Web) -> None:
    sign_in(web.stranger(), "hunter2hunter2", WRONG)
    rows = str(web.run_read(lambda ctx, unit: unit.rows(sa.select(SIGN_IN_COUNTER))))
    assert "hunter2" not in rows


def test_old_counters_are_forgotten(web: Web) -> None:
    web.add_user("ann@example.com", password=PASSWORD)
    sign_in(web.stranger(), "nobody@example.com", WRONG)
    web.home.clock.move(timedelta(hours=2))
    assert sign_in(web.stranger(), "ann@example.com", PASSWORD)[0] == 201
    assert web.run_read(lambda ctx, unit: unit.scalar(sa.select(sa.func.count()).select_from(SIGN_IN_COUNTER))) == 1


def test_changing_the_password_takes_the_old_one_and_ends_other_sessions(web: Web) -> None:
    web.add_user("ann@example.com", password=PASSWORD)
    here, there = web.browser("ann@example.com"), web.browser("ann@example.com")
    new = "another long pass phrase"
    wrong = here.post("/api/v1/me/password", {"current": WRONG, "new": new})
    assert (wrong.status_code, wrong.json["errors"][0]["path"]) == (422, "/current")
    assert here.post("/api/v1/me/password", {"current": PASSWORD, "new": new}).status_code == 204
    assert here.get("/api/v1/me").status_code == 200
    assert there.get("/api/v1/me").status_code == 401
    assert sign_in(web.stranger(), "ann@example.com", PASSWORD)[0] == 401
    assert sign_in(web.stranger(), "ann@example.com", new)[0] == 201


def test_a_token_cannot_change_the_password_or_the_second_factor(web: Web) -> None:
    ann = web.add_user("ann@example.com", password=PASSWORD)
    program = web.program(web.token(ann))
    for answer in (
        program.post("/api/v1/me/password", {"current": PASSWORD, "new": "another long pass phrase"}),
        program.post("/api/v1/me/second-factor"),
        program.post("/api/v1/me/second-factor/remove", {"code": "123456"}),
    ):
        assert (answer.status_code, answer.json["code"]) == (403, "needs_session")


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("short", "too_short"),
        ("x" * 201, "too_long"),
        ("password1234", "too_common"),
        ("aaaaaaaaaaaaaaaa", "too_common"),
        ("marguerite and more", "too_common"),
    ],
)
def test_a_bad_password_is_refused_with_its_reason(web: Web, password: str, code: str) -> None:
    web.add_user("marguerite@example.com", password=PASSWORD)
    browser = web.browser("marguerite@example.com")
    answer = browser.post("/api/v1/me/password", {"current": PASSWORD, "new": password})
    assert (answer.status_code, answer.json["errors"][0]["code"]) == (422, code)


def issue(web: Web, user_id: str, tenant: str = "acme") -> str:
    return str(web.run(lambda ctx, unit: web.identity.passwords.issue(ctx, unit, user_id, "reset"), tenant))


def redeem(web: Web, token: object, password: str = "a brand new pass phrase", host: str = "localhost") -> int:
    program = web.stranger()
    object.__setattr__(program, "host", host)
    return program.post("/api/v1/password-tokens/redeem", {"token": token, "password": password}).status_code


def test_a_one_time_token_sets_the_password_once_and_ends_all_sessions(web: Web) -> None:
    ann = web.add_user("ann@example.com", password=PASSWORD)
    browser = web.browser("ann@example.com")
    token = issue(web, ann.id)
    assert redeem(web, token) == 204
    assert browser.get("/api/v1/me").status_code == 401
    assert sign_in(web.stranger(), "ann@example.com", "a brand new pass phrase")[0] == 201
    assert redeem(web, token) == 422


@pytest.mark.parametrize("token", [None, {}, [], "", 0, True, ["fsp_acme_x"], "fsp_acme_" + "x" * 43, "fs_acme_x"])
def test_what_is_no_one_time_token_sets_nothing(web: Web, token: object) -> None:
    ann = web.add_user("ann@example.com", password=PASSWORD)
    issue(web, ann.id)
    assert redeem(web, token) == 422
    assert sign_in(web.stranger(), "ann@example.com", PASSWORD)[0] == 201


def test_a_one_time_token_of_another_tenant_or_too_old_or_replaced_sets_nothing(web: Web) -> None:
    ann = web.add_user("ann@example.com", password=PASSWORD)
    token = issue(web, ann.id)
    assert redeem(web, token.replace("fsp_acme_", "fsp_globex_")) == 422
    assert redeem(web, token, host="globex.localhost") == 401
    newer = issue(web, ann.id)
    assert redeem(web, token) == 422
    web.home.clock.move(timedelta(hours=1))
    assert redeem(web, newer) == 422
    assert web.run_read(lambda ctx, unit: unit.scalar(sa.select(sa.func.count()).select_from(ONE_TIME_TOKEN))) == 1
    assert sign_in(web.stranger(), "ann@example.com", PASSWORD)[0] == 201


def enrol(web: Web, browser: Program) -> tuple[pyotp.TOTP, list[str]]:
    """Switch the second factor on, by the profile's own calls."""
    started = browser.post("/api/v1/me/second-factor")
    assert started.status_code == 201
    assert started.json["data"]["qr_svg"].startswith("<svg")
    assert "style=" not in started.json["data"]["qr_svg"]
    totp = pyotp.TOTP(started.json["data"]["secret"])
    wrong = browser.post("/api/v1/me/second-factor/confirm", {"code": "000000"})
    assert wrong.status_code == 422
    confirmed = browser.post("/api/v1/me/second-factor/confirm", {"code": totp.at(web.home.clock.now())})
    assert confirmed.status_code == 200, confirmed.text
    return totp, confirmed.json["data"]["recovery_codes"]


def begin(web: Web) -> Program:
    """A browser that has given its password and owes the code."""
    program = web.stranger()
    object.__setattr__(program, "host", "acme.localhost")
    answer = program.post("/api/v1/sessions", {"email": "ann@example.com", "password": PASSWORD})
    assert answer.json["data"]["second_factor_due"] is True
    assert program.get("/api/v1/me").status_code == 401, "a pending session proves nothing"
    return program


def enter(program: Program, code: str) -> int:
    return program.post("/api/v1/sessions/second-factor", {"code": code}).status_code


def test_with_a_second_factor_the_password_alone_opens_nothing(web: Web) -> None:
    web.add_user("ann@example.com", password=PASSWORD)
    totp, _ = enrol(web, web.browser("ann@example.com"))
    web.home.clock.move(timedelta(minutes=1))
    program = begin(web)
    assert enter(program, "000000") == 422
    assert enter(program, totp.at(web.home.clock.now())) == 201
    assert program.get("/api/v1/me").status_code == 200


def test_a_code_counts_once(web: Web) -> None:
    web.add_user("ann@example.com", password=PASSWORD)
    totp, _ = enrol(web, web.browser("ann@example.com"))
    web.home.clock.move(timedelta(minutes=1))
    code = totp.at(web.home.clock.now())
    assert enter(begin(web), code) == 201
    assert enter(begin(web), code) == 422


def test_a_recovery_code_counts_once_and_is_stored_as_a_hash(web: Web) -> None:
    web.add_user("ann@example.com", password=PASSWORD)
    _, codes = enrol(web, web.browser("ann@example.com"))
    assert len(set(codes)) == 10
    stored = str(web.run_read(lambda ctx, unit: unit.rows(sa.select(RECOVERY_CODE))))
    assert not any(code in stored for code in codes)
    assert enter(begin(web), codes[0].lower().replace("-", " ")) == 201
    assert enter(begin(web), codes[0]) == 422
    assert enter(begin(web), codes[1]) == 201


def test_codes_cannot_be_tried_without_end(web: Web) -> None:
    web.add_user("ann@example.com", password=PASSWORD)
    totp, _ = enrol(web, web.browser("ann@example.com"))
    web.home.clock.move(timedelta(minutes=1))
    program = begin(web)
    for _ in range(CODE_ATTEMPTS):
        assert enter(program, "000000") == 422
    assert enter(program, totp.at(web.home.clock.now())) in (401, 429)
    assert enter(begin(web), "000000") == 429, "a fresh start gives no fresh attempts"


def test_a_pending_session_is_soon_over(web: Web) -> None:
    web.add_user("ann@example.com", password=PASSWORD)
    totp, _ = enrol(web, web.browser("ann@example.com"))
    program = begin(web)
    web.home.clock.move(timedelta(minutes=6))
    assert enter(program, totp.at(web.home.clock.now())) == 401


def test_a_second_factor_is_switched_off_with_a_code_or_by_who_manages_users(web: Web) -> None:
    ann = web.add_user("ann@example.com", password=PASSWORD)
    browser = web.browser("ann@example.com")
    totp, _ = enrol(web, browser)
    web.home.clock.move(timedelta(minutes=1))
    assert browser.post("/api/v1/me/second-factor/remove", {"code": "000000"}).status_code == 422
    code = totp.at(web.home.clock.now())
    assert browser.post("/api/v1/me/second-factor/remove", {"code": code}).status_code == 204
    enrol(web, browser)
    boss = web.program(web.token(web.add_user("boss@example.com", "boss")))
    assert boss.delete(f"/api/v1/users/{ann.id}/second-factor").status_code == 204
    assert sign_in(web.stranger(), "ann@example.com", PASSWORD)[0] == 201


def test_signing_in_and_passwords_are_audited_without_secrets(web: Web) -> None:
    ann = web.add_user("ann@example.com", password=PASSWORD)
    web.browser("ann@example.com")
    token = issue(web, ann.id)
    redeem(web, token)
    rows = web.run_read(lambda ctx, unit: unit.rows(sa.select(audit_entry)))
    actions = {cell for row in rows for cell in row if isinstance(cell, str)}
    assert {"user.create", "session.sign_in", "password.set", "password.reset_token"} <= actions
    assert token not in str(rows)
    assert PASSWORD not in str(rows)
