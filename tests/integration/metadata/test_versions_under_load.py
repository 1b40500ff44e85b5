"""Processes that read and write while another publishes never see a stale or a mixed version."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fieldstone.platform.kernel.errors import Conflict
from tests.support.installation import Installation
from tests.support.metadata import MetadataHome, put
from tests.support.version_reader import CONTEXT, bodies_of, main

PROCESSES = 2
VERSIONS = 30


@pytest.fixture
def published(meta: MetadataHome) -> MetadataHome:
    meta.publish(*(put("note", body) for body in bodies_of(1)))
    return meta


def test_no_unit_of_any_process_sees_a_stale_or_mixed_version(
    published: MetadataHome, home: Installation, tmp_path: Path, database_url: str | None
) -> None:
    stop, tell = CONTEXT.Event(), CONTEXT.Queue()
    readies = [CONTEXT.Event() for _ in range(PROCESSES)]
    processes = [
        CONTEXT.Process(target=main, args=(str(tmp_path), database_url, ready, stop, tell)) for ready in readies
    ]
    for process in processes:
        process.start()
    assert all(ready.wait(60) for ready in readies)
    version = 1
    while version < VERSIONS:
        version = _published(published, version + 1)
    stop.set()
    told: list[Any] = [tell.get(timeout=60) for _ in range(2 * PROCESSES)]
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0] * PROCESSES
    assert [wrong for _, _, wrong in told] == [[]] * len(told)
    assert all(seen[-1] == VERSIONS for _, seen, _ in told)
    assert len({version for _, seen, _ in told for version in seen}) > 5


def _published(meta: MetadataHome, version: int) -> int:
    """The next version; a busy tenant is asked again, as a person would."""
    while True:
        try:
            return meta.publish(*(put("note", body) for body in bodies_of(version))).version
        except Conflict as busy:
            if busy.instance_code != "tenant_busy":
                raise
