"""The pipeline to PostgreSQL: any size both ways, failures told by position, the connection usable afterwards."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from fieldstone.platform.database import pipeline
from fieldstone.platform.database.pipeline import Channel, Step, StepFailed


@pytest.fixture
def connection(postgres_url: str) -> Iterator[psycopg.Connection[Any]]:
    connection = psycopg.connect(postgres_url, prepare_threshold=None)
    connection.execute("CREATE TEMPORARY TABLE t (n int PRIMARY KEY, body text)")
    connection.commit()
    yield connection
    connection.close()


@pytest.fixture
def channel(connection: psycopg.Connection[Any]) -> Channel:
    return Channel(connection)


def step(sql: str, *values: Any, scope: str | None = "s") -> Step:
    return Step(sql.encode(), values, scope)


def test_steps_run_in_order_and_give_rows_and_counts(channel: Channel) -> None:
    results = channel.run(
        [
            step("BEGIN"),
            step("INSERT INTO t SELECT g, 'x' FROM generate_series(1, 3) g"),
            step("SELECT n, body FROM t WHERE n > $1 ORDER BY n", 1),
            step("UPDATE t SET body = $1::text", None),
            step("COMMIT"),
        ],
        5,
    )
    assert [(result.rows, result.changed) for result in results] == [
        ([], 0),
        ([], 3),
        ([(2, "x"), (3, "x")], 2),
        ([], 3),
        ([], 0),
    ]


def test_parameters_and_rows_of_many_megabytes_pass_both_ways_at_once(channel: Channel) -> None:
    big = "x" * 3_000_000
    results = channel.run([step("SELECT $1::text", big) for _ in range(8)], 60)
    assert [len(result.rows[0][0]) for result in results] == [3_000_000] * 8


def test_thousands_of_steps_go_in_one_send(channel: Channel) -> None:
    results = channel.run([step("SELECT $1::int + 1", number) for number in range(5000)], 60)
    assert [result.rows[0][0] for result in results] == list(range(1, 5001))


def test_the_failed_step_is_named_and_later_ones_do_not_run(
    channel: Channel, connection: psycopg.Connection[Any]
) -> None:
    with pytest.raises(StepFailed) as caught:
        channel.run(
            [
                step("BEGIN"),
                step("INSERT INTO t VALUES (1, 'a')"),
                step("INSERT INTO t VALUES (1, 'b')"),
                step("INSERT INTO t VALUES (2, 'c')"),
                step("COMMIT"),
            ],
            5,
        )
    assert (caught.value.index, caught.value.error.sqlstate) == (2, "23505")
    connection.rollback()
    assert connection.execute("SELECT count(*) FROM t").fetchone() == (0,)


def test_a_statement_that_cannot_be_parsed_fails_at_its_place_and_may_be_right_later(channel: Channel) -> None:
    for _ in range(2):
        with pytest.raises(StepFailed) as caught:
            channel.run([step("SELECT 1"), step("SELECT * FROM missing"), step("SELECT 2")], 5)
        assert (caught.value.index, caught.value.error.sqlstate) == (1, "42P01")
    channel.run([step("CREATE TEMPORARY TABLE missing (n int)")], 5)
    assert channel.run([step("SELECT 1"), step("SELECT * FROM missing"), step("SELECT 2")], 5)[2].rows == [(2,)]


def test_statements_are_prepared_once_per_scope_and_types(
    channel: Channel, connection: psycopg.Connection[Any]
) -> None:
    for scope in ("a", "b", "a", "b"):
        channel.run([step("SELECT $1::bigint", 1, scope=scope), step("SELECT $1::bigint", 1, scope=scope)], 5)
    channel.run([step("SELECT $1::bigint", 2**40, scope="a")], 5)
    channel.run([step("SELECT 1", scope=None)], 5)
    found = connection.execute("SELECT count(*) FROM pg_prepared_statements WHERE name LIKE 'fs\\_%'").fetchone()
    assert found == (3,)


def test_the_oldest_prepared_statements_are_let_go(
    channel: Channel, connection: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "PREPARED_PER_CONNECTION", 5)
    for number in range(20):
        channel.run([step(f"SELECT {number}")], 5)
    channel.run([step("SELECT 0")], 5)
    found = connection.execute("SELECT statement FROM pg_prepared_statements WHERE name LIKE 'fs\\_%'").fetchall()
    assert len(found) <= 6
    assert ("SELECT 0",) in found


def test_the_driver_can_use_the_connection_between_sends(channel: Channel, connection: psycopg.Connection[Any]) -> None:
    channel.run([step("BEGIN"), step("INSERT INTO t VALUES (1, 'a')")], 5)
    assert connection.execute("SELECT body FROM t").fetchone() == ("a",)
    channel.run([step("INSERT INTO t VALUES (2, 'b')"), step("COMMIT")], 5)
    assert connection.execute("SELECT count(*) FROM t").fetchone() == (2,)


def test_a_step_nobody_waits_for_is_settled_before_the_next_use(channel: Channel) -> None:
    channel.run([step("BEGIN"), step("INSERT INTO t VALUES (1, 'a')")], 5)
    channel.send(step("COMMIT"))
    channel.settle(5)
    channel.settle(5)
    assert channel.run([step("SELECT count(*) FROM t")], 5)[0].rows == [(1,)]
    channel.send(step("SELECT 1 / 0"))
    with pytest.raises(psycopg.errors.DivisionByZero):
        channel.settle(5)
    assert channel.run([step("SELECT 1")], 5)[0].rows == [(1,)]


def test_a_server_that_does_not_answer_in_time_is_given_up(channel: Channel) -> None:
    began = time.monotonic()
    with pytest.raises(psycopg.OperationalError, match="does not answer"):
        channel.run([step("SELECT pg_sleep(30)")], 0.3)
    assert time.monotonic() - began < 10


def test_a_broken_connection_is_an_operational_error(
    channel: Channel, connection: psycopg.Connection[Any], postgres_url: str
) -> None:
    with psycopg.connect(postgres_url, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s)", [connection.info.backend_pid])
        time.sleep(0.2)
    with pytest.raises((psycopg.OperationalError, StepFailed)):
        channel.run([step("SELECT 1")], 5)
