"""What every registered kind of metadata promises, whichever room brings it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import re2
from hypothesis import HealthCheck, given, settings

from fieldstone.app import make_frame
from fieldstone.platform.kernel.metadata import Definition, MetadataKind
from fieldstone.platform.kernel.text import LOCALES
from fieldstone.platform.metadata.artefacts import SnapshotCache
from fieldstone.platform.metadata.candidates import Base, Candidates
from fieldstone.platform.metadata.canonical import canonical, content_hash
from fieldstone.platform.metadata.checking import check
from fieldstone.platform.metadata.manifest import EMPTY
from fieldstone.platform.metadata.physical import STEM_LENGTH, PhysicalNames, parts_of
from fieldstone.platform.metadata.schemas import NAME_PATTERN, BodySchemas
from fieldstone.platform.metadata.values import Change
from fieldstone.platform.settings import Settings
from tests.support.installation import SECRET
from tests.unit.metadata.bodies import OBJECTS

FRAME = make_frame(Settings(environment="test", secret_key=SECRET, data_dir=Path("nowhere")))
KINDS = FRAME.kinds
SCHEMAS = BodySchemas()
NOTHING = Base(version=0, manifest=EMPTY, names=PhysicalNames())


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "kind" in metafunc.fixturenames:
        metafunc.parametrize("kind", list(KINDS), ids=lambda kind: kind.name)


def everything_adopted() -> dict[tuple[str, str], Definition]:
    found = (definition for kind in KINDS for definition in kind.adopted)
    return {
        (d.kind, d.name): Definition(kind=d.kind, name=d.name, body=d.body, hash=content_hash(d.body)) for d in found
    }


def patterns_in(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        for key, value in schema.items():
            if key == "pattern" and isinstance(value, str):
                yield value
            elif key == "patternProperties":
                yield from value
            yield from patterns_in(value)
    elif isinstance(schema, list):
        for item in schema:
            yield from patterns_in(item)


def test_a_kind_is_named_filed_and_labelled_in_every_language(kind: MetadataKind) -> None:
    assert re.fullmatch(NAME_PATTERN, kind.name)
    assert re.fullmatch(r"[a-z_]+", kind.folder)
    assert kind.folder not in ("data", "examples", "translations")
    assert isinstance(kind.label, dict)
    assert set(kind.label) == set(LOCALES)


def test_its_schema_is_json_schema_2020_12_and_closed(kind: MetadataKind) -> None:
    schema = dict(kind.schema)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert canonical(schema)
    assert schema["type"] == "object"
    assert "name" in schema["required"]
    assert schema.get("additionalProperties", schema.get("unevaluatedProperties")) is False


def test_its_patterns_run_in_linear_time(kind: MetadataKind) -> None:
    for pattern in patterns_in(dict(kind.schema)):
        re2.compile(pattern)


def test_what_it_provides_says_no_more_than_its_schema_but_for_what_only_the_software_may(kind: MetadataKind) -> None:
    for definition in kind.adopted:
        assert (definition.kind, re.fullmatch(NAME_PATTERN, definition.name) is not None) == (kind.name, True)
        found = SCHEMAS.check(kind, definition.body, "")
        # `system`, `storage`, `managed_by`: whole properties that a tenant's definition cannot have.
        assert {(d.code, d.path.count("/")) for d in found} <= {("unknown_property", 1)}


def test_what_it_provides_compiles_and_refers_to_what_exists(kind: MetadataKind) -> None:
    candidate = Candidates(KINDS, SCHEMAS).of_definitions(NOTHING, dict(everything_adopted()))
    found = check(candidate, SnapshotCache(KINDS)).diagnostics
    assert [d for d in found if d.severity == "error" and d.path.startswith(f"/{kind.name}/")] == []


def test_its_physical_parts_begin_with_the_name_of_their_element(kind: MetadataKind) -> None:
    for definition in kind.adopted:
        for part in parts_of(kind, definition):
            assert part.path.partition(".")[0] == definition.name
            assert re.fullmatch(r"[a-z][a-z0-9_]*", part.stem)
            assert len(part.stem) <= STEM_LENGTH or part.scope == ""


@given(OBJECTS)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_body_of_nonsense_is_told_by_diagnostics(kind: MetadataKind, body: dict[str, Any]) -> None:
    change = Change(kind=kind.name, name="thing", body={**body, "name": "thing"})
    candidate = Candidates(KINDS, SCHEMAS).of_changes(NOTHING, [change])
    assert candidate.diagnostics or check(candidate, SnapshotCache(KINDS)) is not None
