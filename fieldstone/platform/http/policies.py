"""Who may call a route.

Every route declares one policy; `create_app` refuses a route without. What comes in: the context that the gate
made. What goes out: nothing, or `NotSignedIn` / `Forbidden`. The check runs inside the caller's own unit of work, on
the identity that this very unit has verified, so there is no moment between check and use.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from fieldstone.platform.kernel.context import Context
from fieldstone.platform.kernel.errors import Forbidden, NotSignedIn

Level = Literal["open", "public", "signed_in", "right"]


class Rights(Protocol):
    """Who has which system right; provided by identity, or by the room that owns roles."""

    def of(self, context: Context) -> frozenset[str]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What a route asks of its caller. `right` is the system right asked for at level "right"."""

    level: Level
    right: str = ""

    @property
    def needs_identity(self) -> bool:
        return self.level in ("signed_in", "right")

    def check(self, context: Context, rights: Rights, method: str) -> None:
        """Raise unless the context's actor may call. A read-only credential reads only."""
        if context.actor.is_system:
            if self.needs_identity:
                raise NotSignedIn
            return
        if context.actor.scope == "read" and method not in ("GET", "HEAD", "OPTIONS"):
            raise Forbidden("This token may only read.", code="read_only_token")
        if self.level == "right" and self.right not in rights.of(context):
            raise Forbidden("This needs the right {right}.", right=self.right)


OPEN = Policy(level="open")
"""Probes and static files: no tenant, no identity, no limits."""

PUBLIC = Policy(level="public")
"""Anybody, signed in or not; within a tenant and its limits."""

SIGNED_IN = Policy(level="signed_in")
"""Whoever can prove who they are; what they may do is the service's to decide."""


def RIGHT(name: str) -> Policy:  # noqa: N802 - reads as a constant where it is used
    """Whoever has the system right `name` by one of their roles."""
    return Policy(level="right", right=name)
