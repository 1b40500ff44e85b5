"""The platform's objectives and the weighted score: grade 0-1 each, weights to points, points to 0-100.

Pure. `grade = clamp((worst - x) / (worst - best))`; an unknown figure (no location, no skill asked for) counts as the
worst when something was asked for and as the best when nothing was.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from fieldstone.plugins.sdk.dispatch import Candidate, DispatchRequest, Objective, Resource, ScorePart
from fieldstone.plugins.sdk.travel import estimate

Measure = Callable[[Resource, DispatchRequest, Objective], float]


def travel_seconds(resource: Resource, request: DispatchRequest, objective: Objective) -> float:
    """Travel time to the job in seconds."""
    place, target = resource.place, request.appointment.location
    if target is None:
        return objective.best
    return float(estimate(place, target, request.policy.travel)[0]) if place else objective.worst


def load(resource: Resource, request: DispatchRequest, objective: Objective) -> float:
    """Open jobs the resource has."""
    return float(resource.load)


def mean_skill_level(resource: Resource, request: DispatchRequest, objective: Objective) -> float:
    """Mean level of the required skills; the best when the job asks for none."""
    needed = request.appointment.skills
    if not needed:
        return objective.best
    levels = {held.skill: held.level for held in resource.skills}
    return sum(levels.get(skill.skill, 0) for skill in needed) / len(needed)


def same_territory(resource: Resource, request: DispatchRequest, objective: Objective) -> float:
    """0 when the resource works in the job's territory (or the job has none), else 1."""
    wanted = request.appointment.territory
    return 0.0 if wanted is None or resource.territory == wanted else 1.0


OBJECTIVES: Mapping[str, Measure] = MappingProxyType(
    {"travel": travel_seconds, "load": load, "skill_level": mean_skill_level, "territory": same_territory}
)


def grade(value: float, objective: Objective) -> float:
    """How good `value` is, from 0 (worst or beyond) to 1 (best or beyond)."""
    if objective.worst == objective.best:
        return 1.0
    return min(1.0, max(0.0, (objective.worst - value) / (objective.worst - objective.best)))


def scored(resource: Resource, request: DispatchRequest) -> Candidate:
    """The resource as a candidate: the parts add up to the score, 0-100, to one thousandth of a point."""
    total = sum(objective.weight for objective in request.policy.objectives) or 1.0
    parts = tuple(_part(resource, request, objective, total) for objective in request.policy.objectives)
    place, target = resource.place, request.appointment.location
    travel_s, distance_m = estimate(place, target, request.policy.travel) if place and target else (None, None)
    return Candidate(
        resource=resource.id,
        score=round(sum(part.contribution for part in parts), 3),
        parts=parts,
        travel_s=travel_s,
        distance_m=distance_m,
    )


def _part(resource: Resource, request: DispatchRequest, objective: Objective, total: float) -> ScorePart:
    value = OBJECTIVES[objective.code](resource, request, objective)
    good = grade(value, objective)
    return ScorePart(
        code=objective.code,
        value=value,
        weight=objective.weight,
        grade=round(good, 6),
        contribution=round(100 * good * objective.weight / total, 3),
    )
