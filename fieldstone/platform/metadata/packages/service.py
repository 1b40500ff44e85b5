"""Packages: validate, compare, install, remove, export.

What comes in: a package read from a folder or archive. What goes out: findings, differences in words, an installed
version, files. An element belongs to the package that brought it; what a tenant changed in it since is a local change,
which an install keeps unless it is told to replace it, and always reports. An install is one publish; doing it again
changes nothing. Called by the command line and the API.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version as distribution_version
from pathlib import Path, PurePosixPath
from typing import Literal, Protocol

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from fieldstone.platform.database.unit import SqlUnit
from fieldstone.platform.i18n import mark
from fieldstone.platform.kernel.context import Context, Unit
from fieldstone.platform.kernel.errors import FieldError, Invalid, NotFound
from fieldstone.platform.kernel.metadata import Definition, Diagnostic
from fieldstone.platform.metadata.canonical import content_hash
from fieldstone.platform.metadata.diff import ElementDifference, compare_definitions
from fieldstone.platform.metadata.doors import Doors
from fieldstone.platform.metadata.manifest import Key, Manifest
from fieldstone.platform.metadata.packages.package import Package
from fieldstone.platform.metadata.packages.reading import PackageReader, package_files
from fieldstone.platform.metadata.packages.store import Install, InstallStore, is_data
from fieldstone.platform.metadata.pointers import pointer
from fieldstone.platform.metadata.service import MetadataService, Proposal, PublishOrder
from fieldstone.platform.metadata.values import Change, Preview, Published

Overrides = Literal["keep", "replace"]


class SeedImporter(Protocol):
    """Brings the rows of `data/<object>.csv` in as records; provided by objects. Runs in a unit of its own."""

    def import_seed(self, ctx: Context, unit: Unit, object: str, path: Path) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class InstallOrder:
    """How to install: what is confirmed ("lossy"), and whether local changes stay."""

    confirm: frozenset[str] = field(default=frozenset())
    overrides: Overrides = "keep"


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalChange:
    """An element of the package that the tenant changed or removed, and what the install does about it."""

    kind: str
    name: str
    outcome: Literal["kept", "replaced"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Installed:
    """What an install did: the version (unchanged when nothing changed), its jobs, local changes, seeded files."""

    package: str
    version: int
    jobs: Sequence[str] = ()
    local_changes: Sequence[LocalChange] = ()
    seeds: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Intent:
    """What installing a package comes to in one tenant."""

    changes: Sequence[Change]
    local_changes: Sequence[LocalChange]
    problems: Sequence[Diagnostic]


class PackageService:
    """Packages of one tenant at a time."""

    def __init__(self, metadata: MetadataService, importer: SeedImporter | None = None) -> None:
        self._metadata = metadata
        self._importer = importer
        self._installs = InstallStore()
        self._reader = PackageReader(metadata.kinds, metadata.schemas)

    def seed_with(self, importer: SeedImporter) -> None:
        """Have data files brought in by `importer`; said once, at start."""
        self._importer = importer

    def read(self, path: Path) -> Package:
        """The package in a folder or zip archive. Raises `NotFound`, `Invalid` with all findings, `MetadataError`."""
        return self._reader.read(path)

    def installed(self, unit: Unit) -> Sequence[Install]:
        """What is installed, by name."""
        return tuple(self._installs.all(unit).values())

    def validate(self, doors: Doors, package: Package, order: InstallOrder | None = None) -> Preview:
        """What installing would do, or all reasons why it is refused. Reads only."""
        intent = doors.read(lambda ctx, unit: self._intent(unit, package, order or InstallOrder()))
        preview = self._metadata.preview(doors, intent.changes)
        return Preview(
            base_version=preview.base_version,
            diagnostics=[*intent.problems, *preview.diagnostics],
            plan=() if intent.problems else preview.plan,
            impact=preview.impact,
        )

    def differences(
        self, unit: Unit, package: Package, order: InstallOrder | None = None
    ) -> Sequence[ElementDifference]:
        """What an install would change in the tenant, against its present state."""
        manifest = self._metadata.store.latest(unit)[1]
        after = dict(manifest.elements)
        for change in self._intent(unit, package, order or InstallOrder()).changes:
            after.pop(change.key, None)
            if change.body is not None:
                after[change.key] = _definition(change)
        return compare_definitions(manifest.elements, after)

    def local_changes(self, unit: Unit, name: str) -> Sequence[ElementDifference]:
        """What the tenant changed in an installed package, package first. Raises `NotFound`."""
        self._install(unit, name)
        shipped = self._installs.shipped(unit, name)
        present = self._metadata.store.latest(unit)[1].elements
        changed = {key for key, hash_ in shipped.items() if key not in present or present[key].hash != hash_}
        bodies = self._metadata.store.by_hash(unit, {key: shipped[key] for key in changed})
        return compare_definitions(bodies, {key: present[key] for key in changed if key in present})

    def install(self, doors: Doors, package: Package, order: InstallOrder | None = None) -> Installed:
        """Install or upgrade. Raises as `MetadataService.publish` does, `Invalid` for what the package needs."""
        order = order or InstallOrder()
        intents: list[_Intent] = []
        title = f"{package.name} {package.version}"

        def propose(ctx: Context, unit: SqlUnit) -> Proposal:
            intents[:] = [self._accepted(unit, package, order)]
            publish = PublishOrder(name=title, purpose=f"package {title}", confirm=order.confirm)
            return self._metadata.propose(unit, intents[0].changes, publish)

        def finish(ctx: Context, unit: SqlUnit, published: Published) -> None:
            hashes = {key: content_hash(body) for key, body in package.elements.items()}
            self._installs.write(ctx, unit, package, published.version, hashes)

        published = self._metadata.publish_with(doors, propose, finish)
        return Installed(
            package=package.name,
            version=published.version,
            jobs=published.jobs,
            local_changes=intents[0].local_changes,
            seeds=self._seed(doors, package),
        )

    def remove(self, doors: Doors, name: str, confirm: frozenset[str] = frozenset()) -> Published:
        """Take a package away with all elements that belong to it. Raises as `MetadataService.publish` does."""

        def propose(ctx: Context, unit: SqlUnit) -> Proposal:
            self._install(unit, name)
            owned = _owned(self._metadata.store.latest(unit)[1], name)
            changes = [Change(kind=d.kind, name=d.name, body=None) for d in owned]
            order = PublishOrder(name=f"- {name}", purpose=f"package {name} removed", confirm=confirm)
            return self._metadata.propose(unit, changes, order)

        def finish(ctx: Context, unit: SqlUnit, published: Published) -> None:
            self._installs.remove(unit, name)

        return self._metadata.publish_with(doors, propose, finish)

    def export(self, unit: Unit, name: str) -> dict[str, str]:
        """The files of an installed package: what belongs to it as it is now. Raises `NotFound`."""
        install = self._install(unit, name)
        owned = _owned(self._metadata.store.latest(unit)[1], name)
        package = Package(
            manifest=install.manifest,
            elements={(d.kind, d.name): d.body for d in owned},
            locales=install.locales,
            files=self._installs.files(unit, name),
        )
        return package_files(package, self._metadata.kinds)

    def _install(self, unit: Unit, name: str) -> Install:
        install = self._installs.all(unit).get(name)
        if install is None:
            raise NotFound("There is no package called {name}.", name=name)
        return install

    def _accepted(self, unit: Unit, package: Package, order: InstallOrder) -> _Intent:
        intent = self._intent(unit, package, order)
        if intent.problems:
            errors = [FieldError(path=p.path, code=p.code, message=p.message, facts=p.facts) for p in intent.problems]
            raise Invalid("This package cannot be installed here.", code="package_refused", errors=errors)
        return intent

    def _intent(self, unit: Unit, package: Package, order: InstallOrder) -> _Intent:
        manifest = self._metadata.store.latest(unit)[1]
        shipped = self._installs.shipped(unit, package.name)
        changes: list[Change] = []
        local: list[LocalChange] = []
        for key in sorted({*package.elements, *(k for k in shipped if k in manifest.elements)}):
            change = Change(kind=key[0], name=key[1], body=package.elements.get(key), package=package.name)
            is_local = key in shipped and _hash(manifest, key) not in (shipped[key], _hash_of(change))
            if is_local:
                local.append(LocalChange(kind=key[0], name=key[1], outcome=_OUTCOMES[order.overrides]))
            if not (is_local and order.overrides == "keep"):
                changes.append(change)
        problems = [*self._needs(unit, package), *_foreign(manifest, package)]
        return _Intent(changes=changes, local_changes=local, problems=problems)

    def _needs(self, unit: Unit, package: Package) -> Iterable[Diagnostic]:
        """What the package needs and this installation or tenant does not have."""
        installed = {name: install.version for name, install in self._installs.all(unit).items()}
        here = distribution_version("fieldstone")
        yield from _check_version("/version", package.version)
        yield from _check_range("/fieldstone", "fieldstone", str(package.manifest.get("fieldstone", "")), here)
        for name, wanted in sorted(package.depends.items()):
            yield from _check_range(pointer(("depends", name)), name, wanted, installed.get(name))

    def _seed(self, doors: Doors, package: Package) -> list[str]:
        """Bring in data files that are new or changed, each in its own unit, noted with it."""
        paths = sorted(path for path in package.files if is_data(path))
        return [path for path in paths if doors.write(self._seeding(package, path))]

    def _seeding(self, package: Package, path: str) -> Callable[[Context, Unit], bool]:
        return lambda ctx, unit: self._seed_one(ctx, unit, package, path)

    def _seed_one(self, ctx: Context, unit: Unit, package: Package, path: str) -> bool:
        content = package.files[path]
        if self._installs.files(unit, package.name).get(path) == content:
            return False
        if self._importer is not None:
            with tempfile.TemporaryDirectory() as folder:
                file = Path(folder) / PurePosixPath(path).name
                file.write_text(content, encoding="utf-8", newline="")
                self._importer.import_seed(ctx, unit, file.stem, file)
        self._installs.write_file(unit, package.name, path, content)
        return True


_OUTCOMES: Mapping[Overrides, Literal["kept", "replaced"]] = {"keep": "kept", "replace": "replaced"}


def _owned(manifest: Manifest, package: str) -> list[Definition]:
    return [definition for definition in manifest.elements.values() if definition.package == package]


def _foreign(manifest: Manifest, package: Package) -> Iterable[Diagnostic]:
    """Elements that are there already and belong to somebody else."""
    for key in sorted(package.elements):
        present = manifest.elements.get(key)
        if present is None or present.package == package.name:
            continue
        if present.package is None and present.hash == content_hash(package.elements[key]):
            continue
        message = mark("This tenant has a {kind} {name} already, which belongs to {owner}.")
        owner = present.package or "itself"
        yield _problem(pointer(key), "not_owned", message, kind=key[0], name=key[1], owner=owner)


def _hash(manifest: Manifest, key: Key) -> str | None:
    present = manifest.elements.get(key)
    return present.hash if present else None


def _hash_of(change: Change) -> str | None:
    return None if change.body is None else content_hash(change.body)


def _definition(change: Change) -> Definition:
    body = change.body or {}
    return Definition(kind=change.kind, name=change.name, body=body, hash=content_hash(body), package=change.package)


def _check_version(path: str, version: str) -> Iterable[Diagnostic]:
    try:
        Version(version)
    except InvalidVersion:
        yield _problem(path, "version", mark("{version} is not a version."), version=version)


def _check_range(path: str, name: str, wanted: str, have: str | None) -> Iterable[Diagnostic]:
    if have is None:
        yield _problem(
            path, "missing", mark("This needs {name} {wanted}, which is not installed."), name=name, wanted=wanted
        )
        return
    try:
        fits = SpecifierSet("" if wanted == "*" else wanted).contains(Version(have), prereleases=True)
    except InvalidSpecifier:
        yield _problem(path, "range", mark("{wanted} is not a range of versions."), wanted=wanted)
        return
    if not fits:
        message = mark("This needs {name} {wanted}; {have} is installed.")
        yield _problem(path, "range", message, name=name, wanted=wanted, have=have)


def _problem(path: str, code: str, message: str, **facts: str) -> Diagnostic:
    return Diagnostic(path=path, severity="error", code=code, message=message, facts=facts)
