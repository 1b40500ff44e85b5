"""The metadata service: preview, publish, activation, where-used.

A publish goes through several units: one reads the base, then everything is checked and compiled with no unit open
(a unit would hold the lock that others publish under), one reads what plans count, and the last runs alone on the
tenant's metadata, rechecks the base and writes everything as one. A draft that would lose data is refused until
`confirm` names `lossy`. Called by changesets, versions, packages, job kinds and tenancy (first version).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from fieldstone.platform.audit import Audit
from fieldstone.platform.database.unit import SqlUnit
from fieldstone.platform.i18n import mark
from fieldstone.platform.kernel.context import Context, Unit
from fieldstone.platform.kernel.errors import FieldError, Invalid, NotFound
from fieldstone.platform.kernel.metadata import Definition, Diagnostic, MetadataError
from fieldstone.platform.metadata.candidates import Base, Candidate, Candidates, diagnostic_of
from fieldstone.platform.metadata.canonical import content_hash
from fieldstone.platform.metadata.checking import check
from fieldstone.platform.metadata.doors import Doors
from fieldstone.platform.metadata.manifest import Key
from fieldstone.platform.metadata.planning import plan
from fieldstone.platform.metadata.pointers import pointer
from fieldstone.platform.metadata.publishing import JobStarter, Messages, Prepared, Publisher, moved_base
from fieldstone.platform.metadata.schemas import BodySchemas
from fieldstone.platform.metadata.snapshot import TenantSnapshot
from fieldstone.platform.metadata.snapshots import Snapshots
from fieldstone.platform.metadata.values import (
    PROVIDED,
    Change,
    Impact,
    PlannedStep,
    Preview,
    Published,
    Use,
)

LOSSY = "lossy"

FinishWork: TypeAlias = Callable[[Context, SqlUnit, Published], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishOrder:
    """How to publish: the version the draft is based on (None: the present one), what to call it, what is confirmed."""

    name: str
    purpose: str = ""
    base_version: int | None = None
    confirm: frozenset[str] = field(default=frozenset())


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What is to be published, as read in one unit; `make` needs no unit any more."""

    make: Callable[[], Candidate]
    order: PublishOrder
    restored: int | None = None


ProposeWork: TypeAlias = Callable[[Context, SqlUnit], Proposal]


class MetadataService:
    """Metadata of all tenants, of any registered kind."""

    def __init__(self, snapshots: Snapshots, audit: Audit, messages: Messages, jobs: JobStarter) -> None:
        self.kinds = snapshots.kinds
        self.cache = snapshots.cache
        self.store = snapshots.store
        self._snapshots = snapshots
        self.schemas = BodySchemas()
        self._candidates = Candidates(self.kinds, self.schemas)
        self._publisher = Publisher(self.store, audit, messages, jobs)

    def snapshot(self, unit: Unit) -> TenantSnapshot:
        """The published version as this unit sees it."""
        return self._snapshots.source(unit)

    def preview(self, doors: Doors, changes: Sequence[Change], base_version: int | None = None) -> Preview:
        """What publishing these changes would do. Reads only."""
        keys = [change.key for change in changes]
        base, moved = doors.read(lambda ctx, unit: self._base_and_moves(unit, base_version, keys))
        preview = self._previewed(doors, self._candidates.of_changes(base, changes))
        return replace(preview, diagnostics=[*moved, *preview.diagnostics])

    def check_change(self, unit: Unit, change: Change) -> dict[str, Any]:
        """The body as it is stored. Raises `Invalid` with pointers into the body itself."""
        return self._candidates.acceptable(self.store.latest(unit)[1], change)

    def publish(self, doors: Doors, changes: Sequence[Change], order: PublishOrder) -> Published:
        """Publish changes as the next version; when they change nothing, the present version is the answer.

        Raises `Invalid` with all diagnostics (code `metadata_invalid`) or with the lossy steps (`confirm_lossy`),
        `Conflict` (`base_moved`, `tenant_busy`).
        """
        return self.publish_with(doors, lambda ctx, unit: self.propose(unit, changes, order))

    def publish_with(self, doors: Doors, propose: ProposeWork, finish: FinishWork | None = None) -> Published:
        """Publish what `propose` reads; `finish` adds its own rows to the publishing transaction."""
        prepared = self._prepared(doors, doors.read(propose))

        def write(ctx: Context, unit: SqlUnit) -> Published:
            published = self._written(ctx, unit, prepared)
            if finish is not None:
                finish(ctx, unit, published)
            return published

        return doors.publish(write)

    def propose(self, unit: Unit, changes: Sequence[Change], order: PublishOrder) -> Proposal:
        """Changes on the present version. Raises `Conflict` when their base is an older one."""
        base = self._base(unit)
        if order.base_version is not None and order.base_version != base.version:
            self._refuse_moved(unit, base, order.base_version, [change.key for change in changes])
        return Proposal(make=lambda: self._candidates.of_changes(base, changes), order=order)

    def propose_restore(self, unit: Unit, number: int, order: PublishOrder) -> Proposal:
        """The definitions of an older version on the present one. Raises `NotFound`."""
        base, target, names = self._base(unit), self.store.at(unit, number), self.store.names_at(unit, number)
        return Proposal(make=lambda: self._candidates.of_version(base, target, names), order=order, restored=number)

    def publish_provided(self, doors: Doors) -> Published:
        """Publish what the software provides: a new tenant's first version, and after an upgrade the difference."""
        order = PublishOrder(name="Fieldstone", confirm=frozenset({LOSSY}))

        def propose(ctx: Context, unit: SqlUnit) -> Proposal:
            base = self._base(unit)
            return Proposal(make=lambda: self._candidates.of_definitions(base, self._provided(base)), order=order)

        return self.publish_with(doors, propose)

    def activate(self, doors: Doors, kind: str, name: str, part: str) -> Published:
        """A job has proved a part: publish, by itself, the version in which it is promised."""
        return doors.publish(lambda ctx, unit: self._publisher.activate(ctx, unit, (kind, name), part))

    def where_used(self, unit: Unit, kind: str, name: str, part: str | None = None) -> list[Use]:
        """Every reference to an element, or to one part of it, in the published version. Raises `NotFound`."""
        compiled = self.snapshot(unit).compiled
        if (kind, name) not in compiled.manifest.elements:
            raise NotFound("There is no {kind} called {name}.", kind=kind, name=name)
        uses = []
        for user_kind, user_name in compiled.manifest.elements:
            for reference in compiled.references((user_kind, user_name)):
                if (reference.kind, reference.name) == (kind, name) and _is_part(reference.part, part):
                    uses.append(Use(kind=user_kind, name=user_name, reference=reference))
        return uses

    def changed_elements(self, unit: Unit, base_version: int, keys: Iterable[Key]) -> tuple[bool, list[Key]]:
        """Whether any element changed after `base_version`, and which of `keys` did."""
        changed = self.store.changed_since(unit, base_version)
        return bool(changed), sorted(changed & set(keys))

    def _written(self, ctx: Context, unit: SqlUnit, prepared: Prepared) -> Published:
        if not prepared.candidate.changes and prepared.candidate.base.version > 0:
            return Published(version=prepared.candidate.base.version)
        return self._publisher.write(ctx, unit, prepared)

    def _base(self, unit: Unit) -> Base:
        number, manifest = self.store.latest(unit)
        return Base(version=number, manifest=manifest, names=self.store.names(unit))

    def _base_and_moves(
        self, unit: Unit, base_version: int | None, keys: Sequence[Key]
    ) -> tuple[Base, Sequence[Diagnostic]]:
        base = self._base(unit)
        return base, list(self._moved(unit, base, base_version, keys))

    def _prepared(self, doors: Doors, proposal: Proposal) -> Prepared:
        order = proposal.order
        candidate = proposal.make()
        preview = self._previewed(doors, candidate)
        if preview.refused:
            raise _refusal(preview.diagnostics)
        if LOSSY not in order.confirm:
            _refuse_lossy(preview.plan)
        return Prepared(
            candidate=candidate,
            plan=preview.plan,
            name=order.name,
            purpose=order.purpose,
            restored=proposal.restored,
        )

    def _previewed(self, doors: Doors, candidate: Candidate) -> Preview:
        base = candidate.base.version
        if any(found.severity == "error" for found in candidate.diagnostics):
            return Preview(base_version=base, diagnostics=list(candidate.diagnostics))
        checked = check(candidate, self.cache)
        preview = Preview(
            base_version=base,
            diagnostics=[*candidate.diagnostics, *checked.diagnostics, *_rewritten(candidate)],
            impact=_impact(candidate, checked.affected),
        )
        if preview.refused:
            return preview
        try:
            steps = doors.read(lambda ctx, unit: plan(candidate, checked.affected, self.cache, unit))
        except MetadataError as error:
            refused = diagnostic_of(error, f"/{error.element}")
            return replace(preview, diagnostics=[*preview.diagnostics, refused])
        return replace(preview, plan=steps)

    def _provided(self, base: Base) -> dict[Key, Definition | None]:
        wanted = {
            (d.kind, d.name): replace(d, hash=content_hash(d.body), package=PROVIDED)
            for kind in self.kinds
            for d in kind.adopted
        }
        drafts: dict[Key, Definition | None] = dict(wanted)
        for key, definition in base.manifest.elements.items():
            if definition.package == PROVIDED and key not in wanted:
                drafts[key] = None
        return drafts

    def _moved(self, unit: Unit, base: Base, base_version: int | None, keys: Iterable[Key]) -> Iterable[Diagnostic]:
        if base_version is None or base_version == base.version:
            return
        changed, both = self.changed_elements(unit, base_version, keys)
        facts = {"version": base.version}
        for key in both:
            message = mark("Version {version} changed this meanwhile.")
            yield Diagnostic(path=pointer(key), severity="error", code="base_moved", message=message, facts=facts)
        if changed and not both:
            message = mark("Version {version} was published meanwhile. Rebase the changeset on it and look again.")
            yield Diagnostic(path="", severity="warning", code="base_moved", message=message, facts=facts)

    def _refuse_moved(self, unit: Unit, base: Base, base_version: int, keys: Iterable[Key]) -> None:
        """Versions that only activated a part changed no element: a draft may follow them without a word."""
        changed, both = self.changed_elements(unit, base_version, keys)
        if changed:
            raise moved_base(base.version, both)


def _is_part(part: str | None, wanted: str | None) -> bool:
    return wanted is None or part == wanted or (part or "").startswith(wanted + ".")


def _refusal(diagnostics: Iterable[Diagnostic]) -> Invalid:
    errors = [
        FieldError(path=found.path, code=found.code, message=found.message, facts=found.facts)
        for found in diagnostics
        if found.severity == "error"
    ]
    return Invalid("This metadata cannot be published.", code="metadata_invalid", errors=errors)


def _refuse_lossy(steps: Iterable[PlannedStep]) -> None:
    errors = [
        FieldError(path="/" + planned.element, code=LOSSY, message=planned.step.message, facts=planned.step.facts)
        for planned in steps
        if planned.step.step_class == LOSSY
    ]
    if errors:
        message = mark('Some steps lose data. Publish with "confirm": ["lossy"] when that is meant.')
        raise Invalid(message, code="confirm_lossy", errors=errors)


def _rewritten(candidate: Candidate) -> list[Diagnostic]:
    message = mark("References were rewritten to the new name.")
    return [
        Diagnostic(path=pointer(key), severity="info", code="rewritten", message=message)
        for key in sorted(candidate.rewritten)
    ]


def _impact(candidate: Candidate, affected: Iterable[Key]) -> Impact:
    old = candidate.base.manifest.elements
    changes = candidate.changes
    return Impact(
        added=_names(key for key, definition in changes.items() if definition and key not in old),
        changed=_names(key for key, definition in changes.items() if definition and key in old),
        removed=_names(key for key, definition in changes.items() if definition is None),
        renamed=[f"{r.kind}/{r.name}{'.' + r.part if r.part else ''} → {r.to}" for r in candidate.renames],
        rewritten=_names(candidate.rewritten),
        affected=_names(key for key in affected if key not in changes),
    )


def _names(keys: Iterable[Key]) -> list[str]:
    return sorted("/".join(key) for key in keys)
