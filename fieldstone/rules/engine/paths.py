"""Reading a value by its path in nested records.

Pure; called by messages, actions and traces.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fieldstone.rules.expressions.syntax import Path


def read(variables: Mapping[str, Any], path: Path) -> Any:
    """The value at a path of names through lookups; None when a step is empty."""
    value: Any = variables
    for name in path:
        if not isinstance(value, Mapping):
            return None
        value = value.get(name)
    return value


def record_ids(value: Any) -> tuple[str, ...]:
    """The ids in a lookup's value: a mapping with an id, a bare id, or a list of either."""
    if value is None:
        return ()
    if isinstance(value, str):
        return (value,)
    if isinstance(value, Mapping):
        return record_ids(value.get("id"))
    return tuple(identifier for item in value for identifier in record_ids(item))
