"""What the frame around pages asks of other rooms: rights on objects, and how many notifications are unread.

In: a context. Out: yes or no, a number. Made by `ui.part` for the shell.
"""

from __future__ import annotations

from fieldstone.objects.access.service import Access
from fieldstone.objects.query.service import QueryService
from fieldstone.objects.query.values import ListQuery
from fieldstone.platform.kernel.context import Context, Unit
from fieldstone.ui.definition.view import views_of

NOTIFICATION = "notification"
UNREAD = "read_at == null && recipient.id == user.id"


class ObjectReading:
    """Rights on objects, by what the roles of whoever reads allow."""

    def __init__(self, access: Access) -> None:
        self._access = access

    def may_read(self, ctx: Context, object_name: str) -> bool:
        """Whether any record of the object may be seen."""
        return self._access.of(ctx).may(object_name, "read")

    def may_create(self, ctx: Context, object_name: str) -> bool:
        """Whether records of the object may be created by hand."""
        access = self._access.of(ctx)
        kind = access.objects(object_name)
        return kind is not None and kind.managed_by is None and access.may(object_name, "create")

    def has_view(self, ctx: Context, object_name: str, view: str) -> bool:
        """Whether the person sees that view among the tabs."""
        views = views_of(ctx.snapshot, object_name)
        return any(each.name == view and each.shown_to(ctx.actor.roles) for each in views)


class UnreadNotifications:
    """The number on the bell."""

    def __init__(self, access: Access, query: QueryService) -> None:
        self._access = access
        self._query = query

    def unread(self, ctx: Context, unit: Unit) -> int:
        """Notifications that the person has not read."""
        if not self._access.of(ctx).may(NOTIFICATION, "read"):
            return 0
        return self._query.count(ctx, unit, ListQuery(object=NOTIFICATION, filter=UNREAD))[0]
