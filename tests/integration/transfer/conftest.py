"""Transfer on each database: a house with an object, people with different rights, and ways to upload."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from werkzeug.test import TestResponse

from fieldstone.objects.query.values import ListQuery
from fieldstone.platform.work.assembly import Work
from tests.conftest import ENGINES
from tests.support.house import House, house
from tests.support.objects import body, field
from tests.support.web import Program

STATES = [{"value": each, "label": each.capitalize()} for each in ("new", "open", "done")]
EVERYTHING = {"read": "all", "create": "all", "update": "all", "delete": "all", "export": True, "import": True}
METADATA: Mapping[str, Any] = {
    "object": [
        body("place", field("name", "text"), title="name", sharing="all"),
        body(
            "task",
            field("code", "text", unique=True),
            field("name", "text", required=True),
            field("state", "select", options=STATES, default="new"),
            field("hours", "decimal", precision=10, scale=2),
            field("notes", "long_text"),
            field("due", "date"),
            field("begun", "datetime"),
            field("salary", "integer"),
            field("place", "lookup", object="place"),
            field("paper", "file", max_bytes=1000, accept=["text/plain", "image/png"]),
            field("photo", "image"),
            title="name",
            sharing="all",
        ),
    ],
    "role": [
        {"name": "boss", "label": "Boss", "objects": {"*": EVERYTHING}, "system": ["see_all_jobs", "manage_jobs"]},
        {"name": "clerk", "label": "Clerk", "objects": {"*": EVERYTHING}, "fields": {"task.salary": "hidden"}},
        {
            "name": "reader",
            "label": "Reader",
            "objects": {"*": {"read": "all", "create": "all"}},
            "fields": {"task.photo": "hidden"},
        },
    ],
    "validation_rule": [
        {
            "name": "hours_are_positive",
            "object": "task",
            "condition": "hours < 0.0",
            "message": "Hours are not negative.",
            "fields": ["hours"],
        }
    ],
}


@dataclass(frozen=True, kw_only=True)
class Desk:
    """A house, its people as programs, and shorthand for uploads and jobs."""

    home: House
    people: Mapping[str, Program]

    def upload(self, who: str, path: str, content: bytes, name: str = "file.csv", **parts: str) -> TestResponse:
        """POST a multipart body."""
        program = self.people[who]
        data = {"file": (io.BytesIO(content), name), **parts}
        return program.client.post(path, data=data, headers=program.headers, base_url="http://localhost")

    def bring(self, who: str, text: str, mapping: Mapping[str, Any] | None = None, **parts: str) -> dict[str, Any]:
        """Import a CSV and wait; the job as it is answered."""
        order = json.dumps({"object": "task", **(mapping or {})})
        answer = self.upload(who, "/api/v1/imports", text.encode(), mapping=order, **parts)
        assert answer.status_code == 202, answer.text
        return self.finished(who, answer)

    def finished(self, who: str, answer: TestResponse) -> dict[str, Any]:
        """The job that an answer tells of, after it has run."""
        self.home.frame.need(Work).run_due()
        found: dict[str, Any] = self.people[who].get(f"/api/v1/jobs/{answer.json['data']['id']}").json["data"]
        return found

    def undo(self, who: str, job: Mapping[str, Any]) -> dict[str, Any]:
        """Undo an import and wait; the job that undid it."""
        answer = self.people[who].post(f"/api/v1/jobs/{job['id']}/undo")
        assert answer.status_code == 202, answer.text
        return self.finished(who, answer)

    def tasks(self, **query: Any) -> dict[str, dict[str, Any]]:
        """All tasks by code."""
        return {each["code"]: each for each in self.home.list("task", limit=200, **query).documents}


@pytest.fixture(scope="module", params=ENGINES)
def shared_desk(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    url = request.getfixturevalue("postgres_url") if request.param == "postgresql" else None
    with house(tmp_path_factory.mktemp("house"), url) as made:
        made.publish(**METADATA)
        made.publish(tenant="globex", **METADATA)
        people = {name: made.program(made.user(f"{name}@acme.example", name)) for name in ("boss", "clerk", "reader")}
        stranger = made.user("boss@globex.example", "boss", tenant="globex")
        yield Desk(home=made, people={**people, "stranger": made.program(stranger, tenant="globex")})


@pytest.fixture
def desk(shared_desk: Desk) -> Iterator[Desk]:
    """The desk, without records of earlier tests."""
    yield shared_desk
    home = shared_desk.home

    def clear(ctx: Any, unit: Any) -> None:
        for name in ("task", "place"):
            while found := home.query.list(ctx, unit, _everything(name)).documents:
                for document in found:
                    home.records.delete(ctx, unit, name, document["id"])

    home.write(clear)


def _everything(name: str) -> ListQuery:
    return ListQuery(object=name, limit=200)
