"""Cells that no spreadsheet runs, and that read back as they were."""

import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldstone.objects.transfer.guard import guarded, unguarded
from fieldstone.objects.transfer.problem_files import csv_line

TEXTS = st.text(st.sampled_from("=+-@\t\r\n' a1.,\""), max_size=12)


@given(TEXTS)
@settings(max_examples=300)
def test_what_is_guarded_reads_back(text: str) -> None:
    assert unguarded(guarded(text)) == text


@given(TEXTS)
@settings(max_examples=300)
def test_no_guarded_cell_begins_like_a_formula(text: str) -> None:
    cell = next(csv.reader(io.StringIO(csv_line([text, "x"]), newline="")))[0]
    number = cell.startswith("-") and cell[1:].replace(".", "", 1).isdigit()
    assert number or not cell.startswith(("=", "+", "-", "@", "\t", "\r"))


@pytest.mark.parametrize("text", ["-5", "-12.75", "abc", "'quoted'", "", "5"])
def test_plain_numbers_and_words_stay(text: str) -> None:
    assert guarded(text) == text
