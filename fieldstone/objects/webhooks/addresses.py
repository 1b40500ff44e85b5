"""Where an outgoing call may go: public addresses only.

What comes in: a URL that a tenant wrote. What goes out: a `Destination` with one address that was looked up and
checked, to which the connection is then made (so that a second look-up cannot give another answer). Who calls it: the
sender of webhooks.

Not the spelling is judged but what it resolves to: `127.1`, `0x7f000001`, `2130706433`, a name that points to a
private address and IPv6 forms that wrap an IPv4 address all end in the same check.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import TypeAlias
from urllib.parse import urlsplit

from fieldstone.platform.kernel.errors import Forbidden, Invalid

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolver: TypeAlias = Callable[[str, int], Sequence[str]]
"""Addresses of a host name; raises `OSError` when there are none."""

MAX_URL = 2_000
_PORTS = {"http": 80, "https": 443}

# Not private by their number, but never a stranger's server: translation and tunnel prefixes that wrap other
# addresses, and the metadata service of a large cloud that answers on a public address.
_NEVER = tuple(
    ipaddress.ip_network(each)
    for each in (
        "64:ff9b::/96",
        "64:ff9b:1::/48",
        "2002::/16",
        "2001::/32",
        "::/96",
        "fec0::/10",
        "192.0.0.0/24",
        "168.63.129.16/32",
    )
)


class Unreachable(Invalid):
    """The address {host} cannot be looked up."""

    code = "webhook_host"


class NotPublic(Forbidden):
    """The address {host} is not on the public internet."""

    code = "webhook_not_public"


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """Where to connect (`address`, `port`) and what to ask for there (`host` for TLS and the Host header)."""

    scheme: str
    host: str
    port: int
    address: str
    target: str

    @property
    def host_header(self) -> str:
        """The Host header: the port only where it is not the usual one, IPv6 in brackets."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"


def looked_up(host: str, port: int) -> Sequence[str]:
    """All addresses of a host, by the system's resolver. Raises `OSError`."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]


def destination(url: str, allowed: Collection[str] = (), resolve: Resolver = looked_up) -> Destination:
    """The checked destination of a URL.

    `allowed` are hosts (`name` or `name:port`) that the operator trusts although they are not public. Raises `Invalid`
    for what is no such URL, `Unreachable` for a host without addresses, `NotPublic` when any of its addresses is
    private, local, reserved or a metadata service.
    """
    scheme, host, port, target = _parts(url)
    try:
        addresses = [ipaddress.ip_address(text) for text in resolve(host, port)]
    except (OSError, UnicodeError, ValueError) as error:
        raise Unreachable(host=host) from error
    if not addresses:
        raise Unreachable(host=host)
    if not {host, f"{host}:{port}"} & set(allowed) and not all(is_public(address) for address in addresses):
        raise NotPublic(host=host)
    return Destination(scheme=scheme, host=host, port=port, address=str(addresses[0]), target=target)


def is_public(address: Address) -> bool:
    """Whether an address belongs to the public internet."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.scope_id is not None:
            return False
        if address.ipv4_mapped is not None:
            return is_public(address.ipv4_mapped)
    if any(address.version == network.version and address in network for network in _NEVER):
        return False
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)


def _parts(url: str) -> tuple[str, str, int, str]:
    if len(url) > MAX_URL or any(ord(letter) <= 32 or ord(letter) == 127 for letter in url) or "\\" in url:
        raise Invalid("This is not a web address that can be called.", code="webhook_url")
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").rstrip(".").encode("idna").decode().rstrip(".")
        port = parts.port if parts.port is not None else _PORTS.get(parts.scheme, 0)
    except (ValueError, UnicodeError) as error:
        raise Invalid("This is not a web address that can be called.", code="webhook_url") from error
    if parts.scheme not in _PORTS or not host or not port or "@" in parts.netloc:
        raise Invalid("This is not a web address that can be called.", code="webhook_url")
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return parts.scheme, host, port, target
