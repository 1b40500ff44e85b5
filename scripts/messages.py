"""Messages and their translations: which are missing, and a place for them in the catalogues.

`python scripts/messages.py` lists every message without a translation and exits 1 when there is one;
`python scripts/messages.py --update platform ui` adds empty entries for them to the `.po` files of these rooms. A
message is a literal: the first argument of an error of the tree, `message=` of `FieldError`, `Diagnostic`, `PlanStep`
and the like, what `mark(...)`, `translate(...)`, `_(...)` and `say(locale, ...)` are given, the docstring of an error
class, and what templates put into `_(...)`.
"""

from __future__ import annotations

import argparse
import ast
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po
from jinja2 import Environment

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "fieldstone"
LOCALES = ("zh-Hans", "zh-Hant")
ROOT_CLASS = "FieldstoneError"
MESSAGE_ARGUMENT = frozenset({"FieldError", "Diagnostic", "PlanStep", "Problem", "Finding"})
CALLED = frozenset({"_", "mark", "translate"})
# The gallery shows components to developers; its sample texts are nobody's words.
SAMPLES = ("fieldstone/ui/templates/gallery/", "fieldstone/ui/templates/gallery.html")
# Said to operators only, on a terminal or in a log, and that in English.
OPERATOR_CLASSES = frozenset({"Misconfigured", "DuplicateName", "Frozen"})
OPERATOR_FILES = (
    "fieldstone/platform/settings.py",
    "fieldstone/platform/cli/",
    "fieldstone/platform/commands.py",
    "fieldstone/platform/database/wall.py",
    "fieldstone/plugins/bench/",
)
SINCE = datetime(2026, 1, 1, tzinfo=UTC)
DEFAULT_HOME = "platform"
ROOMS = ("platform", "ui")


class Found:
    """Messages with the places that say them."""

    def __init__(self) -> None:
        self.places: defaultdict[str, set[str]] = defaultdict(set)

    def add(self, message: str, file: Path, line: int) -> None:
        text = " ".join(message.split())
        if text and any(character.isalpha() for character in text):
            self.places[text].add(f"{file.relative_to(ROOT).as_posix()}:{line}")


def find_messages() -> Found:
    """Every message of the product."""
    found = Found()
    trees = {path: ast.parse(path.read_text("utf-8")) for path in sorted(SOURCE.rglob("*.py"))}
    errors = error_classes(list(trees.values())) - OPERATOR_CLASSES
    for path, tree in trees.items():
        if path.relative_to(ROOT).as_posix().startswith(OPERATOR_FILES):
            continue
        for message, line in in_code(tree, errors):
            found.add(message, path, line)
    for path in sorted([*SOURCE.rglob("*.html"), *SOURCE.rglob("*.jinja")]):
        if path.relative_to(ROOT).as_posix().startswith(SAMPLES):
            continue
        for message, line in in_template(path.read_text("utf-8")):
            found.add(message, path, line)
    return found


def error_classes(trees: list[ast.Module]) -> set[str]:
    """Names of all classes below the root of the error tree."""
    bases: dict[str, set[str]] = {}
    for tree in trees:
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                bases.setdefault(node.name, set()).update(name for base in node.bases if (name := name_of(base)))
    known = {ROOT_CLASS}
    while True:
        more = {name for name, above in bases.items() if above & known} - known
        if not more:
            return known
        known |= more


def in_code(tree: ast.Module, errors: set[str]) -> Iterator[tuple[str, int]]:
    """Messages in one file of code."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and node.name in errors:
            docstring = ast.get_docstring(node)
            if docstring:
                yield docstring, node.lineno
        elif isinstance(node, ast.Call):
            yield from _in_call(node, errors)


def _in_call(node: ast.Call, errors: set[str]) -> Iterator[tuple[str, int]]:
    name = name_of(node.func)
    arguments = [*node.args[:1]] if name in errors | CALLED else []
    arguments += [k.value for k in node.keywords if k.arg == "message" and name in errors | MESSAGE_ARGUMENT]
    if name == "add" and len(node.args) >= 3 and name_of(getattr(node.func, "value", node)) in ("faults", "self"):
        arguments.append(node.args[2])
    if name == "say" and len(node.args) >= 2:
        arguments.append(node.args[1])
    if name == "fault" and len(node.args) >= 3:
        arguments.append(node.args[2])
    for argument in arguments:
        for literal in literals(argument):
            yield literal, node.lineno


def literals(node: ast.expr) -> Iterator[str]:
    """Texts an argument may be: a literal, or either side of a condition."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from literals(node.body)
        yield from literals(node.orelse)


def in_template(text: str) -> Iterator[tuple[str, int]]:
    """Messages in one template."""
    environment = Environment(extensions=["jinja2.ext.i18n", "jinja2.ext.do"])
    for line, _, message in environment.extract_translations(text):
        literal = message[0] if isinstance(message, tuple) else message
        if isinstance(literal, str):
            yield literal, line


def name_of(node: ast.AST) -> str | None:
    """The last name of `a.b.c`, or None."""
    if isinstance(node, ast.Name):
        return node.id
    return node.attr if isinstance(node, ast.Attribute) else None


def home_of(places: set[str]) -> str:
    """The room whose catalogue a message belongs to: ui's own, all others the platform's."""
    rooms = {place.split("/")[1] for place in places}
    return "ui" if rooms == {"ui"} else DEFAULT_HOME


def catalogue_path(room: str, locale: str) -> Path:
    """Where the translations of a room are."""
    return SOURCE / room / "locales" / f"{locale}.po"


def read(room: str, locale: str) -> Catalog:
    """The catalogue of a room, empty when there is none."""
    path = catalogue_path(room, locale)
    if not path.is_file():
        return Catalog(
            locale=locale.replace("-", "_"),
            header_comment=f"# Fieldstone in {locale}: the messages of {room}.",
            project="Fieldstone",
            version="1",
            charset="utf-8",
            creation_date=SINCE,
            revision_date=SINCE,
            fuzzy=False,
        )
    with path.open("rb") as stream:
        return read_po(stream, locale=locale.replace("-", "_"))


def missing(found: Found) -> dict[str, list[str]]:
    """Messages without translation, by locale."""
    lacking: dict[str, list[str]] = {}
    for locale in LOCALES:
        translated = {
            " ".join(str(message.id).split())
            for room in ROOMS
            for message in read(room, locale)
            if message.id and message.string
        }
        lacking[locale] = sorted(set(found.places) - translated)
    return lacking


def update(found: Found, rooms: Sequence[str]) -> None:
    """Add what is missing to the catalogues of these rooms, in order; translations are kept, also of other messages."""
    for room in rooms:
        wanted = {message: places for message, places in found.places.items() if home_of(places) == room}
        for locale in LOCALES:
            catalogue = read(room, locale)
            elsewhere = {str(m.id) for r in ROOMS if r != room for m in read(r, locale) if m.id and m.string}
            known = {" ".join(str(m.id).split()): m for m in list(catalogue) if m.id}
            for message, entry in known.items():
                if not entry.string and message not in wanted:
                    catalogue.delete(entry.id)
            for message in sorted(wanted):
                files = sorted({(place.rpartition(":")[0], None) for place in wanted[message]})
                if message in known:
                    known[message].locations = files
                elif message not in elsewhere:
                    catalogue.add(message, "", locations=files)
            write(catalogue, room, locale)


def write(catalogue: Catalog, room: str, locale: str) -> None:
    """Write a catalogue sorted by message."""
    path = catalogue_path(room, locale)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as stream:
        write_po(stream, catalogue, width=0, include_lineno=False, sort_output=True)


def main() -> int:
    """List what is missing; with `--update`, write the catalogues first."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--update", nargs="+", choices=ROOMS, default=[], help="rooms whose catalogues to write")
    wants = parser.parse_args()
    found = find_messages()
    update(found, wants.update)
    lacking = missing(found)
    for locale, messages in lacking.items():
        for message in messages:
            print(f"{locale}\t{sorted(found.places[message])[0]}\t{message}")
    return 1 if any(lacking.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
