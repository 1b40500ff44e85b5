"""Checks function calls, and the forms that are written like calls: `changed`, `if`, `hasRole`.

What comes in: a `Call` as parsed. What goes out: a `Call` with its overload and converted arguments; a `Ternary` for
`if`, an `in` for `hasRole`, a `Literal` for a conversion of a constant; or a `Faulty`. Who calls it: the checker.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fieldstone.rules.expressions.dialect import Conversions, Dialect
from fieldstone.rules.expressions.errors import EvaluationError
from fieldstone.rules.expressions.functions.definition import Function, Needs
from fieldstone.rules.expressions.functions.text import pattern
from fieldstone.rules.expressions.macros import DOCUMENTATION, KINDS
from fieldstone.rules.expressions.overloads import Choice, choices, converted, decided_by_values, parameters_for
from fieldstone.rules.expressions.reports import Reports, nearest
from fieldstone.rules.expressions.syntax import Binary, Call, Literal, Member, Name, Node, Ternary
from fieldstone.rules.expressions.types import BOOL, DYN, STRING, TypeEnvironment

_FOLDED = frozenset({"date", "timestamp", "duration", "time", "decimal"})
"""Conversions that are done at once when their arguments are constants, so that a mistake is found at publish."""
_FUNCTION_SPELLINGS = {
    "len": "size", "length": "size", "count": "size", "average": "avg", "concat": "+", "substr": "substring",
    "strip": "trim", "nvl": "coalesce", "ifnull": "coalesce", "isnull": "== null", "isEmpty": "isBlank",
    "ceiling": "ceil", "and": "&&", "or": "||", "not": "!", "any": "exists", "dateAdd": "addDays",
    "iif": "if", "IF": "if", "uppercase": "upper", "lowercase": "lower", "includes": "contains",
}  # fmt: skip


class CallChecker:
    """Checks the calls of one expression; `names` collects what is called."""

    __slots__ = ("_check", "_dialect", "_environment", "_forms", "_reports", "names")

    def __init__(
        self, environment: TypeEnvironment, dialect: Dialect, reports: Reports, check: Callable[[Node], Node]
    ) -> None:
        self._environment = environment
        self._dialect = dialect
        self._reports = reports
        self._check = check
        self._forms: dict[str, tuple[int, Callable[[Call, tuple[Node, ...]], Node]]] = {
            "changed": (1, self._changed),
            "if": (3, self._if),
            "hasRole": (1, self._has_role),
        }
        self.names: set[str] = set()

    def call(self, node: Call) -> Node:
        """A checked call."""
        arguments = node.arguments if node.target is None else (node.target, *node.arguments)
        function = self._dialect.functions.get(node.name)
        if function is None:
            return self._unknown(node)
        self.names.add(node.name)
        if node.name in self._forms:
            count, form = self._forms[node.name]
            return form(node, arguments) if len(arguments) == count else self._wrong_arguments(node, function, ())
        return self._function(node, function, tuple(self._check(argument) for argument in arguments))

    def _function(self, node: Call, function: Function, arguments: tuple[Node, ...]) -> Node:
        fitting = choices(function, arguments, self._dialect)
        if not fitting:
            return self._wrong_arguments(node, function, arguments)
        if decided_by_values(fitting, arguments):
            results = {choice.result for choice in fitting}
            result = results.pop() if len(results) == 1 else DYN
            return Call(start=node.start, end=node.end, type=result, name=node.name, arguments=arguments)
        return self._chosen(node, fitting[0], converted(fitting[0], arguments, self._reports))

    def _chosen(self, node: Call, choice: Choice, arguments: tuple[Node, ...]) -> Node:
        if self._dialect.conversions is Conversions.IMPLICIT and node.name in _FOLDED:
            folded = self._folded(node, choice, arguments)
            if folded is not None:
                return folded
        if node.name == "matches" and len(arguments) == 2 and isinstance(arguments[1], Literal):
            try:
                pattern(str(arguments[1].value))
            except EvaluationError as error:
                return self._reports.fault(arguments[1], error.instance_code, str(error.message), error.facts)
        return Call(
            start=node.start,
            end=node.end,
            type=choice.result,
            name=node.name,
            arguments=arguments,
            overload=choice.overload,
        )

    def _folded(self, node: Call, choice: Choice, arguments: tuple[Node, ...]) -> Node | None:
        values: list[Any] = [argument.value for argument in arguments if isinstance(argument, Literal)]
        if len(values) != len(arguments) or None in values or choice.overload.needs is not Needs.ARGUMENTS:
            return None
        try:
            value = choice.overload.implementation(*values)
        except EvaluationError as error:
            return self._reports.fault(node, error.instance_code, str(error.message), error.facts)
        return Literal(start=node.start, end=node.end, type=choice.result, value=value)

    def _changed(self, node: Call, arguments: tuple[Node, ...]) -> Node:
        asked = arguments[0]
        name = asked.name if isinstance(asked, Name) else asked.value if isinstance(asked, Literal) else None
        if not isinstance(name, str):
            message = "{function}() wants the name of a field of this record."
            return self._reports.fault(asked, "bad_argument", message, {"function": "changed"}, "changed(status)")
        if self._environment.variable(name) is None:
            suggestion = nearest(name, self._environment.names())
            message = "There is no field called {name}."
            return self._reports.fault(asked, "unknown_name", message, {"name": name}, suggestion)
        literal = Literal(start=asked.start, end=asked.end, type=STRING, value=name)
        overload = self._dialect.functions["changed"].overloads[0]
        return Call(start=node.start, end=node.end, type=BOOL, name="changed", arguments=(literal,), overload=overload)

    def _if(self, node: Call, arguments: tuple[Node, ...]) -> Node:
        condition, then, otherwise = arguments
        return self._check(Ternary(start=node.start, end=node.end, condition=condition, then=then, otherwise=otherwise))

    def _has_role(self, node: Call, arguments: tuple[Node, ...]) -> Node:
        user = Name(start=node.start, end=node.end, name="user")
        roles = Member(start=node.start, end=node.end, operand=user, field="roles")
        return self._check(Binary(start=node.start, end=node.end, operator="in", left=arguments[0], right=roles))

    def _unknown(self, node: Call) -> Node:
        facts = {"name": node.name}
        if node.name in KINDS or node.name in DOCUMENTATION:
            example = DOCUMENTATION[KINDS.get(node.name, node.name)][1]
            message = "{name}() is used with a variable and a condition."
            return self._reports.fault(node, "bad_macro", message, facts, example)
        known = _FUNCTION_SPELLINGS.get(node.name, "") if self._dialect.functions.get("if") else ""
        suggestion = known or nearest(node.name, (*self._dialect.functions, *DOCUMENTATION))
        return self._reports.fault(node, "unknown_function", "There is no function called {name}.", facts, suggestion)

    def _wrong_arguments(self, node: Call, function: Function, arguments: tuple[Node, ...]) -> Node:
        count = len(arguments) or len(node.arguments) + (node.target is not None)
        right_count = any(parameters_for(overload, count) is not None for overload in function.overloads)
        types = ", ".join(str(argument.type) for argument in arguments)
        facts = {"name": function.name, "types": types, "count": count}
        if right_count and arguments:
            message = "{name}() does not work on {types}."
        else:
            message = "{name}() does not take {count} arguments."
        return self._reports.fault(node, "bad_arguments", message, facts, function.example)
