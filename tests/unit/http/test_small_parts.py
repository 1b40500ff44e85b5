"""The small parts of the HTTP frame: buckets, hosts, answers, statuses, problems."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from werkzeug.exceptions import BadGateway, RequestEntityTooLarge

from fieldstone.platform.http.etags import revision_in
from fieldstone.platform.http.hosts import Hosts
from fieldstone.platform.http.limits import Buckets, Rate
from fieldstone.platform.http.problems import problem_of
from fieldstone.platform.http.respond import duration, encode
from fieldstone.platform.http.statuses import STATUSES, status_of
from fieldstone.platform.kernel import errors
from fieldstone.platform.kernel.errors import FieldError, FieldstoneError


class Directory:
    """Hosts of two tenants."""

    def by_host(self, host: str) -> str | None:
        return {"service.hooli.example": "hooli", "acme.example": "acme"}.get(host)


def hosts(environment: str = "production", base: str = "fields.example") -> Hosts:
    return Hosts(Directory(), base_domain=base, default_tenant="demo", environment=environment)


@pytest.mark.parametrize(
    ("host", "tenant"),
    [
        ("acme.fields.example", "acme"),
        ("ACME.Fields.Example:443", "acme"),
        ("acme.fields.example.", "acme"),
        ("service.hooli.example:8443", "hooli"),
        ("fields.example", None),
        ("localhost:8080", None),
        ("127.0.0.1", None),
        ("[::1]:8080", None),
        ("10.1.2.3:80", None),
    ],
)
def test_a_host_fixes_a_tenant_or_is_bare(host: str, tenant: str | None) -> None:
    assert hosts().fixed_by(host) == tenant


@pytest.mark.parametrize(
    "host", ["evil.example", "fields.example.evil.example", "xfields.example", "a.b.fields.example", "_.fields.example"]
)
def test_a_host_nobody_registered_is_refused_in_production(host: str) -> None:
    with pytest.raises(FieldstoneError):
        hosts().fixed_by(host)


def test_a_public_page_takes_the_tenant_asked_for_on_bare_hosts_only() -> None:
    assert hosts().tenant_for_strangers("localhost", asked="acme", hinted="hooli") == "acme"
    assert hosts().tenant_for_strangers("localhost", asked=None, hinted="hooli") == "hooli"
    assert hosts().tenant_for_strangers("localhost", asked="../../x", hinted=None) == "demo"
    assert hosts().tenant_for_strangers("acme.example", asked="hooli", hinted="hooli") == "acme"


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_bucket_gives_its_burst_then_its_rate() -> None:
    clock = Clock()
    buckets = Buckets(Rate(rate=2, burst=5), clock=clock)
    for _ in range(5):
        buckets.take("a")
    with pytest.raises(errors.TooManyRequests) as refused:
        buckets.take("a")
    assert refused.value.facts["retry_after"] == 1
    buckets.take("b")
    clock.now += 1
    buckets.take("a")
    buckets.take("a")
    with pytest.raises(errors.TooManyRequests):
        buckets.take("a")


@settings(max_examples=100, deadline=None)
@given(st.lists(st.floats(0, 3), max_size=60))
def test_a_bucket_never_gives_more_than_its_burst_and_rate_allow(pauses: list[float]) -> None:
    clock = Clock()
    buckets, taken = Buckets(Rate(rate=2, burst=5), clock=clock), 0
    for pause in pauses:
        clock.now += pause
        try:
            buckets.take("a")
            taken += 1
        except errors.TooManyRequests:
            pass
    assert taken <= 5 + 2 * clock.now + 1e-6


def test_buckets_forget_those_not_used_for_longest() -> None:
    buckets = Buckets(Rate(rate=1, burst=1), clock=Clock(), max_keys=3)
    for key in "abcd":
        buckets.take(key)
    buckets.take("a")
    with pytest.raises(errors.TooManyRequests):
        buckets.take("d")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (timedelta(0), "PT0S"),
        (timedelta(days=1, hours=2), "P1DT2H"),
        (timedelta(minutes=90), "PT1H30M"),
        (timedelta(milliseconds=500), "PT0.5S"),
        (-timedelta(seconds=1, milliseconds=500), "-PT1.5S"),
        (timedelta(days=-1), "-P1D"),
        (timedelta(days=3), "P3D"),
    ],
)
def test_durations_are_iso_8601(value: timedelta, text: str) -> None:
    assert duration(value) == text


def test_values_read_as_the_contract_says() -> None:
    value: dict[str, Any] = {
        "amount": Decimal("1E+3"),
        "small": Decimal("0.10"),
        "at": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        "day": date(2026, 1, 2),
        "names": frozenset({"b", "a"}),
        "frozen": MappingProxyType({"x": (1, 2)}),
        "big": 10**30,
    }
    assert json.loads(encode(value)) == {
        "amount": "1000",
        "small": "0.10",
        "at": "2026-01-02T03:04:05Z",
        "day": "2026-01-02",
        "names": ["a", "b"],
        "frozen": {"x": [1, 2]},
        "big": 10**30,
    }


def test_an_absent_if_match_or_a_star_names_no_revision() -> None:
    assert (revision_in(None), revision_in("*"), revision_in('"7"'), revision_in(' W/"7" ')) == (None, None, 7, 7)


def _all_errors(kind: type[FieldstoneError] = FieldstoneError) -> list[type[FieldstoneError]]:
    return [kind, *(each for below in kind.__subclasses__() for each in _all_errors(below))]


def test_every_error_of_the_tree_has_a_status() -> None:
    for kind in _all_errors():
        assert 400 <= status_of(kind.__new__(kind)) < 600
    assert {s for k, s in STATUSES.items() if s >= 500 and k is not errors.Unavailable} == {500}


def test_facts_that_are_lists_or_mappings_become_members_and_plain_ones_only_words() -> None:
    error = errors.Conflict("{who} was faster.", who="Ann", allowed=["reopen"], status="x", conflicts={"a": [1, 2]})
    body = problem_of(error, locale="en", trace_id="t").body
    assert (body["detail"], body["allowed"], body["conflicts"]) == ("Ann was faster.", ["reopen"], {"a": [1, 2]})
    assert (body["status"], "who" in body) == (409, False)


def test_every_field_error_is_told_in_the_readers_language() -> None:
    error = errors.Invalid(errors=[FieldError(path="/name", code="required", message="This is needed.")])
    body = problem_of(error, locale="zh-Hans", trace_id="t").body
    assert body["errors"] == [{"path": "/name", "code": "required", "message": "此项必填。"}]


def test_what_werkzeug_refuses_is_told_in_our_words() -> None:
    problem = problem_of(RequestEntityTooLarge("quoted <b>input</b>"), locale="en", trace_id="t")
    assert (problem.status, problem.body["code"], "quoted" in str(problem.body)) == (413, "too_large", False)
    assert problem_of(BadGateway(), locale="en", trace_id="t").status == 500


def test_what_is_unknown_says_its_trace_id_and_nothing_else() -> None:
    body = problem_of(ValueError("secret 42"), locale="en", trace_id="abc").body
    assert (body["status"], body["code"], "abc" in body["detail"]) == (500, "internal", True)
    assert "secret" not in str(body)
    hidden = problem_of(errors.Misconfigured("secret {x}", x="42"), locale="en", trace_id="abc").body
    assert "secret" not in str(hidden)
