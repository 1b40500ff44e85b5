"""Bad input is the documented refusal, and the database is the same afterwards."""

import json

import pytest
import sqlalchemy as sa

from fieldstone.platform.metadata.snapshots import Snapshots
from fieldstone.platform.units import Caller, SystemCredential, Units


def everything(acme):
    """All records of all objects of the tenant, as they are stored."""

    def read(ctx, unit):
        kinds = [kind for kind in acme.frame.need(Snapshots).source(unit).all("object") if kind.managed_by is None]
        return {
            kind.name: sorted(unit.rows(sa.select(*kind.table.columns)), key=lambda row: str(row[0])) for kind in kinds
        }

    return acme.frame.need(Units).read(Caller(tenant="acme", credential=SystemCredential()), read)


@pytest.fixture(scope="module")
def quote(acme):
    line = {"description": "Work", "quantity": "1", "unit_price": {"amount": "6000", "currency": "USD"}}
    made = acme.add("quote", {"subject": "Repair", "customer": acme.ids["customer"], "lines": [line]}, role="agent")
    acme.as_("agent").post(f"/api/v1/records/quote/{made['id']}/actions/quote_submit", {})
    return made


NEST = b'{"subject": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"
RAW = {
    "a nest of brackets": (NEST, 400),
    "NaN": (b'{"discount": NaN}', 400),
    "an infinity": (b'{"discount": 1e999999}', None),
    "duplicate keys": (b'{"subject": "a", "subject": "b"}', 400),
    "a NUL": (b'{"subject": "a\\u0000b"}', 400),
    "half a surrogate": (b'{"subject": "\\ud800"}', 400),
    "broken UTF-8": (b'{"subject": "\xff"}', 400),
    "UTF-16": ('{"subject": "a"}'.encode("utf-16"), 400),
    "a list": (b"[1]", 422),
    "an unknown field": (b'{"sublect": "a"}', 422),
    "a computed field": (b'{"total": {"amount": "1", "currency": "USD"}}', 422),
    "a system field": (b'{"created_by": "01900000-0000-7000-8000-000000000000"}', 422),
    "the id": (b'{"id": "01900000-0000-7000-8000-000000000000"}', 422),
    "a wrong type": (b'{"subject": 7}', 422),
    "an unknown option": (b'{"status": "flying"}', 422),
    "a million digits": (b'{"discount": ' + b"9" * 1_000_000 + b"}", None),
}


@pytest.mark.parametrize("name", RAW)
def test_a_hostile_body_is_refused_on_create_and_update(acme, quote, name):
    body, status = RAW[name]
    before = everything(acme)
    for answer in (
        acme.as_("admin").send("POST", "/api/v1/records/quote", data=body),
        acme.as_("admin").send("PATCH", f"/api/v1/records/quote/{quote['id']}", data=body),
    ):
        assert 400 <= answer.status_code < 500, answer.text
        assert status is None or answer.status_code == status, answer.text
        assert answer.content_type == "application/problem+json"
        assert json.loads(answer.data)["code"]
    assert everything(acme) == before


def test_a_locked_record_another_tenants_id_and_a_stale_revision_change_nothing(acme, quote):
    before = everything(acme)
    address = f"/api/v1/records/quote/{quote['id']}"
    assert acme.as_("admin").patch(address, {"subject": "Other"}).status_code == 423
    assert acme.as_("admin", tenant="globex").patch(address, {"subject": "Other"}).status_code == 404
    assert acme.as_("admin", tenant="globex").delete(address).status_code == 404
    customer = f"/api/v1/records/customer/{acme.ids['customer']}"
    stale = acme.as_("admin").patch(customer, {"name": "Other"}, If_Match='"999"')
    assert stale.status_code == 412
    assert stale.json["conflicts"]["name"]
    assert acme.as_("engineer").patch(customer, {"name": "Other"}).status_code == 403
    assert everything(acme) == before


@pytest.mark.parametrize(
    "query",
    [
        "filter=nosuch == 1",
        "filter=status ==",
        "filter=" + "(" * 400 + "1" + ")" * 400,
        "filter=subject.matches('(a')",
        "sort=nosuch",
        "sort=subject;drop table",
        "fields=nosuch",
        "fields=customer.password",
        "cursor=zzz",
        "limit=abc",
        "nosuch=1",
        "view=nosuch",
    ],
)
def test_a_query_that_makes_no_sense_says_so(acme, query):
    answer = acme.as_("admin").get(f"/api/v1/records/quote?{query}")
    assert answer.status_code in (400, 404), answer.text
    assert answer.content_type == "application/problem+json"
