"""The org tree: who answers to whom, whatever the tree looks like."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from fieldstone.platform.identity.org import OrgChart

PEOPLE = [f"p{n}" for n in range(6)]
TEAMS = [f"t{n}" for n in range(4)]
person, team = st.sampled_from(PEOPLE), st.sampled_from(TEAMS)

CHARTS = st.builds(
    OrgChart,
    own_team=st.dictionaries(person, team),
    own_manager=st.dictionaries(person, person, max_size=3),
    parent=st.fixed_dictionaries({name: st.none() | team for name in TEAMS}),
    team_manager=st.fixed_dictionaries({name: st.none() | person for name in TEAMS}),
    active=st.frozensets(person),
)


@settings(max_examples=300, deadline=None)
@given(CHARTS, person)
def test_any_tree_has_an_answer_and_it_is_somebody_else_who_is_active(chart: OrgChart, who: str) -> None:
    above = chart.manager(who)
    assert above is None or (above != who and above in chart.active)
    assert who not in chart.below(who)


@settings(max_examples=300, deadline=None)
@given(CHARTS, person)
def test_a_manager_has_below_them_whoever_answers_to_them(chart: OrgChart, who: str) -> None:
    above = chart.manager(who)
    if above is not None:
        assert who in chart.below(above)


@settings(max_examples=200, deadline=None)
@given(CHARTS, person, st.integers(1, 8))
def test_going_up_step_by_step_is_going_up_at_once(chart: OrgChart, who: str, levels: int) -> None:
    reached: str | None = who
    seen = {who}
    for _ in range(levels):
        reached = chart.manager(reached) if reached is not None else None
        if reached in seen:
            reached = None
        if reached is not None:
            seen.add(reached)
    assert chart.above(who, levels) == reached
