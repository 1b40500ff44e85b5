"""Functions of the language in SQL, by the tag of their overload.

What comes in: a call's tag and its arguments as terms. What goes out: a term that has, row by row, the value that the
function's implementation gives in Python. Who calls it: the compiler. What is not here stays with Python.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import reduce
from types import MappingProxyType
from typing import Any, Final

import sqlalchemy as sa

from fieldstone.objects.sql.numbers import Numbers
from fieldstone.objects.sql.terms import Condition, Sql, Term, unsupported
from fieldstone.platform.database.types import Day
from fieldstone.platform.kernel.context import DialectName
from fieldstone.rules.expressions.types import BOOL, DECIMAL, INT, STRING, TIMESTAMP, Type

WHITE_SPACE: Final = "".join(chr(code) for code in range(sys.maxunicode + 1) if chr(code).isspace())
_MANY: Final = 1_000_000_000
_FAR_DAYS: Final = 3_700_000
_FAR_MONTHS: Final = 120_000
_PLAIN_TYPES: Mapping[str, sa.types.TypeEngine[Any]] = MappingProxyType(
    {"int": sa.BigInteger(), "string": sa.Text(), "bool": sa.Boolean(), "double": sa.Double()}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What calls need to know: the database, its decimals, and the time zone (a bound parameter)."""

    dialect: DialectName
    numbers: Numbers
    time_zone: Sql

    @property
    def postgres(self) -> bool:
        """Whether this is PostgreSQL."""
        return self.dialect == "postgresql"


_Translate = Callable[[Surroundings, Sequence[Term]], Sql | Term]


def call(tag: str, result: Type, arguments: Sequence[Term], around: Surroundings) -> Term:
    """The call as a term. Raises `NotInSql`."""
    translate = _CALLS.get(tag)
    if translate is None:
        raise unsupported(tag)
    made = translate(around, arguments)
    if isinstance(made, Term):
        return made
    return Term(sql=made, type=result, filled=all(argument.filled for argument in arguments))


def plain(term: Term) -> Sql:
    """The term's SQL under a plain type, so that no column type takes part in what is built with it.

    Bound values keep their type: it converts them.
    """
    if isinstance(term.sql, sa.BindParameter):
        return term.sql
    return sa.type_coerce(term.sql, _PLAIN_TYPES.get(term.type.name, sa.types.NullType()))


def ordered(term: Term, around: Surroundings) -> Sql:
    """The term's SQL such that texts compare by code point."""
    if term.type == STRING and around.postgres:
        return sa.collate(plain(term), "C")
    return plain(term)


def _small(sql: Sql, around: Surroundings, limit: int = _MANY) -> Sql:
    """A whole number brought within +-limit, as the 32 bits that functions of PostgreSQL take."""
    if around.postgres:
        return sa.cast(sa.case((sql > limit, limit), (sql < -limit, -limit), else_=sql), sa.Integer())
    return sa.func.min(sa.func.max(sql, -limit), limit)


def _not_negative(sql: Sql, around: Surroundings) -> Sql:
    small = _small(sql, around)
    return sa.case((small < 0, 0), else_=small) if around.postgres else sa.func.max(small, 0)


def _length(around: Surroundings, arguments: Sequence[Term]) -> Sql:
    return sa.func.length(plain(arguments[0]))


def _find(around: Surroundings, text: Term, wanted: Term) -> Sql:
    function = sa.func.strpos if around.postgres else sa.func.fs_find
    found = function(plain(text), plain(wanted), type_=sa.BigInteger())
    return found if around.postgres else found + 1


def _contains(around: Surroundings, arguments: Sequence[Term]) -> Sql:
    if around.postgres:
        return _find(around, *arguments) > 0
    return sa.func.instr(plain(arguments[0]), plain(arguments[1])) > 0


def _starts_with(around: Surroundings, arguments: Sequence[Term]) -> Sql:
    text, wanted = (plain(argument) for argument in arguments)
    if around.postgres:
        return sa.func.starts_with(text, wanted, type_=sa.Boolean())
    return sa.func.substr(text, 1, sa.func.length(wanted), type_=sa.Text()) == wanted


def _ends_with(around: Surroundings, arguments: Sequence[Term]) -> Sql:
    text, wanted = (plain(argument) for argument in arguments)
    length = sa.func.length(wanted)
    if around.postgres:
        return sa.func.right(text, length, type_=sa.Text()) == wanted
    tail = sa.case((length == 0, ""), else_=sa.func.substr(text, -length))
    return sa.and_(sa.func.length(text) >= length, tail == wanted)


def _cased(name: str) -> _Translate:
    def translate(around: Surroundings, arguments: Sequence[Term]) -> Sql:
        text = plain(arguments[0])
        if around.postgres:
            return sa.collate(getattr(sa.func, name)(sa.collate(text, "und-x-icu"), type_=sa.Text()), "C")
        return getattr(sa.func, f"fs_{name}")(text, type_=sa.Text())  # type: ignore[no-any-return]

    return translate


def _trim(around: Surroundings, arguments: Sequence[Term]) -> Sql:
    return (
        sa.func.trim(plain(arguments[0]), WHITE_SPACE, type_=sa.Text())
        if not around.postgres
        else sa.func.btrim(plain(arguments[0]), WHITE_SPACE, type_=sa.Text())
    )


def _replace(around: Surroundings, arguments: Sequence[Term]) -> Sql:
    if arguments[1].constant is None or not arguments[1].constant.value:
        raise unsupported("replace() of anything but a fixed text")
    return sa.func.replace(*(plain(argument) for argument in arguments), type_=sa.Text())


def _substring(around: Surroundings, arguments: Sequence[Term]) -> Sql:
    text, start = plain(arguments[0]), _not_negative(plain(arguments[1]), around)
    if len(arguments) == 2:
        return sa.func.substr(text, start + 1, type_=sa.Text())
    end = _not_negative(plain(arguments[2]), around)
    return sa.func.substr(text, start + 1, _not_negative(end - start, around), type_=sa.Text())


def _left(around: Surroundings, arguments: Sequence[Term]) -> Sql:
    return sa.func.substr(plain(arguments[0]), 1, _not_negative(plain(arguments[1]), around), type_=sa.Text())


def _right(around: Surroundings, arguments: Sequence[Term]) -> Sql:
    text, count = plain(arguments[0]), _not_negative(plain(arguments[1]), around)
    if around.postgres:
        return sa.func.right(text, count, type_=sa.Text())
    length = sa.func.length(text)
    tail = sa.func.substr(text, sa.func.max(length - count, 0) + 1, type_=sa.Text())
    return sa.case((count == 0, sa.case((text.is_not(None), ""))), else_=tail)


def _index_of(around: Surroundings, arguments: Sequence[Term]) -> Sql:
    return _find(around, *arguments) - 1


def _as_text(around: Surroundings, arguments: Sequence[Term]) -> Sql:
    return sa.cast(plain(arguments[0]), sa.Text())


def _date_text(around: Surroundings, arguments: Sequence[Term]) -> Sql:
    day = plain(arguments[0])
    return sa.func.to_char(day, "YYYY-MM-DD", type_=sa.Text()) if around.postgres else sa.type_coerce(day, sa.Text())


def _same(around: Surroundings, arguments: Sequence[Term]) -> Term:
    return arguments[0]


def _absolute(around: Surroundings, arguments: Sequence[Term]) -> Sql | Term:
    if arguments[0].type == DECIMAL:
        return around.numbers.absolute(arguments[0])
    return sa.func.abs(plain(arguments[0]))


def _round(around: Surroundings, arguments: Sequence[Term]) -> Term:
    if arguments[0].type == INT:
        return arguments[0]
    places = plain(arguments[1]) if len(arguments) > 1 else sa.literal(0, sa.Integer())
    return around.numbers.rounded(arguments[0], _small(places, around, 37))


def _floor(around: Surroundings, arguments: Sequence[Term]) -> Term:
    return _whole(around, arguments[0], down=True)


def _ceil(around: Surroundings, arguments: Sequence[Term]) -> Term:
    return _whole(around, arguments[0], down=False)


def _whole(around: Surroundings, term: Term, *, down: bool) -> Term:
    if term.type == INT:
        return term
    if term.type == DECIMAL:
        return around.numbers.whole(term, "floor" if down else "ceil")
    raise unsupported("floor() or ceil() of a double")


def _extreme(postgres: str, sqlite: str) -> _Translate:
    def translate(around: Surroundings, arguments: Sequence[Term]) -> Sql | Term:
        if arguments[0].type != DECIMAL:
            return pick(around, [ordered(argument, around) for argument in arguments])
        alike = around.numbers.alike(arguments)
        filled = all(term.filled for term in alike)
        if alike[0].exact:
            function = getattr(sa.func, f"fs_{postgres}")
            return alike[0].of(reduce(function, [term.sql for term in alike]), filled=filled)
        chosen = pick(around, [term.sql for term in alike])
        return alike[0].of(chosen, digits=max(term.digits for term in alike), filled=filled)

    def pick(around: Surroundings, values: list[Sql]) -> Sql:
        if not around.postgres:
            return getattr(sa.func, sqlite)(*values) if len(values) > 1 else values[0]
        present = sa.and_(*(value.is_not(None) for value in values))
        return sa.case((present, getattr(sa.func, postgres)(*values)))

    return translate


def _int(around: Surroundings, arguments: Sequence[Term]) -> Sql:
    term = arguments[0]
    if around.postgres:
        return sa.cast(sa.func.trunc(term.sql), sa.Numeric())
    if term.exact:
        return sa.func.fs_int(term.sql, type_=sa.BigInteger())
    return sa.type_coerce(term.sql, sa.BigInteger()).op("/")(10**term.scale)


def _decimal(around: Surroundings, arguments: Sequence[Term]) -> Term:
    return around.numbers.of_int(arguments[0])


def double(around: Surroundings, arguments: Sequence[Term]) -> Sql:
    """A whole number or decimal as a double."""
    term = arguments[0]
    if around.postgres or term.type == INT:
        return sa.cast(plain(term), sa.Double())
    text = term.sql if term.exact else sa.func.fs_decimal(sa.type_coerce(term.sql, sa.BigInteger()), term.scale)
    return sa.func.fs_double(text, type_=sa.Double())


def _local(around: Surroundings, moment: Term) -> Sql:
    """The wall clock of a timestamp in the time zone of the evaluation."""
    if around.postgres:
        return sa.func.timezone(around.time_zone, plain(moment))
    return sa.func.fs_local(plain(moment), around.time_zone)


def _part(postgres: str, sqlite: str) -> _Translate:
    def translate(around: Surroundings, arguments: Sequence[Term]) -> Sql:
        moment = arguments[0]
        clock = _local(around, moment) if moment.type == TIMESTAMP else plain(moment)
        if around.postgres:
            return sa.cast(sa.extract(postgres, clock), sa.BigInteger())
        number = sa.cast(sa.func.strftime(sqlite, clock), sa.BigInteger())
        return (number + 6) % 7 + 1 if sqlite == "%w" else number

    return translate


def _date_of(around: Surroundings, arguments: Sequence[Term]) -> Sql:
    local = _local(around, arguments[0])
    return sa.cast(local, sa.Date()) if around.postgres else sa.func.substr(local, 1, 10)


def _add_days(around: Surroundings, arguments: Sequence[Term]) -> Sql:
    day, count = plain(arguments[0]), _small(plain(arguments[1]), around, _FAR_DAYS)
    if around.postgres:
        return sa.type_coerce(day, sa.Date()).op("+", return_type=Day())(count)
    return sa.func.date(day, sa.cast(count, sa.Text()).op("||")(" days"))


def _add_months(around: Surroundings, arguments: Sequence[Term]) -> Sql:
    return _months_later(around, arguments, 1)


def _add_years(around: Surroundings, arguments: Sequence[Term]) -> Sql:
    return _months_later(around, arguments, 12)


def _months_later(around: Surroundings, arguments: Sequence[Term], months: int) -> Sql:
    day, count = plain(arguments[0]), _small(plain(arguments[1]), around, _FAR_MONTHS // months) * months
    if around.postgres:
        return sa.cast(day.op("+")(sa.func.make_interval(0, count)), sa.Date())
    return sa.func.fs_add_months(day, count)


def _days_between(around: Surroundings, arguments: Sequence[Term]) -> Sql:
    start, end = (plain(argument) for argument in arguments)
    return sa.cast(end.op("-")(start), sa.BigInteger()) if around.postgres else sa.func.fs_days(end, start)


def _hours_between(around: Surroundings, arguments: Sequence[Term]) -> Term:
    micros = Term(sql=micros_between(around, arguments[1], arguments[0]), type=INT)
    return around.numbers.divide(around.numbers.of_int(micros), around.numbers.given(Decimal(3_600_000_000)))


def micros_between(around: Surroundings, later: Term, earlier: Term) -> Sql:
    """The microseconds between two timestamps."""
    if around.postgres:
        seconds = sa.extract("epoch", plain(later)).op("-")(sa.extract("epoch", plain(earlier)))
        return sa.cast(sa.type_coerce(seconds, sa.Numeric()) * 1_000_000, sa.BigInteger())
    return sa.func.fs_micros(plain(later), plain(earlier), type_=sa.BigInteger())


def midnight(around: Surroundings, day: Term) -> Sql:
    """The moment at which a day begins in the time zone of the evaluation."""
    if around.postgres:
        return sa.func.timezone(around.time_zone, sa.cast(plain(day), sa.DateTime()))
    return sa.func.fs_midnight(plain(day), around.time_zone)


def _start(postgres: str, *sqlite: str) -> _Translate:
    def translate(around: Surroundings, arguments: Sequence[Term]) -> Sql:
        day = plain(arguments[0])
        if around.postgres:
            return sa.cast(sa.func.date_trunc(postgres, sa.cast(day, sa.DateTime())), sa.Date())
        return sa.func.date(day, *sqlite)

    return translate


def _end_of_month(around: Surroundings, arguments: Sequence[Term]) -> Sql:
    day = plain(arguments[0])
    if around.postgres:
        start = sa.func.date_trunc("month", sa.cast(day, sa.DateTime()))
        return sa.cast(start.op("+")(sa.func.make_interval(0, 1)).op("-")(sa.func.make_interval(0, 0, 0, 1)), sa.Date())
    return sa.func.date(day, "start of month", "+1 month", "-1 day")


def _is_blank(around: Surroundings, arguments: Sequence[Term]) -> Term:
    term = arguments[0]
    empty: Condition = term.sql.is_(None)
    if term.type == STRING:
        empty = sa.or_(empty, _trim(around, arguments) == "")
    elif term.type.is_list or term.type.is_map:
        raise unsupported("isBlank() of a list")
    return Term(sql=empty, type=BOOL, filled=True)


_CALLS: Mapping[str, _Translate] = MappingProxyType(
    {
        "length": _length,
        "contains": _contains,
        "starts_with": _starts_with,
        "ends_with": _ends_with,
        "lower": _cased("lower"),
        "upper": _cased("upper"),
        "trim": _trim,
        "replace": _replace,
        "substring": _substring,
        "left": _left,
        "right": _right,
        "index_of": _index_of,
        "text": _as_text,
        "date_text": _date_text,
        "same": _same,
        "abs": _absolute,
        "round": _round,
        "floor": _floor,
        "ceil": _ceil,
        "min": _extreme("least", "min"),
        "max": _extreme("greatest", "max"),
        "int": _int,
        "decimal": _decimal,
        "double": double,
        "year": _part("year", "%Y"),
        "month": _part("month", "%m"),
        "day": _part("day", "%d"),
        "weekday": _part("isodow", "%w"),
        "hour": _part("hour", "%H"),
        "minute": _part("minute", "%M"),
        "date_of": _date_of,
        "add_days": _add_days,
        "add_months": _add_months,
        "add_years": _add_years,
        "days_between": _days_between,
        "hours_between": _hours_between,
        "start_of_week": _start("week", "weekday 0", "-6 days"),
        "start_of_month": _start("month", "start of month"),
        "end_of_month": _end_of_month,
        "is_blank": _is_blank,
    }
)
