"""Panels: parts of a record page that other rooms bring (approval, activity, dispatch).

A panel is loaded after the page, from `/o/<object>/<id>/<name>`, by a route that the room itself registers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from fieldstone.objects.query.values import Record
from fieldstone.platform.kernel.context import Context


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """A part of the page. `beside`: in the second column; else below the details."""

    name: str
    shown: Callable[[Context, Record], bool]
    beside: bool = True


class Panels:
    """The panels of this installation; provided on the frame, filled by the parts of other rooms."""

    def __init__(self) -> None:
        self._panels: list[Panel] = []

    def add(self, panel: Panel) -> None:
        """One panel more, below those that are there."""
        self._panels.append(panel)

    def all(self) -> tuple[Panel, ...]:
        """All panels in order."""
        return tuple(self._panels)
