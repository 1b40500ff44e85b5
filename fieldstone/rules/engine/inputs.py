"""What a rule reads: the fields that can change its outcome.

What comes in: compiled expressions. What goes out: `Inputs`. Who calls it: the compilers of rules, to index rules by
their triggers and to tell which related records must be loaded.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from fieldstone.rules.expressions.compile import Expression
from fieldstone.rules.expressions.syntax import Path

Event: TypeAlias = Literal["create", "update", "delete", "button", "schedule"]

_VOLATILE_CALLS = frozenset({"now", "today", "user", "changed"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """`paths` are all paths read; `fields` their roots among the record's own fields.

    `volatile`: the outcome may differ though no field did (it reads `previous`, `user` or the clock).
    """

    paths: frozenset[Path] = frozenset()
    fields: frozenset[str] = frozenset()
    volatile: bool = False

    def touched_by(self, changed: Collection[str]) -> bool:
        """Whether a change of those fields can change the outcome."""
        return self.volatile or not self.fields.isdisjoint(changed)

    @property
    def related(self) -> frozenset[Path]:
        """The paths through lookups, without those that only ask for the id."""
        return frozenset(
            path for path in self.paths if len(path) > 1 and path[0] in self.fields and path[1:] != ("id",)
        )

    def __or__(self, other: Inputs) -> Inputs:
        return Inputs(
            paths=self.paths | other.paths,
            fields=self.fields | other.fields,
            volatile=self.volatile or other.volatile,
        )


def inputs_of(expressions: Iterable[Expression | None], own: Collection[str]) -> Inputs:
    """What all those expressions read together; `own` are the fields of the object that the rule is about."""
    total = Inputs()
    for expression in expressions:
        if expression is not None:
            total |= _of_one(expression, own)
    return total


def _of_one(expression: Expression, own: Collection[str]) -> Inputs:
    paths = frozenset(expression.references)
    roots = frozenset(path[0] for path in paths)
    fields = roots.intersection(own)
    volatile = not expression.calls.isdisjoint(_VOLATILE_CALLS) or fields != roots
    return Inputs(paths=paths, fields=fields, volatile=volatile)
