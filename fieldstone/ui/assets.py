"""The static files of the pages: versioned addresses, the joined stylesheet, compressed bodies; read once at start.

In: the folder ``fieldstone/ui/static``. Out: ``Assets.url(path)`` for templates (the Jinja global ``static``) and
``Assets.read(path)`` for the one route that serves ``<prefix>/<version>/<path>``. The version stands before the path,
so addresses which scripts and stylesheets make relative to themselves carry it too, and every answer may be cached
for ever. Called by the pages' part and by the gallery. No Flask in here.
"""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent / "static"
SHEET = "css/app.css"
SHEET_PARTS = ("tokens", "base", "layout", "components", "overlays", "forms", "tables", "pages", "print")
COMPRESSED = {".css", ".js", ".svg", ".json", ".txt"}
TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".woff2": "font/woff2"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """One file as it goes out; ``gzipped`` is None for what does not get smaller."""

    body: bytes
    gzipped: bytes | None
    mimetype: str


class Assets:
    """All static files, in memory (about 700 KB)."""

    def __init__(self, prefix: str = "/static", root: Path = ROOT) -> None:
        bodies = {
            file.relative_to(root).as_posix(): file.read_bytes() for file in sorted(root.rglob("*")) if file.is_file()
        }
        bodies[SHEET] = _joined_sheet(bodies)
        self._files = {path: _asset(path, body) for path, body in bodies.items()}
        self.version = _digest(bodies)
        self._prefix = prefix.rstrip("/")

    def url(self, path: str) -> str:
        """Address of a file below ``static``; a KeyError names a file that is not there."""
        if path not in self._files:
            raise KeyError(path)
        return f"{self._prefix}/{self.version}/{path}"

    def read(self, path: str) -> Asset | None:
        """The file at ``path``, or None when there is none."""
        return self._files.get(path)


def _joined_sheet(bodies: dict[str, bytes]) -> bytes:
    return b"\n".join(bodies[f"css/{part}.css"] for part in SHEET_PARTS)


def _digest(bodies: dict[str, bytes]) -> str:
    digest = hashlib.sha256()
    for path, body in sorted(bodies.items()):
        digest.update(path.encode() + b"\0" + body)
    return digest.hexdigest()[:12]


def _asset(path: str, body: bytes) -> Asset:
    suffix = Path(path).suffix
    mimetype = TYPES.get(suffix) or mimetypes.guess_type(path)[0] or "application/octet-stream"
    gzipped = gzip.compress(body, 9, mtime=0) if suffix in COMPRESSED else None
    return Asset(body=body, gzipped=gzipped, mimetype=mimetype)
