"""Dispatch asked for by an automation: the request leaves with the commit, the ranking happens after it.

In: `dispatch.requested` messages. Out: the best candidate assigned, the next one when that one is taken meanwhile; when
nobody can be sent the record stays as it is. Implements the record service's port `Dispatching`.
"""

from __future__ import annotations

from functools import partial
from typing import cast

from fieldstone.platform.database.unit import SqlUnit
from fieldstone.platform.kernel.context import Context, Unit
from fieldstone.platform.kernel.errors import Conflict, NotFound
from fieldstone.platform.units import Units
from fieldstone.platform.work.messages import Consumer, Message
from fieldstone.platform.work.outbox import Outbox
from fieldstone.plugins.dispatch.service import DispatchService, Proposal, best_first

TOPIC = "dispatch.requested"


class DispatchRequests:
    """Posts requests."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox

    def request(self, ctx: Context, unit: Unit, object_name: str, record: str, policy: str) -> None:
        """Ask for an assignment; it leaves with the commit."""
        self._outbox.post(ctx, cast(SqlUnit, unit), TOPIC, {"object": object_name, "record": record, "policy": policy})


def _assign(service: DispatchService, proposal: Proposal, resource: str, ctx: Context, unit: Unit) -> None:
    service.assign(ctx, unit, proposal, resource)


def dispatch_consumer(service: DispatchService) -> Consumer:
    """Carries requests out. Repeats do no harm: what is assigned is no longer open to dispatch."""

    def handle(message: Message, units: Units) -> None:
        caller, payload = message.system_caller, message.payload
        try:
            proposal = service.propose(
                lambda work: units.read(caller, work), payload["object"], payload["record"], payload["policy"]
            )
        except NotFound:
            return
        for resource in best_first(proposal):
            try:
                units.write(caller, partial(_assign, service, proposal, resource))
            except Conflict as refused:
                if refused.instance_code == "not_dispatchable":
                    return
                continue
            return

    return Consumer(topic=TOPIC, name="dispatch", handle=handle)
