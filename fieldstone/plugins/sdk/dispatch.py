"""The dispatch extension point: what a dispatch plugin gets and what it gives back.

A plugin is an object with `rank(request) -> Ranking`: a pure function of the request. No I/O, no clock, no random
source: the same request gives the same ranking. Places are WGS-84 degrees, times are aware datetimes in UTC,
distances metres, travel times whole seconds (rounded up), loads are numbers of open jobs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any, Literal, Protocol

OnEmpty = Literal["pass", "fail", "skip"]

# The closed list of reasons for leaving a resource out.
REASON_CODES: tuple[str, ...] = (
    "SKILL_MISSING",
    "SKILL_LEVEL",
    "PART_MISSING",
    "TOOL_MISSING",
    "OUTSIDE_HOURS",
    "ABSENT",
    "TERRITORY",
    "EXCLUDED",
    "NOT_REQUIRED",
    "MAX_TRAVEL",
    "CAPACITY",
    "WINDOW_UNREACHABLE",
    "FROZEN",
    "DEPENDENCY",
    "CREW",
    "LOCATION_STALE",
    "LOST_ON_SCORE",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A point on the earth, WGS-84, in degrees."""

    lat: float
    lon: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SkillRequirement:
    """A skill (record id) the job needs, and the lowest level that will do."""

    skill: str
    label: str = ""
    min_level: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class SkillHeld:
    """A skill a resource has, its level, and the last day it is valid (None: for ever)."""

    skill: str
    level: int = 1
    valid_until: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Absence:
    """A stretch of time the resource is away: from `starts_at` up to, not including, `ends_at`."""

    starts_at: datetime
    ends_at: datetime
    label: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """Somebody who can be sent. `location` is the last known place, `home` where the day starts.

    `shift_start` and `shift_end` are local times in `time_zone`; `load` counts the open jobs, `capacity` is the
    most a resource may have; `parts` maps part ids to the quantity in the van.
    """

    id: str
    label: str
    location: Place | None = None
    home: Place | None = None
    skills: tuple[SkillHeld, ...] = ()
    territory: str | None = None
    shift_start: time | None = None
    shift_end: time | None = None
    time_zone: str = "UTC"
    absences: tuple[Absence, ...] = ()
    load: int = 0
    capacity: int | None = None
    max_travel_km: float | None = None
    parts: Mapping[str, float] = field(default_factory=dict)

    @property
    def place(self) -> Place | None:
        """Where the resource would set out from."""
        return self.location or self.home


@dataclass(frozen=True, slots=True, kw_only=True)
class Appointment:
    """The job to be given away. `duration` is the time on site, travel excluded."""

    id: str
    label: str
    location: Place | None = None
    duration: timedelta = timedelta(hours=1)
    earliest_start: datetime | None = None
    due: datetime | None = None
    priority: str | None = None
    territory: str | None = None
    skills: tuple[SkillRequirement, ...] = ()
    parts: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkRule:
    """A hard rule: the reason code it gives when broken, and what an empty value means."""

    code: str
    on_empty: OnEmpty = "pass"
    params: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Objective:
    """Something to be good at: grade = clamp((worst - x) / (worst - best)), weighted."""

    code: str
    weight: float
    best: float
    worst: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Travel:
    """How travel is estimated: straight line x `detour` at `speed_kmh`, plus `handover_s` seconds a stop."""

    detour: float = 1.3
    speed_kmh: float = 40.0
    handover_s: int = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Rules first, then objectives: what this company wants of a dispatch."""

    name: str
    work_rules: tuple[WorkRule, ...] = ()
    objectives: tuple[Objective, ...] = ()
    travel: Travel = Travel()
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class DispatchRequest:
    """Rank these resources for this appointment under this policy, as of `now`."""

    appointment: Appointment
    resources: tuple[Resource, ...]
    policy: Policy
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ScorePart:
    """One objective's share of a score: `value` is the raw figure, `grade` 0-1, `contribution` points of the score."""

    code: str
    value: float
    weight: float
    grade: float
    contribution: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A resource that may be sent; the score is 0-100 and the sum of its parts' contributions."""

    resource: str
    score: float
    parts: tuple[ScorePart, ...] = ()
    travel_s: int | None = None
    distance_m: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why a resource is left out: a code of `REASON_CODES`, what was expected and what is."""

    code: str
    expected: str = ""
    actual: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exclusion:
    """A resource that may not be sent, with every rule it breaks."""

    resource: str
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """Every resource of the request exactly once: best candidates first, the rest excluded with reasons."""

    candidates: tuple[Candidate, ...] = ()
    excluded: tuple[Exclusion, ...] = ()


class DispatchPolicy(Protocol):
    """What a dispatch plugin offers."""

    def rank(self, request: DispatchRequest) -> Ranking:
        """Rank the request's resources. Pure; raises nothing for any well-formed request."""
        ...
