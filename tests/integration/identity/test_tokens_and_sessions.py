"""Credentials at the door, on both databases."""

from __future__ import annotations

from tests.support.web import Web


def test_a_token_tells_who_its_user_is(web: Web) -> None:
    user = web.add_user("ann@example.com", "boss")
    answer = web.program(web.token(user)).get("/api/v1/me")
    assert answer.status_code == 200, answer.text
    me = answer.json["data"]
    assert (me["email"], me["roles"], me["tenant"]["name"]) == ("ann@example.com", ["boss"], "acme")
    assert "manage_users" in me["rights"]
