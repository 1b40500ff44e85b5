"""Semantic differences: by names, complete, and readable in every language."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import given, settings

from fieldstone.platform.metadata.diff import Difference, compare_bodies, compare_definitions
from fieldstone.platform.metadata.wording import element_sentence, label_words, part_sentence
from tests.support.note_kind import note
from tests.unit.metadata.bodies import OBJECTS, definition

TICKET: dict[str, Any] = {
    "name": "ticket",
    "label": {"en": "Ticket", "zh-Hans": "服务请求"},
    "fields": [
        {"name": "number", "type": "auto_number"},
        {
            "name": "priority",
            "type": "select",
            "label": {"en": "Priority", "zh-Hans": "优先级", "zh-Hant": "優先級"},
            "options": [{"value": "low", "label": "Low"}, {"value": "high", "label": "High"}],
        },
    ],
    "unique": [["a", "b"], ["c"]],
    "sort": ["-created_at", "number"],
}


def changed(edit: Any) -> list[Difference]:
    after = copy.deepcopy(TICKET)
    edit(after)
    return compare_bodies(TICKET, after)


def told(edit: Any) -> list[tuple[str, str]]:
    return [(d.path, d.change) for d in changed(edit)]


def sentences(edit: Any, locale: str) -> list[str]:
    return [part_sentence(d).in_locale(locale) for d in changed(edit)]


def test_an_inserted_field_is_one_addition_although_all_others_move() -> None:
    edit = lambda body: body["fields"].insert(0, {"name": "subject", "type": "text"})  # noqa: E731
    assert told(edit) == [("/fields/subject", "added")]
    assert sentences(edit, "en") == ["Field “subject” added"]


def test_a_removed_option_is_told_by_its_label() -> None:
    edit = lambda body: body["fields"][1]["options"].pop(0)  # noqa: E731
    assert told(edit) == [("/fields/priority/options/low", "removed")]
    assert sentences(edit, "en") == ["Field “Priority”, option “Low” removed"]
    assert sentences(edit, "zh-Hans") == ["删除字段“优先级”的选项“Low”"]
    assert sentences(edit, "zh-Hant") == ["刪除欄位「優先級」的選項「Low」"]


def test_a_changed_label_shows_both_texts_and_its_language() -> None:
    def edit(body: Any) -> None:
        body["fields"][1]["label"]["zh-Hans"] = "紧急程度"
        body["fields"][0]["required"] = True

    assert sorted(sentences(edit, "en")) == [
        "Field “Priority”, label, Simplified Chinese changed from “优先级” to “紧急程度”",
        "Field “number”, required set to yes",
    ]
    assert "字段“number”的必填设为是" in sentences(edit, "zh-Hans")


def test_reordered_fields_are_one_move() -> None:
    edit = lambda body: body["fields"].reverse()  # noqa: E731
    assert told(edit) == [("/fields", "moved")]
    assert sentences(edit, "en") == ["Order of fields changed"]


def test_plain_values_of_lists_are_compared_as_a_set_with_an_order() -> None:
    edit = lambda body: body.update(sort=["number", "priority", "-created_at"])  # noqa: E731
    assert told(edit) == [("/sort/priority", "added"), ("/sort", "moved")]


def test_lists_without_names_are_compared_by_their_longest_common_run() -> None:
    edit = lambda body: body["unique"].insert(0, ["x"])  # noqa: E731
    assert told(edit) == [("/unique/0", "added")]


def test_a_plain_text_is_the_english_of_a_text_by_locale() -> None:
    edit = lambda body: body["fields"][1]["options"][0].update(label={"en": "Low", "zh-Hans": "低"})  # noqa: E731
    assert told(edit) == [("/fields/priority/options/low/label/zh-Hans", "added")]


def test_the_path_in_words() -> None:
    edit = lambda body: body["fields"][1]["options"][1].update(label="Very high")  # noqa: E731
    (found,) = changed(edit)
    assert label_words(found, "en") == ["field “Priority”", "option “Very high”", "label"]
    assert (found.before, found.after) == ("High", "Very high")


def test_braces_in_a_value_are_shown_as_they_are() -> None:
    edit = lambda body: body["fields"][0].update(type="{after} {what}")  # noqa: E731
    assert sentences(edit, "en") == ["Field “number”, type changed from “auto_number” to “{after} {what}”"]


def test_elements_are_told_with_what_they_call_themselves() -> None:
    before = {("note", "a"): definition("note", note("a", "x")), ("note", "b"): definition("note", note("b", "x"))}
    after = {("note", "b"): definition("note", note("b", "x", "y")), ("note", "c"): definition("note", note("c"))}
    found = compare_definitions(before, after)
    assert [(d.name, d.change, len(d.parts)) for d in found] == [
        ("a", "removed", 0),
        ("b", "changed", 1),
        ("c", "added", 0),
    ]
    label = {"en": "Note", "zh-Hans": "便签", "zh-Hant": "便籤"}
    assert [element_sentence(d, label).in_locale("en") for d in found] == [
        "Note “a” removed",
        "Note “b” changed",
        "Note “c” added",
    ]
    assert element_sentence(found[2], label).in_locale("zh-Hant") == "新增便籤「c」"


@given(OBJECTS, OBJECTS)
@settings(max_examples=150)
def test_there_is_a_difference_exactly_when_bodies_differ(before: dict[str, Any], after: dict[str, Any]) -> None:
    found = compare_bodies(before, after)
    same = (before == after and repr(before) == repr(after)) or _equal(before, after)
    assert bool(found) != same
    for difference in found:
        for locale in ("en", "zh-Hans", "zh-Hant"):
            assert part_sentence(difference).in_locale(locale)


def _equal(before: Any, after: Any) -> bool:
    """Equal as JSON: numbers are what they are written as, True is not 1, a text is its own English."""
    if isinstance(before, dict) and isinstance(after, dict):
        return before.keys() == after.keys() and all(_equal(before[key], after[key]) for key in before)
    if isinstance(before, list) and isinstance(after, list):
        return len(before) == len(after) and all(map(_equal, before, after))
    return type(before) is type(after) and repr(before) == repr(after)


@given(OBJECTS, OBJECTS)
@settings(max_examples=60)
def test_the_way_back_removes_what_the_way_there_added(before: dict[str, Any], after: dict[str, Any]) -> None:
    there, back = compare_bodies(before, after), compare_bodies(after, before)
    assert {d.path for d in there if d.change == "added"} == {d.path for d in back if d.change == "removed"}
