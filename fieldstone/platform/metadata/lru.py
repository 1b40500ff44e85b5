"""A map bounded by estimated bytes: what was not used lately leaves first.

Pure but for its lock; called by the artefact cache. Entries carry a mark that every use sets, and that gives an entry
one more round when room is needed (the clock algorithm), so that a use costs no lock. Whoever wants to come back to a
value without keeping it alive holds a weak reference to its entry.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable
from typing import Any


class Entry:
    """One kept value, with its weight in bytes. Read it by `use`."""

    __slots__ = ("__weakref__", "_value", "used", "weight")

    def __init__(self, value: Any, weight: int) -> None:
        self._value = value
        self.weight = weight
        self.used = False

    def use(self) -> Any:
        """The value, which then stays a round longer."""
        self.used = True
        return self._value


class BoundedMap:
    """Keys to values with weights in bytes; the sum of weights stays at most `capacity`."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.weight = 0
        self._items: OrderedDict[Hashable, Entry] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable) -> Any | None:
        """The value, or None when it is not there."""
        entry = self._items.get(key)
        return None if entry is None else entry.use()

    def entry(self, key: Hashable) -> Entry | None:
        """The entry, or None."""
        return self._items.get(key)

    def put(self, key: Hashable, value: Any, weight: int) -> Entry:
        """Keep `value`; heavier than the whole capacity it is not kept, and its entry lives as long as its user."""
        entry = Entry(value, weight)
        with self._lock:
            old = self._items.pop(key, None)
            self.weight -= old.weight if old else 0
            if weight <= self.capacity:
                self._make_room(weight)
                self._items[key] = entry
                self.weight += weight
        return entry

    def _make_room(self, weight: int) -> None:
        """Before the newcomer is in, so that it is not the first to go when all others are in use."""
        while self.weight + weight > self.capacity:
            key, entry = self._items.popitem(last=False)
            if entry.used:
                entry.used = False
                self._items[key] = entry
            else:
                self.weight -= entry.weight

    def __len__(self) -> int:
        return len(self._items)

    def __contains__(self, key: Hashable) -> bool:
        return key in self._items
