"""A Celery worker of a test installation, in a process of its own: `python -m tests.support.worker SETTINGS.json`.

Its consumer `told` writes a row for each message; body "die" kills the process that handles it, at the first attempt.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

from fieldstone.platform.clock import SystemClock
from fieldstone.platform.database.unit import SqlUnit
from fieldstone.platform.kernel.context import Context
from fieldstone.platform.kernel.registry import Registry
from fieldstone.platform.units import Units
from fieldstone.platform.work.assembly import Kinds
from fieldstone.platform.work.celery_app import make_celery, run_worker
from fieldstone.platform.work.jobs import JobKind, JobRun
from fieldstone.platform.work.messages import Consumer, Message
from fieldstone.platform.work.outbox import first_time
from tests.support import ledger
from tests.support.installation import Installation, settings_for


def told(message: Message, units: Units) -> None:
    """Write a row once, having died before if so asked."""
    if message.payload["body"] == "die" and message.attempts == 1:
        os.kill(os.getpid(), signal.SIGKILL)

    def work(ctx: Context, unit: SqlUnit) -> None:
        if first_time(unit, "told", message.id):
            unit.run(ledger.INSERT, ledger.sample(number=message.attempts, name=message.id))

    units.write(message.system_caller, work)


def count(run: JobRun) -> dict[str, Any]:
    """A job that tells which process ran it."""
    run.progress(1, total=1)
    return {"process": os.getpid()}


def kinds() -> Kinds:
    """What tests and the worker both know."""
    found = Kinds(consumers=Registry("consumer"), timer_kinds=Registry("timer"), job_kinds=Registry("job"))
    found.consumers.register("told", Consumer(topic="told", name="told", handle=told))
    found.job_kinds.register("count", JobKind(name="count", run=count))
    return found


def main(path: str) -> None:
    given = json.loads(Path(path).read_text())
    settings = settings_for(Path(given.pop("data_dir")), given.pop("database_url"), **given)
    home = Installation(settings, clock=SystemClock(), kinds=kinds())
    app = make_celery(settings, home.work.handler.ring)
    run_worker(app, home.work, ["--concurrency=2", "--loglevel=WARNING"])


if __name__ == "__main__":
    main(sys.argv[1])
