"""Large tables: what a publish leaves to jobs, and what is promised before and after they have run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
import sqlalchemy as sa

from fieldstone.objects.definition.counting import SMALL
from fieldstone.objects.definition.jobs import FieldJobs
from fieldstone.objects.definition.number_series import draw
from fieldstone.objects.types import ObjectType
from fieldstone.platform.audit import Audit
from fieldstone.platform.database.errors import IntegrityError
from fieldstone.platform.kernel.context import Context, Unit
from fieldstone.platform.kernel.ids import new_id
from fieldstone.platform.metadata.doors import CallerDoors
from fieldstone.platform.metadata.service import MetadataService, PublishOrder
from fieldstone.platform.metadata.snapshots import Snapshots
from fieldstone.platform.metadata.values import Published
from fieldstone.platform.work.assembly import Kinds, Work
from tests.conftest import MakeInstallation
from tests.support.installation import Installation
from tests.support.metadata import put
from tests.support.objects import TYPES, body, field, object_kinds

ROWS = SMALL + 5
_MANY = {
    "postgresql": "SELECT gen_random_uuid(), n FROM generate_series(1, :rows) AS s(n)",
    "sqlite": "WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < :rows)"
    " SELECT printf('%08x-0000-7000-8000-%012x', n * 7, n), n FROM s",
}


def count_lines(ctx: Context, unit: Unit, name: str, roll_up: str, ids: Sequence[str]) -> None:
    """Recounts a roll-up the plain way; in the product the record service does it."""
    compiled: ObjectType = ctx.snapshot.get("object", name)
    (column,) = compiled.fields[roll_up].column_names
    unit.run(sa.update(compiled.table).where(compiled.table.c.id.in_(ids)).values({column: 7}))


class Publishing:
    """An installation whose metadata service starts real jobs."""

    def __init__(self, home: Installation) -> None:
        self.home = home
        snapshots = Snapshots(object_kinds())
        self.units = home.units_with(snapshot_source=snapshots.source)
        kinds = Kinds.empty()
        self.work = Work(home.settings, self.units, kinds, home.files)
        self.service = MetadataService(snapshots, Audit(), self.work.outbox, self.work.jobs)
        for job in FieldJobs(metadata=self.service, types=TYPES, recount=count_lines).kinds():
            kinds.job_kinds.register(job.name, job)
        self.service.publish_provided(CallerDoors(self.units, home.caller()))

    def publish(self, *bodies: Mapping[str, Any], confirm: Sequence[str] = ()) -> Published:
        order = PublishOrder(name="test", confirm=frozenset(confirm))
        return self.service.publish(
            CallerDoors(self.units, self.home.caller()), [put("object", each) for each in bodies], order
        )

    def kind(self, name: str = "ticket") -> ObjectType:
        found: ObjectType = self.units.read(self.home.caller(), lambda ctx, unit: ctx.snapshot.get("object", name))
        return found

    def fill(self, statement: str) -> None:
        """`ROWS` tickets; `statement` gives the columns, over n = 1, 2, ..."""
        columns, values = statement.split(" = ", 1)
        source = _MANY[self.home.dialect]

        def write(ctx: Any, unit: Any) -> None:
            stamp = "now()" if unit.dialect == "postgresql" else "'2026-01-01T00:00:00.000000Z'"
            rows = source.replace(", n FROM", f", 1, {stamp}, {stamp}, {values} FROM")
            into = f"INSERT INTO o_ticket (id, revision, created_at, updated_at, {columns}) "
            unit.run(sa.text(into + rows), {"rows": ROWS})

        self.units.write(self.home.caller(), write)

    def all(self, name: str) -> list[Any]:
        kind = self.kind()
        columns = [kind.table.c[column] for column in kind.fields[name].column_names]
        query = sa.select(*columns).order_by(*columns)
        rows = self.units.read(self.home.caller(), lambda ctx, unit: unit.rows(query))
        return [kind.fields[name].type.from_columns(row) for row in rows]

    def job_states(self) -> list[tuple[str, str, Any]]:
        jobs = self.units.read(self.home.caller(), lambda ctx, unit: self.work.jobs.list(unit))
        return [(job.kind, job.state, job.result) for job in jobs]


@pytest.fixture
def publishing(make_installation: MakeInstallation) -> Publishing:
    made = Publishing(make_installation())
    made.publish(body("ticket", field("size", "text"), field("n", "integer")))
    return made


def test_a_formula_of_many_records_is_building_until_its_job_has_filled_it(publishing: Publishing) -> None:
    publishing.fill("f_n = n")
    fields = [*publishing.kind().body["fields"], field("twice", "formula", expression="n * 2", value_type="integer")]
    published = publishing.publish(body("ticket", *fields))
    assert len(published.jobs) == 1
    assert not publishing.kind().fields["twice"].filterable
    publishing.work.run_due()
    assert publishing.job_states() == [("fill_formula", "done", {"records": ROWS, "lost": 0})]
    assert publishing.kind().fields["twice"].filterable
    assert publishing.all("twice")[-1] == ROWS * 2


def test_many_values_are_converted_by_a_job_and_what_does_not_fit_is_counted(publishing: Publishing) -> None:
    publishing.fill("f_size = CASE WHEN n % 100 = 0 THEN 'large' ELSE CAST(n AS TEXT) END")
    publishing.publish(body("ticket", field("size", "integer"), field("n", "integer")), confirm=["lossy"])
    assert publishing.kind().fields["size"].physical == "f_size_2"
    publishing.work.run_due()
    assert publishing.job_states() == [("convert_field", "done", {"records": ROWS, "lost": ROWS // 100})]
    assert publishing.kind().fields["size"].active
    assert sum(value is not None for value in publishing.all("size")) == ROWS - ROWS // 100


def test_a_unique_index_on_many_records_is_proved_by_a_job(publishing: Publishing) -> None:
    publishing.fill("f_n = n")
    publishing.publish(body("ticket", field("size", "text"), field("n", "integer", unique=True)))
    assert publishing.kind().building == {"n.unique"}
    publishing.work.run_due()
    assert [job[:2] for job in publishing.job_states()] == [("build_index", "done")]
    assert publishing.kind().building == frozenset()

    def twice(ctx: Any, unit: Any) -> None:
        kind = ctx.snapshot.get("object", "ticket")
        values = {"id": new_id(), "revision": 1, "created_at": ctx.now, "updated_at": ctx.now, "f_n": 1}
        unit.run(sa.insert(kind.table).values(values))

    with pytest.raises(IntegrityError):
        publishing.units.write(publishing.home.caller(), twice)


def test_a_unique_index_on_many_records_with_the_same_value_stays_unpromised(publishing: Publishing) -> None:
    publishing.fill("f_n = n / 2")
    publishing.publish(body("ticket", field("size", "text"), field("n", "integer", unique=True)))
    publishing.work.run_due()
    assert [job[:2] for job in publishing.job_states()] == [("build_index", "failed")]
    assert publishing.kind().building == {"n.unique"}


def test_a_roll_up_added_to_an_object_with_records_is_counted_by_a_job(publishing: Publishing) -> None:
    publishing.publish(body("line", field("ticket", "lookup", object="ticket", owned=True)))
    publishing.fill("f_n = n")
    roll_up = field("lines", "roll_up", object="line", field="ticket", function="count")
    publishing.publish(body("ticket", *publishing.kind().body["fields"], roll_up))
    assert publishing.all("lines")[0] == 0
    publishing.work.run_due()
    assert set(publishing.all("lines")) == {7}


def test_numbers_are_drawn_in_order_by_period_and_given_back_by_a_rollback(publishing: Publishing) -> None:
    publishing.publish(body("order", field("number", "auto_number", pattern="WO-{YYYY}-{0000}", start=5)))

    def drawn(ctx: Context, unit: Unit) -> str | None:
        kind: ObjectType = ctx.snapshot.get("object", "order")
        return draw(unit, kind, kind.fields["number"], ctx.now.date().replace(year=2026))

    def failing(ctx: Context, unit: Unit) -> None:
        drawn(ctx, unit)
        raise LookupError

    write = publishing.units.write
    caller = publishing.home.caller()
    assert [write(caller, drawn) for _ in range(2)] == ["WO-2026-0005", "WO-2026-0006"]
    with pytest.raises(LookupError):
        write(caller, failing)
    assert write(caller, drawn) == "WO-2026-0007"
