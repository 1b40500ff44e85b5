"""Migrations: new homes are complete, old ones are brought forward one by one, differences are told."""

from __future__ import annotations

import sqlalchemy as sa

from fieldstone.platform.database.directory import DIRECTORY_REVISION
from fieldstone.platform.database.home import HOME_REVISION
from fieldstone.platform.migrations.migrate import check, newest, upgrade
from tests.support.installation import Installation


def test_new_homes_are_at_the_newest_revision(home: Installation) -> None:
    assert (newest("home"), newest("directory")) == (HOME_REVISION, DIRECTORY_REVISION)
    assert check(home.databases, home.tenants) == []
    assert [(step.tenant, step.outcome) for step in upgrade(home.databases, home.tenants)] == [
        ("", "current"),
        ("acme", "current"),
        ("globex", "current"),
    ]


def older(home: Installation, tenant: str = "acme") -> None:
    """Take a home back to before the first revision, with a table missing."""
    for statement in ("DROP TABLE job", "DELETE FROM alembic_version"):
        home.publish(lambda ctx, unit, statement=statement: unit.run(sa.text(statement)), tenant)


def test_an_older_home_is_found_and_brought_forward(home: Installation) -> None:
    older(home)
    assert {(problem.tenant, problem.message) for problem in check(home.databases, home.tenants)} == {
        ("acme", "is at revision None, not 0001"),
        ("acme", "has no table job"),
    }
    assert [step.outcome for step in upgrade(home.databases, home.tenants)] == ["current", "upgraded", "current"]
    assert check(home.databases, home.tenants) == []


def test_a_home_that_fails_does_not_stop_the_others_and_is_done_next_time(home: Installation) -> None:
    older(home)
    older(home, "globex")
    # an index of the missing table is taken by another one
    home.publish(lambda ctx, unit: unit.run(sa.text("CREATE TABLE blocker (created_at TEXT)")))
    home.publish(lambda ctx, unit: unit.run(sa.text("CREATE INDEX ix_job__created ON blocker (created_at)")))
    steps = list(upgrade(home.databases, home.tenants))
    assert [(step.tenant, step.failed) for step in steps] == [("", False), ("acme", True), ("globex", False)]
    assert "ix_job__created" in steps[1].outcome
    messages = {problem.message for problem in check(home.databases, home.tenants)}
    assert "has no table job" in messages
    home.publish(lambda ctx, unit: unit.run(sa.text("DROP TABLE blocker")))
    assert [step.failed for step in upgrade(home.databases, home.tenants)] == [False, False, False]
    assert check(home.databases, home.tenants) == []


def test_a_missing_column_is_told(home: Installation) -> None:
    home.publish(lambda ctx, unit: unit.run(sa.text("ALTER TABLE job DROP COLUMN message")))
    assert [problem.message for problem in check(home.databases, home.tenants)] == ["has no column job.message"]


def test_tables_made_by_a_migration_are_open_to_the_tenants_role(home: Installation) -> None:
    older(home)
    list(upgrade(home.databases, home.tenants))
    assert home.write(lambda ctx, unit: unit.scalar(sa.text("SELECT count(*) FROM job"))) == 0
