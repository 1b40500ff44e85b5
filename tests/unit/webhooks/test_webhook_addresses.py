"""Outgoing calls reach public addresses only, however the address is spelled."""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from ipaddress import ip_address

import pytest

from fieldstone.objects.webhooks.addresses import NotPublic, Unreachable, destination, is_public, looked_up
from fieldstone.platform.kernel.errors import Invalid

PUBLIC = "93.184.216.34"


def answers(*addresses: str) -> Callable[[str, int], Sequence[str]]:
    return lambda host, port: addresses


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.1",
        "127.0.1",
        "0x7f000001",
        "0x7f.1",
        "0177.0.0.1",
        "017700000001",
        "2130706433",
        "0",
        "0.0.0.0",
        "localhost",
        "LOCALHOST",
        "localhost.",
        "127.0.0.1.",
        "127.0.0.1。",
        "⑫7.0.0.1",
        "127。0。0。1",
        "10.0.0.1",
        "10.1",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.1.1",
        "0xc0a80101",
        "169.254.169.254",
        "0xa9fea9fe",
        "2852039166",
        "169.254.1",
        "100.64.0.1",
        "100.100.100.200",
        "192.0.0.192",
        "192.0.2.1",
        "198.18.0.1",
        "203.0.113.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "168.63.129.16",
        "[::1]",
        "[::]",
        "[0:0:0:0:0:0:0:1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::ffff:169.254.169.254]",
        "[::127.0.0.1]",
        "[::7f00:1]",
        "[64:ff9b::7f00:1]",
        "[64:ff9b::a9fe:a9fe]",
        "[64:ff9b:1::1]",
        "[2002:7f00:1::]",
        "[2002:a9fe:a9fe::]",
        "[2001:0:7f00:1::]",
        "[fe80::1]",
        "[fc00::1]",
        "[fd00:ec2::254]",
        "[fec0::1]",
        "[ff02::1]",
        "[2001:db8::1]",
    ],
)
def test_no_spelling_of_an_internal_address_gets_through(host: str) -> None:
    for url in (f"http://{host}/", f"https://{host}:8443/x"):
        with pytest.raises(NotPublic):
            destination(url)


@pytest.mark.parametrize(
    "url",
    [
        "ftp://93.184.216.34/",
        "file:///etc/passwd",
        "gopher://93.184.216.34:70/",
        "dict://93.184.216.34/",
        "//93.184.216.34/",
        "93.184.216.34",
        "http:///x",
        "http://",
        "",
        "http://user@93.184.216.34/",
        "http://user:pass@93.184.216.34/",
        "http://93.184.216.34@127.0.0.1/",
        "http://93.184.216.34\\@127.0.0.1/",
        "http://93.184.216.34\\.example.com/",
        "http://93.184.216.34/a b",
        "http://93.184.216.34/\r\nHost: evil",
        "http://93.184.216.34/\x00",
        "http://93.184.216.34:99999/",
        "http://93.184.216.34:0/",
        "http://93.184.216.34:x/",
        "http://[::1/",
        "http://" + "a" * 70 + ".example/",
        "http://93.184.216.34/" + "a" * 2000,
    ],
)
def test_what_is_no_plain_web_address_is_refused(url: str) -> None:
    with pytest.raises(Invalid):
        destination(url, resolve=answers(PUBLIC))


def test_a_public_address_is_looked_up_once_and_kept() -> None:
    asked: list[str] = []

    def resolve(host: str, port: int) -> Sequence[str]:
        asked.append(f"{host}:{port}")
        return [PUBLIC]

    found = destination("https://Hooks.Example.com./in?a=b#c", resolve=resolve)
    assert (found.address, found.host, found.port, found.target) == (PUBLIC, "hooks.example.com", 443, "/in?a=b")
    assert found.host_header == "hooks.example.com"
    assert asked == ["hooks.example.com:443"]


def test_the_host_header_names_an_unusual_port_and_brackets_ipv6() -> None:
    assert destination("http://h.example:8080", resolve=answers(PUBLIC)).host_header == "h.example:8080"
    assert destination("http://[2606:4700::1111]").host_header == "[2606:4700::1111]"
    assert destination("http://[2606:4700::1111]:81").host_header == "[2606:4700::1111]:81"


@pytest.mark.parametrize(
    "inside", ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "fe80::1%eth0", "::ffff:10.0.0.1"]
)
def test_a_name_that_points_inside_is_refused_even_among_public_addresses(inside: str) -> None:
    for addresses in ((inside,), (PUBLIC, inside), (inside, PUBLIC)):
        with pytest.raises(NotPublic):
            destination("http://rebind.example/", resolve=answers(*addresses))


def test_a_host_without_addresses_is_told() -> None:
    def nothing(host: str, port: int) -> Sequence[str]:
        raise socket.gaierror("no such host")

    with pytest.raises(Unreachable):
        destination("http://missing.example/", resolve=nothing)
    with pytest.raises(Unreachable):
        destination("http://empty.example/", resolve=answers())


def test_only_hosts_that_the_operator_named_may_be_inside() -> None:
    assert destination("http://127.0.0.1:9000/", allowed=["127.0.0.1"]).address == "127.0.0.1"
    assert destination("http://127.0.0.1:9000/", allowed=["127.0.0.1:9000"]).port == 9000
    for allowed in (["127.0.0.1:9001"], ["127.0.0"], ["localhost"], [""]):
        with pytest.raises(NotPublic):
            destination("http://127.0.0.1:9000/", allowed=allowed)


def test_the_systems_resolver_gives_plain_addresses() -> None:
    assert "127.0.0.1" in looked_up("127.1", 80)


def test_ordinary_public_addresses_are_public() -> None:
    for url in ("http://1.1.1.1/", "http://8.8.8.8/", "http://[2606:4700::1111]/", "http://[::ffff:8.8.8.8]/"):
        destination(url)
    assert is_public(ip_address(PUBLIC))
