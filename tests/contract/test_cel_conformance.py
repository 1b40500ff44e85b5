"""The conformance vectors of the Common Expression Language, all of them, against the engine.

`DEVIATIONS` lists what the engine does differently. A vector that fails without being listed fails here, and so does
a listed one that has begun to pass.
"""

from __future__ import annotations

from collections import defaultdict

import pytest

from tests.support.cel_vectors import DEVIATIONS, Vector, outcome, rates, vectors

_ALL = list(vectors())
_BY_SECTION: dict[str, list[Vector]] = defaultdict(list)
for _vector in _ALL:
    _BY_SECTION[f"{_vector.file}/{_vector.section}"].append(_vector)


@pytest.mark.parametrize("section", sorted(_BY_SECTION))
def test_a_section_behaves_as_the_specification_says(section: str) -> None:
    differing = {
        vector.key: f"{vector.source} -> {outcome(vector)}, expected {dict(vector.expect)}"
        for vector in _BY_SECTION[section]
        if vector.key not in DEVIATIONS and outcome(vector) != "as expected"
    }
    assert differing == {}


@pytest.mark.parametrize("key", sorted(DEVIATIONS))
def test_a_listed_deviation_still_deviates(key: str) -> None:
    (vector,) = [each for each in _ALL if each.key == key]
    assert outcome(vector) != "as expected", "it passes now: take it off the list"


def test_all_vectors_are_there() -> None:
    assert len(_ALL) == 1056
    assert len({vector.key for vector in _ALL}) > 1000


def test_more_than_ninety_nine_percent_of_the_vectors_pass() -> None:
    counted = rates()
    passed = sum(each for each, _ in counted.values())
    assert passed / len(_ALL) > 0.99
