"""Probes for machines: alive, ready, figures.

`/healthz` says that the process answers; `/readyz` asks whatever the installation cannot serve without; `/metrics`
gives figures to this machine, or to whoever has the token of the settings. No tenant, no identity.
"""

from __future__ import annotations

import hmac
import ipaddress

import sqlalchemy as sa
import structlog
from flask import Response
from prometheus_client import CONTENT_TYPE_LATEST

from fieldstone.platform.database.directory import tenant_table
from fieldstone.platform.database.engines import Databases
from fieldstone.platform.http.call import Call
from fieldstone.platform.http.edge import Probe, edge
from fieldstone.platform.http.policies import OPEN
from fieldstone.platform.http.respond import document
from fieldstone.platform.http.routes import Api
from fieldstone.platform.kernel.errors import NotFound

_ANY_TENANT = sa.select(tenant_table.c.name).limit(1)
_log = structlog.get_logger("fieldstone.probes")


def make_probes() -> Api:
    """The probes' routes."""
    api = Api("probes")

    @api.get("/healthz", policy=OPEN)
    def healthz(call: Call) -> Response:
        return document({"status": "ok"})

    @api.get("/readyz", policy=OPEN)
    def readyz(call: Call) -> Response:
        faults = [probe.name for probe in edge().probes if not _passes(probe)]
        if faults:
            response = document({"status": "not ready", "missing": faults}, 503)
            response.headers["Retry-After"] = "2"
            return response
        return document({"status": "ok"})

    @api.get("/metrics", policy=OPEN)
    def metrics(call: Call) -> Response:
        _check_metrics_reader(call)
        return Response(edge().metrics.text(), content_type=CONTENT_TYPE_LATEST)

    return api


class DatabaseProbe:
    """The directory answers."""

    name = "database"

    def __init__(self, databases: Databases) -> None:
        self._databases = databases

    def check(self) -> None:
        """Raise what keeps the directory from answering."""
        with self._databases.main.directory_read() as connection:
            connection.execute(_ANY_TENANT)


def _passes(probe: Probe) -> bool:
    try:
        probe.check()
    except Exception:
        _log.warning("probe.failed", probe=probe.name, exc_info=True)
        return False
    return True


def _check_metrics_reader(call: Call) -> None:
    """Raise `NotFound` for whoever may not read figures: they need not know that there are any."""
    token = edge().settings.metrics_token
    if token is not None:
        sent = call.request.headers.get("Authorization", "")
        if not hmac.compare_digest(sent.encode(), f"Bearer {token}".encode()):
            raise NotFound
    elif not _is_this_machine(call.request.remote_addr or ""):
        raise NotFound


def _is_this_machine(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
