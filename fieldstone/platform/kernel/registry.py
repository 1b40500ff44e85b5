"""A registry: named parts, each registered once at start, closed afterwards.

`app.py` and the `part` modules fill registries; after start they are frozen, so a late or duplicate name is a
start-up error and readers need no lock.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Generic, TypeVar

from fieldstone.platform.kernel.errors import DuplicateName, Frozen, NotFound

T = TypeVar("T")


class Registry(Generic[T]):
    """Names to parts, in order of registration."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._items: dict[str, T] = {}
        self._frozen = False

    def register(self, name: str, item: T) -> T:
        """Add `item` as `name`. Raises `DuplicateName`, or `Frozen` after start."""
        if self._frozen:
            raise Frozen(name=self.name)
        if name in self._items:
            raise DuplicateName(name=f"{self.name}.{name}")
        self._items[name] = item
        return item

    def freeze(self) -> None:
        """Close the registry."""
        self._frozen = True

    def get(self, name: str) -> T | None:
        """The part called `name`, or None."""
        return self._items.get(name)

    def __getitem__(self, name: str) -> T:
        try:
            return self._items[name]
        except KeyError:
            raise NotFound("There is no {kind} called {name}.", kind=self.name, name=name) from None

    def __contains__(self, name: object) -> bool:
        return name in self._items

    def __iter__(self) -> Iterator[T]:
        return iter(self._items.values())

    def __len__(self) -> int:
        return len(self._items)

    def names(self) -> tuple[str, ...]:
        """All names, in order of registration."""
        return tuple(self._items)
