"""Work in other processes: Celery with Redis or RabbitMQ, as a bell only.

The relay claims messages and sends their addresses (tenant, id, fence) as one task; a worker begins the message in the
database and handles it. A lost, doubled or late task changes nothing: the lease ends and the message is claimed again,
or its fence is old. JSON only, acknowledged late, one task at a time per worker process, results ignored.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from celery import Celery
from celery.signals import worker_process_init, worker_ready, worker_shutting_down
from kombu.entity import Exchange, Queue
from kombu.exceptions import OperationalError

from fieldstone.platform.kernel.errors import Misconfigured, Unavailable
from fieldstone.platform.settings import Settings
from fieldstone.platform.work.assembly import Work
from fieldstone.platform.work.embedded import RelayThread
from fieldstone.platform.work.outbox import Claim
from fieldstone.platform.work.tables import JOBS, MESSAGES

TASK = "fieldstone.ring"
BATCH = 20
MOST_IN_FLIGHT = 100
# A task may take this much longer than the soft limit, to write down that it failed.
GRACE_SECONDS = 30
SEND_SECONDS = 2
AWAY_SECONDS = 5

_log = logging.getLogger(__name__)


def make_celery(settings: Settings, ring: Callable[[str, str, int], None]) -> Celery:
    """The Celery application. `ring` handles the message of (tenant, id, fence). Raises `Misconfigured`."""
    if settings.broker_url is None:
        raise Misconfigured("FIELDSTONE_BROKER_URL is not set.")
    app = Celery("fieldstone", broker=settings.broker_url, set_as_current=False)
    app.conf.update(_configuration(settings))

    @app.task(name=TASK)  # type: ignore[untyped-decorator]
    def handle(tenant: str, message_id: str, fence: int) -> None:
        ring(tenant, message_id, fence)

    return app


def _configuration(settings: Settings) -> dict[str, Any]:
    limit = settings.job_limit_seconds
    quorum = {"x-queue-type": "quorum"} if _is_rabbitmq(settings) else {}
    return {
        "accept_content": ["json"],
        "task_serializer": "json",
        "result_serializer": "json",
        "task_ignore_result": True,
        "task_acks_late": True,
        # a killed worker's message is claimed again by its lease; requeueing it here would poison without end
        "task_reject_on_worker_lost": False,
        "worker_prefetch_multiplier": 1,
        "task_soft_time_limit": limit,
        "task_time_limit": limit + GRACE_SECONDS,
        "broker_connection_retry_on_startup": True,
        "broker_transport_options": _transport(settings, limit),
        "task_publish_retry": False,
        "task_queues": [_queue(settings, lane, quorum) for lane in (MESSAGES, JOBS)],
        "task_default_queue": queue_name(settings, MESSAGES),
        "worker_hijack_root_logger": False,
        "worker_send_task_events": False,
        "worker_enable_remote_control": False,
        "timezone": "UTC",
    }


def _transport(settings: Settings, limit: int) -> dict[str, Any]:
    if _is_rabbitmq(settings):
        return {"confirm_publish": True, "max_retries": 1, "connect_timeout": SEND_SECONDS}
    return {
        "visibility_timeout": limit + 2 * GRACE_SECONDS,
        "socket_connect_timeout": SEND_SECONDS,
        "socket_timeout": 2 * SEND_SECONDS,
        "global_keyprefix": f"{settings.queue_prefix}:",
    }


def _is_rabbitmq(settings: Settings) -> bool:
    return (settings.broker_url or "").startswith(("amqp", "pyamqp"))


def queue_name(settings: Settings, lane: str) -> str:
    return f"{settings.queue_prefix}.{lane}"


def _queue(settings: Settings, lane: str, arguments: dict[str, Any]) -> Queue:
    name = queue_name(settings, lane)
    exchange = Exchange(name)  # type: ignore[no-untyped-call]
    return Queue(  # type: ignore[no-untyped-call]
        name, exchange, routing_key=name, durable=True, queue_arguments=arguments
    )


class SendToCelery:
    """A hand that sends addresses to the broker."""

    tries = 0
    most_in_flight = MOST_IN_FLIGHT

    def __init__(self, app: Celery, settings: Settings) -> None:
        self._app = app
        self._settings = settings
        self._away_until = 0.0

    def room(self, lane: str) -> int:
        return 0 if self._is_away() else BATCH

    def give(self, claim: Claim, lane: str) -> None:
        if self._is_away():
            raise Unavailable(retry_after=AWAY_SECONDS)
        name = queue_name(self._settings, lane)
        message = claim.message
        try:
            self._app.send_task(TASK, args=[message.tenant, message.id, claim.fence], queue=name, routing_key=name)
        except (OperationalError, OSError) as error:
            self._away_until = time.monotonic() + AWAY_SECONDS
            raise Unavailable(retry_after=AWAY_SECONDS) from error

    def _is_away(self) -> bool:
        """Finding out that a broker is away takes time: once known, it is not asked again for some seconds."""
        return time.monotonic() < self._away_until


class CeleryRelay:
    """The relay of a worker process group: `start` after composition, `stop` before the process ends."""

    def __init__(self, work: Work, app: Celery) -> None:
        hand = SendToCelery(app, work.settings)
        self._thread = RelayThread(work.relay(hand), work.bell, work.settings, threading.Event())

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._thread.stop()


def run_worker(app: Celery, work: Work, arguments: list[str]) -> None:
    """Run a Celery worker with the relay beside it, until it is told to stop. `arguments` as of `celery worker`."""
    relay = CeleryRelay(work, app)
    handlers = _Signals(relay, work)
    worker_ready.connect(handlers.ready)
    worker_shutting_down.connect(handlers.ending)
    worker_process_init.connect(handlers.forked)
    try:
        app.worker_main(["worker", "--without-gossip", "--without-mingle", *arguments])
    finally:
        for signal, receiver in (
            (worker_ready, handlers.ready),
            (worker_shutting_down, handlers.ending),
            (worker_process_init, handlers.forked),
        ):
            signal.disconnect(receiver)


class _Signals:
    """Receivers of Celery's signals; it keeps weak references only."""

    def __init__(self, relay: CeleryRelay, work: Work) -> None:
        self._relay = relay
        self._work = work

    def ready(self, **_: Any) -> None:
        self._relay.start()

    def ending(self, **_: Any) -> None:
        # in a thread: the signal is sent from a signal handler of the main one
        threading.Thread(target=self._relay.stop, name="relay-stop").start()

    def forked(self, **_: Any) -> None:
        self._work.after_fork()
