"""What a publish writes: steps, definitions, names, building parts, version, audit, message and jobs, as one.

What comes in: the publishing unit (exclusive, with the schema's rights) and a prepared candidate. What goes out: the
new version's number and its jobs. The caller's unit commits all of it or nothing. Called by the metadata service only.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from fieldstone.platform.audit import Audit
from fieldstone.platform.database.unit import SqlUnit
from fieldstone.platform.i18n import mark
from fieldstone.platform.kernel.context import Context, Unit
from fieldstone.platform.kernel.errors import Conflict
from fieldstone.platform.kernel.metadata import Definition
from fieldstone.platform.metadata.candidates import Candidate
from fieldstone.platform.metadata.manifest import Building, Key, Manifest
from fieldstone.platform.metadata.physical import moved
from fieldstone.platform.metadata.store import BuildingPart, VersionStore
from fieldstone.platform.metadata.values import PlannedStep, Published, Version

TOPIC = "metadata.published"


class Messages(Protocol):
    """The outbox, as far as publishing needs it."""

    def post(self, ctx: Context, unit: SqlUnit, topic: str, payload: Mapping[str, Any]) -> str: ...


class JobStarter(Protocol):
    """The jobs service, as far as publishing needs it."""

    def start(self, ctx: Context, unit: SqlUnit, kind: str, input: Mapping[str, Any]) -> str: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A checked candidate with its plan, ready to be written; made before anything is locked."""

    candidate: Candidate
    plan: Sequence[PlannedStep]
    name: str
    purpose: str
    restored: int | None = None


class Publisher:
    """Writes prepared candidates and activations."""

    def __init__(self, store: VersionStore, audit: Audit, messages: Messages, jobs: JobStarter) -> None:
        self._store = store
        self._audit = audit
        self._messages = messages
        self._jobs = jobs

    def write(self, ctx: Context, unit: SqlUnit, prepared: Prepared) -> Published:
        """Publish the candidate as the next version. Raises `Conflict` when its base is no longer the present one."""
        candidate = prepared.candidate
        base, number = candidate.base, candidate.base.version + 1
        present, _ = self._store.latest(unit)
        if present != base.version:
            raise moved_base(present, ())
        for planned in prepared.plan:
            if planned.step.apply is not None:
                planned.step.apply(unit)
        jobs = self._start_jobs(ctx, unit, prepared.plan, number)
        begun = {part: job for part, job in jobs if part is not None}
        manifest = _with_building(candidate.manifest, begun)
        self._store.write_elements(unit, number, candidate.changes, base.manifest)
        self._store.write_names(unit, number, *moved(base.names.live, candidate.names))
        self._write_building(unit, number, base.manifest.building, candidate.manifest.building, begun)
        version = _version(ctx, number, prepared.name, prepared.purpose, prepared.restored)
        self._finish(ctx, unit, version, manifest, _told(base.manifest, candidate.changes))
        return Published(version=number, jobs=tuple(job for _, job in jobs))

    def activate(self, ctx: Context, unit: SqlUnit, key: Key, part: str) -> Published:
        """Publish the version in which a part is no longer building; nothing happens when it is not (any more)."""
        present, manifest = self._store.latest(unit)
        if part not in manifest.building.get(key, ()):
            return Published(version=present)
        building = {**manifest.building, key: manifest.building[key] - {part}}
        active = Manifest(manifest.elements.values(), manifest.physical, building)
        self._store.write_building(unit, present + 1, [(key, part)], {})
        name = f"{key[1]}.{part}"
        version = _version(ctx, present + 1, name, "", None, activation=True)
        self._finish(
            ctx, unit, version, active, [{"kind": key[0], "name": key[1], "change": "activated", "part": part}]
        )
        return Published(version=present + 1)

    def _start_jobs(
        self, ctx: Context, unit: SqlUnit, plan: Iterable[PlannedStep], number: int
    ) -> list[tuple[BuildingPart | None, str]]:
        jobs: list[tuple[BuildingPart | None, str]] = []
        for planned in plan:
            step = planned.step
            if step.job is None:
                continue
            extra = {"element": planned.element, "building": step.building, "version": number}
            job = self._jobs.start(ctx, unit, step.job, {**step.job_input, **extra})
            kind, _, name = planned.element.partition("/")
            jobs.append((((kind, name), step.building) if step.building else None, job))
        return jobs

    def _write_building(
        self, unit: Unit, number: int, old: Building, kept: Building, begun: Mapping[BuildingPart, str]
    ) -> None:
        """Parts of removed elements end, those of renamed ones move, a part that is built anew gets its new job."""
        before = _flat(old)
        after = _flat(kept)
        moving = {part: None for part in after - before if part not in begun}
        ended = before - after | before & set(begun)
        self._store.write_building(unit, number, ended, {**moving, **begun})

    def _finish(
        self, ctx: Context, unit: SqlUnit, version: Version, manifest: Manifest, elements: Sequence[Mapping[str, Any]]
    ) -> None:
        self._store.add_version(unit, version, manifest)
        self._store.keep(manifest)
        after = {"version": version.number, "name": version.name, "purpose": version.purpose, "elements": elements}
        before = {"version": version.number - 1}
        self._audit.record(ctx, unit, "metadata.published", f"version/{version.number}", before, after)
        payload = {"version": version.number, "activation": version.activation, "elements": elements}
        self._messages.post(ctx, unit, TOPIC, payload)


def moved_base(version: int, elements: Iterable[Key]) -> Conflict:
    """409: the base is no longer the present version. `elements` are those changed on both sides; none: rebase.

    The fact `moved` ({"version", "elements", "rebase"}) says the same to programs.
    """
    both = sorted("/".join(key) for key in elements)
    if both:
        message = mark("Version {version} changed the same elements meanwhile: {elements}.")
    else:
        message = mark("Version {version} was published meanwhile. Rebase the changeset on it and look again.")
    moved = {"version": version, "elements": both, "rebase": not both}
    return Conflict(message, code="base_moved", version=version, elements=both, moved=moved)


def _version(
    ctx: Context, number: int, name: str, purpose: str, restored: int | None, *, activation: bool = False
) -> Version:
    return Version(
        number=number,
        name=name,
        purpose=purpose,
        by=ctx.actor.id,
        by_name=ctx.actor.name,
        at=ctx.now,
        restored=restored,
        activation=activation,
    )


def _with_building(manifest: Manifest, begun: Iterable[BuildingPart]) -> Manifest:
    building = dict(manifest.building)
    for key, part in begun:
        building[key] = building.get(key, frozenset()) | {part}
    return Manifest(manifest.elements.values(), manifest.physical, building) if begun else manifest


def _flat(building: Building) -> set[BuildingPart]:
    return {(key, part) for key, parts in building.items() for part in parts}


def _told(base: Manifest, changes: Mapping[Key, Definition | None]) -> list[dict[str, Any]]:
    """What audit and message say of each changed element."""
    result = []
    for (kind, name), after in sorted(changes.items()):
        before = base.elements.get((kind, name))
        change = "removed" if after is None else "changed" if before else "added"
        hashes = {"before": before.hash if before else None, "after": after.hash if after else None}
        result.append({"kind": kind, "name": name, "change": change, **hashes})
    return result
