"""The values that the metadata services take and give: changes, previews, published versions, uses of an element."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from fieldstone.platform.kernel.metadata import Diagnostic, PlanStep, Reference
from fieldstone.platform.metadata.manifest import Key

# The owner of what the software itself provides (system objects); no changeset may touch it.
PROVIDED = "fieldstone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One element put (`body`) or removed (None). `package` makes it belong to that package; None keeps its owner."""

    kind: str
    name: str
    body: Mapping[str, Any] | None
    package: str | None = None

    @property
    def key(self) -> Key:
        return self.kind, self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedStep:
    """One step of the plan and the element ("object/ticket") it belongs to."""

    element: str
    step: PlanStep


@dataclass(frozen=True, slots=True, kw_only=True)
class Impact:
    """What a change touches, as "kind/name": added, changed, removed and rewritten elements, and those that depend."""

    added: Sequence[str] = ()
    changed: Sequence[str] = ()
    removed: Sequence[str] = ()
    renamed: Sequence[str] = ()
    rewritten: Sequence[str] = ()
    affected: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What publishing would do, or why it is refused (a diagnostic of severity `error`; the plan is then empty)."""

    base_version: int
    diagnostics: Sequence[Diagnostic] = ()
    plan: Sequence[PlannedStep] = ()
    impact: Impact = field(default_factory=Impact)

    @property
    def refused(self) -> bool:
        return any(diagnostic.severity == "error" for diagnostic in self.diagnostics)


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """The new version (or the present one, when nothing changed) and the jobs it started."""

    version: int
    jobs: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """One place that refers to an element: the definition it is in, and what it says there."""

    kind: str
    name: str
    reference: Reference


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One published version.

    `restored` is the version whose bodies it brought back; `activation` marks those a job published by itself.
    """

    number: int
    name: str
    purpose: str
    by: str
    by_name: str
    at: datetime
    restored: int | None = None
    activation: bool = False
