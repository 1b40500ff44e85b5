"""What lookups offer while somebody types: records of the target, as the lookup's own filter allows.

In: a lookup's address, `q`, and the values of the form's fields that the filter reads. Out: JSON
`{"results": [{"id", "label", "note"}]}`. Whether a record may be pointed to is decided when it is saved. Registered by
`ui.part`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from flask import Response

from fieldstone.objects.access.service import Access
from fieldstone.objects.fieldtypes.problems import Rejected
from fieldstone.objects.query.service import QueryService
from fieldstone.objects.query.values import ListQuery, Record
from fieldstone.objects.types import Field, ObjectType
from fieldstone.platform.http.call import Call
from fieldstone.platform.http.policies import SIGNED_IN
from fieldstone.platform.http.respond import document
from fieldstone.platform.http.routes import Pages
from fieldstone.platform.kernel.context import Context, Unit
from fieldstone.platform.kernel.errors import NotFound
from fieldstone.platform.kernel.text import localized
from fieldstone.ui.lists.fields import ReadableFields
from fieldstone.ui.values.widgets import record_fields_of

OFFERED = 20
_OF_RECORD = re.compile(r"\brecord\.([a-z][a-z0-9_]*)((?:\.id)?)(?![\w.(])")


def make_lookup_pages(access: Access, query: QueryService) -> Pages:
    """The route."""
    pages = Pages("lookup_pages")

    @pages.get("/lookup/<object_name>/<field_name>", policy=SIGNED_IN)
    def lookup(call: Call, object_name: str, field_name: str) -> Response:
        args = call.query({*call.args})
        given = {name.rpartition(".")[2]: value for name, value in args.items() if name != "q"}

        def read(ctx: Context, unit: Unit) -> list[Mapping[str, Any]]:
            field = ReadableFields(ctx, access.of(ctx), object_name).find(field_name)
            if field is None or not field.type.targets:
                raise NotFound("There is no field called {name}.", name=field_name[:60])
            return Offers(access, query, ctx, unit).of(field, args.get("q", "").strip()[:200], given)

        return document({"results": call.read(read)})

    return pages


class Offers:
    """Finds what a lookup may point to."""

    def __init__(self, access: Access, query: QueryService, ctx: Context, unit: Unit) -> None:
        self._access = access.of(ctx)
        self._query = query
        self._ctx = ctx
        self._unit = unit

    def of(self, field: Field, q: str, given: Mapping[str, str]) -> list[Mapping[str, Any]]:
        """The first records, those that are found by `q`."""
        objects = [name for name in self._objects(field) if self._access.may(name, "read")]
        found: list[Mapping[str, Any]] = []
        for name in objects[:10]:
            found += self._records(name, field, q, given, several=len(objects) > 1)
        return found[: OFFERED * 2]

    def _objects(self, field: Field) -> Sequence[str]:
        if "*" in field.type.targets:
            return sorted(self._ctx.snapshot.names("object"))
        return field.type.targets

    def _records(
        self, name: str, field: Field, q: str, given: Mapping[str, str], *, several: bool
    ) -> list[Mapping[str, Any]]:
        target = self._access.rights(name).kind
        owner = self._access.rights(field.object).kind
        query = ListQuery(
            object=name,
            filter=self._filter(field, owner, given),
            fields=_shown_fields(target, self._access.rights(name).readable),
            sort=() if q else ("-created_at",) if "created_at" in target.fields else (),
            limit=OFFERED,
            q=q or None,
        )
        page = self._query.list(self._ctx, self._unit, query)
        labels = self._query.labels(self._ctx, self._unit, name, [record.id for record in page.records])
        note = localized(target.label, self._ctx.locale) if several else ""
        return [
            {"id": record.id, "label": label.label or record.id, "note": note or _note(record, label.label)}
            for record in page.records
            if (label := labels.get(record.id)) is not None
        ]

    def _filter(self, field: Field, owner: ObjectType, given: Mapping[str, str]) -> str | None:
        """The lookup's filter with the record's values in it; none while a value that it needs is not known."""
        source = field.type.option("filter")
        if not source or not record_fields_of(field):
            return str(source) if source else None
        literals = {name: _literal(owner.fields.get(name), given.get(name, "")) for name in record_fields_of(field)}
        if any(literal is None for literal in literals.values()):
            return None
        filled = _OF_RECORD.sub(lambda found: literals.get(found[1]) or found[0], str(source))
        return None if re.search(r"\brecord\b", filled) else filled


def _literal(field: Field | None, text: str) -> str | None:
    if field is None or not text:
        return None
    try:
        return field.type.literal(field.type.read(text))
    except Rejected:
        return None


def _shown_fields(target: ObjectType, readable: Any) -> tuple[str, ...]:
    """A field beside the name that tells records of the same name apart."""
    others = [field.name for field in target.searchable if field.name not in target.title_fields]
    return tuple(name for name in others if readable(name))[:1] or ("id",)


def _note(record: Record, label: str | None) -> str:
    text = next((str(value) for name, value in record.values.items() if name != "id" and value), "")
    return "" if text == label or len(text) > 80 else text
