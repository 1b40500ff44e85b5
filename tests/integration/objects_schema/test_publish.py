"""Objects become tables: published, changed, renamed, retyped and removed on both databases."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
import sqlalchemy as sa

from fieldstone.objects.definition import ddl
from fieldstone.objects.types import ObjectType
from fieldstone.platform.database.errors import IntegrityError
from fieldstone.platform.kernel.ids import new_id
from tests.conftest import MakeInstallation
from tests.support.metadata import MetadataHome, put, remove
from tests.support.objects import body, field, object_kinds


@pytest.fixture
def publishing(make_installation: MakeInstallation) -> MetadataHome:
    home = MetadataHome(make_installation(), object_kinds())
    for tenant in ("acme", "globex"):
        home.service.publish_provided(home.doors(tenant))
    return home


def kind_of(home: MetadataHome, name: str) -> ObjectType:
    found: ObjectType = home.snapshot().get("object", name)
    return found


def columns(home: MetadataHome, table: str, tenant: str = "acme") -> frozenset[str]:
    return home.units.read(home.home.caller(tenant), lambda ctx, unit: ddl.present_columns(unit, table))


def insert(home: MetadataHome, name: str, /, **values: Any) -> str:
    identity = new_id()

    def write(ctx: Any, unit: Any) -> None:
        compiled: ObjectType = ctx.snapshot.get("object", name)
        system = {"id": identity, "revision": 1, "created_at": ctx.now, "updated_at": ctx.now}
        unit.run(sa.insert(compiled.table).values({**system, **compiled.columns_of(values)}))

    home.units.write(home.home.caller("acme"), write)
    return identity


def values_of(home: MetadataHome, name: str, identity: str) -> Mapping[str, Any]:
    def read(ctx: Any, unit: Any) -> Mapping[str, Any]:
        compiled: ObjectType = ctx.snapshot.get("object", name)
        row = unit.one(sa.select(*compiled.select_columns).where(compiled.table.c.id == identity))
        return compiled.read_row(row)

    return home.units.read(home.home.caller("acme"), read)


def steps(home: MetadataHome, *changes: Any) -> dict[str, str]:
    preview = home.preview(*changes)
    assert not preview.refused, preview.diagnostics
    return {planned.step.step: planned.step.step_class for planned in preview.plan}


TICKET = body("ticket", field("subject", "text", required=True), field("amount", "currency"))


def test_a_published_object_has_a_table_in_its_tenant_only(publishing: MetadataHome) -> None:
    publishing.publish(put("object", TICKET))
    table = kind_of(publishing, "ticket").table
    assert columns(publishing, table.name) == {column.name for column in table.columns}
    assert columns(publishing, table.name, "globex") == frozenset()


def test_system_objects_have_tables_from_the_first_version_on(publishing: MetadataHome) -> None:
    assert "f_body" in columns(publishing, kind_of(publishing, "comment").table.name)


def test_a_field_is_added_to_records_that_exist(publishing: MetadataHome) -> None:
    publishing.publish(put("object", TICKET))
    identity = insert(publishing, "ticket", subject="Leak")
    more = body(
        "ticket",
        *TICKET["fields"],
        field("vip", "boolean"),
        field("urgency", "integer", required=True, default=3),
        field("note", "long_text", default="nothing"),
    )
    assert set(steps(publishing, put("object", more)).values()) == {"safe"}
    publishing.publish(put("object", more))
    values = values_of(publishing, "ticket", identity)
    assert (values["subject"], values["vip"], values["urgency"], values["note"]) == ("Leak", False, 3, None)


def test_a_renamed_field_keeps_its_column_and_values(publishing: MetadataHome) -> None:
    publishing.publish(put("object", TICKET))
    identity = insert(publishing, "ticket", subject="Leak")
    renamed = body("ticket", field("headline", "text", renamed_from="subject"), TICKET["fields"][1])
    assert steps(publishing, put("object", renamed)) == {"rename subject": "safe"}
    publishing.publish(put("object", renamed))
    assert values_of(publishing, "ticket", identity)["headline"] == "Leak"


def test_a_renamed_object_keeps_its_table_and_records_and_what_points_to_it(publishing: MetadataHome) -> None:
    site = body("site", field("name", "text"))
    ticket = body("ticket", field("site", "lookup", object="site"), field("name", "formula", **OF_SITE))
    publishing.publish(put("object", site), put("object", ticket))
    place = insert(publishing, "site", name="Dock")
    identity = insert(publishing, "ticket", site=place)
    renamed = body("place", field("title_text", "text", renamed_from="name"), renamed_from="site")
    publishing.publish(put("object", renamed))
    assert kind_of(publishing, "place").table.name == "o_site"
    assert values_of(publishing, "place", place)["title_text"] == "Dock"
    assert kind_of(publishing, "ticket").body["fields"][0]["object"] == "place"
    assert kind_of(publishing, "ticket").body["fields"][1]["expression"] == "site.title_text"
    assert values_of(publishing, "ticket", identity)["site"] == place


OF_SITE = {"expression": "site.name", "value_type": "text"}


def test_a_lookup_that_points_elsewhere_must_be_confirmed(publishing: MetadataHome) -> None:
    others = [put("object", body(name, field("name", "text"))) for name in ("site", "depot")]
    publishing.publish(*others, put("object", body("ticket", field("place", "lookup", object="site"))))
    elsewhere = put("object", body("ticket", field("place", "lookup", object="depot")))
    assert steps(publishing, elsewhere) == {}
    insert(publishing, "ticket", place=insert(publishing, "site", name="Dock"))
    assert steps(publishing, elsewhere) == {"retarget place": "lossy"}


def test_removing_a_field_with_values_must_be_confirmed_and_restoring_brings_them_back(
    publishing: MetadataHome,
) -> None:
    publishing.publish(put("object", TICKET))
    identity = insert(publishing, "ticket", subject="Leak")
    without = body("ticket", TICKET["fields"][1])
    assert steps(publishing, put("object", without)) == {"retire subject": "lossy"}
    publishing.publish(put("object", without), confirm=["lossy"])
    assert "f_subject" in columns(publishing, "o_ticket")
    publishing.publish(put("object", TICKET))
    assert values_of(publishing, "ticket", identity)["subject"] == "Leak"


def test_a_text_becomes_a_number_and_what_does_not_fit_must_be_confirmed(publishing: MetadataHome) -> None:
    publishing.publish(put("object", body("ticket", field("size", "text"))))
    good, bad = insert(publishing, "ticket", size="12"), insert(publishing, "ticket", size="large")
    numbers = body("ticket", field("size", "integer"))
    assert steps(publishing, put("object", numbers)) == {"convert size": "lossy"}
    publishing.publish(put("object", numbers), confirm=["lossy"])
    assert kind_of(publishing, "ticket").fields["size"].physical == "f_size_2"
    assert (values_of(publishing, "ticket", good)["size"], values_of(publishing, "ticket", bad)["size"]) == (12, None)


def test_a_number_becomes_a_text_without_loss(publishing: MetadataHome) -> None:
    publishing.publish(put("object", body("ticket", field("size", "decimal", scale=3))))
    identity = insert(publishing, "ticket", size=kind_of(publishing, "ticket").coerce("size", "1.25"))
    texts = body("ticket", field("size", "text"))
    assert steps(publishing, put("object", texts)) == {"convert size": "safe"}
    publishing.publish(put("object", texts))
    assert values_of(publishing, "ticket", identity)["size"] == "1.250"


def test_unique_is_refused_while_two_records_have_the_same_value(publishing: MetadataHome) -> None:
    publishing.publish(put("object", TICKET))
    insert(publishing, "ticket", subject="Leak")
    second = insert(publishing, "ticket", subject="Leak")
    unique = body("ticket", field("subject", "text", unique=True), TICKET["fields"][1])
    preview = publishing.preview(put("object", unique))
    assert [found.code for found in preview.diagnostics if found.severity == "error"] == ["duplicates"]

    def into_the_bin(ctx: Any, unit: Any) -> None:
        table = ctx.snapshot.get("object", "ticket").table
        unit.run(sa.update(table).where(table.c.id == second).values(deleted_at=ctx.now))

    publishing.units.write(publishing.home.caller("acme"), into_the_bin)
    publishing.publish(put("object", unique))
    with pytest.raises(IntegrityError) as refused:
        insert(publishing, "ticket", subject="Leak")
    assert kind_of(publishing, "ticket").unique_fields(str(refused.value.constraint)) == ("subject",)
    insert(publishing, "ticket", subject="Other")
    insert(publishing, "ticket")
    insert(publishing, "ticket")


def test_a_kept_formula_is_worked_out_for_records_that_exist(publishing: MetadataHome) -> None:
    publishing.publish(put("object", body("line", field("quantity", "integer"), field("price", "decimal"))))
    kind = kind_of(publishing, "line")
    identity = insert(publishing, "line", quantity=3, price=kind.coerce("price", "2.50"))
    total = field("total", "formula", expression="quantity * price", value_type="decimal")
    publishing.publish(put("object", body("line", *kind.body["fields"], total)))
    assert str(values_of(publishing, "line", identity)["total"]) == "7.50"
    doubled = {**total, "expression": "quantity * price * 2"}
    publishing.publish(put("object", body("line", *kind.body["fields"], doubled)))
    assert str(values_of(publishing, "line", identity)["total"]) == "15.00"


def test_removing_an_object_keeps_its_table_and_must_be_confirmed_when_it_has_records(
    publishing: MetadataHome,
) -> None:
    publishing.publish(put("object", TICKET))
    assert steps(publishing, remove("object", "ticket")) == {"retire ticket": "safe"}
    identity = insert(publishing, "ticket", subject="Leak")
    assert steps(publishing, remove("object", "ticket")) == {"retire ticket": "lossy"}
    publishing.publish(remove("object", "ticket"), confirm=["lossy"])
    publishing.publish(put("object", TICKET))
    assert values_of(publishing, "ticket", identity)["subject"] == "Leak"


def test_many_to_many_fields_get_a_table_of_links(publishing: MetadataHome) -> None:
    skills = body("skill", field("label_text", "text"))
    publishing.publish(
        put("object", skills), put("object", body("engineer", field("skills", "many_to_many", object="skill")))
    )
    assert columns(publishing, "r_engineer_skills") == {"source", "target", "position"}
    without = put("object", body("engineer", field("name", "text")))
    assert set(steps(publishing, without).values()) == {"safe"}

    def link(ctx: Any, unit: Any) -> None:
        table = ctx.snapshot.get("object", "engineer").links["skills"].table
        unit.run(sa.insert(table).values(source=new_id(), target=new_id(), position=0))

    publishing.units.write(publishing.home.caller("acme"), link)
    assert steps(publishing, without)["retire skills"] == "lossy"


def test_an_object_of_five_hundred_fields_can_be_published(publishing: MetadataHome) -> None:
    wide = body("wide", *(field(f"field_{number}", "text") for number in range(500)))
    publishing.publish(put("object", wide))
    assert len(columns(publishing, "o_wide")) == 511
