"""The API of transfer: exports of lists, imports, jobs and their error files.

Views decode, call one service inside one unit, and render after it. Made by `make_transfer_api`, registered by the part
of this room.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, cast

from flask import Response, send_file, stream_with_context

from fieldstone.objects.api.decode import list_query
from fieldstone.objects.files.api import uploaded
from fieldstone.objects.transfer.exporting import MEDIA_TYPES, ExportFormat, ExportService, Headings
from fieldstone.objects.transfer.service import ImportService, JobDesk
from fieldstone.platform.http.call import Call
from fieldstone.platform.http.json_input import decode_json
from fieldstone.platform.http.policies import SIGNED_IN
from fieldstone.platform.http.respond import data
from fieldstone.platform.http.routes import Api
from fieldstone.platform.kernel.errors import FieldError, Invalid, Unreadable
from fieldstone.platform.units import Units
from fieldstone.platform.work.jobs import Job

MAX_MAP: Final = 200_000
LIMIT: Final = 50
_PARTS: Final = ("mapping", "object", "key", "dry_run")
_FLAGS: Final[Mapping[str, bool]] = {"": False, "false": False, "true": True}


def make_transfer_api(units: Units, exports: ExportService, imports: ImportService, desk: JobDesk) -> Api:
    """The routes."""
    api = Api("transfer", prefix="/api/v1")
    _export_routes(api, units, exports)
    _import_routes(api, imports)
    _job_routes(api, desk)
    return api


def _export_routes(api: Api, units: Units, exports: ExportService) -> None:
    @api.get("/records/<object_name>/export.<any(csv, xlsx):fmt>", policy=SIGNED_IN)
    def export(call: Call, object_name: str, fmt: str) -> Response:
        asked = list_query(call, object_name, more=("headings",))
        headings = call.args.get("headings", "names")
        if headings not in ("names", "labels"):
            message = "This must be one of {options}."
            facts = {"options": "names, labels"}
            raise Unreadable(errors=[FieldError(path="?headings", code="choice", message=message, facts=facts)])
        form, chosen = cast(ExportFormat, fmt), cast(Headings, headings)
        start = call.read(lambda ctx, unit: exports.begin(ctx, unit, asked, asked.fields, chosen))
        content = exports.rest(units, call.caller, start, form)
        response = Response(stream_with_context(content), content_type=MEDIA_TYPES[form])
        response.headers["Content-Disposition"] = f'attachment; filename="{object_name}.{form}"'
        return response


def _import_routes(api: Api, imports: ImportService) -> None:
    @api.post("/imports", policy=SIGNED_IN, body="file")
    def start(call: Call) -> Response:
        call.write(lambda ctx, unit: None)  # whoever may not write leaves nothing on the disk
        content = uploaded(call, "file")
        mapping, dry_run = _order(call)
        call.read(lambda ctx, unit: imports.check(ctx, mapping))
        limit = call.request.max_content_length or 0
        file = imports.keep(call.tenant, content.stream, limit)
        job = call.write(lambda ctx, unit: imports.start(ctx, unit, file, content.filename, mapping, dry_run=dry_run))
        return data(job_document(job), 202, location=f"/api/v1/jobs/{job.id}")


def _job_routes(api: Api, desk: JobDesk) -> None:
    @api.get("/jobs", policy=SIGNED_IN)
    def list_jobs(call: Call) -> Response:
        call.query({"limit"})
        limit = call.integer("limit", default=LIMIT, least=1, most=200)
        found = call.read(lambda ctx, unit: desk.list(ctx, unit, limit))
        return data([job_document(job) for job in found])

    @api.get("/jobs/<job_id>", policy=SIGNED_IN)
    def get_job(call: Call, job_id: str) -> Response:
        return data(job_document(call.read(lambda ctx, unit: desk.get(ctx, unit, job_id))))

    @api.post("/jobs/<job_id>/cancel", policy=SIGNED_IN)
    def cancel_job(call: Call, job_id: str) -> Response:
        return data(job_document(call.write(lambda ctx, unit: desk.cancel(ctx, unit, job_id))))

    @api.post("/jobs/<job_id>/undo", policy=SIGNED_IN)
    def undo_job(call: Call, job_id: str) -> Response:
        job = call.write(lambda ctx, unit: desk.undo(ctx, unit, job_id))
        return data(job_document(job), 202, location=f"/api/v1/jobs/{job.id}")

    @api.get("/jobs/<job_id>/error_file", policy=SIGNED_IN)
    def error_file(call: Call, job_id: str) -> Response:
        found = call.read(lambda ctx, unit: desk.error_file(ctx, unit, job_id))
        response = send_file(
            desk.open(call.tenant, found),
            mimetype="text/csv",
            as_attachment=True,
            download_name=str(found["name"]),
            conditional=False,
        )
        response.content_length = int(found["size"])
        return response


def job_document(job: Job) -> dict[str, Any]:
    """A job as it is answered."""
    found: dict[str, Any] = {
        "id": job.id,
        "kind": job.kind,
        "state": job.state,
        "done": job.done,
        "total": job.total,
        "errors": job.errors,
        "created_at": job.created_at,
        "started_at": job.started_at,
        "finished_at": job.finished_at,
    }
    if job.error_file is not None:
        found["error_file"] = f"/api/v1/jobs/{job.id}/error_file"
    if job.result is not None:
        found["result"] = dict(job.result)
    if job.message is not None:
        found["message"] = job.message
    if job.undo_of is not None:
        found["undo_of"] = job.undo_of
    return found


def _order(call: Call) -> tuple[Mapping[str, Any], bool]:
    """The map and whether to try only, from the parts of the body."""
    form = call.request.form
    unknown = [name for name in form if name not in (*_PARTS, "csrf_token")]
    errors = [FieldError(path=f"/{n[:60]}", code="unknown", message="There is no such field.") for n in unknown]
    dry_run = form.get("dry_run", "").lower()
    if dry_run not in _FLAGS:
        errors.append(FieldError(path="/dry_run", code="type", message="This must be true or false."))
    if errors:
        raise Invalid(errors=errors)
    text = form.get("mapping", "")
    if len(text) > MAX_MAP:
        raise Invalid(errors=[FieldError(path="/mapping", code="too_long", message="This is too long.")])
    mapping = decode_json(text.encode()) if text.strip() else {}
    if not isinstance(mapping, dict):
        raise Invalid(errors=[FieldError(path="/mapping", code="type", message="This must be a JSON object.")])
    given = {name: form[name] for name in ("object", "key") if form.get(name)}
    return {**mapping, **given}, _FLAGS[dry_run]
