"""Dispatch values as JSON: how a request reaches a guarded plugin's process and how its ranking comes back.

`encode_*` makes plain JSON-ready mappings; `decode_*` is strict about types, so that nonsense from a plugin is an
error here and nowhere later. Datetimes are RFC 3339, durations seconds, parts numbers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date, datetime, time, timedelta
from math import isfinite
from typing import Any

from fieldstone.plugins.sdk.dispatch import (
    REASON_CODES,
    Absence,
    Appointment,
    Candidate,
    DispatchRequest,
    Exclusion,
    Objective,
    Place,
    Policy,
    Ranking,
    Reason,
    Resource,
    ScorePart,
    SkillHeld,
    SkillRequirement,
    Travel,
    WorkRule,
)


class WireError(ValueError):
    """The other side sent something that is not what the contract says."""


def encode(value: Any) -> Any:
    """A dispatch value (or a tuple or mapping of such) as JSON-ready data."""
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, Mapping):
        return {str(key): encode(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [encode(item) for item in value]
    if hasattr(value, "__dataclass_fields__"):
        return encode(asdict(value))
    return value


def decode_request(data: Mapping[str, Any]) -> DispatchRequest:
    """The request a guarded plugin ranks."""
    return DispatchRequest(
        appointment=_appointment(data["appointment"]),
        resources=tuple(_resource(item) for item in data["resources"]),
        policy=_policy(data["policy"]),
        now=datetime.fromisoformat(data["now"]),
    )


def decode_ranking(data: Any) -> Ranking:
    """A plugin's answer. Raises `WireError` for anything but a well-formed ranking."""
    answer = _mapping(data, "ranking")
    return Ranking(
        candidates=tuple(_candidate(_mapping(item, "candidate")) for item in _list(answer, "candidates")),
        excluded=tuple(_exclusion(_mapping(item, "exclusion")) for item in _list(answer, "excluded")),
    )


def _place(data: Mapping[str, Any] | None) -> Place | None:
    return Place(lat=float(data["lat"]), lon=float(data["lon"])) if data else None


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _appointment(data: Mapping[str, Any]) -> Appointment:
    return Appointment(
        id=data["id"],
        label=data["label"],
        location=_place(data["location"]),
        duration=timedelta(seconds=data["duration"]),
        earliest_start=_moment(data["earliest_start"]),
        due=_moment(data["due"]),
        priority=data["priority"],
        territory=data["territory"],
        skills=tuple(SkillRequirement(**skill) for skill in data["skills"]),
        parts=dict(data["parts"]),
    )


def _resource(data: Mapping[str, Any]) -> Resource:
    return Resource(
        id=data["id"],
        label=data["label"],
        location=_place(data["location"]),
        home=_place(data["home"]),
        skills=tuple(_skill(skill) for skill in data["skills"]),
        territory=data["territory"],
        shift_start=time.fromisoformat(data["shift_start"]) if data["shift_start"] else None,
        shift_end=time.fromisoformat(data["shift_end"]) if data["shift_end"] else None,
        time_zone=data["time_zone"],
        absences=tuple(_absence(absence) for absence in data["absences"]),
        load=data["load"],
        capacity=data["capacity"],
        max_travel_km=data["max_travel_km"],
        parts=dict(data["parts"]),
    )


def _skill(data: Mapping[str, Any]) -> SkillHeld:
    until = data["valid_until"]
    return SkillHeld(skill=data["skill"], level=data["level"], valid_until=date.fromisoformat(until) if until else None)


def _absence(data: Mapping[str, Any]) -> Absence:
    return Absence(
        starts_at=datetime.fromisoformat(data["starts_at"]),
        ends_at=datetime.fromisoformat(data["ends_at"]),
        label=data["label"],
    )


def _policy(data: Mapping[str, Any]) -> Policy:
    return Policy(
        name=data["name"],
        work_rules=tuple(WorkRule(**rule) for rule in data["work_rules"]),
        objectives=tuple(Objective(**objective) for objective in data["objectives"]),
        travel=Travel(**data["travel"]),
        settings=dict(data["settings"]),
    )


def _candidate(data: Mapping[str, Any]) -> Candidate:
    return Candidate(
        resource=_text(data, "resource"),
        score=_number(data, "score"),
        parts=tuple(_part(_mapping(item, "part")) for item in _list(data, "parts")),
        travel_s=_whole(data, "travel_s"),
        distance_m=_whole(data, "distance_m"),
    )


def _part(data: Mapping[str, Any]) -> ScorePart:
    return ScorePart(
        code=_text(data, "code"),
        value=_number(data, "value"),
        weight=_number(data, "weight"),
        grade=_number(data, "grade"),
        contribution=_number(data, "contribution"),
    )


def _exclusion(data: Mapping[str, Any]) -> Exclusion:
    reasons = tuple(_reason(_mapping(item, "reason")) for item in _list(data, "reasons"))
    if not reasons:
        raise WireError("an exclusion needs a reason")
    return Exclusion(resource=_text(data, "resource"), reasons=reasons)


def _reason(data: Mapping[str, Any]) -> Reason:
    code = _text(data, "code")
    if code not in REASON_CODES:
        raise WireError(f"unknown reason code {code[:40]!r}")
    return Reason(code=code, expected=str(data.get("expected", ""))[:200], actual=str(data.get("actual", ""))[:200])


def _mapping(data: Any, what: str) -> Mapping[str, Any]:
    if not isinstance(data, Mapping):
        raise WireError(f"{what} is not an object")
    return data


def _list(data: Mapping[str, Any], key: str) -> Sequence[Any]:
    items = data.get(key, [])
    if not isinstance(items, list):
        raise WireError(f"{key} is not a list")
    return items


def _text(data: Mapping[str, Any], key: str) -> str:
    value = data.get(key)
    if not isinstance(value, str):
        raise WireError(f"{key} is not text")
    return value


def _number(data: Mapping[str, Any], key: str) -> float:
    value = data.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        raise WireError(f"{key} is not a finite number")
    return float(value)


def _whole(data: Mapping[str, Any], key: str) -> int | None:
    value = data.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 10**9:
        raise WireError(f"{key} is not a whole number in range")
    return value
