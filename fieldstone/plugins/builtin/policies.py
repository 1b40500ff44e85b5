"""The dispatch policies that come with the platform: `nearest`, `skill_match`, `least_loaded`.

Each is a plugin like any other: it sees the SDK and nothing else.
"""

from __future__ import annotations

from math import inf

from fieldstone.plugins.builtin.ranking import ranked
from fieldstone.plugins.sdk.dispatch import DispatchRequest, Ranking


class Nearest:
    """Whoever gets there first (estimated travel time), among those who pass the work rules: for urgent jobs."""

    def rank(self, request: DispatchRequest) -> Ranking:
        """Shortest travel time first; unknown places last."""
        return ranked(request, lambda _, c: (c.travel_s if c.travel_s is not None else inf, -c.score))


class SkillMatch:
    """Hard rules, then the weighted score of the policy's objectives: the default."""

    def rank(self, request: DispatchRequest) -> Ranking:
        """Highest score first; among equals the shorter way."""
        return ranked(request, lambda _, c: (-c.score, c.travel_s if c.travel_s is not None else inf))


class LeastLoaded:
    """Whoever has the fewest open jobs; among equals the higher score."""

    def rank(self, request: DispatchRequest) -> Ranking:
        """Lowest load first."""
        return ranked(request, lambda resource, c: (resource.load, -c.score))
