"""The API of records: `/api/v1/records/{object}`.

Views decode, call one service inside one unit, and render after it. There is no rule here: everything that holds, holds
in the record service. Made by `make_records_api`, registered by the part of this room.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from flask import Response

from fieldstone.objects.api.decode import list_query, operations
from fieldstone.objects.api.documents import document
from fieldstone.objects.query.service import QueryService
from fieldstone.objects.records.service import RecordService
from fieldstone.objects.records.values import Bulk, BulkResult, Record
from fieldstone.platform.http.call import Call
from fieldstone.platform.http.policies import SIGNED_IN
from fieldstone.platform.http.problems import problem_of
from fieldstone.platform.http.respond import data, nothing, page
from fieldstone.platform.http.respond import document as answer
from fieldstone.platform.http.routes import Api
from fieldstone.platform.kernel.context import Context, Unit
from fieldstone.platform.kernel.errors import PreconditionRequired

_DONE = {"created": 201, "updated": 200, "deleted": 204, "undone": 424}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Saved:
    """A record as it is answered, and its address."""

    body: dict[str, Any]
    revision: int
    address: str


def make_records_api(records: RecordService, query: QueryService) -> Api:
    """Routes of records."""
    api = Api("records", prefix="/api/v1")
    _collection_routes(api, records, query)
    _record_routes(api, records)
    return api


def _collection_routes(api: Api, records: RecordService, query: QueryService) -> None:
    @api.get("/records/<object_name>", policy=SIGNED_IN)
    def list_records(call: Call, object_name: str) -> Response:
        asked = list_query(call, object_name)
        found = call.read(lambda ctx, unit: query.list(ctx, unit, asked, ends=True))
        return page(found.documents, next_cursor=found.next_cursor, count=found.count, count_capped=found.count_capped)

    @api.post("/records/<object_name>", policy=SIGNED_IN)
    def create_record(call: Call, object_name: str) -> Response:
        body = call.json()
        return call.idempotent(
            _saving(lambda ctx, unit: records.create(ctx, unit, object_name, body)),
            lambda saved: data(saved.body, 201, etag=saved.revision, location=saved.address),
        )

    @api.post("/records/<object_name>/bulk", policy=SIGNED_IN)
    def bulk(call: Call, object_name: str) -> Response:
        asked, atomic = operations(call.json())
        return call.idempotent(
            lambda ctx, unit: records.bulk(ctx, unit, object_name, asked, atomic=atomic),
            lambda done: _bulk_answer(done, call),
        )


def _record_routes(api: Api, records: RecordService) -> None:
    @api.get("/records/<object_name>/<record_id>", policy=SIGNED_IN)
    def get_record(call: Call, object_name: str, record_id: str) -> Response:
        saved = call.read(_saving(lambda ctx, unit: records.get(ctx, unit, object_name, record_id, ends=True)))
        return data(saved.body, etag=saved.revision)

    @api.patch("/records/<object_name>/<record_id>", policy=SIGNED_IN)
    def update_record(call: Call, object_name: str, record_id: str) -> Response:
        body, revision = call.json(), call.if_match()

        def update(ctx: Context, unit: Unit) -> Record:
            _check_revision_sent(ctx, object_name, revision)
            return records.update(ctx, unit, object_name, record_id, body, revision=revision)

        return call.idempotent(_saving(update), lambda saved: data(saved.body, etag=saved.revision))

    @api.delete("/records/<object_name>/<record_id>", policy=SIGNED_IN)
    def delete_record(call: Call, object_name: str, record_id: str) -> Response:
        revision = call.if_match()

        def delete(ctx: Context, unit: Unit) -> None:
            _check_revision_sent(ctx, object_name, revision)
            records.delete(ctx, unit, object_name, record_id, revision=revision)

        return call.idempotent(delete, lambda done: nothing())

    @api.post("/records/<object_name>/<record_id>/restore", policy=SIGNED_IN)
    def restore_record(call: Call, object_name: str, record_id: str) -> Response:
        return call.idempotent(
            _saving(lambda ctx, unit: records.restore(ctx, unit, object_name, record_id)),
            lambda saved: data(saved.body, etag=saved.revision),
        )

    @api.post("/records/<object_name>/<record_id>/actions/<action>", policy=SIGNED_IN)
    def run_action(call: Call, object_name: str, record_id: str, action: str) -> Response:
        given = call.json() if call.body() else {}
        return call.idempotent(
            _saving(lambda ctx, unit: records.act(ctx, unit, object_name, record_id, action, given)),
            lambda saved: data(saved.body, etag=saved.revision),
        )


def _saving(work: Callable[[Context, Unit], Record]) -> Callable[[Context, Unit], _Saved]:
    """The same work, its record made into JSON inside the unit: the snapshot that read it also writes it."""

    def run(ctx: Context, unit: Unit) -> _Saved:
        record = work(ctx, unit)
        address = f"/api/v1/records/{record.object}/{record.id}"
        return _Saved(body=document(ctx, record), revision=record.revision, address=address)

    return run


def _check_revision_sent(ctx: Context, object_name: str, revision: int | None) -> None:
    kind = ctx.snapshot.find("object", object_name)
    if revision is None and kind is not None and kind.require_if_match:
        raise PreconditionRequired


def _bulk_answer(done: Bulk, call: Call) -> Response:
    results = [_result(each, call) for each in done.results]
    return answer({"results": results}, 200 if done.kept else 422)


def _result(result: BulkResult, call: Call) -> Mapping[str, Any]:
    found: dict[str, Any] = {"index": result.index, "status": _DONE.get(result.outcome, 422)}
    if result.id is not None:
        found["id"] = result.id
    if result.revision is not None:
        found["revision"] = result.revision
    if result.error is not None:
        problem = problem_of(result.error, locale=call.locale, trace_id=call.request_id)
        found |= {"status": problem.status, "error": dict(problem.body)}
    return found
