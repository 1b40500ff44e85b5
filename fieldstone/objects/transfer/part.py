"""What transfer and files bring to the frame: services, the job kind, routes, the command `import`.

Called by the part of the objects room, after records and access are provided.
"""

from __future__ import annotations

from fieldstone.objects.access.service import Access
from fieldstone.objects.files.api import make_files_api
from fieldstone.objects.files.service import FileService
from fieldstone.objects.query.service import QueryService
from fieldstone.objects.records.service import RecordService
from fieldstone.objects.transfer.api import make_transfer_api
from fieldstone.objects.transfer.command import make_import
from fieldstone.objects.transfer.exporting import ExportService
from fieldstone.objects.transfer.importing import KIND, Importer
from fieldstone.objects.transfer.service import ImportService, JobDesk
from fieldstone.objects.transfer.undoing import Undoer
from fieldstone.platform.commands import LazyCommand
from fieldstone.platform.files import FileStore
from fieldstone.platform.frame import Frame
from fieldstone.platform.units import Units
from fieldstone.platform.work.jobs import JobKind, Jobs


def register_transfer(frame: Frame) -> None:
    """Put files and transfer on the frame."""
    access, query, records = frame.need(Access), frame.need(QueryService), frame.need(RecordService)
    jobs, store = frame.need(Jobs), frame.need(FileStore)
    files = FileService(store, query)
    exports = ExportService(access, query)
    imports, desk = ImportService(access, jobs, store), JobDesk(access, jobs, store)
    for service in (files, exports, imports, desk):
        frame.provide(service)
    records.connect(uploads=files)
    kind = JobKind(name=KIND, run=Importer(access, records, store).run, undo=Undoer(records).run)
    frame.job_kinds.register(KIND, kind)
    frame.blueprints += [
        make_files_api(files).blueprint,
        make_transfer_api(frame.need(Units), exports, imports, desk).blueprint,
    ]
    frame.commands.append(LazyCommand("import", "Bring records in from CSV or XLSX.", lambda: make_import(frame)))
