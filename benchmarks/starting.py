"""Cold start: from starting the server's process to the first record it answers, and its memory then."""

from __future__ import annotations

import time
from statistics import median

from benchmarks.comparison import TICKET
from benchmarks.inside import Figure
from benchmarks.places import Place
from benchmarks.product import Product
from benchmarks.servers import Server, answered, fieldstone_server, floor_server

STARTS = 2


def measure_start(where: Place, made: Product) -> list[Figure]:
    """Seconds to the first record, Fieldstone and floor in turn, and megabytes with that record answered."""
    ours, theirs, memory, used, used_by_floor = [], [], [], [], []
    for _ in range(STARTS):
        started = time.perf_counter()
        with floor_server(where) as server:
            _first_record(server, made)
            theirs.append(time.perf_counter() - started)
            used_by_floor.append(server.cpu_s())
        started = time.perf_counter()
        with fieldstone_server(where, made.token, TICKET) as server:
            _first_record(server, made)
            ours.append(time.perf_counter() - started)
            memory.append(server.memory_mb())
            used.append(server.cpu_s())
    ratio, cpu_ratio = median(ours) / median(theirs), median(used) / median(used_by_floor)
    return [
        Figure(
            name="cold start to the first record", value=median(ours), unit="s", note=f"{ratio:.1f} times the floor"
        ),
        Figure(name="CPU time until then", value=median(used), unit="s", note=f"{cpu_ratio:.1f} times the floor"),
        Figure(name="memory of the serving process then", value=median(memory), unit="MB", note=""),
    ]


def _first_record(server: Server, made: Product) -> None:
    status, content = answered(server, "GET", f"{server.prefix}/{made.tickets[0]}")
    if status != 200:
        raise RuntimeError(content.decode())
