"""From records to a dispatch request: the job, and everybody who might be sent.

In: a compiled policy, the record to be dispatched. Out: a `DispatchRequest`, a snapshot of plain values that a plugin
may see. Reads through the query service, on the system's account: who may be sent is the policy's question, not the
reader's. A bounded number of statements: the record, its rows, the resources, their rows. Called by `dispatch.service`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from fieldstone.objects.query.service import QueryService
from fieldstone.objects.query.values import ListQuery, Record
from fieldstone.objects.types import ObjectType
from fieldstone.platform.kernel.context import Context, Unit
from fieldstone.plugins.dispatch.definition import CompiledPolicy
from fieldstone.plugins.sdk.dispatch import (
    Absence,
    Appointment,
    DispatchRequest,
    Place,
    Resource,
    SkillHeld,
    SkillRequirement,
)

PAGE = 200
MAX_RESOURCES = 20_000


class Gatherer:
    """Reads what a policy is about."""

    def __init__(self, query: QueryService) -> None:
        self._query = query

    def request(self, ctx: Context, unit: Unit, policy: CompiledPolicy, record_id: str) -> DispatchRequest:
        """The whole request for one record."""
        system = ctx.as_system()
        return DispatchRequest(
            appointment=self._appointment(system, unit, policy, record_id),
            resources=tuple(self._resources(system, unit, policy)),
            policy=policy.policy,
            now=ctx.now,
        )

    def _appointment(self, ctx: Context, unit: Unit, policy: CompiledPolicy, record_id: str) -> Appointment:
        facts = policy.appointment
        paths = _paths(facts)
        record = self._query.get(ctx, unit, policy.object, record_id, ("title", *paths))
        value = record.values.get
        duration = value(facts.get("duration", ""))
        return Appointment(
            id=record_id,
            label=str(record.values.get("title") or ""),
            location=_place(value(facts.get("location", ""))),
            duration=duration if isinstance(duration, timedelta) else timedelta(hours=1),
            earliest_start=_moment(value(facts.get("earliest_start", ""))),
            due=_moment(value(facts.get("due", ""))),
            priority=value(facts.get("priority", "")),
            territory=value(facts.get("territory", "")),
            skills=tuple(self._required(ctx, unit, policy, record_id)),
        )

    def _required(self, ctx: Context, unit: Unit, policy: CompiledPolicy, record_id: str) -> Iterator[SkillRequirement]:
        facts = policy.appointment.get("skills")
        if not facts:
            return
        kind: ObjectType = ctx.snapshot.get("object", policy.object)
        for row in self._rows(ctx, unit, kind, facts, owner=record_id):
            skill = row.values.get(facts["skill"])
            if skill:
                label = _label(row, facts["skill"])
                level = row.values.get(facts.get("min_level", "")) or 1
                yield SkillRequirement(skill=skill, label=label, min_level=int(level))

    def _resources(self, ctx: Context, unit: Unit, policy: CompiledPolicy) -> Iterator[Resource]:
        facts = policy.resource
        kind: ObjectType = ctx.snapshot.get("object", facts["object"])
        skills = self._by_owner(ctx, unit, kind, facts.get("skills"))
        absences = self._by_owner(ctx, unit, kind, facts.get("absences"))
        paths = ("title", *_paths(facts))
        for record in self._all(ctx, unit, ListQuery(object=kind.name, filter=facts.get("filter"), fields=paths)):
            yield _resource(ctx, record, facts, skills.get(record.id, ()), absences.get(record.id, ()))

    def _by_owner(
        self, ctx: Context, unit: Unit, kind: ObjectType, facts: Mapping[str, str] | None
    ) -> dict[str, list[tuple[Mapping[str, str], Record]]]:
        found: dict[str, list[tuple[Mapping[str, str], Record]]] = {}
        if facts:
            back = str(kind.fields[facts["child"]].type.option("field"))
            for row in self._rows(ctx, unit, kind, facts):
                found.setdefault(row.values[back], []).append((facts, row))
        return found

    def _rows(
        self, ctx: Context, unit: Unit, kind: ObjectType, facts: Mapping[str, str], owner: str | None = None
    ) -> Iterable[Record]:
        """Child rows, of one owner or of all."""
        child = kind.fields[facts["child"]]
        back = str(child.type.option("field"))
        fields = (back, *(path for name, path in facts.items() if name != "child"))
        mine = f'{back} == "{owner}"' if owner else None
        return self._all(ctx, unit, ListQuery(object=str(child.type.row_object), fields=fields, filter=mine))

    def _all(self, ctx: Context, unit: Unit, query: ListQuery) -> Iterator[Record]:
        cursor: str | None = None
        for _ in range(MAX_RESOURCES // PAGE):
            page = self._query.list(
                ctx,
                unit,
                ListQuery(
                    object=query.object,
                    filter=query.filter,
                    fields=query.fields,
                    sort=("id",),
                    limit=PAGE,
                    cursor=cursor,
                ),
            )
            yield from page.records
            cursor = page.next_cursor
            if cursor is None:
                return


def _resource(
    ctx: Context,
    record: Record,
    facts: Mapping[str, Any],
    skills: Sequence[tuple[Mapping[str, str], Record]],
    absences: Sequence[tuple[Mapping[str, str], Record]],
) -> Resource:
    def value(name: str) -> Any:
        return record.values.get(facts[name]) if name in facts else None

    return Resource(
        id=record.id,
        label=str(record.values.get("title") or record.id),
        location=_place(value("location")),
        home=_place(value("home_location")),
        skills=tuple(_held(facts_of, row) for facts_of, row in skills if row.values.get(facts_of["skill"])),
        territory=value("territory"),
        shift_start=value("shift_start"),
        shift_end=value("shift_end"),
        time_zone=ctx.tenant.time_zone,
        absences=tuple(_absence(facts_of, row) for facts_of, row in absences),
        load=int(value("load") or 0),
        capacity=None if value("capacity") is None else int(value("capacity")),
        max_travel_km=None if value("max_travel_km") is None else float(value("max_travel_km")),
    )


def _held(facts: Mapping[str, str], row: Record) -> SkillHeld:
    return SkillHeld(
        skill=row.values[facts["skill"]],
        level=int(row.values.get(facts.get("level", "")) or 1),
        valid_until=row.values.get(facts.get("valid_until", "")),
    )


def _absence(facts: Mapping[str, str], row: Record) -> Absence:
    return Absence(starts_at=row.values[facts["starts_at"]], ends_at=row.values[facts["ends_at"]])


def _paths(facts: Mapping[str, Any]) -> tuple[str, ...]:
    skipped = ("object", "filter")
    return tuple(dict.fromkeys(v for k, v in facts.items() if isinstance(v, str) and k not in skipped))


def _place(value: Any) -> Place | None:
    return Place(lat=value["lat"], lon=value["lon"]) if isinstance(value, Mapping) else None


def _moment(value: Any) -> datetime | None:
    return value if isinstance(value, datetime) else None


def _label(row: Record, path: str) -> str:
    label = row.labels.get(path)
    return str(getattr(label, "label", "") or "")
