"""Packages in a tenant: install, upgrade, local changes, ownership, seeds, removal, export, on both databases."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fieldstone.platform.kernel.context import Context, Unit
from fieldstone.platform.kernel.errors import Conflict, Invalid, NotFound
from fieldstone.platform.metadata.packages.files import write_folder
from fieldstone.platform.metadata.packages.package import Package
from fieldstone.platform.metadata.packages.reading import package_files
from fieldstone.platform.metadata.packages.service import InstallOrder, PackageService
from tests.support.metadata import MetadataHome, put, remove
from tests.support.note_kind import note, remark

MANIFEST = {"$schema": "https://fieldstone.dev/schemas/package.json", "name": "demo", "version": "1.0"}
ELEMENTS: dict[tuple[str, str], dict[str, Any]] = {
    ("note", "site"): {**note("site", "a", "b"), "label": {"en": "Site", "zh-Hans": "场所"}},
    ("note", "visit"): note("visit", "x", needs=["site"]),
    ("remark", "r1"): remark("r1", "site", "a"),
}


class Rows:
    """An importer that counts."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str]] = []

    def import_seed(self, ctx: Context, unit: Unit, object: str, path: Path) -> None:
        if ctx.snapshot.find("note", object) is None:
            raise NotFound("There is no {kind} called {name}.", kind="note", name=object)
        self.seen.append((object, path.read_text()))


@pytest.fixture
def packages(meta: MetadataHome) -> PackageService:
    return PackageService(meta.service)


def package(version: str = "1.0", **changed: Any) -> Package:
    elements = {**ELEMENTS, **{("note", name): body for name, body in changed.items()}}
    return Package(
        manifest={**MANIFEST, "version": version},
        elements={key: body for key, body in elements.items() if body is not None},
        locales=("zh-Hans",),
        files={"README.md": "# Demo\n", "examples/a.json": "{}\n"},
    )


def exported(meta: MetadataHome, packages: PackageService) -> dict[str, str]:
    return meta.home.read(lambda ctx, unit: packages.export(unit, "demo"))


def test_an_installed_package_exports_the_very_bytes_it_came_as(
    meta: MetadataHome, packages: PackageService, tmp_path: Path
) -> None:
    folder = tmp_path / "demo"
    write_folder(package_files(package(), meta.service.kinds), folder)
    read = packages.read(folder)
    assert read == package()
    done = packages.install(meta.doors(), read)
    assert (done.version, done.local_changes) == (1, [])
    files = exported(meta, packages)
    assert files == {path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*.*")}
    assert "场所" not in files["notes/site.json"]


@st.composite
def any_package(draw: st.DrawFn) -> Package:
    """A package whose references hold: notes with texts, and remarks about their fields."""
    names = st.from_regex(r"\A[a-z][a-z0-9]{0,5}\Z")
    words = st.one_of(st.just("x"), st.fixed_dictionaries({"en": st.just("x"), "zh-Hans": st.sampled_from(["叉", ""])}))
    elements: dict[tuple[str, str], dict[str, Any]] = {}
    for name in draw(st.lists(names, unique=True, min_size=1, max_size=3)):
        fields = [
            {"name": f, "type": "text", "label": draw(words)}
            for f in draw(st.lists(names, unique=True, min_size=1, max_size=3))
        ]
        elements["note", f"p_{name}"] = {"name": f"p_{name}", "label": draw(words), "fields": fields}
    about, body = next(iter(elements.items()))
    elements["remark", "r"] = remark("r", about[1], body["fields"][0]["name"])
    locales = draw(st.sampled_from([(), ("zh-Hans",), ("zh-Hans", "zh-Hant")]))
    return Package(manifest=MANIFEST, elements=elements, locales=locales, files={"README.md": draw(st.text("ab\n"))})


@given(any_package())
@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
def test_whatever_is_installed_is_exported_byte_for_byte(
    meta: MetadataHome, packages: PackageService, wanted: Package
) -> None:
    packages.install(meta.doors(), wanted, InstallOrder(confirm=frozenset({"lossy"})))
    assert exported(meta, packages) == package_files(wanted, meta.service.kinds)


def test_installing_again_changes_nothing(meta: MetadataHome, packages: PackageService) -> None:
    packages.install(meta.doors(), package())
    assert packages.install(meta.doors(), package()).version == 1
    assert meta.home.read(lambda ctx, unit: packages.differences(unit, package())) == []
    ((name, version),) = [
        (each.name, each.version) for each in meta.home.read(lambda ctx, unit: packages.installed(unit))
    ]
    assert (name, version) == ("demo", "1.0")


def test_an_upgrade_changes_adds_and_removes_what_belongs_to_the_package(
    meta: MetadataHome, packages: PackageService
) -> None:
    packages.install(meta.doors(), package())
    meta.publish(put("note", note("own", "z")))
    new = package("1.1", site=note("site", "a", "b", "c"), visit=None, extra=note("extra", "e"))
    told = [(d.kind, d.name, d.change) for d in meta.home.read(lambda ctx, unit: packages.differences(unit, new))]
    assert told == [("note", "extra", "added"), ("note", "site", "changed"), ("note", "visit", "removed")]
    packages.install(meta.doors(), new)
    assert meta.snapshot().names("note") == ("extra", "own", "site")
    assert exported(meta, packages) == package_files(new, meta.service.kinds)


def test_local_changes_are_kept_and_reported_unless_replaced(meta: MetadataHome, packages: PackageService) -> None:
    packages.install(meta.doors(), package())
    meta.publish(put("note", note("site", "a", "b", "mine")))
    (local,) = meta.home.read(lambda ctx, unit: packages.local_changes(unit, "demo"))
    assert [part.path for part in local.parts] == ["/fields/mine", "/label"]
    done = packages.install(meta.doors(), package("1.1", visit=note("visit", "x", "y", needs=["site"])))
    assert [(c.name, c.outcome) for c in done.local_changes] == [("site", "kept")]
    assert "mine" in meta.snapshot().get("note", "site").columns
    order = InstallOrder(overrides="replace", confirm=frozenset({"lossy"}))
    done = packages.install(meta.doors(), package("1.2"), order)
    assert [(c.name, c.outcome) for c in done.local_changes] == [("site", "replaced")]
    assert "mine" not in meta.snapshot().get("note", "site").columns
    assert meta.home.read(lambda ctx, unit: packages.local_changes(unit, "demo")) == []


def test_what_a_tenant_removed_stays_removed(meta: MetadataHome, packages: PackageService) -> None:
    packages.install(meta.doors(), package())
    meta.publish(remove("remark", "r1"))
    done = packages.install(meta.doors(), package("1.1"))
    assert [(c.name, c.outcome) for c in done.local_changes] == [("r1", "kept")]
    assert meta.snapshot().names("remark") == ()


def test_an_element_of_the_tenant_is_not_taken_over(meta: MetadataHome, packages: PackageService) -> None:
    meta.publish(put("note", note("site", "other")))
    preview = packages.validate(meta.doors(), package())
    assert [(d.path, d.code) for d in preview.diagnostics if d.code == "not_owned"] == [("/note/site", "not_owned")]
    with pytest.raises(Invalid):
        packages.install(meta.doors(), package())
    assert meta.snapshot().version == 1


@pytest.mark.parametrize(
    ("manifest", "path", "code"),
    [
        ({"depends": {"base": ">=2"}}, "/depends/base", "missing"),
        ({"fieldstone": ">=99"}, "/fieldstone", "range"),
        ({"fieldstone": "about 1"}, "/fieldstone", "range"),
        ({"version": "first"}, "/version", "version"),
    ],
)
def test_what_a_package_needs_is_checked(
    meta: MetadataHome, packages: PackageService, manifest: dict[str, Any], path: str, code: str
) -> None:
    needy = Package(manifest={**MANIFEST, **manifest}, elements={})
    with pytest.raises(Invalid) as refusal:
        packages.install(meta.doors(), needy)
    assert [(error.path, error.code) for error in refusal.value.errors] == [(path, code)]


def test_a_dependency_is_satisfied_by_an_installed_version_in_its_range(
    meta: MetadataHome, packages: PackageService
) -> None:
    packages.install(meta.doors(), package("1.4"))
    above = Package(manifest={**MANIFEST, "name": "above", "depends": {"demo": ">=1,<2"}}, elements={})
    assert packages.install(meta.doors(), above).package == "above"
    beyond = Package(manifest={**MANIFEST, "name": "beyond", "depends": {"demo": ">=2"}}, elements={})
    with pytest.raises(Invalid):
        packages.install(meta.doors(), beyond)


def test_seeds_come_in_once_and_again_only_when_their_file_changed(meta: MetadataHome) -> None:
    rows = Rows()
    packages = PackageService(meta.service, rows)
    seeded = Package(manifest=MANIFEST, elements=ELEMENTS, files={"data/site.csv": "a,b\r\n1,2\r\n"})
    assert packages.install(meta.doors(), seeded).seeds == ["data/site.csv"]
    assert packages.install(meta.doors(), seeded).seeds == []
    assert rows.seen == [("site", "a,b\n1,2\n")]
    assert exported(meta, packages)["data/site.csv"] == "a,b\r\n1,2\r\n"
    wrong = Package(manifest=MANIFEST, elements=ELEMENTS, files={"data/nothing.csv": "a\n"})
    for _ in range(2):
        with pytest.raises(NotFound):
            packages.install(meta.doors(), wrong)


def test_a_removed_package_takes_its_elements_along_and_nothing_else(
    meta: MetadataHome, packages: PackageService
) -> None:
    packages.install(meta.doors(), package())
    meta.publish(put("note", note("own", "z")))
    packages.remove(meta.doors(), "demo")
    assert (meta.snapshot().names("note"), meta.snapshot().names("remark")) == (("own",), ())
    with pytest.raises(NotFound):
        exported(meta, packages)
    assert packages.install(meta.doors(), package()).version == 4


def test_a_package_that_something_else_needs_cannot_be_removed(meta: MetadataHome, packages: PackageService) -> None:
    packages.install(meta.doors(), package())
    meta.publish(put("note", note("own", "z", needs=["site"])))
    with pytest.raises(Invalid) as refusal:
        packages.remove(meta.doors(), "demo")
    assert [error.code for error in refusal.value.errors] == ["element_in_use"]


def test_packages_of_one_tenant_are_not_those_of_another(meta: MetadataHome, packages: PackageService) -> None:
    packages.install(meta.doors(), package())
    assert meta.home.read(lambda ctx, unit: packages.installed(unit), tenant="globex") == ()


def test_a_changeset_on_an_older_base_meets_an_upgrade_as_a_conflict(
    meta: MetadataHome, packages: PackageService
) -> None:
    packages.install(meta.doors(), package())
    packages.install(meta.doors(), package("1.1", site=note("site", "a", "b", "c")))
    with pytest.raises(Conflict):
        meta.publish(put("note", note("site", "a", "b")), base=1)
