"""A Hypothesis strategy for parsed trees."""

from __future__ import annotations

import math

from hypothesis import strategies as st

from fieldstone.rules.expressions.macros import KINDS
from fieldstone.rules.expressions.syntax import (
    Binary,
    Call,
    Comprehension,
    Has,
    Index,
    ListNode,
    Literal,
    Logical,
    MapNode,
    Member,
    Name,
    Node,
    Ternary,
    Unary,
)
from fieldstone.rules.expressions.types import BOOL, BYTES, DOUBLE, INT, NULL, STRING, UINT
from fieldstone.rules.expressions.values import INT_MAX, INT_MIN, UINT_MAX, UInt

_NAMES = st.sampled_from(["a", "b1", "_c", "customer", "if", "package", "size"])
_FIELDS = st.one_of(_NAMES, st.sampled_from(["content-type", "a.b", "x y"]))
_CALLED = st.sampled_from(["f", "size", "lower", "if", "g_2"])
_LITERALS = st.one_of(
    st.integers(INT_MIN, INT_MAX).map(lambda value: Literal(value=value, type=INT)),
    st.integers(0, UINT_MAX).map(lambda value: Literal(value=UInt(value), type=UINT)),
    st.floats(allow_nan=False, allow_infinity=False)
    .filter(lambda value: not math.isinf(value))
    .map(lambda value: Literal(value=value, type=DOUBLE)),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=8).map(lambda value: Literal(value=value, type=STRING)),
    st.binary(max_size=4).map(lambda value: Literal(value=value, type=BYTES)),
    st.booleans().map(lambda value: Literal(value=value, type=BOOL)),
    st.just(Literal(value=None, type=NULL)),
)


def _compound(inner: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    some = st.lists(inner, max_size=3).map(tuple)
    return st.one_of(
        st.builds(Unary, operator=st.sampled_from(["!", "-"]), operand=inner).filter(_is_no_folded_minus),
        st.builds(
            Binary,
            operator=st.sampled_from(["+", "-", "*", "/", "%", "==", "!=", "<", "<=", ">", ">=", "in"]),
            left=inner,
            right=inner,
        ),
        st.builds(
            Logical, operator=st.sampled_from(["&&", "||"]), terms=st.lists(inner, min_size=2, max_size=4).map(tuple)
        ),
        st.builds(Ternary, condition=inner, then=inner, otherwise=inner),
        st.builds(Index, operand=inner, index=inner),
        st.builds(Member, operand=inner, field=_FIELDS),
        st.builds(ListNode, items=some),
        st.builds(MapNode, entries=st.lists(st.tuples(inner, inner), max_size=2).map(tuple)),
        st.builds(Call, name=_CALLED, arguments=some, target=st.one_of(st.none(), inner)),
        st.builds(Has, operand=inner, field=_FIELDS),
        st.builds(Has, operand=st.none(), field=_NAMES),
        _comprehensions(inner),
    )


def _comprehensions(inner: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    deciding = st.sampled_from(sorted(set(KINDS.values()) - {"map"}))
    return st.one_of(
        st.builds(Comprehension, kind=deciding, source=inner, variable=_NAMES, condition=inner, result=st.none()),
        st.builds(
            Comprehension,
            kind=st.just("map"),
            source=inner,
            variable=_NAMES,
            condition=st.one_of(st.none(), inner),
            result=inner,
        ),
    )


def _is_no_folded_minus(node: Unary) -> bool:
    # The smallest int has no positive counterpart to be written with a minus of its own in brackets.
    return not (isinstance(node.operand, Literal) and node.operand.value == INT_MIN)


def trees() -> st.SearchStrategy[Node]:
    """Parsed trees of moderate size."""
    return st.recursive(st.one_of(_LITERALS, _NAMES.map(lambda name: Name(name=name))), _compound, max_leaves=12)
