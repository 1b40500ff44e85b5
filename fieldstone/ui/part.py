"""What ui brings: the kinds view, layout and app, static files, and every page.

The services behind the pages belong to the parts before it; pages are made when all parts have registered, so that
other rooms can bring panels (`Panels`) and a demonstration its accounts (`SignInAccounts`). Called by `app.py`.
"""

from __future__ import annotations

from fieldstone.objects.access.service import Access
from fieldstone.objects.query.service import QueryService
from fieldstone.objects.records.service import RecordService
from fieldstone.platform.frame import Frame, Part
from fieldstone.platform.http.problems import ErrorPages
from fieldstone.platform.identity.services import Identity
from fieldstone.ui import htmx
from fieldstone.ui.assets import Assets
from fieldstone.ui.definition.app import KIND as APP
from fieldstone.ui.definition.layout import KIND as LAYOUT
from fieldstone.ui.definition.view import KIND as VIEW
from fieldstone.ui.pages.errors import HtmlErrorPages
from fieldstone.ui.pages.forms import make_form_pages
from fieldstone.ui.pages.lists import ListParts, make_list_pages
from fieldstone.ui.pages.page import PageMaker
from fieldstone.ui.pages.records import RecordParts, make_record_pages
from fieldstone.ui.pages.sign_in import SignInAccounts, make_sign_in_pages
from fieldstone.ui.pages.static import make_static_pages
from fieldstone.ui.reading import ObjectReading, UnreadNotifications
from fieldstone.ui.records.panels import Panels
from fieldstone.ui.render import Renderer
from fieldstone.ui.shell import Shell

KINDS = (VIEW, LAYOUT, APP)


def register(frame: Frame) -> None:
    """Kinds, the look, and what other rooms hang their pages on."""
    for kind in KINDS:
        frame.kinds.register(kind.name, kind)
    assets = Assets()
    renderer = Renderer(assets)
    access, query = frame.need(Access), frame.need(QueryService)
    shell = Shell(ObjectReading(access), UnreadNotifications(access, query))
    for service in (assets, renderer, shell, PageMaker(renderer, shell), Panels()):
        frame.provide(service)
    frame.provide(HtmlErrorPages(renderer), ErrorPages)
    static = make_static_pages(assets).blueprint
    static.record_once(lambda state: htmx.install(state.app))
    frame.blueprints.append(static)


def complete(frame: Frame) -> None:
    """The pages."""
    maker, access, query = frame.need(PageMaker), frame.need(Access), frame.need(QueryService)
    renderer, identity = frame.need(Renderer), frame.need(Identity)
    records = RecordParts(
        maker=maker,
        access=access,
        query=query,
        records=frame.need(RecordService),
        panels=frame.need(Panels).all(),
    )
    frame.blueprints += [
        make_sign_in_pages(identity, renderer, frame.find(SignInAccounts)).blueprint,
        make_list_pages(ListParts(maker=maker, access=access, query=query)).blueprint,
        make_record_pages(records).blueprint,
        make_form_pages(records).blueprint,
    ]


PART = Part(name="ui", register=register, complete=complete)
