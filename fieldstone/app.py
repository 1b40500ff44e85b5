"""The composition root: lists the parts, puts them together, gives out the web app, the Celery app and the CLI.

It imports everything and nobody imports it. What only some processes need (Celery, Alembic, spreadsheets) is named as
text and imported when it is called, so that a web process starts without it.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import click
from flask import Flask

from fieldstone.objects.part import PART as OBJECTS
from fieldstone.objects.sql.sqlite_functions import FUNCTIONS
from fieldstone.platform.commands import Commands
from fieldstone.platform.frame import Composition, Frame, Part, compose
from fieldstone.platform.http.web import make_app
from fieldstone.platform.lazy import load
from fieldstone.platform.part import PART as PLATFORM
from fieldstone.platform.settings import Settings
from fieldstone.platform.work.assembly import Work
from fieldstone.plugins.part import PART as PLUGINS
from fieldstone.rules.part import KINDS
from fieldstone.ui.part import PART as UI

PARTS: tuple[Part, ...] = (PLATFORM, OBJECTS, UI, PLUGINS)


def make_frame(settings: Settings) -> Frame:
    """All parts on one frame, closed."""
    frame = Frame(settings)
    frame.provide(Composition(frame=make_frame, web=make_app))
    # The platform opens databases; what filters need of them is known to the objects room.
    frame.sqlite_functions += FUNCTIONS
    frame.sqlite_functions.extend(FUNCTIONS)
    for kind in KINDS:
        frame.kinds.register(kind.name, kind)
    return compose(frame, PARTS)


def create_app(settings: Settings | None = None) -> Flask:
    """The web app, for any WSGI server."""
    return make_app(make_frame(settings or Settings.load()))


def create_celery(settings: Settings | None = None) -> Any:
    """The Celery app, for `celery -A`; `fieldstone worker` is the usual way."""
    frame = make_frame(settings or Settings.load())
    make_celery = load("fieldstone.platform.work.celery_app:make_celery")
    return make_celery(frame.settings, frame.need(Work).handler.ring)


@cache
def _own_frame() -> Frame:
    return make_frame(Settings.load())


def _commands() -> list[click.Command]:
    return _own_frame().commands


cli = Commands("fieldstone", _commands, "Fieldstone: run, configure and look after an installation.")
