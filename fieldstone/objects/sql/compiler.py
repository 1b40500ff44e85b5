"""The rule language as SQL.

What comes in: a checked expression, a `Rows` that knows the columns behind field paths, and a `Givens` that knows the
parts that do not look at the row. What goes out: a condition (or a term) that decides, row by row, as the expression
does in Python. Who calls it: lists and searches (filters), row access, roll-ups with a filter, backtests.

Null. `< <= > >= + - *` with null are unknown and `&& || !` are Kleene, as in SQL. `==`, `!=` and `in` know only true
and false: null equals null. So they become `IS NOT DISTINCT FROM` and the like; where nothing negates above (`loose`),
plain `=` and `IN`, which an index serves, do the same.

What SQL cannot say raises `NotInSql` when it is compiled, never when it runs.
"""

from __future__ import annotations

from typing import Protocol

import sqlalchemy as sa

from fieldstone.objects.sql import calls
from fieldstone.objects.sql.arithmetic import Calculator, grouped
from fieldstone.objects.sql.binds import fixed, members, nothing
from fieldstone.objects.sql.elements import Elements, Elsewhere
from fieldstone.objects.sql.ids import as_id, id_as_text, is_id
from fieldstone.objects.sql.numbers import ORDERS, Numbers, PostgresNumbers
from fieldstone.objects.sql.sqlite_numbers import SqliteNumbers
from fieldstone.objects.sql.terms import Condition, Constant, Sql, Term, different, never, same, unsupported
from fieldstone.platform.database.types import UtcDateTime
from fieldstone.platform.kernel.context import DialectName
from fieldstone.rules.expressions.syntax import (
    Binary,
    Call,
    Comprehension,
    Convert,
    FieldPath,
    ListNode,
    Literal,
    Logical,
    Member,
    Node,
    Path,
    RecordId,
    Ternary,
    Unary,
    Variable,
    children,
)
from fieldstone.rules.expressions.types import (
    BOOL,
    DATE,
    DECIMAL,
    DOUBLE,
    INT,
    MONEY,
    STRING,
    TIMESTAMP,
    Type,
)


class Rows(Protocol):
    """The rows that an expression is about."""

    def reads(self, path: Path) -> bool:
        """Whether the path looks at the row (otherwise it is given)."""
        ...

    def term(self, path: Path) -> Term:
        """The columns behind a path. Raises `NotInSql` or whatever forbids to look."""
        ...

    def part(self, path: Path, name: str) -> Term:
        """A part of the value behind a path, such as a place's `lat`. Raises `NotInSql`."""
        ...

    def elements(self, path: Path) -> Elements:
        """The elements of the list behind a path: options, child rows, linked records."""
        ...


class Givens(Protocol):
    """The parts of an expression that are the same for every row."""

    def term(self, node: Node, numbers: Numbers) -> Term:
        """The part as a parameter or constant."""
        ...

    def parameter(self, node: Node) -> str | None:
        """The name of the parameter that holds a list; None when the list is null."""
        ...

    @property
    def time_zone(self) -> Sql:
        """The name of the evaluation's time zone, as a parameter."""
        ...


class Compiler:
    """Compiles one expression for one database."""

    def __init__(self, rows: Rows, givens: Givens, dialect: DialectName) -> None:
        self._rows = rows
        self._givens = givens
        self._dialect = dialect
        self._numbers: Numbers = PostgresNumbers() if dialect == "postgresql" else SqliteNumbers()
        self._around = calls.Surroundings(dialect=dialect, numbers=self._numbers, time_zone=givens.time_zone)
        self._calculator = Calculator(self._around)
        self._elsewhere = Elsewhere(self)
        self._variables: dict[str, Elements] = {}

    # -- conditions ---------------------------------------------------------------------------------------------
    def condition(self, node: Node, *, loose: bool = True) -> Condition:
        """`node` as a condition. `loose`: false and unknown may be mixed up (nothing above negates)."""
        if self.is_given(node):
            given = self.term(node)
            return sa.cast(sa.null(), sa.Boolean()) if given.is_null else given.sql
        match node:
            case Logical():
                terms = [self.condition(term, loose=loose) for term in node.terms]
                return sa.and_(*terms) if node.operator == "&&" else sa.or_(*terms)
            case Unary(operator="!"):
                return sa.not_(grouped(self.condition(node.operand, loose=False)))
            case Binary(operator="==" | "!=" | "in"):
                return self._equality(node, loose=loose)
            case Binary(operator="<" | "<=" | ">" | ">="):
                return self._order(node)
            case Comprehension():
                return self._elsewhere.condition(node, loose=loose)
            case _:
                return self.term(node).sql

    def _equality(self, node: Binary, *, loose: bool) -> Condition:
        if node.operator == "in":
            return self._membership(node.left, node.right, loose=loose)
        left, right = self.term(node.left), self.term(node.right)
        equal = node.operator == "=="
        if left.is_null or right.is_null:
            return _null_test(right if left.is_null else left, equal=equal)
        one_given = left.filled or right.filled
        filled = (left.filled and right.filled) or (loose and equal and one_given)
        if MONEY in (left.type, right.type):
            return self._money_equality(left, right, equal=equal)
        if left.type == DECIMAL and right.type == DECIMAL:
            return (self._numbers.same if equal else self._numbers.different)(left, right, filled=filled)
        one, other = self._pair(left, right)
        return same(one, other, filled=filled) if equal else different(one, other, filled=filled)

    def _money_equality(self, left: Term, right: Term, *, equal: bool) -> Condition:
        if left.currency is None or right.currency is None:
            raise unsupported("an amount of money made by a formula")
        alike = sa.and_(
            self._numbers.same(left.of(left.sql, type=DECIMAL), right.of(right.sql, type=DECIMAL), filled=False),
            same(left.currency, right.currency, filled=False),
        )
        return alike if equal else sa.not_(alike)

    def _order(self, node: Binary) -> Condition:
        left, right = self.term(node.left), self.term(node.right)
        if left.type == MONEY:
            raise unsupported("an order of money; compare its .amount")
        if left.type == DECIMAL and right.type == DECIMAL:
            return self._numbers.order(node.operator, left, right)  # type: ignore[arg-type]
        one, other = self._pair(left, right)
        condition: Condition = ORDERS[node.operator](one, other)
        return condition

    def _pair(self, left: Term, right: Term) -> tuple[Sql, Sql]:
        """Both sides as values of one column type."""
        if is_id(left) or is_id(right):
            return as_id(left, right), as_id(right, left)
        if left.type == DECIMAL:
            left = Term(sql=calls.double(self._around, [left]), type=DOUBLE)
        if right.type == DECIMAL:
            right = Term(sql=calls.double(self._around, [right]), type=DOUBLE)
        return calls.ordered(left, self._around), calls.ordered(right, self._around)

    def _membership(self, left: Node, right: Node, *, loose: bool) -> Condition:
        if isinstance(right, ListNode):
            return self._in_list(self.term(left), [self.term(item) for item in right.items], loose=loose)
        if self.is_given(right):
            name = self._givens.parameter(right)
            return never() if name is None else self._in_parameter(self.term(left), name, loose=loose)
        return self._elsewhere.contains(self._source(right), self.term(left))

    def _in_list(self, wanted: Term, items: list[Term], *, loose: bool) -> Condition:
        found: list[Condition] = []
        plain: list[tuple[Sql, Sql]] = []
        for item in items:
            filled = item.filled or wanted.filled
            if item.is_null:
                found.append(_null_test(wanted, equal=True))
            elif wanted.type == DECIMAL:
                found.append(self._numbers.same(wanted, item, filled=filled))
            elif filled:
                plain.append(self._pair(wanted, item))
            else:
                found.append(same(*self._pair(wanted, item), filled=False))
        if plain:
            found.append(plain[0][0].in_([other for _, other in plain]))
        if not found:
            return never()
        condition = sa.or_(*found)
        certain = loose or (wanted.filled and all(item.filled or item.is_null for item in items))
        return condition if certain else sa.func.coalesce(condition, sa.false())

    def _in_parameter(self, wanted: Term, name: str, *, loose: bool) -> Condition:
        if wanted.type != STRING and not is_id(wanted):
            raise unsupported(f"a given list of {wanted.type}")
        condition = calls.plain(id_as_text(wanted)).in_(members(name, self._dialect))
        return condition if loose or wanted.filled else sa.func.coalesce(condition, sa.false())

    # -- terms --------------------------------------------------------------------------------------------------
    def term(self, node: Node) -> Term:
        """`node` as a value. Raises `NotInSql`."""
        if isinstance(node, Literal):
            return fixed(node.value, node.type, self._numbers)
        if self.is_given(node):
            return self._givens.term(node, self._numbers)
        match node:
            case FieldPath():
                return self._rows.term(node.path)
            case Variable():
                return self._variable(node.name).element
            case RecordId():
                return self.term(node.operand)
            case Member():
                return self._member(node)
            case Convert():
                return self._convert(self.term(node.operand), node.type)
            case Unary(operator="-"):
                return self._negated(self.term(node.operand))
            case Ternary():
                return self._choice([(self.condition(node.condition), self.term(node.then))], self.term(node.otherwise))
            case Call():
                return self._call(node)
            case Binary() if node.type != BOOL:
                return self._arithmetic(node)
            case Binary() | Logical() | Unary() | Comprehension():
                return self._truth(node)
            case _:
                raise unsupported(type(node).__name__)

    def is_given(self, node: Node) -> bool:
        """Whether `node` is the same for every row."""
        match node:
            case FieldPath():
                return not self._rows.reads(node.path)
            case Variable():
                return False
            case Comprehension():
                return False
            case _:
                return all(map(self.is_given, children(node)))

    def _truth(self, node: Node) -> Term:
        if isinstance(node, Comprehension) and node.type != BOOL:
            raise unsupported("a list made by a formula")
        return Term(sql=grouped(self.condition(node, loose=False)), type=BOOL)

    def _member(self, node: Member) -> Term:
        if node.operand.type.is_record:
            return self._record_field(node)
        if isinstance(node.operand, FieldPath) and node.operand.type != MONEY:
            return self._rows.part(node.operand.path, node.field)
        money = self.term(node.operand)
        if money.type != MONEY or money.currency is None:
            raise unsupported(f".{node.field}")
        if node.field == "currency":
            return Term(sql=money.currency, type=STRING)
        return money.of(money.sql, type=DECIMAL, currency=None)

    def _record_field(self, node: Member) -> Term:
        path: list[str] = [node.field]
        operand = node.operand
        while isinstance(operand, Member):
            path.insert(0, operand.field)
            operand = operand.operand
        if not isinstance(operand, Variable):
            raise unsupported(f".{node.field}")
        return self._variable(operand.name).rows.term(tuple(path))

    def _convert(self, term: Term, wanted: Type) -> Term:
        if wanted == DECIMAL and term.type == INT:
            return self._numbers.of_int(term)
        if wanted == DOUBLE and term.type in (INT, DECIMAL):
            return Term(sql=calls.double(self._around, [term]), type=DOUBLE, filled=term.filled)
        if wanted == TIMESTAMP and term.type == DATE:
            sql = sa.type_coerce(calls.midnight(self._around, term), UtcDateTime())
            return Term(sql=sql, type=TIMESTAMP, filled=term.filled)
        raise unsupported(f"{term.type} as {wanted}")

    def _negated(self, term: Term) -> Term:
        if term.type in (DECIMAL, MONEY):
            return self._numbers.negate(term)
        return Term(sql=-calls.plain(term), type=term.type, filled=term.filled)

    def _choice(self, cases: list[tuple[Condition, Term]], otherwise: Term) -> Term:
        terms = self._alike([term for _, term in cases] + [otherwise])
        pairs = [(condition, term.sql) for (condition, _), term in zip(cases, terms, strict=False)]
        sql = sa.case(*pairs, else_=terms[-1].sql)
        digits = max(term.digits for term in terms)
        shown = next((term for term in terms if not term.is_null), terms[-1])
        return shown.of(sql, digits=digits, filled=all(term.filled for term in terms))

    def _alike(self, terms: list[Term]) -> list[Term]:
        kinds = {term.type for term in terms if not term.is_null}
        if kinds == {DECIMAL}:
            filler = self._numbers.given(None)
            return self._numbers.alike([filler if term.is_null else term for term in terms])
        if MONEY in kinds:
            raise unsupported("a choice between amounts of money")
        if len(kinds) > 1:
            raise unsupported("a choice between values of different types")
        kind = next(iter(kinds), STRING)
        return [nothing(kind, self._numbers) if term.is_null else term for term in terms]

    def _call(self, node: Call) -> Term:
        if node.sql is None:
            raise unsupported(f"{node.name}()")
        if node.sql == "coalesce":
            return self._coalesce([self.term(argument) for argument in node.arguments])
        if node.sql in ("sum", "avg", "list_size") or node.arguments[0].type.is_list:
            return self._elsewhere.aggregate(node.sql, node.arguments[0], node.type)
        arguments = [self.term(argument) for argument in node.arguments]
        if any(is_id(argument) for argument in arguments):
            arguments = [id_as_text(argument) for argument in arguments]
        return calls.call(node.sql, node.type, arguments, self._around)

    def _coalesce(self, terms: list[Term]) -> Term:
        if all(term.type == MONEY for term in terms) and all(term.currency is not None for term in terms):
            currency = sa.func.coalesce(*(term.currency for term in terms))
            amounts = self._numbers.alike([term.of(term.sql, type=DECIMAL) for term in terms])
            amount = sa.func.coalesce(*(term.sql for term in amounts))
            return amounts[0].of(amount, type=MONEY, currency=currency)
        alike = self._alike(terms)
        sql = sa.func.coalesce(*(term.sql for term in alike))
        shown = next((term for term in alike if not term.is_null), alike[0])
        digits = max(term.digits for term in alike)
        return shown.of(sql, digits=digits, filled=any(term.filled for term in alike))

    def _arithmetic(self, node: Binary) -> Term:
        return self._calculator.binary(node, self.term(node.left), self.term(node.right))

    # -- lists --------------------------------------------------------------------------------------------------
    def _source(self, node: Node) -> Elements:
        if isinstance(node, RecordId):
            return self._source(node.operand)
        if isinstance(node, FieldPath):
            return self._rows.elements(node.path)
        raise unsupported("a list made by a formula")

    def source(self, node: Node) -> Elements:
        """The elements of a list of the row."""
        return self._source(node)

    def within(self, variable: str, elements: Elements) -> None:
        """From now on `variable` stands for an element."""
        self._variables[variable] = elements

    def pair(self, left: Term, right: Term) -> tuple[Sql, Sql]:
        """Both terms as values that can be compared."""
        return self._pair(left, right)

    @property
    def numbers(self) -> Numbers:
        """The decimals of the database."""
        return self._numbers

    def _variable(self, name: str) -> Elements:
        if name not in self._variables:
            raise unsupported(f"the variable {name}")
        return self._variables[name]


def _null_test(term: Term, *, equal: bool) -> Condition:
    if term.constant is not None:
        return sa.true() if (term.constant.value is None) == equal else sa.false()
    return term.sql.is_(None) if equal else term.sql.is_not(None)


__all__ = ["Compiler", "Constant", "Givens", "Rows"]
