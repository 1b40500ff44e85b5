"""Timers fire once, never early; jobs go on after a kill, can be cancelled and undone."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest

from fieldstone.platform.database.unit import SqlUnit
from fieldstone.platform.kernel.context import Context
from fieldstone.platform.kernel.errors import Conflict, Invalid, NotFound, Unavailable
from fieldstone.platform.units import Units
from fieldstone.platform.work import outbox
from fieldstone.platform.work.assembly import EmbeddedRelay
from fieldstone.platform.work.embedded import HandleHere
from fieldstone.platform.work.jobs import Job, JobKind, JobRun
from fieldstone.platform.work.messages import TimerEvent, TimerKind
from tests.support import ledger
from tests.support.installation import Installation


def on_timer(home: Installation, fire: Any, name: str = "sla") -> None:
    home.kinds.timer_kinds.register(name, TimerKind(name=name, fire=fire))


def set_timer(home: Installation, key: str = "t1", seconds: float = 60, **payload: Any) -> None:
    due = home.clock.now() + timedelta(seconds=seconds)
    home.write(lambda ctx, unit: home.work.timers.set(ctx, unit, "sla", key, due, payload))


def taking(home: Installation, seen: list[str]) -> Any:
    def fire(event: TimerEvent, units: Units) -> None:
        def work(ctx: Context, unit: SqlUnit) -> None:
            if home.work.timers.take(unit, event):
                seen.append(event.key)

        units.write(event.caller, work)

    return fire


def test_a_timer_fires_once_and_not_early(home: Installation) -> None:
    seen: list[str] = []
    on_timer(home, taking(home, seen))
    set_timer(home)
    home.work.run_due()
    home.clock.move(timedelta(seconds=59))
    home.work.run_due()
    assert seen == []
    home.clock.move(timedelta(seconds=2))
    home.work.run_due()
    home.work.run_due()
    assert seen == ["t1"]


def test_timers_that_came_due_while_nothing_ran_all_fire_late_and_once(home: Installation) -> None:
    seen: list[str] = []
    on_timer(home, taking(home, seen))
    for number in range(300):
        set_timer(home, f"t{number}", seconds=number)
    home.clock.move(timedelta(hours=2))
    threads = [
        threading.Thread(target=lambda: [None for _ in iter(home.work.relay(HandleHere(home.work.handler)).tick, 0)])
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    home.work.run_due()
    assert sorted(seen) == sorted(f"t{number}" for number in range(300))


def test_a_cancelled_timer_does_not_fire(home: Installation) -> None:
    on_timer(home, lambda event, units: pytest.fail("fired"))
    set_timer(home)
    home.write(lambda ctx, unit: home.work.timers.cancel(unit, "sla", "t1"))
    home.clock.move(timedelta(hours=1))
    assert home.work.run_due() == 0


def test_setting_a_timer_again_moves_it(home: Installation) -> None:
    seen: list[str] = []
    on_timer(home, taking(home, seen))
    set_timer(home, seconds=60)
    set_timer(home, seconds=600)
    home.clock.move(timedelta(seconds=100))
    home.work.run_due()
    assert seen == []
    home.clock.move(timedelta(seconds=600))
    home.work.run_due()
    assert seen == ["t1"]


def test_a_timer_cancelled_after_it_came_due_has_no_effect(home: Installation) -> None:
    """Its message is on the way already; the effect asks in its own unit whether the timer still stands."""
    seen: list[str] = []
    on_timer(home, taking(home, seen))
    set_timer(home)
    home.clock.move(timedelta(hours=1))
    home.write(lambda ctx, unit: home.work.timers.come_due(ctx, unit, home.clock.now(), 10))
    home.write(lambda ctx, unit: home.work.timers.cancel(unit, "sla", "t1"))
    set_timer(home, seconds=10_000)
    home.work.run_due()
    assert seen == []


def job_kind(home: Installation, run: Any, **more: Any) -> None:
    home.kinds.job_kinds.register("count", JobKind(name="count", run=run, **more))


def start(home: Installation, user: str | None = None, **given: Any) -> str:
    return home.write(lambda ctx, unit: home.work.jobs.start(ctx, unit, "count", given), user=user)


def get(home: Installation, job_id: str) -> Job:
    return home.read(lambda ctx, unit: home.work.jobs.get(unit, job_id))


def test_a_job_runs_and_tells_its_progress_result_and_error_file(home: Installation) -> None:
    def run(run: JobRun) -> dict[str, Any]:
        run.progress(3, total=5, errors=1)
        run.error_file("errors.csv", b"row,problem\n")
        return {"sum": run.input["a"] + 1}

    job_kind(home, run)
    job_id = start(home, a=1)
    assert get(home, job_id).state == "queued"
    home.work.run_due()
    job = get(home, job_id)
    assert (job.state, job.result, job.done, job.total, job.errors) == ("done", {"sum": 2}, 3, 5, 1)
    assert job.error_file is not None
    assert job.error_file["name"] == "errors.csv"
    assert home.files.read("acme", job.error_file["key"]) == b"row,problem\n"


@pytest.mark.parametrize(
    ("error", "told"), [(Invalid("Bad input."), "Bad input."), (ZeroDivisionError(), "unexpected")]
)
def test_a_job_that_fails_says_so_and_does_not_run_again(home: Installation, error: Exception, told: str) -> None:
    runs: list[int] = []

    def run(run: JobRun) -> None:
        runs.append(1)
        raise error

    job_kind(home, run)
    job_id = start(home)
    home.work.run_due()
    home.clock.move(timedelta(hours=1))
    home.work.run_due()
    job = get(home, job_id)
    assert job.state == "failed"
    assert told in (job.message or "")
    assert runs == [1]


def test_a_job_that_met_a_busy_database_is_tried_again(home: Installation) -> None:
    runs: list[int] = []

    def run(run: JobRun) -> None:
        runs.append(1)
        if len(runs) < 3:
            raise Unavailable(retry_after=1)

    job_kind(home, run)
    job_id = start(home)
    for _ in range(3):
        home.work.run_due()
        home.clock.move(timedelta(minutes=1))
    assert get(home, job_id).state == "done"
    assert len(runs) == 3


def test_a_job_goes_on_where_its_dead_worker_left_it(home: Installation) -> None:
    ledger.install(home)
    died: list[bool] = []

    class Killed(BaseException):
        pass

    def run(run: JobRun) -> dict[str, int]:
        begin = int(run.saved.get("next", 0))
        for number in range(begin, 10):

            def batch(ctx: Context, unit: SqlUnit, number: int = number) -> None:
                unit.run(ledger.INSERT, ledger.sample(number=number))
                run.save(unit, {"next": number + 1})

            run.units.write(run.caller, batch)
            if number == 4 and not died:
                died.append(True)
                raise Killed
        return {"began": begin}

    job_kind(home, run)
    job_id = start(home)
    with pytest.raises(Killed):
        home.work.run_due()
    assert get(home, job_id).state == "running"
    home.clock.move(timedelta(seconds=61))
    home.work.run_due()
    job = get(home, job_id)
    assert (job.state, job.result) == ("done", {"began": 5})
    assert home.read(lambda ctx, unit: unit.scalar(ledger.COUNT)) == 10


def test_a_worker_that_was_thought_dead_cannot_go_on_with_its_job(home: Installation) -> None:
    ledger.install(home)
    lost: list[str] = []

    def run(run: JobRun) -> None:
        later = home.clock.now() + timedelta(hours=1)
        home.write(
            lambda ctx, unit: outbox.claim(
                unit, "jobs", later, owner="other", lease=timedelta(seconds=60), most=1, tries=1
            )
        )
        try:
            run.units.write(
                run.caller, lambda ctx, unit: (unit.run(ledger.INSERT, ledger.sample()), run.save(unit, {"next": 1}))
            )
        except Conflict as error:
            lost.append(error.code)
            raise

    job_kind(home, run)
    job_id = start(home)
    home.work.run_due()
    assert lost == ["lease_lost"]
    assert home.read(lambda ctx, unit: unit.scalar(ledger.COUNT)) == 0
    assert get(home, job_id).state == "running"


def test_a_job_whose_worker_dies_each_time_is_given_up(make_installation: Any) -> None:
    home = make_installation(message_attempts=2)
    runs: list[int] = []

    class Killed(BaseException):
        pass

    def run(run: JobRun) -> None:
        runs.append(1)
        raise Killed

    job_kind(home, run)
    job_id = start(home)
    for _ in range(2):
        with pytest.raises(Killed):
            home.work.run_due()
        home.clock.move(timedelta(seconds=61))
    home.work.run_due()
    assert (len(runs), get(home, job_id).state) == (2, "failed")


def test_a_queued_job_is_cancelled_at_once_and_a_running_one_between_batches(home: Installation) -> None:
    batches: list[int] = []

    def run(run: JobRun) -> None:
        for number in range(100):
            run.stop_if_cancelled()
            batches.append(number)
            if number == 2:
                home.write(lambda ctx, unit: home.work.jobs.cancel(ctx, unit, run.id))

    job_kind(home, run)
    queued = start(home)
    home.write(lambda ctx, unit: home.work.jobs.cancel(ctx, unit, queued))
    assert get(home, queued).state == "cancelled"
    home.work.run_due()
    assert batches == []
    running = start(home)
    home.work.run_due()
    assert (get(home, running).state, batches) == ("cancelled", [0, 1, 2])
    with pytest.raises(Conflict):
        home.write(lambda ctx, unit: home.work.jobs.cancel(ctx, unit, running))


def test_a_job_kind_may_refuse_to_be_cancelled(home: Installation) -> None:
    job_kind(home, lambda run: None, cancel_ok=False)
    job_id = start(home)
    with pytest.raises(Conflict):
        home.write(lambda ctx, unit: home.work.jobs.cancel(ctx, unit, job_id))


def test_undoing_a_job_is_a_job_of_its_own_and_happens_once(home: Installation) -> None:
    undone: list[Any] = []
    job_kind(home, lambda run: {"made": [1, 2]}, undo=lambda run: undone.append(run.input))
    job_id = start(home, a=1)
    with pytest.raises(Conflict):
        home.write(lambda ctx, unit: home.work.jobs.undo(ctx, unit, job_id))
    home.work.run_due()
    undo_id = home.write(lambda ctx, unit: home.work.jobs.undo(ctx, unit, job_id))
    home.work.run_due()
    assert undone == [{"input": {"a": 1}, "result": {"made": [1, 2]}}]
    assert get(home, undo_id).undo_of == job_id
    with pytest.raises(Conflict):
        home.write(lambda ctx, unit: home.work.jobs.undo(ctx, unit, job_id))


def test_an_unknown_kind_of_job_cannot_be_started(home: Installation) -> None:
    with pytest.raises(NotFound):
        start(home)


def test_jobs_are_listed_newest_first_and_by_user(home: Installation) -> None:
    job_kind(home, lambda run: None)
    user = "01890a5d-ac96-774b-bcce-b302099a8057"
    mine, others = start(home, user=user), start(home)
    assert [job.id for job in home.read(lambda ctx, unit: home.work.jobs.list(unit))] == [others, mine]
    assert [job.id for job in home.read(lambda ctx, unit: home.work.jobs.list(unit, user_id=user))] == [mine]


def test_the_embedded_relay_handles_what_is_posted_while_it_runs(home: Installation) -> None:
    done = threading.Event()
    job_kind(home, lambda run: done.set())
    relay = EmbeddedRelay(home.work)
    relay.start()
    try:
        job_id = start(home)
        assert done.wait(20)
    finally:
        relay.stop()
    assert get(home, job_id).state == "done"
