"""Work through real brokers: a worker process, killed workers, a broker that is away."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from fieldstone.platform.clock import SystemClock
from fieldstone.platform.kernel.errors import Misconfigured
from fieldstone.platform.work.celery_app import SendToCelery, make_celery
from tests.support import brokers, ledger
from tests.support.installation import Installation, settings_for
from tests.support.worker import kinds

WAIT_SECONDS = 60

Numbers = list[tuple[Any, ...]]


@pytest.fixture(params=["redis", "rabbitmq"])
def broker_url(request: pytest.FixtureRequest) -> Iterator[str]:
    with brokers.broker(request.param) as url:
        yield url


@pytest.fixture
def queue_prefix(broker_url: str, tmp_path: Path) -> Iterator[str]:
    prefix = f"fs-{tmp_path.name[-20:]}-{os.getpid()}"
    yield prefix
    brokers.clean(broker_url, prefix)


@pytest.fixture
def engine() -> str:
    """One engine is enough here: what workers do in a database is tested on both elsewhere."""
    return "postgresql"


@pytest.fixture
def settings(broker_url: str, queue_prefix: str) -> dict[str, Any]:
    return {
        "broker_url": broker_url,
        "queue_prefix": queue_prefix,
        "lease_seconds": 2.0,
        "relay_seconds": 0.1,
        "sweep_seconds": 1.0,
    }


@pytest.fixture
def shop(make_installation: Callable[..., Installation], settings: dict[str, Any]) -> Installation:
    return ledger.install(make_installation(clock=SystemClock(), kinds=kinds(), **settings))


@contextmanager
def worker(shop: Installation, settings: dict[str, Any], folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    given = {**settings, "data_dir": str(shop.settings.data_dir), "database_url": shop.settings.database_url}
    path = folder / "settings.json"
    path.write_text(json.dumps(given))
    process = subprocess.Popen([sys.executable, "-m", "tests.support.worker", str(path)], start_new_session=True)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(20)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)


def post(shop: Installation, body: str = "hello", tenant: str = "acme") -> str:
    return shop.write(lambda ctx, unit: shop.work.outbox.post(ctx, unit, "told", {"body": body}), tenant)


def numbers(shop: Installation, tenant: str = "acme") -> Numbers:
    return shop.read(lambda ctx, unit: [(row[1], row[2]) for row in unit.rows(ledger.ALL)], tenant)


def wait_for(found: Callable[[], bool]) -> None:
    until = time.monotonic() + WAIT_SECONDS
    while not found():
        assert time.monotonic() < until, "it did not happen"
        time.sleep(0.1)


def empty(shop: Installation) -> bool:
    return not shop.read(lambda ctx, unit: shop.work.outbox.letters(unit, "ready", "claimed", "dead"))


@pytest.mark.broker
def test_a_worker_process_handles_messages_and_jobs_killed_workers_and_lost_tasks_included(
    shop: Installation, settings: dict[str, Any], tmp_path: Path
) -> None:
    lost = post(shop)
    relay = shop.work.relay(SendToCelery(make_celery(shop.settings, shop.work.handler.ring), shop.settings))
    assert relay.tick() == 1
    brokers.clean(settings["broker_url"], settings["queue_prefix"])
    with worker(shop, settings, tmp_path):
        sent = {post(shop) for _ in range(20)}
        deadly = post(shop, "die")
        other = post(shop, tenant="globex")
        job_id = shop.write(lambda ctx, unit: shop.work.jobs.start(ctx, unit, "count", {}))
        wait_for(lambda: empty(shop) and len(numbers(shop, "globex")) == 1)
    handled = numbers(shop)
    assert {name for name, _ in handled} == {*sent, lost, deadly}
    assert len(handled) == len(sent) + 2
    # the number is the attempt that had the effect: the first worker with this one in hand was killed
    assert dict(handled)[deadly] == 2
    assert numbers(shop, "globex") == [(other, 1)]
    job = shop.read(lambda ctx, unit: shop.work.jobs.get(unit, job_id))
    assert job.state == "done"
    assert job.result is not None
    assert job.result["process"] != os.getpid()


def test_without_a_broker_messages_wait(home: Installation) -> None:
    settings = settings_for(home.settings.data_dir, home.settings.database_url, broker_url="redis://127.0.0.1:1/0")
    relay = home.work.relay(SendToCelery(make_celery(settings, home.work.handler.ring), settings))
    for _ in range(10):
        home.write(lambda ctx, unit: home.work.outbox.post(ctx, unit, "told", {}))
    relay.tick()
    relay.tick()
    letters = home.read(lambda ctx, unit: home.work.outbox.letters(unit, "ready"))
    assert [(letter.state, letter.attempts) for letter in letters] == [("ready", 0)] * 10
    assert "Unavailable" in str(letters[0].last_error)


def test_celery_needs_a_broker(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured):
        make_celery(settings_for(tmp_path, None), lambda *_: None)


def test_only_json_is_accepted(tmp_path: Path) -> None:
    app = make_celery(settings_for(tmp_path, None, broker_url="redis://127.0.0.1:1/0"), lambda *_: None)
    assert app.conf.accept_content == ["json"]
    assert app.conf.task_acks_late is True
    assert app.conf.worker_prefetch_multiplier == 1
