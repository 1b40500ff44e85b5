"""If-Match, read.

What comes in: the header. What goes out: the revision it names, or None when it is absent or `*`. Called by
`Call.if_match`.
"""

from __future__ import annotations

import re

from fieldstone.platform.kernel.errors import StaleRevision, Unreadable

_TAG = re.compile(r'(?:W/)?"([^"\x00-\x1f\x7f]{0,200})"')


def revision_in(header: str | None) -> int | None:
    """The revision in an If-Match header; weak tags count, since proxies that compress weaken ours.

    Raises `Unreadable` for what is no entity tag, `StaleRevision` for a tag that is none of ours and so cannot match.
    """
    if header is None or header.strip() == "*":
        return None
    match = _TAG.fullmatch(header.strip())
    if match is None:
        raise Unreadable("If-Match must be one entity tag, as ETag gave it.")
    if not re.fullmatch(r"[0-9]{1,18}", match.group(1), re.ASCII):
        raise StaleRevision
    return int(match.group(1))
