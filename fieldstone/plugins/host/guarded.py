"""Warm worker processes for guarded plugins, with limits on time, memory and output.

In: a plugin's target and a JSON request. Out: its JSON answer, or `PluginFailed` saying how it failed. A worker that
hangs, floods or dies is killed with its whole process group and replaced at the next call; after `TRIPS` failures in a
row the breaker of that plugin and tenant opens for `REST_S` seconds. Called by `host.host` only, never within a unit of
work.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fieldstone.platform.kernel.errors import Unavailable

TRIPS = 3
REST_S = 30.0
_STEP = 65536


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a guarded plugin may use: wall seconds a call, bytes of memory, CPU seconds a process, bytes of answer."""

    wall_s: float = 5.0
    memory: int = 512 * 1024 * 1024
    cpu_s: int = 60
    answer: int = 4 * 1024 * 1024

    def as_rlimits(self) -> Mapping[str, int]:
        return {"memory": self.memory, "cpu": self.cpu_s, "files": 64, "file_size": 1024 * 1024, "core": 0}


class PluginFailed(Unavailable):
    """The plugin {plugin} failed: {reason}."""

    code = "plugin_failed"


class GuardedWorker:
    """One plugin's process; calls are taken one at a time."""

    def __init__(self, name: str, folder: Path | None, limits: Limits) -> None:
        self._name = name
        self._folder = folder
        self._limits = limits
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def call(self, point: str, target: str, request: Any) -> Any:
        """The plugin's answer. Raises `PluginFailed`."""
        line = json.dumps({"point": point, "target": target, "request": request}).encode() + b"\n"
        with self._lock:
            process = self._running()
            try:
                answer = self._exchange(process, line)
            except PluginFailed:
                self._kill()
                raise
        return self._result(answer)

    def close(self) -> None:
        """End the process."""
        with self._lock:
            self._kill()

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is not None and self._process.poll() is None:
            return self._process
        self._kill()
        process = subprocess.Popen(
            [sys.executable, "-m", "fieldstone.plugins.host.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1"},
            cwd="/",
            start_new_session=True,
            close_fds=True,
        )
        path = [str(self._folder.parent)] if self._folder else []
        start = json.dumps({"limits": self._limits.as_rlimits(), "path": path}).encode() + b"\n"
        self._process = process
        self._write(process, start, time.monotonic() + self._limits.wall_s)
        return process

    def _exchange(self, process: subprocess.Popen[bytes], line: bytes) -> bytes:
        deadline = time.monotonic() + self._limits.wall_s
        self._write(process, line, deadline)
        assert process.stdout is not None
        answer = bytearray()
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ)
            while not answer.endswith(b"\n"):
                if not selector.select(max(0.0, deadline - time.monotonic())):
                    raise self._failed("no answer in time")
                piece = os.read(process.stdout.fileno(), _STEP)
                if not piece:
                    raise self._failed("its process ended")
                answer += piece
                if len(answer) > self._limits.answer:
                    raise self._failed("its answer is too large")
        return bytes(answer)

    def _write(self, process: subprocess.Popen[bytes], data: bytes, deadline: float) -> None:
        """Write without ever blocking for longer than the deadline: a plugin may not read its input."""
        assert process.stdin is not None
        descriptor = process.stdin.fileno()
        os.set_blocking(descriptor, False)
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdin, selectors.EVENT_WRITE)
            while data:
                if not selector.select(max(0.0, deadline - time.monotonic())):
                    raise self._failed("it does not take its input")
                try:
                    data = data[os.write(descriptor, data) :]
                except BrokenPipeError as error:
                    raise self._failed("its process ended") from error

    def _result(self, answer: bytes) -> Any:
        try:
            data = json.loads(answer)
        except (ValueError, RecursionError) as error:
            raise self._failed("its answer is not JSON") from error
        if not isinstance(data, dict) or ("result" not in data):
            raise self._failed(str(data.get("error", "no result")) if isinstance(data, dict) else "no result")
        return data["result"]

    def _kill(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()
        process.wait()

    def _failed(self, reason: str) -> PluginFailed:
        return PluginFailed(plugin=self._name, reason=reason, retry_after=int(REST_S))


class Breaker:
    """Counts failures in a row per key; after `TRIPS` the key rests for `REST_S` seconds."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._failures: dict[tuple[str, str], tuple[int, float]] = {}

    def check(self, key: tuple[str, str]) -> None:
        """Raises `PluginFailed` while the key rests."""
        with self._lock:
            count, since = self._failures.get(key, (0, 0.0))
        left = since + REST_S - time.monotonic()
        if count >= TRIPS and left > 0:
            raise PluginFailed(plugin=key[1], reason="switched off after repeated failures", retry_after=int(left) + 1)

    def failed(self, key: tuple[str, str]) -> None:
        """One more failure in a row."""
        with self._lock:
            self._failures[key] = (self._failures.get(key, (0, 0.0))[0] + 1, time.monotonic())

    def succeeded(self, key: tuple[str, str]) -> None:
        """The row of failures is over."""
        with self._lock:
            self._failures.pop(key, None)
