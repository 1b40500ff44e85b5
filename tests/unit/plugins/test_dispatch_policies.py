"""The built-in dispatch policies: laws that hold for any snapshot of resources."""

import random
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldstone.plugins.builtin.policies import LeastLoaded, Nearest, SkillMatch
from fieldstone.plugins.host.host import PluginHost
from fieldstone.plugins.host.validate import checked_ranking
from fieldstone.plugins.sdk.dispatch import (
    Absence,
    Appointment,
    DispatchRequest,
    Objective,
    Place,
    Policy,
    Resource,
    SkillHeld,
    SkillRequirement,
    WorkRule,
)
from fieldstone.plugins.sdk.travel import great_circle_m
from fieldstone.plugins.sdk.wire import decode_ranking, decode_request, encode
from fieldstone.plugins.sdk.work_rules import WORK_RULES

NOW = datetime(2026, 5, 4, 9, 0, tzinfo=UTC)
POLICIES = [Nearest(), SkillMatch(), LeastLoaded()]
OBJECTIVES = (
    Objective(code="travel", weight=60, best=0, worst=7200),
    Objective(code="load", weight=25, best=0, worst=6),
    Objective(code="skill_level", weight=15, best=5, worst=1),
)
RULES = tuple(WorkRule(code=code) for code in WORK_RULES)

places = st.none() | st.builds(Place, lat=st.floats(-85, 85), lon=st.floats(-180, 180))
moments = st.integers(-72, 72).map(lambda hours: NOW + timedelta(hours=hours))
skills_held = st.lists(
    st.builds(SkillHeld, skill=st.sampled_from("xyz"), level=st.integers(1, 5), valid_until=st.none()), max_size=3
).map(tuple)
absences = st.lists(
    st.builds(
        lambda start, hours: Absence(starts_at=start, ends_at=start + timedelta(hours=hours)),
        moments,
        st.integers(1, 48),
    ),
    max_size=2,
).map(tuple)


@st.composite
def requests(draw):
    resources = tuple(
        Resource(
            id=f"r{number}",
            label=f"R{number}",
            location=draw(places),
            home=draw(places),
            skills=draw(skills_held),
            territory=draw(st.sampled_from([None, "north", "south"])),
            shift_start=draw(st.sampled_from([None, time(8), time(22)])),
            shift_end=draw(st.sampled_from([None, time(18), time(6)])),
            absences=draw(absences),
            load=draw(st.integers(0, 8)),
            capacity=draw(st.none() | st.integers(1, 8)),
            max_travel_km=draw(st.none() | st.floats(1, 20000)),
        )
        for number in range(draw(st.integers(0, 8)))
    )
    appointment = Appointment(
        id="job",
        label="Job",
        location=draw(places),
        duration=timedelta(minutes=draw(st.integers(0, 600))),
        earliest_start=draw(st.none() | moments),
        due=draw(st.none() | moments),
        territory=draw(st.sampled_from([None, "north"])),
        skills=draw(
            st.lists(
                st.builds(SkillRequirement, skill=st.sampled_from("xyz"), min_level=st.integers(1, 5)), max_size=2
            ).map(tuple)
        ),
    )
    return DispatchRequest(
        appointment=appointment,
        resources=resources,
        policy=Policy(name="p", work_rules=RULES, objectives=OBJECTIVES),
        now=NOW,
    )


@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: type(policy).__name__)
@given(request_=requests())
@settings(max_examples=150, deadline=None)
def test_every_resource_has_a_verdict_and_scores_are_the_sum_of_their_parts(policy, request_):
    checked_ranking(request_, policy.rank(request_), plugin="builtin")


@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: type(policy).__name__)
@given(request_=requests(), seed=st.integers())
@settings(max_examples=80, deadline=None)
def test_the_order_of_the_input_does_not_matter(policy, request_, seed):
    shuffled = list(request_.resources)
    random.Random(seed).shuffle(shuffled)
    assert policy.rank(request_) == policy.rank(replace(request_, resources=tuple(shuffled)))


@given(request_=requests())
@settings(max_examples=150, deadline=None)
def test_without_the_rules_it_breaks_an_excluded_resource_becomes_a_candidate(request_):
    policy = SkillMatch()
    for exclusion in policy.rank(request_).excluded:
        broken = {reason.code for reason in exclusion.reasons}
        rules = tuple(rule for rule in RULES if rule.code not in broken)
        relaxed = replace(request_, policy=replace(request_.policy, work_rules=rules))
        assert exclusion.resource in {candidate.resource for candidate in policy.rank(relaxed).candidates}


@given(request_=requests())
@settings(max_examples=80, deadline=None)
def test_a_request_and_its_ranking_survive_the_wire(request_):
    ranking = SkillMatch().rank(request_)
    assert decode_request(encode(request_)) == request_
    assert decode_ranking(encode(ranking)) == ranking


def test_the_nearest_qualified_engineer_is_first_and_the_others_say_why_not():
    paris, lyon, lille = Place(lat=48.857, lon=2.352), Place(lat=45.764, lon=4.836), Place(lat=50.629, lon=3.057)
    chillers = SkillHeld(skill="chillers", level=3)
    request = DispatchRequest(
        appointment=Appointment(
            id="job",
            label="Job",
            location=paris,
            skills=(SkillRequirement(skill="chillers", label="Chillers", min_level=2),),
        ),
        resources=(
            Resource(id="near", label="Near", location=lille, skills=(chillers,)),
            Resource(id="far", label="Far", location=lyon, skills=(chillers,)),
            Resource(id="here_unskilled", label="Here", location=paris),
            Resource(id="here_low", label="Low", location=paris, skills=(SkillHeld(skill="chillers", level=1),)),
        ),
        policy=Policy(name="p", work_rules=RULES, objectives=OBJECTIVES),
        now=NOW,
    )
    ranking = Nearest().rank(request)
    assert [candidate.resource for candidate in ranking.candidates] == ["near", "far"]
    reasons = {e.resource: [reason.code for reason in e.reasons] for e in ranking.excluded}
    assert reasons == {"here_unskilled": ["SKILL_MISSING"], "here_low": ["SKILL_LEVEL"]}


def test_great_circle_distance_agrees_with_a_known_figure():
    assert great_circle_m(Place(lat=48.8566, lon=2.3522), Place(lat=51.5074, lon=-0.1278)) == pytest.approx(
        343_556, abs=50
    )


def test_the_host_offers_the_built_in_policies():
    host = PluginHost.discover()
    assert {"nearest", "skill_match", "least_loaded"} <= {o.offer.name for o in host.offers("dispatch")}
