"""Collects what is wrong with one expression while it is checked.

What comes in: a node and what is wrong with it. What goes out: a `Faulty` node to stand in its place (its type is
`ERROR`, which fits everywhere, so that one mistake is told once) and in the end the list of problems, in the order
in which they were found. Who calls it: the files of the checker.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any

from fieldstone.rules.expressions.errors import Position, Problem
from fieldstone.rules.expressions.syntax import Faulty, Node
from fieldstone.rules.expressions.types import DYN, ERROR, Type

_NO_FACTS: Mapping[str, Any] = MappingProxyType({})


class Reports:
    """The problems of one source text."""

    __slots__ = ("_source", "problems")

    def __init__(self, source: str) -> None:
        self._source = source
        self.problems: list[Problem] = []

    def fault(
        self, node: Node, code: str, message: str, facts: Mapping[str, Any] = _NO_FACTS, suggestion: str = ""
    ) -> Faulty:
        """Note that `node` is wrong, and give the node that stands for it."""
        problem = Problem(
            position=Position.of(self._source, node.start, node.end),
            code=code,
            message=message,
            facts=facts,
            suggestion=suggestion,
        )
        self.problems.append(problem)
        return Faulty(start=node.start, end=node.end, type=ERROR, problem=problem)

    def text_of(self, node: Node) -> str:
        """The source of `node`, shortened."""
        text = self._source[node.start : node.end]
        return text if len(text) <= 60 else f"{text[:57]}..."


def is_open(of_type: Type) -> bool:
    """Whether values of this type are known only when they are evaluated."""
    return of_type.name in (DYN.name, ERROR.name)


def nearest(name: str, candidates: Iterable[str]) -> str:
    """The candidate that `name` was probably meant to be, "" when none comes near."""
    by_lower = {candidate.lower(): candidate for candidate in candidates}
    lower = name.lower()
    if lower in by_lower:
        return by_lower[lower]
    squeezed = {key.replace("_", ""): value for key, value in by_lower.items()}
    if lower.replace("_", "") in squeezed:
        return squeezed[lower.replace("_", "")]
    # Short words resemble each other by chance.
    found = get_close_matches(lower, list(by_lower), n=1, cutoff=0.7 if len(lower) > 3 else 0.8)
    return by_lower[found[0]] if found else ""
