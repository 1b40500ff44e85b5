"""Who asks for what, when: the explicit first argument of every service.

`Context` is made by the gate at the edge (HTTP, CLI, worker) and never changed; `Unit` is the protocol of the
open unit of work that services read and write through. Flask's `g` and `current_app` stay at the edge.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType
from typing import Any, Literal, Protocol

from fieldstone.platform.kernel.metadata import Snapshot

Channel = Literal["api", "form", "import", "bulk", "automation", "plugin", "portal", "system", "cli"]
DialectName = Literal["sqlite", "postgresql"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenant:
    """A tenant as the directory knows it."""

    name: str
    label: str
    locale: str = "en"
    time_zone: str = "UTC"
    currency: str = "USD"
    hue: int = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Whoever acts: a person, or the system on its own account (`kind="system"`, may do everything).

    `roles` are role names, `teams` ids of the teams the person is in, `reports` ids of all users below the person
    in the org tree (role hierarchy of row access). `scope` is what the credential allows.
    """

    id: str
    name: str
    kind: Literal["user", "system"] = "user"
    email: str = ""
    roles: frozenset[str] = frozenset()
    teams: frozenset[str] = frozenset()
    reports: frozenset[str] = frozenset()
    scope: Literal["read", "write"] = "write"
    locale: str | None = None
    time_zone: str | None = None
    preferences: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def is_system(self) -> bool:
        return self.kind == "system"


SYSTEM = Actor(id="00000000-0000-7000-8000-000000000000", name="System", kind="system")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """Why something happens: the automation, import or action whose effect this is, outermost first in a chain."""

    kind: str
    name: str
    record: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """One request or task: tenant, actor, metadata snapshot, time, the reader's language, its id and its door."""

    tenant: Tenant
    actor: Actor
    snapshot: Snapshot
    now: datetime
    locale: str = "en"
    request_id: str = ""
    channel: Channel = "api"
    causes: tuple[Cause, ...] = ()

    @property
    def time_zone(self) -> str:
        return self.actor.time_zone or self.tenant.time_zone

    def as_system(self) -> Context:
        """The same request, acting on the system's own account; the cause chain stays."""
        return replace(self, actor=SYSTEM)

    def because(self, cause: Cause) -> Context:
        """The same request, one link further down the cause chain."""
        return replace(self, causes=(*self.causes, cause))


class Unit(Protocol):
    """The open unit of work on one tenant home. Commits or rolls back as a whole, outside of services.

    `statement` is a SQLAlchemy Core executable or a `platform.database.prepared.Prepared`; rows are tuples.
    """

    @property
    def dialect(self) -> DialectName: ...

    @property
    def tenant(self) -> str: ...

    def rows(self, statement: Any, parameters: Mapping[str, Any] | None = None) -> Sequence[tuple[Any, ...]]: ...

    def one(self, statement: Any, parameters: Mapping[str, Any] | None = None) -> tuple[Any, ...] | None: ...

    def scalar(self, statement: Any, parameters: Mapping[str, Any] | None = None) -> Any: ...

    def run(self, statement: Any, parameters: Mapping[str, Any] | None = None) -> int: ...

    def run_many(self, statement: Any, parameters: Sequence[Mapping[str, Any]]) -> int: ...
