"""The port through which the record service submits records: buttons, automations, automatic processes.

What comes in: a stored record and a process. What goes out: a request, or nothing where an automatic process has
nothing to do. Who calls it: the record service, for the effect `SubmitForApproval`.
"""

from __future__ import annotations

from fieldstone.objects.approvals import store
from fieldstone.objects.approvals.service import ApprovalService
from fieldstone.platform.kernel.context import Context, Unit


class SubmissionPort:
    """Fulfils `objects.records.ports.Approvals`."""

    def __init__(self, service: ApprovalService) -> None:
        self._service = service

    def submit(self, ctx: Context, unit: Unit, object_name: str, record: str, process: str) -> None:
        """Submit a stored record. An automatic process leaves a record alone that is already under a request, or that
        the process itself has just changed. Raises as `ApprovalService.submit`."""
        if _is_automatic(ctx, process) and (
            _caused_by(ctx, process, record) or store.lock_of(unit, object_name, record) is not None
        ):
            return
        self._service.submit(ctx, unit, object_name, record, process)


def _is_automatic(ctx: Context, process: str) -> bool:
    found = ctx.snapshot.find("approval_process", process)
    return found is not None and found.submit == "automatic"


def _caused_by(ctx: Context, process: str, record: str) -> bool:
    return any(
        cause.kind == "approval_process" and cause.name == process and cause.record == record for cause in ctx.causes
    )
