"""Files of a package into a `Package`, and back.

What comes in: bytes by relative path, or elements as they are stored. What goes out: a package with translations merged
into its texts, or the files again, byte for byte when they were written by `package_files` before. What a file is, its
`$schema` tells; each kind has its folder. Whatever is wrong is collected and raised as one `Invalid`, each finding at
`path/of/file.json#/pointer`. Pure but for reading the files; called by the package service.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from fieldstone.platform.kernel.errors import FieldError, FieldstoneError, Invalid
from fieldstone.platform.kernel.metadata import Diagnostic, MetadataError, MetadataKind
from fieldstone.platform.kernel.registry import Registry
from fieldstone.platform.kernel.text import LOCALES
from fieldstone.platform.metadata.canonical import file_text, plain_body, read_json
from fieldstone.platform.metadata.manifest import Key
from fieldstone.platform.metadata.packages.files import MANIFEST, read_files
from fieldstone.platform.metadata.packages.package import MANIFEST_SCHEMA, Package
from fieldstone.platform.metadata.packages.translations import merge, split
from fieldstone.platform.metadata.schemas import SCHEMA_BASE, BodySchemas

TRANSLATIONS = "translations"
LICENSE = "LICENSE"
OTHER_FOLDERS = ("data", "examples", "imports")
OTHER_SUFFIXES = (".md", ".txt", ".csv", ".json")

_MANIFEST_KIND = MetadataKind(
    name="package", folder="", label="Package", schema=MANIFEST_SCHEMA, compile=lambda definition, snapshot: None
)


class PackageReader:
    """Reads packages of the registered kinds."""

    def __init__(self, kinds: Registry[MetadataKind], schemas: BodySchemas) -> None:
        self._kinds = kinds
        self._schemas = schemas

    def read(self, path: Path) -> Package:
        """The package in a folder or zip archive. Raises `NotFound`, `Invalid`, `MetadataError`."""
        return self.from_files(read_files(path))

    def from_files(self, files: Mapping[str, bytes]) -> Package:
        """The package in these files. Raises `Invalid` with all findings."""
        reading = _Reading(self._kinds, self._schemas)
        for path in sorted(files):
            reading.take(path, files[path])
        return reading.finished()


class _Reading:
    """One package while it is read."""

    def __init__(self, kinds: Registry[MetadataKind], schemas: BodySchemas) -> None:
        self._kinds = kinds
        self._schemas = schemas
        self._manifest: dict[str, Any] | None = None
        self._elements: dict[Key, dict[str, Any]] = {}
        self._sources: dict[Key, str] = {}
        self._texts: dict[str, dict[str, Any]] = {}
        self._files: dict[str, str] = {}
        self._errors: list[FieldError] = []

    def take(self, path: str, data: bytes) -> None:
        """Sort one file in; what is wrong with it is noted."""
        try:
            self._sort_in(path, data)
        except FieldstoneError as error:
            pointer = error.path if isinstance(error, MetadataError) else ""
            self._note(path, pointer, error.instance_code, error.message, error.facts)

    def finished(self) -> Package:
        """The package. Raises `Invalid` when anything was wrong."""
        if self._manifest is None and not self._errors:
            self._note(MANIFEST, "", "required", "A package has a file {name}.", {"name": MANIFEST})
        for locale, texts in self._texts.items():
            for address in merge(self._elements, locale, texts):
                path = f"{TRANSLATIONS}/{locale}.json"
                self._note(path, "/texts", "unknown_text", "There is no text {address}.", {"address": address})
        if self._errors or self._manifest is None:
            raise Invalid("This package is not valid.", code="package_invalid", errors=self._errors)
        return Package(
            manifest=self._manifest, elements=self._elements, locales=tuple(sorted(self._texts)), files=self._files
        )

    def _sort_in(self, path: str, data: bytes) -> None:
        folder = PurePosixPath(path).parts[0] if "/" in path else ""
        if path == MANIFEST:
            self._manifest = self._checked(_MANIFEST_KIND, plain_body(read_json(data)), path)
        elif folder == TRANSLATIONS:
            self._take_translation(path, data)
        elif folder in OTHER_FOLDERS or path == LICENSE or (not folder and path.endswith((".md", ".txt"))):
            self._take_other(path, data)
        elif path.endswith(".json"):
            self._take_element(path, folder, data)
        else:
            raise Invalid("A package has no place for this file.", code="unknown_file")

    def _take_element(self, path: str, folder: str, data: bytes) -> None:
        body = plain_body(read_json(data))
        schema = str(body.pop("$schema", ""))
        kind = self._kinds.get(schema.removeprefix(SCHEMA_BASE).removesuffix(".json"))
        if not schema.startswith(SCHEMA_BASE) or kind is None:
            raise MetadataError("This names no kind of metadata: {schema}.", path="/$schema", schema=schema)
        body = self._checked(kind, body, path)
        name = str(body.get("name", ""))
        if folder != kind.folder or PurePosixPath(path).name not in (f"{name}.json", f"{name}.{kind.name}.json"):
            wanted = f"{kind.folder}/{name}.json"
            raise MetadataError("This file belongs to {wanted}.", code="misplaced", wanted=wanted)
        if (kind.name, name) in self._elements:
            other = self._sources[kind.name, name]
            raise MetadataError("{other} defines the same element.", code="twice", other=other)
        self._elements[kind.name, name] = body
        self._sources[kind.name, name] = path

    def _take_translation(self, path: str, data: bytes) -> None:
        locale = PurePosixPath(path).stem
        if locale not in LOCALES or locale == "en" or path != f"{TRANSLATIONS}/{locale}.json":
            raise Invalid("There is no language {locale}.", code="unknown_locale", locale=locale)
        body = plain_body(read_json(data))
        texts = body.get("texts")
        if set(body) - {"$schema", "texts"} or not isinstance(texts, dict):
            raise MetadataError('Translations are {"$schema", "texts": {address: text}}.', path="/texts")
        if not all(isinstance(text, str) for text in texts.values()):
            raise MetadataError("Translations are texts.", path="/texts")
        self._texts[locale] = texts

    def _take_other(self, path: str, data: bytes) -> None:
        if not path.endswith(OTHER_SUFFIXES) and path != LICENSE:
            raise Invalid("A package has no place for this file.", code="unknown_file")
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError as error:
            raise Invalid("This is not UTF-8 text (byte {position}).", position=error.start) from None
        if "\x00" in text:
            raise Invalid("This text has characters that cannot be stored.", code="not_text")
        self._files[path] = text

    def _checked(self, kind: MetadataKind, body: dict[str, Any], path: str) -> dict[str, Any]:
        for found in self._schemas.check(kind, body, ""):
            self._note_diagnostic(path, found)
        return body

    def _note_diagnostic(self, path: str, found: Diagnostic) -> None:
        self._note(path, found.path, found.code, found.message, found.facts)

    def _note(self, path: str, pointer: str, code: str, message: Any, facts: Mapping[str, Any]) -> None:
        where = f"{path}#{pointer}" if pointer else path
        self._errors.append(FieldError(path=where, code=code, message=message, facts=facts))


def package_files(package: Package, kinds: Registry[MetadataKind]) -> dict[str, str]:
    """The files of a package: sorted keys, two spaces, newline at the end."""
    bodies = {key: copy.deepcopy(dict(body)) for key, body in package.elements.items()}
    texts = split(bodies, package.locales)
    files = {MANIFEST: file_text(package.manifest), **package.files}
    folders = _taken_names(bodies, kinds)
    for (kind_name, name), body in bodies.items():
        kind = kinds[kind_name]
        suffix = f".{kind_name}" if folders[kind.folder, name] > 1 else ""
        schema = {"$schema": f"{SCHEMA_BASE}{kind_name}.json"}
        files[f"{kind.folder}/{name}{suffix}.json"] = file_text({**schema, **body})
    for locale in package.locales:
        content = {"$schema": f"{SCHEMA_BASE}{TRANSLATIONS}.json", "texts": texts[locale]}
        files[f"{TRANSLATIONS}/{locale}.json"] = file_text(content)
    return dict(sorted(files.items()))


def _taken_names(keys: Iterable[Key], kinds: Registry[MetadataKind]) -> dict[tuple[str, str], int]:
    """How many elements want the same file: kinds may share a folder."""
    counts: dict[tuple[str, str], int] = {}
    for kind, name in keys:
        place = (kinds[kind].folder, name)
        counts[place] = counts.get(place, 0) + 1
    return counts
