"""The two servers of a comparison, started the same way: gunicorn, gthread, one worker of four threads, loopback.

In: a place and a filled installation. Out: a running `Server` with what its processes use. Stopped by their own ids.
"""

from __future__ import annotations

import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.places import Place

THREADS = 4
START_SECONDS = 90.0
_ROOT = Path(__file__).resolve().parent.parent
_BIN = Path(sys.executable).parent
_TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A running server: `prefix` is the path of its tickets."""

    name: str
    port: int
    pid: int
    token: str
    prefix: str

    def memory_mb(self) -> float:
        """Resident memory of the serving process."""
        return max(_memory_mb(pid) for pid in _family(self.pid))

    def cpu_s(self) -> float:
        """CPU seconds of all its processes so far."""
        return sum(_cpu_s(pid) for pid in _family(self.pid))


@contextmanager
def fieldstone_server(where: Place, token: str, object_name: str) -> Iterator[Server]:
    """Fieldstone, by its own command; queued messages are left to a worker that does not run here."""
    port = _free_port()
    command = [str(_BIN / "fieldstone"), "serve", "--port", str(port), "--workers", "1"]
    command += ["--threads", str(THREADS), "--no-relay"]
    with _running(command, where.environment(), port) as pid:
        yield Server(name="fieldstone", port=port, pid=pid, token=token, prefix=f"/api/v1/records/{object_name}")


@contextmanager
def floor_server(where: Place) -> Iterator[Server]:
    """The floor, under the same server with the same settings."""
    port, token = _free_port(), "floor-token"
    command = [str(_BIN / "gunicorn"), "-k", "gthread", "-w", "1", "--threads", str(THREADS), "--keep-alive", "15"]
    command += ["--log-level", "warning", "-b", f"127.0.0.1:{port}", "benchmarks.floor:make_app()"]
    environment = {"FLOOR_DATABASE": where.floor_url, "FLOOR_TOKEN": token, "FLOOR_SYNCHRONOUS": "FULL"}
    with _running(command, environment, port) as pid:
        yield Server(name="floor", port=port, pid=pid, token=token, prefix="/tickets")


def answered(server: Server, method: str, path: str, body: str = "") -> tuple[int, bytes]:
    """One request; status and body."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    headers = {"Authorization": f"Bearer {server.token}", "Content-Type": "application/json"}
    connection.request(method, path, body or None, headers)
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer.status, content


@contextmanager
def _running(command: list[str], environment: Mapping[str, str], port: int) -> Iterator[int]:
    process = subprocess.Popen(command, cwd=_ROOT, env={**os.environ, **environment})
    try:
        _wait_for(process, port)
        yield process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_for(process: subprocess.Popen[bytes], port: int) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        if process.poll() is not None:
            raise RuntimeError(f"the server ended with status {process.returncode}")
        if _answers(port):
            return
        time.sleep(0.02)
    raise RuntimeError("the server does not answer")


def _answers(port: int) -> bool:
    """Whether the app answers: the port is open before a worker has loaded it."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=START_SECONDS)
    try:
        connection.request("GET", "/")
        connection.getresponse().read()
    except OSError:
        return False
    finally:
        connection.close()
    return True


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _family(pid: int) -> list[int]:
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    return [pid, *(each for child in found for each in _family(int(child)))]


def _memory_mb(pid: int) -> float:
    found = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text(encoding="ascii"))
    return int(found[1]) / 1024 if found else 0.0


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / _TICK
