"""Words of a text for full-text search, the same for both databases and for every language.

What comes in: any text. What goes out: `index_text` gives the space-separated tokens that a record is found by (kept
in the `search` column), `search_terms` gives what a searcher's words must match. Who calls it: the record service on
every save, the query room on every `q=`.

Runs of Chinese, Japanese and Korean characters have no spaces, so they are cut into overlapping pairs, closed by the
last character alone: 空调维修 gives 空调 调维 维修 修. A search for 维修 then is one exact token, a search for the
single character 维 a prefix. Other words are letters and digits, without case and accents; the last word a searcher
typed matches as a prefix.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

TOKEN_LENGTH = 48
"""Characters of one token; longer words are cut, in the index and in the search alike."""
TOKEN_LIMIT = 2_000
"""Tokens of one record; what follows cannot be found."""
TERM_LIMIT = 24
"""Tokens of one search; what follows is not looked for."""

_CJK = "㐀-䶿一-鿿豈-﫿぀-ヿㇰ-ㇿ가-힯ᄀ-ᇿ𠀀-𲎯"
_WORD = re.compile(f"[{_CJK}]+|[^\\W_{_CJK}]+")
_IS_CJK = re.compile(f"[{_CJK}]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """One token that must be there: exactly, or (`prefix`) as the beginning of a token."""

    text: str
    prefix: bool = False


def index_text(text: str) -> str:
    """The tokens of `text` in order, separated and enclosed by single spaces; "" when there are none."""
    tokens: list[str] = []
    for word in _words(text):
        tokens.extend(_pairs(word) if _IS_CJK.match(word) else (word[:TOKEN_LENGTH],))
        if len(tokens) >= TOKEN_LIMIT:
            break
    kept = dict.fromkeys(tokens[:TOKEN_LIMIT])
    return f" {' '.join(kept)} " if kept else ""


def search_terms(text: str) -> tuple[Term, ...]:
    """What a record's tokens must contain, all of it, to be found by `text`; empty when nothing can be looked for."""
    words = list(_words(text))
    ended = text[-1:].isspace()
    terms: dict[Term, None] = {}
    for position, word in enumerate(words):
        last = position == len(words) - 1 and not ended
        for term in _terms(word, last):
            terms[term] = None
    return tuple(terms)[:TERM_LIMIT]


def _terms(word: str, last: bool) -> Iterator[Term]:
    if not _IS_CJK.match(word):
        yield Term(text=word[:TOKEN_LENGTH], prefix=last or len(word) > TOKEN_LENGTH)
    elif len(word) == 1:
        yield Term(text=word, prefix=True)
    else:
        yield from (Term(text=word[at : at + 2]) for at in range(len(word) - 1))


def _pairs(word: str) -> Iterator[str]:
    for at in range(len(word)):
        yield word[at : at + 2]


def _words(text: str) -> Iterator[str]:
    plain = unicodedata.normalize("NFKD", text.casefold())
    bare = "".join(char for char in plain if not unicodedata.combining(char))
    for match in _WORD.finditer(unicodedata.normalize("NFC", bare)):
        yield match.group()
