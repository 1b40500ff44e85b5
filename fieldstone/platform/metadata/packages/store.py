"""What is installed: packages, what they brought, and their files. Called by the package service only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
import sqlalchemy as sa

from fieldstone.platform.database.prepared import Prepared
from fieldstone.platform.kernel.context import Context, Unit
from fieldstone.platform.metadata.canonical import canonical
from fieldstone.platform.metadata.manifest import Key
from fieldstone.platform.metadata.packages.package import Package
from fieldstone.platform.metadata.tables import package_element, package_file, package_install

_OF = sa.bindparam("of_package", type_=sa.Text)
_COLUMNS = [package_install.c[name] for name in ("name", "version", "manifest", "locales", "metadata_version")]
_COLUMNS += [package_install.c.by_name, package_install.c.at]
_INSTALLS = Prepared(sa.select(*_COLUMNS).order_by(package_install.c.name))
_ELEMENTS = Prepared(
    sa.select(package_element.c.kind, package_element.c.name, package_element.c.hash).where(
        package_element.c.package == _OF
    )
)
_FILES = Prepared(sa.select(package_file.c.path, package_file.c.content).where(package_file.c.package == _OF))
_ADD = Prepared(sa.insert(package_install), columns=[column.name for column in package_install.c])
_SET = Prepared(
    sa.update(package_install)
    .where(package_install.c.name == _OF)
    .values(
        version=sa.bindparam("new_version", type_=sa.Text),
        manifest=sa.bindparam("new_manifest", type_=sa.Text),
        locales=sa.bindparam("new_locales", type_=sa.Text),
        metadata_version=sa.bindparam("new_metadata_version", type_=sa.BigInteger),
        by_name=sa.bindparam("new_by_name", type_=sa.Text),
        at=sa.bindparam("new_at", type_=package_install.c.at.type),
    )
)
_DROP = Prepared(sa.delete(package_install).where(package_install.c.name == _OF))
_DROP_ELEMENTS = Prepared(sa.delete(package_element).where(package_element.c.package == _OF))
_ADD_ELEMENT = Prepared(sa.insert(package_element), columns=["package", "kind", "name", "hash"])
_DROP_FILES = Prepared(sa.delete(package_file).where(package_file.c.package == _OF))
_DROP_FILE = Prepared(
    sa.delete(package_file).where(
        package_file.c.package == _OF, package_file.c.path == sa.bindparam("of_path", type_=sa.Text)
    )
)
_ADD_FILE = Prepared(sa.insert(package_file), columns=["package", "path", "content"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Install:
    """One installed package, as of its last install."""

    name: str
    version: str
    manifest: Mapping[str, Any]
    locales: Sequence[str]
    metadata_version: int
    by_name: str
    at: datetime


class InstallStore:
    """Rows of installed packages."""

    def all(self, unit: Unit) -> dict[str, Install]:
        """Every installed package by name."""
        return {row[0]: _install(row) for row in unit.rows(_INSTALLS)}

    def shipped(self, unit: Unit, name: str) -> dict[Key, str]:
        """The hash of each element as the package brought it."""
        return {(kind, element): hash_ for kind, element, hash_ in unit.rows(_ELEMENTS, {"of_package": name})}

    def files(self, unit: Unit, name: str) -> dict[str, str]:
        """Data, examples and documents of a package."""
        return dict(unit.rows(_FILES, {"of_package": name}))

    def write(self, ctx: Context, unit: Unit, package: Package, version: int, hashes: Mapping[Key, str]) -> None:
        """Note that a package is installed, what it brought, and its files but for those under `data/`."""
        row = {
            "version": package.version,
            "manifest": canonical(package.manifest),
            "locales": canonical(list(package.locales)),
            "metadata_version": version,
            "by_name": ctx.actor.name,
            "at": ctx.now,
        }
        if unit.run(_SET, {"of_package": package.name, **{f"new_{key}": value for key, value in row.items()}}) == 0:
            unit.run(_ADD, {"name": package.name, **row})
        unit.run(_DROP_ELEMENTS, {"of_package": package.name})
        elements = [{"package": package.name, "kind": k, "name": n, "hash": h} for (k, n), h in hashes.items()]
        if elements:
            unit.run_many(_ADD_ELEMENT, elements)
        self._write_files(unit, package)

    def write_file(self, unit: Unit, package: str, path: str, content: str) -> None:
        """Note one file of a package."""
        unit.run(_DROP_FILE, {"of_package": package, "of_path": path})
        unit.run(_ADD_FILE, {"package": package, "path": path, "content": content})

    def remove(self, unit: Unit, name: str) -> None:
        """Forget a package."""
        for statement in (_DROP_FILES, _DROP_ELEMENTS, _DROP):
            unit.run(statement, {"of_package": name})

    def _write_files(self, unit: Unit, package: Package) -> None:
        present = self.files(unit, package.name)
        _drop_files(unit, package.name, (path for path in present if path not in package.files))
        for path, content in package.files.items():
            if not is_data(path) and present.get(path) != content:
                self.write_file(unit, package.name, path, content)


def is_data(path: str) -> bool:
    """Whether a file holds records to bring in."""
    return path.startswith("data/") and path.endswith(".csv")


def _drop_files(unit: Unit, package: str, paths: Iterable[str]) -> None:
    for path in paths:
        unit.run(_DROP_FILE, {"of_package": package, "of_path": path})


def _install(row: Sequence[Any]) -> Install:
    name, version, manifest, locales, metadata_version, by_name, at = row
    return Install(
        name=name,
        version=version,
        manifest=orjson.loads(manifest),
        locales=tuple(orjson.loads(locales)),
        metadata_version=metadata_version,
        by_name=by_name,
        at=at,
    )
