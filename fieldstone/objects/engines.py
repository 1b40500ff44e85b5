"""The engines that stand on records, put together: approvals, automations outside of a save, webhooks, notices.

What comes in: the frame, on which the record service is already (made with `ApprovalLocks`). What goes out: services,
consumers, timers and routes on the frame; the record service knows who carries out those effects that are not its own.
Who calls it: the part of this room.
"""

from __future__ import annotations

from dataclasses import dataclass

from fieldstone.objects.approvals.api import make_approvals_api
from fieldstone.objects.approvals.approvers import Approvers
from fieldstone.objects.approvals.checks import check_timer
from fieldstone.objects.approvals.effects import Carrier
from fieldstone.objects.approvals.mirror import Mirror
from fieldstone.objects.approvals.ports import SystemRights
from fieldstone.objects.approvals.service import ApprovalService
from fieldstone.objects.approvals.submission import SubmissionPort
from fieldstone.objects.automations.api import make_automations_api
from fieldstone.objects.automations.consumer import AsyncAutomations
from fieldstone.objects.automations.notices import NoticeService
from fieldstone.objects.automations.running import Runner
from fieldstone.objects.automations.schedules import Schedules
from fieldstone.objects.automations.variables import StoredVariables
from fieldstone.objects.query.service import QueryService
from fieldstone.objects.records.service import RecordService
from fieldstone.objects.run_log.log import RunLog
from fieldstone.objects.webhooks.consumer import Webhooks
from fieldstone.platform.frame import Frame
from fieldstone.platform.http.policies import Rights
from fieldstone.platform.identity.org import OrgService
from fieldstone.platform.settings import Settings
from fieldstone.platform.work.messages import Consumer, TimerKind
from fieldstone.platform.work.timers import Timers


@dataclass(frozen=True, slots=True, kw_only=True)
class Engines:
    """The services, connected with one another and with the record service."""

    approvals: ApprovalService
    notices: NoticeService
    automations: AsyncAutomations
    schedules: Schedules
    webhooks: Webhooks
    log: RunLog
    timers: Timers

    @property
    def consumers(self) -> tuple[Consumer, ...]:
        """What listens to messages."""
        return (self.automations.consumer, self.schedules.consumer, self.webhooks.consumer)

    @property
    def timer_kinds(self) -> tuple[TimerKind, ...]:
        """What timers set off."""
        return (self.schedules.timer_kind, check_timer(self.approvals, self.timers))


def make_engines(
    records: RecordService,
    query: QueryService,
    *,
    org: OrgService,
    rights: SystemRights,
    timers: Timers,
    settings: Settings,
) -> Engines:
    """Make the engines and tell the record service of them."""
    variables, notices, log = StoredVariables(query), NoticeService(records, org), RunLog()
    carrier = Carrier(records, variables, notices, Mirror(records), timers)
    approvals = ApprovalService(records, variables, Approvers(org), carrier, rights)
    records.connect(notices=notices, approvals=SubmissionPort(approvals))
    runner = Runner(records, variables)
    return Engines(
        approvals=approvals,
        notices=notices,
        automations=AsyncAutomations(runner, log),
        schedules=Schedules(runner, records, timers, log),
        webhooks=Webhooks(settings, log),
        log=log,
        timers=timers,
    )


def register_engines(frame: Frame) -> None:
    """Put the engines on the frame. The record service must be on it."""
    engines = make_engines(
        frame.need(RecordService),
        frame.need(QueryService),
        org=frame.need(OrgService),
        rights=frame.need(Rights),  # type: ignore[type-abstract]
        timers=frame.need(Timers),
        settings=frame.settings,
    )
    for service in (engines.approvals, engines.notices, engines.log, engines.webhooks):
        frame.provide(service)
    for consumer in engines.consumers:
        frame.consumers.register(consumer.name, consumer)
    for kind in engines.timer_kinds:
        frame.timer_kinds.register(kind.name, kind)
    frame.blueprints.append(make_approvals_api(engines.approvals).blueprint)
    frame.blueprints.append(make_automations_api(engines.log, engines.webhooks).blueprint)
