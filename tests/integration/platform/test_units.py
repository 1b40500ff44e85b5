"""Units of work on both databases: all or nothing, one consistent state, gate and wall."""

from __future__ import annotations

import threading
import time
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from fieldstone.platform.database.errors import IntegrityError
from fieldstone.platform.database.home import READ_STATE, SET_VERSION
from fieldstone.platform.database.prepared import Prepared
from fieldstone.platform.database.unit import SqlUnit
from fieldstone.platform.kernel.context import Actor, Context
from fieldstone.platform.kernel.errors import Conflict, Forbidden, Invalid, NotFound, NotSignedIn, Unavailable
from fieldstone.platform.kernel.ids import new_id
from fieldstone.platform.units import Caller, Credential, SessionCredential, TokenCredential, Units, bump_access
from tests.support import ledger
from tests.support.installation import Installation, anybody, empty_snapshots


@pytest.fixture
def books(home: Installation) -> Installation:
    return ledger.install(home)


def count(home: Installation, tenant: str = "acme") -> int:
    return int(home.read(lambda ctx, unit: unit.scalar(ledger.COUNT), tenant))


def insert(home: Installation, tenant: str = "acme", **values: Any) -> str:
    row = ledger.sample(**values)
    home.write(lambda ctx, unit: unit.run(ledger.INSERT, row), tenant)
    return str(row["id"])


def test_what_a_unit_wrote_is_there_afterwards_and_only_in_its_tenant(books: Installation) -> None:
    insert(books)
    assert (count(books), count(books, "globex")) == (1, 0)


def test_a_unit_that_raises_leaves_nothing(books: Installation) -> None:
    def work(ctx: Context, unit: SqlUnit) -> None:
        unit.run(ledger.INSERT, ledger.sample())
        unit.write_later(ledger.INSERT, ledger.sample())
        raise Conflict("no")

    with pytest.raises(Conflict):
        books.write(work)
    assert count(books) == 0


def test_a_unit_that_swallowed_a_database_error_is_not_committed(books: Installation) -> None:
    row = ledger.sample()

    def work(ctx: Context, unit: SqlUnit) -> None:
        unit.run(ledger.INSERT, row)
        try:
            unit.run(ledger.INSERT, row)
        except IntegrityError:
            return

    with pytest.raises(IntegrityError):
        books.write(work)
    assert count(books) == 0


def test_nothing_more_can_be_asked_of_a_failed_unit(books: Installation) -> None:
    row = ledger.sample()

    def work(ctx: Context, unit: SqlUnit) -> None:
        unit.run(ledger.INSERT, row)
        with pytest.raises(IntegrityError):
            unit.run(ledger.INSERT, row)
        unit.rows(ledger.COUNT)

    with pytest.raises(RuntimeError, match="rolled back"):
        books.write(work)


def test_a_reading_unit_cannot_write(books: Installation) -> None:
    with pytest.raises(Exception, match="read"):
        books.read(lambda ctx, unit: unit.run(ledger.INSERT, ledger.sample()))
    assert count(books) == 0


def test_a_reading_unit_sees_one_state_while_others_write(books: Installation) -> None:
    def work(ctx: Context, unit: SqlUnit) -> tuple[int, int]:
        before = unit.scalar(ledger.COUNT)
        thread = threading.Thread(target=insert, args=(books,))
        thread.start()
        thread.join()
        return before, unit.scalar(ledger.COUNT)

    assert books.read(work) == (0, 0)
    assert count(books) == 1


def test_queued_writes_leave_with_the_commit_or_with_the_next_statement(books: Installation) -> None:
    def work(ctx: Context, unit: SqlUnit) -> int:
        unit.write_later(ledger.INSERT, ledger.sample())
        unit.write_later(ledger.INSERT, ledger.sample())
        found = unit.scalar(ledger.COUNT)
        unit.write_later(ledger.INSERT, ledger.sample())
        return int(found)

    assert books.write(work) == 2
    assert count(books) == 3


def test_a_queued_change_that_hits_another_number_of_rows_than_expected_undoes_the_unit(books: Installation) -> None:
    def work(ctx: Context, unit: SqlUnit) -> None:
        unit.write_later(ledger.INSERT, ledger.sample())
        unit.write_later(ledger.ADD, {"key": new_id(), "by": 1}, refusal=lambda error: Forbidden("gone"))

    with pytest.raises(Forbidden, match="gone"):
        books.write(work)
    assert count(books) == 0


def test_a_queued_change_may_hit_any_number_of_rows_when_it_says_so(books: Installation) -> None:
    books.write(lambda ctx, unit: unit.write_later(ledger.ADD, {"key": new_id(), "by": 1}, expect=None))


def test_the_refusal_belongs_to_the_queued_write_that_failed(books: Installation) -> None:
    row = ledger.sample()

    def work(ctx: Context, unit: SqlUnit) -> None:
        unit.write_later(ledger.INSERT, row, refusal=lambda error: Forbidden("first"))
        unit.write_later(ledger.INSERT, row, refusal=lambda error: Forbidden("second"))
        unit.write_later(ledger.INSERT, row, refusal=lambda error: Forbidden("third"))

    with pytest.raises(Forbidden, match="second"):
        books.write(work)


def test_a_savepoint_undoes_its_part_and_leaves_the_unit_usable(books: Installation) -> None:
    row = ledger.sample()
    called: list[str] = []

    def fail(unit: SqlUnit) -> None:
        with unit.savepoint():
            unit.run(ledger.INSERT, ledger.sample())
            unit.after_commit(lambda: called.append("inner"))
            unit.write_later(ledger.INSERT, row)

    def work(ctx: Context, unit: SqlUnit) -> None:
        unit.run(ledger.INSERT, row)
        with pytest.raises(IntegrityError):
            fail(unit)
        with unit.savepoint():
            unit.write_later(ledger.INSERT, ledger.sample())
        unit.after_commit(lambda: called.append("outer"))

    books.write(work)
    assert count(books) == 2
    assert called == ["outer"]


def test_after_commit_runs_only_when_committed(books: Installation) -> None:
    called: list[int] = []

    def work(ctx: Context, unit: SqlUnit) -> None:
        unit.after_commit(lambda: called.append(1))
        raise Conflict("no")

    with pytest.raises(Conflict):
        books.write(work)
    assert called == []


@pytest.mark.parametrize("prepared", [True, False])
def test_broken_constraints_are_named_alike(books: Installation, prepared: bool) -> None:
    insert(books, name="a")
    statement = ledger.INSERT if prepared else ledger.INSERT.statement
    with pytest.raises(IntegrityError) as caught:
        books.write(lambda ctx, unit: unit.run(statement, ledger.sample(name="a")))
    assert (caught.value.kind, caught.value.constraint) == ("unique", "uq_sample_name")
    with pytest.raises(IntegrityError) as caught:
        books.write(lambda ctx, unit: unit.run(statement, ledger.sample(number=-1)))
    assert (caught.value.kind, caught.value.constraint) == ("check", "ck_sample_number")
    with pytest.raises(IntegrityError) as caught:
        books.write(lambda ctx, unit: unit.run(ledger.INSERT_CHILD, {"id": new_id(), "sample": new_id()}))
    assert caught.value.kind == "foreign_key"
    with pytest.raises(IntegrityError) as caught:
        books.write(lambda ctx, unit: unit.run(ledger.INSERT_CHILD, {"id": new_id(), "sample": None}))
    assert (caught.value.kind, caught.value.columns) == ("not_null", ("sample",))


def test_a_number_beyond_the_column_is_refused_not_an_accident(books: Installation) -> None:
    with pytest.raises(Invalid):
        books.write(lambda ctx, unit: unit.run(ledger.INSERT, ledger.sample(number=10**30)))


def test_an_ill_formed_id_finds_nothing(books: Installation) -> None:
    with pytest.raises(NotFound):
        books.read(lambda ctx, unit: unit.one(ledger.NUMBER, {"key": "1 or 1=1"}))
    with pytest.raises(NotFound):
        books.read(lambda ctx, unit: unit.one(ledger.NUMBER.statement, {"key": "1 or 1=1"}))


def test_lists_of_any_length_can_be_bound(books: Installation) -> None:
    keys = [insert(books, number=number) for number in range(5)]
    for wanted in ([], keys[:1], keys[1:4], keys, keys[1:4]):
        found = books.read(lambda ctx, unit, wanted=wanted: unit.rows(ledger.IN_LIST, {"keys": wanted}))
        assert [row[0] for row in found] == [keys.index(key) for key in wanted]


def test_many_rows_are_written_together(books: Installation) -> None:
    rows = [ledger.sample() for _ in range(1203)]
    assert books.write(lambda ctx, unit: unit.run_many(ledger.INSERT, rows)) == 1203
    assert count(books) == 1203


def test_a_missing_parameter_is_an_error(books: Installation) -> None:
    with pytest.raises(KeyError):
        books.read(lambda ctx, unit: unit.one(ledger.NUMBER, {}))


def test_the_database_refuses_what_escapes_the_code(home: Installation) -> None:
    """The second wall, on PostgreSQL: raw SQL on another tenant's schema, on the directory, or making tables."""
    if home.dialect == "sqlite":
        with pytest.raises(Exception, match="no such table"):
            home.read(lambda ctx, unit: unit.rows(sa.text("SELECT * FROM globex.tenant_state")))
        return
    for escape in (
        "SELECT * FROM t_globex.tenant_state",
        "UPDATE t_globex.tenant_state SET version = 9",
        "SELECT * FROM fieldstone_directory.tenant",
        "CREATE TABLE t_acme.mine (n int)",
        "CREATE TEMPORARY TABLE mine (n int)",
        "DROP TABLE t_acme.tenant_state",
    ):
        with pytest.raises(Exception, match="permission denied|must be owner"):
            home.write(lambda ctx, unit, escape=escape: unit.run(sa.text(escape)))
    with home.databases.main.directory_write() as login, pytest.raises(sa.exc.ProgrammingError, match="permission"):
        login.execute(sa.text("SELECT * FROM t_acme.tenant_state"))


def test_the_role_ends_with_the_transaction(home: Installation) -> None:
    if home.dialect == "sqlite":
        return
    who = Prepared(sa.text("SELECT current_user::text"))
    names = {home.read(lambda ctx, unit: unit.scalar(who), tenant) for tenant in ("acme", "globex", "acme")}
    assert len(names) == 2
    with home.databases.main.directory_read() as login:
        assert str(login.execute(sa.text("SELECT current_user")).scalar()).startswith("fieldstone_")


def test_a_moved_version_makes_the_unit_run_again_with_the_new_snapshot(home: Installation) -> None:
    seen: list[int] = []

    def work(ctx: Context, unit: SqlUnit) -> int:
        seen.append(ctx.snapshot.version)
        unit.rows(READ_STATE)
        return ctx.snapshot.version

    assert home.read(work) == 0
    other = home.units_with()
    other.publish(home.caller(), lambda ctx, unit: unit.run(SET_VERSION, {"new_version": 7}))
    assert home.read(work) == 7
    assert home.write(work) == 7
    assert seen == [0, 0, 7, 7]


def test_a_unit_without_statements_passes_the_gate_too(home: Installation) -> None:
    assert home.read(lambda ctx, unit: ctx.snapshot.version) == 0
    home.units_with().publish(home.caller(), lambda ctx, unit: unit.run(SET_VERSION, {"new_version": 3}))
    assert home.read(lambda ctx, unit: ctx.snapshot.version) == 3
    assert home.write(lambda ctx, unit: ctx.snapshot.version) == 3


def test_actors_are_kept_until_access_changes(home: Installation) -> None:
    asked: list[Credential] = []

    def resolve(unit: SqlUnit, credential: Credential) -> Actor:
        asked.append(credential)
        return Actor(id=new_id(), name="A")

    units = home.units_with(resolve_actor=resolve)
    caller = home.caller(user="u1")
    for _ in range(3):
        units.read(caller, lambda ctx, unit: None)
    assert len(asked) == 1
    home.write(lambda ctx, unit: bump_access(unit))
    units.read(caller, lambda ctx, unit: None)
    assert len(asked) == 2
    home.clock.move(timedelta(seconds=16))
    units.read(caller, lambda ctx, unit: None)
    assert len(asked) == 3


def test_a_suspended_tenant_is_refused_at_the_next_statement(home: Installation) -> None:
    home.read(lambda ctx, unit: None)
    home.tenants.suspend("acme")
    for credential in (TokenCredential(secret="x"), SessionCredential(secret="x")):
        with pytest.raises(NotSignedIn):
            home.units.read(Caller(tenant="acme", credential=credential), lambda ctx, unit: None)
    for act in (home.read, home.write, home.publish):
        with pytest.raises(Forbidden):
            act(lambda ctx, unit: None)
    assert home.read(lambda ctx, unit: 1, "globex") == 1
    home.tenants.resume("acme")
    assert home.read(lambda ctx, unit: 1) == 1


def test_a_dropped_tenant_is_unknown_to_every_process(home: Installation) -> None:
    home.tenants.create("initech", "Initech")
    assert home.read(lambda ctx, unit: 1, "initech") == 1
    Installation(home.settings, clock=home.clock).tenants.drop("initech")
    with pytest.raises(NotFound):
        home.read(lambda ctx, unit: unit.rows(READ_STATE), "initech")
    with pytest.raises(NotSignedIn):
        home.units.read(Caller(tenant="initech", credential=TokenCredential(secret="x")), lambda ctx, unit: None)


def test_a_write_inside_a_write_of_the_same_tenant_is_a_defect(home: Installation) -> None:
    with pytest.raises(RuntimeError, match="inside"):
        home.write(lambda ctx, unit: home.write(lambda ctx, unit: None))
    assert home.write(lambda ctx, unit: home.write(lambda ctx, unit: 1, "globex")) == 1


def test_a_unit_ends_after_its_time(make_installation: Any) -> None:
    home = make_installation(unit_seconds=0.3)

    def work(ctx: Context, unit: SqlUnit) -> None:
        unit.rows(READ_STATE)
        time.sleep(0.5)
        unit.rows(READ_STATE)

    with pytest.raises(Unavailable):
        home.write(work)


def test_a_publish_gives_way_and_names_what_blocked_it(make_installation: Any) -> None:
    home = make_installation(unit_seconds=30)
    if home.dialect == "sqlite":
        return
    hasty = Units(home.databases, home.tenants, resolve_actor=anybody, snapshot_source=empty_snapshots, publish_tries=3)
    started, end = threading.Event(), threading.Event()

    def linger(ctx: Context, unit: SqlUnit) -> None:
        unit.rows(READ_STATE)
        started.set()
        end.wait(20)

    thread = threading.Thread(target=lambda: home.read(linger))
    thread.start()
    started.wait(5)
    try:
        with pytest.raises(Conflict, match="transaction of fieldstone"):
            hasty.publish(home.caller(), lambda ctx, unit: None)
        assert home.read(lambda ctx, unit: unit.rows(READ_STATE)) == [(0, 0, "active")]
    finally:
        end.set()
        thread.join()
    assert home.publish(lambda ctx, unit: 1) == 1


def test_a_deadlock_runs_the_whole_unit_again(books: Installation) -> None:
    if books.dialect == "sqlite":
        return
    one, two = insert(books, number=0), insert(books, number=0)
    meet = threading.Barrier(2)
    runs: list[str] = []

    def work(first: str, second: str) -> None:
        def both(ctx: Context, unit: SqlUnit) -> None:
            runs.append(first)
            unit.run(ledger.ADD, {"key": first, "by": 1})
            if len(runs) <= 2:
                meet.wait(5)
            unit.run(ledger.ADD, {"key": second, "by": 1})

        books.write(both)

    threads = [threading.Thread(target=work, args=pair) for pair in ((one, two), (two, one))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # The one that runs again may take its first row before the other is woken, and meet it a second time.
    assert len(runs) >= 3
    numbers = books.read(lambda ctx, unit: unit.rows(ledger.IN_LIST, {"keys": [one, two]}))
    assert numbers == [(2,), (2,)]


def test_a_warm_read_is_one_wait_and_a_warm_write_two(books: Installation) -> None:
    """On PostgreSQL: BEGIN, gate and statement in one send; queued writes and COMMIT in the last."""
    key = insert(books)
    used: list[SqlUnit] = []

    def read(ctx: Context, unit: SqlUnit) -> None:
        used.append(unit)
        unit.one(ledger.NUMBER, {"key": key})

    def write(ctx: Context, unit: SqlUnit) -> None:
        used.append(unit)
        unit.one(ledger.NUMBER, {"key": key})
        unit.write_later(ledger.ADD, {"key": key, "by": 1})
        unit.write_later(ledger.INSERT, ledger.sample())

    books.read(read)
    books.write(write)
    if books.dialect == "postgresql":
        # the second send of the read is its commit, which nobody waits for
        assert [unit.sends for unit in used] == [2, 2]
    assert [unit.statements for unit in used] == [1, 3]


def test_a_read_may_end_with_its_only_statement_in_one_send(books: Installation) -> None:
    key = insert(books, number=5)
    used: list[SqlUnit] = []

    def read(ctx: Context, unit: SqlUnit) -> Any:
        used.append(unit)
        return unit.last_rows(ledger.NUMBER, {"key": key})

    assert books.read(read) == [(5,)]
    assert used[0].sends == 1
    with pytest.raises(RuntimeError, match="ended"):
        books.read(lambda ctx, unit: (unit.last_rows(ledger.COUNT), unit.rows(ledger.COUNT)))
    with pytest.raises(RuntimeError, match="only a unit that reads"):
        books.write(lambda ctx, unit: unit.last_rows(ledger.COUNT))
