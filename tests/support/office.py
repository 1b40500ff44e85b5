"""A working office for tests: objects, roles, rules and people on a real installation, with all engines.

It is that of the tenant `acme`; `globex` is there too, so that a leak has somewhere to leak from.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, TypeVar

from fieldstone.objects.access.roles import ROLE
from fieldstone.objects.access.service import Access, RoleRights
from fieldstone.objects.access.sharing import SHARING_RULE
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
from fieldstone.objects.query.service import QueryService
from fieldstone.objects.query.values import ListQuery
from fieldstone.objects.records.service import RecordService
from fieldstone.objects.records.values import Record
from fieldstone.objects.run_log.log import RunLog
from fieldstone.objects.webhooks.consumer import Webhooks
from fieldstone.platform.audit import Audit
from fieldstone.platform.database.unit import SqlUnit
from fieldstone.platform.frame import Frame
from fieldstone.platform.http.edge import SessionTouch
from fieldstone.platform.http.policies import Rights
from fieldstone.platform.http.web import make_app
from fieldstone.platform.identity.org import OrgService
from fieldstone.platform.identity.resolve import IdentityService
from fieldstone.platform.identity.services import make_identity
from fieldstone.platform.identity.values import NewUser
from fieldstone.platform.kernel.context import Context
from fieldstone.platform.metadata.doors import CallerDoors
from fieldstone.platform.metadata.service import MetadataService, PublishOrder
from fieldstone.platform.metadata.snapshots import Snapshots
from fieldstone.platform.tenancy.store import TenantStore
from fieldstone.platform.units import Caller, Units
from fieldstone.platform.work.assembly import Work
from fieldstone.rules.part import KINDS
from tests.support.installation import Installation
from tests.support.metadata import put
from tests.support.objects import TYPES, body, field, object_kinds
from tests.support.web import Program, Web

T = TypeVar("T")

EVERYTHING = {"read": "all", "create": "all", "update": "all", "delete": "all"}
ROLES = [
    {"name": "admin", "label": "Admin", "objects": {"*": EVERYTHING}, "system": ["manage_metadata", "manage_users"]},
    {"name": "clerk", "label": "Clerk", "objects": {"*": EVERYTHING}},
    {"name": "director", "label": "Director", "objects": {"*": EVERYTHING}},
    {"name": "guest", "label": "Guest", "objects": {}},
]
STATUSES = ("draft", "submitted", "approved", "rejected", "returned", "sent")
OBJECTS = [
    body("customer", field("name", "text"), field("manager", "user"), field("visits", "integer"), title="name"),
    body(
        "quote",
        field("name", "text", required=True),
        field("status", "select", options=[{"value": each, "label": each} for each in STATUSES], default="draft"),
        field("total", "currency", scale=2),
        field("note", "text"),
        field("customer", "lookup", object="customer"),
        field("decided_on", "date"),
        field("lines", "child", object="line", field="quote"),
        title="name",
    ),
    body("line", field("quote", "lookup", object="quote", owned=True), field("text", "text"), title="text"),
]


def step(name: str = "one", approvers: Mapping[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """A step of a tier, by default the director's."""
    return {"name": name, "label": name.capitalize(), "approvers": approvers or {"role": "director"}, **more}


def process(*steps: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """The approval of quotes from 5,000 USD on."""
    return {
        "name": "quotes",
        "object": "quote",
        "label": {"en": "Quotes", "zh-Hans": "报价"},
        "amount": "total",
        "currency": "USD",
        "tiers": [{"name": "high", "from": "5000", "steps": list(steps) or [step()]}],
        "open_fields": ["note"],
        "on_submit": {"status": "submitted"},
        "on_approved": {"status": "approved", "decided_on": {"expression": "today()"}},
        "on_rejected": {"status": "rejected"},
        "on_returned": {"status": "returned"},
        "on_withdrawn": {"status": "draft"},
        **more,
    }


class Office:
    """See the file. People are known by their first name: `office.people["ann"]` is an id."""

    def __init__(self, home: Installation, *, rules: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
        self.home = home
        snapshots = Snapshots(object_kinds(ROLE, SHARING_RULE, *KINDS))
        org = OrgService()
        resolver = IdentityService(org, home.clock)
        self.units = home.units_with(resolve_actor=resolver.resolve, snapshot_source=snapshots.source)
        self.work = Work(home.settings, self.units, home.kinds, home.files)
        self.metadata = MetadataService(snapshots, Audit(), self.work.outbox, self.work.jobs)
        self.identity = make_identity(self.units, Audit(), session_hours=12)
        self.query = QueryService(Access())
        self.records = RecordService(Access(), self.query, self.work.outbox, TYPES, locks=ApprovalLocks())
        self._engines(org)
        for tenant in ("acme", "globex"):
            self.metadata.publish_provided(self._doors(tenant))
        self.publish({"object": OBJECTS, "role": ROLES, **rules})
        self.people: dict[str, str] = {}

    def _engines(self, org: OrgService) -> None:
        """As the part of the objects room puts them together, on a clock that can be moved."""
        variables, timers = StoredVariables(self.query), self.work.timers
        self.log, notices = RunLog(), NoticeService(self.records, org)
        carrier = Carrier(self.records, variables, notices, Mirror(self.records), timers)
        self.approvals = ApprovalService(self.records, variables, Approvers(org), carrier, RoleRights())
        self.records.connect(notices=notices, approvals=SubmissionPort(self.approvals))
        runner = Runner(self.records, variables)
        self.schedules = Schedules(runner, self.records, timers, self.log)
        self.webhooks = Webhooks(self.home.settings, self.log)
        kinds = self.home.kinds
        for consumer in (AsyncAutomations(runner, self.log).consumer, self.schedules.consumer, self.webhooks.consumer):
            kinds.consumers.register(consumer.name, consumer)
        for timer in (self.schedules.timer_kind, check_timer(self.approvals, timers)):
            kinds.timer_kinds.register(timer.name, timer)

    def hire(self, name: str, *roles: str, manager: str | None = None, locale: str | None = None) -> str:
        """A new user of `acme`; `manager` is a first name."""
        new = NewUser(
            email=f"{name}@example.com",
            name=name.capitalize(),
            roles=roles or ("clerk",),
            teams=(),
            locale=locale,
            time_zone=None,
            manager=None if manager is None else self.people[manager],
            preferences={},
        )
        self.people[name] = self.write(lambda ctx, unit: self.identity.users.create(ctx, unit, new)).id
        return self.people[name]

    def dismiss(self, name: str) -> None:
        """Switch a user off."""
        self.write(lambda ctx, unit: self.identity.users.deactivate(ctx, unit, self.people[name]))

    def give(self, name: str, *roles: str) -> None:
        """Let a user have exactly these roles."""
        self.write(lambda ctx, unit: self.identity.users.assign_roles(ctx, unit, self.people[name], roles))

    def publish(self, bodies: Mapping[str, Sequence[Mapping[str, Any]]], tenant: str = "acme") -> int:
        """Publish definitions by kind; the new version."""
        changes = [put(kind, each) for kind, several in bodies.items() for each in several]
        order = PublishOrder(name="test", base_version=None, confirm=frozenset())
        return self.metadata.publish(self._doors(tenant), changes, order).version

    def read(self, work: Callable[[Context, SqlUnit], T], who: str | None = None, tenant: str = "acme") -> T:
        return self.units.read(self._caller(who, tenant), work)

    def write(self, work: Callable[[Context, SqlUnit], T], who: str | None = None, tenant: str = "acme") -> T:
        return self.units.write(self._caller(who, tenant), work)

    def create(self, kind: str, who: str | None = None, /, **values: Any) -> Record:
        """Create a record of an object, as somebody."""
        return self.write(lambda ctx, unit: self.records.create(ctx, unit, kind, values), who)

    def update(self, kind: str, record: str, who: str | None = None, /, **values: Any) -> Record:
        """Change a record, as somebody."""
        return self.write(lambda ctx, unit: self.records.update(ctx, unit, kind, record, values), who)

    def get(self, name: str, record: str) -> Mapping[str, Any]:
        """The values of a record, as the system sees them."""
        return self.read(lambda ctx, unit: self.records.get(ctx, unit, name, record)).values

    def all(self, name: str, filter: str | None = None) -> list[Mapping[str, Any]]:
        """The values of all records of an object."""
        query = ListQuery(object=name, filter=filter, limit=200)
        return [each.values for each in self.read(lambda ctx, unit: list(self.query.list(ctx, unit, query).records))]

    def quote(self, who: str | None, amount: str, currency: str = "USD", **more: Any) -> str:
        """A new quote; its id."""
        total = {"amount": str(Decimal(amount)), "currency": currency}
        return self.create("quote", who, name=f"Q {amount}", total=total, **more).id

    def submit(self, who: str | None, quote: str, name: str = "quotes") -> Any:
        """Submit a quote, as somebody."""
        return self.write(lambda ctx, unit: self.approvals.submit(ctx, unit, "quote", quote, name), who)

    def web(self) -> Web:
        """The office over HTTP."""
        frame = Frame(self.home.settings)
        frame.provide(self.units, Units)
        frame.provide(self.home.tenants, TenantStore)
        frame.provide(RoleRights(), Rights)
        frame.provide(self.identity.use, SessionTouch)
        apis = (make_approvals_api(self.approvals), make_automations_api(self.log, self.webhooks))
        frame.blueprints += [api.blueprint for api in apis]
        frame.freeze()
        return Web(home=self.home, units=self.units, identity=self.identity, app=make_app(frame))

    def program(self, web: Web, who: str) -> Program:
        """A client of that person's."""
        person = self.read(lambda ctx, unit: self.identity.users.get(ctx, unit, self.people[who]))
        return web.program(web.token(person))

    def _caller(self, who: str | None, tenant: str) -> Caller:
        return self.home.caller(tenant, None if who is None else self.people.get(who, who))

    def _doors(self, tenant: str) -> CallerDoors:
        return CallerDoors(self.units, self.home.caller(tenant))
