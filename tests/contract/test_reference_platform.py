"""The reference names every setting, every command and every error code, and none that is gone."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.reference_platform import FOLDER, files

PAGES = {path.name: text for path, text in files().items()}


def headings(text: str) -> set[str]:
    return {line for line in text.splitlines() if line.startswith("## ")}


@pytest.mark.parametrize("page", sorted(PAGES))
def test_the_reference_is_of_this_code(page: str) -> None:
    written, wanted = headings(Path(FOLDER / page).read_text("utf-8")), headings(PAGES[page])
    assert (wanted - written, written - wanted) == (set(), set()), "python scripts/reference_platform.py"


def test_the_reference_explains_what_it_names() -> None:
    assert "\n\n\n" not in "".join(PAGES.values())
    assert "| `--tenant TEXT` | Name of the tenant. Required. |" in PAGES["cli.md"]
    assert "Signs cookies and links" in PAGES["settings.md"]
    assert "Status 412." in PAGES["errors.md"]
