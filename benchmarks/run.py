"""All benchmarks in one run. `run` is called by `fieldstone bench`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.api import measure_api
from benchmarks.inside import measure_expressions, measure_import, measure_pages
from benchmarks.places import place, postgres_answers
from benchmarks.product import product
from benchmarks.report import Run, Section, text_of, write_page
from benchmarks.starting import measure_start

DOCS = Path(__file__).resolve().parent.parent / "docs"


def run(
    databases: Sequence[str],
    *,
    command: str,
    rows: int,
    import_rows: int,
    seconds: float,
    slices: int,
    say: Callable[[str], None],
) -> tuple[str, Path]:
    """Measure on each of `databases`; the page and where it was written."""
    order = Run(command=command, rows=rows, import_rows=import_rows, seconds=seconds, slices=slices)
    sections, left_out = [], []
    for dialect in databases:
        if dialect == "postgresql" and not postgres_answers():
            left_out.append(
                "PostgreSQL: none answers (set FIELDSTONE_BENCH_POSTGRES to a login that may create databases)."
            )
            continue
        sections.append(_section(dialect, order, say))
    text = text_of(order, sections, left_out)
    return text, write_page(DOCS, text)


def _section(dialect: str, order: Run, say: Callable[[str], None]) -> Section:
    say(f"{dialect}: filling {order.rows} rows")
    with place(dialect) as where, product(where, order.rows) as made:
        api = measure_api(where, made, seconds=order.seconds, slices=order.slices, say=say)
        say(f"{dialect}: starting, expressions, pages, import")
        figures = [
            *measure_start(where, made),
            *measure_expressions(made),
            *measure_pages(made),
            *measure_import(where, made, order.import_rows),
        ]
    return Section(dialect=dialect, api=api, figures=figures)
