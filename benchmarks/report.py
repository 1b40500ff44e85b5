"""The table of a run as text, on the screen and in `docs/benchmarks.md`."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from benchmarks.api import TARGETS, ApiFigures, Compared
from benchmarks.comparison import RULES
from benchmarks.inside import Figure
from benchmarks.load import client_name
from benchmarks.product import CUSTOMERS
from benchmarks.servers import THREADS

_LIBRARIES = ("flask", "sqlalchemy", "psycopg", "gunicorn")


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """How a run was made."""

    command: str
    rows: int
    import_rows: int
    seconds: float
    slices: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """What was measured on one database; `api` is None when only the inside was measured."""

    dialect: str
    api: ApiFigures | None
    figures: Sequence[Figure]


def text_of(run: Run, sections: Sequence[Section], left_out: Sequence[str]) -> str:
    """The whole page."""
    parts = [_introduction(run), *(_section(section) for section in sections)]
    parts += [f"Not measured in this run: {reason}\n" for reason in left_out]
    return "\n".join(parts)


def write_page(folder: Path, text: str) -> Path:
    """Write the page into `docs`; where."""
    path = folder / "benchmarks.md"
    path.write_text(text, encoding="utf-8")
    return path


def _introduction(run: Run) -> str:
    versions = ", ".join(f"{name} {version(name)}" for name in _LIBRARIES)
    return f"""# Benchmarks

Written by `{run.command}` on {datetime.now(UTC):%Y-%m-%d %H:%M} UTC; `make bench` runs `fieldstone bench`. Do not edit.

- Machine: {_machine()}; load average at the end {os.getloadavg()[0]:.1f}. Python {platform.python_version()}, {versions}.
- Both sides: gunicorn gthread, 1 worker of {THREADS} threads, loopback, bearer token, durable commits on both databases.
  Load by {client_name()}; floor and Fieldstone in turn, {run.slices} slices of {run.seconds:g} s each.
- Data: {run.rows:,} tickets of 15 fields, {CUSTOMERS} customers; import of {run.import_rows:,} rows.
- Fieldstone does all its work: access, validation, {len(RULES)} active rules, history, outbox. Its relay is not in the
  serving process (`--no-relay`). The **floor** (`benchmarks/floor.py`) is a bare Flask and SQLAlchemy Core handler
  with a token check on one table, one statement a request: no metadata, rights, rules, history or messages. Its list
  answers the customer's id, Fieldstone's the customer's label too.
- "By CPU time" is the floor's CPU time for a request over Fieldstone's: a share that other load on the machine disturbs
  less. What is measured inside one process is CPU time too, except the import and the cold start.
- Read the shares, not the times: times depend on the machine and on what else it does. 1.00 is as fast as the floor.
"""


def _section(section: Section) -> str:
    return f"## {section.dialect}\n\n{_api(section.api)}{_figures(section.figures)}"


def _api(api: ApiFigures | None) -> str:
    if api is None:
        return ""
    rows = "\n".join(_row(compared) for compared in api.compared)
    return f"""Requests a second as a share of the floor's:

| work | connections | share | slices | by CPU time | target | CPU ms a request |
|---|---|---|---|---|---|---|
{rows}

Memory after this load: {api.memory_mb:.0f} MB (floor {api.floor_memory_mb:.0f} MB).

"""


def _row(compared: Compared) -> str:
    low, high = min(compared.ratios), max(compared.ratios)
    cells = [
        compared.work,
        str(compared.connections),
        f"**{compared.ratio:.2f}**",
        f"{low:.2f} - {high:.2f}",
        f"{compared.cpu_ratio:.2f}",
        f"{TARGETS[compared.work]:.1f}",
        f"{compared.cpu_ms:.2f}",
    ]
    return f"| {' | '.join(cells)} |"


def _figures(figures: Sequence[Figure]) -> str:
    rows = "\n".join(f"| {each.name} | {_number(each.value)} {each.unit} | {each.note} |" for each in figures)
    return f"| inside one process | median | |\n|---|---|---|\n{rows}\n"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _machine() -> str:
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        names = [line.partition(":")[2].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line]
        model = names[0] if names else model
    return f"{os.cpu_count()} cores, {model}, {platform.system()}"
