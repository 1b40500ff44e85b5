"""Everything that publishing checks beyond single bodies: references, removals, and that all compiles.

What comes in: a candidate and the artefact cache. What goes out: diagnostics and the elements that are affected
(changed, or referring to something changed). What is compiled here is kept, so the published version starts warm.
Called by the metadata service.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from fieldstone.platform.kernel.errors import FieldstoneError
from fieldstone.platform.kernel.metadata import Diagnostic, MetadataError, Reference
from fieldstone.platform.metadata.artefacts import Compiled, SnapshotCache
from fieldstone.platform.metadata.candidates import Candidate, diagnostic_of
from fieldstone.platform.metadata.manifest import Key
from fieldstone.platform.metadata.pointers import pointer
from fieldstone.platform.metadata.renames import has_part

# How many references a refusal lists; the number of all is always told.
SHOWN_USES = 20

# (user, kind, name, part, path): one reference and the definition it stands in.
_Use: TypeAlias = tuple[Key, str, str, str | None, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What was found: diagnostics, and the keys of affected elements in the order their kinds are published."""

    diagnostics: Sequence[Diagnostic]
    affected: Sequence[Key]


def check(candidate: Candidate, cache: SnapshotCache) -> Checked:
    """Check a candidate whose single bodies are acceptable."""
    before = cache.compiled(candidate.base.manifest)
    after = cache.compiled(candidate.manifest)
    affected = affected_by(after, candidate.changes)
    found = [
        *_removals(candidate, before, after),
        *_dangling(candidate, after, affected),
        *_compiling(after, affected),
    ]
    ordered = sorted(affected, key=lambda key: (_order(cache, key), key))
    return Checked(diagnostics=_distinct(found), affected=ordered)


def affected_by(compiled: Compiled, changed: Iterable[Key]) -> set[Key]:
    """The changed elements that still exist, and every element that refers to a changed one, directly or not."""
    users: dict[Key, set[Key]] = {}
    for key in compiled.manifest.elements:
        for reference in compiled.references(key):
            users.setdefault((reference.kind, reference.name), set()).add(key)
    seen = set(changed)
    waiting = list(seen)
    while waiting:
        for user in users.get(waiting.pop(), set()) - seen:
            seen.add(user)
            waiting.append(user)
    return {key for key in seen if key in compiled.manifest.elements}


def _order(cache: SnapshotCache, key: Key) -> int:
    kind = cache.kinds.get(key[0])
    return kind.order if kind else 0


def _removals(candidate: Candidate, before: Compiled, after: Compiled) -> Iterator[Diagnostic]:
    """Elements and parts that go although something still refers to them, with the list of what does."""
    still = _references_after(candidate, before, after)
    former = {(r.kind, r.to): r.name for r in candidate.renames if r.part is None}
    for key, definition in candidate.changes.items():
        old = before.manifest.elements.get((key[0], former.get(key, key[1])))
        if definition is None:
            uses = [use for use in still if use[1:3] == key and use[0] != key]
            if uses:
                yield _in_use(pointer(key), "element_in_use", key[1], uses)
            continue
        gone: dict[str, list[_Use]] = {}
        for use in still:
            part = use[3]
            if use[1:3] == key and part and old and has_part(old.body, part) and not has_part(definition.body, part):
                gone.setdefault(part, []).append(use)
        for part, uses in gone.items():
            yield _in_use(pointer(key), "part_in_use", f"{key[1]}.{part}", uses)


def _references_after(candidate: Candidate, before: Compiled, after: Compiled) -> list[_Use]:
    """(user, kind, name, part, path) of all references that will stand.

    An element that was not drafted is asked in the base: what it refers to may be just what the draft takes away.
    """
    result: list[_Use] = []
    for key in after.manifest.elements:
        references = after.references(key) if key in candidate.changes else before.references(key)
        result.extend((key, r.kind, r.name, r.part, r.path) for r in references)
    return result


def _in_use(path: str, code: str, name: str, uses: Sequence[_Use]) -> Diagnostic:
    places = sorted({pointer(user) + place for user, _, _, _, place in uses})
    return Diagnostic(
        path=path,
        severity="error",
        code=code,
        message="{name} cannot go: {count} places still refer to it: {places}.",
        facts={"name": name, "count": len(places), "places": places[:SHOWN_USES]},
    )


def _dangling(candidate: Candidate, after: Compiled, affected: Iterable[Key]) -> Iterator[Diagnostic]:
    removed = {key for key, definition in candidate.changes.items() if definition is None}
    for key in affected:
        for reference in after.references(key):
            target = (reference.kind, reference.name)
            if target not in after.manifest.elements and target not in removed:
                yield _no_such(pointer(key), reference)


def _no_such(path: str, reference: Reference) -> Diagnostic:
    return Diagnostic(
        path=path + reference.path,
        severity="error",
        code="dangling_reference",
        message="There is no {kind} called {name}.",
        facts={"kind": reference.kind, "name": reference.name},
    )


def _compiling(after: Compiled, affected: set[Key]) -> Iterator[Diagnostic]:
    for key in sorted(affected):
        error = _refusal(after, key)
        if error is None:
            yield from _checked_by_kind(after, key)
        elif isinstance(error, MetadataError):
            if error.element in ("", "/".join(key)) or tuple(error.element.split("/")) not in affected:
                yield diagnostic_of(error, pointer(key))
        elif not _refers_to_nothing(after, key):
            facts = dict(error.facts)
            code = error.instance_code
            yield Diagnostic(path=pointer(key), severity="error", code=code, message=error.message, facts=facts)


def _refusal(after: Compiled, key: Key) -> FieldstoneError | None:
    try:
        after.get(*key)
    except FieldstoneError as error:
        return error
    return after.reference_errors.get(key)


def _refers_to_nothing(after: Compiled, key: Key) -> bool:
    return any(target not in after.manifest.elements for target in after.closure(key))


def _checked_by_kind(after: Compiled, key: Key) -> Iterator[Diagnostic]:
    kind = after.cache.kinds[key[0]]
    path = pointer(key)
    for found in kind.check(after.manifest.elements[key], after):
        full = found.path if found.path.startswith(path) else path + found.path
        yield Diagnostic(
            path=full, severity=found.severity, code=found.code, message=found.message, facts=dict(found.facts)
        )


def _distinct(found: Iterable[Diagnostic]) -> list[Diagnostic]:
    kept: Mapping[tuple[str, str, str], Diagnostic] = {(d.path, d.code, str(d.message)): d for d in found}
    return sorted(kept.values(), key=lambda d: (d.severity != "error", d.path, d.code))
