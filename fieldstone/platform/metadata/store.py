"""Versions in the tenant home: reads a version as a manifest, writes the next one.

What comes in: an open unit. What goes out: manifests (from the cache when their hash is known to this process),
physical names with their history, version rows. Writing happens only inside the publishing transaction. Called by the
metadata, version and package services.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import orjson
import sqlalchemy as sa

from fieldstone.platform.database.home import SET_VERSION
from fieldstone.platform.database.prepared import Prepared
from fieldstone.platform.kernel.context import Unit
from fieldstone.platform.kernel.errors import NotFound
from fieldstone.platform.kernel.metadata import Definition
from fieldstone.platform.metadata.canonical import canonical
from fieldstone.platform.metadata.lru import BoundedMap
from fieldstone.platform.metadata.manifest import EMPTY, Key, Manifest
from fieldstone.platform.metadata.physical import PhysicalName, PhysicalNames
from fieldstone.platform.metadata.tables import (
    building_part,
    definition,
    metadata_version,
    physical_name,
    version_element,
)
from fieldstone.platform.metadata.values import Version

_BODY_FACTOR = 8
_ELEMENT_BYTES = 1_000
_CHUNK = 500
_INTEGER = sa.BigInteger

# A part under construction: the element and what of it.
BuildingPart: TypeAlias = tuple[Key, str]


def _at(table: sa.Table, version: sa.ColumnElement[int]) -> sa.ColumnElement[bool]:
    """The rows whose interval contains a version."""
    until = table.c.until_version
    return sa.and_(table.c.from_version <= version, sa.or_(until.is_(None), until > version))


_WANTED = sa.bindparam("wanted", type_=_INTEGER)
_VERSION_COLUMNS = [metadata_version.c[name] for name in Version.__dataclass_fields__]
_LATEST = Prepared(
    sa.select(metadata_version.c.number, metadata_version.c.manifest)
    .order_by(metadata_version.c.number.desc())
    .limit(1)
)
_VERSION = Prepared(sa.select(*_VERSION_COLUMNS).where(metadata_version.c.number == _WANTED))
_VERSIONS = Prepared(
    sa.select(*_VERSION_COLUMNS)
    .where(metadata_version.c.number < sa.bindparam("older_than", type_=_INTEGER))
    .order_by(metadata_version.c.number.desc())
    .limit(sa.bindparam("most", type_=sa.Integer))
)
_ELEMENT_COLUMNS = [version_element.c[name] for name in ("kind", "name", "hash", "package")]
_ELEMENTS = Prepared(sa.select(*_ELEMENT_COLUMNS).where(_at(version_element, _WANTED)))
_CHANGED_SINCE = Prepared(
    sa.select(version_element.c.kind, version_element.c.name)
    .where(
        sa.or_(
            version_element.c.from_version > sa.bindparam("since", type_=_INTEGER),
            version_element.c.until_version > sa.bindparam("since", type_=_INTEGER),
        )
    )
    .distinct()
)
_BODIES = Prepared(
    sa.select(definition.c.hash, definition.c.body).where(
        definition.c.hash.in_(sa.bindparam("hashes", expanding=True, type_=sa.Text))
    )
)
_KNOWN = Prepared(
    sa.select(definition.c.hash).where(definition.c.hash.in_(sa.bindparam("hashes", expanding=True, type_=sa.Text)))
)
_NAME_COLUMNS = [
    physical_name.c[name] for name in ("element_kind", "element_name", "kind", "path", "name", "scope", "signature")
]
_NAMES = Prepared(sa.select(*_NAME_COLUMNS, physical_name.c.until_version))
_NAMES_AT = Prepared(sa.select(*_NAME_COLUMNS).where(_at(physical_name, _WANTED)))
_LIVE_NAMES = Prepared(
    sa.select(physical_name.c.kind, physical_name.c.path, physical_name.c.name).where(
        physical_name.c.until_version.is_(None)
    )
)
_BUILDING = Prepared(sa.select(building_part.c.kind, building_part.c.name, building_part.c.part))

_ADD_BODY = Prepared(sa.insert(definition), columns=["hash", "body"])
_ADD_VERSION = Prepared(sa.insert(metadata_version), columns=[column.name for column in metadata_version.c])
_ADD_ELEMENT = Prepared(
    sa.insert(version_element), columns=["kind", "name", "from_version", "until_version", "hash", "package"]
)
_END_ELEMENT = Prepared(
    sa.update(version_element)
    .where(
        version_element.c.kind == sa.bindparam("of_kind", type_=sa.Text),
        version_element.c.name == sa.bindparam("of_name", type_=sa.Text),
        version_element.c.until_version.is_(None),
    )
    .values(until_version=sa.bindparam("ends", type_=_INTEGER))
)
_ADD_NAME = Prepared(sa.insert(physical_name), columns=[column.name for column in physical_name.c])
_END_NAME = Prepared(
    sa.update(physical_name)
    .where(
        physical_name.c.kind == sa.bindparam("of_kind", type_=sa.Text),
        physical_name.c.path == sa.bindparam("of_path", type_=sa.Text),
        physical_name.c.until_version.is_(None),
    )
    .values(until_version=sa.bindparam("ends", type_=_INTEGER))
)
_ADD_BUILDING = Prepared(sa.insert(building_part), columns=["kind", "name", "part", "version", "job"])
_END_BUILDING = Prepared(
    sa.delete(building_part).where(
        building_part.c.kind == sa.bindparam("of_kind", type_=sa.Text),
        building_part.c.name == sa.bindparam("of_name", type_=sa.Text),
        building_part.c.part == sa.bindparam("of_part", type_=sa.Text),
    )
)


class VersionStore:
    """Reads and writes versions. `kept` is the process-wide cache of bodies and manifests."""

    def __init__(self, kept: BoundedMap) -> None:
        self._kept = kept

    def latest(self, unit: Unit) -> tuple[int, Manifest]:
        """The published version and its manifest; (0, empty) before the first publish. One query when it is known."""
        found = unit.one(_LATEST)
        if found is None:
            return 0, EMPTY
        number, address = found
        manifest = self._kept.get(("manifest", address))
        if manifest is None:
            manifest = self._read_latest(unit, number)
            self.keep(manifest)
        return number, manifest

    def keep(self, manifest: Manifest) -> None:
        """Remember a manifest by its hash."""
        self._kept.put(("manifest", manifest.hash), manifest, _ELEMENT_BYTES * (1 + len(manifest.elements)))

    def at(self, unit: Unit, number: int) -> list[Definition]:
        """The definitions of a version. Raises `NotFound`."""
        self.version(unit, number)
        return self._definitions(unit, number)

    def by_hash(self, unit: Unit, hashes: Mapping[Key, str]) -> dict[Key, Definition]:
        """Definitions by the hash of their bodies, of any version."""
        bodies = self._bodies(unit, set(hashes.values()))
        return {
            (kind, name): Definition(kind=kind, name=name, body=bodies[hash_], hash=hash_)
            for (kind, name), hash_ in hashes.items()
            if hash_ in bodies
        }

    def names(self, unit: Unit) -> PhysicalNames:
        """All physical names ever given."""
        rows = [(_physical_name(cells), until) for *cells, until in unit.rows(_NAMES)]
        retired = sorted(((name, until) for name, until in rows if until is not None), key=lambda item: -item[1])
        live = tuple(name for name, until in rows if until is None)
        return PhysicalNames(live=live, retired=tuple(name for name, _ in retired))

    def names_at(self, unit: Unit, number: int) -> tuple[PhysicalName, ...]:
        """The physical names of a version."""
        return tuple(_physical_name(row) for row in unit.rows(_NAMES_AT, {"wanted": number}))

    def changed_since(self, unit: Unit, number: int) -> set[Key]:
        """Elements that any later version added, changed or removed."""
        return {(kind, name) for kind, name in unit.rows(_CHANGED_SINCE, {"since": number})}

    def version(self, unit: Unit, number: int) -> Version:
        """One version's row. Raises `NotFound`."""
        row = unit.one(_VERSION, {"wanted": number})
        if row is None:
            raise NotFound("There is no version {number}.", number=number)
        return _version(row)

    def versions(self, unit: Unit, older_than: int | None, most: int) -> list[Version]:
        """Versions, newest first."""
        beyond = 2**62 if older_than is None else older_than
        return [_version(row) for row in unit.rows(_VERSIONS, {"older_than": beyond, "most": most})]

    def add_version(self, unit: Unit, version: Version, manifest: Manifest) -> None:
        """Write the row of a version and make it the tenant's present one."""
        row = {name: getattr(version, name) for name in Version.__dataclass_fields__}
        unit.run(_ADD_VERSION, {**row, "manifest": manifest.hash})
        unit.run(SET_VERSION, {"new_version": version.number})

    def write_elements(self, unit: Unit, number: int, changes: Mapping[Key, Definition | None], old: Manifest) -> None:
        """End what changed or went, begin what changed or came."""
        self._add_bodies(unit, [d for d in changes.values() if d is not None])
        ended = [{"of_kind": k, "of_name": n, "ends": number} for k, n in changes if (k, n) in old.elements]
        begun = [
            {"kind": d.kind, "name": d.name, "from_version": number, "until_version": None}
            | {"hash": d.hash, "package": d.package}
            for d in changes.values()
            if d is not None
        ]
        _run_many(unit, _END_ELEMENT, ended)
        _run_many(unit, _ADD_ELEMENT, begun)

    def write_names(self, unit: Unit, number: int, ended: Iterable[Key], begun: Iterable[PhysicalName]) -> None:
        """End and begin physical names."""
        _run_many(unit, _END_NAME, [{"of_kind": k, "of_path": p, "ends": number} for k, p in sorted(ended)])
        rows = [
            {"kind": n.kind, "path": n.path, "from_version": number, "until_version": None}
            | {"element_kind": n.element[0], "element_name": n.element[1]}
            | {"name": n.name, "scope": n.scope, "signature": n.signature}
            for n in begun
        ]
        _run_many(unit, _ADD_NAME, rows)

    def write_building(
        self, unit: Unit, number: int, ended: Iterable[BuildingPart], begun: Mapping[BuildingPart, str | None]
    ) -> None:
        """End and begin parts under construction; `begun` names the job of each."""
        _run_many(unit, _END_BUILDING, [{"of_kind": k, "of_name": n, "of_part": p} for (k, n), p in sorted(ended)])
        rows = [
            {"kind": kind, "name": name, "part": part, "version": number, "job": job}
            for ((kind, name), part), job in begun.items()
        ]
        _run_many(unit, _ADD_BUILDING, rows)

    def _read_latest(self, unit: Unit, number: int) -> Manifest:
        physical = {(kind, path): name for kind, path, name in unit.rows(_LIVE_NAMES)}
        building: dict[Key, frozenset[str]] = {}
        for kind, name, part in unit.rows(_BUILDING):
            building[kind, name] = building.get((kind, name), frozenset()) | {part}
        return Manifest(self._definitions(unit, number), physical, building)

    def _definitions(self, unit: Unit, number: int) -> list[Definition]:
        rows = unit.rows(_ELEMENTS, {"wanted": number})
        bodies = self._bodies(unit, {row[2] for row in rows})
        return [
            Definition(kind=kind, name=name, body=bodies[hash_], hash=hash_, package=package)
            for kind, name, hash_, package in rows
        ]

    def _bodies(self, unit: Unit, hashes: set[str]) -> dict[str, Mapping[str, Any]]:
        found = {hash_: self._kept.get(("body", hash_)) for hash_ in hashes}
        missing = sorted(hash_ for hash_, body in found.items() if body is None)
        for start in range(0, len(missing), _CHUNK):
            for hash_, text in unit.rows(_BODIES, {"hashes": missing[start : start + _CHUNK]}):
                found[hash_] = orjson.loads(text)
                self._kept.put(("body", hash_), found[hash_], _BODY_FACTOR * len(text))
        return {hash_: body for hash_, body in found.items() if body is not None}

    def _add_bodies(self, unit: Unit, definitions: Sequence[Definition]) -> None:
        texts = {d.hash: canonical(d.body) for d in definitions}
        hashes = sorted(texts)
        known: set[str] = set()
        for start in range(0, len(hashes), _CHUNK):
            known.update(row[0] for row in unit.rows(_KNOWN, {"hashes": hashes[start : start + _CHUNK]}))
        _run_many(unit, _ADD_BODY, [{"hash": h, "body": texts[h]} for h in hashes if h not in known])


def _run_many(unit: Unit, statement: Prepared, rows: Sequence[Mapping[str, Any]]) -> None:
    if rows:
        unit.run_many(statement, rows)


def _physical_name(cells: Sequence[Any]) -> PhysicalName:
    element_kind, element_name, kind, path, name, scope, signature = cells
    return PhysicalName(
        element=(element_kind, element_name), kind=kind, path=path, name=name, scope=scope, signature=signature
    )


def _version(row: Sequence[Any]) -> Version:
    values = dict(zip(Version.__dataclass_fields__, row, strict=True))
    return Version(**{**values, "activation": bool(values["activation"])})
