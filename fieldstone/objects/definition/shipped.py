"""The objects that come with Fieldstone.

What goes out: their definitions, read from `objects/system/*.json`. *System objects* (approval requests, comments ...)
get tables like any other and are written by the engine; *adopted objects* (users, teams, roles, jobs, timers) are
tables of the platform, shown as records and changed only by the service that `managed_by` names. Who calls it: the
kind.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from fieldstone.platform.kernel.metadata import Definition

FOLDER = Path(__file__).resolve().parent.parent / "system"


@lru_cache(maxsize=1)
def shipped_definitions() -> tuple[Definition, ...]:
    """All of them, by name."""
    bodies = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.json"))]
    return tuple(_definition(body) for body in bodies)


def _definition(body: Mapping[str, Any]) -> Definition:
    return Definition(kind="object", name=body["name"], body=body, hash="")
