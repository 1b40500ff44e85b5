"""Why something is allowed or not, as data: the part of a decision trace that is about access.

What comes in: compiled rights. What goes out: `Reason` values, words in English templates with facts. Who calls it:
`ActorAccess.explain`. Only the asking actor's own roles are named.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fieldstone.objects.access.policy import ObjectRights, Policy
from fieldstone.objects.access.reach import Reach
from fieldstone.objects.access.roles import Operation
from fieldstone.platform.i18n import mark


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One reason. `allows`: it speaks for the operation."""

    code: str
    allows: bool
    message: str
    facts: Mapping[str, Any]


def operation_reasons(
    policy: Policy, rights: ObjectRights | None, name: str, operation: Operation
) -> tuple[Reason, ...]:
    """Why an operation on an object is allowed or not."""
    facts = {"object": name, "operation": operation}
    if rights is None:
        return (_reason("unknown_object", False, mark("There is no object called {object}."), facts),)
    if policy.is_system:
        return (_reason("system", True, mark("The system may do everything."), facts),)
    reach = rights.reach(operation)
    if reach.is_nothing:
        roles = sorted(policy.names)
        message = mark("None of your roles ({roles}) allows to {operation} {object}.")
        return (_reason("no_role", False, message, {**facts, "roles": roles}),)
    return tuple(_reach_reasons(reach, facts))


def _reach_reasons(reach: Reach, facts: Mapping[str, Any]) -> list[Reason]:
    reasons: list[Reason] = []
    if reach.level != "none":
        message = mark("The role {role} allows to {operation} {object} up to {level}.")
        for role in reach.roles or ("",):
            reasons.append(_reason("role", True, message, {**facts, "role": role, "level": reach.level}))
    for opening in reach.openings:
        kind = "role" if opening.rule is None else "sharing_rule"
        source = opening.condition.expression.source
        message = mark("The {kind} {name} allows to {operation} {object} where {condition}.")
        more = {"kind": kind, "name": opening.source, "condition": source}
        reasons.append(_reason("condition", True, message, {**facts, **more}))
    if reach.parent is not None:
        message = mark("{object} belongs to {parent}: whoever may {through} that may {operation} this.")
        more = {"parent": reach.parent.type.targets[0], "through": reach.through}
        reasons.append(_reason("parent", True, message, {**facts, **more}))
    if reach.subject is not None:
        message = mark("{object} is about a record: whoever may {through} that may {operation} this.")
        reasons.append(_reason("subject", True, message, {**facts, "through": reach.through}))
    return reasons


def field_reasons(rights: ObjectRights, field: str) -> tuple[Reason, ...]:
    """What is the case for a field."""
    facts = {"object": rights.kind.name, "field": field}
    if field not in rights.kind.fields:
        return (_reason("unknown_field", False, mark("{object} has no field called {field}."), facts),)
    right = rights.fields.get(field, "hidden")
    message = {
        "hidden": mark("The field {field} is hidden by the roles {roles}."),
        "read": mark("The field {field} may only be read by the roles {roles}."),
        "edit": mark("No role limits the field {field}."),
    }[right]
    more = {"roles": sorted(rights.limits.get(field, ())), "right": right}
    return (_reason(f"field_{right}", right != "hidden", message, {**facts, **more}),)


def _reason(code: str, allows: bool, message: str, facts: Mapping[str, Any]) -> Reason:
    return Reason(code=code, allows=allows, message=message, facts=facts)
