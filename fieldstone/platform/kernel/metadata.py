"""What metadata is to every room: kinds, definitions, references, diagnostics, plans, the snapshot.

`platform.metadata` stores and publishes any registered `MetadataKind`; objects, rules, ui and plugins register
theirs at start. Nothing here knows what an object or a rule is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from fieldstone.platform.kernel.errors import FieldstoneError
from fieldstone.platform.kernel.text import Text

Severity = Literal["error", "warning", "info"]
StepClass = Literal["safe", "slow", "lossy"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """One published or drafted element: its JSON body, read-only by convention; `hash` is of the canonical JSON."""

    kind: str
    name: str
    body: Mapping[str, Any]
    hash: str
    package: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """Something a definition needs: `path` inside its body, and the element (and part of it) it points to.

    `part` is the field, option or step inside the target: `Reference(path="/condition", kind="object",
    name="ticket", part="priority")`.
    """

    path: str
    kind: str
    name: str
    part: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rename:
    """An element, or (with `part`) one named part of it, that goes on under another name.

    `name` and `part` are the old names; `to` is the new name of the element, or of the part when `part` is set.
    """

    kind: str
    name: str
    to: str
    part: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PhysicalPart:
    """A part that needs a stable physical name.

    `kind` and `path` are what `Snapshot.physical` is asked with ("field", "ticket.subject"); a path begins with the
    name of its element. `stem` is the name wished for ("f_subject"); it is unique within the part of the same element
    whose path is `scope` ("ticket" for its columns, "" for tables). A part keeps the name it once got, also over
    renames (`renamed_from` in the body), as long as its `signature` (how it is stored) stays the same; with another
    signature it gets a fresh name (`f_subject_2`), so that no old column is ever read as something else.
    """

    kind: str
    path: str
    stem: str
    scope: str = ""
    signature: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnostic:
    """A finding of preview: where (JSON pointer under `/{kind}/{name}`), how bad, a stable code, words and facts."""

    path: str
    severity: Severity
    code: str
    message: Text
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanStep:
    """One step of a migration plan.

    `apply` runs inside the publishing transaction (catalogue-speed statements only) with the unit's schema
    connection. `job`, when set, is queued in the same transaction as a job of that kind with `job_input`, to which
    `element` ("object/ticket"), `building` and `version` are added. `building` names the part of the element that is
    not promised until the job has proved it ("priority.unique"); the job then calls `MetadataService.activate`,
    which publishes the version in which `Snapshot.building` no longer lists it.
    """

    step: str
    step_class: StepClass
    message: Text
    facts: Mapping[str, Any] = field(default_factory=dict)
    apply: Callable[[Any], None] | None = None
    job: str | None = None
    building: str | None = None
    job_input: Mapping[str, Any] = field(default_factory=dict)


class Snapshot(Protocol):
    """All metadata of one tenant at one version, immutable; artefacts compile on first use and once."""

    @property
    def version(self) -> int: ...

    def get(self, kind: str, name: str) -> Any:
        """The compiled artefact. Raises `NotFound`."""
        ...

    def find(self, kind: str, name: str) -> Any | None:
        """The compiled artefact, or None when there is no such element."""
        ...

    def names(self, kind: str) -> Sequence[str]:
        """Names of all elements of a kind, sorted."""
        ...

    def all(self, kind: str) -> Sequence[Any]:
        """All compiled artefacts of a kind, sorted by name."""
        ...

    def definition(self, kind: str, name: str) -> Definition | None:
        """The definition as stored, or None."""
        ...

    def derived(self, key: str, make: Callable[[Snapshot], Any]) -> Any:
        """A value computed once per snapshot and kept with it (indexes over several elements)."""
        ...

    def physical(self, kind: str, path: str) -> str | None:
        """The stable physical name (table, column) allotted to an element or part, e.g. ("field", "ticket.subject")."""
        ...

    def building(self, kind: str, name: str) -> frozenset[str]:
        """Parts of an element that a job still builds: written and shown, but not to be filtered by or promised."""
        ...


class PlanContext(Protocol):
    """What a plan function may ask: the snapshots before and after, what exists already, and live row counts."""

    @property
    def before(self) -> Snapshot: ...

    @property
    def after(self) -> Snapshot: ...

    @property
    def dialect(self) -> str: ...

    def existing(self, scope: str = "") -> frozenset[str]:
        """Physical names that exist already, also of parts that went: tables, or the columns of the table `scope`."""
        ...

    def rows(self, statement: Any, parameters: Mapping[str, Any] | None = None) -> Sequence[tuple[Any, ...]]: ...


def _nothing(*_: Any) -> tuple[Any, ...]:
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MetadataKind:
    """A kind of metadata, registered by the room that understands it.

    `schema`: JSON Schema 2020-12 of the body. `compile(definition, snapshot)`: the artefact; may ask the snapshot
    for other artefacts (lazily, cycles are the compiler's to avoid) and raises `MetadataError` for what the schema
    cannot say. `check`: further diagnostics without stopping at the first. `references`: what it needs.
    `plan(before, after, context)`: migration steps for a created (before None), changed, renamed or removed (after
    None) element; also called for unchanged elements that refer to a changed one. `physical(definition)`: the parts
    that need a stable physical name; a bare pair (kind, path) stands for the usual stem and scope.
    `rewrite(definition, rename)`: the body with every reference to the renamed element or part replaced, or None when
    it cannot be done; kinds without it make a rename of what they refer to be refused.
    `adopted`: definitions the kind's room always provides (system objects): published with the first version and with
    each software upgrade that changes them, never by a changeset.

    Artefacts are shared by all tenants whose definition, and whatever it refers to by `references`, directly or not,
    are the same. So `compile` (and what the artefact asks later, if it keeps the snapshot it was given) may ask only
    for elements that `references` names; an index over all elements belongs into `Snapshot.derived`.
    `references` names every element whose definition it reads, also one that does not exist.
    """

    name: str
    folder: str
    label: Text
    schema: Mapping[str, Any]
    compile: Callable[[Definition, Snapshot], Any]
    check: Callable[[Definition, Snapshot], Iterable[Diagnostic]] = _nothing
    references: Callable[[Definition, Snapshot], Iterable[Reference]] = _nothing
    plan: Callable[[Definition | None, Definition | None, PlanContext], Iterable[PlanStep]] = _nothing
    physical: Callable[[Definition], Iterable[PhysicalPart | tuple[str, str]]] = _nothing
    rewrite: Callable[[Definition, Rename], Mapping[str, Any] | None] | None = None
    adopted: tuple[Definition, ...] = ()
    order: int = 100


class MetadataError(FieldstoneError):
    """This metadata is not valid."""

    # "kind/name" of the definition that did not compile, set by the snapshot; `path` is a pointer inside it.
    element: str = ""

    code = "metadata_invalid"

    def __init__(self, message: Text, *, path: str = "", code: str | None = None, **facts: Any) -> None:
        super().__init__(message, code=code, **facts)
        self.path = path
