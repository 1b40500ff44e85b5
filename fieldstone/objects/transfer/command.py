"""`fieldstone import`: a CSV or XLSX file into an object, as the same job that the API starts, with its progress.

Ends with status 0 when every row is in, 1 when the import or some of its rows were refused; those rows are then in a
CSV file where the command runs.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import click

from fieldstone.objects.transfer.service import ImportService, JobDesk
from fieldstone.platform.cli.people import existing_user, system_caller
from fieldstone.platform.commands import JSON_FLAG
from fieldstone.platform.frame import Frame
from fieldstone.platform.http.json_input import decode_json
from fieldstone.platform.identity.services import Identity
from fieldstone.platform.kernel.errors import Conflict, Invalid
from fieldstone.platform.units import Caller, Units, UserCredential
from fieldstone.platform.work.assembly import EmbeddedRelay, Work
from fieldstone.platform.work.jobs import Job
from fieldstone.platform.work.tables import DONE, QUEUED, RUNNING

LARGEST: Final = 2**30
PAUSE_S: Final = 0.2


def make_import(frame: Frame) -> click.Command:
    """The command."""

    @click.command("import", help="Bring records in from CSV or XLSX.")
    @click.option("--tenant", required=True, help="Name of the tenant.")
    @click.option("--object", "object_name", help="Name of the object; default: the one that the map names.")
    @click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
    @click.option("--map", "map_file", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="JSON map.")
    @click.option("--key", help="Field that tells which record a row is about; known records are updated.")
    @click.option("--user", "email", help="Address of the user to import as; default: the system.")
    @click.option("--errors", "errors_to", type=click.Path(path_type=Path), help="Where refused rows go.")
    @click.option("--dry-run", is_flag=True, help="Try everything, keep nothing.")
    @click.option(JSON_FLAG, "as_json", is_flag=True, help="Print the job as JSON.")
    def import_file(
        tenant: str,
        object_name: str | None,
        file: Path,
        map_file: Path | None,
        key: str | None,
        email: str | None,
        errors_to: Path | None,
        dry_run: bool,
        as_json: bool,
    ) -> None:
        mapping = _map(map_file, {"object": object_name, "key": key})
        caller = _caller(frame, tenant, email)
        started = _start(frame, caller, file, mapping, dry_run=dry_run)
        job = _followed(frame, caller, started, quiet=as_json)
        where = _errors(frame, caller, job, errors_to)
        click.echo(json.dumps(_document(job, where), default=str) if as_json else _words(job))
        if job.state != DONE:
            raise Conflict("The import ended as {state}. {reason}", state=job.state, reason=job.message or "")
        if job.errors:
            raise Invalid("{count} rows were refused; they are in {file}.", count=job.errors, file=str(where))

    return import_file


def _map(file: Path | None, given: Mapping[str, str | None]) -> dict[str, Any]:
    found = decode_json(file.read_bytes()) if file is not None else {}
    if not isinstance(found, dict):
        raise Invalid("The map must be a JSON object.")
    chosen = {name: value for name, value in given.items() if value is not None}
    return {**found, **chosen}


def _caller(frame: Frame, tenant: str, email: str | None) -> Caller:
    system = system_caller(tenant)
    if email is None:
        return system
    identity = frame.need(Identity)
    user = frame.need(Units).read(system, lambda ctx, unit: existing_user(identity, unit, email))
    return Caller(tenant=tenant, credential=UserCredential(user_id=user.id), channel="cli")


def _start(frame: Frame, caller: Caller, file: Path, mapping: Mapping[str, Any], *, dry_run: bool) -> Job:
    units, imports = frame.need(Units), frame.need(ImportService)
    units.read(caller, lambda ctx, unit: imports.check(ctx, mapping))
    with file.open("rb") as content:
        key = imports.keep(caller.tenant, content, LARGEST)
    return units.write(caller, lambda ctx, unit: imports.start(ctx, unit, key, file.name, mapping, dry_run=dry_run))


def _followed(frame: Frame, caller: Caller, job: Job, *, quiet: bool) -> Job:
    """Wait for the job's end: this process works on it, unless a worker that runs elsewhere takes it first."""
    units, desk = frame.need(Units), frame.need(JobDesk)
    relay = EmbeddedRelay(frame.need(Work))
    relay.start()
    started, told = job.id, -1
    try:
        while job.state in (QUEUED, RUNNING):
            time.sleep(PAUSE_S)
            job = units.read(caller, lambda ctx, unit: desk.get(ctx, unit, started))
            if job.done != told and not quiet:
                told = job.done
                click.echo(f"\r{job.done} of {job.total or '?'} rows, {job.errors} refused", nl=False, err=True)
    finally:
        relay.stop()
    if not quiet:
        click.echo("", err=True)
    return job


def _errors(frame: Frame, caller: Caller, job: Job, where: Path | None) -> Path | None:
    if job.error_file is None:
        return None
    target = where or Path(str(job.error_file["name"]))
    with frame.need(JobDesk).open(caller.tenant, job.error_file) as source, target.open("wb") as file:
        shutil.copyfileobj(source, file)
    return target


def _document(job: Job, where: Path | None) -> dict[str, Any]:
    found = {"id": job.id, "state": job.state, "done": job.done, "total": job.total, "errors": job.errors}
    return {**found, "result": job.result, "error_file": str(where) if where else None}


def _words(job: Job) -> str:
    result = job.result or {}
    parts = [f"{name} {result.get(name, 0)}" for name in ("created", "updated", "unchanged", "refused", "skipped")]
    tried = " (dry run, nothing was kept)" if result.get("dry_run") else ""
    return f"Job {job.id} is {job.state}{tried}: {', '.join(parts)}."
