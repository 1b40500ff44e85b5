"""`fieldstone serve` and `fieldstone worker`: the processes that stay.

`serve` runs gunicorn with threads; without a broker each web process also runs a relay, so that one command is a whole
installation. `worker` runs a Celery worker with the relay beside it, or the embedded relay alone. `run_web` is also
what `fieldstone demo` ends in. Connections are never shared between processes: they are opened after the fork.
"""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

import click
import structlog

from fieldstone.platform.frame import Frame
from fieldstone.platform.http.metrics import SHARED_FOLDER
from fieldstone.platform.lazy import load
from fieldstone.platform.logs import configure
from fieldstone.platform.settings import Settings, Surroundings, check_safe
from fieldstone.platform.work.assembly import EmbeddedRelay, Work

_log = structlog.get_logger("fieldstone.serving")
_CELERY = "fieldstone.platform.work.celery_app:"
_GUNICORN = "fieldstone.platform.cli.web_server:WebServer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Listening:
    """Where and how to serve."""

    host: str
    port: int
    workers: int = 1
    threads: int = 8
    with_relay: bool = field(default=True)


def make_serve(frame: Frame) -> click.Command:
    """`serve`."""
    settings = frame.settings

    @click.command("serve", help="Serve the pages and the API.")
    @click.option("--host", default=settings.host, show_default=True, help="Address to listen on.")
    @click.option("--port", default=settings.port, show_default=True, help="Port to listen on.")
    @click.option("--workers", default=_workers, show_default="one per core", help="Web processes.")
    @click.option("--threads", default=8, show_default=True, help="Threads of each process.")
    @click.option("--no-relay", is_flag=True, help="Without a broker: leave queued work to `fieldstone worker`.")
    def serve(host: str, port: int, workers: int, threads: int, no_relay: bool) -> None:
        start_safely(frame)
        with_relay = settings.broker_url is None and not no_relay
        run_web(frame, Listening(host=host, port=port, workers=workers, threads=threads, with_relay=with_relay))

    return serve


def make_worker(frame: Frame) -> click.Command:
    """`worker`."""

    @click.command("worker", help="Do the work that was queued: messages, timers, jobs.")
    @click.option("--concurrency", default=_workers, show_default="one per core", help="Celery processes.")
    def worker(concurrency: int) -> None:
        start_safely(frame)
        work = frame.need(Work)
        if frame.settings.broker_url is None:
            run_embedded(work)
            return
        arguments = ["--concurrency", str(concurrency), "--loglevel", frame.settings.log_level]
        celery = load(_CELERY + "make_celery")(frame.settings, work.handler.ring)
        load(_CELERY + "run_worker")(celery, work, arguments)

    return worker


def start_safely(frame: Frame) -> None:
    """Configure logs and refuse an unsafe start; what is only unwise is logged. Raises `Misconfigured`."""
    settings: Settings = frame.settings
    configure(settings.log_level, environment=settings.environment)
    around = Surroundings.of(settings, superuser_login=frame.need(Work).units.databases.serves_as_superuser())
    for finding in check_safe(settings, around):
        _log.warning("start.unwise", code=finding.code, reason=finding.message)


def run_web(frame: Frame, listening: Listening, when_ready: Callable[[], None] | None = None) -> None:
    """Serve until told to stop. `when_ready` runs once, in the parent, when the port is open."""
    folder, parent = tempfile.mkdtemp(prefix="fieldstone-metrics-"), os.getpid()
    os.environ.setdefault(SHARED_FOLDER, folder)
    try:
        load(_GUNICORN)(frame, listening, when_ready).run()
    finally:
        # A web process that ends passes here too.
        if os.getpid() == parent:
            shutil.rmtree(folder, ignore_errors=True)


def run_embedded(work: Work) -> None:
    """The relay of this process, until a signal comes."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    relay = EmbeddedRelay(work)
    relay.start()
    _log.info("worker.started", broker="embedded")
    stop.wait()
    relay.stop()


def _workers() -> int:
    return os.cpu_count() or 1
