"""Gunicorn with the settings of the house: threads, connections opened after the fork, a relay beside where wanted.

Imported by `serving.run_web` when serving begins, and by nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication  # type: ignore[import-untyped]
from prometheus_client.multiprocess import mark_process_dead

from fieldstone.platform.cli.serving import Listening
from fieldstone.platform.frame import Composition, Frame
from fieldstone.platform.work.assembly import EmbeddedRelay, Work

ANSWER_S = 60
FINISH_S = 30


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
