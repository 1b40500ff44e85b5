"""The platform's own look at a plugin's ranking: nothing is believed that can be checked.

Every resource of the request appears exactly once; scores are 0-100 and are the sum of their parts; every exclusion
has a reason of the closed list. Pure.
"""

from __future__ import annotations

from collections import Counter
from math import isfinite

from fieldstone.plugins.host.guarded import PluginFailed
from fieldstone.plugins.sdk.dispatch import REASON_CODES, DispatchRequest, Ranking

TOLERANCE = 0.01


def checked_ranking(request: DispatchRequest, ranking: Ranking, *, plugin: str) -> Ranking:
    """`ranking` itself when it is sound. Raises `PluginFailed` naming the first thing that is not."""
    problem = _problem(request, ranking)
    if problem:
        raise PluginFailed(plugin=plugin, reason=problem, retry_after=5)
    return ranking


def _problem(request: DispatchRequest, ranking: Ranking) -> str | None:
    if not isinstance(ranking, Ranking):
        return "its answer is not a ranking"
    seen = Counter([c.resource for c in ranking.candidates] + [e.resource for e in ranking.excluded])
    wanted = {resource.id for resource in request.resources}
    if set(seen) != wanted or any(count > 1 for count in seen.values()):
        return "not every resource appears exactly once"
    for candidate in ranking.candidates:
        if not isfinite(candidate.score) or not -TOLERANCE <= candidate.score <= 100 + TOLERANCE:
            return "a score is not between 0 and 100"
        if candidate.parts and abs(sum(p.contribution for p in candidate.parts) - candidate.score) > TOLERANCE:
            return "the parts of a score do not add up to it"
    for exclusion in ranking.excluded:
        if not exclusion.reasons or any(reason.code not in REASON_CODES for reason in exclusion.reasons):
            return "an exclusion has no known reason"
    return None
