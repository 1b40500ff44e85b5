"""Every message a person may read is there in every language."""

from __future__ import annotations

import re

import pytest

from fieldstone.platform.i18n import ROOMS, catalogue, read_catalogue
from scripts.messages import LOCALES, find_messages, missing

FOUND = find_messages()
_PLACES = re.compile(r"\{[a-z_][a-z0-9_]*\}|%\([a-z_]+\)s")


@pytest.mark.parametrize("locale", LOCALES)
def test_every_message_is_translated(locale: str) -> None:
    lacking = {message: sorted(FOUND.places[message])[0] for message in missing(FOUND)[locale]}
    assert lacking == {}, "python scripts/messages.py --update platform ui"


@pytest.mark.parametrize("locale", LOCALES)
def test_a_translation_has_the_facts_of_its_message(locale: str) -> None:
    wrong = [
        message
        for message, translation in catalogue(locale).items()
        if sorted(set(_PLACES.findall(message))) != sorted(set(_PLACES.findall(translation)))
    ]
    assert wrong == []


@pytest.mark.parametrize("locale", LOCALES)
def test_a_message_has_one_translation_only(locale: str) -> None:
    seen: dict[str, str] = {}
    for file in sorted(ROOMS.glob(f"*/locales/{locale}.po")):
        for message, translation in read_catalogue(file).items():
            assert seen.setdefault(message, translation) == translation, (message, file)


def test_the_extraction_sees_errors_fields_marks_and_templates() -> None:
    for message in (
        "Please sign in.",
        "This is needed.",
        "Not found",
        "A team cannot be below itself.",
        "This key {key} is nowhere.",
    ):
        assert (message in FOUND.places) is (message != "This key {key} is nowhere.")
