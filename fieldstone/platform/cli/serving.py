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
from typing import Any

import click
import structlog
from flask import Flask
from gunicorn.app.base import BaseApplication  # type: ignore[import-untyped]
from prometheus_client.multiprocess import mark_process_dead

from fieldstone.platform.commands import load
from fieldstone.platform.frame import Composition, Frame
from fieldstone.platform.http.metrics import SHARED_FOLDER
from fieldstone.platform.logs import configure
from fieldstone.platform.settings import Settings, Surroundings, check_safe
from fieldstone.platform.work.assembly import EmbeddedRelay, Work

_log = structlog.get_logger("fieldstone.serving")
_CELERY = "fieldstone.platform.work.celery_app:"
ANSWER_S = 60
FINISH_S = 30


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
        make_celery, run_worker = (
            load(f"fieldstone.platform.work.celery_app:{n}") for n in ("make_celery", "run_worker")
        )
        arguments = ["--concurrency", str(concurrency), "--loglevel", frame.settings.log_level]
        run_worker(make_celery(frame.settings, work.handler.ring), work, arguments)

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
        WebServer(frame, listening, when_ready).run()
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


class WebServer(BaseApplication):  # type: ignore[misc]
    """Gunicorn with the settings of the house."""

    def __init__(self, frame: Frame, listening: Listening, when_ready: Callable[[], None] | None) -> None:
        self._frame = frame
        self._listening = listening
        self._when_ready = when_ready
        self._relay: EmbeddedRelay | None = None
        super().__init__()

    def load_config(self) -> None:
        for name, value in self._configuration().items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        """The app of one web process; called after the fork."""
        return self._frame.need(Composition).web(self._frame)

    def _configuration(self) -> dict[str, Any]:
        listening = self._listening
        return {
            "bind": [f"{listening.host}:{listening.port}"],
            "workers": listening.workers,
            "worker_class": "gthread",
            "threads": listening.threads,
            "timeout": ANSWER_S,
            "graceful_timeout": FINISH_S,
            "keepalive": 15,
            "accesslog": None,
            "loglevel": "warning",
            # What a proxy says about the client counts only as far as the settings trust it.
            "forwarded_allow_ips": "",
            "control_socket_disable": True,
            "proc_name": "fieldstone",
            "when_ready": self._opened,
            "post_worker_init": self._worker_began,
            "worker_exit": self._worker_ends,
            "child_exit": _forget_figures,
        }

    def _opened(self, _server: Any) -> None:
        if self._when_ready is not None:
            self._when_ready()

    def _worker_began(self, _worker: Any) -> None:
        work = self._frame.need(Work)
        work.after_fork()
        if self._listening.with_relay:
            self._relay = EmbeddedRelay(work)
            self._relay.start()

    def _worker_ends(self, _server: Any, _worker: Any) -> None:
        if self._relay is not None:
            self._relay.stop()


def _forget_figures(_server: Any, worker: Any) -> None:
    mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]


def _workers() -> int:
    return os.cpu_count() or 1
