"""The platform's work rules, each a pure function that a dispatch plugin may use as it is.

In: a resource, the request, the rule. Out: `Reason` when the rule is broken, else None. What an empty value means is
the rule's own `on_empty`: "pass" and "skip" let the resource through, "fail" leaves it out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from types import MappingProxyType
from zoneinfo import ZoneInfo

from fieldstone.plugins.sdk.dispatch import DispatchRequest, Reason, Resource, WorkRule
from fieldstone.plugins.sdk.travel import estimate, great_circle_m

Check = Callable[[Resource, DispatchRequest, WorkRule], "Reason | None"]


def broken_rules(resource: Resource, request: DispatchRequest) -> tuple[Reason, ...]:
    """Every rule of the request's policy that `resource` breaks, in the policy's order."""
    reasons = (WORK_RULES[rule.code](resource, request, rule) for rule in request.policy.work_rules)
    return tuple(reason for reason in reasons if reason is not None)


def start_of_work(resource: Resource, request: DispatchRequest) -> datetime:
    """When the resource could begin: now plus travel, not before the earliest start."""
    place, target = resource.place, request.appointment.location
    seconds = estimate(place, target, request.policy.travel)[0] if place and target else 0
    earliest = request.appointment.earliest_start
    arrival = request.now + timedelta(seconds=seconds)
    return max(arrival, earliest) if earliest else arrival


def _empty(rule: WorkRule, expected: str) -> Reason | None:
    return Reason(code=rule.code, expected=expected, actual="") if rule.on_empty == "fail" else None


def skill_missing(resource: Resource, request: DispatchRequest, rule: WorkRule) -> Reason | None:
    """The resource holds every required skill (valid on the day), at any level."""
    needed = request.appointment.skills
    if not needed:
        return _empty(rule, "")
    held = {held.skill for held in resource.skills if _valid(held.valid_until, request)}
    missing = [skill for skill in needed if skill.skill not in held]
    if not missing:
        return None
    return Reason(code=rule.code, expected=", ".join(skill.label or skill.skill for skill in missing), actual="")


def skill_level(resource: Resource, request: DispatchRequest, rule: WorkRule) -> Reason | None:
    """Skills that are held are held at the level asked for."""
    levels = {held.skill: held.level for held in resource.skills if _valid(held.valid_until, request)}
    low = [s for s in request.appointment.skills if s.skill in levels and levels[s.skill] < s.min_level]
    if not low:
        return None
    expected = ", ".join(f"{s.label or s.skill} {s.min_level}" for s in low)
    return Reason(code=rule.code, expected=expected, actual=", ".join(str(levels[s.skill]) for s in low))


def territory(resource: Resource, request: DispatchRequest, rule: WorkRule) -> Reason | None:
    """The resource works in the job's territory."""
    wanted = request.appointment.territory
    if wanted is None or resource.territory is None:
        return _empty(rule, wanted or "")
    return None if resource.territory == wanted else Reason(code=rule.code, expected=wanted, actual=resource.territory)


def absent(resource: Resource, request: DispatchRequest, rule: WorkRule) -> Reason | None:
    """The resource is not away at any moment of the work."""
    start = start_of_work(resource, request)
    end = start + request.appointment.duration
    for absence in resource.absences:
        if absence.starts_at < end and start < absence.ends_at:
            return Reason(
                code=rule.code,
                expected="",
                actual=f"{absence.starts_at:%Y-%m-%d %H:%M} - {absence.ends_at:%Y-%m-%d %H:%M}",
            )
    return None


def outside_hours(resource: Resource, request: DispatchRequest, rule: WorkRule) -> Reason | None:
    """The work begins within the resource's shift; a job without a fixed start may wait for the next shift."""
    if resource.shift_start is None or resource.shift_end is None:
        return _empty(rule, "")
    if request.appointment.earliest_start is None:
        return None
    local = start_of_work(resource, request).astimezone(ZoneInfo(resource.time_zone)).time()
    first, last = resource.shift_start, resource.shift_end
    within = first <= local < last if first <= last else local >= first or local < last
    if within:
        return None
    return Reason(code=rule.code, expected=f"{first:%H:%M} - {last:%H:%M}", actual=f"{local:%H:%M}")


def max_travel(resource: Resource, request: DispatchRequest, rule: WorkRule) -> Reason | None:
    """The job lies within the resource's travel limit (straight line x detour)."""
    place, target = resource.place, request.appointment.location
    if place is None or target is None or resource.max_travel_km is None:
        return _empty(rule, "")
    km = great_circle_m(place, target) * request.policy.travel.detour / 1000
    if km <= resource.max_travel_km:
        return None
    return Reason(code=rule.code, expected=f"{resource.max_travel_km:g} km", actual=f"{km:.1f} km")


def capacity(resource: Resource, request: DispatchRequest, rule: WorkRule) -> Reason | None:
    """The resource has fewer open jobs than its capacity."""
    if resource.capacity is None:
        return _empty(rule, "")
    if resource.load < resource.capacity:
        return None
    return Reason(code=rule.code, expected=str(resource.capacity), actual=str(resource.load))


def part_missing(resource: Resource, request: DispatchRequest, rule: WorkRule) -> Reason | None:
    """The van carries every part the job needs, in the quantity needed."""
    needed = request.appointment.parts
    if not needed:
        return _empty(rule, "")
    missing = [part for part, quantity in needed.items() if resource.parts.get(part, 0) < quantity]
    return Reason(code=rule.code, expected=", ".join(missing), actual="") if missing else None


def window_unreachable(resource: Resource, request: DispatchRequest, rule: WorkRule) -> Reason | None:
    """The work can end by the due time."""
    due = request.appointment.due
    if due is None or due <= request.now:  # already late: whoever comes first is right
        return _empty(rule, "") if due is None else None
    end = start_of_work(resource, request) + request.appointment.duration
    return None if end <= due else Reason(code=rule.code, expected=f"{due:%Y-%m-%d %H:%M}", actual=f"{end:%H:%M}")


def _valid(valid_until: date | None, request: DispatchRequest) -> bool:
    return valid_until is None or valid_until >= request.now.date()


WORK_RULES: Mapping[str, Check] = MappingProxyType(
    {
        "SKILL_MISSING": skill_missing,
        "SKILL_LEVEL": skill_level,
        "TERRITORY": territory,
        "ABSENT": absent,
        "OUTSIDE_HOURS": outside_hours,
        "MAX_TRAVEL": max_travel,
        "CAPACITY": capacity,
        "PART_MISSING": part_missing,
        "WINDOW_UNREACHABLE": window_unreachable,
    }
)
