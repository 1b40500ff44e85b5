"""Who may decide: the approvers that a step's rule means now.

What comes in: the rule of a step, the requester, the record. What goes out: ids of active users; the state machine
leaves out the requester. Looked up when a step opens and again at every decision, so that people who left or lost a
role no longer decide. Who calls it: the approval service.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa

from fieldstone.platform.database.prepared import Prepared
from fieldstone.platform.database.types import Chars, Id
from fieldstone.platform.identity.org import OrgService
from fieldstone.platform.identity.tables import USER
from fieldstone.platform.kernel.context import Unit
from fieldstone.rules.approvals.tiers import ApproverRule
from fieldstone.rules.engine.paths import read, record_ids

_ACTIVE = Prepared(
    sa.select(USER.c.id).where(USER.c.active, USER.c.id.in_(sa.bindparam("ids", type_=Id(), expanding=True)))
)
_BY_EMAIL = Prepared(
    sa.select(USER.c.id)
    .where(USER.c.active, USER.c.email.in_(sa.bindparam("emails", type_=Chars(), expanding=True)))
    .order_by(USER.c.id)
)
_NAMES = Prepared(
    sa.select(USER.c.id, USER.c.name).where(USER.c.id.in_(sa.bindparam("ids", type_=Id(), expanding=True)))
)


class Approvers:
    """Answers who may decide."""

    def __init__(self, org: OrgService) -> None:
        self._org = org

    def find(self, unit: Unit, rule: ApproverRule, requester: str, variables: Mapping[str, Any]) -> tuple[str, ...]:
        """The active users that a rule means, each once, in a steady order.

        `variables` is the record with the path of `rule.field`, if there is one.
        """
        if rule.role is not None:
            return tuple(self._org.users_with_role(unit, rule.role))
        if rule.team_manager is not None:
            manager = self._org.manager_of(unit, requester, rule.team_manager)
            return () if manager is None else (manager,)
        if rule.field is not None:
            return active(unit, record_ids(read(variables, tuple(rule.field.split(".")))))
        return tuple(row[0] for row in unit.rows(_BY_EMAIL, {"emails": list(rule.users)})) if rule.users else ()


def active(unit: Unit, users: Iterable[str]) -> tuple[str, ...]:
    """Those users that are switched on, in the order given."""
    asked = tuple(dict.fromkeys(users))
    found = {row[0] for row in unit.rows(_ACTIVE, {"ids": list(asked)})} if asked else set()
    return tuple(user for user in asked if user in found)


def names(unit: Unit, users: Iterable[str]) -> dict[str, str]:
    """Names of users by id."""
    asked = sorted(set(users))
    return {row[0]: row[1] for row in unit.rows(_NAMES, {"ids": asked})} if asked else {}
