"""Names of uploaded files, made harmless: they are shown and offered on download, and never become a path."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

MAX_NAME: Final = 200
NAMELESS: Final = "file"
_RESERVED = re.compile(r"(?i)^(con|prn|aux|nul|com\d|lpt\d)(\.|$)")


def clean_name(given: str | None) -> str:
    """The last part of the name without controls, marks of direction and characters that file systems refuse."""
    text = unicodedata.normalize("NFC", given or "")
    last = re.split(r"[\\/]", text)[-1]
    # Categories C: controls, formats (among them the overrides of direction), surrogates, unassigned.
    kept = "".join(each for each in last if unicodedata.category(each)[0] != "C" and each not in '<>:"|?*')
    bare = kept.strip(" .")
    if _RESERVED.match(bare):
        bare = f"_{bare}"
    return _shortened(bare) or NAMELESS


def _shortened(name: str) -> str:
    if len(name) <= MAX_NAME:
        return name
    stem, dot, suffix = name.rpartition(".")
    if not dot or len(suffix) > 10:
        return name[:MAX_NAME]
    return stem[: MAX_NAME - len(suffix) - 1] + dot + suffix
