"""Credentials at the door, on both databases: who is let in, as whom, and until when."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from fieldstone.platform.identity.sessions import IDLE
from fieldstone.platform.identity.tables import API_TOKEN, SESSION, USER
from tests.support.web import PASSWORD, Web


def test_a_token_tells_who_its_user_is(web: Web) -> None:
    user = web.add_user("ann@example.com", "boss")
    answer = web.program(web.token(user)).get("/api/v1/me")
    assert answer.status_code == 200, answer.text
    me = answer.json["data"]
    assert (me["email"], me["roles"], me["tenant"]["name"]) == ("ann@example.com", ["boss"], "acme")
    assert "manage_users" in me["rights"]


@pytest.mark.parametrize(
    "header",
    [
        "Bearer fs_acme_" + "x" * 43,
        "Bearer fs_nowhere_" + "x" * 43,
        "Bearer fs_acme_",
        "Bearer",
        "Bearer fs_ACME_" + "x" * 43,
        "Bearer fs_../../x_" + "x" * 43,
        "Basic YWRtaW46YWRtaW4=",
        "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.",
        "",
    ],
)
def test_what_is_no_token_of_ours_is_401_in_the_same_words(web: Web, header: str) -> None:
    answer = web.stranger().get("/api/v1/me", Authorization=header)
    assert answer.status_code == 401
    assert answer.json["code"] in ("token_invalid", "not_signed_in")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_wrong_bearer_header_never_falls_back_to_the_cookie(web: Web) -> None:
    web.add_user("ann@example.com", "boss", password=PASSWORD)
    browser = web.browser("ann@example.com")
    assert browser.get("/api/v1/me").status_code == 200
    assert browser.get("/api/v1/me", Authorization="Bearer nonsense").status_code == 401


def test_a_token_of_one_tenant_is_worth_nothing_on_the_host_of_another(web: Web) -> None:
    ann = web.add_user("ann@example.com", "boss")
    program = web.program(web.token(ann))
    assert program.get("/api/v1/me").status_code == 200
    for host, expected in (("acme.localhost", 200), ("globex.localhost", 401)):
        other = web.program(web.token(ann))
        object.__setattr__(other, "host", host)
        assert other.get("/api/v1/me").status_code == expected, host


def test_a_session_of_one_tenant_is_worth_nothing_on_the_host_of_another(web: Web) -> None:
    web.add_user("ann@example.com", "boss", password=PASSWORD)
    web.add_user("ann@example.com", "boss", tenant="globex", password=PASSWORD)
    browser = web.browser("ann@example.com", host="acme.localhost")
    secret = next(c.value for c in _cookies(browser) if c.key == "fs_session")
    stranger = web.stranger()
    for host, expected in (("acme.localhost", 200), ("globex.localhost", 401), ("localhost", 200)):
        stranger.client.set_cookie("fs_session", secret, domain=host)
        object.__setattr__(stranger, "host", host)
        answer = stranger.get("/api/v1/me")
        assert answer.status_code == expected, host
        if expected == 200:
            assert answer.json["data"]["tenant"]["name"] == "acme"


def test_a_secret_renamed_to_another_tenant_opens_nothing_there(web: Web) -> None:
    ann = web.add_user("ann@example.com", "boss")
    token = web.token(ann).replace("fs_acme_", "fs_globex_")
    assert web.program(token).get("/api/v1/me").status_code == 401


def test_secrets_are_stored_as_hashes_only(web: Web) -> None:
    ann = web.add_user("ann@example.com", "boss", password=PASSWORD)
    token = web.token(ann)
    web.browser("ann@example.com")
    stored = [
        str(web.run_read(lambda ctx, unit, t=table: unit.rows(sa.select(t)))) for table in (API_TOKEN, SESSION, USER)
    ]
    assert token not in stored[0]
    assert token.split("_", 2)[2] not in stored[0]  # a secret may itself hold underscores
    assert PASSWORD not in stored[2]
    assert "$argon2id$" in stored[2]


def test_a_read_only_token_reads_and_changes_nothing(web: Web) -> None:
    ann = web.add_user("ann@example.com", "boss")
    program = web.program(web.token(ann, scope="read"))
    assert program.get("/api/v1/users").status_code == 200
    for answer in (
        program.post("/api/v1/users", {"email": "new@example.com", "name": "New"}),
        program.patch("/api/v1/me", {"name": "Other"}),
        program.post("/api/v1/tokens", {"name": "more"}),
        program.delete(f"/api/v1/users/{ann.id}/second-factor"),
    ):
        assert answer.status_code == 403, answer.text
        assert answer.json["code"] == "read_only_token"
    assert program.get("/api/v1/me").json["data"]["name"] == "Ann"
    assert web.run_read(lambda ctx, unit: unit.scalar(sa.select(sa.func.count()).select_from(API_TOKEN))) == 1


def test_a_revoked_token_is_refused_at_the_next_request(web: Web) -> None:
    ann = web.add_user("ann@example.com", "boss")
    first, second = web.program(web.token(ann)), web.program(web.token(ann))
    assert first.get("/api/v1/me").status_code == 200
    tokens = second.get("/api/v1/tokens").json["data"]
    assert len(tokens) == 2
    oldest = tokens[-1]["id"]
    assert second.delete(f"/api/v1/tokens/{oldest}").status_code == 204
    assert first.get("/api/v1/me").status_code == 401
    assert second.get("/api/v1/me").status_code == 200


def test_an_expired_token_is_refused(web: Web) -> None:
    ann = web.add_user("ann@example.com", "boss")
    program = web.program(web.token(ann))
    soon = (web.home.clock.now() + timedelta(hours=1)).isoformat()
    made = program.post("/api/v1/tokens", {"name": "short", "expires_at": soon})
    assert made.status_code == 201, made.text
    short = web.program(made.json["data"]["token"])
    assert short.get("/api/v1/me").status_code == 200
    web.home.clock.move(timedelta(hours=1, seconds=1))
    assert short.get("/api/v1/me").status_code == 401


def test_nobody_sees_or_revokes_tokens_and_sessions_of_others(web: Web) -> None:
    ann = web.add_user("ann@example.com", "agent", password=PASSWORD)
    bob = web.add_user("bob@example.com", "agent")
    web.browser("ann@example.com")
    web.token(ann)
    program = web.program(web.token(bob))
    token = web.run_read(lambda ctx, unit: web.identity.tokens.list(ctx, unit, ann.id))[0].id
    session = web.run_read(lambda ctx, unit: web.identity.sessions.list(ctx, unit, ann.id))[0].id
    missing = program.delete("/api/v1/tokens/01900000-0000-7000-8000-000000000000")
    for answer in (
        program.delete(f"/api/v1/tokens/{token}"),
        program.delete(f"/api/v1/sessions/{session}"),
        program.get(f"/api/v1/tokens?user={ann.id}"),
        program.get(f"/api/v1/sessions?user={ann.id}"),
        program.get(f"/api/v1/users/{ann.id}"),
    ):
        assert answer.status_code == 404
        assert answer.json["detail"] == missing.json["detail"]
    assert len(web.run_read(lambda ctx, unit: web.identity.tokens.list(ctx, unit, ann.id))) == 1
    assert len(web.run_read(lambda ctx, unit: web.identity.sessions.list(ctx, unit, ann.id))) == 1


def test_a_session_ends_when_it_is_signed_out(web: Web) -> None:
    web.add_user("ann@example.com", "boss", password=PASSWORD)
    browser = web.browser("ann@example.com")
    secret = next(c.value for c in _cookies(browser) if c.key == "fs_session")
    assert browser.delete("/api/v1/sessions/current").status_code == 204
    assert not [c for c in _cookies(browser) if c.key == "fs_session"]
    browser.client.set_cookie("fs_session", secret, domain="acme.localhost")
    assert browser.get("/api/v1/me").status_code == 401


def test_sessions_are_listed_and_ended_one_by_one_or_all_but_this(web: Web) -> None:
    web.add_user("ann@example.com", "boss", password=PASSWORD)
    first, second, third = (web.browser("ann@example.com") for _ in range(3))
    listed = first.get("/api/v1/sessions").json["data"]
    assert [item["current"] for item in listed] == [False, False, True]
    assert first.delete(f"/api/v1/sessions/{listed[0]['id']}").status_code == 204
    assert third.get("/api/v1/me").status_code == 401
    assert first.delete("/api/v1/sessions").status_code == 204
    assert second.get("/api/v1/me").status_code == 401
    assert first.get("/api/v1/me").status_code == 200


def test_a_session_ends_when_nobody_uses_it(web: Web) -> None:
    web.add_user("ann@example.com", "boss", password=PASSWORD)
    browser = web.browser("ann@example.com")
    web.home.clock.move(IDLE - timedelta(minutes=1))
    assert browser.get("/api/v1/me").status_code == 200
    web.home.clock.move(timedelta(minutes=2))
    assert browser.get("/api/v1/me").status_code == 200, "use has moved the end on"
    web.home.clock.move(IDLE + timedelta(minutes=1))
    assert browser.get("/api/v1/me").status_code == 401


def test_a_session_ends_after_its_longest_time_however_much_it_is_used(web: Web) -> None:
    web.add_user("ann@example.com", "boss", password=PASSWORD)
    browser = web.browser("ann@example.com")
    hours = web.home.settings.session_hours
    session = web.run_read(lambda ctx, unit: unit.scalar(sa.select(SESSION.c.secret_hash)))
    for _ in range(hours - 1):
        web.home.clock.move(timedelta(hours=1))
        now = web.home.clock.now()
        web.run(lambda ctx, unit, at=now: unit.run(sa.update(SESSION).values(last_seen_at=at)))
        assert browser.get("/api/v1/me").status_code == 200
    web.home.clock.move(timedelta(hours=1))
    now = web.home.clock.now()
    web.run(lambda ctx, unit: unit.run(sa.update(SESSION).values(last_seen_at=now)))
    assert browser.get("/api/v1/me").status_code == 401
    assert session


def test_a_token_that_demands_if_match_gets_428_without_it(web: Web) -> None:
    ann = web.add_user("ann@example.com", "boss")
    program = web.program(web.token(ann, strict=True))
    refused = program.patch("/api/v1/me", {"name": "Anna"})
    assert refused.status_code == 428
    assert program.get("/api/v1/me").json["data"]["name"] == "Ann"
    assert program.patch("/api/v1/me", {"name": "Anna"}, If_Match='"1"').status_code == 200
    assert program.patch("/api/v1/me", {"name": "Annie"}, If_Match='"1"').status_code == 412


def test_a_suspended_tenant_lets_nobody_in_at_once(web: Web) -> None:
    ann = web.add_user("ann@example.com", "boss", password=PASSWORD)
    program, browser = web.program(web.token(ann)), web.browser("ann@example.com")
    assert program.get("/api/v1/me").status_code == browser.get("/api/v1/me").status_code == 200
    web.home.tenants.suspend("acme")
    assert program.get("/api/v1/me").status_code == 401
    assert browser.get("/api/v1/me").status_code == 401
    again = web.stranger().post("/api/v1/sessions?tenant=acme", {"email": "ann@example.com", "password": PASSWORD})
    assert again.status_code == 403
    web.home.tenants.resume("acme")
    assert program.get("/api/v1/me").status_code == 200


def _cookies(program: object) -> list[object]:
    return list(program.client._cookies.values())  # type: ignore[attr-defined]
