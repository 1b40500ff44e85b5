"""`fieldstone bench`: runs the benchmarks of a checkout and writes `docs/benchmarks.md`.

In: how much data, how long. Out: the table, printed and written. The benchmarks are no part of the installed package:
the command loads `benchmarks.run` from the working tree beside it, and says so when there is none. For `make bench`.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

import fieldstone
from fieldstone.platform.kernel.errors import NotFound
from fieldstone.platform.lazy import load

DATABASES = ("sqlite", "postgresql")


def make_bench() -> click.Command:
    """The command."""

    @click.command("bench", help="Measure this checkout against bare handlers; writes docs/benchmarks.md.")
    @click.option("--rows", default=20_000, show_default=True, help="Tickets to measure on.")
    @click.option("--import-rows", default=2_000, show_default=True, help="Rows to import.")
    @click.option("--seconds", default=2.0, show_default=True, help="Length of a slice.")
    @click.option("--slices", default=3, show_default=True, help="Slices of each side.")
    @click.option("--database", "databases", type=click.Choice(DATABASES), multiple=True, help="Default: both.")
    def bench(rows: int, import_rows: int, seconds: float, slices: int, databases: tuple[str, ...]) -> None:
        text, path = _benchmarks()(
            databases or DATABASES,
            command=_command(rows, import_rows, seconds, slices, databases),
            rows=rows,
            import_rows=import_rows,
            seconds=seconds,
            slices=slices,
            say=lambda line: click.echo(line, err=True),
        )
        click.echo(text)
        click.echo(f"Written to {path}.", err=True)

    return bench


def _benchmarks() -> Any:
    """`benchmarks.run.run` of the working tree. Raises `NotFound` outside of one."""
    root = Path(fieldstone.__file__ or "").resolve().parent.parent
    if not (root / "benchmarks" / "run.py").is_file():
        raise NotFound("There are no benchmarks beside this installation: run this in a checkout.")
    if str(root) not in sys.path:
        sys.path.insert(0, str(root))
    return load("benchmarks.run:run")


def _command(rows: int, import_rows: int, seconds: float, slices: int, databases: tuple[str, ...]) -> str:
    chosen = "".join(f" --database {name}" for name in databases)
    return f"fieldstone bench --rows {rows} --import-rows {import_rows} --seconds {seconds:g} --slices {slices}{chosen}"
