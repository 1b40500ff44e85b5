"""The audit: part of the change, without secrets, sealed by a chain that shows every later touch."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from fieldstone.platform.audit import HIDDEN, Audit, AuditFilter, audit_entry, audit_seal, without_secrets
from fieldstone.platform.audit_sealing import EVERY, AuditSealing
from fieldstone.platform.files import FileStore
from fieldstone.platform.kernel.context import Cause, Context, Unit
from fieldstone.platform.work.assembly import Kinds, Work
from tests.support.installation import Installation

AUDIT = Audit()


def record(home: Installation, *subjects: str, tenant: str = "acme") -> None:
    def write(ctx: Context, unit: Unit) -> None:
        for subject in subjects:
            AUDIT.record(ctx, unit, "user.changed", subject, {"roles": ["a"]}, {"roles": ["b"], "n": 1.0})

    home.write(write, tenant=tenant)


def seal(home: Installation, most: int = 500) -> int:
    return home.write(lambda ctx, unit: AUDIT.seal(unit, most))


def broken(home: Installation) -> int | None:
    return home.read(lambda ctx, unit: AUDIT.first_broken(unit))


def entries(home: Installation, **wanted: Any) -> list[str]:
    return [entry.subject for entry in home.read(lambda ctx, unit: AUDIT.entries(unit, AuditFilter(**wanted)))]


def test_an_entry_says_who_what_when_and_why(home: Installation) -> None:
    def write(ctx: Context, unit: Unit) -> None:
        AUDIT.record(ctx.because(Cause(kind="import", name="people")), unit, "user.created", "user/1", None, {"a": 1})

    home.write(write)
    (entry,) = home.read(lambda ctx, unit: AUDIT.entries(unit, AuditFilter()))
    assert (entry.action, entry.subject, entry.before, entry.after) == ("user.created", "user/1", None, {"a": 1})
    assert (entry.actor_name, entry.at, entry.channel) == ("System", home.clock.now(), "api")
    assert entry.causes == [{"kind": "import", "name": "people", "record": None}]


def test_a_change_that_is_rolled_back_leaves_no_entry(home: Installation) -> None:
    def write(ctx: Context, unit: Unit) -> None:
        AUDIT.record(ctx, unit, "user.created", "user/1")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        home.write(write)
    assert entries(home) == []


def test_secrets_are_never_written() -> None:
    given = {"email": "a@b", "password": "x", "Token": {"id": 1}, "list": [{"client_secret": "y", "name": "n"}]}
    assert without_secrets(given) == {
        "email": "a@b",
        "password": HIDDEN,
        "Token": HIDDEN,
        "list": [{"client_secret": HIDDEN, "name": "n"}],
    }


def test_entries_are_filtered_paged_and_the_tenants_own(home: Installation) -> None:
    record(home, *(f"user/{n}" for n in range(5)))
    record(home, "user/9", tenant="globex")
    assert entries(home) == [f"user/{n}" for n in (4, 3, 2, 1, 0)]
    assert entries(home, subject="user/3") == ["user/3"]
    assert entries(home, action="none") == []
    last = home.read(lambda ctx, unit: AUDIT.entries(unit, AuditFilter(most=2)))[-1]
    assert entries(home, older_than=last.id, most=2) == ["user/2", "user/1"]


def test_sealing_chains_each_entry_once(home: Installation) -> None:
    record(home, *(f"user/{n}" for n in range(5)))
    assert (seal(home, 2), seal(home), seal(home)) == (2, 3, 0)
    record(home, "user/5")
    assert seal(home) == 1
    assert broken(home) is None
    numbers = home.read(lambda ctx, unit: unit.rows(sa.select(audit_seal.c.number).order_by(audit_seal.c.number)))
    assert [number for (number,) in numbers] == [1, 2, 3, 4, 5, 6]


def test_a_changed_a_removed_or_a_resealed_entry_is_found(home: Installation) -> None:
    record(home, *(f"user/{n}" for n in range(6)))
    seal(home)
    third = sa.select(audit_seal.c.entry).where(audit_seal.c.number == 3).scalar_subquery()
    forge = sa.update(audit_entry).where(audit_entry.c.id == third).values(actor_name="Somebody else")
    home.write(lambda ctx, unit: unit.run(forge))
    assert broken(home) == 3
    home.write(
        lambda ctx, unit: unit.run(sa.update(audit_entry).where(audit_entry.c.id == third).values(actor_name="System"))
    )
    assert broken(home) is None
    home.write(lambda ctx, unit: unit.run(sa.delete(audit_seal).where(audit_seal.c.number == 5)))
    assert broken(home) == 5
    seal(home)
    assert broken(home) == 5


def test_the_timer_seals_and_sets_itself_again(home: Installation) -> None:
    kinds = Kinds.empty()
    work = Work(home.settings, home.units, kinds, FileStore(home.settings.data_dir))
    sealing = AuditSealing(AUDIT, work.timers)
    kinds.timer_kinds.register(sealing.kind().name, sealing.kind())
    home.write(sealing.start)
    for expected in (2, 5):
        record(home, *(f"user/{n}" for n in range(3 if expected == 5 else 2)))
        home.clock.move(EVERY * 2)
        work.run_due()
        assert home.read(lambda ctx, unit: unit.scalar(sa.select(sa.func.count()).select_from(audit_seal))) == expected
    assert broken(home) is None
