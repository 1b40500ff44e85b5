"""Lists of a row in SQL: chosen options, child rows, linked records.

What comes in: `Elements`, which say where the elements of a list are found for the outer row. What goes out: `EXISTS`
and scalar subqueries for `in`, `exists`, `all`, `exists_one`, `size`, `sum`, `avg`. Who calls it: the compiler.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import sqlalchemy as sa

from fieldstone.objects.sql.numbers import Numbers
from fieldstone.objects.sql.terms import Condition, Sql, Term, unsupported
from fieldstone.rules.expressions.syntax import Comprehension, Node, Path, RecordId
from fieldstone.rules.expressions.types import DECIMAL, INT, Type


class ElementRows(Protocol):
    """The columns of the elements, when they are records."""

    def term(self, path: Path) -> Term: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Elements:
    """Where the elements of a list are: `source` is what to select from, `belongs` which rows are the outer row's.

    `element` is an option's value or a record's id.
    """

    source: Any
    belongs: Condition
    element: Term
    rows: ElementRows


class Host(Protocol):
    """What the compiler does for subqueries."""

    @property
    def numbers(self) -> Numbers: ...

    def condition(self, node: Node, *, loose: bool = True) -> Condition: ...

    def term(self, node: Node) -> Term: ...

    def source(self, node: Node) -> Elements: ...

    def within(self, variable: str, elements: Elements) -> None: ...

    def pair(self, left: Term, right: Term) -> tuple[Sql, Sql]: ...


class Elsewhere:
    """Makes subqueries for one compiler."""

    def __init__(self, host: Host) -> None:
        self._host = host

    def contains(self, elements: Elements, wanted: Term) -> Condition:
        """Whether one of the elements is `wanted`; never unknown, a `wanted` of null is in no list."""
        if wanted.type == DECIMAL:
            equal = self._host.numbers.same(elements.element, wanted, filled=True)
        else:
            one, other = self._host.pair(elements.element, wanted)
            equal = one == other
        return _exists(elements, equal)

    def condition(self, node: Comprehension, *, loose: bool) -> Condition:
        """`exists`, `all` and `exists_one`."""
        elements = self._host.source(node.source)
        self._host.within(node.variable, elements)
        if node.condition is None or node.kind in ("map", "filter"):
            raise unsupported(f"{node.kind}() as a condition")
        test = self._host.condition(node.condition, loose=False)
        yes, no, unknown = _is(test, True), _is(test, False), sa.type_coerce(test, sa.Boolean()).is_(None)
        if node.kind == "exists":
            if loose:
                return _exists(elements, yes)
            return sa.case(
                (_exists(elements, yes), sa.true()), (_exists(elements, unknown), sa.null()), else_=sa.false()
            )
        if node.kind == "all":
            if loose:
                return sa.not_(_exists(elements, sa.or_(no, unknown)))
            return sa.case(
                (_exists(elements, no), sa.false()), (_exists(elements, unknown), sa.null()), else_=sa.true()
            )
        return _scalar(elements, sa.func.count(), yes) == 1

    def aggregate(self, tag: str, node: Node, result: Type) -> Term:
        """`size`, `sum` and `avg` of a list of the row, filtered or mapped."""
        value, elements, kept = self._walked(node)
        if tag == "list_size":
            return Term(sql=_scalar(elements, sa.func.count(), kept), type=INT, filled=True)
        if value is None:
            value = elements.element
        if value.type not in (INT, DECIMAL) or value.exact or tag not in ("sum", "avg"):
            raise unsupported(f"{tag}() of this list")
        if tag == "avg":
            return self._average(value, elements, kept)
        total = _scalar(elements, sa.func.coalesce(sa.func.sum(_number(value)), 0), kept)
        return value.of(sa.type_coerce(total, _number(value).type), type=result, filled=True)

    def _average(self, value: Term, elements: Elements, kept: Condition | None) -> Term:
        numbers = self._host.numbers
        total = value.of(_scalar(elements, sa.func.sum(_number(value)), kept), filled=False)
        count = Term(sql=_scalar(elements, sa.func.count(value.sql), kept), type=INT)
        dividend = numbers.of_int(total) if value.type == INT else total
        return numbers.divide(dividend, numbers.of_int(count))

    def _walked(self, node: Node) -> tuple[Term | None, Elements, Condition | None]:
        """The value of each element, the elements, and which of them count."""
        if not isinstance(node, Comprehension):
            return None, self._host.source(node.operand if isinstance(node, RecordId) else node), None
        if isinstance(node.source, Comprehension):
            inner, elements, kept = self._walked(node.source)
            if inner is not None:
                raise unsupported("a list mapped twice")
        else:
            elements, kept = self._host.source(node.source), None
        self._host.within(node.variable, elements)
        if node.condition is not None:
            # A filter drops what is unknown.
            test = _is(self._host.condition(node.condition), True)
            kept = test if kept is None else sa.and_(kept, test)
        value = self._host.term(node.result) if node.result is not None else None
        return value, elements, kept


def _number(value: Term) -> Sql:
    kind: Any = sa.Numeric() if value.type == DECIMAL and not isinstance(value.sql.type, sa.BigInteger) else None
    return sa.type_coerce(value.sql, kind or sa.BigInteger())


def _is(test: Condition, wanted: bool) -> Condition:
    return sa.type_coerce(sa.sql.elements.Grouping(test), sa.Boolean()).is_(wanted)


def _exists(elements: Elements, condition: Condition) -> Condition:
    inner: sa.Select[Any] = sa.select(sa.literal_column("1"))
    return _within(inner, elements).where(condition).exists()


def _scalar(elements: Elements, value: Sql, condition: Condition | None) -> Sql:
    query = _within(sa.select(value), elements)
    return (query if condition is None else query.where(condition)).scalar_subquery()


def _within(query: sa.Select[Any], elements: Elements) -> sa.Select[Any]:
    """The query over the elements of the outer row; only the tables of the elements are its own."""
    own = [each for each in sa.sql.visitors.iterate(elements.source) if isinstance(each, sa.FromClause)]
    return query.select_from(elements.source).where(elements.belongs).correlate_except(*own)
