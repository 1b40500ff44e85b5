"""What every field type promises, built-in or from a plugin: one test for each promise, over the whole registry."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from functools import lru_cache
from typing import Any

import orjson
import pytest
import sqlalchemy as sa
from jsonschema import Draft202012Validator
from marshmallow import ValidationError

from fieldstone.objects.codec.dumper import dumps
from fieldstone.objects.definition.schema import field_schema
from fieldstone.objects.fieldtypes.base import Field, FieldType
from fieldstone.objects.fieldtypes.declaration import Label
from fieldstone.objects.fieldtypes.problems import Problem, Rejected
from fieldstone.platform.kernel.text import LOCALES
from fieldstone.rules.expressions.compile import check_expression
from fieldstone.rules.expressions.types import BOOL
from tests.support.field_samples import HOSTILE, ID, SAMPLES, Samples
from tests.support.objects import TYPES, ObjectSnapshot, body, field

NAMES = TYPES.names()
WORLD = (
    body("customer", field("name", "text")),
    body("skill", field("name", "text")),
    body("line", field("order", "lookup", object="thing", owned=True), field("amount", "decimal")),
)


def samples_of(name: str) -> Samples:
    assert name in SAMPLES, f"the field type {name} has no samples"
    return SAMPLES[name]


@lru_cache(maxsize=64)
def compiled_field(name: str) -> Field:
    declared = field("f", name, label="The field", **samples_of(name).options)
    thing = ObjectSnapshot(body("thing", declared), *WORLD).get("object", "thing")
    assert not thing.problems
    found: Field = thing.fields["f"]
    return found


@pytest.fixture(params=NAMES)
def checked(request: pytest.FixtureRequest) -> Field:
    """A field of each type in turn."""
    return compiled_field(str(request.param))


@pytest.fixture
def connection(engine: str, request: pytest.FixtureRequest) -> Iterator[sa.Connection]:
    """SQLite in memory, and PostgreSQL inside a transaction that is rolled back."""
    url = "sqlite://" if engine == "sqlite" else str(request.getfixturevalue("postgres_url"))
    made = sa.create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    with made.connect() as opened:
        yield opened
        opened.rollback()
    made.dispose()


def plain(value: Any) -> Any:
    """A JSON value after a trip through text, as a client sees it."""
    return orjson.loads(dumps(value))


def test_every_type_says_what_it_is_in_three_languages(checked: Field) -> None:
    kind = type(checked.type)
    assert set(kind.label) >= set(LOCALES)
    assert all(kind.label.values())
    assert (kind.__doc__ or "").strip().endswith((".", ")"))


def test_its_options_are_a_json_schema_that_accepts_its_samples(checked: Field) -> None:
    kind = type(checked.type)
    schema = {**field_schema(kind), "$defs": {"name": {"type": "string"}, "text": {}}}
    Draft202012Validator.check_schema(schema)
    assert not list(Draft202012Validator(schema).iter_errors(dict(checked.type.declaration.body)))
    assert all("title" in option or "enum" in option for option in kind.options.values())


def test_json_python_columns_and_back_on_both_databases(checked: Field, connection: sa.Connection) -> None:
    kind = checked.type
    columns = kind.columns(checked, "f_x")
    table = sa.Table("t_contract", sa.MetaData(), sa.Column("n", sa.Integer, primary_key=True), *columns)
    table.create(connection)
    samples = samples_of(kind.declaration.body["type"]).json
    for number, (sent, answered) in enumerate(samples):
        value = kind.read(sent)
        row = {"n": number, **dict(zip((c.name for c in columns), kind.to_columns(value), strict=True))}
        connection.execute(sa.insert(table).values(row))
        found = connection.execute(sa.select(*columns).where(table.c.n == number)).one() if columns else ()
        again = kind.from_columns(tuple(found)) if columns else value
        assert plain(kind.write(again)) == answered if again is not None else answered is None, sent
        if answered is not None:
            assert plain(kind.write(kind.read(answered))) == answered, "what is answered can be sent"


def test_no_value_stays_no_value_on_both_databases(checked: Field, connection: sa.Connection) -> None:
    kind = checked.type
    columns = kind.columns(checked, "f_x")
    if not columns:
        assert kind.from_columns(()) == kind.empty()
        return
    table = sa.Table("t_contract", sa.MetaData(), sa.Column("n", sa.Integer, primary_key=True), *columns)
    table.create(connection)
    row = dict(zip((c.name for c in columns), kind.to_columns(None), strict=True))
    connection.execute(sa.insert(table).values({"n": 1, **row}))
    found = tuple(connection.execute(sa.select(*columns)).one())
    assert kind.from_columns(found) == kind.empty()


def test_lists_sort_by_its_first_column_alike_on_both_databases(checked: Field, connection: sa.Connection) -> None:
    kind = checked.type
    ordered = samples_of(kind.declaration.body["type"]).ordered
    if kind.sort != "value" or not ordered:
        assert kind.sort != "value" or not kind.storage() or kind.expression_type().is_map or not ordered
        return
    columns = kind.columns(checked, "f_x")
    table = sa.Table("t_contract", sa.MetaData(), sa.Column("n", sa.Integer, primary_key=True), *columns)
    table.create(connection)
    for number, sent in enumerate(reversed(ordered)):
        row = dict(zip((c.name for c in columns), kind.to_columns(kind.read(sent)), strict=True))
        connection.execute(sa.insert(table).values({"n": number, **row}))
    found = connection.execute(sa.select(*columns).order_by(columns[0])).all()
    assert [kind.from_columns(tuple(row)) for row in found] == [kind.read(sent) for sent in ordered]


def test_text_and_back(checked: Field) -> None:
    kind = checked.type
    samples = samples_of(kind.declaration.body["type"])
    assert kind.nested or kind.from_text("") == kind.empty()
    for sent, _ in samples.json if samples.text else ():
        value = kind.read(sent)
        if value is None or (isinstance(value, str) and not value.isprintable() and "\r" in sent):
            continue
        assert kind.from_text(kind.to_text(value)) == value
        assert "\n" not in kind.audit_text(value)
        assert len(kind.audit_text(value)) <= 200
        assert isinstance(kind.search_text(value), str)


def test_values_are_shown_in_every_language(checked: Field) -> None:
    kind = checked.type
    for sent, _ in samples_of(kind.declaration.body["type"]).json:
        value = kind.read(sent)
        for locale in LOCALES if value is not None else ():
            assert isinstance(kind.display(value, locale, "Asia/Shanghai"), str)


def test_its_widget_is_plain_data_with_a_kind(checked: Field) -> None:
    for locale in LOCALES:
        widget = checked.type.widget(checked, locale)
        assert isinstance(widget["kind"], str)
        assert json.loads(json.dumps(widget)) == widget


def test_its_filters_compile_in_the_rule_language(checked: Field) -> None:
    kind = checked.type
    thing = ObjectSnapshot(body("thing", dict(kind.declaration.body)), *WORLD).get("object", "thing")
    values = [kind.read(sent) for sent, _ in samples_of(kind.declaration.body["type"]).json]
    literals = [literal for value in values if value not in (None, []) for literal in filter_literals(kind, value)][
        :2
    ] * 2
    for operator in kind.operators:
        source = operator.expression("f", *literals[: 2 if operator.values else 0])
        if kind.expression_type().is_map and operator.values:
            source = operator.expression("f.city", '"Berlin"')
        problems = check_expression(source, thing.environment, expects=BOOL)
        assert not problems, (source, [str(problem) for problem in problems])


def filter_literals(kind: FieldType, value: Any) -> list[str]:
    """What a filter compares a value with: the value itself, or one of several."""
    return [json.dumps(item) for item in value] if isinstance(value, list) else [kind.literal(value)]


def test_hostile_values_give_a_value_or_a_problem_but_no_other_exception(checked: Field) -> None:
    for hostile in HOSTILE:
        for attempt in (checked.type.read, checked.type.coerce):
            with suppress(Rejected):
                value = attempt(hostile)
                assert value is None or isinstance(dumps(checked.type.write(value)), bytes)


def test_its_own_hostile_values_are_refused_with_a_code_and_words(checked: Field) -> None:
    for hostile in samples_of(checked.type.declaration.body["type"]).hostile:
        with pytest.raises(Rejected) as refused:
            checked.type.read(hostile)
        problem = refused.value.problem
        assert problem.code.replace("_", "").isalpha(), hostile
        assert str(problem.message).endswith(".")
        for name in problem.facts:
            assert "{" + name + "}" in str(problem.message)


def test_its_marshmallow_field_agrees_with_it(checked: Field) -> None:
    member = checked.type.marshmallow_field()
    for sent, _ in samples_of(checked.type.declaration.body["type"]).json:
        if checked.type.computed:
            with pytest.raises(ValidationError) as refused:
                member.deserialize(sent)
            assert [problem.code for problem in refused.value.messages] == ["not_writable"]
        else:
            read = checked.type.read(sent)
            assert member.deserialize(sent) == (checked.type.empty() if read is None else read)
    for hostile in () if checked.type.computed else samples_of(checked.type.declaration.body["type"]).hostile:
        with pytest.raises(ValidationError) as refused:
            member.deserialize(hostile)
        assert all(isinstance(problem, Problem) for problem in refused.value.messages)


def test_its_json_schemas_describe_what_is_sent_and_answered(checked: Field) -> None:
    kind = checked.type
    sends = Draft202012Validator(kind.json_schema())
    answers = Draft202012Validator(kind.output_schema())
    Draft202012Validator.check_schema(kind.json_schema())
    Draft202012Validator.check_schema(kind.output_schema())
    for sent, answered in samples_of(kind.declaration.body["type"]).json:
        if answered is None or sent == "" or kind.nested:
            continue
        assert sends.is_valid(plain_number(answered)) or kind.computed, answered
        value = kind.read(sent)
        labels = [Label(id=ID, label="Ann")] if isinstance(value, list) else Label(id=ID, label="Ann")
        shown = plain(kind.write_labelled(value, labels) if kind.labelled else kind.write(value))
        assert answers.is_valid(shown), shown


def plain_number(value: Any) -> Any:
    return json.loads(json.dumps(value, default=str))


def test_a_field_of_its_own_type_migrates_safely_and_any_other_says_what_it_takes(checked: Field) -> None:
    for name in NAMES:
        other = compiled_field(name).type
        outcome = checked.type.migrate_from(other)
        assert outcome in ("safe", "slow", "lossy", None)
        if outcome not in (None, "safe"):
            for sent, _ in samples_of(name).json:
                value = other.read(sent)
                if value is not None and checked.type.takes(value, other):
                    checked.type.to_columns(checked.type.convert(value, other))
    if not checked.type.computed:
        assert checked.type.migrate_from(compiled_field(checked.type.declaration.body["type"]).type) == "safe"


def test_the_registry_refuses_a_second_type_of_the_same_name() -> None:
    assert len(set(NAMES)) == len(NAMES) == len(SAMPLES)
