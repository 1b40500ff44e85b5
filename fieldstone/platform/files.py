"""Contents of files, on disk by random key: one folder per tenant under the data directory.

In: a stream of bytes. Out: a `BlobRef` (key, size, sha256, media type found from the content), whose key is kept in
the tenant home by whoever owns the file. Keys are made here and checked here: no name of a user ever becomes a path.
A blob is complete on disk before its key is known; one whose unit was rolled back stays until `sweep` removes it.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, BinaryIO

import filetype

from fieldstone.platform.kernel.errors import NotFound, TooLarge
from fieldstone.platform.settings import private_directory

CHUNK = 256 * 1024
SNIFFED = 8192
_KEY = re.compile(r"[0-9a-f]{32}").fullmatch
_TENANT = re.compile(r"[a-z][a-z0-9-]*").fullmatch


@dataclass(frozen=True, slots=True, kw_only=True)
class BlobRef:
    """What is known about stored content. `size` in bytes; `sha256` in hex."""

    key: str
    size: int
    sha256: str
    media_type: str


class FileStore:
    """The contents of all tenants' files."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, tenant: str, content: IO[bytes] | Iterable[bytes], *, limit: int | None = None) -> BlobRef:
        """Store content and sync it to disk. Raises `TooLarge` beyond `limit` bytes, and then keeps nothing."""
        key = secrets.token_hex(16)
        path = self._path(tenant, key)
        private_directory(path.parent)
        handle, draft = tempfile.mkstemp(dir=path.parent, prefix=".draft-")
        try:
            with os.fdopen(handle, "wb") as file:
                found = _copied(_chunks(content), file, key, limit)
                file.flush()
                os.fsync(file.fileno())
            os.replace(draft, path)
        except BaseException:
            Path(draft).unlink(missing_ok=True)
            raise
        return found

    def open(self, tenant: str, key: str) -> BinaryIO:
        """The content, to be read and closed by the caller. Raises `NotFound`."""
        try:
            return self._path(tenant, key).open("rb")
        except FileNotFoundError:
            raise NotFound from None

    def read(self, tenant: str, key: str) -> bytes:
        """The whole content. Raises `NotFound`."""
        with self.open(tenant, key) as file:
            return file.read()

    def delete(self, tenant: str, key: str) -> None:
        """Remove content, if it is there."""
        self._path(tenant, key).unlink(missing_ok=True)

    def keys(self, tenant: str) -> Iterator[str]:
        """All keys of a tenant."""
        for path in sorted((self._folder / _checked_tenant(tenant)).glob("??/*")):
            if _KEY(path.name):
                yield path.name

    def import_blob(self, tenant: str, key: str, content: IO[bytes]) -> None:
        """Store content under a key of its own, when a tenant is restored from an export."""
        found = self.put(tenant, content)
        os.replace(self._path(tenant, found.key), private_parent(self._path(tenant, key)))

    def drop(self, tenant: str) -> None:
        """Remove everything of a tenant."""
        folder = self._folder / _checked_tenant(tenant)
        for path in sorted(folder.glob("**/*"), reverse=True):
            path.rmdir() if path.is_dir() else path.unlink()
        if folder.exists():
            folder.rmdir()

    def _path(self, tenant: str, key: str) -> Path:
        if not _KEY(key):
            raise NotFound
        return self._folder / _checked_tenant(tenant) / key[:2] / key


def private_parent(path: Path) -> Path:
    """The path, its folder made."""
    private_directory(path.parent)
    return path


def _checked_tenant(tenant: str) -> str:
    if not _TENANT(tenant):
        raise NotFound
    return tenant


def _chunks(content: IO[bytes] | Iterable[bytes]) -> Iterator[bytes]:
    if hasattr(content, "read"):
        while chunk := content.read(CHUNK):
            yield chunk
        return
    yield from content


def _copied(chunks: Iterable[bytes], file: BinaryIO, key: str, limit: int | None) -> BlobRef:
    digest, size, head = hashlib.sha256(), 0, b""
    for chunk in chunks:
        size += len(chunk)
        if limit is not None and size > limit:
            raise TooLarge("A file has at most {limit} bytes.", limit=limit)
        if len(head) < SNIFFED:
            head += chunk[: SNIFFED - len(head)]
        digest.update(chunk)
        file.write(chunk)
    return BlobRef(key=key, size=size, sha256=digest.hexdigest(), media_type=media_type(head))


def media_type(head: bytes) -> str:
    """The media type found from the first bytes; what a browser could run is never claimed to be anything but bytes."""
    found = filetype.guess_mime(head)
    if found is not None:
        return str(found)
    try:
        text = head.decode("utf-8")
    except UnicodeDecodeError as error:
        # a character cut in two at the end of the sample is no sign of a binary file
        if error.start < len(head) - 3 or not head:
            return "application/octet-stream"
        text = head[: error.start].decode("utf-8")
    binary = any(character < " " and character not in "\t\n\r\f" for character in text)
    return "application/octet-stream" if binary else "text/plain"
