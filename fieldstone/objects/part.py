"""What the objects room brings: kinds of metadata, records, queries, access, approvals, automations, and their routes.

Called by `app.py`, after the platform.
"""

from __future__ import annotations

from dataclasses import dataclass

from fieldstone.objects.access.roles import ROLE
from fieldstone.objects.access.service import Access, RoleRights
from fieldstone.objects.access.sharing import SHARING_RULE
from fieldstone.objects.api.records import make_records_api
from fieldstone.objects.api.search import make_search_api
from fieldstone.objects.api.story import make_story_api
from fieldstone.objects.approvals.api import make_approvals_api
from fieldstone.objects.approvals.approvers import Approvers
from fieldstone.objects.approvals.checks import check_timer
from fieldstone.objects.approvals.effects import Carrier
from fieldstone.objects.approvals.locks import ApprovalLocks
from fieldstone.objects.approvals.mirror import Mirror
from fieldstone.objects.approvals.service import ApprovalService
from fieldstone.objects.approvals.submission import SubmissionPort
from fieldstone.objects.automations.api import make_automations_api
from fieldstone.objects.automations.consumer import AsyncAutomations
from fieldstone.objects.automations.notices import NoticeService
from fieldstone.objects.automations.running import Runner
from fieldstone.objects.automations.schedules import Schedules
from fieldstone.objects.automations.variables import StoredVariables
from fieldstone.objects.definition.jobs import FieldJobs
from fieldstone.objects.definition.kind import object_kind
from fieldstone.objects.fieldtypes.builtin import FieldTypes, built_in_types
from fieldstone.objects.query.searching import search_index_steps
from fieldstone.objects.query.service import QueryService
from fieldstone.objects.record_tables import PublishedRecordTables
from fieldstone.objects.records.service import RecordService
from fieldstone.objects.run_log.log import RunLog
from fieldstone.objects.transfer.part import register_transfer
from fieldstone.objects.webhooks.consumer import Webhooks
from fieldstone.platform.frame import Frame, Part
from fieldstone.platform.http.policies import Rights
from fieldstone.platform.identity.org import OrgService
from fieldstone.platform.identity.rights import RoleRights as IdentityRights
from fieldstone.platform.metadata.service import MetadataService
from fieldstone.platform.metadata.snapshots import Snapshots
from fieldstone.platform.tenancy.transfer import RecordTables
from fieldstone.platform.work.messages import Consumer
from fieldstone.platform.work.outbox import Outbox
from fieldstone.platform.work.timers import Timers


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldTypeRegistry:
    """The field types of this installation; plugins add theirs before start."""

    types: FieldTypes


def register(frame: Frame) -> None:
    """Put everything of the objects room on the frame."""
    types = FieldTypeRegistry(types=built_in_types())
    frame.provide(types)
    frame.provide(PublishedRecordTables(frame.need(Snapshots)), RecordTables)
    for kind in (object_kind(types.types, (search_index_steps,)), ROLE, SHARING_RULE):
        frame.kinds.register(kind.name, kind)
    records = _register_records(frame, types.types)
    _register_automations(frame, records)
    _register_approvals(frame, records)
    register_transfer(frame)


def _register_records(frame: Frame, types: FieldTypes) -> RecordService:
    access = Access()
    query = QueryService(access)
    records = RecordService(access, query, frame.need(Outbox), types, locks=ApprovalLocks())
    for service in (access, query, records, StoredVariables(query)):
        frame.provide(service)
    frame.provide(RoleRights(), Rights)
    jobs = FieldJobs(metadata=frame.need(MetadataService), types=types, recount=records.recount)
    for kind in jobs.kinds():
        frame.job_kinds.register(kind.name, kind)
    for api in (
        make_records_api(records, query),
        make_story_api(records, query, access),
        make_search_api(query, access),
    ):
        frame.blueprints.append(api.blueprint)
    return records


def _register_automations(frame: Frame, records: RecordService) -> None:
    log = RunLog()
    notices = NoticeService(records, frame.need(OrgService))
    runner = Runner(records, frame.need(StoredVariables))
    later = AsyncAutomations(runner, log)
    schedules = Schedules(runner, records, frame.need(Timers), log)
    webhooks = Webhooks(frame.settings, log)
    records.connect(notices=notices)
    for service in (log, notices, runner, schedules, webhooks):
        frame.provide(service)
    for consumer in (later.consumer, schedules.consumer, webhooks.consumer):
        _consume(frame, consumer)
    frame.timer_kinds.register(schedules.timer_kind.name, schedules.timer_kind)
    frame.blueprints.append(make_automations_api(log, webhooks).blueprint)


def _register_approvals(frame: Frame, records: RecordService) -> None:
    variables, timers = frame.need(StoredVariables), frame.need(Timers)
    carrier = Carrier(records, variables, frame.need(NoticeService), Mirror(records), timers)
    approvers = Approvers(frame.need(OrgService))
    approvals = ApprovalService(records, variables, approvers, carrier, frame.need(IdentityRights))
    records.connect(approvals=SubmissionPort(approvals))
    frame.provide(approvals)
    timer = check_timer(approvals, timers)
    frame.timer_kinds.register(timer.name, timer)
    frame.blueprints.append(make_approvals_api(approvals).blueprint)


def _consume(frame: Frame, consumer: Consumer) -> None:
    frame.consumers.register(consumer.name, consumer)


PART = Part(name="objects", register=register)
