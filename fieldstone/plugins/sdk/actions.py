"""The action extension point: code that an automation runs after the commit, outside every transaction.

An action gets plain JSON values and gives plain JSON values back. It may be called again with the same `delivery`
when its answer was lost, so it uses `delivery` as the key of whatever it does elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionRequest:
    """What an action is asked: tenant, delivery id, the record it is about, its input, the plugin's settings."""

    tenant: str
    delivery: str
    object: str
    record: str
    input: Mapping[str, Any]
    settings: Mapping[str, Any]


class Action(Protocol):
    """What an action plugin offers; whatever it returns is put into the automation's run log."""

    def run(self, request: ActionRequest) -> Mapping[str, Any]:
        """Do it. Raise any exception to have it tried again later."""
        ...
