"""What is handed to consumers, timer kinds and job kinds, and what they register.

Registered at start by the rooms; read by `handling`. Payloads are JSON values. A consumer may get a message more than
once: what it does in the database it guards with `first_time` in the same unit, and for what it does outside it sends
`message.id` along as the key.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from fieldstone.platform.kernel.errors import FieldstoneError
from fieldstone.platform.units import Caller, SystemCredential, Units


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message as a consumer gets it. `attempts` counts this one; `caller` is who posted it."""

    id: str
    tenant: str
    topic: str
    payload: Mapping[str, Any]
    attempts: int
    caller: Caller

    @property
    def system_caller(self) -> Caller:
        """The same request on the system's own account, for effects that must not fail with their author's rights."""
        return replace(self.caller, credential=SystemCredential())


@dataclass(frozen=True, slots=True, kw_only=True)
class Consumer:
    """`handle` opens its own units; when it raises, the message comes again later, up to the settings' attempts."""

    topic: str
    name: str
    handle: Callable[[Message, Units], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class TimerEvent:
    """A timer that came due. Within the unit of the effect ask `Timers.take` whether it still stands."""

    id: str
    kind: str
    key: str
    due_at: datetime
    payload: Mapping[str, Any]
    generation: int
    tenant: str
    caller: Caller


@dataclass(frozen=True, slots=True, kw_only=True)
class TimerKind:
    """`fire` opens its own units; it may be called again when it raises."""

    name: str
    fire: Callable[[TimerEvent, Units], None]


class GiveUp(FieldstoneError):
    """Trying again is of no use."""

    code = "give_up"
