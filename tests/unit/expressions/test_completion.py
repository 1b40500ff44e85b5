"""What the editor offers at the cursor."""

from __future__ import annotations

import pytest

from fieldstone.rules.expressions.completion import completions
from tests.unit.expressions.desk import DESK


def _labels(source: str) -> list[str]:
    offset = source.index("|") if "|" in source else len(source)
    return [each.label for each in completions(source.replace("|", ""), offset, DESK)]


@pytest.mark.parametrize(
    ("source", "labels"),
    [
        ("am", ["amount"]),
        ("urgent && am| > 3", ["amount"]),
        ("customer.t", ["tier"]),
        ("customer.", ["contact", "credit", "id", "name", "tier"]),
        ("customer.contact.lead.n", ["name"]),
        ("previous.sta", ["starts", "status"]),
        ("amount.am", ["amount"]),
        ("lines.exists(line, line.p", ["part", "price"]),
        ("lines.exists(line, line.supplier.t", ["tier"]),
        ("lines.exists(line, li", ["line", "limit", "lines"]),
        ("tags.ex", ["exists", "exists_one"]),
        ("subject.starts", ["startsWith"]),
        ("startsW", ["startsWith"]),
        ("tru", ["true"]),
        ("has", ["hasRole", "has"]),
        ("nothing.x", []),
        ("count.nothing.x", []),
        ("subject == 'am", []),
    ],
)
def test_what_fits_is_offered(source: str, labels: list[str]) -> None:
    assert _labels(source) == labels


def test_a_completion_says_what_it_replaces_and_what_it_is() -> None:
    (field,) = completions("urgent && customer.ti", 21, DESK)
    assert (field.insert, field.kind, field.detail, field.start, field.end) == ("tier", "field", "string", 19, 21)
    (function,) = completions("startsW", 7, DESK)
    assert (function.insert, function.kind) == ("startsWith(", "function")
    assert function.detail == "(string, string) -> bool"
    assert function.summary


@pytest.mark.parametrize("offset", [-5, 0, 3, 10_000])
def test_any_offset_is_taken(offset: int) -> None:
    assert completions("am", offset, DESK)
