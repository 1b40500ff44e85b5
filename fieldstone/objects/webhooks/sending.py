"""One outgoing call: to the checked address, without redirects, bounded in time and size.

What comes in: a `Destination`, a body and headers. What goes out: the status of the answer, or `CallFailed`. Who calls
it: the consumer of webhook messages, never inside a unit of work.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass

from fieldstone.objects.webhooks.addresses import Destination

CONNECT_SECONDS = 5.0
TOTAL_SECONDS = 15.0
MAX_ANSWER = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back: the status, and the first part of the body (at most 64 KiB)."""

    status: int
    body: bytes


class CallFailed(Exception):
    """No answer: refused, broken off, too slow, or not HTTP."""


def post(destination: Destination, body: bytes, headers: Mapping[str, str]) -> Answer:
    """Send a POST and read the answer, within 15 seconds in all. Raises `CallFailed`."""
    deadline = time.monotonic() + TOTAL_SECONDS
    connection = _Pinned(destination)
    try:
        connection.putrequest("POST", destination.target, skip_host=True, skip_accept_encoding=True)
        for name, value in {"Host": destination.host_header, **headers, "Content-Length": str(len(body))}.items():
            connection.putheader(name, value)
        connection.endheaders(body)
        _hurry(connection, deadline)
        response = connection.getresponse()
        return Answer(status=response.status, body=_read(connection, response, deadline))
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise CallFailed(f"{type(error).__name__}: {error}"[:300]) from error
    finally:
        connection.close()


class _Pinned(http.client.HTTPConnection):
    """A connection to the address that was checked; TLS is verified for the name that was asked for."""

    def __init__(self, destination: Destination) -> None:
        super().__init__(destination.host, destination.port, timeout=CONNECT_SECONDS)
        self._destination = destination

    def connect(self) -> None:
        to = (self._destination.address, self._destination.port)
        self.sock = socket.create_connection(to, timeout=CONNECT_SECONDS)
        if self._destination.scheme == "https":
            context = ssl.create_default_context()
            self.sock = context.wrap_socket(self.sock, server_hostname=self._destination.host)


def _hurry(connection: http.client.HTTPConnection, deadline: float) -> None:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError("the answer took too long")
    if connection.sock is not None:
        connection.sock.settimeout(left)


def _read(connection: http.client.HTTPConnection, response: http.client.HTTPResponse, deadline: float) -> bytes:
    parts: list[bytes] = []
    size = 0
    while size < MAX_ANSWER:
        _hurry(connection, deadline)
        part = response.read1(MAX_ANSWER - size)
        if not part:
            break
        parts.append(part)
        size += len(part)
    return b"".join(parts)
