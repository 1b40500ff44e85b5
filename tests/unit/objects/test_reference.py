"""The reference of field types and the shipped schemas are those of the code."""

from __future__ import annotations

from fieldstone.objects.fieldtypes import problems
from fieldstone.objects.fieldtypes.builtin import built_in_types
from fieldstone.objects.fieldtypes.problems import ProblemKind
from scripts.reference_fieldtypes import PAGE, files


def test_the_page_and_the_schemas_are_up_to_date() -> None:
    for path, text in files().items():
        assert path.read_text(encoding="utf-8") == text, f"run scripts/reference_fieldtypes.py: {path.name}"


def test_every_type_option_and_error_code_is_in_the_reference() -> None:
    page = PAGE.read_text(encoding="utf-8")
    for kind in built_in_types():
        assert f"\n### {kind.name}\n" in page
        assert all(f"| `{option}`" in page for option in kind.options)
    for kind in vars(problems).values():
        assert not isinstance(kind, ProblemKind) or f"| `{kind.code}` |" in page
