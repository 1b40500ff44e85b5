"""The reference of rules names every kind, action, effect and approval state, and its examples compile."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest

from fieldstone.rules.approvals.machine import Status
from fieldstone.rules.effects import Effect
from fieldstone.rules.kinds.actions import ACTIONS
from fieldstone.rules.part import KINDS

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "rules.md").read_text("utf-8")
HEADINGS = set(re.findall(r"^### (\S+)$", PAGE, re.MULTILINE))


@pytest.mark.parametrize("name", [*(kind.name for kind in KINDS), *ACTIONS])
def test_every_kind_and_action_has_a_heading(name: str) -> None:
    assert name in HEADINGS


def test_no_heading_is_left_over() -> None:
    assert {*(kind.name for kind in KINDS), *ACTIONS} >= HEADINGS


@pytest.mark.parametrize("name", [effect.__name__ for effect in get_args(Effect)])
def test_every_effect_is_in_the_table(name: str) -> None:
    assert f"| `{name}` |" in PAGE


@pytest.mark.parametrize("state", get_args(Status))
def test_every_state_of_a_request_is_named(state: str) -> None:
    assert f"`{state}`" in PAGE


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_every_property_of_a_kind_is_told(kind: object) -> None:
    name = kind.name  # type: ignore[attr-defined]
    section = PAGE.split(f"### {name}\n", 1)[1].split("\n### ", 1)[0]
    common = {"$schema", "name", "label", "description", "renamed_from", "active", "object"}
    for each in set(kind.schema["properties"]) - common:  # type: ignore[attr-defined]
        assert f"`{each}" in section, each
