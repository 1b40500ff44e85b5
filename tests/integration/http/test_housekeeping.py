"""What a home need not keep goes, what it needs stays; every new tenant is tidied from the beginning."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import sqlalchemy as sa

from fieldstone.app import make_frame
from fieldstone.platform.housekeeping import SESSIONS_KEPT, TIMER, Housekeeping
from fieldstone.platform.http.idempotency import KEYS, Idempotency
from fieldstone.platform.identity.tables import ONE_TIME_TOKEN, SESSION, SIGN_IN_COUNTER
from fieldstone.platform.identity.throttle import SignInThrottle
from fieldstone.platform.tenancy.store import TenantStore
from fieldstone.platform.units import Caller, SystemCredential, Units
from fieldstone.platform.work.tables import timer
from tests.support.installation import begin_without_tenants, settings_for
from tests.support.web import PASSWORD, Web

TABLES = (KEYS, SESSION, ONE_TIME_TOKEN, SIGN_IN_COUNTER)


def counts(web: Web) -> list[int]:
    return [
        web.run_read(lambda ctx, unit, t=table: unit.scalar(sa.select(sa.func.count()).select_from(t)))
        for table in TABLES
    ]


def test_old_keys_sessions_tokens_and_counters_go_and_fresh_ones_stay(web: Web) -> None:
    ann = web.add_user("ann@example.com", "boss", password=PASSWORD)
    browser = web.browser("ann@example.com")
    web.run(lambda ctx, unit: web.identity.passwords.issue(ctx, unit, ann.id, "reset"))
    assert browser.post("/api/v1/teams", {"name": "North"}, Idempotency_Key="k").status_code == 201
    web.stranger().post("/api/v1/sessions?tenant=acme", {"email": "ann@example.com", "password": "wrong"})
    before = counts(web)
    assert all(before)
    housekeeping = Housekeeping(web.home.work.timers, Idempotency(hours=24), SignInThrottle())
    web.run(housekeeping.tidy)
    assert counts(web) == before
    web.home.clock.move(SESSIONS_KEPT + timedelta(hours=web.home.settings.session_hours + 24))
    web.run(housekeeping.tidy)
    assert counts(web) == [0, 0, 0, 0]


def test_every_new_tenant_is_tidied(tmp_path: Path) -> None:
    frame = make_frame(settings_for(tmp_path, None))
    tenants, units = frame.need(TenantStore), frame.need(Units)
    begin_without_tenants(tenants)
    tenants.create("acme", "Acme")
    caller = Caller(tenant="acme", credential=SystemCredential())
    kinds = units.read(caller, lambda ctx, unit: {row[0] for row in unit.rows(sa.select(timer.c.kind))})
    assert TIMER in kinds
    assert TIMER in frame.timer_kinds
