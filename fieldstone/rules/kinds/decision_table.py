"""The kind `decision_table`: several inputs decide several fields; the first row that matches wins.

What comes in: definitions from `rules/*.json`. What goes out: `DecisionTable` artefacts; warnings about gaps, overlaps
and rows that never win. Who calls it: `platform.metadata`, through the `MetadataKind`.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from fieldstone.platform.kernel.metadata import Definition, Diagnostic, MetadataError, MetadataKind, Snapshot
from fieldstone.platform.kernel.text import filled
from fieldstone.rules.engine.coverage import Finding, findings
from fieldstone.rules.engine.decision import AnyValue, Between, Cell, DecisionTable, OneOf, TableInput, axis
from fieldstone.rules.engine.inputs import inputs_of
from fieldstone.rules.engine.scalars import ORDERED, scalar
from fieldstone.rules.engine.targets import RuleField, checked_literal, settable_field
from fieldstone.rules.expressions.compile import Expression
from fieldstone.rules.expressions.syntax import FieldPath
from fieldstone.rules.expressions.types import BOOL, INT, STRING, Type
from fieldstone.rules.kinds.compiling import Compiling, compile_with, references_with
from fieldstone.rules.kinds.shapes import EXPRESSION, NAME, TEXT, document

_SCALAR = {"type": ["string", "number", "boolean", "null"]}
_CELL = {
    "description": "A value, a list of values, a range (from, up to but not including below) or null (empty)",
    "oneOf": [
        _SCALAR,
        {"type": "array", "items": _SCALAR, "minItems": 1, "maxItems": 200},
        {
            "type": "object",
            "additionalProperties": False,
            "minProperties": 1,
            "properties": {"from": {"type": ["string", "number"]}, "below": {"type": ["string", "number"]}},
        },
    ],
}
_OUTCOME = {"type": "object", "propertyNames": NAME, "minProperties": 1}

SCHEMA = document(
    "decision_table",
    "Decision table",
    {
        "object": NAME,
        "inputs": {
            "type": "array",
            "minItems": 1,
            "maxItems": 12,
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["name", "expression"],
                "properties": {"name": NAME, "label": TEXT, "expression": EXPRESSION},
            },
        },
        "outputs": {
            "type": "array",
            "minItems": 1,
            "maxItems": 12,
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["name", "field"],
                "properties": {"name": NAME, "label": TEXT, "field": NAME},
            },
        },
        "rows": {
            "type": "array",
            "minItems": 1,
            "maxItems": 2000,
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["when", "then"],
                "properties": {
                    "label": TEXT,
                    "when": {"type": "object", "propertyNames": NAME, "additionalProperties": _CELL},
                    "then": _OUTCOME,
                },
            },
        },
        "default": _OUTCOME,
    },
    ("object", "inputs", "outputs", "rows"),
)

Outputs = Mapping[str, RuleField]


def build(scope: Compiling) -> DecisionTable:
    """Compile one definition. Raises `MetadataError`."""
    body = scope.body
    outputs = _outputs(scope)
    _refuse_unknown_inputs(body)
    columns = tuple(_column(scope, index, item) for index, item in enumerate(body["inputs"]))
    default = body.get("default")
    return DecisionTable(
        name=body["name"],
        object=scope.object.name,
        label=body.get("label", body["name"]),
        columns=columns,
        outcomes=tuple(_outcome(outputs, row["then"], f"/rows/{i}/then") for i, row in enumerate(body["rows"])),
        default=None if default is None else _outcome(outputs, default, "/default"),
        inputs=inputs_of([column.expression for column in columns], scope.object.all_fields),
        output_fields=tuple(field.name for field in outputs.values()),
    )


def _outputs(scope: Compiling) -> Outputs:
    found: dict[str, RuleField] = {}
    for index, item in enumerate(scope.body["outputs"]):
        path = f"/outputs/{index}"
        scope.field(item["field"], f"{path}/field")
        if item["name"] in found:
            raise MetadataError("The name {name} is used twice.", path=f"{path}/name", code="twice", name=item["name"])
        found[item["name"]] = settable_field(scope.object, item["field"], f"{path}/field")
    return found


def _refuse_unknown_inputs(body: Mapping[str, Any]) -> None:
    names = [item["name"] for item in body["inputs"]]
    for index, name in enumerate(names):
        if name in names[:index]:
            raise MetadataError("The name {name} is used twice.", path=f"/inputs/{index}/name", code="twice", name=name)
    for index, row in enumerate(body["rows"]):
        for name in row["when"]:
            if name not in names:
                raise MetadataError(
                    "There is no input called {name}.",
                    path=f"/rows/{index}/when/{name}",
                    code="unknown_input",
                    name=name,
                )


def _column(scope: Compiling, index: int, item: Mapping[str, Any]) -> TableInput:
    expression = scope.expression(item["expression"], f"/inputs/{index}/expression")
    kind = STRING if expression.type.is_record else expression.type
    rows: Sequence[Mapping[str, Any]] = scope.body["rows"]
    cells = tuple(_cell(row["when"], item["name"], kind, f"/rows/{i}/when") for i, row in enumerate(rows))
    field = _plain_field(scope, expression)
    domain = _domain(kind, field)
    for i, cell in enumerate(cells):
        _refuse_impossible(cell, domain, f"/rows/{i}/when/{item['name']}")
    return TableInput(
        name=item["name"],
        expression=expression,
        axis=axis(cells),
        cells=cells,
        domain=domain,
        optional=field is None or not field.required,
        whole=kind == INT,
    )


def _cell(when: Mapping[str, Any], name: str, kind: Type, at: str) -> Cell:
    if name not in when:
        return AnyValue()
    path, wanted = f"{at}/{name}", when[name]
    if isinstance(wanted, Mapping):
        return _range(wanted, kind, path)
    values = wanted if isinstance(wanted, list | tuple) else [wanted]
    return OneOf(values=tuple(scalar(value, kind, path) for value in values))


def _range(wanted: Mapping[str, Any], kind: Type, path: str) -> Between:
    if kind not in ORDERED:
        raise MetadataError("Values of type {type} have no ranges.", path=path, code="no_range", type=str(kind))
    start: Any = scalar(wanted["from"], kind, f"{path}/from") if "from" in wanted else None
    below: Any = scalar(wanted["below"], kind, f"{path}/below") if "below" in wanted else None
    if start is not None and below is not None and below <= start:
        raise MetadataError("This range is empty: below must be more than from.", path=path, code="empty_range")
    return Between(start=start, below=below)


def _plain_field(scope: Compiling, expression: Expression) -> RuleField | None:
    """The field of the record that an input reads as it is, if it is one."""
    tree = expression.tree
    return scope.object.all_fields.get(tree.path[0]) if isinstance(tree, FieldPath) and len(tree.path) == 1 else None


def _domain(kind: Type, field: RuleField | None) -> tuple[Hashable, ...] | None:
    """All values that an input can have, where that is known."""
    if kind == BOOL:
        return (False, True)
    values = tuple(field.type.ranks()) if field is not None and kind == STRING else ()
    return values or None


def _refuse_impossible(cell: Cell, domain: tuple[Hashable, ...] | None, path: str) -> None:
    if domain is None or not isinstance(cell, OneOf):
        return
    for value in cell.values:
        if value is not None and value not in domain:
            raise MetadataError("{value} is not one of the options.", path=path, code="not_an_option", value=str(value))


def _outcome(outputs: Outputs, then: Mapping[str, Any], at: str) -> Mapping[str, Any]:
    for name in then:
        if name not in outputs:
            raise MetadataError(
                "There is no output called {name}.", path=f"{at}/{name}", code="unknown_output", name=name
            )
    return {outputs[name].name: checked_literal(outputs[name], value, f"{at}/{name}") for name, value in then.items()}


def check(definition: Definition, snapshot: Snapshot) -> Iterator[Diagnostic]:
    """Warn about cases that no row decides, rows that never win, and rows that contradict one another."""
    table = snapshot.find("decision_table", definition.name)
    if table is not None:
        yield from map(_diagnostic, findings(table))


_FOUND: Mapping[str, Diagnostic] = {
    "gap": Diagnostic(path="/rows", severity="warning", code="table_gap", message="No row decides this case: {case}"),
    "unreachable": Diagnostic(
        path="/rows/{row}",
        severity="warning",
        code="table_unreachable",
        message="This row never wins: earlier rows decide all its cases.",
    ),
    "overlap": Diagnostic(
        path="/rows/{other}",
        severity="warning",
        code="table_overlap",
        message="Row {row} and row {other} decide this case differently; row {row} wins: {case}",
    ),
    "unchecked": Diagnostic(
        path="/rows",
        severity="info",
        code="table_unchecked",
        message="This table has too many combinations to look for gaps and overlaps.",
    ),
}


def _diagnostic(finding: Finding) -> Diagnostic:
    found = _FOUND[finding.code]
    path = filled(found.path, {"row": finding.row, "other": finding.other})
    return replace(found, path=path, facts={"case": finding.case, "row": finding.row + 1, "other": finding.other + 1})


KIND = MetadataKind(
    name="decision_table",
    folder="rules",
    label={"en": "Decision table", "zh-Hans": "决策表", "zh-Hant": "決策表"},
    schema=SCHEMA,
    compile=compile_with(build),
    check=check,
    references=references_with(build),
    order=40,
)
