"""The platform's own commands, known by name and one line; their code is imported when they are called."""

from __future__ import annotations

from functools import partial

import click

from fieldstone.platform.commands import LazyCommand
from fieldstone.platform.frame import Frame
from fieldstone.platform.lazy import load

_HERE = "fieldstone.platform.cli."
_COMMANDS: tuple[tuple[str, str, str], ...] = (
    ("serve", "Serve the pages and the API.", "serving:make_serve"),
    ("worker", "Do the work that was queued: messages, timers, jobs.", "serving:make_worker"),
    ("tenant", "Make, list, suspend, export and restore tenants.", "tenants:make_tenant"),
    ("user", "Make users and let them set a password.", "people:make_user"),
    ("token", "Make API tokens.", "people:make_token"),
    ("db", "Bring the databases up to date, or say what is missing.", "databases:make_db"),
    ("doctor", "Look for what is wrong with this installation.", "doctor:make_doctor"),
)


def core_commands(frame: Frame) -> list[click.Command]:
    """One lazy command each."""
    return [LazyCommand(name, help_text, partial(_made, frame, target)) for name, help_text, target in _COMMANDS]


def _made(frame: Frame, target: str) -> click.Command:
    command = load(_HERE + target)(frame)
    assert isinstance(command, click.Command)
    return command
