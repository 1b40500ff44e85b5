"""Real files, brought in by the shipped maps: 600 incidents of a help desk, 1,000 service requests of New York City.

The extract of the incidents is shipped and always there; the whole files are read from the folder `FIELDSTONE_SHARED`,
or `../shared/data` next to the repository, when they are there, in the same tests.
"""

from __future__ import annotations

import csv
import json
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from fieldstone.plugins.demo.installing import INCIDENTS, SERVICE
from tests.support.company import Company

SHARED = Path(os.environ.get("FIELDSTONE_SHARED", Path(__file__).resolve().parents[3] / "shared" / "data"))
EVENT_LOG = SHARED / "servicenow-incidents" / "incident_event_log.csv"
REQUESTS = SHARED / "nyc-311" / "service_requests.csv"
PRIORITIES = {"1 - Critical": "critical", "2 - High": "high", "3 - Moderate": "moderate", "4 - Low": "low"}
INCIDENT_FILES = [path for path in (INCIDENTS, EVENT_LOG) if path.exists()]
REQUEST_FILES = [path for path in (REQUESTS,) if path.exists()]


def bring(acme: Company, file: Path, name: str, **parts: str) -> dict[str, Any]:
    """Import a file by a shipped map, through the API; the finished job."""
    admin, mapping = acme.as_("admin"), (SERVICE / "imports" / f"{name}.json").read_text(encoding="utf-8")
    with file.open("rb") as content:
        body = {"file": (content, file.name), "mapping": mapping, **parts}
        answer = admin.client.post("/api/v1/imports", data=body, headers=admin.headers, base_url="http://localhost")
    assert answer.status_code == 202, answer.text
    return finished(acme, answer.json["data"]["id"])


def finished(acme: Company, job: str) -> dict[str, Any]:
    acme.work_off()
    found: dict[str, Any] = acme.as_("admin").get(f"/api/v1/jobs/{job}").json["data"]
    assert found["state"] == "done", found
    return found


def undo(acme: Company, job: Mapping[str, Any]) -> dict[str, Any]:
    answer = acme.as_("admin").post(f"/api/v1/jobs/{job['id']}/undo")
    assert answer.status_code == 202, answer.text
    return finished(acme, answer.json["data"]["id"])


def tickets(acme: Company) -> dict[str, dict[str, Any]]:
    """All tickets that came from elsewhere, by their number there."""
    return {each["source_number"]: each for each in _pages(acme) if each["source_number"]}


def _pages(acme: Company) -> Iterator[dict[str, Any]]:
    cursor = ""
    while True:
        page = acme.as_("admin").get(f"/api/v1/records/ticket?limit=200{cursor}").json
        yield from page["data"]
        if page["next_cursor"] is None:
            return
        cursor = f"&cursor={page['next_cursor']}"


def latest(file: Path) -> dict[str, dict[str, str]]:
    """The last state of each incident, found independently."""
    found: dict[str, dict[str, str]] = {}
    with file.open(encoding="utf-8", newline="") as source:
        for row in csv.DictReader(source):
            known = found.get(row["number"])
            if known is None or int(row["sys_mod_count"]) >= int(known["sys_mod_count"]):
                found[row["number"]] = row
    return found


@pytest.mark.parametrize("file", INCIDENT_FILES, ids=lambda path: path.name)
def test_the_priority_of_600_incidents_is_that_of_their_file(acme: Company, file: Path) -> None:
    job = bring(acme, file, "servicenow_incidents")
    assert (job["total"], job["errors"], job["result"]["created"]) == (600, 0, 600)
    stored, source = tickets(acme), latest(file)
    assert stored.keys() == source.keys()
    assert [n for n in source if stored[n]["priority"] != PRIORITIES[source[n]["priority"]]] == []
    first = stored["INC0000045"]
    assert (first["opened_at"], first["closed_at"]) == ("2016-02-29T01:16:00Z", "2016-03-05T12:00:00Z")
    assert (first["status"], first["made_sla"], first["caller"]) == ("closed", True, "Caller 2403")
    assert bring(acme, file, "servicenow_incidents")["result"]["unchanged"] == 600
    assert undo(acme, job)["result"]["deleted"] == 600
    assert tickets(acme) == {}


@pytest.mark.parametrize("file", REQUEST_FILES, ids=lambda path: path.name)
def test_requests_of_a_city_come_in_with_their_places(acme: Company, file: Path) -> None:
    tried = bring(acme, file, "nyc_311", dry_run="true")
    assert (tried["errors"], tickets(acme)) == (0, {})
    job = bring(acme, file, "nyc_311")
    assert (job["result"]["created"], job["errors"]) == (1000, 0)
    stored = tickets(acme)
    with file.open(encoding="utf-8", newline="") as source:
        rows = list(csv.DictReader(source))
    assert Counter(each["status"] for each in stored.values()) == {"closed": 677, "open": 294, "new": 29}
    for row in rows:
        place = stored[row["unique_key"]]["location"]
        wanted = {"lat": float(row["latitude"]), "lon": float(row["longitude"])} if row["latitude"] else None
        assert place == pytest.approx(wanted) if wanted else place is None
    assert stored["61276295"]["opened_at"] == "2024-05-27T06:08:51Z"
    assert undo(acme, job)["result"]["deleted"] == 1000


def test_the_shipped_maps_say_what_they_are_for() -> None:
    for path in sorted((SERVICE / "imports").glob("*.json")):
        found = json.loads(path.read_text(encoding="utf-8"))
        assert found["name"] == path.stem
        assert found["description"]
