"""Tiers: which amounts need which steps.

What comes in: tiers with exact decimal bounds. What goes out: the tier of an amount, and everything wrong with a
list of tiers. Who calls it: the compiler of approval processes (at publish) and submission (at run time). Pure.

A tier holds the amounts from `start` up to, not including, `below`; the last one has no upper bound. An amount below
the first tier needs no approval. Amounts are compared exactly, never rounded.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from typing import Literal, TypeAlias

from fieldstone.platform.kernel.text import Text

Quorum: TypeAlias = Literal["any", "all"] | int
"""How many of a step's approvers must approve."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApproverRule:
    """Who decides on a step, exactly one of: e-mail addresses of users, a role, the manager so many levels above the
    requester (1: direct), a field of the record that holds a user."""

    users: tuple[str, ...] = ()
    role: str | None = None
    team_manager: int | None = None
    field: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of a tier; steps follow one another in order."""

    name: str
    label: Text
    approvers: ApproverRule
    quorum: Quorum = "any"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """Amounts from `start` up to, not including, `below` (None: no bound), and their steps."""

    name: str
    label: Text
    start: Decimal
    below: Decimal | None
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TierProblem:
    """Something wrong with tier number `index` (from 0): between `start` and `below` (None: without end)."""

    code: Literal["tier_empty", "tier_unsorted", "tier_gap", "tier_overlap", "tier_open_end"]
    index: int
    start: Decimal
    below: Decimal | None = None


def choose(tiers: Sequence[Tier], amount: Decimal) -> Tier | None:
    """The tier of an amount; None when it is below the first tier and needs no approval."""
    position = bisect_right([tier.start for tier in tiers], amount)
    return tiers[position - 1] if position else None


def problems(tiers: Sequence[Tier]) -> Iterator[TierProblem]:
    """Everything wrong with tiers in the order given: empty, unsorted, gaps, overlaps, a last one that ends."""
    for index, tier in enumerate(tiers):
        if tier.below is not None and tier.below <= tier.start:
            yield TierProblem(code="tier_empty", index=index, start=tier.start, below=tier.below)
    for index, (lower, upper) in enumerate(pairwise(tiers), start=1):
        if upper.start < lower.start:
            yield TierProblem(code="tier_unsorted", index=index, start=upper.start, below=lower.start)
        elif upper.start == lower.start:
            yield TierProblem(code="tier_overlap", index=index, start=upper.start, below=lower.below)
        elif lower.below is not None and lower.below < upper.start:
            yield TierProblem(code="tier_gap", index=index, start=lower.below, below=upper.start)
        elif lower.below is not None and lower.below > upper.start:
            yield TierProblem(code="tier_overlap", index=index, start=upper.start, below=lower.below)
    if tiers and tiers[-1].below is not None:
        yield TierProblem(code="tier_open_end", index=len(tiers) - 1, start=tiers[-1].below)
