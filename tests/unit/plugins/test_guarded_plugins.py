"""A guarded plugin may hang, crash, flood or lie: the caller gets a clear failure and the next call works."""

import os
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from fieldstone.plugins.host.guarded import Limits, PluginFailed
from fieldstone.plugins.host.host import PluginHost
from fieldstone.plugins.host.manifest import read_manifest
from fieldstone.plugins.sdk.dispatch import Appointment, DispatchRequest, Policy, Resource

SAMPLE = Path(__file__).resolve().parents[2] / "samples" / "torture_plugin" / "fieldstone-plugin.json"
REQUEST = DispatchRequest(
    appointment=Appointment(id="job", label="Job"),
    resources=(Resource(id="a", label="A"), Resource(id="b", label="B")),
    policy=Policy(name="policy"),
    now=datetime(2026, 5, 4, 9, 0, tzinfo=UTC),
)
MISBEHAVIOURS = {
    "hangs": "no answer in time",
    "exits": "its process ended",
    "kills_itself": "its process ended",
    "raises": "RuntimeError: as planned",
    "floods": "too large",
    "eats_memory": "MemoryError",
    "nan_score": "ValueError",
    "wrong_type": "not an object",
    "loses_resources": "not every resource",
    "invents_resources": "not every resource",
    "unknown_reason": "unknown reason",
    "leaves_children": "no answer in time",
    "missing": "AttributeError",
}


@pytest.fixture
def host():
    host = PluginHost((read_manifest(SAMPLE),), Limits(wall_s=2.0))
    yield host
    host.close()


def children_of_this_process() -> list[str]:
    listing = subprocess.run(["ps", "-eo", "pgid,args"], capture_output=True, text=True, check=True).stdout
    return [line for line in listing.splitlines() if "time.sleep(600)" in line and "ps -eo" not in line]


@pytest.mark.parametrize("name", sorted(MISBEHAVIOURS))
def test_a_misbehaving_plugin_is_a_clear_failure_and_the_next_call_works(host, name):
    with pytest.raises(PluginFailed) as caught:
        host.rank("acme", name, REQUEST)
    assert MISBEHAVIOURS[name] in str(caught.value)
    assert len(host.rank("acme", "well_behaved", REQUEST).candidates) == 2


def test_what_a_plugin_prints_is_not_taken_for_its_answer(host):
    assert {c.resource for c in host.rank("acme", "prints", REQUEST).candidates} == {"a", "b"}


def test_a_plugin_process_sees_no_settings_of_the_platform(host, monkeypatch):
    monkeypatch.setenv("FIELDSTONE_SECRET_KEY", "do not tell")
    assert [c.score for c in host.rank("acme", "looks_around", REQUEST).candidates] == [0.0, 0.0]


def test_children_of_a_killed_plugin_die_with_it(host):
    before = children_of_this_process()
    with pytest.raises(PluginFailed):
        host.rank("acme", "leaves_children", REQUEST)
    assert children_of_this_process() == before


def test_after_three_failures_in_a_row_the_breaker_opens_for_this_tenant_only(host):
    for _ in range(3):
        with pytest.raises(PluginFailed):
            host.rank("acme", "raises", REQUEST)
    with pytest.raises(PluginFailed, match="switched off"):
        host.rank("acme", "well_behaved", REQUEST)
    assert host.rank("globex", "well_behaved", REQUEST).candidates


def test_the_worker_stays_warm_between_calls(host):
    host.rank("acme", "well_behaved", REQUEST)
    worker = host._workers["torture"]
    first = worker._process.pid
    host.rank("acme", "well_behaved", REQUEST)
    assert worker._process.pid == first
    os.kill(first, 0)
