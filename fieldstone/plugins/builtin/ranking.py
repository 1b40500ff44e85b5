"""The frame the built-in policies share: rules first, then an order over whoever is left."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fieldstone.plugins.sdk.dispatch import Candidate, DispatchRequest, Exclusion, Ranking, Resource
from fieldstone.plugins.sdk.objectives import scored
from fieldstone.plugins.sdk.work_rules import broken_rules

Key = Callable[[Resource, Candidate], tuple[Any, ...]]


def ranked(request: DispatchRequest, key: Key) -> Ranking:
    """Split by the policy's work rules, then sort the rest by `key`; ties go by id, so input order never matters."""
    left: list[tuple[tuple[Any, ...], Candidate]] = []
    excluded: list[Exclusion] = []
    for resource in request.resources:
        reasons = broken_rules(resource, request)
        if reasons:
            excluded.append(Exclusion(resource=resource.id, reasons=reasons))
        else:
            candidate = scored(resource, request)
            left.append(((*key(resource, candidate), resource.id), candidate))
    left.sort(key=lambda pair: pair[0])
    excluded.sort(key=lambda exclusion: (len(exclusion.reasons), exclusion.resource))
    return Ranking(candidates=tuple(candidate for _, candidate in left), excluded=tuple(excluded))
