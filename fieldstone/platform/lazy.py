"""Imports that wait until they are needed.

What only some calls or processes need (a web server, a broker, a drawer of QR codes) is named as text, so that a
process starts without it. Called with literals of ours only, never with what a request says.
"""

from __future__ import annotations

import importlib
from typing import Any


def load(target: str) -> Any:
    """The object that `package.module:name` names, imported now."""
    module, _, name = target.partition(":")
    return getattr(importlib.import_module(module), name)
