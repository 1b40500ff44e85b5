"""Metadata as JSON values, words in the reader's language. Called by the API after its units."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from fieldstone.platform.i18n import translate
from fieldstone.platform.kernel.metadata import Diagnostic, MetadataKind
from fieldstone.platform.kernel.registry import Registry
from fieldstone.platform.kernel.text import localized
from fieldstone.platform.metadata.changesets import Draft
from fieldstone.platform.metadata.diff import Difference, ElementDifference
from fieldstone.platform.metadata.drafts import Changeset
from fieldstone.platform.metadata.packages.store import Install
from fieldstone.platform.metadata.values import Impact, PlannedStep, Preview, Published, Use, Version
from fieldstone.platform.metadata.wording import element_sentence, label_words, part_sentence


def kind(each: MetadataKind, locale: str) -> dict[str, Any]:
    """A kind with its JSON Schema."""
    return {"name": each.name, "label": localized(each.label, locale), "folder": each.folder, "schema": each.schema}


def changeset(each: Changeset) -> dict[str, Any]:
    """A changeset without its changes."""
    return {
        "id": each.id,
        "name": each.name,
        "purpose": each.purpose,
        "base_version": each.base_version,
        "state": each.state,
        "revision": each.revision,
        "created_by": {"id": each.created_by, "label": each.created_by_name},
        "created_at": each.created_at,
        "updated_at": each.updated_at,
        "published_version": each.published_version,
    }


def draft(each: Draft) -> dict[str, Any]:
    """A changeset with its changes; a removal has `"removed": true` and no body."""
    changes = [
        {"kind": c.kind, "name": c.name, "removed": c.body is None, **({} if c.body is None else {"body": c.body})}
        for c in each.changes
    ]
    return {**changeset(each.changeset), "changes": changes}


def preview(each: Preview, locale: str) -> dict[str, Any]:
    """Diagnostics, plan and impact."""
    return {
        "base_version": each.base_version,
        "diagnostics": [diagnostic(found, locale) for found in each.diagnostics],
        "plan": [step(planned, locale) for planned in each.plan],
        "impact": impact(each.impact),
    }


def diagnostic(each: Diagnostic, locale: str) -> dict[str, Any]:
    """One finding."""
    message = translate(each.message, each.facts, locale)
    return {"path": each.path, "severity": each.severity, "code": each.code, "message": message}


def step(each: PlannedStep, locale: str) -> dict[str, Any]:
    """One step of a plan; `job` names the kind of job that does it after the publish."""
    return {
        "step": each.step.step,
        "class": each.step.step_class,
        "element": each.element,
        "message": translate(each.step.message, each.step.facts, locale),
        "job": each.step.job,
    }


def impact(each: Impact) -> dict[str, Sequence[str]]:
    """Elements by what happens to them."""
    return {name: getattr(each, name) for name in Impact.__dataclass_fields__}


def published(each: Published) -> dict[str, Any]:
    """The new version and its jobs."""
    return {"version": each.version, "jobs": each.jobs}


def version(each: Version) -> dict[str, Any]:
    """One version's row."""
    return {
        "version": each.number,
        "name": each.name,
        "purpose": each.purpose,
        "by": {"id": each.by, "label": each.by_name},
        "at": each.at,
        "restored": each.restored,
        "activation": each.activation,
    }


def differences(found: Iterable[ElementDifference], kinds: Registry[MetadataKind], locale: str) -> list[dict[str, Any]]:
    """Differing elements with their parts, each with a sentence."""
    return [_element(each, kinds, locale) for each in found]


def _element(each: ElementDifference, kinds: Registry[MetadataKind], locale: str) -> dict[str, Any]:
    known = kinds.get(each.kind)
    return {
        "kind": each.kind,
        "name": each.name,
        "change": each.change,
        "message": element_sentence(each, known.label if known else each.kind).in_locale(locale),
        "parts": [_part(part, locale) for part in each.parts],
    }


def _part(each: Difference, locale: str) -> dict[str, Any]:
    return {
        "path": each.path,
        "change": each.change,
        "words": label_words(each, locale),
        "before": each.before,
        "after": each.after,
        "message": part_sentence(each).in_locale(locale),
    }


def use(each: Use) -> dict[str, Any]:
    """One place that refers to an element."""
    return {"kind": each.kind, "name": each.name, "path": each.reference.path, "part": each.reference.part}


def install(each: Install, locale: str) -> dict[str, Any]:
    """An installed package."""
    manifest: Mapping[str, Any] = each.manifest
    return {
        "name": each.name,
        "version": each.version,
        "label": localized(manifest.get("label", each.name), locale),
        "description": localized(manifest.get("description", ""), locale),
        "metadata_version": each.metadata_version,
        "by": each.by_name,
        "at": each.at,
    }
