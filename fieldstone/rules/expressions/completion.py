"""What can be written next, for the editor.

What comes in: source text, the offset of the cursor, a `TypeEnvironment`. What goes out: `Completion` values, fields
first, in alphabetical order; none inside a text. Never raises. Who calls it: the designer's editor.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal as OneOf

from fieldstone.rules.expressions.errors import ExpressionError
from fieldstone.rules.expressions.functions.catalogue import FUNCTIONS
from fieldstone.rules.expressions.functions.definition import Function
from fieldstone.rules.expressions.lexer import MAX_LENGTH, tokenize
from fieldstone.rules.expressions.macros import DOCUMENTATION, KINDS
from fieldstone.rules.expressions.types import BOOL, DECIMAL, DYN, MONEY, NULL, STRING, T, Type, TypeEnvironment

_CHAIN = re.compile(r"((?:[A-Za-z_]\w*\.)*)([A-Za-z_]\w*)?\Z", re.ASCII)
_LOOP = re.compile(rf"((?:[A-Za-z_]\w*\.)+)(?:{'|'.join(KINDS)})\(\s*([A-Za-z_]\w*)\s*,", re.ASCII)
_WORDS = {"true": BOOL, "false": BOOL, "null": NULL}
_LONGEST_CHAIN = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """One thing that fits at the cursor. `source[start:end]` is to be replaced by `insert`.

    `detail` is the type of a field, or the signature of a function; `summary` says what a function does.
    """

    label: str
    kind: OneOf["field", "variable", "function", "constant"]
    insert: str
    detail: str
    start: int
    end: int
    summary: str = ""


def completions(source: str, offset: int, environment: TypeEnvironment) -> list[Completion]:
    """What fits at `offset`: names and functions, or after a dot the fields and functions of what stands before it."""
    before = source[: max(0, min(offset, len(source), MAX_LENGTH))]
    if _in_text(before):
        return []
    chain = _CHAIN.search(before, max(0, len(before) - _LONGEST_CHAIN))
    if chain is None:
        return []
    start = chain.start(2) if chain.group(2) is not None else len(before)
    position = _Position(environment, _loop_variables(before, environment), start, len(before))
    names = chain.group(1).split(".")[:-1]
    offered = position.after(names) if names else position.at_start()
    prefix = before[start:].lower()
    return [each for each in offered if each.label.lower().startswith(prefix)]


def _in_text(before: str) -> bool:
    try:
        tokenize(before)
    except ExpressionError as error:
        return "not closed" in error.problem.message
    return False


def _loop_variables(before: str, environment: TypeEnvironment) -> dict[str, Type]:
    """The variables of the comprehensions that begin before the cursor, with the types of their elements."""
    found: dict[str, Type] = {}
    for loop in _LOOP.finditer(before):
        walked = _type_of(loop.group(1).split(".")[:-1], environment, found)
        found[loop.group(2)] = DYN if walked is None else walked.element
    return found


def _type_of(names: Sequence[str], environment: TypeEnvironment, variables: dict[str, Type]) -> Type | None:
    current = variables.get(names[0]) or environment.variable(names[0])
    for name in names[1:]:
        if current is None:
            return None
        current = _field_type(current, name, environment)
    return current


def _field_type(of_type: Type, name: str, environment: TypeEnvironment) -> Type | None:
    if of_type.is_record:
        return STRING if name == "id" else environment.member(of_type.record, name)
    if of_type == MONEY:
        return {"amount": DECIMAL, "currency": STRING}.get(name)
    return DYN if of_type == DYN else None


@dataclass(frozen=True, slots=True)
class _Position:
    """The place of the cursor: which names are known there, and what is to be replaced."""

    environment: TypeEnvironment
    variables: dict[str, Type]
    start: int
    end: int

    def at_start(self) -> Iterator[Completion]:
        """Where a new value begins."""
        for name, of_type in sorted(self.variables.items()):
            yield self._offer(name, "variable", name, str(of_type))
        for name in sorted(self.environment.names()):
            yield self._offer(name, "field", name, str(self.environment.variable(name) or DYN))
        for name, function in sorted(FUNCTIONS.items()):
            yield self._function(name, function)
        yield self._offer("has", "function", "has(", "(field) -> bool", DOCUMENTATION["has"][0])
        for name, of_type in _WORDS.items():
            yield self._offer(name, "constant", name, str(of_type))

    def after(self, names: Sequence[str]) -> Iterator[Completion]:
        """After `names` and a dot."""
        of_type = _type_of(names, self.environment, self.variables)
        if of_type is None:
            return
        for name in self._fields(of_type):
            yield self._offer(name, "field", name, str(_field_type(of_type, name, self.environment) or DYN))
        if of_type.is_list or of_type.is_map:
            for name in sorted(set(KINDS.values())):
                yield self._offer(name, "function", f"{name}(", "(variable, ...)", DOCUMENTATION[name][0])
        for name, function in sorted(FUNCTIONS.items()):
            if of_type != DYN and _takes_first(function, of_type):
                yield self._function(name, function)

    def _fields(self, of_type: Type) -> Sequence[str]:
        if of_type.is_record:
            return sorted({"id", *self.environment.members(of_type.record)})
        return ("amount", "currency") if of_type == MONEY else ()

    def _function(self, name: str, function: Function) -> Completion:
        return self._offer(name, "function", f"{name}(", function.overloads[0].signature, function.summary)

    def _offer(
        self,
        label: str,
        kind: OneOf["field", "variable", "function", "constant"],
        insert: str,
        detail: str,
        summary: str = "",
    ) -> Completion:
        return Completion(
            label=label, kind=kind, insert=insert, detail=detail, start=self.start, end=self.end, summary=summary
        )


def _takes_first(function: Function, of_type: Type) -> bool:
    """Whether a function is made for values of this type: one that takes anything is not offered after a dot."""
    for overload in function.overloads:
        if not overload.parameters:
            continue
        first = overload.parameters[0]
        if first == of_type or (first.is_list and of_type.is_list and _fits_element(first, of_type)):
            return True
    return False


def _fits_element(parameter: Type, of_type: Type) -> bool:
    return parameter.element in (of_type.element, T, DYN)
