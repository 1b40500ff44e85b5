"""The command line's root: finds commands, loads their code when they are called, says refusals well.

What comes in: the arguments. What goes out: an exit status (0 done, 1 refused, 2 misused) and, for a refusal, its
reason on standard error, as JSON with `--json`, which every command understands anywhere on the line. Commands come
from the frame; a `LazyCommand` is known by its name and one line, so that asking for help imports little.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import click

from fieldstone.platform.database.errors import DRIVER_ERRORS, ConnectionLost
from fieldstone.platform.i18n import translate
from fieldstone.platform.kernel.errors import FieldstoneError, Unavailable

JSON_FLAG = "--json"
JSON_META = "fieldstone.json"


class LazyCommand(click.Command):
    """A command whose code is imported when it is called, by `make`."""

    def __init__(self, name: str, short_help: str, make: Callable[[], click.Command]) -> None:
        super().__init__(name, short_help=short_help, help=short_help)
        self._make = make

    def loaded(self) -> click.Command:
        """The command itself."""
        return self._make()


class Commands(click.Group):
    """The root group. `source` gives the commands of the composed installation."""

    def __init__(self, name: str, source: Callable[[], Sequence[click.Command]], help_text: str) -> None:
        super().__init__(name, help=help_text, no_args_is_help=True)
        self._source = source
        self.params.append(click.Option([JSON_FLAG], is_flag=True, expose_value=False, help="Say refusals as JSON."))

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(self._found())

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return self._found().get(cmd_name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name, command, rest = super().resolve_command(ctx, args)
        if isinstance(command, LazyCommand):
            command = command.loaded()
        if command is not None and JSON_FLAG in rest and not _knows_json(command, rest):
            rest = [argument for argument in rest if argument != JSON_FLAG]
        return name, command, rest

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        as_json = JSON_FLAG in args
        with refusals(as_json=as_json):
            ctx = super().make_context(info_name, args, parent, **extra)
        ctx.meta[JSON_META] = as_json
        return ctx

    def invoke(self, ctx: click.Context) -> Any:
        with refusals(as_json=ctx.meta[JSON_META]):
            return super().invoke(ctx)

    def _found(self) -> dict[str, click.Command]:
        return {str(command.name): command for command in self._source()}


class Refused(click.ClickException):
    """A refusal on its way to standard error; ends the program with status 1."""

    exit_code = 1

    def __init__(self, error: FieldstoneError, *, as_json: bool) -> None:
        super().__init__(_in_words(error))
        self._error = error
        self._as_json = as_json

    def show(self, file: Any = None) -> None:
        if self._as_json:
            click.echo(json.dumps(refusal(self._error), ensure_ascii=False, default=str), err=True)
        else:
            click.echo(self.message, err=True)


@contextmanager
def refusals(*, as_json: bool) -> Iterator[None]:
    """Turn errors of the tree, and databases that cannot be reached, into `Refused`."""
    try:
        yield
    except FieldstoneError as error:
        raise Refused(error, as_json=as_json) from error
    except ConnectionLost as error:
        raise Refused(Unavailable("The database cannot be reached."), as_json=as_json) from error
    except DRIVER_ERRORS as error:
        words = Unavailable("The database cannot be used: {reason}.", reason=type(error).__name__)
        raise Refused(words, as_json=as_json) from error


def _knows_json(command: click.Command, rest: list[str]) -> bool:
    """Whether the command that `rest` leads to has a `--json` of its own."""
    for argument in rest:
        if not isinstance(command, click.Group):
            break
        command = command.commands.get(argument, command)
    return any(JSON_FLAG in parameter.opts for parameter in command.params)


def refusal(error: FieldstoneError) -> dict[str, Any]:
    """A refusal for programs: code, message, errors, and the facts that are lists or mappings."""
    return {
        "code": error.instance_code,
        "message": translate(error.message, error.facts, "en"),
        "errors": [
            {"path": item.path, "code": item.code, "message": translate(item.message, item.facts, "en")}
            for item in error.errors
        ],
        **{name: value for name, value in error.facts.items() if isinstance(value, list | tuple | dict)},
    }


def _in_words(error: FieldstoneError) -> str:
    lines = [translate(error.message, error.facts, "en")]
    lines += [f"  {item.path}: {translate(item.message, item.facts, 'en')}" for item in error.errors]
    return "\n".join(lines)
