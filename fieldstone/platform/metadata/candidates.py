"""A candidate: what a tenant's metadata would be after a set of changes, before anything is compiled.

What comes in: the base manifest with all physical names, and changes. What goes out: a `Candidate` (manifest,
effective definitions with renames rewritten, physical names) and diagnostics of single bodies: unknown kind, name,
limits, schema, elements that the software provides. Pure; called by the metadata service.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from fieldstone.platform.i18n import mark
from fieldstone.platform.kernel.errors import FieldError, Invalid
from fieldstone.platform.kernel.metadata import Definition, Diagnostic, MetadataError, MetadataKind, Rename
from fieldstone.platform.kernel.registry import Registry
from fieldstone.platform.metadata.canonical import canonical, content_hash, plain_body
from fieldstone.platform.metadata.limits import LIMITS
from fieldstone.platform.metadata.manifest import Key, Manifest
from fieldstone.platform.metadata.physical import PhysicalName, PhysicalNames, allot, parts_of
from fieldstone.platform.metadata.pointers import pointer
from fieldstone.platform.metadata.renames import RENAMED_FROM, find_renames, rewritten
from fieldstone.platform.metadata.schemas import NAME_PATTERN, SCHEMA_BASE, BodySchemas
from fieldstone.platform.metadata.values import PROVIDED, Change


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """Where changes start from: a version, its manifest and every physical name ever given."""

    version: int
    manifest: Manifest
    names: PhysicalNames


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """The metadata after the changes. `changes` holds every element that differs from the base (None: removed)."""

    base: Base
    manifest: Manifest
    names: Sequence[PhysicalName]
    changes: Mapping[Key, Definition | None]
    renames: Sequence[Rename]
    rewritten: Sequence[Key]
    diagnostics: Sequence[Diagnostic] = field(default=())


class Candidates:
    """Makes candidates with the registered kinds."""

    def __init__(self, kinds: Registry[MetadataKind], schemas: BodySchemas) -> None:
        self._kinds = kinds
        self._schemas = schemas

    def acceptable(self, manifest: Manifest, change: Change) -> dict[str, Any]:
        """The plain body of a single change, with its name. Raises `Invalid`, pointers relative to the body."""
        body, problems = self._intake(manifest, change)
        prefix = pointer(change.key)
        errors = [
            FieldError(path=p.path.removeprefix(prefix), code=p.code, message=p.message, facts=p.facts)
            for p in problems
            if p.severity == "error"
        ]
        if errors:
            raise Invalid("This definition is not acceptable.", code="metadata_invalid", errors=errors)
        return body or {}

    def of_changes(self, base: Base, changes: Sequence[Change]) -> Candidate:
        """The candidate of a draft. Bodies that are not acceptable are left out and told by diagnostics."""
        self._check_size(changes)
        found: list[Diagnostic] = []
        drafts: dict[Key, Definition | None] = {}
        for change in changes:
            body, problems = self._intake(base.manifest, change)
            found.extend(problems)
            if not problems:
                drafts[change.key] = None if body is None else _definition(base.manifest, change, body)
        sizes = (len(canonical(definition.body)) for definition in drafts.values() if definition)
        LIMITS.check("changes_bytes", sum(sizes))
        return self._candidate(base, drafts, (), found)

    def of_version(self, base: Base, target: Iterable[Definition], names: Iterable[PhysicalName]) -> Candidate:
        """The candidate that brings back the definitions of an older version, with the columns they had then.

        What the software provides stays as it is now.
        """
        wanted = {(d.kind, d.name): d for d in target if d.package != PROVIDED}
        drafts: dict[Key, Definition | None] = dict(wanted)
        for key, definition in base.manifest.elements.items():
            if definition.package == PROVIDED:
                drafts.pop(key, None)
            elif key not in wanted:
                drafts[key] = None
        return self._candidate(base, drafts, tuple(names), [])

    def of_definitions(self, base: Base, drafts: Mapping[Key, Definition | None]) -> Candidate:
        """The candidate of definitions that the software itself provides; a tenant's own of that name is in the way."""
        taken = [key for key in drafts if _is_own(base.manifest.elements.get(key))]
        message = mark("Fieldstone now brings {name} itself. Rename this tenant's own one first.")
        problems = [_error(pointer(key), "name_taken", message, name=key[1]) for key in taken]
        return self._candidate(base, {} if taken else dict(drafts), (), problems)

    def _candidate(
        self,
        base: Base,
        drafts: dict[Key, Definition | None],
        preferred: Sequence[PhysicalName],
        diagnostics: list[Diagnostic],
    ) -> Candidate:
        renames = [] if preferred else find_renames(base.manifest, drafts)
        diagnostics.extend(self._end_renamed(drafts, renames))
        changed_by_rename = self._rewrite(base.manifest, drafts, renames)
        changes = {key: d for key, d in drafts.items() if _differs(base.manifest.elements.get(key), d)}
        elements = {**base.manifest.elements, **changes}
        remaining = [definition for definition in elements.values() if definition is not None]
        LIMITS.check("definitions", len(remaining))
        names = allot(base.names, self._parts(changes), renames, preferred)
        manifest = Manifest(remaining, {name.key: name.name for name in names}, _still_building(base, changes, renames))
        return Candidate(
            base=base,
            manifest=manifest,
            names=names,
            changes=changes,
            renames=renames,
            rewritten=changed_by_rename,
            diagnostics=diagnostics,
        )

    def _check_size(self, changes: Sequence[Change]) -> None:
        LIMITS.check("changes", len(changes))
        if len({change.key for change in changes}) != len(changes):
            raise MetadataError("An element is changed twice.", code="changed_twice")

    def _intake(self, manifest: Manifest, change: Change) -> tuple[dict[str, Any] | None, list[Diagnostic]]:
        """The body as it will be stored (None for a removal), or why it is not acceptable."""
        path = pointer(change.key)
        refused = self._refused(manifest, change, path)
        if refused is not None or change.body is None:
            return None, [] if refused is None else [refused]
        try:
            body = _named(change)
        except MetadataError as error:
            return None, [diagnostic_of(error, path)]
        return body, self._schemas.check(self._kinds[change.kind], body, path)

    def _refused(self, manifest: Manifest, change: Change, path: str) -> Diagnostic | None:
        """What is wrong before one looks at the body."""
        present = manifest.elements.get(change.key)
        if present is not None and present.package == PROVIDED:
            return _error(
                path, "provided", mark("{name} comes with Fieldstone and cannot be changed."), name=change.name
            )
        if change.body is None:
            return None if present else _error(path, "not_there", mark("There is nothing to remove here."))
        if change.kind not in self._kinds:
            kinds = sorted(self._kinds.names())
            return _error(path, "unknown_kind", mark("There is no kind {kind}."), kind=change.kind, kinds=kinds)
        if re.fullmatch(NAME_PATTERN, change.name) is None:
            message = mark("A name begins with a small letter, then small letters, digits and _ ; at most 40.")
            return _error(path, "name", message)
        return None

    def _end_renamed(self, drafts: dict[Key, Definition | None], renames: Sequence[Rename]) -> list[Diagnostic]:
        """An element rename removes the old name; keeping both is a contradiction."""
        problems = []
        for rename in renames:
            if rename.part is not None:
                continue
            if drafts.get((rename.kind, rename.name)) is not None:
                message = mark("{name} is renamed to {to} and changed under its old name at once.")
                path = pointer((rename.kind, rename.name))
                problems.append(_error(path, "renamed_and_kept", message, name=rename.name, to=rename.to))
            drafts[(rename.kind, rename.name)] = None
        return problems

    def _rewrite(
        self, manifest: Manifest, drafts: dict[Key, Definition | None], renames: Sequence[Rename]
    ) -> list[Key]:
        if not renames:
            return []
        done = []
        for key, definition in {**manifest.elements, **drafts}.items():
            kind = self._kinds.get(key[0])
            if definition is None or kind is None or definition.package == PROVIDED:
                continue
            body = rewritten(kind, definition, renames)
            if body is not None:
                drafts[key] = replace(definition, body=body, hash=content_hash(body))
                done.append(key)
        return done

    def _parts(self, changes: Mapping[Key, Definition | None]) -> dict[Key, Any]:
        result: dict[Key, Any] = {}
        for key, definition in changes.items():
            kind = self._kinds.get(key[0])
            result[key] = parts_of(kind, definition) if kind and definition else []
        return result


def _is_own(present: Definition | None) -> bool:
    return present is not None and present.package != PROVIDED


def _definition(manifest: Manifest, change: Change, body: Mapping[str, Any]) -> Definition:
    """The definition of a change; it keeps the owner it had, also under a former name."""
    former = (change.kind, str(body.get(RENAMED_FROM, "")))
    present = manifest.elements.get(change.key) or manifest.elements.get(former)
    package = change.package or (present.package if present else None)
    return Definition(kind=change.kind, name=change.name, body=body, hash=content_hash(body), package=package)


def diagnostic_of(error: MetadataError, path: str) -> Diagnostic:
    """The finding that a refused definition is, under the pointer of its element."""
    return Diagnostic(
        path=path + error.path,
        severity="error",
        code=error.instance_code,
        message=error.message,
        facts=error.facts,
    )


def _named(change: Change) -> dict[str, Any]:
    """The plain body with its name in it, without the `$schema` that files carry. Raises `MetadataError`."""
    body = plain_body(change.body)
    schema = body.pop("$schema", None)
    if schema is not None and schema != f"{SCHEMA_BASE}{change.kind}.json":
        raise MetadataError("This is a definition of another kind ({schema}).", path="/$schema", schema=str(schema))
    if body.setdefault("name", change.name) != change.name:
        raise MetadataError(
            "The name inside is {inside}, but it is saved as {name}.",
            path="/name",
            code="name",
            inside=str(body["name"]),
            name=change.name,
        )
    return body


def _differs(before: Definition | None, after: Definition | None) -> bool:
    if before is None or after is None:
        return before is not after
    return (before.hash, before.package) != (after.hash, after.package)


def _still_building(
    base: Base, changes: Mapping[Key, Definition | None], renames: Iterable[Rename]
) -> dict[Key, frozenset[str]]:
    """Parts under construction stay so when their element changes, follow it when renamed, end when it is removed."""
    renamed = {(r.kind, r.name): (r.kind, r.to) for r in renames if r.part is None}
    following = {renamed.get(key, key): parts for key, parts in base.manifest.building.items()}
    return {key: parts for key, parts in following.items() if key not in changes or changes[key] is not None}


def _error(path: str, code: str, message: str, **facts: Any) -> Diagnostic:
    return Diagnostic(path=path, severity="error", code=code, message=message, facts=facts)
