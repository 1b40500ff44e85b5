"""The frame around every view, on both databases: idempotency, forms, hosts, headers, limits, languages."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from fieldstone.platform.frame import compose
from fieldstone.platform.http.idempotency import KEYS
from fieldstone.platform.http.policies import RIGHT
from fieldstone.platform.http.respond import data
from fieldstone.platform.http.routes import Api, undeclared
from fieldstone.platform.http.web import make_app
from fieldstone.platform.identity.tables import TEAM, USER
from fieldstone.platform.kernel.errors import Misconfigured
from tests.conftest import MakeInstallation
from tests.support.web import PASSWORD, Program, Web, make_frame, make_web

NEW = {"email": "new@example.com", "name": "New"}


@pytest.fixture
def boss(web: Web) -> Program:
    return web.program(web.token(web.add_user("boss@example.com", "boss")))


def count(web: Web, table: sa.Table = USER, tenant: str = "acme") -> int:
    return int(web.run_read(lambda ctx, unit: unit.scalar(sa.select(sa.func.count()).select_from(table)), tenant))


def test_the_same_key_fifty_times_at_once_has_one_effect(web: Web, boss: Program) -> None:
    def send(_: int) -> tuple[int, str]:
        program = web.program(boss.headers["Authorization"].removeprefix("Bearer "))
        answer = program.post("/api/v1/teams", {"name": "North"}, Idempotency_Key="k-1")
        return answer.status_code, answer.text

    with ThreadPoolExecutor(max_workers=10) as pool:
        answers = list(pool.map(send, range(50)))
    assert count(web, TEAM) == 1
    assert {status for status, _ in answers} <= {201, 409, 503}
    assert len({text for status, text in answers if status == 201}) == 1
    assert sum(status == 201 for status, _ in answers) >= 1
    again = boss.post("/api/v1/teams", {"name": "North"}, Idempotency_Key="k-1")
    assert again.status_code == 201
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.headers["Location"].startswith("/api/v1/teams/")
    assert again.headers["ETag"] == '"1"'


def test_a_key_used_for_something_else_is_refused(web: Web, boss: Program) -> None:
    assert boss.post("/api/v1/teams", {"name": "North"}, Idempotency_Key="k-1").status_code == 201
    other = boss.post("/api/v1/teams", {"name": "South"}, Idempotency_Key="k-1")
    assert (other.status_code, other.json["code"]) == (422, "idempotency_key_reused")
    assert count(web, TEAM) == 1


def test_a_key_belongs_to_its_user_its_route_and_its_tenant(web: Web, boss: Program) -> None:
    second = web.program(web.token(web.add_user("second@example.com", "boss")))
    foreign = web.program(web.token(web.add_user("boss@example.com", "boss", tenant="globex"), tenant="globex"))
    assert boss.post("/api/v1/teams", {"name": "North"}, Idempotency_Key="k").status_code == 201
    assert second.post("/api/v1/teams", {"name": "South"}, Idempotency_Key="k").status_code == 201
    assert foreign.post("/api/v1/teams", {"name": "West"}, Idempotency_Key="k").status_code == 201
    assert boss.post("/api/v1/users", NEW, Idempotency_Key="k").status_code == 201
    assert (count(web, TEAM), count(web, TEAM, "globex")) == (2, 1)


def test_a_refusal_uses_no_key_up(web: Web, boss: Program) -> None:
    assert boss.post("/api/v1/users", {**NEW, "email": "bad"}, Idempotency_Key="k").status_code == 422
    assert count(web, KEYS) == 0
    assert boss.post("/api/v1/users", NEW, Idempotency_Key="k").status_code == 201


def test_a_key_is_forgotten_after_its_time(web: Web, boss: Program) -> None:
    assert boss.post("/api/v1/teams", {"name": "North"}, Idempotency_Key="k").status_code == 201
    web.home.clock.move(timedelta(hours=web.home.settings.idempotency_hours))
    assert boss.post("/api/v1/teams", {"name": "South"}, Idempotency_Key="k").status_code == 201
    assert (count(web, TEAM), count(web, KEYS)) == (2, 1)


def test_what_a_cookie_changes_needs_the_form_token(web: Web) -> None:
    web.add_user("ann@example.com", "boss", password=PASSWORD)
    browser = web.browser("ann@example.com")
    bare = replace(browser, headers={})
    before = count(web)
    for program, headers in (
        (bare, {}),
        (bare, {"X_CSRFToken": ""}),
        (bare, {"X_CSRFToken": "nonsense"}),
        (browser, {"Origin": "https://evil.example"}),
        (browser, {"Origin": "null"}),
        (browser, {"Sec_Fetch_Site": "cross-site"}),
        (browser, {"Sec_Fetch_Site": "same-site"}),
    ):
        answer = program.post("/api/v1/users", NEW, **headers)
        assert (answer.status_code, answer.json["code"]) == (403, "csrf"), headers
    assert count(web) == before
    assert browser.post("/api/v1/users", NEW, Origin="http://acme.localhost").status_code == 201


def test_a_form_token_of_another_browser_is_worth_nothing(web: Web) -> None:
    web.add_user("ann@example.com", "boss", password=PASSWORD)
    web.add_user("eve@example.com", password=PASSWORD)
    ann, eve = web.browser("ann@example.com"), web.browser("eve@example.com")
    assert replace(ann, headers=eve.headers).post("/api/v1/users", NEW).status_code == 403


def test_no_other_site_signs_anybody_in(web: Web) -> None:
    web.add_user("ann@example.com", password=PASSWORD)
    body = {"email": "ann@example.com", "password": PASSWORD}
    for headers in ({"Origin": "https://evil.example"}, {"Sec_Fetch_Site": "cross-site"}):
        assert web.stranger().post("/api/v1/sessions?tenant=acme", body, **headers).status_code == 403
    plain = web.stranger().send(
        "POST", "/api/v1/sessions?tenant=acme", data=json.dumps(body).encode(), Content_Type="text/plain"
    )
    assert plain.status_code == 415


def test_a_tenant_is_found_by_its_host_its_token_or_the_default(web: Web) -> None:
    token = web.token(web.add_user("ann@example.com", "boss"))
    program = web.program(token)
    for host in ("localhost", "127.0.0.1", "127.0.0.1:8080", "[::1]:8080", "acme.localhost", "ACME.localhost:80"):
        answer = replace(program, host=host).get("/api/v1/me")
        assert answer.status_code == 200, host
        assert answer.json["data"]["tenant"]["name"] == "acme"
    assert replace(program, host="globex.localhost").get("/api/v1/me").status_code == 401
    assert replace(program, host="nobody.localhost").get("/api/v1/me").status_code == 401
    assert replace(web.stranger(), host="nobody.localhost").get("/form-token").status_code == 200


def test_a_registered_host_fixes_its_tenant_and_production_knows_no_others(
    make_installation: MakeInstallation,
) -> None:
    home = make_installation(environment="production")
    home.tenants.create("hooli", "Hooli", hosts=["service.hooli.example"])
    web = make_web(home)
    token = web.token(web.add_user("ann@example.com", "boss", tenant="hooli"), tenant="hooli")
    other = web.token(web.add_user("ann@example.com", "boss"))
    for host, bearer, status in (
        ("service.hooli.example", token, 200),
        ("service.hooli.example:443", token, 200),
        ("service.hooli.example", other, 401),
        ("hooli.localhost", token, 200),
        ("evil.example", token, 404),
        ("service.hooli.example.evil.example", token, 404),
    ):
        assert replace(web.program(bearer), host=host).get("/api/v1/me").status_code == status, host


def test_private_answers_are_never_kept_and_carry_the_walls(web: Web, boss: Program) -> None:
    answer = boss.get("/api/v1/me")
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Cookie" in answer.headers["Vary"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
    page = web.stranger().get("/form-token").headers["Content-Security-Policy"]
    assert "script-src 'self';" in page
    assert "unsafe" not in page
    assert "Server" not in answer.headers


def test_a_request_id_of_a_proxy_is_kept_when_it_is_one(boss: Program) -> None:
    assert boss.get("/api/v1/me", X_Request_Id="abc-123.DEF_4").headers["X-Request-Id"] == "abc-123.DEF_4"
    for bad in ("short", "has space in it", "x" * 65, "new\u00e4line-123"):
        assert boss.get("/api/v1/me", X_Request_Id=bad).headers["X-Request-Id"] != bad


def test_limits_are_per_proven_tenant_and_user_with_the_seconds_to_wait(make_installation: MakeInstallation) -> None:
    web = make_web(make_installation(rate_limits=True, requests_per_minute=60))
    ann = web.program(web.token(web.add_user("ann@example.com")))
    other = web.program(web.token(web.add_user("bob@example.com", tenant="globex"), tenant="globex"))
    answers = [ann.get("/api/v1/me") for _ in range(8)]
    assert answers[0].status_code == 200
    refused = answers[-1]
    assert (refused.status_code, refused.json["code"]) == (429, "too_many_requests")
    assert int(refused.headers["Retry-After"]) >= 1
    assert other.get("/api/v1/me").status_code == 200


def test_strangers_who_claim_a_tenant_do_not_use_its_limit_up(make_installation: MakeInstallation) -> None:
    web = make_web(make_installation(rate_limits=True, requests_per_minute=600))
    ann = web.program(web.token(web.add_user("ann@example.com")))
    outcomes = [web.program("fs_acme_" + f"{n:043d}").get("/api/v1/me").status_code for n in range(60)]
    assert outcomes[0] == 401
    assert outcomes[-1] == 429, "the address pays for wrong tokens"
    other_address = ann.client.get("/api/v1/me", headers=ann.headers, environ_overrides={"REMOTE_ADDR": "192.0.2.7"})
    assert other_address.status_code == 200


@pytest.mark.parametrize(
    ("headers", "cookie", "expected"),
    [
        ({}, None, "Please sign in."),
        ({"Accept_Language": "zh-CN,zh;q=0.9"}, None, "请登录。"),
        ({"Accept_Language": "fr, zh-TW;q=0.8"}, None, "請登入。"),
        ({"Accept_Language": "zh-HK"}, None, "請登入。"),
        ({"Accept_Language": "zh-CN"}, "zh-Hant", "請登入。"),
        ({"Accept_Language": "xx;q=9,,;=,*"}, "../etc", "Please sign in."),
    ],
)
def test_refusals_are_in_the_readers_language(
    web: Web, headers: dict[str, str], cookie: str | None, expected: str
) -> None:
    stranger = web.stranger()
    if cookie:
        stranger.client.set_cookie("fs_locale", cookie, domain="localhost")
    assert stranger.get("/api/v1/me", **headers).json["detail"] == expected


def test_what_people_chose_goes_before_their_browser(web: Web) -> None:
    ann = web.add_user("ann@example.com", "agent")
    program = web.program(web.token(ann))
    assert program.patch("/api/v1/me", {"locale": "zh-Hant"}).status_code == 200
    answer = program.get("/api/v1/users", Accept_Language="en")
    assert (answer.status_code, answer.json["title"]) == (403, "不允許")


def test_metrics_are_for_this_machine_or_for_the_token(make_installation: MakeInstallation) -> None:
    web = make_web(make_installation())
    client = web.app.test_client()
    web.stranger().get("/api/v1/me")
    assert b'fieldstone_requests_total{method="GET",route="/api/v1/me",status="401"} 1.0' in client.get("/metrics").data
    assert client.get("/metrics", environ_overrides={"REMOTE_ADDR": "192.0.2.1"}).status_code == 404
    with_token = make_web(replace_settings(web, metrics_token="figures")).app.test_client()
    assert with_token.get("/metrics").status_code == 404
    assert with_token.get("/metrics", headers={"Authorization": "Bearer figures"}).status_code == 200


def replace_settings(web: Web, **changes: Any) -> Any:
    home = web.home
    home.settings = replace(home.settings, **changes)
    return home


def test_probes_say_whether_the_process_lives_and_whether_it_can_serve(web: Web) -> None:
    client = web.app.test_client()
    assert client.get("/healthz").json == {"status": "ok"}
    assert client.get("/readyz").status_code == 200


def test_a_route_without_a_policy_is_a_start_up_error(make_installation: MakeInstallation) -> None:
    frame, _, _ = make_frame(make_installation())
    api = Api("open_door")
    api.blueprint.add_url_rule("/open-door", "open_door", lambda: "anybody")
    frame.blueprints.append(api.blueprint)
    with pytest.raises(Misconfigured) as refused:
        make_app(compose(frame, ()))
    assert any("/open-door" in route for route in refused.value.facts["routes"])


def test_every_route_of_the_platform_declares_its_policy(web: Web) -> None:
    assert undeclared(web.app) == []


def test_a_view_that_opens_no_unit_is_checked_before_its_answer_leaves(make_installation: MakeInstallation) -> None:
    def make_lazy(units: object, identity: object) -> Api:
        api = Api("lazy", prefix="/api/v1")

        @api.get("/lazy", policy=RIGHT("manage_users"))
        def lazy(call: object) -> Any:
            return data("secret of the house")

        return api

    web = make_web(make_installation(), make_lazy)
    agent, boss = web.add_user("ann@example.com", "agent"), web.add_user("boss@example.com", "boss")
    assert web.program(web.token(boss)).get("/api/v1/lazy").status_code == 200
    refused = web.program(web.token(agent)).get("/api/v1/lazy")
    assert (refused.status_code, "secret" in refused.text) == (403, False)
    assert web.program("fs_acme_" + "x" * 43).get("/api/v1/lazy").status_code == 401
    assert web.stranger().get("/api/v1/lazy").status_code == 401


def test_a_defect_of_ours_says_nothing_of_itself(make_installation: MakeInstallation) -> None:
    def make_broken(units: object, identity: object) -> Api:
        api = Api("broken", prefix="/api/v1")

        @api.get("/broken", policy=RIGHT("manage_users"))
        def broken(call: Any) -> Any:
            return call.read(lambda ctx, unit: unit.rows(sa.text("SELECT secret_column FROM no_such_table")))

        return api

    web = make_web(make_installation(), make_broken)
    answer = web.program(web.token(web.add_user("boss@example.com", "boss"))).get("/api/v1/broken")
    assert (answer.status_code, answer.json["code"]) == (500, "internal")
    assert answer.json["trace_id"] == answer.headers["X-Request-Id"]
    for inside in ("no_such_table", "secret_column", "Traceback", "sqlite", "psycopg", "/work", ".py"):
        assert inside not in answer.text
