"""Access: what the actor of a context may do, and why.

What comes in: a context. What goes out: `ActorAccess`, through which every door asks: operations, fields, rows (as SQL
or for one record), export and import, system rights, and `explain` in words. Who calls it: the record, query, transfer
and API rooms, and pages. The system may do everything; a read-only token nothing but read.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Mapping
from typing import Any, Final
from zoneinfo import ZoneInfo

from fieldstone.objects.access.conditions import user_variables
from fieldstone.objects.access.explain import Reason, field_reasons, operation_reasons
from fieldstone.objects.access.policy import ObjectRights, Policy, SystemPolicy, policy_of
from fieldstone.objects.access.reach import Reach
from fieldstone.objects.access.roles import Operation
from fieldstone.objects.access.rows import EMAIL, PEOPLE, TEAMS, RowAccess
from fieldstone.objects.sql.conditions import RowCondition
from fieldstone.objects.types import ObjectType
from fieldstone.platform.kernel.context import Context, DialectName
from fieldstone.platform.kernel.errors import Forbidden, NotFound
from fieldstone.rules.expressions.context import EvaluationContext
from fieldstone.rules.expressions.errors import EvaluationError

_VERBS: Final[Mapping[Operation, str]] = {
    "read": "You may not see {object}.",
    "create": "You may not create {object}.",
    "update": "You may not change {object}.",
    "delete": "You may not delete {object}.",
}


class ActorAccess:
    """What one actor may do, in one context."""

    def __init__(self, ctx: Context) -> None:
        self.ctx = ctx
        actor = ctx.actor
        self.policy: Policy = SystemPolicy.of(ctx.snapshot) if actor.is_system else policy_of(ctx.snapshot, actor.roles)
        self._reads_only = actor.scope == "read" and not actor.is_system

    @property
    def key(self) -> Hashable:
        """What statements made for this access may be shared by."""
        return self.policy.key

    def objects(self, name: str) -> ObjectType | None:
        """A compiled object, whoever asks."""
        found: ObjectType | None = self.ctx.snapshot.find("object", name)
        return found

    def rights(self, name: str) -> ObjectRights:
        """The rights on an object. Raises `NotFound` when there is none, or none that the actor may know of."""
        found = self.policy.rights(name)
        if found is None or not any(map(found.may, _VERBS)):
            raise NotFound("There is no object called {name}, or you may not see it.", name=name[:80])
        return found

    def require(self, name: str, operation: Operation) -> ObjectRights:
        """The rights on an object. Raises `NotFound`, or `Forbidden` when the operation reaches no row."""
        rights = self.rights(name)
        if operation != "read" and self._reads_only:
            raise Forbidden("This token may only read.", code="read_only_token")
        if not rights.may(operation):
            raise Forbidden(_VERBS[operation], object=rights.kind.name, operation=operation)
        return rights

    def may(self, name: str, operation: Operation) -> bool:
        """Whether an operation reaches any row of an object."""
        found = self.policy.rights(name)
        return found is not None and found.may(operation) and (operation == "read" or not self._reads_only)

    def may_do(self, right: str) -> bool:
        """Whether the actor has a system right."""
        return right in self.policy.system_rights

    def rows(self, dialect: DialectName, nulls: frozenset[str] = frozenset()) -> RowAccess:
        """Row conditions for one statement."""
        return RowAccess(self.policy, self.objects, dialect, nulls)

    def parameters(self, conditions: Iterable[RowCondition] = ()) -> dict[str, Any]:
        """Values for the parameters of row conditions."""
        actor = self.ctx.actor
        found: dict[str, Any] = {
            PEOPLE: [actor.id, *sorted(actor.reports)],
            TEAMS: sorted(actor.teams),
            EMAIL: actor.email.lower(),
        }
        variables = {"user": user_variables(actor)}
        context = evaluation_context(self.ctx)
        for condition in conditions:
            found.update(condition.parameters(variables, context))
        return found

    def surely_reaches(
        self, rights: ObjectRights, operation: Operation, values: Mapping[str, Any], variables: Mapping[str, Any]
    ) -> bool:
        """Whether an operation reaches a record with these values, as far as that can be told without the database."""
        reach = rights.reach(operation)
        if reach.is_everything:
            return True
        if reach.parent is not None or reach.subject is not None:
            return False
        actor = self.ctx.actor
        if reach.level in ("own", "team") and values.get("owner") in (actor.id, *actor.reports):
            return True
        return self._opened(reach, variables)

    def explain(self, name: str, operation: Operation, field: str | None = None) -> tuple[Reason, ...]:
        """Why an operation is allowed or not, and what is the case for a field."""
        rights = self.policy.rights(name)
        reasons = operation_reasons(self.policy, rights, name, operation)
        return reasons if field is None or rights is None else (*reasons, *field_reasons(rights, field))

    def _opened(self, reach: Reach, variables: Mapping[str, Any]) -> bool:
        context = evaluation_context(self.ctx)
        known = {**variables, "user": user_variables(self.ctx.actor)}
        for opening in reach.openings:
            rule = opening.rule
            mine = rule is None or bool(rule.roles & self.policy.names) or self.ctx.actor.email.lower() in rule.users
            try:
                if mine and opening.condition.expression.holds(known, context):
                    return True
            except EvaluationError:
                continue
        return False


class Access:
    """Gives access by context; provided on the frame."""

    def of(self, ctx: Context) -> ActorAccess:
        """What the actor of a context may do."""
        return ActorAccess(ctx)


class RoleRights:
    """The system rights of actors, for the policies of HTTP routes."""

    def of(self, context: Context) -> frozenset[str]:
        """The system rights of the context's actor."""
        return ActorAccess(context).policy.system_rights


def evaluation_context(ctx: Context, changed: Collection[str] = ()) -> EvaluationContext:
    """The surroundings of expressions evaluated in a context."""
    return EvaluationContext(now=ctx.now, time_zone=ZoneInfo(ctx.time_zone), changed=frozenset(changed))
