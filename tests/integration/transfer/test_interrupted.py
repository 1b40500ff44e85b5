"""Imports that are killed, or whose units are too long: they go on behind the last batch and do nothing twice."""

from __future__ import annotations

from typing import Any

import pytest

from fieldstone.objects.records.service import RecordService
from fieldstone.platform.kernel.errors import Unavailable
from fieldstone.platform.work.assembly import Work
from fieldstone.platform.work.tables import CLAIMED, outbox
from tests.integration.transfer.conftest import Desk

MANY = "code,name\n" + "".join(f"K{n:03},Many\n" for n in range(120))


class Killed(BaseException):
    """What a kill looks like from inside."""


def watched(monkeypatch: pytest.MonkeyPatch, fail: Any) -> None:
    """Have batches ask `fail(number, size)` before they are saved."""
    bulk, calls = RecordService.bulk, iter(range(10_000))

    def asked(self: RecordService, ctx: Any, unit: Any, name: str, operations: Any, *, atomic: bool) -> Any:
        fail(next(calls), len(operations))
        return bulk(self, ctx, unit, name, operations, atomic=atomic)

    monkeypatch.setattr(RecordService, "bulk", asked)


def test_a_killed_import_goes_on_behind_its_last_batch(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def kill_once(number: int, size: int) -> None:
        if number == 2:
            raise Killed

    watched(monkeypatch, kill_once)
    answer = desk.upload("clerk", "/api/v1/imports", MANY.encode(), object="task")
    work = desk.home.frame.need(Work)
    with pytest.raises(Killed):
        work.run_due()
    begun = len(desk.tasks())
    assert 0 < begun < 120
    outbox_again(desk)
    job = desk.finished("clerk", answer)
    assert (job["state"], job["result"]["created"], len(desk.tasks())) == ("done", 120, 120)


def test_a_batch_that_is_too_much_for_one_unit_is_halved(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def too_much(number: int, size: int) -> None:
        if size > 10:
            raise Unavailable(retry_after=1)

    watched(monkeypatch, too_much)
    job = desk.bring("clerk", MANY)
    assert (job["state"], job["done"], job["result"]["created"]) == ("done", 120, 120)
    undone = desk.undo("clerk", job)
    assert (undone["result"]["deleted"], desk.tasks()) == (120, {})


def outbox_again(desk: Desk) -> None:
    """The lease of the dead worker runs out."""
    ended = outbox.update().where(outbox.c.state == CLAIMED).values(due_at=outbox.c.created_at)
    desk.home.write(lambda ctx, unit: unit.run(ended))
