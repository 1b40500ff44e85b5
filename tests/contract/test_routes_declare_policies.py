"""Every route of the whole product says who may call it, and those that anybody may call are known by name."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask

from fieldstone.app import create_app
from fieldstone.platform.http.policies import Policy
from fieldstone.platform.http.routes import policies, undeclared
from fieldstone.platform.identity.rights import SYSTEM_RIGHTS
from fieldstone.platform.settings import Settings

SECRET = "a secret for tests that is long enough"

OPEN_ROUTES = {
    ("GET", "/healthz"),
    ("GET", "/readyz"),
    ("GET", "/metrics"),
    ("GET", "/static/<version>/<path:path>"),
}
PUBLIC_ROUTES = {
    ("POST", "/api/v1/sessions"),
    ("POST", "/api/v1/sessions/second-factor"),
    ("POST", "/api/v1/password-tokens/redeem"),
    ("GET", "/sign-in"),
    ("POST", "/sign-in"),
    ("GET", "/sign-in/code"),
    ("POST", "/sign-in/code"),
    ("GET", "/set-password"),
    ("POST", "/set-password"),
}


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    folder: Path = tmp_path_factory.mktemp("routes")
    return create_app(Settings(environment="test", secret_key=SECRET, data_dir=folder))


def by_level(app: Flask, level: str) -> set[tuple[str, str]]:
    return {(method, rule) for method, rule, policy in policies(app) if policy.level == level}


def test_no_route_is_without_a_policy(app: Flask) -> None:
    assert undeclared(app) == []
    assert all(isinstance(policy, Policy) for _, _, policy in policies(app))


def test_what_anybody_may_call_is_known_by_name(app: Flask) -> None:
    assert by_level(app, "open") == OPEN_ROUTES
    assert by_level(app, "public") == PUBLIC_ROUTES


def test_rights_that_routes_ask_for_exist(app: Flask) -> None:
    assert {policy.right for _, _, policy in policies(app) if policy.level == "right"} <= set(SYSTEM_RIGHTS)


def test_no_public_route_reads_or_changes_anything_by_id(app: Flask) -> None:
    assert not [rule for _, rule in by_level(app, "public") if "<" in rule]


def test_answers_in_json_are_below_one_address_and_pages_are_not(app: Flask) -> None:
    for rule in app.url_map.iter_rules():
        kind = getattr(app.view_functions[rule.endpoint], "fieldstone_kind", "")
        if rule.rule.startswith("/api/"):
            assert kind == "api", rule.rule
