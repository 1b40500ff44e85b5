"""Logic over terms that may be null or may fail, and comprehensions.

What comes in: functions made by the code generator. A term gives True, False or None (unknown), or raises. What goes
out: the value of `&&` and `||` by Kleene, in which a decided result makes a failed or unknown term irrelevant; and
of `all`, `exists`, `exists_one`, `map`, `filter`, which pay `weight` steps for each element. Who calls it: generated
code.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fieldstone.rules.expressions.budget import Budget
from fieldstone.rules.expressions.dynamic import elements
from fieldstone.rules.expressions.errors import BudgetExceeded, EvaluationError

_Term = Callable[[], Any]
_Test = Callable[[Any], Any]


def all_of(*terms: _Term) -> bool | None:
    """`&&`: False when one term is False; otherwise the failure of a failed one, None when one is unknown."""
    return _decided(False, terms)


def any_of(*terms: _Term) -> bool | None:
    """`||`: True when one term is True; otherwise the failure of a failed one, None when one is unknown."""
    return _decided(True, terms)


def _decided(deciding: bool, terms: tuple[_Term, ...]) -> bool | None:
    failure: EvaluationError | None = None
    unknown = False
    for term in terms:
        try:
            value = term()
        except BudgetExceeded:
            raise
        except EvaluationError as error:
            failure = failure or error
            continue
        if value is None:
            unknown = True
        elif bool(value) is deciding:
            return deciding
    if failure is not None:
        raise failure
    return None if unknown else not deciding


def every(budget: Budget, weight: int, source: Any, test: _Test) -> bool | None:
    """`all`: like `&&` over the elements."""
    return _walked(False, budget, weight, source, test)


def some(budget: Budget, weight: int, source: Any, test: _Test) -> bool | None:
    """`exists`: like `||` over the elements."""
    return _walked(True, budget, weight, source, test)


def _walked(deciding: bool, budget: Budget, weight: int, source: Any, test: _Test) -> bool | None:
    failure: EvaluationError | None = None
    unknown = False
    for item in elements(source):
        budget.spend(weight)
        try:
            value = test(item)
        except BudgetExceeded:
            raise
        except EvaluationError as error:
            failure = failure or error
            continue
        if value is None:
            unknown = True
        elif bool(value) is deciding:
            return deciding
    if failure is not None:
        raise failure
    return None if unknown else not deciding


def exactly_one(budget: Budget, weight: int, source: Any, test: _Test) -> bool:
    """`exists_one`: whether the test holds for one element; unknown counts as not."""
    return len(chosen(budget, weight, source, test)) == 1


def chosen(budget: Budget, weight: int, source: Any, test: _Test) -> list[Any]:
    """`filter`: the elements for which the test holds; unknown counts as not."""
    found = []
    for item in elements(source):
        budget.spend(weight)
        if test(item):
            found.append(item)
    return found


def mapped(budget: Budget, weight: int, source: Any, result: _Test) -> list[Any]:
    """`map`: what becomes of each element."""
    made = []
    for item in elements(source):
        budget.spend(weight)
        made.append(result(item))
    return made
