"""A map bounded by estimated bytes: what was used least lately leaves first.

Pure but for its lock; called by the artefact cache. A value that leaves lives on with whoever still holds it.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable
from typing import Any


class BoundedMap:
    """Keys to values with weights in bytes; the sum of weights stays at most `capacity`."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.weight = 0
        self._items: OrderedDict[Hashable, tuple[Any, int]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable) -> Any | None:
        """The value, now the most lately used; None when it is not there."""
        with self._lock:
            item = self._items.get(key)
            if item is None:
                return None
            self._items.move_to_end(key)
            return item[0]

    def put(self, key: Hashable, value: Any, weight: int) -> None:
        """Keep `value`; heavier than the whole capacity it is not kept at all."""
        with self._lock:
            old = self._items.pop(key, None)
            self.weight -= old[1] if old else 0
            if weight > self.capacity:
                return
            self._items[key] = (value, weight)
            self.weight += weight
            while self.weight > self.capacity:
                _, (_, gone) = self._items.popitem(last=False)
                self.weight -= gone

    def __len__(self) -> int:
        return len(self._items)

    def __contains__(self, key: Hashable) -> bool:
        return key in self._items
