"""The relay inside a process, without a broker: threads that handle messages, and jobs apart from them.

The default of `make demo` and of small installations. `start` and `stop` are called by the server command; `run_due` by
tests and commands that want the work done now, in this thread.
"""

from __future__ import annotations

import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from fieldstone.platform.settings import Settings
from fieldstone.platform.work.bell import Bell
from fieldstone.platform.work.handling import Handler
from fieldstone.platform.work.outbox import Claim
from fieldstone.platform.work.relay import Relay
from fieldstone.platform.work.tables import JOBS, MESSAGES

BATCH = 10
MOST_IN_FLIGHT = 1000
JOB_THREADS = 2

_log = logging.getLogger(__name__)


class HandleHere:
    """A hand that handles each message at once, in the caller's thread."""

    tries = 1
    most_in_flight = MOST_IN_FLIGHT

    def __init__(self, handler: Handler) -> None:
        self._handler = handler

    def room(self, lane: str) -> int:
        return BATCH

    def give(self, claim: Claim, lane: str) -> None:
        self._handler.handle(claim)


@dataclass(slots=True)
class _Lane:
    """The threads of a lane, and how many messages they may still take."""

    threads: int
    pool: ThreadPoolExecutor = field(init=False)
    free: int = field(init=False)
    mutex: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.pool = ThreadPoolExecutor(self.threads, thread_name_prefix="relay")
        self.free = self.threads * 2


class HandleInThreads:
    """A hand with a few threads per lane, so that jobs delay no messages."""

    tries = 1
    most_in_flight = MOST_IN_FLIGHT

    def __init__(self, handler: Handler, threads: int, idle: threading.Event) -> None:
        self._handler = handler
        self._idle = idle
        self._lanes = {MESSAGES: _Lane(threads), JOBS: _Lane(JOB_THREADS)}

    def room(self, lane: str) -> int:
        return min(BATCH, self._lanes[lane].free)

    def give(self, claim: Claim, lane: str) -> None:
        kept = self._lanes[lane]
        with kept.mutex:
            kept.free -= 1
        kept.pool.submit(self._handle, kept, claim)

    def close(self) -> None:
        """Finish what was begun; what has not begun comes again when its lease ends."""
        for lane in self._lanes.values():
            lane.pool.shutdown(wait=True, cancel_futures=True)

    def _handle(self, lane: _Lane, claim: Claim) -> None:
        try:
            self._handler.handle(claim)
        except Exception:
            _log.exception("message %s", claim.message.id)
        finally:
            with lane.mutex:
                lane.free += 1
            self._idle.set()


class RelayThread:
    """Runs a relay until stopped: at each ring of this process, and now and then by itself."""

    def __init__(self, relay: Relay, bell: Bell, settings: Settings, awake: threading.Event) -> None:
        self._relay = relay
        self._settings = settings
        self._awake = awake
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="relay", daemon=True)
        bell.listen(awake.set)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Stop claiming; returns when the round at hand has ended."""
        self._stopping.set()
        self._awake.set()
        self._thread.join()

    def _run(self) -> None:
        next_sweep = 0.0
        while not self._stopping.is_set():
            try:
                if time.monotonic() >= next_sweep:
                    next_sweep = time.monotonic() + self._settings.sweep_seconds
                    self._relay.sweep()
                busy = self._relay.tick() > 0
            except Exception:
                _log.exception("the relay pauses")
                busy = False
            if not busy:
                self._awake.wait(self._settings.relay_seconds)
            self._awake.clear()
