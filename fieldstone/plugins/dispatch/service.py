"""Dispatch: who could do this job, and giving it to one of them.

In: a record, a policy's name (or none: the first policy of the object). Out: a ranking with labels, an updated record.
The plugin ranks between two units of work, never within one: gather, rank, then write with the revision that was
gathered and a check that nobody is loaded beyond capacity. Called by the API, the panel and the outbox consumer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from fieldstone.objects.access.conditions import user_variables
from fieldstone.objects.access.service import Access, evaluation_context
from fieldstone.objects.query.service import QueryService
from fieldstone.objects.query.values import Record
from fieldstone.objects.records.service import RecordService
from fieldstone.objects.sql.related import variables_of
from fieldstone.platform.kernel.context import Cause, Context, Unit
from fieldstone.platform.kernel.errors import Conflict, FieldError, Invalid, NotFound
from fieldstone.plugins.dispatch.definition import CompiledPolicy
from fieldstone.plugins.dispatch.gathering import Gatherer
from fieldstone.plugins.host.host import PluginHost
from fieldstone.plugins.sdk.dispatch import DispatchRequest, Exclusion, Ranking

Read = Callable[[Callable[[Context, Unit], Any]], Any]
TRIES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A ranking for people: the request's names beside the plugin's verdicts, and the revision it is about."""

    policy: CompiledPolicy
    request: DispatchRequest
    ranking: Ranking
    revision: int

    def label(self, resource: str) -> str:
        """The name of a resource."""
        return next((each.label for each in self.request.resources if each.id == resource), resource)

    def exclusion(self, resource: str) -> Exclusion | None:
        """Why a resource may not be sent; None when it may."""
        return next((each for each in self.ranking.excluded if each.resource == resource), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Gathered:
    policy: CompiledPolicy
    request: DispatchRequest
    revision: int
    tenant: str


class DispatchService:
    """Ranks and assigns. `read` and `write` below open one unit each for whoever asks (`Call.read`, `Call.write`)."""

    def __init__(self, host: PluginHost, query: QueryService, records: RecordService, access: Access) -> None:
        self._host = host
        self._gatherer = Gatherer(query)
        self._query = query
        self._records = records
        self._access = access

    def propose(self, read: Read, object_name: str, record_id: str, policy_name: str | None = None) -> Proposal:
        """Everybody who could be sent, best first, and why the others not. Raises `NotFound`, `Conflict`."""
        gathered: _Gathered = read(lambda ctx, unit: self._gather(ctx, unit, object_name, record_id, policy_name))
        ranking = self._host.rank(gathered.tenant, gathered.policy.plugin, gathered.request)
        return Proposal(policy=gathered.policy, request=gathered.request, ranking=ranking, revision=gathered.revision)

    def check(self, proposal: Proposal, resource: str) -> None:
        """Raise unless the resource is a candidate of the proposal."""
        known = {each.id for each in proposal.request.resources}
        if resource not in known:
            error = FieldError(path="/resource", code="unknown_resource", message="There is no such resource.")
            raise Invalid(errors=[error])
        exclusion = proposal.exclusion(resource)
        if exclusion is not None:
            raise Conflict(
                "{resource} may not be sent.",
                code="excluded",
                resource=proposal.label(resource),
                reasons=[{"code": r.code, "expected": r.expected, "actual": r.actual} for r in exclusion.reasons],
            )

    def assign(self, ctx: Context, unit: Unit, proposal: Proposal, resource: str) -> Record:
        """Give the job to a resource, within the caller's unit. Raises `Conflict` when things have moved meanwhile."""
        policy, record_id = proposal.policy, proposal.request.appointment.id
        self._check_condition(ctx, unit, policy, record_id)
        values = self._assignment(ctx, unit, policy, record_id, resource)
        because = ctx.because(Cause(kind="dispatch", name=policy.name, record=record_id))
        record = self._records.update(because, unit, policy.object, record_id, values, revision=proposal.revision)
        self._check_capacity(ctx, unit, policy, resource)
        return record

    def policy_for(self, ctx: Context, object_name: str, name: str | None) -> CompiledPolicy:
        """The policy by name, or the first one of the object. Raises `NotFound`."""
        policies: list[CompiledPolicy] = [p for p in ctx.snapshot.all("dispatch_policy") if p.object == object_name]
        for policy in policies:
            if name is None or policy.name == name:
                return policy
        raise NotFound("There is no dispatch policy for {object}.", object=object_name[:60])

    def stands_open(self, ctx: Context, unit: Unit, policy: CompiledPolicy, record_id: str) -> bool:
        """Whether the record is in a state in which the policy dispatches it."""
        if policy.condition is None:
            return True
        variables = self._variables(ctx, unit, policy.object, record_id)
        return policy.condition.holds(variables, evaluation_context(ctx))

    def _gather(self, ctx: Context, unit: Unit, object_name: str, record_id: str, policy_name: str | None) -> _Gathered:
        self._access.of(ctx).require(object_name, "update")
        policy = self.policy_for(ctx, object_name, policy_name)
        record = self._query.get(ctx, unit, object_name, record_id, ("record_type",))
        request = self._gatherer.request(ctx, unit, policy, record_id)
        return _Gathered(policy=policy, request=request, revision=record.revision, tenant=ctx.tenant.name)

    def _check_condition(self, ctx: Context, unit: Unit, policy: CompiledPolicy, record_id: str) -> None:
        if not self.stands_open(ctx, unit, policy, record_id):
            raise Conflict("This record cannot be dispatched in its present state.", code="not_dispatchable")

    def _assignment(
        self, ctx: Context, unit: Unit, policy: CompiledPolicy, record_id: str, resource: str
    ) -> Mapping[str, Any]:
        variables = self._variables(ctx, unit, policy.object, record_id)
        variables["candidate"] = self._variables(ctx.as_system(), unit, policy.resource["object"], resource)
        context = evaluation_context(ctx)
        return {name: expression.evaluate(variables, context) for name, expression in policy.assign.items()}

    def _variables(self, ctx: Context, unit: Unit, object_name: str, record_id: str) -> dict[str, Any]:
        kind = ctx.snapshot.get("object", object_name)
        record = self._query.get(ctx.as_system(), unit, object_name, record_id)
        own = variables_of(kind, {**record.values, "id": record_id})
        return {**own, "user": user_variables(ctx.actor)}

    def _check_capacity(self, ctx: Context, unit: Unit, policy: CompiledPolicy, resource: str) -> None:
        """The write has locked the resource's load, so whoever comes second sees it here and is undone as a whole."""
        load, capacity = policy.resource.get("load"), policy.resource.get("capacity")
        limited = any(rule.code == "CAPACITY" for rule in policy.policy.work_rules)
        if not (load and capacity and limited):
            return
        record = self._query.get(ctx.as_system(), unit, policy.resource["object"], resource, (load, capacity))
        now, most = record.values.get(load), record.values.get(capacity)
        if now is not None and most is not None and now > most:
            raise Conflict("The resource has just been given another job and is full.", code="capacity")


def best_first(proposal: Proposal) -> list[str]:
    """The candidates to try, in order."""
    return [candidate.resource for candidate in proposal.ranking.candidates[:TRIES]]
