"""The bell: which tenants have work waiting, and when. A hint for the relay, kept in the directory.

`ring` costs the caller nothing: rings are gathered and written by one thread per process, twenty times a second at
most. A ring lost with its process is found by the relay's sweep. Called after commit by outbox, timers, tenancy.
"""

from __future__ import annotations

import atexit
import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from fieldstone.platform.clock import Clock
from fieldstone.platform.database.directory import bell, tenant_table
from fieldstone.platform.database.engines import Databases
from fieldstone.platform.database.present import present
from fieldstone.platform.database.types import UtcDateTime
from fieldstone.platform.work.moment import NOW, bound_now

GATHER_SECONDS = 0.05
IDLE_SECONDS = 5.0
MOST_TENANTS = 1000

_log = logging.getLogger(__name__)

_TENANT = sa.bindparam("rung", type_=sa.Text)
_DUE = present(sa.bindparam("rung_due", type_=UtcDateTime()))
_NEW = insert(bell).from_select(
    ["tenant", "due_at", "rings"],
    # a condition is needed anyway: SQLite takes ON CONFLICT for a join without one
    sa.select(tenant_table.c.name, _DUE, sa.literal(1)).where(tenant_table.c.name == _TENANT),
)
_RING = _NEW.on_conflict_do_update(
    index_elements=[bell.c.tenant],
    set_={
        "due_at": sa.case((_NEW.excluded.due_at < bell.c.due_at, _NEW.excluded.due_at), else_=bell.c.due_at),
        "rings": bell.c.rings + 1,
    },
)

_WHO = sa.select(bell.c.tenant, bell.c.rings).where(bell.c.due_at <= NOW).order_by(bell.c.due_at).limit(MOST_TENANTS)


class Ringing(NamedTuple):
    """A tenant with work due, and the count of rings that `Bell.rest` wants back."""

    tenant: str
    rings: int


class Bell:
    """Rings and listens."""

    def __init__(self, databases: Databases, clock: Clock) -> None:
        self._databases = databases
        self._clock = clock
        self._rung: dict[str, datetime | None] = {}
        self._mutex = threading.Lock()
        self._flushing = threading.Lock()
        self._thread: threading.Thread | None = None
        self._woken = threading.Event()
        self._listeners: list[Callable[[], None]] = []

    def after_fork(self) -> None:
        """In a forked process: the thread and whoever held the locks stayed in the parent."""
        self._mutex = threading.Lock()
        self._flushing = threading.Lock()
        self._woken = threading.Event()
        self._thread = None
        self._rung = {}
        self._listeners = []

    def listen(self, listener: Callable[[], None]) -> None:
        """Have `listener` called, from the bell's thread, when this process has rung."""
        self._listeners.append(listener)

    def ring(self, tenant: str, due_at: datetime | None) -> None:
        """This tenant has work at `due_at`; None: now."""
        with self._mutex:
            known = self._rung.get(tenant, due_at)
            self._rung[tenant] = min(known, due_at) if known is not None and due_at is not None else None
            if self._thread is None:
                # a command may end before the thread has written what it rang
                atexit.register(self._write)
                self._thread = threading.Thread(target=self._gather, name="bell", daemon=True)
                self._thread.start()
        self._woken.set()

    def flush(self) -> None:
        """Write the rings gathered so far; returns when they, and what another thread is writing, are written."""
        with self._flushing:
            with self._mutex:
                rung, self._rung = self._rung, {}
            if rung:
                self._insert(rung)

    def _insert(self, rung: Mapping[str, datetime | None]) -> None:
        with self._databases.main.directory_write() as connection:
            for tenant in sorted(rung):
                due_at = rung[tenant] or bound_now(self._clock)
                connection.execute(_RING, {"rung": tenant, "rung_due": due_at})

    def due(self) -> Sequence[Ringing]:
        """Tenants with work due, longest waiting first."""
        with self._databases.main.directory_read() as connection:
            return [Ringing(*row) for row in connection.execute(_WHO, {"now": bound_now(self._clock)})]

    def rest(self, ringing: Ringing, due_at: datetime | None) -> None:
        """Nothing more to do for this tenant until `due_at` (None: until it rings), unless it rang meanwhile."""
        unchanged = sa.and_(bell.c.tenant == ringing.tenant, bell.c.rings == ringing.rings)
        with self._databases.main.directory_write() as connection:
            if due_at is None:
                connection.execute(sa.delete(bell).where(unchanged))
            else:
                connection.execute(sa.update(bell).where(unchanged).values(due_at=due_at))

    def _gather(self) -> None:
        while self._is_needed():
            self._woken.clear()
            self._write()
            for listener in self._listeners:
                listener()
            # let further rings gather before the next write
            threading.Event().wait(GATHER_SECONDS)

    def _is_needed(self) -> bool:
        """Wait for a ring; after a while without one the thread ends, and the next ring starts another."""
        if self._woken.wait(IDLE_SECONDS):
            return True
        with self._mutex:
            if self._rung:
                return True
            self._thread = None
            atexit.unregister(self._write)
            return False

    def _write(self) -> None:
        try:
            self.flush()
        except Exception:
            _log.warning("the bell could not be written; the sweep will find the work", exc_info=True)
