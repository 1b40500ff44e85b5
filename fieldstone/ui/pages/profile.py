"""One's own account: language, time zone, theme, density, password, second factor, open sessions.

In: forms. Out: the profile page; what went wrong stands on it again. Registered by `ui.part`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from zoneinfo import available_timezones

from flask import Response
from markupsafe import Markup

from fieldstone.platform.http.call import LOCALE_COOKIE, Call
from fieldstone.platform.http.credentials import session_secret
from fieldstone.platform.http.policies import SIGNED_IN
from fieldstone.platform.http.routes import Pages
from fieldstone.platform.i18n import mark, translate
from fieldstone.platform.identity.services import Identity
from fieldstone.platform.kernel.context import Context, Unit
from fieldstone.platform.kernel.errors import FieldstoneError, Invalid
from fieldstone.platform.kernel.text import LOCALES
from fieldstone.ui.pages.page import PageMaker, say
from fieldstone.ui.pages.sign_in import redirect
from fieldstone.ui.records.activity import ago

LANGUAGES = {"en": "English", "zh-Hans": "简体中文", "zh-Hant": "繁體中文"}
THEMES = ("auto", "light", "dark")
DENSITIES = ("compact", "comfy")
THEME_WORDS = {"auto": mark("As the device"), "light": mark("Light"), "dark": mark("Dark")}
DENSITY_WORDS = {"compact": mark("Compact"), "comfy": mark("Comfortable")}
YEAR = 365 * 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What the page says besides: a refusal, or something that is shown only once."""

    message: str = ""
    about: str = ""
    codes: tuple[str, ...] = ()
    picture: str = ""
    secret: str = ""


def make_profile_pages(maker: PageMaker, identity: Identity) -> Pages:
    """The routes."""
    pages = Pages("profile_pages")
    profile = Profile(maker, identity)

    @pages.get("/profile", policy=SIGNED_IN)
    def profile_page(call: Call) -> Response:
        return profile.show(call, Told())

    @pages.post("/profile", policy=SIGNED_IN)
    def save(call: Call) -> Response:
        return profile.tried(call, "settings", lambda: profile.save_settings(call))

    @pages.post("/profile/password", policy=SIGNED_IN)
    def password(call: Call) -> Response:
        return profile.tried(call, "password", lambda: profile.change_password(call))

    _session_routes(pages, identity)
    _second_factor_routes(pages, identity, profile)
    return pages


def _session_routes(pages: Pages, identity: Identity) -> None:
    @pages.post("/profile/sessions/<session_id>/end", policy=SIGNED_IN)
    def end_session(call: Call, session_id: str) -> Response:
        call.write(lambda ctx, unit: identity.sessions.revoke(ctx, unit, session_id))
        return redirect("/profile#sessions")

    @pages.post("/profile/sessions/end-others", policy=SIGNED_IN)
    def end_others(call: Call) -> Response:
        secret = session_secret(call.request) or ""

        def work(ctx: Context, unit: Unit) -> None:
            identity.sessions.revoke_all(ctx, unit, ctx.actor.id, but=identity.sessions.current(unit, secret))

        call.write(work)
        return redirect("/profile#sessions")


def _second_factor_routes(pages: Pages, identity: Identity, profile: Profile) -> None:
    @pages.post("/profile/second-factor", policy=SIGNED_IN)
    def start(call: Call) -> Response:
        made = call.write(identity.totp.start)
        return profile.show(call, Told(about="code", picture=made.qr_svg, secret=made.secret))

    @pages.post("/profile/second-factor/confirm", policy=SIGNED_IN)
    def confirm(call: Call) -> Response:
        code = call.request.form.get("code", "")[:100]

        def work() -> Response:
            codes = call.write(lambda ctx, unit: identity.totp.confirm(ctx, unit, code))
            return profile.show(call, Told(about="codes", codes=tuple(codes)))

        return profile.tried(call, "code", work)

    @pages.post("/profile/second-factor/remove", policy=SIGNED_IN)
    def remove(call: Call) -> Response:
        code = call.request.form.get("code", "")[:100]

        def work() -> Response:
            call.write(lambda ctx, unit: identity.totp.remove_own(ctx, unit, code))
            return redirect("/profile#second-factor")

        return profile.tried(call, "remove", work)


class Profile:
    """Draws the page and does what its forms ask."""

    def __init__(self, maker: PageMaker, identity: Identity) -> None:
        self._maker = maker
        self._identity = identity

    def tried(self, call: Call, about: str, work: Callable[[], Response]) -> Response:
        """Do the work; a refusal is shown on the page, beside the form it is about."""
        try:
            return work()
        except Invalid as refusal:
            return self.show(call, Told(message=_sentence(refusal, call.locale), about=about), 422)

    def show(self, call: Call, told: Told, status: int = 200) -> Response:
        """The page."""
        secret = session_secret(call.request) or ""

        def look(ctx: Context, unit: Unit) -> Mapping[str, Any]:
            user = self._identity.users.get(ctx, unit, ctx.actor.id)
            current = self._identity.sessions.current(unit, secret)
            return {
                "user": user,
                "told": told,
                "picture": Markup(told.picture),  # noqa: S704 - drawn by our own service
                "languages": [{"value": name, "label": label} for name, label in LANGUAGES.items()],
                "time_zones": [
                    {"value": zone, "label": zone.replace("_", " ")} for zone in sorted(available_timezones())
                ],
                "locale_now": user.locale or ctx.locale,
                "time_zone_now": user.time_zone or ctx.tenant.time_zone,
                "theme": user.preferences.get("theme", "auto"),
                "density": user.preferences.get("density", "compact"),
                "themes": _options(THEMES, THEME_WORDS, ctx.locale),
                "densities": _options(DENSITIES, DENSITY_WORDS, ctx.locale),
                "sessions": [
                    {
                        "id": each.id,
                        "device": _device(each.user_agent),
                        "address": each.address,
                        "seen": ago(each.last_seen_at, ctx),
                        "current": each.id == current,
                    }
                    for each in self._identity.sessions.list(ctx, unit, ctx.actor.id)
                ],
            }

        return self._maker.page(call, "pages/profile.html", look, status=status)

    def save_settings(self, call: Call) -> Response:
        """Save name, language, time zone, theme and density."""
        form = call.request.form
        locale = form.get("locale", "")

        def work(ctx: Context, unit: Unit) -> None:
            user = self._identity.users.get(ctx, unit, ctx.actor.id)
            theme = form.get("theme", "") if form.get("theme") in THEMES else "auto"
            density = form.get("density", "") if form.get("density") in DENSITIES else "compact"
            values = {
                "name": form.get("name", "").strip(),
                "locale": locale if locale in LOCALES else None,
                "time_zone": form.get("time_zone") or None,
                "preferences": {**user.preferences, "theme": theme, "density": density},
            }
            self._identity.users.update(ctx, unit, ctx.actor.id, values)

        call.write(work)
        answer = redirect("/profile")
        if locale in LOCALES:
            answer.set_cookie(LOCALE_COOKIE, locale, max_age=YEAR, samesite="Lax", secure=call.request.is_secure)
        return answer

    def change_password(self, call: Call) -> Response:
        """Change the password; other sessions end."""
        form = call.request.form
        call.query()
        self._identity.passwords.change(
            call.caller, form.get("current", ""), form.get("new", ""), keep_session=session_secret(call.request)
        )
        return redirect("/profile#password")


def _options(names: tuple[str, ...], labels: Mapping[str, str], locale: str) -> list[dict[str, str]]:
    return [{"value": name, "label": say(locale, labels[name])} for name in names]


def _sentence(refusal: FieldstoneError, locale: str) -> str:
    told = [translate(error.message, error.facts, locale) for error in refusal.errors]
    return " ".join(told) or translate(refusal.message, refusal.facts, locale)


def _device(user_agent: str) -> str:
    """Browser and system, as far as the user agent tells."""
    browsers = (("Edg/", "Edge"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari"))
    systems = (
        ("iPhone", "iPhone"),
        ("Android", "Android"),
        ("Windows", "Windows"),
        ("Mac OS", "macOS"),
        ("Linux", "Linux"),
    )
    browser = next((name for sign, name in browsers if sign in user_agent), "")
    system = next((name for sign, name in systems if sign in user_agent), "")
    return " · ".join(part for part in (browser, system) if part) or user_agent[:60] or "?"
