"""Statements compiled once: SQL text, converters of parameters and of result columns, for both databases.

In: a SQLAlchemy Core statement with named binds (`bindparam`), built at start or with a snapshot. Out: `Form`s, one
per dialect, which `SqlUnit` runs on the driver without compiling anything per call. Binds with `expanding=True`
(`IN`) give one form per number of values. Column defaults in Python are not run: name every value.
This is the only file that reads SQLAlchemy attributes starting with an underscore.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import psycopg as postgresql
from sqlalchemy.dialects.sqlite import pysqlite
from sqlalchemy.engine import Dialect
from sqlalchemy.sql.compiler import SQLCompiler

from fieldstone.platform.kernel.context import DialectName
from fieldstone.platform.kernel.errors import Invalid

Row = tuple[Any, ...]
Processor = Callable[[Any], Any]

# The numeric style is what the wire protocol itself uses ($1), so nothing is rewritten per call.
DIALECTS: Mapping[DialectName, Dialect] = {
    "postgresql": cast(Dialect, postgresql.dialect(paramstyle="numeric_dollar")),  # type: ignore[no-untyped-call]
    "sqlite": pysqlite.dialect(),
}
VARIANTS = 64

_NONE: Mapping[str, Any] = {}


class Source:
    """Where one positional parameter comes from: a name (and a place in its list), a converter, a default."""

    __slots__ = ("default", "index", "name", "process", "required")

    def __init__(self, name: str, index: int | None, process: Processor | None, default: Any, required: bool) -> None:
        self.name = name
        self.index = index
        self.process = process
        self.default = default
        self.required = required


class Form:
    """One SQL text for one dialect, with what is needed to run it on the driver."""

    __slots__ = ("_results", "_sources", "changes", "encoded", "is_plain_insert", "sql")

    def __init__(
        self,
        sql: str,
        sources: Sequence[Source],
        results: Sequence[tuple[int, Processor]],
        *,
        changes: bool,
        is_plain_insert: bool = False,
    ) -> None:
        self.sql = sql
        self.encoded = sql.encode()
        self.changes = changes
        self.is_plain_insert = is_plain_insert
        self._sources = tuple(sources)
        self._results = tuple(results)

    def values(self, parameters: Mapping[str, Any]) -> list[Any]:
        """Positional driver values. Raises KeyError for a missing name, `Invalid` for what the type cannot hold."""
        return [_value(source, parameters) for source in self._sources]

    def converted(self, rows: Sequence[Row]) -> list[Row]:
        """Driver rows as Python values."""
        if not self._results:
            return list(rows)
        return [self._convert(row) for row in rows]

    def _convert(self, row: Row) -> Row:
        cells = list(row)
        for index, process in self._results:
            cells[index] = process(cells[index])
        return tuple(cells)

    def expecting(self, count: int) -> Form:
        """The same change, refused by PostgreSQL itself (FS003) when it does not hit exactly `count` rows."""
        sql = (
            f"WITH fs_written AS ({self.sql} RETURNING 1) "  # noqa: S608  (both parts are ours)
            f"SELECT fieldstone.expect(count(*), {count:d}) FROM fs_written"
        )
        return Form(sql, self._sources, (), changes=True)


def _value(source: Source, parameters: Mapping[str, Any]) -> Any:
    if source.name in parameters:
        value = parameters[source.name]
        if source.index is not None:
            value = value[source.index]
    elif source.required:
        raise KeyError(f"the statement needs a value for {source.name!r}")
    else:
        value = source.default
    if source.process is None:
        return value
    try:
        return source.process(value)
    except ValueError as error:
        raise Invalid("A value does not fit: {reason}.", reason=str(error)) from error


class Prepared:
    """A statement compiled once per dialect, on first use. Immutable to its users; shared by threads and tenants."""

    __slots__ = ("_expecting", "_forms", "_variants", "columns", "statement")

    def __init__(self, statement: sa.Executable, *, columns: Sequence[str] | None = None) -> None:
        """`columns`: for a bare `insert(table)` or `update(table)`, the columns that get a bind of their own name."""
        self.statement = statement
        self.columns = None if columns is None else list(columns)
        self._forms: dict[DialectName, _Compiled] = {}
        self._variants: dict[tuple[DialectName, tuple[int, ...]], Form] = {}
        self._expecting: dict[int, Form] = {}

    def __repr__(self) -> str:
        return f"Prepared({self.form('sqlite', _NONE).sql if not self._compiled('sqlite').lists else self.statement})"

    def form(self, dialect: DialectName, parameters: Mapping[str, Any]) -> Form:
        """The form for a dialect; the parameters matter only for lists."""
        compiled = self._compiled(dialect)
        if compiled.form is not None:
            return compiled.form
        key = (dialect, tuple(len(parameters[name]) for name in compiled.lists))
        form = self._variants.get(key)
        if form is None:
            form = compiled.expanded({name: list(parameters[name]) for name in compiled.lists})
            if len(self._variants) < VARIANTS:
                self._variants[key] = form
        return form

    def expecting(self, parameters: Mapping[str, Any], count: int) -> Form:
        """The PostgreSQL form that refuses to change another number of rows than `count`."""
        form = self.form("postgresql", parameters)
        if form.is_plain_insert and count == 1:
            return form
        if self._compiled("postgresql").lists:
            return form.expecting(count)
        if count not in self._expecting:
            self._expecting[count] = form.expecting(count)
        return self._expecting[count]

    def _compiled(self, dialect: DialectName) -> _Compiled:
        compiled = self._forms.get(dialect)
        if compiled is None:
            compiled = self._forms[dialect] = _Compiled(self.statement, DIALECTS[dialect], self.columns)
        return compiled


class _Compiled:
    """What SQLAlchemy's compiler knows about a statement, read once."""

    def __init__(self, statement: Any, dialect: Dialect, columns: list[str] | None) -> None:
        compiler = cast(SQLCompiler, statement.compile(dialect=dialect, column_keys=columns))
        if any(getattr(compiler, name, None) for name in ("insert_prefetch", "update_prefetch")):
            raise TypeError("a prepared statement names every value; column defaults are not run")
        self._compiler = compiler
        self._dialect = dialect
        self._defaults = compiler.construct_params({}, _check=False)
        self._results = _result_processors(compiler, dialect)
        self._changes = compiler.isinsert or compiler.isupdate or compiler.isdelete
        self.lists = tuple(parameter.key for parameter in compiler.post_compile_params)
        self.form = None if self.lists else self._form(compiler.string, [(n, None) for n in _positions(compiler)])

    def expanded(self, lists: Mapping[str, list[Any]]) -> Form:
        """The form for lists of these lengths."""
        state = self._compiler.construct_expanded_state({**self._defaults, **lists})
        places = {
            position: (name, index)
            for name, positions in state.parameter_expansion.items()
            for index, position in enumerate(positions)
        }
        return self._form(state.statement, [places.get(name, (name, None)) for name in state.positiontup or ()])

    def _form(self, sql: str, places: Sequence[tuple[str, int | None]]) -> Form:
        return Form(
            sql,
            [self._source(name, index) for name, index in places],
            self._results,
            changes=self._changes,
            is_plain_insert=self._compiler.isinsert and " ON CONFLICT" not in sql and "SELECT" not in sql,
        )

    def _source(self, name: str, index: int | None) -> Source:
        bind = self._compiler.binds[name]
        default = self._defaults.get(name)
        return Source(name, index, _bind_processor(bind, self._dialect), default, bind.required)


def _positions(compiler: SQLCompiler) -> Sequence[str]:
    return compiler.positiontup or ()


def _bind_processor(bind: sa.BindParameter[Any], dialect: Dialect) -> Processor | None:
    return cast("Processor | None", bind.type.dialect_impl(dialect).bind_processor(dialect))


def _result_processors(compiler: SQLCompiler, dialect: Dialect) -> list[tuple[int, Processor]]:
    found: list[tuple[int, Processor]] = []
    for index, column in enumerate(compiler._result_columns):
        process = column.type.dialect_impl(dialect).result_processor(dialect, _wire_type(column.type))
        if process is not None:
            found.append((index, process))
    return found


def _wire_type(column_type: Any) -> int:
    """The PostgreSQL type number SQLAlchemy's own numeric types ask for; ours do not look at it."""
    return 701 if isinstance(column_type, sa.Float) else 1700
