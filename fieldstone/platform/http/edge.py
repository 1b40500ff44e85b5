"""What every call needs of the installation, in one value.

Made once by `web.make_app` and kept in `app.extensions`; read by `Call`, the request hooks and the probes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from flask import current_app

from fieldstone.platform.http.hosts import Hosts
from fieldstone.platform.http.idempotency import Idempotency
from fieldstone.platform.http.limits import RequestLimits
from fieldstone.platform.http.metrics import Metrics
from fieldstone.platform.http.policies import Rights
from fieldstone.platform.http.problems import ErrorPages
from fieldstone.platform.settings import Settings
from fieldstone.platform.units import Caller, Units

EXTENSION = "fieldstone"


class SessionTouch(Protocol):
    """Notes that a session is in use; provided by identity."""

    def used(self, caller: Caller, secret: str) -> None: ...


class Probe(Protocol):
    """Something the installation cannot serve without; provided by whoever owns it.

    `check` raises what is wrong, within a second or two.
    """

    name: str

    def check(self) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """The services behind the views."""

    settings: Settings
    units: Units
    hosts: Hosts
    limits: RequestLimits
    rights: Rights
    idempotency: Idempotency
    touch: SessionTouch
    metrics: Metrics
    probes: tuple[Probe, ...]
    error_pages: ErrorPages | None


def edge() -> Edge:
    """The edge of the running app."""
    found = current_app.extensions[EXTENSION]
    assert isinstance(found, Edge)
    return found
