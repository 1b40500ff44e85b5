"""What happens when things break: killed processes, cut connections, full queues, outdated plans, fifty writers."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa

from fieldstone.platform.database.errors import IntegrityError
from fieldstone.platform.database.home import READ_STATE
from fieldstone.platform.database.prepared import Prepared
from fieldstone.platform.database.unit import SqlUnit
from fieldstone.platform.kernel.context import Context
from fieldstone.platform.kernel.errors import Unavailable
from fieldstone.platform.kernel.ids import new_id
from fieldstone.platform.settings import Settings
from tests.support import ledger
from tests.support.installation import Installation, settings_for

WRITER = """
import json, sys
from pathlib import Path
from tests.support import ledger
from tests.support.installation import Installation, settings_for
data_dir, url = json.loads(sys.argv[1])
home = Installation(settings_for(Path(data_dir), url))

def both(unit, row):
    unit.run(ledger.INSERT, row)
    unit.run(ledger.INSERT_CHILD, {"id": row["id"], "sample": row["id"]})

while True:
    row = ledger.sample()
    home.write(lambda ctx, unit: both(unit, row))
    print(row["id"], flush=True)
"""


@pytest.fixture
def books(home: Installation) -> Installation:
    return ledger.install(home)


def count(home: Installation) -> int:
    return int(home.read(lambda ctx, unit: unit.scalar(ledger.COUNT)))


def test_a_killed_process_loses_nothing_it_acknowledged_and_leaves_no_halves(books: Installation) -> None:
    where = json.dumps([str(books.settings.data_dir), books.settings.database_url])
    acknowledged: list[str] = []
    for _ in range(2):
        process = subprocess.Popen([sys.executable, "-c", WRITER, where], stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        for _ in range(15):
            acknowledged.append(process.stdout.readline().strip())
        os.kill(process.pid, signal.SIGKILL)
        rest, _ = process.communicate()
        acknowledged.extend(line for line in rest.splitlines() if len(line) == 36)
    there = {row[0] for row in books.read(lambda ctx, unit: unit.rows(ledger.ALL))}
    children = books.read(lambda ctx, unit: unit.scalar(sa.text("SELECT count(*) FROM sample_child")))
    assert set(acknowledged) <= there
    assert children == len(there)
    books.write(lambda ctx, unit: unit.run(ledger.INSERT, ledger.sample()))


def test_fifty_writers_each_get_their_turn_and_no_update_is_lost(books: Installation) -> None:
    key = str(new_id())
    books.write(lambda ctx, unit: unit.run(ledger.INSERT, ledger.sample(id=key, number=0)))
    waits: list[float] = []
    begin = threading.Barrier(50)

    def write() -> None:
        begin.wait(30)
        for _ in range(4):
            asked = time.monotonic()
            books.write(lambda ctx, unit: unit.run(ledger.ADD, {"key": key, "by": 1}))
            waits.append(time.monotonic() - asked)

    threads = [threading.Thread(target=write) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert books.read(lambda ctx, unit: unit.one(ledger.NUMBER, {"key": key})) == (200,)
    assert len(waits) == 200


def test_stock_is_never_oversold(make_installation: Callable[..., Installation]) -> None:
    """Fifty orders of two items for a stock of thirty each, held by a constraint; items locked in one order."""
    books = ledger.install(make_installation(pool_overflow=60))
    items = sorted(str(new_id()) for _ in range(2))
    for item in items:
        books.write(lambda ctx, unit, item=item: unit.run(ledger.INSERT, ledger.sample(id=item, number=30)))
    accepted: list[bool] = []
    refused: set[str] = set()

    def order() -> None:
        def work(ctx: Context, unit: SqlUnit) -> None:
            for item in items:
                unit.run(ledger.ADD, {"key": item, "by": -1})

        try:
            books.write(work)
            accepted.append(True)
        except IntegrityError as error:
            refused.add(error.constraint)
            accepted.append(False)

    threads = [threading.Thread(target=order) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (accepted.count(True), accepted.count(False), refused) == (30, 20, {"ck_sample_number"})
    assert books.read(lambda ctx, unit: unit.rows(ledger.IN_LIST, {"keys": items})) == [(0,), (0,)]


def test_a_writer_that_waits_too_long_is_told_to_come_back(make_installation: Callable[..., Installation]) -> None:
    home = make_installation(unit_seconds=0.5, lock_seconds=0.5)
    ledger.install(home)
    key = str(new_id())
    home.write(lambda ctx, unit: unit.run(ledger.INSERT, ledger.sample(id=key, number=0)))
    other = Installation(settings_for(home.settings.data_dir, home.settings.database_url, unit_seconds=20))
    started, end = threading.Event(), threading.Event()

    def hold(ctx: Context, unit: SqlUnit) -> None:
        unit.run(ledger.ADD, {"key": key, "by": 1})
        started.set()
        end.wait(20)

    thread = threading.Thread(target=lambda: other.write(hold))
    thread.start()
    assert started.wait(10)
    try:
        with pytest.raises(Unavailable) as caught:
            home.write(lambda ctx, unit: unit.run(ledger.ADD, {"key": key, "by": 1}))
        assert caught.value.facts["retry_after"] >= 1
        assert home.read(lambda ctx, unit: unit.one(ledger.NUMBER, {"key": key})) == (0,)
    finally:
        end.set()
        thread.join()
        other.close()
    assert home.write(lambda ctx, unit: unit.run(ledger.ADD, {"key": key, "by": 1})) == 1


def test_a_read_writes_nothing_to_disk(home: Installation) -> None:
    if home.dialect == "postgresql":
        return
    home.read(lambda ctx, unit: unit.rows(READ_STATE))
    folder = home.settings.tenants_dir
    before = {path.name: path.stat().st_mtime_ns for path in folder.iterdir() if not path.name.endswith("-shm")}
    home.read(lambda ctx, unit: unit.rows(READ_STATE))
    after = {path.name: path.stat().st_mtime_ns for path in folder.iterdir() if not path.name.endswith("-shm")}
    assert after == before


def test_a_full_disk_refuses_writes_and_nothing_else(books: Installation) -> None:
    if books.dialect == "postgresql":
        return

    def limit(pages: int) -> None:
        books.write(lambda ctx, unit: unit.connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}"))

    limit(1)  # SQLite takes what the file has already
    with pytest.raises(Unavailable):
        books.write(lambda ctx, unit: unit.run(ledger.INSERT, ledger.sample(blob=b"x" * 1_000_000)))
    assert count(books) == 0
    limit(1_000_000)
    books.write(lambda ctx, unit: unit.run(ledger.INSERT, ledger.sample(blob=b"x" * 1_000_000)))
    assert count(books) == 1


def test_more_tenants_than_may_stay_open_all_work(make_installation: Callable[..., Installation]) -> None:
    home = make_installation(open_tenants=2)
    if home.dialect == "postgresql":
        return
    names = ["acme", "globex", *(f"t{number}" for number in range(6))]
    for name in names[2:]:
        home.tenants.create(name, name)
    failures: list[Exception] = []

    def use(offset: int) -> None:
        try:
            for step in range(40):
                tenant = names[(offset + step) % len(names)]
                home.write(lambda ctx, unit: home.work.outbox.post(ctx, unit, "told", {}), tenant)
                home.read(lambda ctx, unit: unit.rows(READ_STATE), tenant)
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=use, args=(offset,)) for offset in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    found = [len(home.read(lambda ctx, unit: home.work.outbox.letters(unit, "ready"), name)) for name in names]
    assert sum(found) == 160


class OnPostgres:
    """Faults of a server."""

    @pytest.fixture
    def engine(self) -> str:
        return "postgresql"


class TestConnections(OnPostgres):
    def cut_all(self, home: Installation) -> None:
        assert home.settings.database_url is not None
        with psycopg.connect(home.settings.database_url, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )

    def test_connections_cut_while_idle_are_replaced_unnoticed(self, books: Installation) -> None:
        barrier = threading.Barrier(4)

        def use() -> None:
            books.read(lambda ctx, unit: (unit.rows(READ_STATE), barrier.wait(10)))

        threads = [threading.Thread(target=use) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for _ in range(3):
            self.cut_all(books)
            time.sleep(0.1)
            assert count(books) == 0
            self.cut_all(books)
            time.sleep(0.1)
            books.write(lambda ctx, unit: unit.scalar(ledger.COUNT))
            self.cut_all(books)
            time.sleep(0.1)
            with books.databases.main.directory_read() as connection:
                assert connection.execute(sa.text("SELECT 1")).scalar() == 1

    def test_a_unit_whose_connection_is_cut_runs_again_and_has_its_effect_once(self, books: Installation) -> None:
        runs: list[int] = []

        def work(ctx: Context, unit: SqlUnit) -> None:
            runs.append(1)
            unit.run(ledger.INSERT, ledger.sample())
            if len(runs) == 1:
                self.cut_all(books)
                time.sleep(0.1)
            unit.scalar(ledger.COUNT)

        books.write(work)
        assert (len(runs), count(books)) == (2, 1)

    def test_a_commit_whose_answer_is_lost_is_not_run_again(self, books: Installation) -> None:
        runs: list[int] = []

        def work(ctx: Context, unit: SqlUnit) -> None:
            runs.append(1)
            unit.run(ledger.INSERT, ledger.sample())
            self.cut_all(books)
            time.sleep(0.1)

        with pytest.raises(Unavailable) as caught:
            books.write(work)
        assert caught.value.instance_code == "commit_unknown"
        assert len(runs) == 1

    def test_a_server_that_is_away_is_told_at_once(self, home: Installation, tmp_path: Path) -> None:
        away = Installation(settings_for(tmp_path, "postgresql://postgres@127.0.0.1:1/none"))
        began = time.monotonic()
        with pytest.raises(Unavailable):
            away.read(lambda ctx, unit: None)
        assert time.monotonic() - began < 5

    def test_a_pool_that_is_used_up_is_told_and_recovers(self, make_installation: Callable[..., Installation]) -> None:
        home = make_installation(pool_size=1, pool_overflow=0, pool_timeout=0.3, unit_seconds=20)
        started, end = threading.Event(), threading.Event()

        def hold(ctx: Context, unit: SqlUnit) -> None:
            unit.rows(READ_STATE)
            started.set()
            end.wait(20)

        thread = threading.Thread(target=lambda: home.read(hold))
        thread.start()
        assert started.wait(10)
        with pytest.raises(Unavailable):
            home.read(lambda ctx, unit: unit.rows(READ_STATE))
        end.set()
        thread.join()
        assert home.read(lambda ctx, unit: unit.rows(READ_STATE)) == [(0, 0, "active")]

    def test_a_statement_that_runs_too_long_is_ended(self, make_installation: Callable[..., Installation]) -> None:
        home = make_installation(unit_seconds=0.3)
        with pytest.raises(Unavailable):
            home.read(lambda ctx, unit: unit.rows(Prepared(sa.text("SELECT pg_sleep(20)"))))


class TestPlans(OnPostgres):
    def test_a_column_that_changed_its_type_makes_the_unit_run_again(self, books: Installation) -> None:
        statement = Prepared(sa.text("SELECT name FROM sample_child"))
        change = "ALTER TABLE sample_child ALTER name TYPE int USING name::int"
        books.publish(lambda ctx, unit: unit.run(sa.text("ALTER TABLE sample_child ADD name text")))
        for _ in range(3):
            assert books.read(lambda ctx, unit: unit.rows(statement)) == []
        books.publish(lambda ctx, unit: unit.run(sa.text(change)))
        assert books.read(lambda ctx, unit: unit.rows(statement)) == []

    def test_one_statement_serves_tenants_whose_tables_differ(self, books: Installation) -> None:
        books.publish(lambda ctx, unit: unit.run(sa.text("CREATE TABLE own (v int)")))
        books.publish(lambda ctx, unit: unit.run(sa.text("CREATE TABLE own (v text)")), "globex")
        books.write(lambda ctx, unit: unit.run(sa.text("INSERT INTO own VALUES (1)")))
        books.write(lambda ctx, unit: unit.run(sa.text("INSERT INTO own VALUES ('one')")), "globex")
        statement = Prepared(sa.text("SELECT v FROM own"))
        for _ in range(3):
            assert books.read(lambda ctx, unit: unit.rows(statement)) == [(1,)]
            assert books.read(lambda ctx, unit: unit.rows(statement), "globex") == [("one",)]


class TestLogins(OnPostgres):
    def test_a_superuser_for_serving_is_known(self, home: Installation) -> None:
        assert home.databases.serves_as_superuser()

    def test_the_serving_login_is_no_superuser_and_inherits_nothing(self, home: Installation) -> None:
        with home.databases.main.directory_read() as connection:
            row = connection.execute(
                sa.text("SELECT rolsuper, rolinherit, rolcreaterole, rolcreatedb FROM pg_roles WHERE rolname = user")
            ).one()
        assert tuple(row) == (False, False, False, False)

    def test_a_new_secret_key_gives_the_login_a_new_password(self, home: Installation) -> None:
        settings: Settings = settings_for(
            home.settings.data_dir, home.settings.database_url, secret_key="another secret that is long enough too"
        )
        other = Installation(settings)
        assert other.read(lambda ctx, unit: unit.rows(READ_STATE)) == [(0, 0, "active")]
        other.close()


def many(home: Installation, works: list[Callable[[], Any]]) -> list[Exception]:
    """Run all at once; what they raised."""
    failures: list[Exception] = []

    def run(work: Callable[[], Any]) -> None:
        try:
            work()
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return failures


def test_publishing_while_others_read_and_write_disturbs_nobody(books: Installation) -> None:
    seen: list[int] = []

    def use() -> None:
        for _ in range(15):
            books.write(lambda ctx, unit: unit.run(ledger.INSERT, ledger.sample()))
            seen.append(books.read(lambda ctx, unit: ctx.snapshot.version))

    def publish() -> None:
        for version in range(1, 6):

            def work(ctx: Context, unit: SqlUnit, version: int = version) -> None:
                unit.run(sa.text(f"ALTER TABLE sample ADD COLUMN extra_{version} text"))
                unit.run(sa.text("UPDATE tenant_state SET version = version + 1"))

            books.publish(work)

    assert many(books, [use, use, use, publish]) == []
    assert count(books) == 45
    assert books.read(lambda ctx, unit: ctx.snapshot.version) == 5
    assert sorted(set(seen)) == list(range(min(seen), max(seen) + 1)) or len(seen) == 45
