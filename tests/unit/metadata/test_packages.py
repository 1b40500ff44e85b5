"""Package files: read and written byte for byte, hostile archives refused, translations in and out."""

from __future__ import annotations

import copy
import io
import json
import stat
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldstone.platform.kernel.errors import FieldstoneError, Invalid, NotFound
from fieldstone.platform.kernel.metadata import MetadataKind
from fieldstone.platform.metadata.canonical import file_text
from fieldstone.platform.metadata.limits import LIMITS
from fieldstone.platform.metadata.packages.files import read_archive, read_files, write_archive, write_folder
from fieldstone.platform.metadata.packages.package import Package
from fieldstone.platform.metadata.packages.reading import PackageReader, package_files
from fieldstone.platform.metadata.packages.translations import merge, split
from fieldstone.platform.metadata.schemas import BodySchemas
from tests.support.note_kind import REMARK_SCHEMA, note, note_kinds, remark

# A kind that shares a folder with another, as rules of several kinds do.
REPLY = MetadataKind(name="reply", folder="remarks", label="Reply", schema=REMARK_SCHEMA, compile=lambda d, s: None)
KINDS = note_kinds(REPLY)
MANIFEST = {"$schema": "https://fieldstone.dev/schemas/package.json", "name": "demo", "version": "1.0"}

NAMES = st.from_regex(r"\A[a-z][a-z0-9_]{0,6}\Z")
WORDS = st.text(st.characters(blacklist_categories=("Cs", "Cc")), min_size=1, max_size=8)


@st.composite
def texts(draw: st.DrawFn) -> Any:
    english, locales = draw(WORDS), draw(st.sets(st.sampled_from(["zh-Hans", "zh-Hant"])))
    return {"en": english, **{locale: draw(WORDS) for locale in locales}} if locales else english


@st.composite
def packages(draw: st.DrawFn) -> Package:
    elements: dict[tuple[str, str], dict[str, Any]] = {}
    for name in draw(st.lists(NAMES, unique=True, max_size=4)):
        fields = [
            {"name": field, "type": draw(st.sampled_from(["text", "number"])), "label": draw(texts())}
            for field in draw(st.lists(NAMES, unique=True, max_size=4))
        ]
        elements["note", name] = {"name": name, "label": draw(texts()), "fields": fields}
    for name in draw(st.lists(NAMES, unique=True, max_size=2)):
        for kind in draw(st.sets(st.sampled_from(["remark", "reply"]), min_size=1)):
            elements[kind, name] = {"name": name, "note": "x", "field": "y", "text": draw(texts())}
    locales = draw(st.sets(st.sampled_from(["zh-Hans", "zh-Hant"])))
    files = draw(st.dictionaries(st.sampled_from(["data/note.csv", "README.md", "examples/a.json"]), WORDS, max_size=3))
    manifest = {**MANIFEST, "label": draw(texts())}
    return Package(manifest=manifest, elements=elements, locales=tuple(sorted(locales)), files=files)


def as_bytes(files: dict[str, str]) -> dict[str, bytes]:
    return {path: text.encode() for path, text in files.items()}


@given(packages())
@settings(max_examples=80, deadline=None)
def test_writing_what_was_read_gives_the_same_bytes(package: Package) -> None:
    files = package_files(package, KINDS)
    again = PackageReader(KINDS, BodySchemas()).from_files(as_bytes(files))
    assert again == Package(
        manifest=package.manifest, elements=package.elements, locales=package.locales, files=package.files
    )
    assert package_files(again, KINDS) == files


@given(packages())
@settings(max_examples=40, deadline=None)
def test_an_archive_gives_back_its_files_and_the_same_files_the_same_archive(package: Package) -> None:
    files = package_files(package, KINDS)
    archive = write_archive(files)
    assert read_archive(io.BytesIO(archive)) == as_bytes(files)
    assert write_archive(dict(reversed(files.items()))) == archive


@given(packages(), st.sets(st.sampled_from(["zh-Hans", "zh-Hant"])))
@settings(max_examples=60, deadline=None)
def test_translations_taken_out_and_merged_back_change_nothing(package: Package, locales: set[str]) -> None:
    bodies = {key: copy.deepcopy(dict(body)) for key, body in package.elements.items()}
    taken = split(bodies, sorted(locales))
    for locale, found in taken.items():
        assert merge(bodies, locale, found) == []
    assert bodies == package.elements


def test_a_folder_is_written_and_read_and_forgets_what_is_gone(tmp_path: Path) -> None:
    package = Package(manifest=MANIFEST, elements={("note", "a"): note("a", "x"), ("note", "b"): note("b", "x")})
    write_folder(package_files(package, KINDS), tmp_path)
    assert (tmp_path / "notes" / "a.json").read_text() == file_text(
        {"$schema": "https://fieldstone.dev/schemas/note.json", **note("a", "x")}
    )
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "config").write_text("not ours")
    assert PackageReader(KINDS, BodySchemas()).read(tmp_path) == package
    smaller = Package(manifest=MANIFEST, elements={("note", "a"): note("a", "x")})
    write_folder(package_files(smaller, KINDS), tmp_path)
    assert sorted(path.name for path in (tmp_path / "notes").iterdir()) == ["a.json"]
    with pytest.raises(NotFound):
        PackageReader(KINDS, BodySchemas()).read(tmp_path / "nowhere")


def test_translations_are_addressed_by_names() -> None:
    body = {
        "name": "a",
        "label": "Note",
        "fields": [{"name": "x", "type": "text", "label": {"en": "X", "zh-Hant": "艾"}}],
    }
    files = {
        "package.json": file_text(MANIFEST),
        "notes/a.json": file_text({"$schema": "https://fieldstone.dev/schemas/note.json", **body}),
        "translations/zh-Hans.json": json.dumps({"texts": {"note/a/label": "便签", "note/a/fields/x/label": "叉"}}),
    }
    package = PackageReader(KINDS, BodySchemas()).from_files(as_bytes(files))
    assert package.elements["note", "a"]["label"] == {"en": "Note", "zh-Hans": "便签"}
    assert package.elements["note", "a"]["fields"][0]["label"] == {"en": "X", "zh-Hant": "艾", "zh-Hans": "叉"}
    written = package_files(package, KINDS)
    assert written["notes/a.json"] == files["notes/a.json"]
    assert json.loads(written["translations/zh-Hans.json"])["texts"] == {
        "note/a/label": "便签",
        "note/a/fields/x/label": "叉",
    }


@pytest.mark.parametrize(
    ("path", "content", "code"),
    [
        ("notes/a.json", {"name": "a", "fields": []}, "metadata_invalid"),
        ("notes/a.json", {"$schema": "https://fieldstone.dev/schemas/gadget.json"}, "metadata_invalid"),
        ("notes/a.json", {"$schema": "https://fieldstone.dev/schemas/note.json", "name": "a"}, "required"),
        ("remarks/a.json", {"$schema": "https://fieldstone.dev/schemas/note.json", **note("a", "x")}, "misplaced"),
        ("notes/b.json", {"$schema": "https://fieldstone.dev/schemas/note.json", **note("a", "x")}, "misplaced"),
        ("translations/xx.json", {"texts": {}}, "unknown_locale"),
        ("translations/zh-Hans.json", {"texts": {"note/none/label": "x"}}, "unknown_text"),
        ("translations/zh-Hans.json", {"texts": {"note/none/label": 1}}, "metadata_invalid"),
        ("package.json", {"name": "demo"}, "required"),
        ("package.json", {**MANIFEST, "scripts": "rm"}, "unknown_property"),
        ("setup.py", "x", "unknown_file"),
        ("data/tool.exe", "x", "unknown_file"),
    ],
)
def test_a_file_that_does_not_belong_is_told_with_its_path(path: str, content: Any, code: str) -> None:
    files = {"package.json": file_text(MANIFEST), path: content if isinstance(content, str) else file_text(content)}
    with pytest.raises(Invalid) as refusal:
        PackageReader(KINDS, BodySchemas()).from_files(as_bytes(files))
    assert [(error.path.partition("#")[0], error.code) for error in refusal.value.errors] == [(path, code)]


def test_every_wrong_file_is_told_at_once() -> None:
    files = {"notes/a.json": b"{", "notes/b.json": b'{"a":1,"a":2}', "data/x.csv": b"\xff", "README.md": b"\x00"}
    with pytest.raises(Invalid) as refusal:
        PackageReader(KINDS, BodySchemas()).from_files(files)
    assert len(refusal.value.errors) == 4


def test_a_package_without_a_manifest_is_refused() -> None:
    with pytest.raises(Invalid) as refusal:
        PackageReader(KINDS, BodySchemas()).from_files({})
    assert [error.code for error in refusal.value.errors] == ["required"]


def zip_of(*entries: tuple[zipfile.ZipInfo | str, bytes]) -> io.BytesIO:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for info, data in entries:
            archive.writestr(info, data)
    return io.BytesIO(buffer.getvalue())


def link(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info


@pytest.mark.parametrize(
    "entry",
    ["../outside.json", "/etc/passwd", "a/../../b", "a\\b.json", "C:/x", link("notes/a.json")],
)
def test_an_archive_that_leaves_its_place_is_refused(entry: Any) -> None:
    with pytest.raises(Invalid) as refusal:
        read_archive(zip_of((entry, b"x")))
    assert refusal.value.instance_code == "archive"


def test_bombs_are_refused_while_unpacking() -> None:
    with pytest.raises(FieldstoneError) as refusal:
        read_archive(zip_of(("package.json", b" " * (LIMITS.file_bytes + 1))))
    assert refusal.value.facts["limit"] == "file_bytes"
    with pytest.raises(FieldstoneError) as refusal:
        read_archive(zip_of(*((f"data/{n}.csv", b" " * LIMITS.file_bytes) for n in range(11))))
    assert refusal.value.facts["limit"] == "package_bytes"
    with pytest.raises(FieldstoneError) as refusal:
        read_archive(zip_of(*((f"data/{n}.csv", b"") for n in range(LIMITS.package_files + 1))))
    assert refusal.value.facts["limit"] == "package_files"


def test_a_header_that_lies_about_the_size_does_not_help() -> None:
    data = bytearray(zip_of(("package.json", b" " * 1000)).getvalue())
    assert data.count((1000).to_bytes(4, "little")) == 2
    lying = bytes(data).replace((1000).to_bytes(4, "little"), (10).to_bytes(4, "little"))
    with pytest.raises(Invalid):
        read_archive(io.BytesIO(lying))


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04", b"not a zip", b"PK\x05\x06" + b"\xff" * 18])
def test_what_is_no_archive_is_refused(data: bytes) -> None:
    with pytest.raises(Invalid):
        read_archive(io.BytesIO(data))


def test_one_folder_around_everything_is_taken_off() -> None:
    files = read_archive(zip_of(("demo/package.json", b"{}"), ("demo/notes/a.json", b"{}"), ("__MACOSX/x", b"")))
    assert sorted(files) == ["notes/a.json", "package.json"]


def test_a_link_in_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "package.json").symlink_to("/etc/passwd")
    with pytest.raises(Invalid):
        read_files(tmp_path)


def test_two_kinds_in_one_folder_may_have_elements_of_the_same_name() -> None:
    elements = {("remark", "a"): remark("a", "x", "y"), ("reply", "a"): remark("a", "x", "y")}
    files = package_files(Package(manifest=MANIFEST, elements=elements), KINDS)
    assert sorted(files) == ["package.json", "remarks/a.remark.json", "remarks/a.reply.json"]
