"""`fieldstone doctor`: looks for what is wrong with an installation.

What comes in: the checks of the frame (`frame.checks`) besides its own: settings, directory, tenants, broker. What goes
out: a line per check; status 1 when one failed.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import click
import structlog
from kombu.connection import Connection

from fieldstone.platform.cli.people import system_caller
from fieldstone.platform.frame import Check, Frame
from fieldstone.platform.kernel.errors import FieldstoneError, Unavailable
from fieldstone.platform.settings import Settings, Surroundings, findings
from fieldstone.platform.tenancy.store import ACTIVE, TenantStore
from fieldstone.platform.units import Units

_log = structlog.get_logger("fieldstone.doctor")
LEAST_FREE = 500_000_000
BROKER_S = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a check found."""

    name: str
    ok: bool
    words: str


def make_doctor(frame: Frame) -> click.Command:
    """`doctor`."""

    @click.command("doctor", help="Look for what is wrong with this installation.")
    @click.option("--json", "as_json", is_flag=True, help="One JSON list.")
    def doctor(as_json: bool) -> None:
        outcomes = [_examined(check) for check in (*_own_checks(frame), *frame.checks)]
        if as_json:
            click.echo(json.dumps([{"check": o.name, "ok": o.ok, "found": o.words} for o in outcomes]))
        else:
            _show(outcomes)
        if not all(outcome.ok for outcome in outcomes):
            raise SystemExit(1)

    return doctor


def _show(outcomes: Sequence[Outcome]) -> None:
    for outcome in outcomes:
        mark = click.style("ok  ", fg="green") if outcome.ok else click.style("BAD ", fg="red")
        click.echo(f"{mark} {outcome.name:<20} {outcome.words}")


def _examined(check: Check) -> Outcome:
    try:
        return Outcome(name=check.name, ok=True, words=check.look())
    except FieldstoneError as error:
        return Outcome(name=check.name, ok=False, words=str(error))
    except Exception as error:
        _log.warning("doctor.failed", check=check.name, exc_info=True)
        return Outcome(name=check.name, ok=False, words=type(error).__name__)


def _own_checks(frame: Frame) -> Iterator[Check]:
    settings = frame.settings
    yield Check(name="settings", look=partial(_settings, settings))
    yield Check(name="disk", look=partial(_disk, settings))
    yield Check(name="directory", look=partial(_directory, frame.need(TenantStore)))
    yield Check(name="tenants", look=partial(_tenants, frame.need(TenantStore), frame.need(Units)))
    yield Check(name="broker", look=partial(_broker, settings))


def _settings(settings: Settings) -> str:
    found = findings(settings, Surroundings.of(settings))
    words = " ".join(finding.message for finding in found)
    if any(finding.fatal for finding in found) and settings.environment == "production":
        raise Unavailable(words)
    return f"{settings.environment}. {words}".strip()


def _disk(settings: Settings) -> str:
    folder = settings.data_dir if settings.data_dir.is_dir() else settings.data_dir.absolute().parent
    free = shutil.disk_usage(folder).free
    if free < LEAST_FREE:
        raise Unavailable("Only {free} MB are free in the data directory.", free=free // 1_000_000)
    return f"{free // 1_000_000} MB free"


def _directory(tenants: TenantStore) -> str:
    return f"{len(tenants.list())} tenants"


def _tenants(tenants: TenantStore, units: Units) -> str:
    """Every active tenant answers; its snapshot loads."""
    active = [record.tenant.name for record in tenants.list() if record.state == ACTIVE]
    for name in active:
        units.read(system_caller(name), lambda ctx, unit: ctx.snapshot.version)
    return f"{len(active)} active tenants answer"


def _broker(settings: Settings) -> str:
    if settings.broker_url is None:
        return "embedded"
    with Connection(settings.broker_url, connect_timeout=BROKER_S) as connection:  # type: ignore[no-untyped-call]
        connection.ensure_connection(max_retries=1, timeout=BROKER_S)
    return "answers"
