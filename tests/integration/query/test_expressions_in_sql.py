"""Filters decide alike in Python, on SQLite and on PostgreSQL.

Expressions and records are generated; each expression is evaluated in Python for every record, and as a WHERE clause
by the database. Expressions that SQL cannot say are refused when they are compiled, and are not compared.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fieldstone.objects.sql.compiler import Compiler
from fieldstone.objects.sql.elements import Elements
from fieldstone.objects.sql.givens import GivenParts
from fieldstone.objects.sql.sqlite_functions import FUNCTIONS
from fieldstone.objects.sql.terms import MAX_DIGITS, NotInSql, Term, unsupported
from fieldstone.platform.database.types import (
    Chars,
    Day,
    ExactDecimal,
    Id,
    Micros,
    TimeOfDay,
    UtcDateTime,
)
from fieldstone.rules.expressions.compile import compile_expression
from fieldstone.rules.expressions.context import EvaluationContext
from fieldstone.rules.expressions.errors import EvaluationError, ExpressionError
from fieldstone.rules.expressions.types import (
    BOOL,
    DATE,
    DECIMAL,
    DURATION,
    INT,
    MONEY,
    STRING,
    TIME,
    TIMESTAMP,
    Type,
    list_of,
    record_of,
)
from fieldstone.rules.expressions.values import Money

ROWS = sa.MetaData()
SAMPLE = sa.Table(
    "sample",
    ROWS,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("flag", sa.Boolean),
    sa.Column("other_flag", sa.Boolean),
    sa.Column("n", sa.BigInteger),
    sa.Column("m", sa.BigInteger),
    sa.Column("price", ExactDecimal(18, 2)),
    sa.Column("rate", ExactDecimal(18, 5)),
    sa.Column("wide", ExactDecimal(38, 3)),
    sa.Column("cost", ExactDecimal(18, 2)),
    sa.Column("cost_currency", Chars()),
    sa.Column("name", Chars()),
    sa.Column("code", Chars()),
    sa.Column("day", Day()),
    sa.Column("moment", UtcDateTime()),
    sa.Column("at", TimeOfDay()),
    sa.Column("span", Micros()),
    sa.Column("owner", Id()),
)
LINE = sa.Table(
    "line",
    ROWS,
    sa.Column("sample", sa.Integer),
    sa.Column("id", Id()),
    sa.Column("quantity", sa.BigInteger),
    sa.Column("amount", ExactDecimal(18, 2)),
    sa.Column("kind", Chars()),
)
TYPES: Mapping[str, Type] = {
    "flag": BOOL,
    "other_flag": BOOL,
    "n": INT,
    "m": INT,
    "price": DECIMAL,
    "rate": DECIMAL,
    "wide": DECIMAL,
    "cost": MONEY,
    "name": STRING,
    "code": STRING,
    "day": DATE,
    "moment": TIMESTAMP,
    "at": TIME,
    "span": DURATION,
    "owner": record_of("user"),
    "user": record_of("user"),
    "lines": list_of(record_of("line")),
    "words": list_of(STRING),
}
LINE_TYPES: Mapping[str, Type] = {"id": STRING, "quantity": INT, "amount": DECIMAL, "kind": STRING}
USER_TYPES: Mapping[str, Type] = {"id": STRING, "name": STRING, "level": INT, "words": list_of(STRING)}
ROWS_OF_USER = ("user", "words")
OWNERS = ("00000000-0000-7000-8000-000000000001", "00000000-0000-7000-8000-000000000002")
USER = {"id": OWNERS[0], "name": "ann", "level": None, "words": ["ann", OWNERS[1]]}
CONTEXT = EvaluationContext(now=datetime(2026, 3, 29, 0, 30, tzinfo=UTC), time_zone=ZoneInfo("Europe/Berlin"))


class Names:
    """The names of the samples' expressions."""

    def variable(self, name: str) -> Type | None:
        return TYPES.get(name)

    def member(self, record: str, field: str) -> Type | None:
        return (LINE_TYPES if record == "line" else USER_TYPES).get(field)

    def names(self) -> Sequence[str]:
        return tuple(TYPES)

    def members(self, record: str) -> Sequence[str]:
        return tuple(LINE_TYPES if record == "line" else USER_TYPES)


class SampleRows:
    """The columns of the samples."""

    def __init__(self, table: Any, types: Mapping[str, Type], dialect: str) -> None:
        self._table = table
        self._types = types
        self._dialect = dialect

    def reads(self, path: tuple[str, ...]) -> bool:
        return path[0] not in ROWS_OF_USER

    def term(self, path: tuple[str, ...]) -> Term:
        name = path[0]
        kind = self._types[name]
        if kind.is_list or len(path) > 1:
            raise unsupported(name)
        column = self._table.c[name]
        if kind == MONEY:
            return self.decimal(column, MONEY, self._table.c[f"{name}_currency"])
        return self.decimal(column, kind) if kind == DECIMAL else Term(sql=column, type=kind, digits=16)

    def decimal(self, column: Any, kind: Type, currency: Any = None) -> Term:
        scale, precision = column.type.scale, column.type.precision
        if self._dialect == "postgresql":
            return Term(sql=sa.type_coerce(column, sa.Numeric()), type=kind, currency=currency)
        if precision > MAX_DIGITS:
            text = sa.func.fs_sortable(sa.type_coerce(column, sa.Text()), precision, scale)
            return Term(sql=text, type=kind, exact=True, currency=currency)
        number = sa.type_coerce(column, sa.BigInteger())
        return Term(sql=number, type=kind, scale=scale, digits=precision, currency=currency)

    def part(self, path: tuple[str, ...], name: str) -> Term:
        raise unsupported(name)

    def elements(self, path: tuple[str, ...]) -> Elements:
        line = LINE.alias()
        rows = SampleRows(line, LINE_TYPES, self._dialect)
        element = Term(sql=line.c.id, type=STRING)
        return Elements(source=line, belongs=line.c.sample == self._table.c.id, element=element, rows=rows)


class Database:
    """The samples in one database."""

    def __init__(self, engine: sa.Engine) -> None:
        self.connection = engine.connect()
        self.dialect = engine.dialect.name
        ROWS.create_all(self.connection)

    def fill(self, samples: Sequence[Mapping[str, Any]]) -> None:
        self.connection.execute(LINE.delete())
        self.connection.execute(SAMPLE.delete())
        for index, sample in enumerate(samples):
            self.connection.execute(SAMPLE.insert().values(id=index, **_columns(sample)))
            for line in sample["lines"]:
                self.connection.execute(LINE.insert().values(sample=index, **line))

    def hits(self, source: str) -> set[int] | None:
        """The numbers of the samples that fulfil the condition; None when SQL cannot say it."""
        expression = compile_expression(source, Names(), expects=BOOL)
        rows = SampleRows(SAMPLE, TYPES, self.dialect)
        givens = GivenParts(expression.tree, rows.reads, "g")
        values = givens.values({"user": USER, "words": ["ann", "x"]}, CONTEXT)
        compiling = givens.compiling(givens.nulls(values), self.dialect)  # type: ignore[arg-type]
        try:
            condition = Compiler(rows, compiling, self.dialect).condition(expression.tree)  # type: ignore[arg-type]
        except NotInSql:
            return None
        found = self.connection.execute(sa.select(SAMPLE.c.id).where(condition), _used(condition, values))
        return {row[0] for row in found}

    def close(self) -> None:
        self.connection.rollback()
        self.connection.close()


def _used(condition: Any, values: Mapping[str, Any]) -> dict[str, Any]:
    names = {bind.key for bind in sa.sql.visitors.iterate(condition) if isinstance(bind, sa.BindParameter)}
    return {name: value for name, value in values.items() if name in names}


def _columns(sample: Mapping[str, Any]) -> dict[str, Any]:
    cost = sample["cost"]
    row = {name: value for name, value in sample.items() if name in SAMPLE.c and name != "cost"}
    owner = sample["owner"]
    money = {"cost": cost.amount if cost else None, "cost_currency": cost.currency if cost else None}
    return row | money | {"owner": owner["id"] if owner else None}


@pytest.fixture(scope="module")
def databases(postgres_url: str) -> Iterator[list[Database]]:
    sqlite = sa.create_engine("sqlite+pysqlite:///:memory:")

    @sa.event.listens_for(sqlite, "connect")
    def prepare(connection: sqlite3.Connection, record: Any) -> None:
        for name, arguments, function in FUNCTIONS:
            connection.create_function(name, arguments, function, deterministic=True)

    postgres = sa.create_engine(postgres_url.replace("postgresql://", "postgresql+psycopg://"))
    opened = [Database(sqlite), Database(postgres)]
    yield opened
    for database in opened:
        database.close()
    postgres.dispose()


def _decimals(places: int, digits: int) -> st.SearchStrategy[Decimal]:
    return st.one_of(
        st.integers(-(10**digits) + 1, 10**digits - 1).map(lambda units: Decimal(units).scaleb(-places)),
        st.sampled_from([Decimal(0), Decimal(1), Decimal("-1"), Decimal("0.5") if places else Decimal(2)]),
    )


TEXTS = st.one_of(st.sampled_from(["", "a", "ab", "Ab", "ann", " b ", "空调"]), st.text("abAB é空_%'\\", max_size=4))
DAYS = st.dates(date(1990, 1, 1), date(2060, 12, 31))
MOMENTS = st.datetimes(datetime(1990, 1, 1), datetime(2060, 1, 1), timezones=st.just(UTC))
SPANS = st.integers(-(10**12), 10**12).map(lambda micros: timedelta(microseconds=micros))
MONIES = st.builds(Money, _decimals(2, 9), st.sampled_from(["EUR", "USD"]))
LINES = st.lists(
    st.fixed_dictionaries(
        {
            "id": st.sampled_from(OWNERS),
            "quantity": st.none() | st.integers(-3, 3),
            "amount": st.none() | _decimals(2, 5),
            "kind": st.none() | st.sampled_from(["a", "b"]),
        }
    ),
    max_size=3,
)
VALUES: Mapping[str, st.SearchStrategy[Any]] = {
    "flag": st.booleans(),
    "other_flag": st.booleans(),
    "n": st.integers(-(2**53), 2**53) | st.integers(-3, 3),
    "m": st.integers(-3, 3),
    "price": _decimals(2, 18),
    "rate": _decimals(5, 18) | _decimals(5, 6),
    "wide": _decimals(3, 36) | _decimals(3, 4),
    "cost": MONIES,
    "name": TEXTS,
    "code": TEXTS,
    "day": DAYS,
    "moment": MOMENTS,
    "at": st.times().map(lambda value: value.replace(tzinfo=None)),
    "span": SPANS,
    "owner": st.sampled_from([{"id": owner} for owner in OWNERS]),
}
SAMPLES = st.lists(
    st.fixed_dictionaries({name: st.none() | values for name, values in VALUES.items()} | {"lines": LINES}),
    min_size=3,
    max_size=6,
)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _literal(values: st.SearchStrategy[Any], write: Any) -> st.SearchStrategy[str]:
    return values.map(write)


NUMBERS = st.one_of(
    st.sampled_from(["n", "m", "price", "rate", "wide", "cost.amount", "n + m", "n * m", "n - 7", "m / 2", "n % 3"]),
    st.sampled_from(
        ["price + rate", "price - 1.5", "rate * price", "price / 3", "price * 2", "wide + 0.001", "-price"]
    ),
    st.sampled_from(["abs(rate)", "round(rate, 2)", "floor(rate)", "ceil(price)", "int(rate)", "coalesce(price, 0)"]),
    st.sampled_from(["flag ? price : rate", "min(n, m)", "max(price, rate)", "size(name)", "user.level", "decimal(n)"]),
    st.sampled_from(["size(lines)", "sum(lines.map(l, l.quantity))", "sum(lines.map(l, l.amount))", "month(day)"]),
    st.sampled_from(
        ["year(moment)", "hour(moment)", "weekday(day)", "daysBetween(day, today())", "indexOf(name, code)"]
    ),
    _literal(st.integers(-5, 5), str),
    _literal(_decimals(2, 4), lambda value: f'decimal("{value}")'),
    _literal(_decimals(7, 9), lambda value: f'decimal("{value:f}")'),
)
WORDS = st.one_of(
    st.sampled_from(["name", "code", "user.name", "name + code", "lower(name)", "upper(code)", "trim(name)"]),
    st.sampled_from(["left(name, 1)", "right(name, 2)", "substring(code, 1, 3)", "substring(name, m)", "string(m)"]),
    st.sampled_from(["replace(name, 'a', 'bb')", "coalesce(name, code, 'x')", "flag ? name : code", "string(day)"]),
    _literal(TEXTS, _quoted),
)
DATES = st.one_of(
    st.sampled_from(["day", "today()", "date(moment)", "addDays(day, m)", "addMonths(day, m)", "addYears(day, 1)"]),
    st.sampled_from(["startOfMonth(day)", "endOfMonth(day)", "startOfWeek(day)", "day + span"]),
    _literal(DAYS, lambda value: f'date("{value}")'),
)
TIMES = st.one_of(
    st.sampled_from(["moment", "now()", "moment + span", "moment - span", "now() - duration('2h')"]),
    _literal(MOMENTS, lambda value: f'timestamp("{value.isoformat().replace("+00:00", "Z")}")'),
)
LENGTHS = st.sampled_from(["span", "moment - now()", "span + span", "duration('90m')", "day - today()", "-span"])
COMPARED = [NUMBERS, WORDS, DATES, TIMES, LENGTHS]
COMPARISONS = st.sampled_from(["==", "!=", "<", "<=", ">", ">="])


@st.composite
def comparisons(draw: st.DrawFn) -> str:
    side = draw(st.sampled_from(COMPARED))
    return f"{draw(side)} {draw(COMPARISONS)} {draw(side)}"


@st.composite
def memberships(draw: st.DrawFn) -> str:
    side = draw(st.sampled_from([NUMBERS, WORDS, DATES]))
    items = draw(st.lists(side | st.just("null"), max_size=3))
    return f"{draw(side)} in [{', '.join(items)}]"


SIMPLE = st.sampled_from(
    [
        "flag", "other_flag", "flag == other_flag", "flag != null", "name == null", "price != null", "cost == null",
        "owner == user", "owner.id == user.id", "owner != user", "owner == null", "owner in [user]",
        "name in user.words", "owner.id in user.words", "code in words", "name.contains(code)", "name.startsWith(code)",
        "name.endsWith(code)", "code.contains('a')", "name.startsWith('a')", "isBlank(name)", "isBlank(day)",
        "at < time('12:00')", "at == null", "hour(at) > 10", "minute(at) == 30", "cost.currency == 'EUR'",
        "cost == cost", "lines.exists(l, l.quantity > 0)", "lines.all(l, l.amount > 0)", "lines.exists(l, l.kind == 'a')",
        "lines.exists_one(l, l.quantity > 0)", "lines.exists(l, l.quantity == m)", "size(lines.filter(l, l.kind == 'a')) > 1",
        "lines.all(l, l.quantity != null && l.quantity < 3)", "avg(lines.map(l, l.amount)) > 1", "user in lines",
        "hoursBetween(moment, now()) > 100", "moment > day", "double(price) > 0.5", "(n > 1) == flag", "flag ? n > 1 : m > 1",
    ]
)  # fmt: skip
CONDITIONS = st.recursive(
    st.one_of(comparisons(), comparisons(), memberships(), SIMPLE),
    lambda inner: st.one_of(
        inner.map(lambda text: f"!({text})"),
        st.tuples(inner, st.sampled_from(["&&", "||"]), inner).map(
            lambda parts: f"({parts[0]}) {parts[1]} ({parts[2]})"
        ),
    ),
    max_leaves=4,
)


def _in_python(source: str, samples: Sequence[Mapping[str, Any]]) -> tuple[set[int], set[int]]:
    """The samples that fulfil the condition, and those for which it has no value."""
    expression = compile_expression(source, Names(), expects=BOOL)
    hits, failed = set(), set()
    for index, sample in enumerate(samples):
        try:
            if expression.holds({**sample, "user": USER, "words": ["ann", "x"]}, CONTEXT):
                hits.add(index)
        except EvaluationError:
            failed.add(index)
    return hits, failed


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(samples=SAMPLES, sources=st.lists(CONDITIONS, min_size=12, max_size=12))
def test_a_condition_selects_the_same_records_in_python_and_in_both_databases(
    databases: list[Database], samples: list[dict[str, Any]], sources: list[str]
) -> None:
    for database in databases:
        database.fill(samples)
    for source in sources:
        try:
            hits, failed = _in_python(source, samples)
        except ExpressionError:
            continue
        for database in databases:
            found = database.hits(source)
            if found is not None:
                assert found - failed == hits - failed, (database.dialect, source, samples)
