"""Vendor the browser assets: fetch npm packages named by the manifest, verify them, copy single files into the package.

In: ``fieldstone/ui/static/vendor/manifest.json`` (package, exact version, SHA-256 of the tarball, files with theirs,
licence). Out: the files beside the manifest, one licence text per package, one SVG sprite with only the icons listed.
A font entry with ``axes`` is cut down to those design axes (only the weights that the styles use), which needs
``pip install fonttools==4.68.0 brotli==1.2.1``; other versions may write other bytes, and then the checksum tells.
Run by a maintainer (``python scripts/vendor_assets.py``); ``--check`` verifies the committed files without any network.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

VENDOR = Path(__file__).resolve().parent.parent / "fieldstone" / "ui" / "static" / "vendor"
MANIFEST = VENDOR / "manifest.json"


class AssetMismatch(Exception):
    """A fetched or committed file does not have the SHA-256 that the manifest names."""


def main() -> int:
    """Entry point; returns the exit status (0 done, 1 a checksum differs)."""
    options = _arguments()
    packages = json.loads(MANIFEST.read_text("utf-8"))["packages"]
    try:
        for package in packages:
            if options.check:
                _check_package(package)
            else:
                _vendor_package(package)
    except AssetMismatch as mismatch:
        print(f"vendor_assets: {mismatch}", file=sys.stderr)
        return 1
    print(f"vendor_assets: {len(packages)} packages {'verified' if options.check else 'vendored'}")
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Vendor browser assets from npm packages.")
    parser.add_argument("--check", action="store_true", help="verify the committed files, fetch nothing")
    return parser.parse_args()


def _vendor_package(package: dict[str, Any]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = _fetch(package, Path(folder))
        for entry in package["files"]:
            _write(entry["to"], _content(root / entry["from"], entry.get("axes")), entry["sha256"])
        if "sprite" in package:
            _write(package["sprite"]["to"], _sprite(root, package["sprite"]), package["sprite"]["sha256"])
        _licence_path(package).write_bytes((root / package["licence_file"]).read_bytes())


def _content(source: Path, axes: str | None) -> bytes:
    if axes is None:
        return source.read_bytes()
    cut = source.with_suffix(".cut.woff2")
    tool = [sys.executable, "-m", "fontTools.varLib.instancer", str(source), axes]
    subprocess.run([*tool, "--no-recalc-timestamp", "-q", "-o", str(cut)], check=True)
    return cut.read_bytes()


def _fetch(package: dict[str, Any], folder: Path) -> Path:
    """Download the exact version with ``npm pack``, verify the tarball and unpack it; returns the package root."""
    name = f"{package['package']}@{package['version']}"
    packed = subprocess.run(
        ["npm", "pack", "--silent", "--pack-destination", str(folder), name], check=True, capture_output=True, text=True
    )
    tarball = folder / packed.stdout.strip().splitlines()[-1]
    _verify(name, tarball.read_bytes(), package["tarball_sha256"])
    with tarfile.open(tarball) as archive:
        archive.extractall(folder, filter="data")
    return folder / "package"


def _check_package(package: dict[str, Any]) -> None:
    entries = [*package["files"], *([package["sprite"]] if "sprite" in package else [])]
    for entry in entries:
        _verify(entry["to"], (VENDOR / entry["to"]).read_bytes(), entry["sha256"])
    if not _licence_path(package).is_file():
        raise AssetMismatch(f"{package['package']}: licence text is missing")


def _write(to: str, content: bytes, expected: str) -> None:
    _verify(to, content, expected)
    target = VENDOR / to
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content)


def _verify(name: str, content: bytes, expected: str) -> None:
    found = hashlib.sha256(content).hexdigest()
    if found != expected:
        raise AssetMismatch(f"{name}: SHA-256 is {found}, the manifest says {expected}")


def _licence_path(package: dict[str, Any]) -> Path:
    target = package["sprite"]["to"] if "sprite" in package else package["files"][0]["to"]
    return VENDOR / Path(target).parent / "LICENSE"


def _sprite(root: Path, sprite: dict[str, Any]) -> bytes:
    """One ``<symbol id="i-NAME">`` per listed icon; stroke and size come from the stylesheet."""
    outline = json.loads((root / "tabler-nodes-outline.json").read_text("utf-8"))
    filled = json.loads((root / "tabler-nodes-filled.json").read_text("utf-8"))
    symbols = [_symbol(name, outline[name], "") for name in sprite["outline"]]
    symbols += [
        _symbol(f"{name}-filled", filled[name], ' fill="currentColor" stroke="none"') for name in sprite["filled"]
    ]
    return ('<svg xmlns="http://www.w3.org/2000/svg">\n' + "\n".join(symbols) + "\n</svg>\n").encode()


def _symbol(name: str, nodes: list[list[Any]], paint: str) -> str:
    shapes = "".join(
        f"<{tag}{''.join(f' {key}={quoteattr(str(value))}' for key, value in attributes.items())}/>"
        for tag, attributes in nodes
    )
    return f'<symbol id="i-{name}" viewBox="0 0 24 24"{paint}>{shapes}</symbol>'


if __name__ == "__main__":
    sys.exit(main())
