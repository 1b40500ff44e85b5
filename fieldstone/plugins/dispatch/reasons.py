"""Reason and objective codes in words: English templates, translated at the edge."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

REASONS: Mapping[str, str] = MappingProxyType(
    {
        "SKILL_MISSING": "Lacks the skill: {expected}",
        "SKILL_LEVEL": "Skill level too low: needs {expected}, has {actual}",
        "PART_MISSING": "Does not carry the part: {expected}",
        "TOOL_MISSING": "Does not carry the tool: {expected}",
        "OUTSIDE_HOURS": "Outside working hours ({expected}): would start at {actual}",
        "ABSENT": "Absent {actual}",
        "TERRITORY": "Works in another territory",
        "EXCLUDED": "Excluded for this job",
        "NOT_REQUIRED": "Another resource is required for this job",
        "MAX_TRAVEL": "Too far: {actual}, at most {expected}",
        "CAPACITY": "Fully loaded: {actual} of {expected} jobs",
        "WINDOW_UNREACHABLE": "Cannot be done by {expected}",
        "FROZEN": "The plan is frozen",
        "DEPENDENCY": "Waits for another job",
        "CREW": "The crew is not complete",
        "LOCATION_STALE": "Last location is too old",
        "LOST_ON_SCORE": "Others suit better",
    }
)

OBJECTIVE_LABELS: Mapping[str, str] = MappingProxyType(
    {"travel": "Travel time", "load": "Open jobs", "skill_level": "Skill level", "territory": "Territory"}
)
