"""Lists that start from a published view.

What comes in: a query that names a view. What goes out: the query with the view's filter, columns and order where it
has none of its own. Who calls it: the query service. Views are a kind of the pages' room; only their bodies are read.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from fieldstone.objects.access.service import ActorAccess
from fieldstone.objects.query.values import ListQuery
from fieldstone.objects.types import ObjectType
from fieldstone.platform.kernel.errors import NotFound


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewed:
    """A query, and the filter of the view it started from."""

    query: ListQuery
    filter: str | None = None


def with_view(access: ActorAccess, kind: ObjectType, query: ListQuery) -> Viewed:
    """The query completed by its view. Raises `NotFound` for a view that the caller has not."""
    if query.view is None:
        return Viewed(query=query)
    definition = access.ctx.snapshot.definition("view", query.view)
    body = None if definition is None else definition.body
    if body is None or body.get("object") != kind.name or not _is_for(access, body.get("roles", ())):
        raise NotFound("{object} has no view called {name}.", object=kind.name, name=query.view[:80])
    fields = query.fields
    if fields is None and body.get("columns"):
        fields = tuple(path for path in body["columns"] if _is_visible(access, kind, path))
    sort = query.sort or tuple(path for path in body.get("sort", ()) if _is_visible(access, kind, path.lstrip("-")))
    return Viewed(query=replace(query, fields=fields, sort=sort), filter=body.get("filter"))


def _is_for(access: ActorAccess, roles: object) -> bool:
    if not isinstance(roles, list | tuple) or not roles or access.policy.is_system:
        return True
    return not access.policy.names.isdisjoint(roles)


def _is_visible(access: ActorAccess, kind: ObjectType, path: str) -> bool:
    """Whether the caller may see every step of a path; what is hidden is left out of a view."""
    at: ObjectType | None = kind
    for name in path.split("."):
        rights = None if at is None else access.policy.rights(at.name)
        if at is None or rights is None or not rights.readable(name) or name not in at.fields:
            return False
        targets = at.fields[name].type.targets
        at = access.objects(targets[0]) if len(targets) == 1 else None
    return True
