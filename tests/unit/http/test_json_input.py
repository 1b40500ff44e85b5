"""Reading JSON exactly: what it says, or a refusal."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldstone.platform.http.json_input import MAX_DEPTH, MAX_DIGITS, decode_json
from fieldstone.platform.kernel.errors import Unreadable

TEXT = st.text(st.characters(exclude_characters="\x00", exclude_categories=("Cs",)), max_size=20)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**40), 10**40) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=20,
)


@settings(max_examples=150, deadline=None)
@given(VALUES, st.booleans())
def test_what_json_can_say_is_read_as_it_is(value: object, escaped: bool) -> None:
    assert decode_json(json.dumps(value, ensure_ascii=escaped).encode()) == value


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=60))
def test_any_bytes_are_a_value_or_a_refusal(body: bytes) -> None:
    try:
        decode_json(body)
    except Unreadable:
        return


@settings(max_examples=200, deadline=None)
@given(st.text('{}[]",:\\u0dDeE1.-ntf ', max_size=80))
def test_any_text_of_json_signs_is_a_value_or_a_refusal(text: str) -> None:
    try:
        decode_json(text.encode())
    except Unreadable:
        return


@pytest.mark.parametrize("text", ["1.10", "0.1", "12345678901234567890.123456789", "1e-3", "-0.0", "1E5"])
def test_numbers_with_a_point_are_exact(text: str) -> None:
    value = decode_json(text.encode())
    assert isinstance(value, Decimal)
    assert str(value) == str(Decimal(text))


def test_depth_is_counted_outside_of_texts_only() -> None:
    brackets = "[" * 1_000
    assert decode_json(json.dumps({"a": brackets}).encode()) == {"a": brackets}
    assert decode_json(json.dumps({"a": '\\"[' * 200}).encode())["a"].count("[") == 200
    deepest = b"[" * MAX_DEPTH + b"]" * MAX_DEPTH
    assert decode_json(deepest)
    wide = b"[" + b",".join([b"[]"] * 500) + b"]"
    assert len(decode_json(wide)) == 500
    with pytest.raises(Unreadable):
        decode_json(b"[" + deepest + b"]")


def test_the_digits_of_a_number_are_bounded() -> None:
    assert decode_json(b"9" * MAX_DIGITS) == int("9" * MAX_DIGITS)
    for digits in (b"9" * (MAX_DIGITS + 1), b"0." + b"9" * MAX_DIGITS, b"1e101", b"1e-101", b"1e99999999999999999999"):
        with pytest.raises(Unreadable):
            decode_json(digits)


def test_the_place_of_a_mistake_is_told() -> None:
    with pytest.raises(Unreadable) as refused:
        decode_json(b'{"a": 1,\n "b": }')
    assert refused.value.facts["line"] == 2


def test_a_surrogate_pair_is_one_character() -> None:
    assert decode_json(b'"\\ud83d\\ude00"') == "\U0001f600"
