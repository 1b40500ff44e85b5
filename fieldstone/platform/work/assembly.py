"""Outbox, timers, jobs and their handler, put together for one process.

In: settings, units, and the registries of consumers, timer kinds and job kinds (frozen by then or filled later). Out:
`Work`, whose parts services are given one by one. Made by `app.py` and by tests.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass

from fieldstone.platform.files import FileStore
from fieldstone.platform.kernel.registry import Registry
from fieldstone.platform.settings import Settings
from fieldstone.platform.units import Units
from fieldstone.platform.work.bell import Bell
from fieldstone.platform.work.embedded import HandleHere, HandleInThreads, RelayThread
from fieldstone.platform.work.handling import Handler
from fieldstone.platform.work.jobs import JobKind, Jobs
from fieldstone.platform.work.messages import Consumer, TimerKind
from fieldstone.platform.work.outbox import Outbox
from fieldstone.platform.work.relay import Hand, Relay
from fieldstone.platform.work.timers import Timers

MOST_ROUNDS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Kinds:
    """What the rooms registered."""

    consumers: Registry[Consumer]
    timer_kinds: Registry[TimerKind]
    job_kinds: Registry[JobKind]

    @classmethod
    def empty(cls) -> Kinds:
        return cls(consumers=Registry("consumer"), timer_kinds=Registry("timer kind"), job_kinds=Registry("job kind"))


class Work:
    """Everything about work to be done, for one process."""

    def __init__(self, settings: Settings, units: Units, kinds: Kinds, files: FileStore) -> None:
        self.settings = settings
        self.units = units
        self.bell = Bell(units.databases, units.clock)
        self.outbox = Outbox(self.bell, units.clock)
        self.timers = Timers(self.bell, self.outbox, units.clock)
        self.jobs = Jobs(kinds.job_kinds, self.outbox, units.clock)
        self.handler = Handler(
            settings,
            units,
            files,
            self.timers,
            self.jobs,
            consumers=kinds.consumers,
            timer_kinds=kinds.timer_kinds,
            job_kinds=kinds.job_kinds,
        )

    def relay(self, hand: Hand) -> Relay:
        """A relay that hands over to `hand`."""
        return Relay(self.units, self.units.tenants, self.bell, self.timers, hand, lease=self.handler.lease)

    def after_fork(self) -> None:
        """In a forked process: neither connections nor threads nor locks of the parent are ours."""
        self.units.databases.forget()
        self.bell.after_fork()
        self.handler.after_fork()

    def run_due(self) -> int:
        """Handle everything that is due, here and now; how many messages. For tests and commands."""
        relay = self.relay(HandleHere(self.handler))
        handled = 0
        for _ in range(MOST_ROUNDS):
            in_round = relay.tick()
            handled += in_round
            if not in_round:
                break
        return handled


class EmbeddedRelay:
    """The relay of a process without a broker: `start` after composition, `stop` before the process ends."""

    def __init__(self, work: Work) -> None:
        awake = threading.Event()
        self._hand = HandleInThreads(work.handler, work.settings.worker_threads, awake)
        self._thread = RelayThread(work.relay(self._hand), work.bell, work.settings, awake)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Claim no more, finish what was begun."""
        self._thread.stop()
        self._hand.close()
