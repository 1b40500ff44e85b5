"""Words in the reader's language, and lines in the log."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from decimal import Decimal

import pytest
import structlog
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldstone.platform.i18n import choose_locale, fill, in_words, supported, translate
from fieldstone.platform.kernel.text import LOCALES
from fieldstone.platform.logs import configure


@pytest.mark.parametrize(
    ("tag", "locale"),
    [
        ("en", "en"),
        ("en-GB", "en"),
        ("zh", "zh-Hans"),
        ("zh-CN", "zh-Hans"),
        ("zh-SG", "zh-Hans"),
        ("zh-TW", "zh-Hant"),
        ("zh-HK", "zh-Hant"),
        ("zh-MO", "zh-Hant"),
        ("zh-Hant", "zh-Hant"),
        ("zh-Hant-TW", "zh-Hant"),
        ("zh-Hans-HK", "zh-Hans"),
        ("ZH_tw", "zh-Hant"),
        ("fr", None),
        ("*", None),
        ("", None),
        ("../../etc/passwd", None),
        ("e" * 500, None),
    ],
)
def test_languages_are_matched_by_script(tag: str, locale: str | None) -> None:
    assert supported(tag) == locale


def test_a_wish_goes_before_the_browser_and_the_browser_before_the_tenant() -> None:
    assert choose_locale("zh-Hant", accept_language="en", default="zh-Hans") == "zh-Hant"
    assert choose_locale(None, "xx", accept_language="fr;q=1, zh-TW;q=0.5, en;q=0.7", default="zh-Hans") == "en"
    assert choose_locale(accept_language="fr", default="zh-Hans") == "zh-Hans"
    assert choose_locale(accept_language="en;q=0, zh;q=0.001") == "zh-Hans"


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=80))
def test_any_accept_language_chooses_one_of_ours(header: str) -> None:
    assert choose_locale(accept_language=header) in LOCALES


def test_facts_are_filled_once_so_that_their_braces_stay() -> None:
    assert fill("{a} and {b}", {"a": "{b}", "b": "{a}"}, "en") == "{b} and {a}"
    assert fill("{a.b} {a[0]} {missing} {{a}}", {"a": "x"}, "en") == "{a.b} {a[0]} {missing} {x}"


def test_facts_are_put_into_words() -> None:
    assert in_words(Decimal("1E+3"), "en") == "1000"
    assert in_words(("a", "b"), "en") == "a, b"
    assert in_words(("a", "b"), "zh-Hans") == "a、b"
    assert in_words({"en": "Ticket", "zh-Hans": "服务请求"}, "zh-Hant") == "服务请求"
    assert in_words(None, "en") == "–"


def test_a_message_without_translation_stays_english_and_a_tenants_label_is_chosen() -> None:
    assert translate("Nobody wrote this.", {}, "zh-Hans") == "Nobody wrote this."
    assert translate({"en": "Hello {name}", "zh-Hans": "你好 {name}"}, {"name": "Ann"}, "zh-Hans") == "你好 Ann"


@pytest.fixture
def logs() -> Iterator[io.StringIO]:
    """What a process writes to its log."""
    root, written = logging.getLogger(), io.StringIO()
    level = root.level
    configure("INFO", stream=written)
    yield written
    root.handlers.clear()
    root.setLevel(level)


def test_a_log_line_is_json_in_ascii_and_cannot_be_forged(logs: io.StringIO) -> None:
    structlog.get_logger("test").info("hello", name='a\r\n{"event":"forged"}\x1b[31m\u2028\x85é')
    written = logs.getvalue().splitlines()
    assert len(written) == 1
    assert written[0].isascii()
    assert "\x1b" not in written[0]
    assert json.loads(written[0])["name"].startswith("a\r\n")


def test_secrets_are_never_written(logs: io.StringIO) -> None:
    token = "fs_acme_abcdefghijklmnopqrstuvwxyz"
    structlog.get_logger("test").warning(
        "event", password="hunter2", nested={"api_key": "hunter2", "deep": [{"Cookie": "hunter2"}]}, text=f"x {token} y"
    )
    logging.getLogger("library").warning("calling %s with %s", "postgresql://me:hunter2@host/db", token)
    written = "\n".join(logs.getvalue().splitlines())
    assert written.count("[hidden]") >= 4
    assert "hunter2" not in written
    assert token not in written


def test_an_exception_is_written_as_places_not_as_the_values_it_quotes(logs: io.StringIO) -> None:
    try:
        int("customer's secret")
    except ValueError:
        structlog.get_logger("test").exception("failed")
    (line,) = logs.getvalue().splitlines()
    event = json.loads(line)
    assert event["exception"][0]["class"] == "builtins.ValueError"
    assert "test_words_and_logs" in event["exception"][0]["at"][-1]
    assert "customer" not in line
