"""Steps for indexes: made at once on small tables, by a job on large ones; dropped at once.

A unique index on records that already exist is made only if no two of them have the same values. Who calls it: the
plan of objects.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from fieldstone.objects.definition import counting, ddl
from fieldstone.objects.definition.job_names import BUILD_INDEX
from fieldstone.objects.types import ObjectType, TableIndex
from fieldstone.platform.i18n import mark
from fieldstone.platform.kernel.context import Unit
from fieldstone.platform.kernel.metadata import MetadataError, PlanContext, PlanStep


def index_steps(old: ObjectType | None, new: ObjectType, rows: int, context: PlanContext) -> Iterator[PlanStep]:
    """The indexes that come and go."""
    before = {index.name: index for index in old.indexes} if old else {}
    after = {index.name: index for index in new.indexes}
    for name, index in before.items():
        if name not in after:
            yield _drop(index)
    for name, index in after.items():
        if name in before:
            continue
        if rows > counting.SMALL:
            yield _by_job(new, index)
        else:
            _refuse_duplicates(old, new, index, rows, context)
            yield _at_once(index)


def _drop(index: TableIndex) -> PlanStep:
    def apply(unit: Unit) -> None:
        ddl.drop_index(unit, index.name)

    return _step(f"drop {index.part}", _words(index, "drop"), index, apply)


def _at_once(index: TableIndex) -> PlanStep:
    def apply(unit: Unit) -> None:
        ddl.create_index(unit, index)

    return _step(f"index {index.part}", _words(index, "make"), index, apply)


def _step(words: str, message: str, index: TableIndex, apply: Callable[[Unit], None]) -> PlanStep:
    return PlanStep(step=words, step_class="safe", message=message, facts=_facts(index), apply=apply)


def _by_job(new: ObjectType, index: TableIndex) -> PlanStep:
    return PlanStep(
        step=f"index {index.part}",
        step_class="slow",
        message=_words(index, "build"),
        facts=_facts(index),
        job=BUILD_INDEX,
        building=index.part,
        job_input={"object": new.name, "index": index.name},
    )


def _refuse_duplicates(
    old: ObjectType | None, new: ObjectType, index: TableIndex, rows: int, context: PlanContext
) -> None:
    known = set(old.table.columns.keys()) if old else set()
    if not index.unique or rows == 0 or not {column.name for column in index.columns} <= known:
        return
    count = counting.duplicates(context, new.table, index)
    if count:
        raise MetadataError(
            "{count} values of {fields} occur more than once, so they cannot become unique.",
            code="duplicates",
            count=count,
            fields=", ".join(index.fields),
        )


def _words(index: TableIndex, verb: str) -> str:
    if index.unique:
        return {
            "make": mark("From now on {fields} is unique."),
            "build": mark("A job checks the records and then makes {fields} unique."),
            "drop": mark("{fields} is no longer unique."),
        }[verb]
    return {
        "make": mark("Make an index on {fields}."),
        "build": mark("A job builds an index on {fields}."),
        "drop": mark("Drop the index on {fields}."),
    }[verb]


def _facts(index: TableIndex) -> dict[str, str]:
    return {"fields": ", ".join(index.fields)}
