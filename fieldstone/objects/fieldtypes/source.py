"""Pieces of generated Python: constants by made-up names.

What it is for: the codec writes one straight-line function per object; field types contribute a few lines each.
Everything that comes from metadata enters such a function as a constant of its table, never as text, so nothing that
a tenant writes is ever source code. Who calls it: field types (they add constants) and `objects.codec`.
"""

from __future__ import annotations

from typing import Any


class Doubt(Exception):
    """Raised by generated loaders when a value is not surely valid: the marshmallow schema then decides."""


class Constants:
    """The global names of one generated function."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {"Doubt": Doubt}

    def __call__(self, value: object) -> str:
        """A name for `value`; plain short strings, numbers, None and booleans are written out instead."""
        if value is None or isinstance(value, bool | int):
            return repr(value)
        name = f"k{len(self.values)}"
        self.values[name] = value
        return name
