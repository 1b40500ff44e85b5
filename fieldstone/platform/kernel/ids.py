"""Identifiers: UUIDv7 (RFC 9562), so that keys grow with time and indexes stay compact.

Pure but for the clock and the random source; called by whoever makes a row.
"""

from __future__ import annotations

import os
import threading
import time
import uuid
from typing import NewType

RecordId = NewType("RecordId", str)
TenantName = NewType("TenantName", str)

_lock = threading.Lock()
_last = 0


def new_id() -> str:
    """A fresh UUIDv7 as 36 characters of lower-case text; strictly increasing within the process."""
    global _last
    millis = time.time_ns() // 1_000_000
    stamp = (millis << 12) | (int.from_bytes(os.urandom(2), "big") & 0x7FF)
    with _lock:
        stamp = max(stamp, _last + 1)
        _last = stamp
    tail = int.from_bytes(os.urandom(8), "big") & 0x3FFF_FFFF_FFFF_FFFF
    value = ((stamp >> 12) << 80) | (0x7 << 76) | ((stamp & 0xFFF) << 64) | (0b10 << 62) | tail
    return str(uuid.UUID(int=value))


def is_id(text: object) -> bool:
    """Whether `text` is a UUID in its canonical text form."""
    if not isinstance(text, str) or len(text) != 36:
        return False
    try:
        return str(uuid.UUID(text)) == text
    except ValueError:
        return False
