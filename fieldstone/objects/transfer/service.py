"""Starting imports, and looking after jobs as their owner.

What comes in: a stored file and a map. What goes out: a job. Who may see a job: whoever started it, and who has the
right to see all; its error file only whoever started it. Who calls it: the API, pages, the command line.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import IO, Any, Final

from fieldstone.objects.access.service import Access
from fieldstone.objects.files.names import clean_name
from fieldstone.objects.transfer.importing import KIND, ImportOrder, check_may_import
from fieldstone.objects.transfer.mapping import read_map
from fieldstone.platform.database.unit import SqlUnit
from fieldstone.platform.files import FileStore
from fieldstone.platform.kernel.context import Context
from fieldstone.platform.kernel.errors import Conflict, NotFound
from fieldstone.platform.kernel.ids import is_id, new_id
from fieldstone.platform.work.jobs import Job, Jobs

SEE_ALL: Final = "see_all_jobs"
MANAGE: Final = "manage_jobs"


class ImportService:
    """Imports as jobs."""

    def __init__(self, access: Access, jobs: Jobs, files: FileStore) -> None:
        self._access = access
        self._jobs = jobs
        self._files = files

    def check(self, ctx: Context, mapping: Mapping[str, Any]) -> None:
        """Raise `Invalid`, `NotFound` or `Forbidden` unless the actor may import by this map."""
        check_may_import(self._access, ctx, read_map(mapping).object)

    def keep(self, tenant: str, content: IO[bytes], limit: int) -> str:
        """Put the file on disk, outside of any unit; its key. Raises `TooLarge`."""
        return self._files.put(tenant, content, limit=limit).key

    def start(
        self, ctx: Context, unit: SqlUnit, file: str, name: str | None, mapping: Mapping[str, Any], *, dry_run: bool
    ) -> Job:
        """Queue the import of a kept file."""
        self.check(ctx, mapping)
        order = ImportOrder(batch=new_id(), file=file, name=clean_name(name), mapping=mapping, dry_run=dry_run)
        return self._jobs.get(unit, self._jobs.start(ctx, unit, KIND, asdict(order)))


class JobDesk:
    """Jobs as people may see and steer them."""

    def __init__(self, access: Access, jobs: Jobs, files: FileStore) -> None:
        self._access = access
        self._jobs = jobs
        self._files = files

    def get(self, ctx: Context, unit: SqlUnit, job_id: str) -> Job:
        """A job. Raises `NotFound` for one that the actor may not see."""
        found = self._found(unit, job_id)
        if not (self._is_own(ctx, found) or self._may(ctx, SEE_ALL, MANAGE)):
            raise NotFound
        return found

    def list(self, ctx: Context, unit: SqlUnit, limit: int) -> Sequence[Job]:
        """The newest jobs that the actor may see."""
        user = None if self._may(ctx, SEE_ALL, MANAGE) else ctx.actor.id
        return self._jobs.list(unit, user_id=user, limit=limit)

    def cancel(self, ctx: Context, unit: SqlUnit, job_id: str) -> Job:
        """Have a job stopped. Raises `NotFound`, `Conflict`."""
        self._jobs.cancel(ctx, unit, self._steerable(ctx, unit, job_id).id)
        return self._jobs.get(unit, job_id)

    def undo(self, ctx: Context, unit: SqlUnit, job_id: str) -> Job:
        """Queue the undoing of a job. Raises `NotFound`, `Conflict`."""
        found = self._steerable(ctx, unit, job_id)
        if found.undo_of is not None or found.input.get("dry_run") is True:
            raise Conflict("This job cannot be undone.")
        return self._jobs.get(unit, self._jobs.undo(ctx, unit, found.id))

    def error_file(self, ctx: Context, unit: SqlUnit, job_id: str) -> Mapping[str, Any]:
        """The error file of the actor's own job: {"name", "key", "size", "media_type"}. Raises `NotFound`."""
        found = self._found(unit, job_id)
        if not self._is_own(ctx, found) or found.error_file is None:
            raise NotFound
        return found.error_file

    def open(self, tenant: str, file: Mapping[str, Any]) -> IO[bytes]:
        """The content of an error file, to be closed by the caller."""
        return self._files.open(tenant, str(file["key"]))

    def _steerable(self, ctx: Context, unit: SqlUnit, job_id: str) -> Job:
        found = self.get(ctx, unit, job_id)
        if not (self._is_own(ctx, found) or self._may(ctx, MANAGE)):
            raise NotFound
        return found

    def _found(self, unit: SqlUnit, job_id: str) -> Job:
        if not is_id(job_id):
            raise NotFound
        return self._jobs.get(unit, job_id)

    def _is_own(self, ctx: Context, found: Job) -> bool:
        return ctx.actor.is_system or found.user_id == ctx.actor.id

    def _may(self, ctx: Context, *rights: str) -> bool:
        access = self._access.of(ctx)
        return any(access.may_do(right) for right in rights)
