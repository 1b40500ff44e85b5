"""A package as a value: its manifest, its elements, its other files.

`manifest` is `package.json` as read; `files` are data, examples and documents, kept as text and given back unchanged.
Made by `reading`, used by the package service.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from fieldstone.platform.kernel.text import Text
from fieldstone.platform.metadata.manifest import Key
from fieldstone.platform.metadata.schemas import COMMON_SCHEMA, NAME_PATTERN

MANIFEST_SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["name", "version"],
    "properties": {
        "$schema": {"const": "https://fieldstone.dev/schemas/package.json"},
        "name": {"type": "string", "pattern": NAME_PATTERN},
        "version": {"type": "string", "maxLength": 40},
        "label": {"$ref": COMMON_SCHEMA + "#/$defs/text"},
        "description": {"$ref": COMMON_SCHEMA + "#/$defs/text"},
        "depends": {"type": "object", "additionalProperties": {"type": "string", "maxLength": 100}},
        "plugins": {"type": "object", "additionalProperties": {"type": "string", "maxLength": 100}},
        "fieldstone": {"type": "string", "maxLength": 100},
        "author": {"type": "string", "maxLength": 200},
        "license": {"type": "string", "maxLength": 100},
        "homepage": {"type": "string", "maxLength": 300},
    },
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """One version of a package."""

    manifest: Mapping[str, Any]
    elements: Mapping[Key, Mapping[str, Any]]
    locales: Sequence[str] = ()
    files: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return str(self.manifest["name"])

    @property
    def version(self) -> str:
        return str(self.manifest["version"])

    @property
    def label(self) -> Text:
        label: Text = self.manifest.get("label", self.name)
        return label

    @property
    def depends(self) -> Mapping[str, str]:
        depends: Mapping[str, str] = self.manifest.get("depends", {})
        return depends
