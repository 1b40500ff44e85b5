"""What strangers send: always a clear 4xx, never a 5xx, and nothing changes."""

from __future__ import annotations

import io
from itertools import product

import pytest
import sqlalchemy as sa
from werkzeug.test import EnvironBuilder, run_wsgi_app

from fieldstone.platform.identity.tables import USER
from tests.support.web import Program, Web

DEEP = b'{"name":' * 100_000
BODIES: list[tuple[bytes, int]] = [
    (b"", 400),
    (b"nonsense", 400),
    (b"{", 400),
    (b'{"name": "A",}', 400),
    (b'{"name": NaN}', 400),
    (b'{"name": Infinity}', 400),
    (b'{"name": -Infinity}', 400),
    (b'{"name": 1e999999999}', 400),
    (b'{"name": ' + b"9" * 100_000 + b"}", 400),
    (b'{"name": 0.' + b"9" * 100_000 + b"}", 400),
    (DEEP, 400),
    (b"[" * 200_000, 400),
    (b'{"name": "a", "name": "b"}', 400),
    (b'\xef\xbb\xbf{"name": "A"}', 400),
    ('{"name": "A"}'.encode("utf-16"), 400),
    (b'{"name": "\xff\xfe"}', 400),
    (b'{"name": "\xed\xa0\x80"}', 400),
    (b'{"name": "a\x00b"}', 400),
    (b'{"name": "a\\u0000b"}', 400),
    (b'{"name": "\\ud800"}', 400),
    (b'{"\\udfff": 1}', 400),
    (b"[]", 422),
    (b"null", 422),
    (b'"text"', 422),
    (b"12", 422),
    (b'{"name": {}}', 422),
    (b'{"' + b"k" * 1_000 + b'": 1}', 422),
    (b"{" + b",".join(b'"k%d": 1' % n for n in range(100_000)) + b"}", 422),
    (b'{"name": "' + b"x" * 3_000_000 + b'"}', 413),
]


@pytest.fixture
def program(web: Web) -> Program:
    return web.program(web.token(web.add_user("ann@example.com", "boss")))


def test_a_body_that_cannot_be_read_is_a_clear_refusal(web: Web, program: Program) -> None:
    doors = (("PATCH", "/api/v1/me"), ("POST", "/api/v1/users"), ("POST", "/api/v1/sessions?tenant=acme"))
    for (body, status), (method, path) in product(BODIES, doors):
        answer = program.send(method, path, data=body)
        assert answer.status_code == status, (path, body[:60], answer.text[:300])
        problem = answer.json
        assert answer.content_type == "application/problem+json"
        assert {"type", "title", "status", "code", "detail", "trace_id"} <= set(problem)
        assert (problem["status"], problem["trace_id"]) == (status, answer.headers["X-Request-Id"])
    assert web.run_read(lambda ctx, unit: unit.rows(sa.select(USER.c.name))) == [("Ann",)]


def test_json_comes_as_json_or_not_at_all(program: Program) -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "", "a/b;c/d"):
        answer = program.send("PATCH", "/api/v1/me", data=b'{"name": "A"}', Content_Type=kind)
        assert answer.status_code == 415, (kind, answer.text)


def test_other_encodings_of_a_body_are_refused(program: Program) -> None:
    for headers in ({"Content_Type": "application/json; charset=utf-16"}, {"Content_Encoding": "gzip"}):
        assert program.send("PATCH", "/api/v1/me", data=b'{"name": "A"}', **headers).status_code == 415


ADDRESSES: list[tuple[str, int]] = [
    ("/api/v1/users?nope=1", 400),
    ("/api/v1/users?limit=1&limit=2", 400),
    ("/api/v1/users?limit=-1", 400),
    ("/api/v1/users?limit=0", 400),
    ("/api/v1/users?limit=1e3", 400),
    ("/api/v1/users?limit=" + "9" * 5_000, 400),
    ("/api/v1/users?q=%00", 400),
    ("/api/v1/users?q=%ff", 400),
    ("/api/v1/users?q=%ed%a0%80", 400),
    ("/api/v1/users?cursor=!!", 400),
    ("/api/v1/users?cursor=%F0%9F%98%80", 400),
    ("/api/v1/users?cursor=/w==", 400),
    ("/api/v1/users/%00", 400),
    ("/api/v1/users/..%2f..%2fetc", 404),
    ("/api/v1/users/'; drop table user_account; --", 404),
    ("/api/v1/users/" + "a" * 5_000, 404),
    ("/api/v1/me?tenant=globex", 400),
    ("/api/v1/nothing", 404),
    ("/api/v1/users?limit=1000000000", 200),
]


def test_a_strange_address_is_a_clear_answer(program: Program) -> None:
    for address, status in ADDRESSES:
        answer = program.get(address)
        assert answer.status_code == status, (address, answer.text)
        if status != 200:
            assert answer.content_type == "application/problem+json"


def test_bytes_in_a_path_that_are_no_text_are_400(program: Program) -> None:
    answer = program.client.get(
        "/api/v1/users/x", headers=program.headers, environ_overrides={"PATH_INFO": "/api/v1/users/\xff"}
    )
    assert answer.status_code == 400


def test_an_if_match_that_is_no_entity_tag_is_400(program: Program) -> None:
    for header in ("7", '"', "abc", '"1","2"', 'W/"', "\u00ff", '"a\tb"', '"' + "1" * 300 + '"'):
        assert program.patch("/api/v1/me", {"name": "B"}, If_Match=header).status_code == 400, header


def test_an_entity_tag_that_is_none_of_ours_is_412(program: Program) -> None:
    for header in ('"x"', '""', '"-1"', '"999999999999"', '"1.0"'):
        assert program.patch("/api/v1/me", {"name": "B"}, If_Match=header).status_code == 412, header


def test_a_weakened_entity_tag_still_counts(program: Program) -> None:
    assert program.patch("/api/v1/me", {"name": "B"}, If_Match='W/"1"').status_code == 200


def test_an_idempotency_key_is_short_and_plain(program: Program) -> None:
    for key in ("", "a b", "\u00e9", "x" * 201):
        body = {"email": "new@example.com", "name": "New"}
        assert program.post("/api/v1/users", body, Idempotency_Key=key).status_code == 400, key


def test_a_method_that_an_address_does_not_know_is_405_and_names_those_it_knows(program: Program) -> None:
    answer = program.send("PUT", "/api/v1/me")
    assert answer.status_code == 405
    assert {"GET", "PATCH"} <= set(answer.headers["Allow"].split(", "))
    assert answer.json["code"] == "method_not_allowed"


def test_a_body_without_a_length_is_capped_too(web: Web, program: Program) -> None:
    environ = EnvironBuilder(
        path="/api/v1/me", method="PATCH", headers={**program.headers, "Content-Type": "application/json"}
    ).get_environ()
    environ |= {"wsgi.input": _Endless(), "wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"}
    environ.pop("CONTENT_LENGTH", None)
    _, status, _ = run_wsgi_app(web.app, environ)
    assert status.startswith("413")


def test_the_host_header_cannot_be_anything(program: Program) -> None:
    for host in ("a b", "evil.example/x", "[::1", "\u00e4\u00e4", "acme.localhost\t"):
        answer = program.client.get("/api/v1/me", headers={**program.headers, "Host": host})
        assert answer.status_code in (400, 401), (host, answer.status_code)


class _Endless(io.RawIOBase):
    """A body that never ends."""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray) -> int:
        buffer[:] = b" " * len(buffer)
        return len(buffer)
