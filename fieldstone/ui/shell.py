"""The frame around every page: apps, navigation, the person, the tenant.

In: the context of the page's unit and the address. Out: the `shell` mapping that `shell/base.html` and
`shell/plain.html` read. Navigation shows only what the person may read. Called by `pages.page`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from fieldstone.platform.kernel.context import Context, Unit
from fieldstone.platform.kernel.text import Text, localized
from fieldstone.ui.definition.app import App, NavItem
from fieldstone.ui.render import words

PAGE_ICONS: Mapping[str, str] = {
    "home": "home",
    "approvals": "circle-check",
    "jobs": "activity",
    "bin": "trash",
    "dispatch": "route",
}


class Reading(Protocol):
    """Which objects somebody may read and create; provided by the access room."""

    def may_read(self, ctx: Context, object_name: str) -> bool: ...

    def may_create(self, ctx: Context, object_name: str) -> bool: ...

    def has_view(self, ctx: Context, object_name: str, view: str) -> bool: ...


class Counts(Protocol):
    """Numbers in the frame."""

    def unread(self, ctx: Context, unit: Unit) -> int:
        """Notifications that the person has not read."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where in the product a page is: its path, and the object it is about."""

    path: str
    object: str | None = None
    app: str | None = None


class Shell:
    """Builds the frame."""

    def __init__(self, reading: Reading, counts: Counts) -> None:
        self._reading = reading
        self._counts = counts

    def full(self, ctx: Context, unit: Unit, place: Place, csrf_token: str) -> dict[str, Any]:
        """The frame of a page behind the sign-in."""
        apps = self.apps(ctx)
        app = _current(apps, place)
        preferences = ctx.actor.preferences
        return {
            **plain(ctx.tenant.label, ctx.tenant.hue, ctx.locale, csrf_token),
            "theme": preferences.get("theme", "auto"),
            "density": preferences.get("density", "compact"),
            "app": _app_mark(app, ctx.locale) if app else None,
            "apps": [{**_app_mark(each, ctx.locale), "href": f"/apps/{each.name}"} for each in apps],
            "nav": self._navigation(ctx, app, place) if app else [],
            "user": {"name": ctx.actor.name, "email": ctx.actor.email, "initials": initials(ctx.actor.name)},
            "unread": self._counts.unread(ctx, unit),
            "search_url": "/search",
            "palette_url": "/palette",
            "create_links": self._create_links(ctx, app),
            "urls": {
                "home": "/",
                "profile": "/profile",
                "notifications": "/notifications",
                "jobs": "/jobs",
                "bin": "/bin",
                "sign_out": "/sign-out",
            },
        }

    def apps(self, ctx: Context) -> Sequence[App]:
        """The apps the person sees, in order."""
        found = [app for app in ctx.snapshot.all("app") if not app.roles or app.roles & ctx.actor.roles]
        return sorted(found, key=lambda app: (app.order, app.name))

    def commands(self, ctx: Context, place: Place) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """Every page that the navigation of some app has, and every kind of record that can be made."""
        pages: dict[str, dict[str, Any]] = {}
        links: dict[str, dict[str, Any]] = {}
        for app in self.apps(ctx):
            for group in self._navigation(ctx, app, place):
                pages.update({item["href"]: item for item in group["items"]})
            links.update({link["href"]: link for link in self._create_links(ctx, app)})
        return list(pages.values()), list(links.values())

    def _navigation(self, ctx: Context, app: App, place: Place) -> list[dict[str, Any]]:
        groups = []
        for group in app.groups:
            items = [self._line(ctx, item, place) for item in group.items]
            shown = [item for item in items if item is not None]
            if shown:
                groups.append({"label": localized(group.label, ctx.locale), "items": shown})
        return groups

    def _line(self, ctx: Context, item: NavItem, place: Place) -> dict[str, Any] | None:
        if item.page is not None:
            href = "/" if item.page == "home" else f"/{item.page}"
            name = localized(item.label, ctx.locale) or page_label(item.page, ctx.locale)
            return {"label": name, "href": href, "icon": PAGE_ICONS[item.page], "active": place.path == href}
        if item.object is None or not self._reading.may_read(ctx, item.object):
            return None
        if item.view is not None and not self._reading.has_view(ctx, item.object, item.view):
            return None
        target = ctx.snapshot.get("object", item.object)
        href = f"/o/{item.object}" + (f"?view={item.view}" if item.view else "")
        label: Text = item.label or target.plural
        return {
            "label": localized(label, ctx.locale),
            "href": href,
            "icon": target.icon,
            "active": place.object == item.object,
        }

    def _create_links(self, ctx: Context, app: App | None) -> list[dict[str, Any]]:
        names = [item.object for group in (app.groups if app else ()) for item in group.items if item.object]
        links = []
        for name in names[:12]:
            if self._reading.may_create(ctx, name):
                target = ctx.snapshot.get("object", name)
                links.append(
                    {
                        "label": target.text(ctx.locale),
                        "icon": target.icon,
                        "href": f"/o/{name}/new",
                        "drawer_url": f"/o/{name}/new?drawer=1",
                    }
                )
        return links[:8]


def plain(label: str, hue: int | None, locale: str, csrf_token: str) -> dict[str, Any]:
    """The frame of a page without navigation."""
    return {
        "tenant": {"label": label, "hue": hue},
        "locale": locale,
        "theme": "auto",
        "density": "compact",
        "csrf_token": csrf_token,
    }


def initials(name: str) -> str:
    """One or two letters that stand for a name."""
    parts = name.split()
    if not parts:
        return "?"
    if not parts[0].isascii():
        return parts[0][:1]
    return (parts[0][0] + (parts[-1][0] if len(parts) > 1 else "")).upper()


def page_label(page: str, locale: str) -> str:
    """The name of a page of the platform."""
    _ = words(locale)
    labels = {
        "home": _("Home"),
        "approvals": _("Approvals"),
        "jobs": _("Jobs"),
        "bin": _("Bin"),
        "dispatch": _("Dispatch"),
    }
    return labels[page]


def _current(apps: Sequence[App], place: Place) -> App | None:
    """The app that a page belongs to: the one chosen, else the first that shows the page's object."""
    for app in apps:
        if place.app == app.name:
            return app
    for app in apps:
        if place.object and any(item.object == place.object for group in app.groups for item in group.items):
            return app
    return apps[0] if apps else None


def _app_mark(app: App, locale: str) -> dict[str, Any]:
    return {"name": app.name, "label": localized(app.label, locale), "icon": app.icon}
