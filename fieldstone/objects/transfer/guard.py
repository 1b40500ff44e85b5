"""Cells that a spreadsheet would take for a formula: written with an apostrophe, read without it again."""

from __future__ import annotations

import re
from typing import Final

_RISKY: Final = ("=", "+", "-", "@", "\t", "\r", "\n")
# A plain negative number is data and does no harm.
_NUMBER = re.compile(r"-\d+(\.\d+)?").fullmatch


def guarded(text: str) -> str:
    """The text of a CSV cell that no spreadsheet runs."""
    return f"'{text}" if text.lstrip(" '").startswith(_RISKY) and not _NUMBER(text) else text


def unguarded(text: str) -> str:
    """The text as it was before `guarded`."""
    return text[1:] if text.startswith("'") and text[1:].lstrip(" '").startswith(_RISKY) else text
