"""Redis and RabbitMQ for tests: those named by the environment, or local ones, or ones started here.

FIELDSTONE_TEST_REDIS and FIELDSTONE_TEST_RABBITMQ name others. A missing broker is a failure, never a skip.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from kombu import Connection

REDIS = "redis://127.0.0.1:6379/0"
RABBITMQ = "amqp://guest:guest@127.0.0.1:5672//"


def _answers(url: str) -> bool:
    with suppress(Exception), Connection(url, connect_timeout=2) as connection:
        connection.ensure_connection(max_retries=1, interval_start=0)
        return True
    return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def broker(name: str) -> Iterator[str]:
    """URL of a broker ("redis" or "rabbitmq") that answers."""
    given = os.environ.get(f"FIELDSTONE_TEST_{name.upper()}")
    default, start = {"redis": (REDIS, _redis), "rabbitmq": (RABBITMQ, _rabbitmq)}[name]
    if given or _answers(default):
        yield given or default
        return
    with _started(name, start) as url:
        yield url


def _redis(folder: Path, port: int) -> tuple[list[str], dict[str, str], str]:
    command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    return command, {}, f"redis://127.0.0.1:{port}/0"


def _rabbitmq(folder: Path, port: int) -> tuple[list[str], dict[str, str], str]:
    environment = {
        "RABBITMQ_NODENAME": f"fieldstone{port}@localhost",
        "RABBITMQ_NODE_PORT": str(port),
        "RABBITMQ_DIST_PORT": str(_free_port()),
        "RABBITMQ_MNESIA_BASE": str(folder),
        "RABBITMQ_LOG_BASE": str(folder),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
        "HOME": str(folder),
    }
    return ["rabbitmq-server"], environment, f"amqp://guest:guest@127.0.0.1:{port}//"


@contextmanager
def _started(name: str, describe: Callable[[Path, int], tuple[list[str], dict[str, str], str]]) -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix=f"fieldstone-{name}-", ignore_cleanup_errors=True) as folder:
        command, environment, url = describe(Path(folder), _free_port())
        if shutil.which(command[0]) is None:
            raise RuntimeError(f"no {name} answers and none is installed: apt install {command[0]}")
        process = subprocess.Popen(command, env={**os.environ, **environment}, stdout=subprocess.DEVNULL)
        try:
            until = time.monotonic() + 60
            while not _answers(url):
                if time.monotonic() > until or process.poll() is not None:
                    raise RuntimeError(f"{name} did not start")
                time.sleep(0.2)
            yield url
        finally:
            process.terminate()
            process.wait(30)


def clean(url: str, prefix: str) -> None:
    """Remove the queues, exchanges and keys of an installation with this queue prefix."""
    with Connection(url) as connection:
        channel = connection.default_channel
        if url.startswith("redis"):
            keys = list(channel.client.scan_iter(match=f"{prefix}*"))
            if keys:
                channel.client.delete(*keys)
            return
        for lane in ("messages", "jobs"):
            channel.queue_delete(f"{prefix}.{lane}")
            channel.exchange_delete(f"{prefix}.{lane}")
