"""What the plugins room brings: the plugin host, dispatch (kind, API, panel, consumer), commands, the demonstration.

Called by `app.py`, last of all parts.
"""

from __future__ import annotations

from fieldstone.objects.access.service import Access
from fieldstone.objects.query.service import QueryService
from fieldstone.objects.records.service import RecordService
from fieldstone.platform.commands import LazyCommand
from fieldstone.platform.frame import Frame, Part
from fieldstone.platform.work.outbox import Outbox
from fieldstone.plugins.bench.command import make_bench
from fieldstone.plugins.cli.plugin import plugin
from fieldstone.plugins.demo.command import accounts_of, make_demo
from fieldstone.plugins.dispatch.api import make_dispatch_api
from fieldstone.plugins.dispatch.definition import KIND
from fieldstone.plugins.dispatch.messages import DispatchRequests, dispatch_consumer
from fieldstone.plugins.dispatch.pages import TEMPLATES, dispatch_panel, make_dispatch_pages
from fieldstone.plugins.dispatch.service import DispatchService
from fieldstone.plugins.host.host import PluginHost
from fieldstone.ui.pages.page import PageMaker
from fieldstone.ui.records.panels import Panels
from fieldstone.ui.render import Renderer


def register(frame: Frame) -> None:
    """Put everything of the room on the frame."""
    host, access = PluginHost.discover(), frame.need(Access)
    dispatch = DispatchService(host, frame.need(QueryService), frame.need(RecordService), access)
    frame.provide(host)
    frame.provide(dispatch)
    frame.kinds.register(KIND.name, KIND)
    frame.need(RecordService).connect(dispatching=DispatchRequests(frame.need(Outbox)))
    frame.consumers.register("dispatch", dispatch_consumer(dispatch))
    frame.need(Panels).add(dispatch_panel(access))
    frame.need(Renderer).add_folder(TEMPLATES)
    frame.blueprints += [
        make_dispatch_api(dispatch).blueprint,
        make_dispatch_pages(dispatch, frame.need(PageMaker)).blueprint,
    ]
    frame.commands += [
        plugin,
        LazyCommand("demo", "Start a demonstration.", lambda: make_demo(frame)),
        LazyCommand("bench", "Measure a checkout against bare handlers.", make_bench),
    ]
    accounts = accounts_of(frame.settings)
    if accounts is not None:
        frame.provide(accounts)


PART = Part(name="plugins", register=register)
