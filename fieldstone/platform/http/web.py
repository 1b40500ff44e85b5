"""The Flask app: hooks around every request, error answers, blueprints.

What comes in: the frame with its services and blueprints. What goes out: a WSGI app that refuses to exist when a route
declares no policy. Called by `fieldstone.app.create_app`.
"""

from __future__ import annotations

from flask import Flask, request
from flask.sessions import SecureCookieSessionInterface
from flask_wtf.csrf import CSRFProtect
from werkzeug.middleware.proxy_fix import ProxyFix

from fieldstone.platform.frame import Frame
from fieldstone.platform.http.edge import EXTENSION, Edge, SessionTouch
from fieldstone.platform.http.health import make_probes
from fieldstone.platform.http.hooks import arrive, leave, refuse
from fieldstone.platform.http.hosts import Hosts
from fieldstone.platform.http.idempotency import Idempotency
from fieldstone.platform.http.limits import NoLimits, RequestLimits
from fieldstone.platform.http.metrics import Metrics
from fieldstone.platform.http.policies import Rights
from fieldstone.platform.http.problems import ErrorPages
from fieldstone.platform.http.routes import undeclared
from fieldstone.platform.kernel.errors import Misconfigured
from fieldstone.platform.logs import through_logging
from fieldstone.platform.settings import Settings
from fieldstone.platform.tenancy.store import TenantStore
from fieldstone.platform.units import Units


def make_app(frame: Frame) -> Flask:
    """The app of a frozen frame. Raises `Misconfigured` for a route without a policy."""
    settings = frame.settings
    through_logging()
    app = Flask("fieldstone", static_folder=None, template_folder=None)
    _configure(app, settings)
    app.extensions[EXTENSION] = make_edge(frame)
    CSRFProtect(app)
    app.before_request(arrive)
    app.after_request(leave)
    app.register_error_handler(Exception, refuse)
    for blueprint in (make_probes().blueprint, *frame.blueprints):
        app.register_blueprint(blueprint)
    missing = undeclared(app)
    if missing:
        raise Misconfigured("These routes declare no policy: {routes}.", routes=missing)
    return app


def make_edge(frame: Frame) -> Edge:
    """The services behind the views, out of the frame."""
    settings = frame.settings
    return Edge(
        settings=settings,
        units=frame.need(Units),
        hosts=Hosts(
            frame.need(TenantStore),
            base_domain=settings.base_domain,
            default_tenant=settings.default_tenant,
            environment=settings.environment,
        ),
        limits=_limits(settings),
        rights=frame.need(Rights),  # type: ignore[type-abstract]
        idempotency=Idempotency(hours=settings.idempotency_hours),
        touch=frame.need(SessionTouch),  # type: ignore[type-abstract]
        metrics=Metrics(),
        probes=tuple(frame.probes),
        error_pages=frame.find(ErrorPages),  # type: ignore[type-abstract]
    )


def _limits(settings: Settings) -> RequestLimits:
    if not settings.rate_limits or settings.environment in ("demo", "bench"):
        return NoLimits()
    return RequestLimits(per_minute=settings.requests_per_minute)


def _configure(app: Flask, settings: Settings) -> None:
    app.config.update(
        SECRET_KEY=settings.secret_key,
        MAX_CONTENT_LENGTH=settings.file_limit,
        MAX_FORM_MEMORY_SIZE=settings.body_limit,
        MAX_FORM_PARTS=1_000,
        SESSION_COOKIE_NAME="fs_form",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        WTF_CSRF_CHECK_DEFAULT=False,
        WTF_CSRF_TIME_LIMIT=None,
        PROPAGATE_EXCEPTIONS=False,
        DEBUG=settings.debug,
        TESTING=False,
    )
    app.session_interface = FormCookie()
    if settings.trusted_proxies:
        hops = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]


class FormCookie(SecureCookieSessionInterface):
    """The signed cookie that holds the form token; secure whenever the request is."""

    def get_cookie_secure(self, app: Flask) -> bool:
        return request.is_secure
