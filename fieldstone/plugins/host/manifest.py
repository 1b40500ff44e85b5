"""Plugin manifests: what a plugin says of itself, read without importing its code.

A plugin is a Python distribution with an entry point in the group `fieldstone.plugins` (its name is the plugin's, its
value the package) and a file `fieldstone-plugin.json` in that package. In: that file. Out: a checked `Manifest`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import Distribution, EntryPoint, distributions
from pathlib import Path
from typing import Any, Literal

from jsonschema import Draft202012Validator

from fieldstone.platform.kernel.errors import Misconfigured
from fieldstone.platform.kernel.text import Text

GROUP = "fieldstone.plugins"
FILE = "fieldstone-plugin.json"
SDK_VERSION = 1
POINTS = ("dispatch", "action")

SCHEMA: Mapping[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "$id": "https://fieldstone.dev/schemas/plugin-manifest.json",
    "type": "object",
    "additionalProperties": False,
    "required": ["name", "version", "sdk", "class", "provides"],
    "properties": {
        "$schema": {"type": "string"},
        "name": {"type": "string", "pattern": "^[a-z][a-z0-9_]{0,39}$"},
        "version": {"type": "string", "maxLength": 40},
        "label": {"type": ["string", "object"]},
        "sdk": {
            "type": "object",
            "additionalProperties": False,
            "required": ["from", "below"],
            "properties": {"from": {"type": "integer"}, "below": {"type": "integer"}},
        },
        "class": {"enum": ["trusted", "guarded"]},
        "permissions": {"type": "array", "items": {"type": "string"}},
        "settings": {"type": "object"},
        "provides": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["point", "name", "object"],
                "properties": {
                    "point": {"enum": list(POINTS)},
                    "name": {"type": "string", "pattern": "^[a-z][a-z0-9_]{0,39}$"},
                    "label": {"type": ["string", "object"]},
                    "object": {"type": "string", "pattern": "^[A-Za-z_][\\w.]*:[A-Za-z_]\\w*$"},
                },
            },
        },
    },
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """One thing a plugin provides at one extension point; `target` is `package.file:Name` of a class to call."""

    point: str
    name: str
    target: str
    label: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """A plugin as it describes itself. `folder` is where its code can be imported from."""

    name: str
    version: str
    label: Text
    plugin_class: Literal["trusted", "guarded"]
    offers: tuple[Offer, ...]
    permissions: tuple[str, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    folder: Path | None = None


def read_manifest(path: Path) -> Manifest:
    """The manifest in file `path`. Raises `Misconfigured` naming what is wrong with it."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise Misconfigured("The plugin manifest {path} cannot be read: {reason}", path=path, reason=error) from error
    for problem in Draft202012Validator(SCHEMA).iter_errors(data):
        raise Misconfigured(
            "The plugin manifest {path} is not valid at {place}: {reason}",
            path=path,
            place=problem.json_path,
            reason=problem.message,
        )
    if not data["sdk"]["from"] <= SDK_VERSION < data["sdk"]["below"]:
        raise Misconfigured(
            "The plugin {name} needs SDK {first} to below {last}; this is SDK {here}.",
            name=data["name"],
            first=data["sdk"]["from"],
            last=data["sdk"]["below"],
            here=SDK_VERSION,
        )
    return _manifest(data, path)


def _manifest(data: Mapping[str, Any], path: Path) -> Manifest:
    offers = tuple(
        Offer(point=o["point"], name=o["name"], target=o["object"], label=o.get("label", o["name"]))
        for o in data["provides"]
    )
    return Manifest(
        name=data["name"],
        version=data["version"],
        label=data.get("label", data["name"]),
        plugin_class=data["class"],
        offers=offers,
        permissions=tuple(data.get("permissions", ())),
        settings=data.get("settings", {}),
        folder=path.parent,
    )


def installed_manifests() -> tuple[Manifest, ...]:
    """Manifests of all distributions with an entry point in the group, sorted by name. Imports no plugin code."""
    found = [
        read_manifest(_manifest_file(distribution, entry))
        for distribution in distributions()
        for entry in distribution.entry_points
        if entry.group == GROUP
    ]
    return tuple(sorted(found, key=lambda manifest: manifest.name))


def _manifest_file(distribution: Distribution, entry: EntryPoint) -> Path:
    package = entry.value.partition(":")[0].replace(".", "/")
    return Path(str(distribution.locate_file(f"{package}/{FILE}")))
