"""The conformance kit: tries a dispatch policy on many made-up requests.

In: a policy. Out: nothing, or an error naming the first thing that breaks the contract: every resource once, scores
that add up, known reasons, the same answer for any order of the input, an answer that survives the wire. Used by
`fieldstone plugin check` and by the pytest plugin for authors.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any

from fieldstone.plugins.host.validate import checked_ranking
from fieldstone.plugins.sdk.dispatch import (
    Absence,
    Appointment,
    DispatchPolicy,
    DispatchRequest,
    Objective,
    Place,
    Policy,
    Resource,
    SkillHeld,
    SkillRequirement,
    WorkRule,
)
from fieldstone.plugins.sdk.wire import decode_ranking, decode_request, encode
from fieldstone.plugins.sdk.work_rules import WORK_RULES

NOW = datetime(2026, 3, 27, 16, 30, tzinfo=UTC)
POLICY = Policy(
    name="conformance",
    work_rules=tuple(WorkRule(code=code) for code in WORK_RULES),
    objectives=(
        Objective(code="travel", weight=60, best=0, worst=7200),
        Objective(code="load", weight=40, best=0, worst=6),
    ),
)


def sample_requests(count: int = 200, seed: int = 1) -> Iterator[DispatchRequest]:
    """Made-up requests, the same for the same seed: from no resources at all to dozens, with many empty values."""
    rng = random.Random(seed)  # noqa: S311 - sample data, not secrets
    for _ in range(count):
        resources = tuple(_resource(rng, number) for number in range(rng.choice((0, 1, 2, 5, 30))))
        yield DispatchRequest(appointment=_appointment(rng), resources=resources, policy=POLICY, now=NOW)


class DispatchKit:
    """`check(policy)` raises `AssertionError` or `PluginFailed` with the first thing that breaks the contract."""

    def check(self, policy: DispatchPolicy, count: int = 200) -> None:
        """Try `policy` on `count` requests."""
        for request in sample_requests(count):
            ranking = checked_ranking(request, policy.rank(request), plugin=type(policy).__name__)
            shuffled = replace(request, resources=tuple(reversed(request.resources)))
            _hold(policy.rank(shuffled) == ranking, "the order of the resources changes the ranking")
            _hold(decode_ranking(encode(ranking)) == ranking, "the ranking does not survive the wire")
            _hold(decode_request(encode(request)) == request, "the request does not survive the wire")


def _hold(law: bool, words: str) -> None:
    if not law:
        raise AssertionError(words)


def _place(rng: random.Random) -> Place | None:
    return rng.choice((None, Place(lat=rng.uniform(-80, 80), lon=rng.uniform(-180, 180)), Place(lat=48.86, lon=2.35)))


def _resource(rng: random.Random, number: int) -> Resource:
    start = NOW + timedelta(hours=rng.randint(-48, 48))
    absences = (Absence(starts_at=start, ends_at=start + timedelta(hours=9)),) if rng.random() < 0.3 else ()
    return Resource(
        id=f"resource-{number}",
        label=f"Resource {number}",
        location=_place(rng),
        home=_place(rng),
        skills=tuple(SkillHeld(skill=s, level=rng.randint(1, 5)) for s in rng.sample("abc", rng.randint(0, 3))),
        territory=rng.choice((None, "north", "south")),
        shift_start=rng.choice((None, time(8), time(22))),
        shift_end=rng.choice((None, time(17), time(6))),
        time_zone=rng.choice(("UTC", "Europe/Paris", "Asia/Hong_Kong")),
        absences=absences,
        load=rng.randint(0, 9),
        capacity=rng.choice((None, 1, 8)),
        max_travel_km=rng.choice((None, 1.0, 500.0)),
    )


def _appointment(rng: random.Random) -> Appointment:
    optional: dict[str, Any] = {}
    if rng.random() < 0.5:
        optional["earliest_start"] = NOW + timedelta(hours=rng.randint(-30, 60))
    if rng.random() < 0.5:
        optional["due"] = NOW + timedelta(hours=rng.randint(-30, 60))
    skills = tuple(
        SkillRequirement(skill=s, label=s.upper(), min_level=rng.randint(1, 5))
        for s in rng.sample("abc", rng.randint(0, 2))
    )
    return Appointment(
        id="appointment",
        label="Appointment",
        location=_place(rng),
        duration=timedelta(minutes=rng.choice((0, 30, 480))),
        territory=rng.choice((None, "north")),
        skills=skills,
        **optional,
    )
