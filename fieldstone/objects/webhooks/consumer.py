"""Outgoing webhooks: the consumer of their messages.

What comes in: messages of topic `webhook.call`, posted by automations with the unit that changed the record. What goes
out: a signed POST outside of any unit of work, and a line in the run log. Who calls it: the relay, again after a pause
while the receiver is down; what cannot succeed later is given up at once and stays visible as a dead letter.

A receiver may get a call more than once and knows repeats by `webhook-id`.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import orjson

from fieldstone.objects.run_log.log import Entry, RunLog
from fieldstone.objects.webhooks.addresses import destination
from fieldstone.objects.webhooks.sending import Answer, CallFailed, post
from fieldstone.objects.webhooks.signing import headers, tenant_secret
from fieldstone.platform.kernel.errors import FieldstoneError, Unavailable
from fieldstone.platform.settings import Settings
from fieldstone.platform.units import Units
from fieldstone.platform.work.messages import Consumer, GiveUp, Message
from fieldstone.rules.engine.actions import WEBHOOK_TOPIC

TRY_AGAIN = frozenset({408, 425, 429})
"""Refusals that may be different later; all other 3xx and 4xx are final."""


class Webhooks:
    """Calls receivers."""

    def __init__(self, settings: Settings, log: RunLog, now: Callable[[], float] = time.time) -> None:
        self._settings = settings
        self._log = log
        self._now = now

    @property
    def consumer(self) -> Consumer:
        """What is registered for the topic."""
        return Consumer(topic=WEBHOOK_TOPIC, name="webhooks", handle=self.handle)

    def secret(self, tenant: str) -> str:
        """What a tenant's receivers check signatures with."""
        return tenant_secret(self._settings.secret_key, tenant)

    def handle(self, message: Message, units: Units) -> None:
        """Make one attempt. Raises `GiveUp` for what is final, `Unavailable` for what may work later."""
        started = time.monotonic()
        failure = self._attempt(message)
        entry = Entry.of_message(
            message,
            kind="webhook",
            rule=message.payload["rule"],
            event="call",
            inputs={"url": message.payload["url"], "values": message.payload["values"]},
            outcome="done" if failure is None else "failed",
            error=None if failure is None else str(failure),
            seconds=time.monotonic() - started,
        )
        units.write(message.system_caller, lambda ctx, unit: self._log.keep(unit, entry, ctx.now))
        if failure is not None:
            raise failure

    def _attempt(self, message: Message) -> FieldstoneError | None:
        try:
            answer = self._call(message)
        except CallFailed as error:
            return Unavailable("The webhook did not answer: {reason}", reason=str(error))
        except FieldstoneError as error:
            return GiveUp("The webhook cannot be called: {reason}", reason=str(error))
        if 200 <= answer.status < 300:
            return None
        if answer.status >= 500 or answer.status in TRY_AGAIN:
            return Unavailable("The webhook answered {status}.", status=answer.status)
        return GiveUp("The webhook answered {status}.", status=answer.status)

    def _call(self, message: Message) -> Answer:
        payload = message.payload
        to = destination(payload["url"], self._settings.webhook_hosts)
        body = orjson.dumps(
            {
                "id": message.id,
                "tenant": message.tenant,
                "type": payload["rule"],
                "object": payload["object"],
                "record": payload["record"],
                "data": payload["values"],
            }
        )
        return post(to, body, headers(self.secret(message.tenant), message.id, int(self._now()), body))
