"""The browser assets in the tree: unchanged since the manifest, with licences; every icon in use is in the sprite."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
UI = ROOT / "fieldstone" / "ui"
NAMED = re.compile(r"""(?:icon(?:_name)?['"]?\s*[:=]\s*|\bicon\(\s*)['"]([a-z0-9-]+)['"]""")


def test_every_vendored_file_is_the_one_the_manifest_names() -> None:
    command = [sys.executable, str(ROOT / "scripts" / "vendor_assets.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_every_icon_that_templates_scripts_and_packages_name_is_in_the_sprite() -> None:
    sprite = (UI / "static" / "vendor" / "tabler" / "icons.svg").read_text("utf-8")
    known = set(re.findall(r'<symbol id="i-([a-z0-9-]+)"', sprite))
    sources = [*(UI / "templates").rglob("*.html"), *(UI / "static" / "js").rglob("*.js")]
    used = {name for file in sources for name in NAMED.findall(file.read_text("utf-8"))}
    for file in (ROOT / "fieldstone" / "plugins").rglob("*.json"):
        used |= set(_icons(json.loads(file.read_text("utf-8"))))
    assert len(used) > 40
    assert used - known == set()


def test_no_style_refers_to_another_origin() -> None:
    sheets = (file.read_text("utf-8") for file in (UI / "static" / "css").glob("*.css"))
    assert [found for sheet in sheets for found in re.findall(r"https?://[^\s)]+", sheet)] == []


def _icons(node: object) -> list[str]:
    if isinstance(node, dict):
        own = [node["icon"]] if isinstance(node.get("icon"), str) else []
        return own + [name for child in node.values() for name in _icons(child)]
    return [name for child in node for name in _icons(child)] if isinstance(node, list) else []
