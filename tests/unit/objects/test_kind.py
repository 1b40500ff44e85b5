"""The kind `object`: its schema, its checks, references, physical parts and rewriting."""

from __future__ import annotations

from typing import Any

import pytest
from jsonschema import Draft202012Validator

from fieldstone.objects.definition.kind import object_kind
from fieldstone.objects.definition.schema import shipped_schema
from fieldstone.objects.definition.shipped import shipped_definitions
from fieldstone.objects.fieldtypes.builtin import built_in_types
from fieldstone.platform.database.home import HOME
from fieldstone.platform.identity import tables as identity_tables
from fieldstone.platform.kernel.metadata import Definition, Rename
from fieldstone.platform.metadata.schemas import BodySchemas
from fieldstone.platform.work import tables as work_tables
from tests.support.objects import KIND, TYPES, ObjectSnapshot, body, field

ADOPTED = {"user", "team", "job", "timer"}


def codes(snapshot: ObjectSnapshot, name: str = "ticket") -> dict[str, str]:
    return {found.path: found.code for found in snapshot.check(name) if found.severity == "error"}


def schema_codes(made: dict[str, Any]) -> list[tuple[str, str]]:
    return [(found.path, found.code) for found in BodySchemas().check(KIND, made, "")]


def test_the_schema_is_valid_and_accepts_an_object_with_a_field_of_every_type() -> None:
    Draft202012Validator.check_schema(dict(KIND.schema))
    assert schema_codes(body("ticket", field("subject", "text", max_length=80, required=True, label={"en": "S"}))) == []


@pytest.mark.parametrize(
    ("made", "found"),
    [
        (body("ticket", field("subject", "text", max_lenght=80)), [("/fields/0/max_lenght", "unknown_property")]),
        (body("ticket", field("subject", "text", max_length="80")), [("/fields/0/max_length", "type")]),
        (body("ticket", field("Subject", "text")), [("/fields/0/name", "pattern")]),
        (
            body("ticket", field("total", "formula")),
            [("/fields/0/expression", "required"), ("/fields/0/value_type", "required")],
        ),
        (body("ticket", storage={"table": "user_account", "columns": {}}), [("/storage", "unknown_property")]),
        (body("ticket", system=True), [("/system", "unknown_property")]),
        (body("ticket", managed_by="me"), [("/managed_by", "unknown_property")]),
        (body("ticket", *(field(f"f{n}", "text") for n in range(501))), [("/fields", "too_many")]),
        (body("ticket", field("x", "text", sensitive="yes")), [("/fields/0/sensitive", "type")]),
    ],
)
def test_the_schema_names_the_place_of_what_is_wrong(made: dict[str, Any], found: list[tuple[str, str]]) -> None:
    assert schema_codes(made) == found


def test_objects_that_come_with_the_software_fit_their_schema_and_have_no_findings() -> None:
    validator = Draft202012Validator(shipped_schema(TYPES))
    snapshot = ObjectSnapshot()
    for definition in shipped_definitions():
        assert not list(validator.iter_errors(definition.body)), definition.name
        assert snapshot.check(definition.name) == [], definition.name


def test_adopted_objects_have_the_columns_and_types_of_the_tables_of_the_platform() -> None:
    assert identity_tables.USER.metadata is work_tables.job.metadata is HOME
    snapshot = ObjectSnapshot()
    assert {name for name in snapshot.definitions if snapshot.get("object", name).managed_by} == ADOPTED
    for name in ADOPTED:
        table = snapshot.get("object", name).table
        real = HOME.tables[table.name]
        for column in table.columns:
            kinds = {type(column.type).__name__, type(real.c[column.name].type).__name__}
            assert len(kinds) == 1 or kinds <= {"Chars", "Text"} or kinds <= {"BigInteger", "Integer"}, (name, column)


def test_a_field_name_is_given_once_and_not_reserved() -> None:
    snapshot = ObjectSnapshot(
        body("ticket", field("a", "text"), field("a", "integer"), field("id", "text"), field("previous", "text"))
    )
    assert codes(snapshot) == {
        "/fields/1/name": "duplicate_name",
        "/fields/2/name": "reserved_name",
        "/fields/3/name": "reserved_name",
    }
    assert codes(ObjectSnapshot(body("article", field("title", "text"))), "article") == {}


def test_everything_wrong_with_an_object_is_reported_at_once() -> None:
    snapshot = ObjectSnapshot(
        body(
            "ticket",
            field("status", "select", options=[{"value": "new"}, {"value": "new"}], default="old"),
            field("size", "decimal", precision=2, scale=3),
            field("code", "text", pattern="(", default=5),
            field("total", "formula", expression="amuont * 2", value_type="decimal"),
            field("amount", "integer", min=5, max=1),
            field("due", "date", min="soon"),
            title="number + 1",
            unique=[["nothing"]],
            indexes=[["-total"], ["missing"]],
            owner_field="status",
        )
    )
    assert codes(snapshot) == {
        "/fields/0/options/1/value": "duplicate_option",
        "/fields/0/default": "not_an_option",
        "/fields/1/scale": "scale",
        "/fields/2/pattern": "bad_pattern",
        "/fields/2/default": "wrong_type",
        "/fields/3/expression": "unknown_name",
        "/fields/4/min": "bounds",
        "/fields/5/min": "bounds",
        "/title": "unknown_name",
        "/unique/0/0": "unknown_field",
        "/indexes/0/0": "not_stored",
        "/indexes/1/0": "unknown_field",
        "/owner_field": "owner_field",
    }


def test_an_expression_with_a_mistake_tells_where_it_is_and_what_may_be_meant() -> None:
    made = body(
        "ticket", field("amount", "integer"), field("twice", "formula", expression="1 +\n amuont", value_type="integer")
    )
    (found,) = ObjectSnapshot(made).check("ticket")
    assert (found.facts["line"], found.facts["column"], found.facts["suggestion"]) == (2, 2, "amount")


def test_fields_that_are_worked_out_from_each_other_are_refused_and_named() -> None:
    snapshot = ObjectSnapshot(
        body(
            "order",
            field("total", "roll_up", object="line", field="order", function="sum", of="amount"),
            field("double", "formula", expression="total * 2", value_type="decimal"),
            field("self_made", "formula", expression="self_made + 1", value_type="integer"),
        ),
        body(
            "line",
            field("order", "lookup", object="order", owned=True),
            field("amount", "formula", expression="order.double", value_type="decimal"),
        ),
    )
    found = {each.path: each.facts["circle"] for each in snapshot.check("order") if each.code == "circular"}
    assert found["/fields/0"] == "order.total → line.amount → order.double → order.total"
    assert found["/fields/2"] == "order.self_made → order.self_made"
    assert codes(snapshot, "line")["/fields/1"] == "circular"


def test_a_formula_is_kept_in_a_column_only_if_its_own_record_decides_it() -> None:
    snapshot = ObjectSnapshot(
        body("customer", field("tier", "text")),
        body(
            "ticket",
            field("amount", "decimal"),
            field("customer", "lookup", object="customer"),
            field("number", "auto_number", pattern="T-{0000}"),
            field("tags", "multi_select", options=[{"value": "a"}]),
            *(
                field(f"f{index}", "formula", expression=source, value_type=value_type)
                for index, (source, value_type, _) in enumerate(VOLATILITY)
            ),
        ),
    )
    assert codes(snapshot) == {}
    ticket = snapshot.get("object", "ticket")
    kept = {source: ticket.fields[f"f{index}"].stored for index, (source, _, _) in enumerate(VOLATILITY)}
    assert kept == {source: wanted for source, _, wanted in VOLATILITY}


VOLATILITY = [
    ("amount * 2", "decimal", True),
    ("f0 + 1", "decimal", True),
    ("customer == null", "boolean", True),
    ("customer.id", "text", True),
    ("tags.exists(tag, tag == 'a')", "boolean", True),
    ("created_at", "datetime", True),
    ("customer.tier", "text", False),
    ("has(customer.tier)", "boolean", False),
    ("today()", "date", False),
    ("now() > created_at", "boolean", False),
    ("user.name", "text", False),
    ("previous.amount", "decimal", False),
    ("f8", "date", False),
    ("number", "text", False),
    ("revision", "integer", False),
]


def test_a_field_of_a_missing_type_is_a_warning_and_reads_as_empty() -> None:
    snapshot = ObjectSnapshot(body("ticket", field("shape", "polygon", corners=5), field("subject", "text")))
    assert [(found.path, found.severity, found.code) for found in snapshot.check("ticket")] == [
        ("/fields/0/type", "warning", "type_missing")
    ]
    ticket = snapshot.get("object", "ticket")
    assert not ticket.fields["shape"].writable
    assert ticket.dump({"subject": "Leak"}, {})["shape"] is None
    assert ticket.fields["shape"].type.widget(ticket.fields["shape"], "en") == {"kind": "readonly"}
    assert schema_codes(dict(snapshot.definitions["ticket"].body)) == []


def test_options_of_a_plugin_type_are_checked_though_the_schema_does_not_know_it() -> None:
    types = built_in_types()
    text = types["text"]
    shout = type("ShoutType", (text,), {"name": "shout", "__doc__": "A loud text."})
    types.register("shout", shout)
    made = body("ticket", field("cry", "shout", volume=11, max_length="x"))
    snapshot = ObjectSnapshot(made, kind=object_kind(types))
    assert codes(snapshot) == {"/fields/0/volume": "unknown_option", "/fields/0/max_length": "option"}


def references(made: dict[str, Any], *others: dict[str, Any]) -> set[tuple[str, str, str | None]]:
    snapshot = ObjectSnapshot(made, *others)
    return {(r.path, r.name, r.part) for r in KIND.references(snapshot.definitions[made["name"]], snapshot)}


CUSTOMER = body("customer", field("tier", "text"), field("parent", "lookup", object="customer"), field("name", "text"))


def test_references_name_every_object_and_field_that_is_read() -> None:
    ticket = body(
        "ticket",
        field("customer", "lookup", object="customer"),
        field("site", "lookup", object="site", filter="owner_name == record.customer.name"),
        field("tier", "formula", expression="customer.parent.tier", value_type="text"),
        field("note", "text", default={"expression": "customer.name"}),
        field("engineer", "user"),
        title="note",
        unique=[["note", "tier"]],
        owner_field="engineer",
    )
    site = body("site", field("owner_name", "text"))
    found = references(ticket, CUSTOMER, site)
    assert {
        ("/title", "ticket", "note"),
        ("/unique/0/1", "ticket", "tier"),
        ("/owner_field", "ticket", "engineer"),
        ("/fields/0/object", "customer", None),
        ("/fields/1/filter", "site", "owner_name"),
        ("/fields/1/filter", "ticket", "customer"),
        ("/fields/1/filter", "customer", "name"),
        ("/fields/2/expression", "ticket", "customer"),
        ("/fields/2/expression", "customer", "parent"),
        ("/fields/2/expression", "customer", "tier"),
        ("/fields/3/default/expression", "customer", "name"),
        ("/fields/4/type", "user", None),
        ("", "user", None),
    } <= found


def test_references_of_rows_and_roll_ups_name_the_fields_of_the_other_object() -> None:
    order = body(
        "order",
        field("lines", "child", object="line", field="order"),
        field("total", "roll_up", object="line", field="order", function="sum", of="amount", filter="kind == 'x'"),
        field("first", "formula", expression="lines.map(l, l.kind)[0]", value_type="text"),
    )
    line = body(
        "line", field("order", "lookup", object="order", owned=True), field("amount", "decimal"), field("kind", "text")
    )
    assert {
        ("/fields/0/field", "line", "order"),
        ("/fields/1/of", "line", "amount"),
        ("/fields/1/filter", "line", "kind"),
        ("/fields/2/expression", "order", "lines"),
        ("/fields/2/expression", "line", "kind"),
    } <= references(order, line)


def rewritten(made: dict[str, Any], rename: Rename) -> Any:
    definition = Definition(kind="object", name=made["name"], body=made, hash="")
    assert KIND.rewrite is not None
    return KIND.rewrite(definition, rename)


TICKET = body(
    "ticket",
    field("customer", "lookup", object="customer"),
    field("amount", "decimal"),
    field("twice", "formula", expression="amount + amount * size('amount')", value_type="decimal"),
    field("tier", "formula", expression="has(customer.tier) ? customer.tier : 'x'", value_type="text"),
    field("old", "boolean", default={"expression": "previous.amount == amount"}),
    title="string(amount)",
    unique=[["amount"]],
    indexes=[["-amount", "customer"]],
)


def test_renaming_a_field_rewrites_every_name_and_no_text() -> None:
    made = rewritten(TICKET, Rename(kind="object", name="ticket", part="amount", to="sum"))
    assert made["fields"][2]["expression"] == "sum + sum * size('amount')"
    assert made["fields"][4]["default"]["expression"] == "previous.sum == sum"
    assert (made["title"], made["unique"], made["indexes"]) == ("string(sum)", [["sum"]], [["-sum", "customer"]])


def test_renaming_a_field_of_another_object_rewrites_paths_through_lookups() -> None:
    made = rewritten(TICKET, Rename(kind="object", name="customer", part="tier", to="level"))
    assert made["fields"][3]["expression"] == "has(customer.level) ? customer.level : 'x'"


def test_renaming_an_object_rewrites_what_points_to_it() -> None:
    made = rewritten(TICKET, Rename(kind="object", name="customer", to="client"))
    assert made["fields"][0]["object"] == "client"
    assert made["fields"][3] == TICKET["fields"][3]


def test_a_rename_that_concerns_nothing_rewrites_nothing_and_an_unclear_one_is_left_to_be_refused() -> None:
    assert rewritten(TICKET, Rename(kind="object", name="site", to="place")) is None
    deep = body(
        "ticket",
        field("customer", "lookup", object="customer"),
        field("t", "formula", expression="customer.parent.tier", value_type="text"),
    )
    assert rewritten(deep, Rename(kind="object", name="customer", part="tier", to="level")) is None


def test_physical_parts_follow_how_fields_are_kept() -> None:
    def signature(**options: Any) -> str:
        made = body("ticket", field("f", **options))
        parts = list(KIND.physical(Definition(kind="object", name="ticket", body=made, hash="")))
        return next(part.signature for part in parts if part.kind == "field")  # type: ignore[union-attr]

    assert signature(kind="decimal", precision=10) == signature(kind="decimal", precision=18)
    assert signature(kind="decimal", precision=19) != signature(kind="decimal", precision=18)
    assert signature(kind="decimal", scale=2) != signature(kind="decimal", scale=3)
    assert signature(kind="text") == signature(kind="long_text") != signature(kind="integer")
    assert signature(kind="lookup", object="a") == signature(kind="lookup", object="b")
    assert signature(kind="lookup", object="a") != signature(kind="lookup", objects=["a", "b"])


def test_many_to_many_fields_have_a_table_and_rows_have_none() -> None:
    made = body(
        "ticket", field("skills", "many_to_many", object="skill"), field("rows", "child", object="r", field="t")
    )
    parts = list(KIND.physical(Definition(kind="object", name="ticket", body=made, hash="")))
    assert [(part.kind, part.path, part.stem) for part in parts] == [  # type: ignore[union-attr]
        ("object", "ticket", "o_ticket"),
        ("link", "ticket.skills", "r_ticket_skills"),
    ]
