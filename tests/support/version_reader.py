"""A process of its own that reads and writes while another publishes, and tells every inconsistency it sees.

Version n of the tenant has two notes labelled "n", and note `site` has a field c0, c1, ... cn. Whatever a unit sees
must be of one version: the snapshot's number, both definitions, the compiled artefact, the table, and the row in the
home that says which version is published.
"""

from __future__ import annotations

import multiprocessing
import threading
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from fieldstone.platform.database.home import READ_STATE
from fieldstone.platform.database.unit import SqlUnit
from fieldstone.platform.kernel.context import Context
from tests.support.installation import Installation, settings_for
from tests.support.metadata import MetadataHome
from tests.support.note_kind import note

CONTEXT = multiprocessing.get_context("spawn")


def bodies_of(version: int) -> list[dict[str, Any]]:
    """The two notes of a version."""
    fields = [f"c{n}" for n in range(version + 1)]
    label = {"label": str(version)}
    return [{**note("pair", "x"), **label}, {**note("site", *fields), **label}]


def found_wrong(ctx: Context, unit: SqlUnit) -> list[str]:
    """What does not fit together in this unit."""
    version = ctx.snapshot.version
    labels = {name: _label(ctx, name) for name in ("pair", "site")}
    columns = ctx.snapshot.get("note", "site").columns
    stored = unit.one(READ_STATE)
    wrong = [f"{name} is of version {label}, not {version}" for name, label in labels.items() if label != str(version)]
    if len(columns) != version + 1:
        wrong.append(f"the artefact has {len(columns)} columns in version {version}")
    if stored is None or stored[0] != version:
        wrong.append(f"the home says {stored}, the snapshot {version}")
    unit.rows(sa.text("SELECT " + ", ".join(f'"{column}"' for column in columns.values()) + " FROM n_site"))
    return wrong


def _label(ctx: Context, name: str) -> str:
    definition = ctx.snapshot.definition("note", name)
    return str(definition.body["label"]) if definition is not None else "none"


def _write(ctx: Context, unit: SqlUnit) -> list[str]:
    wrong = found_wrong(ctx, unit)
    unit.run(sa.text("UPDATE n_pair SET f_x = :v"), {"v": str(ctx.snapshot.version)})
    return wrong


def work_until(stop: Any, meta: MetadataHome, tell: Any) -> None:
    """Read and write until told to stop; tells (units done, versions seen, what was wrong)."""
    caller = meta.home.caller()
    seen: set[int] = set()
    wrong: list[str] = []
    count = 0
    while not stop.is_set() or count < 5:
        for run in (meta.units.read, meta.units.write):
            work = _write if run == meta.units.write else found_wrong
            wrong += run(caller, lambda ctx, unit, work=work: [*work(ctx, unit), *_noted(seen, ctx)])
            count += 1
    tell.put((count, sorted(seen), wrong[:10]))


def _noted(seen: set[int], ctx: Context) -> list[str]:
    seen.add(ctx.snapshot.version)
    return []


def main(data_dir: str, database_url: str | None, ready: Event, stop: Event, tell: Queue[Any]) -> None:
    """One process with two threads: two users of one process cache."""
    home = Installation(settings_for(Path(data_dir), database_url))
    try:
        meta = MetadataHome(home)
        meta.snapshot()
        threads = [threading.Thread(target=work_until, args=(stop, meta, tell)) for _ in range(2)]
        for thread in threads:
            thread.start()
        ready.set()
        for thread in threads:
            thread.join()
    finally:
        home.close()
