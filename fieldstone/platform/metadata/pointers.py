"""JSON pointers (RFC 6901): how diagnostics, diffs and references say where something is. Pure."""

from __future__ import annotations

from collections.abc import Iterable


def step(path: str, key: str | int) -> str:
    """The pointer one key deeper."""
    return f"{path}/{escaped(str(key))}"


def pointer(keys: Iterable[str | int]) -> str:
    """The pointer of a sequence of keys and positions."""
    return "".join("/" + escaped(str(key)) for key in keys)


def keys_of(path: str) -> list[str]:
    """The keys of a pointer, unescaped; [] for the whole document."""
    if not path:
        return []
    return [part.replace("~1", "/").replace("~0", "~") for part in path[1:].split("/")]


def escaped(key: str) -> str:
    """One key as it is written inside a pointer."""
    return key.replace("~", "~0").replace("/", "~1")
