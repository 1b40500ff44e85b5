"""A little metadata in memory, for tests of the rules: objects with typed fields and a snapshot to compile against."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from fieldstone.platform.kernel.errors import NotFound
from fieldstone.platform.kernel.metadata import Definition, Diagnostic, MetadataKind, Reference, Snapshot
from fieldstone.rules.expressions.context import EvaluationContext
from fieldstone.rules.expressions.types import (
    BOOL,
    DATE,
    DECIMAL,
    INT,
    MONEY,
    STRING,
    TIMESTAMP,
    Type,
    list_of,
    record_of,
)
from fieldstone.rules.expressions.values import Money
from fieldstone.rules.part import KINDS

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
CONTEXT = EvaluationContext(now=NOW, time_zone=ZoneInfo("Asia/Shanghai"))


@dataclass(frozen=True)
class Problem:
    code: str
    message: str
    facts: Mapping[str, Any] = field(default_factory=dict)


class NotAcceptable(Exception):
    def __init__(self, value: object) -> None:
        super().__init__(str(value))
        self.problem = Problem(code="wrong_type", message="This must be different.")


@dataclass(frozen=True)
class SomeType:
    """A field type, as the rules see it."""

    of: Type
    targets: tuple[str, ...] = ()
    values: tuple[str, ...] = ()

    def expression_type(self) -> Type:
        return self.of

    def ranks(self) -> Mapping[Any, int]:
        return {value: rank for rank, value in enumerate(self.values)}

    def read(self, value: Any) -> Any:
        try:
            return self._read(value)
        except (ValueError, ArithmeticError, TypeError, KeyError) as error:
            raise NotAcceptable(value) from error

    def _read(self, value: Any) -> Any:
        if self.of == DECIMAL:
            return Decimal(value)
        if self.of == DATE:
            return date.fromisoformat(value)
        if self.of == MONEY:
            return Money(Decimal(value["amount"]), value["currency"])
        wanted = {INT: int, BOOL: bool}.get(self.of, str)
        if type(value) is not wanted or (self.values and value not in self.values):
            raise NotAcceptable(value)
        return value


@dataclass(frozen=True)
class SomeField:
    name: str
    type: SomeType
    required: bool = False
    sensitive: bool = False
    computed: bool = False
    system: bool = False


@dataclass(frozen=True)
class SomeObject:
    name: str
    all_fields: Mapping[str, SomeField]
    environment: Environment


class Environment:
    """What names mean over one object of a set."""

    def __init__(self, objects: Mapping[str, SomeObject], name: str) -> None:
        self._objects = objects
        self._name = name

    def variable(self, name: str) -> Type | None:
        more = {"previous": record_of(self._name), "user": record_of("user")}
        return self.member(self._name, name) or more.get(name)

    def member(self, record: str, field: str) -> Type | None:
        found = self._objects[record].all_fields.get(field) if record in self._objects else None
        return found.type.of if found else None

    def names(self) -> Sequence[str]:
        return (*self._objects[self._name].all_fields, "previous", "user")

    def members(self, record: str) -> Sequence[str]:
        return tuple(self._objects[record].all_fields)


FIELDS: Mapping[str, Mapping[str, SomeType]] = {
    "ticket": {
        "subject": SomeType(STRING),
        "number": SomeType(STRING),
        "impact": SomeType(STRING, values=("low", "medium", "high")),
        "urgency": SomeType(STRING, values=("low", "medium", "high")),
        "priority": SomeType(STRING, values=("low", "moderate", "high", "critical")),
        "status": SomeType(STRING, values=("new", "open", "resolved", "closed")),
        "resolution": SomeType(STRING),
        "count": SomeType(INT),
        "hours": SomeType(DECIMAL),
        "urgent": SomeType(BOOL),
        "due": SomeType(DATE),
        "tags": SomeType(list_of(STRING)),
        "cost": SomeType(MONEY),
        "customer": SomeType(record_of("customer"), targets=("customer",)),
        "engineer": SomeType(record_of("user"), targets=("user",)),
        "watchers": SomeType(list_of(record_of("user")), targets=("user",)),
        "order": SomeType(record_of("order"), targets=("order",)),
    },
    "customer": {
        "name": SomeType(STRING),
        "tier": SomeType(STRING, values=("gold", "silver")),
        "discount": SomeType(DECIMAL),
        "last_service": SomeType(DATE),
        "manager": SomeType(record_of("user"), targets=("user",)),
    },
    "order": {
        "subject": SomeType(STRING),
        "ticket": SomeType(record_of("ticket"), targets=("ticket",)),
        "done": SomeType(BOOL),
    },
    "quote": {
        "name": SomeType(STRING),
        "status": SomeType(STRING, values=("draft", "submitted", "approved", "rejected")),
        "total": SomeType(MONEY),
        "points": SomeType(INT),
        "note": SomeType(STRING),
        "decided_on": SomeType(DATE),
        "engineer": SomeType(record_of("user"), targets=("user",)),
    },
    "user": {"name": SomeType(STRING), "email": SomeType(STRING)},
}
_SYSTEM: Mapping[str, SomeType] = {
    "id": SomeType(STRING),
    "revision": SomeType(INT),
    "created_at": SomeType(TIMESTAMP),
    "owner": SomeType(record_of("user"), targets=("user",)),
    "record_type": SomeType(STRING),
}
_REQUIRED = {("ticket", "impact"), ("ticket", "subject")}
_SENSITIVE = {("ticket", "resolution")}
_COMPUTED = {("ticket", "number")}


def objects() -> Mapping[str, SomeObject]:
    """The objects above, compiled."""
    made: dict[str, SomeObject] = {}
    for name, types in FIELDS.items():
        fields = {each: SomeField(each, of, system=True) for each, of in _SYSTEM.items()}
        for each, of in types.items():
            key = (name, each)
            fields[each] = SomeField(each, of, key in _REQUIRED, key in _SENSITIVE, key in _COMPUTED)
        made[name] = SomeObject(name, fields, Environment(made, name))
    return made


class Metadata:
    """A snapshot of the objects above and of rules given as bodies by kind."""

    version = 7

    def __init__(self, **bodies: Sequence[Mapping[str, Any]]) -> None:
        self.kinds: Mapping[str, MetadataKind] = {kind.name: kind for kind in KINDS}
        self.objects = objects()
        self._definitions = {
            (kind, body["name"]): definition(kind, body) for kind, several in bodies.items() for body in several
        }
        self._derived: dict[str, Any] = {}

    def get(self, kind: str, name: str) -> Any:
        if kind == "object" and name in self.objects:
            return self.objects[name]
        if (kind, name) not in self._definitions:
            raise NotFound("There is no {kind} called {name}.", kind=kind, name=name)
        found = self._definitions[kind, name]
        return self.kinds[kind].compile(found, self) if kind in self.kinds else found

    def find(self, kind: str, name: str) -> Any | None:
        known = (kind, name) in self._definitions or (kind == "object" and name in self.objects)
        return self.get(kind, name) if known else None

    def names(self, kind: str) -> Sequence[str]:
        return sorted(name for each, name in self._definitions if each == kind)

    def all(self, kind: str) -> Sequence[Any]:
        return tuple(self.get(kind, name) for name in self.names(kind))

    def definition(self, kind: str, name: str) -> Definition | None:
        return self._definitions.get((kind, name))

    def derived(self, key: str, make: Callable[[Snapshot], Any]) -> Any:
        if key not in self._derived:
            self._derived[key] = make(self)
        return self._derived[key]

    def physical(self, kind: str, path: str) -> str | None:
        return None

    def building(self, kind: str, name: str) -> frozenset[str]:
        return frozenset()

    def references(self, kind: str, name: str) -> list[Reference]:
        """What the kind's references function tells about an element."""
        return list(self.kinds[kind].references(self._definitions[kind, name], self))

    def diagnostics(self, kind: str, name: str) -> list[Diagnostic]:
        """What the kind's check function finds in an element."""
        return list(self.kinds[kind].check(self._definitions[kind, name], self))


def definition(kind: str, body: Mapping[str, Any]) -> Definition:
    """A definition of a body."""
    text = json.dumps(body, sort_keys=True, default=str)
    return Definition(kind=kind, name=body["name"], body=body, hash=hashlib.sha256(text.encode()).hexdigest())


def compiled(kind: str, body: Mapping[str, Any], **others: Sequence[Mapping[str, Any]]) -> Any:
    """One definition, compiled among others."""
    bodies = {**others, kind: [*others.get(kind, ()), body]}
    return Metadata(**bodies).get(kind, body["name"])


def ticket(**values: Any) -> dict[str, Any]:
    """A ticket as expression variables: every field there is, empty but for those given."""
    empty = dict.fromkeys(objects()["ticket"].all_fields)
    return {**empty, "id": "t1", "previous": None, "user": {"id": "u1"}, **values}
