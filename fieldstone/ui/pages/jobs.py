"""Jobs: long work with its progress, its result, and what can be done about it.

In: jobs of the platform. Out: the list, the page of one job, its state while it runs. People see their own jobs;
all of them with the right `see_all_jobs`. Registered by `ui.part`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Response

from fieldstone.objects.access.service import Access
from fieldstone.platform.database.unit import SqlUnit
from fieldstone.platform.http.call import Call
from fieldstone.platform.http.policies import SIGNED_IN
from fieldstone.platform.http.routes import Pages
from fieldstone.platform.i18n import mark, translate
from fieldstone.platform.kernel.context import Context
from fieldstone.platform.kernel.errors import NotFound
from fieldstone.platform.work.jobs import Job, Jobs
from fieldstone.ui.pages.page import PageMaker, say
from fieldstone.ui.pages.sign_in import redirect
from fieldstone.ui.records.activity import ago

STATES: Mapping[str, tuple[str, str]] = {
    "queued": (mark("Waiting"), "grey"),
    "running": (mark("Running"), "blue"),
    "done": (mark("Done"), "green"),
    "failed": (mark("Failed"), "red"),
    "cancelled": (mark("Cancelled"), "amber"),
    "undone": (mark("Undone"), "amber"),
}
UNFINISHED = ("queued", "running")


def make_job_pages(maker: PageMaker, access: Access, jobs: Jobs) -> Pages:
    """The routes."""
    pages = Pages("job_pages")

    def seen(ctx: Context, unit: SqlUnit, job_id: str) -> Job:
        found = jobs.get(unit, job_id)
        if found.user_id != ctx.actor.id and not access.of(ctx).may_do("see_all_jobs"):
            raise NotFound
        return found

    @pages.get("/jobs", policy=SIGNED_IN)
    def job_list(call: Call) -> Response:
        def look(ctx: Context, unit: Any) -> Mapping[str, Any]:
            everybody = access.of(ctx).may_do("see_all_jobs")
            return {"jobs": [shown(job, ctx) for job in jobs.list(unit, user_id=None if everybody else ctx.actor.id)]}

        return maker.page(call, "pages/jobs.html", look)

    @pages.get("/jobs/<job_id>", policy=SIGNED_IN)
    def job_page(call: Call, job_id: str) -> Response:
        return maker.page(call, "pages/job.html", lambda ctx, unit: {"job": shown(seen(ctx, unit, job_id), ctx)})  # type: ignore[arg-type]

    @pages.get("/jobs/<job_id>/state", policy=SIGNED_IN)
    def job_state(call: Call, job_id: str) -> Response:
        return maker.fragment(
            call,
            "pages/job_state.html",
            lambda ctx, unit: {"job": shown(seen(ctx, unit, job_id), ctx)},  # type: ignore[arg-type]
        )

    @pages.post("/jobs/<job_id>/cancel", policy=SIGNED_IN)
    def cancel(call: Call, job_id: str) -> Response:
        call.write(lambda ctx, unit: jobs.cancel(ctx, unit, seen(ctx, unit, job_id).id))
        return redirect(f"/jobs/{job_id}")

    @pages.post("/jobs/<job_id>/undo", policy=SIGNED_IN)
    def undo(call: Call, job_id: str) -> Response:
        undoing = call.write(lambda ctx, unit: jobs.undo(ctx, unit, seen(ctx, unit, job_id).id))
        return redirect(f"/jobs/{undoing}")

    return pages


def shown(job: Job, ctx: Context) -> dict[str, Any]:
    """A job as the templates draw it."""
    words, color = STATES.get(job.state, (job.state, "grey"))
    return {
        "id": job.id,
        "label": say(ctx.locale, job.kind.replace("_", " ").capitalize()),
        "href": f"/jobs/{job.id}",
        "state": say(ctx.locale, words),
        "state_color": color,
        "running": job.state in UNFINISHED,
        "done": job.done,
        "total": job.total,
        "errors": job.errors,
        "text": translate(job.message, {}, ctx.locale) if job.message else "",
        "when": ago(job.created_at, ctx),
        "who": "",
        "result": _result(job.result),
        "error_file": f"/api/v1/jobs/{job.id}/error_file" if job.error_file else "",
        "cancel_url": f"/jobs/{job.id}/cancel" if job.state in UNFINISHED and not job.cancel_requested else "",
        "state_url": f"/jobs/{job.id}/state",
    }


def _result(result: Mapping[str, Any] | None) -> list[dict[str, str]]:
    """Numbers and words of a result; what is nested stays in the API."""
    plain = {name: value for name, value in (result or {}).items() if isinstance(value, str | int | float)}
    return [{"label": name.replace("_", " ").capitalize(), "value": str(value)} for name, value in plain.items()]
