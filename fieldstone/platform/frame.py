"""The frame on which parts register themselves.

What it is for: `app.py` makes one `Frame`, hands it to every part in order and freezes it; afterwards it is only
read. What comes in: settings, kinds of metadata, consumers, timers, jobs, blueprints, commands and services.
What goes out: closed registries and a table of services found by type. Who calls it: the `part.py` of each
package, `app.py`, and the functions that build blueprints and commands (`make_api(frame) -> Blueprint`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, cast

import click
from flask import Blueprint, Flask

from fieldstone.platform.kernel.errors import DuplicateName, Frozen, Misconfigured
from fieldstone.platform.kernel.metadata import MetadataKind
from fieldstone.platform.kernel.registry import Registry
from fieldstone.platform.settings import Settings

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """Something `fieldstone doctor` looks at: `look` says in words what it found, or raises what is wrong."""

    name: str
    look: Callable[[], str]


class Frame:
    """What parts register on. Registries, lists and the service table close with `freeze`."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.kinds: Registry[MetadataKind] = Registry("metadata kind")
        self.consumers: Registry[Any] = Registry("consumer")
        self.timer_kinds: Registry[Any] = Registry("timer kind")
        self.job_kinds: Registry[Any] = Registry("job kind")
        self.sqlite_functions: list[Any] = []
        self.blueprints: list[Blueprint] = []
        self.commands: list[click.Command] = []
        self.probes: list[Any] = []
        self.checks: list[Check] = []
        self._services: dict[type, object] = {}
        self._frozen = False

    def provide(self, service: object, as_type: type | None = None) -> None:
        """Put a service into the table, under `as_type` (a protocol it fulfils) or its own class.

        Raises `DuplicateName` for a second service of a type, `Frozen` after start.
        """
        key = as_type or type(service)
        if self._frozen:
            raise Frozen(name="services")
        if key in self._services:
            raise DuplicateName(name=key.__name__)
        self._services[key] = service

    def need(self, type_: type[T]) -> T:
        """The service of that type. Raises `Misconfigured`: a part was listed before what it needs."""
        service = self.find(type_)
        if service is None:
            raise Misconfigured("No part provides {service}.", service=type_.__name__)
        return service

    def find(self, type_: type[T]) -> T | None:
        """The service of that type, or None when no part provides it."""
        return cast("T | None", self._services.get(type_))

    def freeze(self) -> None:
        """Close everything: a later registration is a start-up error."""
        for registry in (self.kinds, self.consumers, self.timer_kinds, self.job_kinds):
            registry.freeze()
        self._frozen = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Composition:
    """How an installation is put together; `app.py` provides it, for commands that do so with settings of their own."""

    frame: Callable[[Settings], Frame]
    web: Callable[[Frame], Flask]


def _nothing(_: Frame) -> None:
    """Most parts have nothing to complete."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One package of the house: the function that registers what it brings.

    `complete` runs when all parts have registered, in the same order: for what needs a service of a later part, or
    stands in where no part provides one.
    """

    name: str
    register: Callable[[Frame], None]
    complete: Callable[[Frame], None] = _nothing


def compose(frame: Frame, parts: Sequence[Part]) -> Frame:
    """Let the parts register and complete, in order, and close the frame."""
    for part in parts:
        part.register(frame)
    for part in parts:
        part.complete(frame)
    frame.freeze()
    return frame
