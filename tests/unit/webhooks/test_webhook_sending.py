"""One call: pinned to the checked address, no redirects, bounded; signed so that a receiver can check it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any, ClassVar

import pytest

from fieldstone.objects.webhooks.addresses import Destination
from fieldstone.objects.webhooks.sending import MAX_ANSWER, CallFailed, post
from fieldstone.objects.webhooks.signing import headers, signature, tenant_secret


class Receiver(BaseHTTPRequestHandler):
    seen: ClassVar[list[dict[str, Any]]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.seen.append({"path": self.path, "headers": dict(self.headers), "body": body})
        if self.path == "/redirect":
            self.send_response(302)
            self.send_header("Location", "/in")
            self.end_headers()
            return
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"x" * (MAX_ANSWER * 3) if self.path == "/large" else b"fine")

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


@contextmanager
def receiver() -> Iterator[int]:
    Receiver.seen = []
    server = HTTPServer(("127.0.0.1", 0), Receiver)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def to(port: int, target: str = "/in") -> Destination:
    return Destination(scheme="http", host="hooks.example", port=port, address="127.0.0.1", target=target)


def test_the_connection_goes_to_the_checked_address_and_asks_for_the_name() -> None:
    with receiver() as port:
        answer = post(to(port, "/in?a=b"), b"{}", {"X-Test": "1"})
    assert (answer.status, answer.body) == (200, b"fine")
    (seen,) = Receiver.seen
    assert seen["path"] == "/in?a=b"
    assert seen["headers"]["Host"] == f"hooks.example:{port}"
    assert seen["headers"]["X-Test"] == "1"
    assert seen["body"] == b"{}"


def test_redirects_are_not_followed() -> None:
    with receiver() as port:
        assert post(to(port, "/redirect"), b"{}", {}).status == 302
    assert [seen["path"] for seen in Receiver.seen] == ["/redirect"]


def test_only_the_first_part_of_a_large_answer_is_read() -> None:
    with receiver() as port:
        assert len(post(to(port, "/large"), b"{}", {}).body) == MAX_ANSWER


def test_nobody_there_is_a_failed_call() -> None:
    with receiver() as port:
        pass
    with pytest.raises(CallFailed):
        post(to(port), b"{}", {})


def test_a_header_cannot_smuggle_another() -> None:
    with receiver() as port, pytest.raises(CallFailed):
        post(to(port), b"{}", {"X-Test": "1\r\nX-Evil: 2"})
    assert Receiver.seen == []


def test_each_tenant_has_its_own_secret() -> None:
    secrets = {tenant_secret("key", "a"), tenant_secret("key", "b"), tenant_secret("other", "a")}
    assert len(secrets) == 3
    assert all(secret.startswith("whsec_") and len(secret) == 50 for secret in secrets)
    assert tenant_secret("key", "a") == tenant_secret("key", "a")


def test_the_signature_is_that_of_standard_webhooks() -> None:
    # The example of the specification.
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    body = b'{"test": 2432232314}'
    expected = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert signature(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body) == expected


def test_the_headers_carry_what_a_receiver_needs_to_check() -> None:
    secret = tenant_secret("key", "acme")
    sent = headers(secret, "m1", 1700000000, b"body")
    assert sent["webhook-id"] == "m1"
    assert sent["webhook-timestamp"] == "1700000000"
    key = base64.b64decode(secret.removeprefix("whsec_"))
    mac = hmac.new(key, b"m1.1700000000.body", hashlib.sha256).digest()
    assert sent["webhook-signature"] == "v1," + base64.b64encode(mac).decode()
