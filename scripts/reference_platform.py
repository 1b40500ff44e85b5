"""Writes docs/reference/{cli,errors,settings}.md from the code.

python scripts/reference_platform.py          write them
python scripts/reference_platform.py --check  exit 1 when they are not up to date
"""

from __future__ import annotations

import ast
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

import click

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from fieldstone.app import make_frame  # noqa: E402
from fieldstone.platform.commands import LazyCommand  # noqa: E402
from fieldstone.platform.http.statuses import status_of  # noqa: E402
from fieldstone.platform.kernel.errors import FieldstoneError  # noqa: E402
from fieldstone.platform.settings import PREFIX, Settings  # noqa: E402
from scripts.messages import MESSAGE_ARGUMENT, SOURCE, literals, name_of  # noqa: E402

FOLDER = ROOT / "docs" / "reference"
NOTE = "<!-- Written by scripts/reference_platform.py; do not edit. -->"


def settings_page() -> str:
    """Every setting with its variable, default and meaning."""
    lines = [
        "# Settings",
        "",
        NOTE,
        "",
        "A setting is an environment variable. Where it is not set it is read from `.env` in the working directory, "
        "then from `settings.env` in the data directory. Times are in seconds, sizes in bytes.",
        "",
    ]
    for item in fields(Settings):
        lines += [f"## {PREFIX}{item.name.upper()}", "", item.metadata["help"], "", f"Default: {_default(item)}.", ""]
    return _text(lines)


def _default(item: Any) -> str:
    value = item.default if item.default is not MISSING else item.default_factory()
    if value in (None, "", ()) or value == {}:
        return "none"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`{value}`"


def cli_page() -> str:
    """Every command with its arguments and options."""
    lines = [
        "# Commands",
        "",
        NOTE,
        "",
        "`fieldstone --help` lists the commands, `fieldstone COMMAND --help` explains one. The exit status is 0 when "
        "it was done, 1 when it was refused, with the reason on standard error, and 2 when it was misused. With "
        "`--json`, which every command understands, the reason is one JSON object.",
        "",
    ]
    with tempfile.TemporaryDirectory() as folder:
        frame = make_frame(Settings(environment="test", secret_key="x" * 40, data_dir=Path(folder)))
        for command in sorted(frame.commands, key=lambda each: str(each.name)):
            for path, leaf in _leaves(f"fieldstone {command.name}", command):
                lines += _described(path, leaf)
    return _text(lines)


def _leaves(path: str, command: click.Command) -> Iterator[tuple[str, click.Command]]:
    if isinstance(command, LazyCommand):
        command = command.loaded()
    if not isinstance(command, click.Group):
        yield path, command
        return
    for name in sorted(command.commands):
        yield from _leaves(f"{path} {name}", command.commands[name])


def _described(path: str, command: click.Command) -> list[str]:
    arguments = [each for each in command.params if isinstance(each, click.Argument)]
    options = [each for each in command.params if isinstance(each, click.Option)]
    usage = " ".join([path, *(["[OPTIONS]"] if options else []), *(each.human_readable_name for each in arguments)])
    help_text = " ".join((command.help or command.short_help or "").split())
    lines = [f"## {path}", "", help_text, "", "```", usage, "```", ""]
    if options:
        lines += ["| option | meaning |", "|---|---|"]
        lines += [f"| {_names(each)} | {_meaning(each)} |" for each in options]
        lines.append("")
    return lines


def _names(option: click.Option) -> str:
    value = "" if option.is_flag else f" {(option.metavar or option.type.name).upper()}"
    return ", ".join(f"`{name}{value}`" for name in option.opts)


def _meaning(option: click.Option) -> str:
    notes = [" ".join((option.help or "").split())]
    if isinstance(option.type, click.Choice):
        notes.append("One of " + ", ".join(f"`{choice}`" for choice in option.type.choices) + ".")
    if option.required:
        notes.append("Required.")
    elif isinstance(option.show_default, str):
        notes.append(f"Default: {option.show_default}.")
    elif option.show_default:
        notes.append(f"Default: `{option.default}`.")
    return " ".join(note for note in notes if note).replace("|", "\\|")


def errors_page() -> str:
    """Every error code with its status and words, and the codes of single fields."""
    codes, field_codes = _codes()
    lines = [
        "# Error codes",
        "",
        NOTE,
        "",
        "Every refusal is `application/problem+json` (RFC 9457) with `type`, `title`, `status`, `code`, `detail` and "
        "`trace_id`, and `errors` when single fields are at fault: `path` is a JSON pointer into the body (`?name` for "
        "a query parameter), `code` and `message` say what is wrong. Messages are in the caller's language; codes "
        "never change. Facts that are lists or mappings are further members, such as `conflicts` of `stale_revision`.",
        "",
    ]
    for code in sorted(codes):
        statuses = sorted({status for status, _ in codes[code]})
        lines += [f"## {code}", "", "Status " + " or ".join(map(str, statuses)) + ".", ""]
        lines += [f"- {words}" for words in sorted({words for _, words in codes[code] if words})]
        lines.append("")
    lines += ["# Codes of fields", "", "These stand in `errors`, below a problem with status 400 or 422.", ""]
    lines += ["| code | message |", "|---|---|"]
    for code in sorted(field_codes):
        lines.append(f"| `{code}` | {' · '.join(sorted(field_codes[code]))} |")
    return _text(lines)


def _codes() -> tuple[dict[str, set[tuple[int, str]]], dict[str, set[str]]]:
    kinds = {kind.__name__: kind for kind in _all_errors(FieldstoneError)}
    codes: defaultdict[str, set[tuple[int, str]]] = defaultdict(set)
    for kind in kinds.values():
        codes[kind.code].add((status_of(kind.__new__(kind)), " ".join((kind.__doc__ or "").split())))
    for http_code, status, words in (
        ("method_not_allowed", 405, "This address does not know the method {method}."),
        ("internal", 500, "Something went wrong on our side. Please quote {trace_id}."),
    ):
        codes[http_code].add((status, words))
    field_codes: defaultdict[str, set[str]] = defaultdict(set)
    for path in sorted(SOURCE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call):
                _note(node, kinds, codes, field_codes)
    return codes, field_codes


def _note(
    node: ast.Call,
    kinds: dict[str, type[FieldstoneError]],
    codes: dict[str, set[tuple[int, str]]],
    field_codes: dict[str, set[str]],
) -> None:
    name = name_of(node.func) or ""
    given = {keyword.arg: keyword.value for keyword in node.keywords}
    if name in kinds and "code" in given:
        kind = kinds[name]
        said = [*node.args[:1], *(value for argument, value in given.items() if argument == "message")]
        messages = [text for value in said for text in literals(value)]
        for code in literals(given["code"]):
            for message in messages or [(kind.__doc__ or "").strip()]:
                codes[code].add((status_of(kind.__new__(kind)), message))
    elif name == "FieldError" and name in MESSAGE_ARGUMENT and {"code", "message"} <= set(given):
        for code in literals(given["code"]):
            field_codes[code].update(literals(given["message"]))
    elif name in ("add", "fault") and len(node.args) >= 3:
        for code in literals(node.args[1]):
            field_codes[code].update(literals(node.args[2]))


def _all_errors(kind: type[FieldstoneError]) -> Iterator[type[FieldstoneError]]:
    yield kind
    for below in kind.__subclasses__():
        if below.__module__.startswith("fieldstone."):
            yield from _all_errors(below)


def _text(lines: list[str]) -> str:
    return "\n".join(lines).rstrip() + "\n"


def files() -> dict[Path, str]:
    """Everything that this script writes."""
    return {
        FOLDER / "settings.md": settings_page(),
        FOLDER / "cli.md": cli_page(),
        FOLDER / "errors.md": errors_page(),
    }


def main() -> int:
    """Write the files, or say which are not up to date."""
    stale = [path for path, text in files().items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    if "--check" in sys.argv:
        for path in stale:
            print(f"not up to date: {path.relative_to(ROOT)}")
        return 1 if stale else 0
    for path, text in files().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
