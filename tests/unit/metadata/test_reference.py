"""The reference of metadata names every limit with its value."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import fieldstone
from fieldstone.platform.metadata.changesets import MOST_OPEN
from fieldstone.platform.metadata.limits import LIMITS, Limits

REFERENCE = (Path(fieldstone.__file__).parent.parent / "docs" / "reference" / "metadata.md").read_text("utf-8")


def test_every_limit_is_documented_with_its_value() -> None:
    for limit in fields(Limits):
        assert f"`{limit.name}`" in REFERENCE
        value = getattr(LIMITS, limit.name)
        assert f"{value:,}" in REFERENCE or str(value) in REFERENCE
    assert f"| `open_changesets` | {MOST_OPEN} |" in REFERENCE
