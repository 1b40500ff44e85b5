"""What the schema cannot say about the definition of an object.

What comes in: a definition that fits the schema, and the snapshot in which it would be published. What goes out: a
diagnostic for everything that is wrong, with its place. Who calls it: preview and publishing, through the kind.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from fieldstone.objects.definition.circles import circles
from fieldstone.objects.definition.compile import bodies_of
from fieldstone.objects.definition.findings import Findings
from fieldstone.objects.definition.names import reserved_because
from fieldstone.objects.definition.options import option_errors
from fieldstone.objects.definition.scope import DefinitionScope
from fieldstone.objects.definition.system_fields import SYSTEM_FIELDS
from fieldstone.objects.fieldtypes.base import Declaration, FieldType
from fieldstone.objects.fieldtypes.builtin import FieldTypes
from fieldstone.objects.fieldtypes.missing import MissingType
from fieldstone.objects.types import ObjectType
from fieldstone.platform.i18n import mark
from fieldstone.platform.kernel.metadata import Definition, Diagnostic, Snapshot

Check = Callable[[Definition, Snapshot], tuple[Diagnostic, ...]]

MAX_COLUMNS = 1_200
"""Columns of one table; PostgreSQL takes 1,600, SQLite 2,000."""


def make_check(types: FieldTypes) -> Check:
    """The function of the kind."""

    def check(definition: Definition, snapshot: Snapshot) -> tuple[Diagnostic, ...]:
        checking = _Checking(definition, snapshot, types)
        checking.run()
        return checking.findings.all

    return check


class _Checking:
    """The checks of one definition."""

    def __init__(self, definition: Definition, snapshot: Snapshot, types: FieldTypes) -> None:
        self.definition = definition
        self.body = definition.body
        self.snapshot = snapshot
        self.types = types
        self.scope = DefinitionScope(types, bodies_of(snapshot, definition))
        self.findings = Findings()
        self.bound = [self._bind(body) for body in self.body.get("fields", ())]
        self.kinds = {kind.declaration.name: kind for kind in self.bound}

    def _bind(self, body: Mapping[str, Any]) -> FieldType:
        return self.scope.bind(Declaration(object=self.definition.name, name=body["name"], body=body))

    def run(self) -> None:
        """All of them, in the order of the definition."""
        self.names()
        for index, kind in enumerate(self.bound):
            self.field(kind, f"/fields/{index}")
        self.groups()
        self.owner()
        self.record_types()
        compiled: ObjectType = self.snapshot.get("object", self.definition.name)
        self.findings.extend(compiled.problems)
        if len(compiled.table.columns) > MAX_COLUMNS:
            self._error(
                "/fields",
                "too_many_columns",
                mark("All fields together need more than {most} columns."),
                most=MAX_COLUMNS,
            )
        for path, names in circles(compiled, self.snapshot):
            self._error(path, "circular", mark("These are worked out from each other: {circle}."), circle=names)

    def _error(self, path: str, code: str, message: str, **facts: Any) -> None:
        self.findings.add(path, code, message, **facts)

    def names(self) -> None:
        """Each field has a name of its own that is not reserved."""
        counted = Counter(body["name"] for body in self.body.get("fields", ()))
        seen: set[str] = set()
        for index, body in enumerate(self.body.get("fields", ())):
            name = body["name"]
            path = f"/fields/{index}/name"
            reason = reserved_because(name)
            if reason is not None and not self.body.get("system"):
                self._error(path, "reserved_name", reason, name=name)
            if counted[name] > 1 and name in seen:
                self._error(path, "duplicate_name", mark("There are two fields called {name}."), name=name)
            seen.add(name)

    def field(self, kind: FieldType, path: str) -> None:
        """A field's type is known, and its options fit together."""
        body = kind.declaration.body
        if isinstance(kind, MissingType):
            message = mark("The field type {type} is not installed. The field is shown empty and cannot be written.")
            self.findings.add(f"{path}/type", "type_missing", message, "warning", type=kind.wanted)
            return
        for place, code, message, facts in option_errors(type(kind), body):
            self._error(path + place, code, message, **facts)
        for problem in kind.check():
            self.findings.problem(problem, path)
        if body.get("unique") and not kind.storage():
            self._error(f"{path}/unique", "not_unique", mark("Fields of this type cannot be unique."))

    def groups(self) -> None:
        """Unique groups and indexes name stored fields."""
        for key in ("unique", "indexes"):
            for group, fields in enumerate(self.body.get(key, ())):
                for index, field in enumerate(fields):
                    self._stored(field.removeprefix("-"), f"/{key}/{group}/{index}")

    def _stored(self, name: str, path: str) -> None:
        if name in SYSTEM_FIELDS:
            return
        kind = self.kinds.get(name)
        if kind is None:
            self._error(path, "unknown_field", mark("There is no field called {name}."), name=name)
        elif not kind.storage() or kind.volatile:
            self._error(path, "not_stored", mark("The field {name} is not kept in a column."), name=name)

    def owner(self) -> None:
        """The owner field points to people."""
        name = self.body.get("owner_field")
        kind = self.kinds.get(name) if name else None
        if name and kind is None:
            self._error("/owner_field", "unknown_field", mark("There is no field called {name}."), name=name)
        elif kind is not None and kind.targets != ("user",):
            self._error("/owner_field", "owner_field", mark("The owner must be a field that points to a person."))

    def record_types(self) -> None:
        """Each record type has a name of its own."""
        seen: set[str] = set()
        for index, each in enumerate(self.body.get("record_types", ())):
            if each["name"] in seen:
                message = mark("There are two record types called {name}.")
                self._error(f"/record_types/{index}/name", "duplicate_name", message, name=each["name"])
            seen.add(each["name"])
