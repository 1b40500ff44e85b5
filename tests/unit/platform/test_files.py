"""Contents of files: whole or not there, by keys of ours, with types found from the content."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from pathlib import Path

import pytest

from fieldstone.platform.files import FileStore, media_type
from fieldstone.platform.kernel.errors import NotFound, TooLarge


@pytest.fixture
def store(tmp_path: Path) -> FileStore:
    return FileStore(tmp_path / "files")


@pytest.mark.parametrize("content", [b"", b"x", b"ab" * 1_000_000])
def test_content_comes_back_with_its_size_and_hash(store: FileStore, content: bytes) -> None:
    for given in (io.BytesIO(content), [content]):
        ref = store.put("acme", given)
        assert store.read("acme", ref.key) == content
        assert (ref.size, ref.sha256) == (len(content), hashlib.sha256(content).hexdigest())
    assert len(list(store.keys("acme"))) == 2


def test_a_file_of_one_tenant_is_not_there_for_another(store: FileStore) -> None:
    key = store.put("acme", [b"x"]).key
    with pytest.raises(NotFound):
        store.open("globex", key)
    assert list(store.keys("globex")) == []


@pytest.mark.parametrize(
    "key", ["", "../../etc/passwd", "a" * 31, "A" * 32, "/etc/passwd", "a" * 32 + "\n", "a\0" * 16]
)
def test_only_keys_made_here_are_opened(store: FileStore, key: str) -> None:
    for act in (store.open, store.read, store.delete):
        with pytest.raises(NotFound):
            act("acme", key)


@pytest.mark.parametrize("tenant", ["", "..", "a/b", "A", "a\n"])
def test_only_names_of_tenants_are_folders(store: FileStore, tenant: str) -> None:
    with pytest.raises(NotFound):
        store.put(tenant, [b"x"])


def test_what_is_too_large_leaves_nothing(store: FileStore, tmp_path: Path) -> None:
    with pytest.raises(TooLarge):
        store.put("acme", [b"x" * 60, b"x" * 60], limit=100)
    assert store.put("acme", [b"x" * 100], limit=100).size == 100
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == 1


def test_a_stream_that_breaks_leaves_nothing(store: FileStore, tmp_path: Path) -> None:
    def broken() -> Iterator[bytes]:
        yield b"x"
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        store.put("acme", broken())
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_deleted_content_is_gone_and_deleting_twice_is_fine(store: FileStore) -> None:
    key = store.put("acme", [b"x"]).key
    store.delete("acme", key)
    store.delete("acme", key)
    with pytest.raises(NotFound):
        store.read("acme", key)


def test_dropping_a_tenant_removes_its_files_only(store: FileStore) -> None:
    for tenant in ("acme", "globex"):
        store.put(tenant, [b"x"])
    store.drop("acme")
    store.drop("acme")
    assert (len(list(store.keys("acme"))), len(list(store.keys("globex")))) == (0, 1)


def test_files_are_private(store: FileStore, tmp_path: Path) -> None:
    store.put("acme", [b"x"])
    assert {path.stat().st_mode & 0o077 for path in tmp_path.rglob("*")} == {0}


@pytest.mark.parametrize(
    ("head", "found"),
    [
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 20, "image/png"),
        (b"%PDF-1.7 ...", "application/pdf"),
        (b"PK\x03\x04" + b"\0" * 30, "application/zip"),
        (b"<html><script>alert(1)</script>", "text/plain"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'>", "text/plain"),
        ("工單,客戶\n".encode(), "text/plain"),
        ("工單".encode()[:-1], "text/plain"),
        (b"", "text/plain"),
        (b"\xff\xfe\x00 a", "application/octet-stream"),
        (b"text with \x00", "application/octet-stream"),
    ],
)
def test_the_media_type_is_found_from_the_content(head: bytes, found: str) -> None:
    assert media_type(head) == found
