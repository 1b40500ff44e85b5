"""A tenant in a file, and a new tenant from it, on the same engine or the other."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from fieldstone.platform.database.unit import SqlUnit
from fieldstone.platform.kernel.errors import Conflict, Invalid, NotFound
from fieldstone.platform.kernel.ids import new_id
from fieldstone.platform.tenancy.transfer import NoRecordTables, TenantTransfer
from fieldstone.platform.work.messages import Consumer
from tests.support import ledger
from tests.support.installation import Installation, settings_for, with_tenants


class LedgerTables:
    """The tables beyond the fixed ones, in these tests."""

    def existing(self, unit: SqlUnit) -> Sequence[sa.Table]:
        return ledger.METADATA.sorted_tables

    def create(self, unit: SqlUnit) -> Sequence[sa.Table]:
        ledger.METADATA.create_all(unit.connection)
        return ledger.METADATA.sorted_tables


FULL: dict[str, Any] = {
    "name": "客戶 \x7f \n\"'",
    "number": 2**62,
    "amount": Decimal("-1234567890123456.78"),
    "huge": Decimal("-123456789012345678901234567890.0123456789"),
    "at": datetime(1999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
    "day": date(1, 1, 1),
    "time": time(23, 59, 59, 1),
    "took": timedelta(days=-1, microseconds=1),
    "body": {"a": [1, None, {"b": "c"}], "d": 1.5},
    "done": True,
    "blob": b"\x00\xff",
}


@pytest.fixture
def source(home: Installation) -> Installation:
    return ledger.install(home)


def transfer(home: Installation) -> TenantTransfer:
    return TenantTransfer(home.databases, home.tenants, home.files, LedgerTables())


def rows(home: Installation, tenant: str) -> Any:
    return home.read(lambda ctx, unit: unit.rows(ledger.ALL), tenant)


def fill(home: Installation) -> str:
    parent = ledger.sample(**FULL)
    below, above = str(new_id()), str(new_id())
    home.write(
        lambda ctx, unit: (
            unit.run(ledger.INSERT, parent),
            unit.run_many(ledger.INSERT, [ledger.sample() for _ in range(1200)]),
            unit.run(ledger.INSERT_CHILD, {"id": new_id(), "sample": parent["id"]}),
            unit.run(ledger.INSERT_TREE, {"id": above, "parent": None}),
            unit.run(ledger.INSERT_TREE, {"id": below, "parent": above}),
            home.work.outbox.post(ctx, unit, "told", {"n": 1}),
            home.work.timers.set(ctx, unit, "sla", "k", home.clock.now(), {}),
        )
    )
    return home.files.put("acme", [b"content"]).key


def test_a_restored_tenant_has_everything_and_holds_its_outside_effects(source: Installation, tmp_path: Path) -> None:
    called: list[str] = []
    source.kinds.consumers.register(
        "told", Consumer(topic="told", name="told", handle=lambda message, units: called.append(message.tenant))
    )
    key = fill(source)
    file = tmp_path / "acme.zip"
    exported = transfer(source).export_to("acme", file)
    restored = transfer(source).restore_from(file, "acme2")
    assert restored.rows == exported.rows
    assert (restored.rows["sample"], restored.rows["sample_child"], restored.files) == (1201, 1, 1)
    assert restored.held == {"outbox": 1, "timer": 1}
    assert rows(source, "acme2") == rows(source, "acme")
    assert rows(source, "globex") == []
    branches = [source.read(lambda ctx, unit: unit.rows(sa.select(ledger.tree)), name) for name in ("acme", "acme2")]
    assert sorted(branches[0]) == sorted(branches[1])
    assert len(branches[0]) == 2
    assert source.files.read("acme2", key) == b"content"
    source.work.run_due()
    assert called == ["acme"]
    source.write(lambda ctx, unit: source.work.outbox.release_held(unit), "acme2")
    source.work.run_due()
    assert called == ["acme", "acme2"]


def test_a_tenant_moves_to_the_other_engine(source: Installation, tmp_path: Path, postgres_url: str) -> None:
    fill(source)
    file = tmp_path / "acme.zip"
    transfer(source).export_to("acme", file)
    url = None if source.dialect == "postgresql" else postgres_url
    other = Installation(settings_for(tmp_path / "other", url))
    other.tenants.prepare()
    with with_tenants(other, ("umbrella",)):
        transfer(other).restore_from(file, "moved")
        assert other.dialect != source.dialect
        assert rows(other, "moved") == rows(source, "acme")


def test_an_export_is_one_state_whatever_is_written_meanwhile(source: Installation, tmp_path: Path) -> None:
    fill(source)

    class Meddling(LedgerTables):
        def existing(self, unit: SqlUnit) -> Sequence[sa.Table]:
            unit.rows(ledger.COUNT)
            source.write(lambda ctx, unit: unit.run(ledger.INSERT, ledger.sample()))
            return super().existing(unit)

    meddled = TenantTransfer(source.databases, source.tenants, source.files, Meddling())
    assert meddled.export_to("acme", tmp_path / "a.zip").rows["sample"] == 1201


def test_a_table_nobody_knows_refuses_the_export(source: Installation, tmp_path: Path) -> None:
    plain = TenantTransfer(source.databases, source.tenants, source.files, NoRecordTables())
    with pytest.raises(Invalid, match="sample"):
        plain.export_to("acme", tmp_path / "a.zip")
    assert list(tmp_path.glob("a.zip*")) == []


def damage_rows(archive: dict[str, bytes]) -> None:
    archive["tables/sample.jsonl"] = archive["tables/sample.jsonl"].replace(b"1", b"2")


def cut_rows(archive: dict[str, bytes]) -> None:
    archive["tables/sample.jsonl"] = archive["tables/sample.jsonl"].rsplit(b"\n", 2)[0] + b"\n"


def damage_blob(archive: dict[str, bytes]) -> None:
    name = next(name for name in archive if name.startswith("blobs/"))
    archive[name] = b"other"


def other_format(archive: dict[str, bytes]) -> None:
    archive["manifest.json"] = json.dumps({**json.loads(archive["manifest.json"]), "format": 99}).encode()


def other_revision(archive: dict[str, bytes]) -> None:
    archive["manifest.json"] = json.dumps({**json.loads(archive["manifest.json"]), "revision": "9"}).encode()


def no_manifest(archive: dict[str, bytes]) -> None:
    del archive["manifest.json"]


@pytest.mark.parametrize("spoil", [damage_rows, cut_rows, damage_blob, other_format, other_revision, no_manifest])
def test_a_damaged_file_restores_nothing(
    source: Installation, tmp_path: Path, spoil: Callable[[dict[str, bytes]], None]
) -> None:
    fill(source)
    file = tmp_path / "a.zip"
    transfer(source).export_to("acme", file)
    with zipfile.ZipFile(file) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    spoil(parts)
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    with pytest.raises(Invalid):
        transfer(source).restore_from(file, "acme2")
    with pytest.raises(NotFound):
        source.tenants.get("acme2")


def test_a_tenant_is_not_restored_over_another(source: Installation, tmp_path: Path) -> None:
    transfer(source).export_to("acme", tmp_path / "a.zip")
    with pytest.raises(Conflict):
        transfer(source).restore_from(tmp_path / "a.zip", "globex")
    assert source.tenants.get("globex").name == "globex"
