"""Column types: the same Python value comes back on both databases, in the same order; the rest is refused."""

from __future__ import annotations

import sqlite3
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldstone.platform.database.prepared import DIALECTS, Prepared
from fieldstone.platform.database.types import (
    Chars,
    Day,
    ExactDecimal,
    Id,
    Json,
    Micros,
    TimeOfDay,
    UtcDateTime,
    json_text,
    moment_text,
)
from fieldstone.platform.kernel.errors import NotFound

SQLITE, POSTGRESQL = DIALECTS["sqlite"], DIALECTS["postgresql"]

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)
TYPES: list[tuple[Any, st.SearchStrategy[Any]]] = [
    (Id(), st.uuids().map(str)),
    (Chars(), st.text()),
    (UtcDateTime(), st.datetimes(timezones=st.just(UTC))),
    (Day(), st.dates()),
    (TimeOfDay(), st.times()),
    (Micros(), st.timedeltas(timedelta(days=-90_000_000), timedelta(days=90_000_000))),
    (ExactDecimal(18, 4), st.decimals(-(10**13), 10**13, places=4)),
    (ExactDecimal(18, 18), st.decimals(Decimal("-0.999"), Decimal("0.999"), places=18)),
    (ExactDecimal(18, 0), st.integers(1 - 10**18, 10**18 - 1).map(Decimal)),
    (ExactDecimal(38, 10), st.decimals(-(10**27), 10**27, places=10)),
    (Json(), json_values.filter(lambda value: value is not None)),
]


def bound(column_type: Any, value: Any, dialect: Any = SQLITE) -> Any:
    process = column_type.dialect_impl(dialect).bind_processor(dialect)
    return value if process is None else process(value)


def read(column_type: Any, value: Any) -> Any:
    process = column_type.dialect_impl(SQLITE).result_processor(SQLITE, None)
    return value if process is None else process(value)


@pytest.mark.parametrize(("column_type", "values"), TYPES, ids=lambda each: repr(each)[:30])
def test_values_come_back_from_sqlite_as_they_were(column_type: Any, values: st.SearchStrategy[Any]) -> None:
    connection = sqlite3.connect(":memory:")
    spelling = column_type.dialect_impl(SQLITE).compile(dialect=SQLITE)
    connection.execute(f"CREATE TABLE t (v {spelling})")

    @settings(max_examples=60, deadline=None)
    @given(values)
    def check(value: Any) -> None:
        connection.execute("DELETE FROM t")
        connection.execute("INSERT INTO t VALUES (?)", (bound(column_type, value),))
        found = read(column_type, connection.execute("SELECT v FROM t").fetchone()[0])
        assert found == value
        assert type(found) is type(value)

    check()


ORDERED = [pair for pair in TYPES if not isinstance(pair[0], Json | Id)]


@pytest.mark.parametrize(("column_type", "values"), ORDERED, ids=lambda each: repr(each)[:30])
def test_sqlite_sorts_as_python_does(column_type: Any, values: st.SearchStrategy[Any]) -> None:
    connection = sqlite3.connect(":memory:")

    @settings(max_examples=60, deadline=None)
    @given(values, values)
    def check(one: Any, two: Any) -> None:
        first, second = bound(column_type, one), bound(column_type, two)
        less = connection.execute("SELECT ? < ?", (first, second)).fetchone()[0]
        assert bool(less) == (one < two)

    check()


@pytest.mark.parametrize("dialect", [SQLITE, POSTGRESQL], ids=["sqlite", "postgresql"])
@pytest.mark.parametrize(
    ("column_type", "value", "error"),
    [
        (UtcDateTime(), datetime(2024, 1, 1), ValueError),  # noqa: DTZ001
        (UtcDateTime(), "2024-01-01", ValueError),
        (Day(), datetime(2024, 1, 1, tzinfo=UTC), ValueError),
        (Day(), "2024-01-01", ValueError),
        (TimeOfDay(), time(1, tzinfo=UTC), ValueError),
        (TimeOfDay(), "10:00", ValueError),
        (Micros(), 5, ValueError),
        (ExactDecimal(5, 2), 1.5, ValueError),
        (ExactDecimal(5, 2), True, ValueError),
        (ExactDecimal(5, 2), Decimal("1.234"), ValueError),
        (ExactDecimal(5, 2), Decimal("1000"), ValueError),
        (ExactDecimal(5, 2), Decimal("-1000"), ValueError),
        (ExactDecimal(5, 2), Decimal("NaN"), ValueError),
        (ExactDecimal(5, 2), Decimal("Infinity"), ValueError),
        (ExactDecimal(5, 2), Decimal("1E+999999"), ValueError),
        (ExactDecimal(5, 2), Decimal("1E-999999"), ValueError),
        (Json(), complex(1, 2), TypeError),
        (Json(), {"a": float("nan"), "b": 10**40}, ValueError),
        (Id(), "not an id", NotFound),
        (Id(), "6BA7B810-9DAD-11D1-80B4-00C04FD430C8", NotFound),
        (Id(), 5, NotFound),
    ],
    ids=repr,
)
def test_what_a_column_cannot_hold_is_refused(dialect: Any, column_type: Any, value: Any, error: type) -> None:
    with pytest.raises(error):
        bound(column_type, value, dialect)


@pytest.mark.parametrize("dialect", [SQLITE, POSTGRESQL], ids=["sqlite", "postgresql"])
@pytest.mark.parametrize("column_type", [pair[0] for pair in TYPES], ids=repr)
def test_nothing_is_null(dialect: Any, column_type: Any) -> None:
    assert bound(column_type, None, dialect) is None
    assert read(column_type, None) is None


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (Decimal("1.00"), "1.00"),
        (Decimal("0E+5"), "0.00"),
        (Decimal("-0"), "0.00"),
        (Decimal("1E+2"), "100.00"),
        (7, "7.00"),
        (Decimal("999.99"), "999.99"),
    ],
)
def test_decimals_are_kept_at_their_scale(value: Any, kept: str) -> None:
    column_type = ExactDecimal(5, 2)
    assert str(read(column_type, bound(column_type, value))) == kept


def test_a_scale_beyond_the_precision_is_refused() -> None:
    for precision, scale in ((2, 3), (2, -1), (1001, 0)):
        with pytest.raises(ValueError):
            ExactDecimal(precision, scale)


def test_moments_have_one_width_in_every_zone_and_year() -> None:
    east = timezone(timedelta(hours=8))
    assert moment_text(datetime(2024, 1, 1, 7, 59, tzinfo=east)) == "2023-12-31T23:59:00.000000Z"
    assert len(moment_text(datetime(1, 1, 1, tzinfo=UTC))) == len(moment_text(datetime(9999, 1, 1, 0, 0, 0, 1, UTC)))


def test_json_takes_the_values_the_platform_uses() -> None:
    value = {"d": Decimal("1.10"), "s": frozenset({"b", "a"}), "t": (1, 2), "on": date(2024, 1, 2), 5: "five"}
    assert json_text(value) == '{"d":"1.10","s":["a","b"],"t":[1,2],"on":"2024-01-02","5":"five"}'
    assert json_text({"big": 10**30}) == '{"big": 1000000000000000000000000000000}'


table = sa.Table("t", sa.MetaData(), sa.Column("id", Id(), primary_key=True), sa.Column("n", sa.Integer, default=5))


def test_a_prepared_statement_runs_no_python_defaults() -> None:
    with pytest.raises(TypeError, match="names every value"):
        Prepared(sa.insert(table).values(id=sa.bindparam("key"))).form("sqlite", {})


def test_a_prepared_statement_is_compiled_once_per_length_of_its_lists() -> None:
    statement = Prepared(sa.select(table.c.n).where(table.c.id.in_(sa.bindparam("ids", expanding=True))))
    one, two = ({"ids": ["a"]}, {"ids": ["a", "b"]})
    assert statement.form("sqlite", one) is statement.form("sqlite", {"ids": ["c"]})
    assert statement.form("sqlite", one) is not statement.form("sqlite", two)
    assert "IN ($1::UUID, $2::UUID)" in statement.form("postgresql", two).sql
    for length in range(200):
        assert statement.form("sqlite", {"ids": ["a"] * length}).sql.count("?") == length


def test_the_form_that_expects_rows_lets_the_database_count() -> None:
    change = Prepared(sa.update(table).where(table.c.id == sa.bindparam("key")).values(n=1))
    assert "fieldstone.expect(count(*), 2)" in change.expecting({"key": "a"}, 2).sql
    assert change.expecting({"key": "a"}, 2) is change.expecting({"key": "b"}, 2)
    plain = Prepared(sa.insert(table).values(id=sa.bindparam("key"), n=1))
    assert "expect" not in plain.expecting({"key": "a"}, 1).sql
