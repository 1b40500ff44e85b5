"""Create, get, list and update through the API, Fieldstone and floor in turn in short slices of one run."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks.comparison import TICKET, requests
from benchmarks.load import Slice, measure
from benchmarks.places import Place
from benchmarks.product import Product
from benchmarks.servers import Server, fieldstone_server, floor_server

WORKS = ("create", "get", "list", "update")
CONNECTIONS = (1, 8)
TARGETS = {"create": 0.8, "get": 1.0, "list": 1.0, "update": 0.8}
DIFFERENT = 400
WARM_SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One kind of work at one number of connections: both sides, slice by slice."""

    work: str
    connections: int
    fieldstone: Sequence[Slice]
    floor: Sequence[Slice]

    @property
    def ratios(self) -> list[float]:
        """Fieldstone's rate as a share of the floor's, of neighbouring slices."""
        return [ours.rate / theirs.rate for ours, theirs in zip(self.fieldstone, self.floor, strict=True)]

    @property
    def ratio(self) -> float:
        """The median."""
        return statistics.median(self.ratios)

    @property
    def cpu_ratio(self) -> float:
        """The floor's CPU time for a request as a share of Fieldstone's: what the rate would be by CPU alone."""
        pairs = zip(self.fieldstone, self.floor, strict=True)
        return statistics.median(theirs.cpu_ms / ours.cpu_ms for ours, theirs in pairs)

    @property
    def cpu_ms(self) -> float:
        """Fieldstone's CPU time for a request, in milliseconds."""
        return statistics.median(each.cpu_ms for each in self.fieldstone)


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiFigures:
    """What was measured on one database; memory in MB of the serving process after the load."""

    compared: Sequence[Compared]
    memory_mb: float
    floor_memory_mb: float


def measure_api(where: Place, made: Product, *, seconds: float, slices: int, say: Callable[[str], None]) -> ApiFigures:
    """The whole comparison on one database."""
    with fieldstone_server(where, made.token, TICKET) as ours, floor_server(where) as theirs:
        for work in WORKS:
            for side in (ours, theirs):
                _slice(side, made, work, 2, WARM_SECONDS)
        found = []
        for work in WORKS:
            for connections in CONNECTIONS:
                compared = _compare(ours, theirs, made, work, connections, seconds, slices)
                say(f"{where.dialect} {work} {connections}: {compared.ratio:.2f}, by CPU {compared.cpu_ratio:.2f}")
                found.append(compared)
        return ApiFigures(compared=found, memory_mb=ours.memory_mb(), floor_memory_mb=theirs.memory_mb())


def _compare(
    ours: Server, theirs: Server, made: Product, work: str, connections: int, seconds: float, slices: int
) -> Compared:
    rates: dict[str, list[Slice]] = {ours.name: [], theirs.name: []}
    for _ in range(slices):
        for side in (theirs, ours):
            rates[side.name].append(_slice(side, made, work, connections, seconds))
    return Compared(work=work, connections=connections, fieldstone=rates[ours.name], floor=rates[theirs.name])


def _slice(side: Server, made: Product, work: str, connections: int, seconds: float) -> Slice:
    sent = requests(work, side.prefix, made.tickets, made.customers, DIFFERENT)
    return measure(side, sent, connections, seconds)
