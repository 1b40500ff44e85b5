"""Functions on text. Positions count from 0, lengths are in characters (code points)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import re2

from fieldstone.rules.expressions.arithmetic import MAX_TEXT, too_long
from fieldstone.rules.expressions.errors import EvaluationError
from fieldstone.rules.expressions.functions.definition import Function, overload
from fieldstone.rules.expressions.types import BOOL, BYTES, DYN, INT, STRING, list_of, map_of

_FAMILY = "text"
_TEXTS = list_of(STRING)
_PATTERN_MEMORY = 1 << 20


@lru_cache(maxsize=512)
def pattern(text: str) -> Any:
    """The compiled RE2 pattern; raises `EvaluationError` when it is malformed or needs too much memory."""
    options = re2.Options()
    options.max_mem = _PATTERN_MEMORY
    options.log_errors = False
    try:
        return re2.compile(text, options=options)
    except (re2.error, UnicodeEncodeError):
        raise EvaluationError("The pattern {pattern} is malformed.", code="bad_pattern", pattern=text[:100]) from None


def _matches(text: str, wanted: str) -> bool:
    return pattern(wanted).search(text) is not None


def _replace(text: str, old: str, new: str) -> str:
    if len(new) > len(old) and len(text) + text.count(old) * (len(new) - len(old)) > MAX_TEXT:
        raise too_long()
    return text.replace(old, new)


def _split(text: str, separator: str) -> list[str]:
    return text.split(separator) if separator else list(text)


def _join(parts: Sequence[str | None], separator: str = "") -> str:
    present = [part for part in parts if part is not None]
    if sum(map(len, present)) + len(separator) * len(present) > MAX_TEXT:
        raise too_long()
    return separator.join(present)


def _substring(text: str, start: int, end: int | None = None) -> str:
    return text[max(start, 0) : None if end is None else max(end, 0)]


def _left(text: str, count: int) -> str:
    return text[: max(count, 0)]


def _right(text: str, count: int) -> str:
    return text[-count:] if count > 0 else ""


def _pad_left(text: str, width: int, filler: str = " ") -> str:
    return _padding(text, width, filler) + text


def _pad_right(text: str, width: int, filler: str = " ") -> str:
    return text + _padding(text, width, filler)


def _padding(text: str, width: int, filler: str) -> str:
    if width > MAX_TEXT:
        raise too_long()
    missing = max(width - len(text), 0)
    return (filler * (missing // len(filler) + 1))[:missing] if filler else ""


TEXT: tuple[Function, ...] = (
    Function(
        name="size",
        family=_FAMILY,
        summary="The number of characters of a text, bytes of bytes, elements of a list or entries of a map.",
        example="size('four')",
        gives="4",
        overloads=(
            overload(STRING, to=INT, by=len, sql="length"),
            overload(BYTES, to=INT, by=len),
            overload(list_of(DYN), to=INT, by=len, sql="list_size"),
            overload(map_of(DYN, DYN), to=INT, by=len),
        ),
    ),
    Function(
        name="length",
        family=_FAMILY,
        summary="The number of characters of a text.",
        example="length('four')",
        gives="4",
        overloads=(overload(STRING, to=INT, by=len, sql="length"),),
    ),
    Function(
        name="contains",
        family=_FAMILY,
        summary="Whether the second text occurs in the first; upper and lower case differ.",
        example="'maintenance'.contains('tenan')",
        gives="true",
        overloads=(overload(STRING, STRING, to=BOOL, by=str.__contains__, sql="contains"),),
    ),
    Function(
        name="startsWith",
        family=_FAMILY,
        summary="Whether the first text begins with the second.",
        example="'WO-2026'.startsWith('WO-')",
        gives="true",
        overloads=(overload(STRING, STRING, to=BOOL, by=str.startswith, sql="starts_with"),),
    ),
    Function(
        name="endsWith",
        family=_FAMILY,
        summary="Whether the first text ends with the second.",
        example="'report.pdf'.endsWith('.pdf')",
        gives="true",
        overloads=(overload(STRING, STRING, to=BOOL, by=str.endswith, sql="ends_with"),),
    ),
    Function(
        name="matches",
        family=_FAMILY,
        summary="Whether a part of the text matches a pattern in RE2 syntax; write `^...$` for the whole text.",
        example="'AB-12'.matches('^[A-Z]+-[0-9]+$')",
        gives="true",
        overloads=(overload(STRING, STRING, to=BOOL, by=_matches),),
    ),
    Function(
        name="lower",
        family=_FAMILY,
        summary="The text in lower case.",
        example="lower('Hot')",
        gives="'hot'",
        overloads=(overload(STRING, to=STRING, by=str.lower, sql="lower"),),
    ),
    Function(
        name="upper",
        family=_FAMILY,
        summary="The text in upper case.",
        example="upper('Hot')",
        gives="'HOT'",
        overloads=(overload(STRING, to=STRING, by=str.upper, sql="upper"),),
    ),
    Function(
        name="trim",
        family=_FAMILY,
        summary="The text without white space at its beginning and end.",
        example="trim('  a b ')",
        gives="'a b'",
        overloads=(overload(STRING, to=STRING, by=str.strip, sql="trim"),),
    ),
    Function(
        name="replace",
        family=_FAMILY,
        summary="The text with every occurrence of the second text replaced by the third.",
        example="replace('a-b-c', '-', '/')",
        gives="'a/b/c'",
        overloads=(overload(STRING, STRING, STRING, to=STRING, by=_replace, sql="replace"),),
    ),
    Function(
        name="split",
        family=_FAMILY,
        summary="The parts of a text between separators; with an empty separator its characters.",
        example="split('a,b', ',')",
        gives="['a', 'b']",
        overloads=(overload(STRING, STRING, to=_TEXTS, by=_split),),
    ),
    Function(
        name="join",
        family=_FAMILY,
        summary="The texts of a list as one, with a separator between them; empty elements are left out.",
        example="join(['a', 'b'], ', ')",
        gives="'a, b'",
        overloads=(overload(_TEXTS, to=STRING, by=_join), overload(_TEXTS, STRING, to=STRING, by=_join)),
    ),
    Function(
        name="substring",
        family=_FAMILY,
        summary="The text from one position up to, and without, another, or to its end.",
        example="substring('WO-2026', 3, 7)",
        gives="'2026'",
        overloads=(
            overload(STRING, INT, to=STRING, by=_substring, sql="substring"),
            overload(STRING, INT, INT, to=STRING, by=_substring, sql="substring"),
        ),
    ),
    Function(
        name="left",
        family=_FAMILY,
        summary="The first characters of a text.",
        example="left('WO-2026', 2)",
        gives="'WO'",
        overloads=(overload(STRING, INT, to=STRING, by=_left, sql="left"),),
    ),
    Function(
        name="right",
        family=_FAMILY,
        summary="The last characters of a text.",
        example="right('WO-2026', 4)",
        gives="'2026'",
        overloads=(overload(STRING, INT, to=STRING, by=_right, sql="right"),),
    ),
    Function(
        name="indexOf",
        family=_FAMILY,
        summary="The position of the second text in the first, -1 when it does not occur.",
        example="indexOf('WO-2026', '-')",
        gives="2",
        overloads=(overload(STRING, STRING, to=INT, by=str.find, sql="index_of"),),
    ),
    Function(
        name="padLeft",
        family=_FAMILY,
        summary="The text made as long as stated by a filler (a space if not given) before it.",
        example="padLeft('42', 5, '0')",
        gives="'00042'",
        overloads=(
            overload(STRING, INT, to=STRING, by=_pad_left),
            overload(STRING, INT, STRING, to=STRING, by=_pad_left),
        ),
    ),
    Function(
        name="padRight",
        family=_FAMILY,
        summary="The text made as long as stated by a filler (a space if not given) after it.",
        example="padRight('42', 5, '.')",
        gives="'42...'",
        overloads=(
            overload(STRING, INT, to=STRING, by=_pad_right),
            overload(STRING, INT, STRING, to=STRING, by=_pad_right),
        ),
    ),
)
