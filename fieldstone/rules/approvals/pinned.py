"""A process as it was when a record was submitted.

What comes in: a published definition and the tier that the amount chose. What goes out: a value that is kept with the
request as JSON and read back when somebody decides, so that a later version of the process changes no request under
way. Who calls it: `objects.approvals`. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from fieldstone.platform.kernel.text import Text
from fieldstone.rules.approvals.process import MOMENTS, ApprovalProcess, Moment
from fieldstone.rules.approvals.tiers import ApproverRule, Step, Tier
from fieldstone.rules.engine.inputs import Inputs


@dataclass(frozen=True, slots=True, kw_only=True)
class PinnedProcess:
    """`steps` are those of the chosen tier (none: no approval needed); `outcomes` the fields to set, as written in the
    definition; `own_fields` those that the process itself writes at any moment."""

    name: str
    label: Text
    object: str
    version: int
    currency: str
    steps: tuple[Step, ...]
    open_fields: frozenset[str]
    own_fields: frozenset[str]
    outcomes: Mapping[Moment, Mapping[str, Any]]

    kind = "approval_process"
    inputs = Inputs()

    @classmethod
    def pin(cls, process: ApprovalProcess, body: Mapping[str, Any], tier: Tier | None, version: int) -> PinnedProcess:
        """The process at metadata version `version`, with the steps of a tier."""
        return cls(
            name=process.name,
            label=process.label,
            object=process.object,
            version=version,
            currency=process.currency,
            steps=() if tier is None else tier.steps,
            open_fields=process.open_fields,
            own_fields=process.written_fields,
            outcomes={moment: body[moment] for moment in MOMENTS if moment in body},
        )

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> PinnedProcess:
        """Read back what `stored` gave."""
        return cls(
            name=stored["name"],
            label=stored["label"],
            object=stored["object"],
            version=stored["version"],
            currency=stored["currency"],
            steps=tuple(_step(item) for item in stored["steps"]),
            open_fields=frozenset(stored["open_fields"]),
            own_fields=frozenset(stored["own_fields"]),
            outcomes=MappingProxyType(stored["outcomes"]),
        )

    def stored(self) -> dict[str, Any]:
        """JSON values."""
        return {
            "name": self.name,
            "label": _json(self.label),
            "object": self.object,
            "version": self.version,
            "currency": self.currency,
            "steps": [_stored_step(step) for step in self.steps],
            "open_fields": sorted(self.open_fields),
            "own_fields": sorted(self.own_fields),
            "outcomes": _json(self.outcomes),
        }


def _json(value: Any) -> Any:
    """Read-only mappings and tuples as plain JSON values."""
    if isinstance(value, Mapping):
        return {name: _json(item) for name, item in value.items()}
    return [_json(item) for item in value] if isinstance(value, list | tuple) else value


def _stored_step(step: Step) -> dict[str, Any]:
    rule = step.approvers
    return {
        "name": step.name,
        "label": _json(step.label),
        "quorum": step.quorum,
        "users": list(rule.users),
        "role": rule.role,
        "team_manager": rule.team_manager,
        "field": rule.field,
    }


def _step(stored: Mapping[str, Any]) -> Step:
    return Step(
        name=stored["name"],
        label=stored["label"],
        quorum=stored["quorum"],
        approvers=ApproverRule(
            users=tuple(stored["users"]),
            role=stored["role"],
            team_manager=stored["team_manager"],
            field=stored["field"],
        ),
    )
