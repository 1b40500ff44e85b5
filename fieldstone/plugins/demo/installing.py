"""Filling a fresh tenant with the demo company: people, teams, the service package, records, real tickets.

In: the frame of an installation, a tenant without data. Out: the accounts and the administrator's API token. Everything
goes through the doors that everybody uses: identity services, package installation, the record service. Called by
`fieldstone demo` and by tests that want a company.
"""

from __future__ import annotations

import csv
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from pathlib import Path
from random import Random

from fieldstone.objects.records.service import RecordService
from fieldstone.platform.frame import Frame
from fieldstone.platform.identity.services import Identity
from fieldstone.platform.identity.values import NewUser
from fieldstone.platform.kernel.context import SYSTEM, Actor, Context, Unit
from fieldstone.platform.metadata.doors import CallerDoors
from fieldstone.platform.metadata.packages.service import PackageService
from fieldstone.platform.units import Caller, SystemCredential, Units, UserCredential
from fieldstone.plugins.demo.company import company
from fieldstone.plugins.demo.incidents import incident_tickets
from fieldstone.plugins.demo.operations import operations
from fieldstone.plugins.demo.people import PEOPLE, TEAMS, Person
from fieldstone.plugins.demo.seed import Seed, resolved

SERVICE = Path(__file__).resolve().parent.parent / "packages" / "service"
INCIDENTS = Path(__file__).resolve().parent / "data" / "servicenow_incidents.csv"
BATCH = 100
WAITING_QUOTES = (2, 3, 4, 6, 10, 14)

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A demo user with a password."""

    person: Person
    password: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Installed:
    """What somebody needs to use the demo."""

    accounts: tuple[Account, ...]
    token: str


class DemoCompany:
    """Puts the company into one tenant."""

    def __init__(self, frame: Frame, tenant: str) -> None:
        self._units = frame.need(Units)
        self._identity = frame.need(Identity)
        self._packages = frame.need(PackageService)
        self._records = frame.need(RecordService)
        self._system = Caller(tenant=tenant, credential=SystemCredential(), channel="system")
        self._ids: dict[str, str] = {}
        self._actors: dict[str, Actor] = {}

    def install(self, say: Say, seed: int = 7) -> Installed:
        """Everything, in order; `say` is told of each step."""
        say("Publishing the service package")
        doors = CallerDoors(self._units, self._system)
        self._packages.install(doors, self._packages.read(SERVICE))
        say("Adding people and teams")
        accounts = self._people()
        rng, now = Random(seed), datetime.now(UTC)  # noqa: S311 - sample data, not secrets
        say("Adding the company")
        self._seed(company(rng, now))
        say("Adding two months of work")
        self._seed(operations(rng, now))
        say("Adding 600 real tickets")
        with INCIDENTS.open(encoding="utf-8", newline="") as stream:
            self._seed(incident_tickets(csv.DictReader(stream), now))
        say("Submitting quotes for approval")
        self._submit_quotes()
        return Installed(accounts=accounts, token=self._token())

    def _people(self) -> tuple[Account, ...]:
        self._units.write(self._system, self._add_people)
        self._units.write(self._system, self._add_teams)
        for person in PEOPLE:
            caller = replace(self._system, credential=UserCredential(user_id=self._ids[f"user/{person.key}"]))
            self._actors[person.key] = self._units.read(caller, lambda ctx, unit: ctx.actor)
        accounts = tuple(Account(person=p, password=secrets.token_urlsafe(12)) for p in PEOPLE if p.listed)
        for account in accounts:
            user_id = self._ids[f"user/{account.person.key}"]
            self._identity.passwords.set_directly(self._system, user_id, account.password)
        return accounts

    def _add_people(self, ctx: Context, unit: Unit) -> None:
        for person in PEOPLE:
            new = NewUser(email=person.email, name=person.name, roles=(person.role,), locale=person.locale)
            self._ids[f"user/{person.key}"] = self._identity.users.create(ctx, unit, new).id

    def _add_teams(self, ctx: Context, unit: Unit) -> None:
        teams: dict[str, str] = {}
        for key, name, manager, parent, members in TEAMS:
            above = teams[parent] if parent else None
            team = self._identity.teams.create(ctx, unit, name=name, parent=above, manager=self._ids[f"user/{manager}"])
            teams[key] = team.id
            for member in members:
                self._identity.users.assign_teams(ctx, unit, self._ids[f"user/{member}"], [team.id])

    def _seed(self, seeds: Iterable[Seed]) -> None:
        for batch in _batches(seeds, BATCH):
            self._ids.update(self._units.write(self._system, partial(self._create, batch)))

    def _create(self, seeds: list[Seed], ctx: Context, unit: Unit) -> dict[str, str]:
        made: dict[str, str] = {}
        known: Mapping[str, str] = _Either(made, self._ids)
        for seed in seeds:
            actor = self._actors[seed.by] if seed.by else SYSTEM
            then = replace(ctx, now=seed.at or ctx.now, actor=actor)
            values = resolved(seed.values, known)
            made[seed.key] = self._records.create(then, unit, seed.object, values).id
        return made

    def _submit_quotes(self) -> None:
        caller = replace(self._system, credential=UserCredential(user_id=self._ids["user/agent"]))
        for number in WAITING_QUOTES:
            self._units.write(caller, partial(self._submit_quote, self._ids[f"quote/{number}"]))

    def _submit_quote(self, quote: str, ctx: Context, unit: Unit) -> None:
        self._records.act(ctx, unit, "quote", quote, "quote_submit", {})

    def _token(self) -> str:
        def make(ctx: Context, unit: Unit) -> str:
            return self._identity.tokens.create(ctx, unit, self._ids["user/admin"], "demo", "write")[1]

        return self._units.write(self._system, make)


class _Either(dict[str, str]):
    """Ids of this batch, else of earlier ones."""

    def __init__(self, new: dict[str, str], old: Mapping[str, str]) -> None:
        super().__init__()
        self._new = new
        self._old = old

    def __missing__(self, key: str) -> str:
        return self._new[key] if key in self._new else self._old[key]


def _batches(seeds: Iterable[Seed], size: int) -> Iterator[list[Seed]]:
    rest = iter(seeds)
    while batch := list(islice(rest, size)):
        yield batch
