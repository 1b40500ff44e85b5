"""Expressions in words, in each language."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings

from fieldstone.rules.expressions.functions.catalogue import FUNCTIONS
from fieldstone.rules.expressions.phrases import PHRASES
from fieldstone.rules.expressions.syntax import Path
from fieldstone.rules.expressions.words import describe
from tests.unit.expressions.desk import compiled
from tests.unit.expressions.sources import sources


class EnglishLabels:
    """Labels made from names."""

    def field(self, path: Path) -> str:
        return " ".join(path).replace("_", " ").capitalize()

    def option(self, path: Path, value: str) -> str | None:
        return {("priority",): {"high": "High"}, ("customer", "tier"): {"gold": "Gold"}}.get(path, {}).get(value)


class ChineseLabels:
    """Labels in Chinese for a few fields."""

    def field(self, path: Path) -> str:
        return {"amount": "金额", "priority": "优先级", "status": "状态", "tags": "标签"}[path[0]]

    def option(self, path: Path, value: str) -> str | None:
        return {"high": "高"}.get(value)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ('amount > 10000 && priority == "high"', 'Amount is greater than 10,000 and Priority is "High"'),
        ('!(priority == "high") || urgent', 'Priority is not "High" or Urgent is true'),
        ("!urgent", "Urgent is not true"),
        ('priority in ["high", "low", "x"]', 'Priority is one of "High", "low" or "x"'),
        ('!(priority in ["high"])', 'Priority is none of "High"'),
        ("'a' in tags", 'Tags includes "a"'),
        ("customer == null && owner != null", "Customer is empty and Owner is filled in"),
        ("has(customer.tier)", "Customer tier is filled in"),
        ("customer.tier == 'gold'", 'Customer tier is "Gold"'),
        ("due < today() && due >= '2026-01-31'", "Due is before today and Due is Jan 31, 2026 or later"),
        ("changed(status) && !isNew()", "Status has changed and the record is not new"),
        ("previous.status != status", "previous Status is not Status"),
        ("hasRole('agent')", 'the user has the role "agent"'),
        ("!hasRole('admin')", 'the user does not have the role "admin"'),
        ("(count > 1 || count < 0) && urgent", "(Count is greater than 1 or Count is less than 0) and Urgent is true"),
        ("hours * (count + 1) > 2.5", "Hours × (Count + 1) is greater than 2.5"),
        ("hours * count + 1 > 3", "(Hours × Count) + 1 is greater than 3"),
        ("lines.exists(l, l.quantity > 3)", "at least one of Lines has: Lines quantity is greater than 3"),
        ("sum(lines.map(l, l.quantity)) > 3", "the sum of Lines quantity of each of Lines is greater than 3"),
        ("if(urgent, 'a', 'b')", '"a" if Urgent is true, otherwise "b"'),
        ("elapsed > duration('49h30m')", "Elapsed is greater than 2 d 1 h 30 min"),
        ("subject.contains('{0} {all}')", 'Subject contains "{0} {all}"'),
        ("!subject.startsWith('x')", 'Subject does not start with "x"'),
        ("padLeft(subject, 5) == 'x'", 'padLeft(Subject, 5) is "x"'),
        ("min(count, 3, limit) > 1", "the smallest of Count, 3, Limit is greater than 1"),
        ("amount.currency == 'EUR'", 'currency of Amount is "EUR"'),
        ("opened > '2026-01-31T08:00:00Z'", "Opened is after 2026-01-31 08:00:00 UTC"),
    ],
)  # fmt: skip
def test_english(source: str, words: str) -> None:
    assert describe(compiled(source), EnglishLabels(), "en") == words


@pytest.mark.parametrize(
    ("locale", "words"),
    [
        ("zh-Hans", "金额大于 10,000 且优先级是“高”且状态已更改且标签包括“a”"),
        ("zh-Hant", "金额大於 10,000 且优先级是「高」且状态已變更且标签包括「a」"),
    ],
)
def test_chinese(locale: str, words: str) -> None:
    source = "amount > 10000 && priority == 'high' && changed(status) && 'a' in tags"
    assert describe(compiled(source), ChineseLabels(), locale) == words


@settings(max_examples=150, deadline=None)
@given(source=sources(2))
def test_every_expression_has_words_in_every_language(source: str) -> None:
    for locale in PHRASES:
        text = describe(compiled(source), EnglishLabels(), locale)
        assert text
        assert not re.search(r"\{(\d|all|name)\}", text)


def test_every_language_has_the_same_phrases_with_the_same_places() -> None:
    english = PHRASES["en"]
    for phrases in PHRASES.values():
        assert phrases.keys() == english.keys()
        for key, text in phrases.items():
            assert sorted(re.findall(r"\{\w+\}", text)) == sorted(re.findall(r"\{\w+\}", english[key])), key


def test_phrases_of_functions_are_about_functions_that_exist() -> None:
    spoken = {key.removeprefix("not ") for key in PHRASES["en"] if key.startswith("not ")}
    assert spoken <= set(FUNCTIONS)
