"""What ui brings: the kinds view, layout and app, static files, and every page.

The services behind the pages belong to the parts before it; pages are made when all parts have registered, so that
other rooms can bring panels (`Panels`) and a demonstration its accounts (`SignInAccounts`). Called by `app.py`.
"""

from __future__ import annotations

from fieldstone.objects.access.service import Access
from fieldstone.objects.approvals.service import ApprovalService
from fieldstone.objects.files.service import FileService
from fieldstone.objects.part import FieldTypeRegistry
from fieldstone.objects.query.service import QueryService
from fieldstone.objects.records.service import RecordService
from fieldstone.platform.frame import Frame, Part
from fieldstone.platform.http.problems import ErrorPages
from fieldstone.platform.identity.services import Identity
from fieldstone.platform.work.jobs import Jobs
from fieldstone.ui import htmx
from fieldstone.ui.assets import Assets
from fieldstone.ui.definition.app import KIND as APP
from fieldstone.ui.definition.layout import KIND as LAYOUT
from fieldstone.ui.definition.view import KIND as VIEW
from fieldstone.ui.pages.actions import make_action_pages
from fieldstone.ui.pages.activity import make_activity_pages
from fieldstone.ui.pages.approvals import approval_panel, make_approval_pages
from fieldstone.ui.pages.bin import make_bin_pages
from fieldstone.ui.pages.bulk import make_bulk_pages
from fieldstone.ui.pages.errors import HtmlErrorPages
from fieldstone.ui.pages.forms import make_form_pages
from fieldstone.ui.pages.home import HomeParts, make_home_pages
from fieldstone.ui.pages.jobs import make_job_pages
from fieldstone.ui.pages.lists import ListParts, make_list_pages
from fieldstone.ui.pages.lookups import make_lookup_pages
from fieldstone.ui.pages.page import PageMaker
from fieldstone.ui.pages.profile import make_profile_pages
from fieldstone.ui.pages.records import RecordParts, make_record_pages
from fieldstone.ui.pages.search import make_search_pages
from fieldstone.ui.pages.sign_in import SignInAccounts, make_sign_in_pages
from fieldstone.ui.pages.static import make_static_pages
from fieldstone.ui.reading import ObjectReading, UnreadNotifications
from fieldstone.ui.records.actions import ActionInputs
from fieldstone.ui.records.panels import Panel, Panels
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
    static.record_once(htmx.install)
    frame.blueprints.append(static)


def complete(frame: Frame) -> None:
    """The pages."""
    maker, access, query = frame.need(PageMaker), frame.need(Access), frame.need(QueryService)
    renderer, identity = frame.need(Renderer), frame.need(Identity)
    panels = frame.need(Panels)
    panels.add(approval_panel())
    panels.add(Panel(name="activity", shown=lambda ctx, record: True))
    records = RecordParts(
        maker=maker,
        access=access,
        query=query,
        records=frame.need(RecordService),
        files=frame.need(FileService),
        panels=panels.all(),
    )
    lists = ListParts(maker=maker, access=access, query=query)
    approvals, shell = frame.need(ApprovalService), frame.need(Shell)
    home = HomeParts(maker=maker, shell=shell, access=access, query=query, records=records.records, approvals=approvals)
    pages = (
        make_sign_in_pages(identity, renderer, frame.find(SignInAccounts)),
        make_home_pages(home),
        make_list_pages(lists),
        make_bulk_pages(records, lists),
        make_record_pages(records),
        make_form_pages(records),
        make_action_pages(records, ActionInputs(frame.need(FieldTypeRegistry).types)),
        make_activity_pages(records),
        make_approval_pages(maker, approvals),
        make_lookup_pages(access, query),
        make_search_pages(maker, shell, query),
        make_bin_pages(maker, access, query),
        make_job_pages(maker, access, frame.need(Jobs)),
        make_profile_pages(maker, identity),
    )
    frame.blueprints += [each.blueprint for each in pages]


PART = Part(name="ui", register=register, complete=complete)
