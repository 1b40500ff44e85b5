"""Whose turn it is to write to a SQLite file: first come, first served, within the process and between processes.

A bare BEGIN IMMEDIATE lets one writer starve. Here a writer waits in a queue of its process, then for the file's
`flock`, and only then begins. Waiting longer than allowed raises `Unavailable`. Used by `engines`.
"""

from __future__ import annotations

import fcntl
import os
import threading
import time
from collections import deque
from pathlib import Path

from fieldstone.platform.kernel.errors import Unavailable


class _Waiter:
    __slots__ = ("called", "left")

    def __init__(self) -> None:
        self.called = threading.Event()
        self.left = False


class WriterQueue:
    """The queue of one file in this process, and the file lock between processes."""

    def __init__(self, lock_file: Path) -> None:
        self._lock_file = lock_file
        self._mutex = threading.Lock()
        self._waiting: deque[_Waiter] = deque()
        self._busy = False

    @property
    def waiting(self) -> int:
        """How many of this process wait."""
        with self._mutex:
            return sum(not waiter.left for waiter in self._waiting)

    def take(self, seconds: float) -> int:
        """Wait for the turn; the descriptor of the held lock. Raises `Unavailable` after `seconds`."""
        until = time.monotonic() + seconds
        self._enter(until)
        try:
            return self._lock(until)
        except BaseException:
            self._leave()
            raise

    def end(self, descriptor: int) -> None:
        """Let the next one in."""
        os.close(descriptor)
        self._leave()

    def _enter(self, until: float) -> None:
        with self._mutex:
            if not self._busy:
                self._busy = True
                return
            waiter = _Waiter()
            self._waiting.append(waiter)
        if waiter.called.wait(max(0.0, until - time.monotonic())):
            return
        with self._mutex:
            if not waiter.called.is_set():
                waiter.left = True
                raise Unavailable(retry_after=1)

    def _leave(self) -> None:
        with self._mutex:
            while self._waiting:
                waiter = self._waiting.popleft()
                if not waiter.left:
                    waiter.called.set()
                    return
            self._busy = False

    def _lock(self, until: float) -> int:
        descriptor = os.open(self._lock_file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _wait_for_lock(descriptor, until)
        return descriptor


def _wait_for_lock(descriptor: int, until: float) -> None:
    """Queue for the lock in the kernel, which is fair between processes; a thread makes the wait end in time."""
    got = threading.Event()
    given_up = threading.Event()
    mutex = threading.Lock()

    def wait() -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        with mutex:
            got.set()
            if given_up.is_set():
                os.close(descriptor)

    threading.Thread(target=wait, name="sqlite-lock", daemon=True).start()
    if got.wait(max(0.0, until - time.monotonic())):
        return
    with mutex:
        if got.is_set():
            return
        given_up.set()
    raise Unavailable(retry_after=1)


class Turn:
    """One writer's turn: taken once, ended once."""

    def __init__(self, queue: WriterQueue, seconds: float) -> None:
        self._queue = queue
        self._seconds = seconds
        self._descriptor: int | None = None

    def take(self) -> None:
        self._descriptor = self._queue.take(self._seconds)

    def end(self) -> None:
        if self._descriptor is not None:
            self._queue.end(self._descriptor)
            self._descriptor = None
