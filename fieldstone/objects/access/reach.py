"""Rows that an operation reaches, as a value.

What goes out: `Reach` and `Opening`. Who makes them: `policy` (from roles) and `system` (system objects); who reads
them: `rows` (as SQL) and `Access` (for one record).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from fieldstone.objects.access.roles import Operation
from fieldstone.objects.access.sharing import SharingRule
from fieldstone.objects.sql.conditions import RowCondition
from fieldstone.objects.types import Field


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """Rows opened by a condition: of the role or sharing rule called `source`. `rule` limits whom it is for."""

    condition: RowCondition
    source: str
    rule: SharingRule | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """The rows that one operation reaches.

    Up to `level`, and those of `openings`. With `parent` (the owned lookup of a row) or `subject` (the lookup of what a
    record is about) instead as far as the operation `through` reaches records there; with a `level` besides, both must
    hold. `roles` are those that gave the level.
    """

    level: str = "none"
    openings: tuple[Opening, ...] = ()
    parent: Field | None = None
    subject: Field | None = None
    through: Operation = "read"
    roles: tuple[str, ...] = ()

    @property
    def is_nothing(self) -> bool:
        """Whether no row is reached."""
        return self.level == "none" and not self.openings and self.parent is None and self.subject is None

    @property
    def is_everything(self) -> bool:
        """Whether every row is reached."""
        return self.level == "all" and self.parent is None and self.subject is None


NOTHING: Final = Reach()
EVERYTHING: Final = Reach(level="all")
