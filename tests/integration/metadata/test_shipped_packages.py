"""The packages that come with Fieldstone, installed by the composed product on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import fieldstone
from fieldstone.app import make_frame
from fieldstone.platform.database.engines import Databases
from fieldstone.platform.frame import Frame
from fieldstone.platform.metadata.doors import CallerDoors
from fieldstone.platform.metadata.registration import upgrade_tenants
from fieldstone.platform.metadata.services import Metadata
from fieldstone.platform.metadata.snapshot import TenantSnapshot
from fieldstone.platform.tenancy.store import TenantStore
from fieldstone.platform.units import Caller, SystemCredential, Units
from tests.support.installation import begin_without_tenants, settings_for

PACKAGES = Path(fieldstone.__file__).parent / "plugins" / "packages"
SHIPPED = sorted(path.parent for path in PACKAGES.glob("*/package.json"))
TENANTS = ("north", "south")


@pytest.fixture
def frame(tmp_path: Path, database_url: str | None) -> Iterator[Frame]:
    """The whole product with two tenants."""
    made = make_frame(settings_for(tmp_path / "home", database_url))
    tenants = made.need(TenantStore)
    begin_without_tenants(tenants)
    try:
        for name in TENANTS:
            tenants.create(name, name.capitalize())
        yield made
    finally:
        for record in tenants.list():
            tenants.drop(record.tenant.name)
        made.need(Databases).close()


def doors(frame: Frame, tenant: str = "north") -> CallerDoors:
    return CallerDoors(frame.need(Units), Caller(tenant=tenant, credential=SystemCredential()))


@pytest.mark.parametrize("folder", SHIPPED, ids=lambda folder: folder.name)
def test_a_shipped_package_installs_and_is_exported_as_it_came(frame: Frame, folder: Path) -> None:
    packages = frame.need(Metadata).packages
    package = packages.read(folder)
    for name in package.depends:
        packages.install(doors(frame), packages.read(PACKAGES / name))
    version = packages.install(doors(frame), package).version
    files = doors(frame).read(lambda ctx, unit: packages.export(unit, package.name))
    assert files == {path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*.*")}
    assert packages.install(doors(frame), package).version == version


def test_two_tenants_with_the_same_package_share_all_that_is_compiled(frame: Frame) -> None:
    packages = frame.need(Metadata).packages
    snapshots: list[TenantSnapshot] = []
    for name in TENANTS:
        packages.install(doors(frame, name), packages.read(SHIPPED[0]))
        snapshots.append(doors(frame, name).read(lambda ctx, unit: frame.need(Metadata).service.snapshot(unit)))
    first, second = snapshots
    for kind in frame.kinds:
        assert all(a is b for a, b in zip(first.all(kind.name), second.all(kind.name), strict=True))


def test_a_tenant_that_is_up_to_date_keeps_its_version_on_upgrade(frame: Frame) -> None:
    assert {name: published.version for name, published in upgrade_tenants(frame)} == dict.fromkeys(TENANTS, 1)
