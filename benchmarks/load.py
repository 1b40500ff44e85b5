"""The load client: the same requests again and again over some connections for some seconds.

`wrk` when it is installed, because it takes little CPU from the servers; else threads of `http.client`. A failed request
fails the run: a share of failures is no figure.
"""

from __future__ import annotations

import http.client
import os
import re
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.comparison import Sent
from benchmarks.servers import Server

_SCRIPT = Path(__file__).resolve().parent / "replay.lua"
_RESULT = re.compile(r"^RESULT (\d+) (\d+) (\d+) (\d+)$", re.MULTILINE)


def client_name() -> str:
    """What sends the requests on this machine."""
    return "wrk" if shutil.which("wrk") else "http.client"


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """What a server did in one slice: answers a second, and its CPU milliseconds for each."""

    rate: float
    cpu_ms: float


def measure(server: Server, sent: Sequence[Sent], connections: int, seconds: float) -> Slice:
    """One slice of load. Raises `RuntimeError` when a request failed."""
    send, before = _by_wrk if client_name() == "wrk" else _by_threads, server.cpu_s()
    answers, took = send(server, sent, connections, seconds)
    return Slice(rate=answers / took, cpu_ms=(server.cpu_s() - before) * 1000 / answers)


def _by_wrk(server: Server, sent: Sequence[Sent], connections: int, seconds: float) -> tuple[int, float]:
    with tempfile.NamedTemporaryFile("w", suffix=".tsv", encoding="utf-8") as file:
        file.writelines(f"{each.method}\t{each.path}\t{each.body}\n" for each in sent)
        file.flush()
        environment = {**os.environ, "BENCH_REQUESTS": file.name, "BENCH_TOKEN": server.token}
        duration = f"{max(1, round(seconds))}s"
        command = ["wrk", "-t1", f"-c{connections}", f"-d{duration}", "--timeout", "10s", "-s", str(_SCRIPT)]
        command.append(f"http://127.0.0.1:{server.port}")
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=seconds + 30, check=False
        )
    found = _RESULT.search(done.stdout)
    if found is None:
        raise RuntimeError(f"wrk failed: {done.stdout}{done.stderr}")
    requests, microseconds, refused, failed = map(int, found.groups())
    if refused or failed or not requests:
        raise RuntimeError(f"{server.name}: {refused} of {requests} requests refused, {failed} failed")
    return requests, microseconds / 1e6


def _by_threads(server: Server, sent: Sequence[Sent], connections: int, seconds: float) -> tuple[int, float]:
    counts, faults = [0] * connections, []
    end = time.perf_counter() + seconds

    def send(number: int) -> None:
        try:
            counts[number] = _send_until(end, server, sent[number::connections])
        except (OSError, RuntimeError, http.client.HTTPException) as fault:
            faults.append(fault)

    threads = [threading.Thread(target=send, args=(number,)) for number in range(connections)]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if faults:
        raise RuntimeError(f"{server.name}: {faults[0]}")
    return sum(counts), time.perf_counter() - started


def _send_until(end: float, server: Server, sent: Sequence[Sent]) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    headers = {"Authorization": f"Bearer {server.token}", "Content-Type": "application/json"}
    count = 0
    while time.perf_counter() < end:
        each = sent[count % len(sent)]
        connection.request(each.method, each.path, each.body or None, headers)
        answer = connection.getresponse()
        answer.read()
        if answer.status >= 300:
            raise RuntimeError(f"status {answer.status}")
        count += 1
    connection.close()
    return count
