"""One form of JSON: equal values have equal bytes; what cannot be stored exactly is refused with its place."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings

from fieldstone.platform.kernel.errors import Unreadable
from fieldstone.platform.kernel.metadata import MetadataError
from fieldstone.platform.metadata.canonical import canonical, content_hash, file_text, plain_body, read_json
from tests.unit.metadata.bodies import OBJECTS


@given(OBJECTS)
@settings(max_examples=80)
def test_a_body_survives_being_written_and_read(body: dict[str, Any]) -> None:
    assert plain_body(body) == body
    assert json.loads(canonical(body)) == body
    assert read_json(file_text(body).encode()) == body
    assert file_text(read_json(file_text(body).encode())) == file_text(body)


@given(OBJECTS)
@settings(max_examples=40)
def test_the_order_of_keys_does_not_matter(body: dict[str, Any]) -> None:
    assert content_hash(dict(reversed(body.items()))) == content_hash(body)


def test_a_file_has_sorted_keys_two_spaces_and_a_newline_at_the_end() -> None:
    assert file_text({"b": [1], "a": "标签"}) == '{\n  "a": "标签",\n  "b": [\n    1\n  ]\n}\n'


def test_decimals_become_numbers_when_they_are_exact() -> None:
    assert plain_body({"name": "x", "weight": Decimal("0.25"), "n": Decimal("1e3")}) == {
        "name": "x",
        "weight": 0.25,
        "n": 1000.0,
    }


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (Decimal("0.12345678901234567890123"), "inexact_number"),
        (2**70, "inexact_number"),
        (float("nan"), "not_json"),
        (Decimal("Infinity"), "not_json"),
        ("a\x00b", "not_json"),
        ("\ud800", "not_json"),
        (object(), "not_json"),
    ],
)
def test_what_json_cannot_hold_is_refused_with_its_place(value: Any, code: str) -> None:
    with pytest.raises(MetadataError) as refusal:
        plain_body({"list": [1, {"x/y": value}]})
    assert (refusal.value.path, refusal.value.instance_code) == ("/list/1/x~1y", code)


@pytest.mark.parametrize(
    "data",
    [
        b"{",
        b'{"a":1,"a":2}',
        b"NaN",
        b'{"a":Infinity}',
        b"\xff",
        "{}".encode("utf-16"),
        b"{}x",
        b'{"n":' + b"9" * 5000 + b"}",
    ],
)
def test_a_file_that_is_not_plain_json_is_unreadable(data: bytes) -> None:
    with pytest.raises(Unreadable):
        read_json(data)


def test_a_deep_nest_of_brackets_is_refused_with_the_name_of_the_limit() -> None:
    with pytest.raises(MetadataError) as refusal:
        plain_body(read_json(b'{"a":' + b"[" * 500 + b"]" * 500 + b"}"))
    assert refusal.value.facts["limit"] == "depth"
    with pytest.raises(MetadataError) as refusal:
        read_json(b"[" * 100_000)
    assert refusal.value.facts["limit"] == "depth"


def test_a_large_file_is_refused_before_it_is_read() -> None:
    with pytest.raises(MetadataError) as refusal:
        read_json(b" " * 6_000_000)
    assert refusal.value.facts["limit"] == "file_bytes"
