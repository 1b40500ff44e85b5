"""One tenant as one file: a consistent copy of its home and its files, and a new tenant made from it.

`export_to` reads every table in one snapshot and writes a zip: `manifest.json`, `tables/<name>.jsonl` (one row a line),
`blobs/<key>`. `restore_from` makes a new tenant of it, on whichever engine: whatever would have an outside effect
(messages, timers) waits there, held, until an operator releases it. Tables of records are known to the objects room,
which gives a `RecordTables`. A table nobody knows refuses the export: nothing is left behind unsaid.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import orjson
import sqlalchemy as sa

from fieldstone.platform.database.engines import Databases
from fieldstone.platform.database.home import HOME, HOME_REVISION, tenant_state
from fieldstone.platform.database.unit import SqlUnit, committed
from fieldstone.platform.files import FileStore
from fieldstone.platform.kernel.context import Tenant
from fieldstone.platform.kernel.errors import Invalid
from fieldstone.platform.tenancy.rows import decoder, encoded
from fieldstone.platform.tenancy.store import TenantStore

FORMAT = 1
BATCH = 500


class RecordTables(Protocol):
    """The tables beyond the fixed ones."""

    def existing(self, unit: SqlUnit) -> Sequence[sa.Table]:
        """Those in this home, each after the ones it refers to where possible."""
        ...

    def create(self, unit: SqlUnit) -> Sequence[sa.Table]:
        """Make them in this home, whose definitions are loaded; the same order."""
        ...


class NoRecordTables:
    """For an installation without objects."""

    def existing(self, unit: SqlUnit) -> Sequence[sa.Table]:
        return ()

    def create(self, unit: SqlUnit) -> Sequence[sa.Table]:
        return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What an export or a restore moved: rows by table, files, and what a restored copy holds back, by table."""

    rows: Mapping[str, int]
    files: int
    held: Mapping[str, int]


class TenantTransfer:
    """Exports and restores tenants."""

    def __init__(
        self, databases: Databases, tenants: TenantStore, files: FileStore, record_tables: RecordTables
    ) -> None:
        self._databases = databases
        self._tenants = tenants
        self._files = files
        self._record_tables = record_tables

    def export_to(self, name: str, path: Path) -> Summary:
        """Write the tenant to a zip file, complete or not at all. Raises `NotFound`, `Invalid`."""
        record = self._tenants.record(name)
        draft = path.with_name(path.name + ".draft")
        unit = self._databases.of(record.place).snapshot_unit(record.place)
        try:
            with zipfile.ZipFile(draft, "w", zipfile.ZIP_DEFLATED) as archive:
                summary = self._export(archive, record.tenant, unit)
            draft.replace(path)
        finally:
            unit.close()
            draft.unlink(missing_ok=True)
        return summary

    def restore_from(self, path: Path, name: str, *, label: str | None = None, database: str = "main") -> Summary:
        """Make the new tenant `name` from a file. Raises `Invalid` for a file that is not whole, `Conflict`."""
        with _archive(path) as archive:
            manifest = _checked_manifest(archive)
            given = manifest["tenant"]
            with (
                self._tenants.restoring(
                    name,
                    label or given["label"],
                    locale=given["locale"],
                    time_zone=given["time_zone"],
                    currency=given["currency"],
                    hue=given["hue"],
                    database=database,
                ) as place,
                committed(self._databases.of(place).owner_unit(place)) as unit,
            ):
                summary = self._restore(archive, manifest, unit)
        return summary

    def _export(self, archive: zipfile.ZipFile, tenant: Tenant, unit: SqlUnit) -> Summary:
        tables = [*_fixed_tables(), *self._record_tables.existing(unit)]
        _refuse_unknown(unit, tables)
        parts = {table.name: _write_table(archive, unit, table) for table in tables}
        blobs = {key: self._write_blob(archive, tenant.name, key) for key in self._files.keys(tenant.name)}
        manifest = {
            "format": FORMAT,
            "revision": HOME_REVISION,
            "tenant": asdict(tenant),
            "exported_at": datetime.now(UTC).isoformat(),
            "tables": parts,
            "blobs": blobs,
        }
        archive.writestr("manifest.json", json.dumps(manifest, indent=2, sort_keys=True))
        return Summary(rows={name: part["rows"] for name, part in parts.items()}, files=len(blobs), held={})

    def _write_blob(self, archive: zipfile.ZipFile, tenant: str, key: str) -> str:
        digest = hashlib.sha256()
        with self._files.open(tenant, key) as source, archive.open(f"blobs/{key}", "w") as target:
            while chunk := source.read(1 << 18):
                digest.update(chunk)
                target.write(chunk)
        return digest.hexdigest()

    def _restore(self, archive: zipfile.ZipFile, manifest: Mapping[str, Any], unit: SqlUnit) -> Summary:
        rows: dict[str, int] = {}
        held: dict[str, int] = {}
        loader = _Loader(archive, manifest, unit)
        for table in _fixed_tables():
            rows[table.name], held[table.name] = loader.load(table)
        for table in self._record_tables.create(unit):
            rows[table.name], held[table.name] = loader.load(table)
        loader.finish()
        unit.run(sa.update(tenant_state).values(access_version=tenant_state.c.access_version + 1, state="active"))
        for key in manifest["blobs"]:
            with archive.open(f"blobs/{key}") as content:
                self._files.import_blob(unit.tenant, key, content)
        return Summary(
            rows=rows, files=len(manifest["blobs"]), held={name: count for name, count in held.items() if count}
        )


class _Loader:
    """Loads tables one after the other; references to rows that are not there yet are filled in at the end."""

    def __init__(self, archive: zipfile.ZipFile, manifest: Mapping[str, Any], unit: SqlUnit) -> None:
        self._archive = archive
        self._parts = manifest["tables"]
        self._unit = unit
        self._loaded: set[str] = set()
        self._later: list[tuple[sa.Table, list[dict[str, Any]]]] = []

    def load(self, table: sa.Table) -> tuple[int, int]:
        """Replace the table's rows by the file's; how many, and how many of them are held back."""
        self._unit.run(sa.delete(table))
        late = self._late_columns(table)
        count = held = 0
        for batch in _batches(self._rows(table)):
            count += len(batch)
            held += sum(_hold_back(table, row) for row in batch)
            if late:
                self._later.append((table, [{**_key(table, row), **{n: row[n] for n in late}} for row in batch]))
                batch = [{**row, **dict.fromkeys(late)} for row in batch]
            self._unit.connection.execute(sa.insert(table), batch)
        self._loaded.add(table.name)
        return count, held

    def finish(self) -> None:
        """Fill in what had to wait."""
        for table, rows in self._later:
            keys = [column.name for column in table.primary_key]
            for row in rows:
                values = {name: value for name, value in row.items() if name not in keys}
                if any(value is not None for value in values.values()):
                    matches = [table.c[name] == row[name] for name in keys]
                    self._unit.run(sa.update(table).where(*matches).values(**values))

    def _late_columns(self, table: sa.Table) -> tuple[str, ...]:
        return tuple(
            column.name
            for column in table.columns
            if any(key.column.table.name not in self._loaded for key in column.foreign_keys)
        )

    def _rows(self, table: sa.Table) -> Iterator[dict[str, Any]]:
        if table.name not in self._parts:
            return
        decode = decoder(table)
        with self._archive.open(f"tables/{table.name}.jsonl") as lines:
            for line in lines:
                yield decode(orjson.loads(line))


def _verify(archive: zipfile.ZipFile, manifest: Mapping[str, Any]) -> None:
    """Raises `Invalid` unless every part is what was written."""
    parts = {f"tables/{name}.jsonl": part["sha256"] for name, part in manifest["tables"].items()}
    parts.update({f"blobs/{key}": digest for key, digest in manifest["blobs"].items()})
    for name, expected in parts.items():
        digest = hashlib.sha256()
        try:
            with archive.open(name) as content:
                while chunk := content.read(1 << 18):
                    digest.update(chunk)
        except (KeyError, zipfile.BadZipFile, zlib.error) as error:
            raise Invalid("The file is damaged: {part}.", part=name) from error
        if digest.hexdigest() != expected:
            raise Invalid("The file is damaged: {part}.", part=name)


def _batches(rows: Iterable[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    batch: list[dict[str, Any]] = []
    for row in rows:
        batch.append(row)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _key(table: sa.Table, row: Mapping[str, Any]) -> dict[str, Any]:
    return {column.name: row[column.name] for column in table.primary_key}


def _hold_back(table: sa.Table, row: dict[str, Any]) -> int:
    """Apply the table's own rules for restored rows; 1 when the row changed."""
    rules: Mapping[str, Mapping[Any, Any]] = table.info.get("restore", {})
    changed = 0
    for name, replacements in rules.items():
        if row[name] in replacements:
            row[name] = replacements[row[name]]
            changed = 1
    return changed


def _fixed_tables() -> list[sa.Table]:
    return [table for table in HOME.sorted_tables if table.info.get("export") != "skip"]


def _refuse_unknown(unit: SqlUnit, tables: Sequence[sa.Table]) -> None:
    known = {table.name for table in tables} | set(HOME.tables)
    unknown = sorted(set(table_names(unit)) - known)
    if unknown:
        raise Invalid("The export would leave out {tables}.", tables=", ".join(unknown))


def table_names(unit: SqlUnit) -> Sequence[str]:
    """All tables of a home."""
    if unit.dialect == "postgresql":
        query = sa.text("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()")
    else:
        query = sa.text("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'")
    return [row[0] for row in unit.rows(query)]


def _write_table(archive: zipfile.ZipFile, unit: SqlUnit, table: sa.Table) -> dict[str, Any]:
    digest, count = hashlib.sha256(), 0
    query = sa.select(table).order_by(*table.primary_key.columns)
    names = [column.name for column in table.columns]
    stream = unit.connection.execution_options(stream_results=True, yield_per=BATCH).execute(query)
    with archive.open(f"tables/{table.name}.jsonl", "w") as target:
        for row in stream:
            line = encoded(names, row)
            digest.update(line)
            target.write(line)
            count += 1
    return {"rows": count, "sha256": digest.hexdigest()}


def _archive(path: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except zipfile.BadZipFile as error:
        raise Invalid("This is not an export of a tenant.") from error


def _checked_manifest(archive: zipfile.ZipFile) -> Mapping[str, Any]:
    try:
        manifest = json.loads(archive.read("manifest.json"))
    except (KeyError, ValueError) as error:
        raise Invalid("This is not an export of a tenant.") from error
    if manifest.get("format") != FORMAT:
        raise Invalid("The export has another format than {known}.", known=FORMAT)
    if manifest["revision"] != HOME_REVISION:
        raise Invalid(
            "The export is of revision {found}; upgrade the tenant it came from to {known} first.",
            found=manifest["revision"],
            known=HOME_REVISION,
        )
    _verify(archive, manifest)
    return dict(manifest)
