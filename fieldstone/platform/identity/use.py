"""Notes that sessions and tokens are in use, now and then.

A session ends when nobody uses it; a GET never writes. So use is noted after the answer, in a small unit of its own,
at most every few minutes per session and process. Called by the request hooks.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from dataclasses import replace

from fieldstone.platform.identity.secrets import hash_secret
from fieldstone.platform.identity.sessions import TOUCH_EVERY, SessionService
from fieldstone.platform.units import Caller, SystemCredential, Units

MOST = 50_000


class SessionUse:
    """Moves the idle end of sessions on."""

    def __init__(self, units: Units, sessions: SessionService) -> None:
        self._units = units
        self._sessions = sessions
        self._lock = threading.Lock()
        self._noted: OrderedDict[str, float] = OrderedDict()

    def used(self, caller: Caller, secret: str) -> None:
        """The session with that secret has just been used. Raises what a write unit raises."""
        if not self._is_due(hash_secret(secret)):
            return
        system = replace(caller, credential=SystemCredential())
        self._units.write(system, lambda ctx, unit: self._sessions.touch(unit, secret, ctx.now))

    def _is_due(self, key: str) -> bool:
        now = time.monotonic()
        with self._lock:
            noted = self._noted.get(key)
            if noted is not None and now - noted < TOUCH_EVERY.total_seconds():
                return False
            self._noted[key] = now
            self._noted.move_to_end(key)
            if len(self._noted) > MOST:
                self._noted.popitem(last=False)
        return True
