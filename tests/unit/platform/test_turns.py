"""Turns of SQLite writers: in the order of arrival, between threads and processes, and not for ever."""

from __future__ import annotations

import multiprocessing
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from fieldstone.platform.database.turns import Turn, WriterQueue
from fieldstone.platform.kernel.errors import Unavailable


def test_threads_get_their_turn_in_the_order_they_came(tmp_path: Path) -> None:
    queue = WriterQueue(tmp_path / "lock")
    first = queue.take(1)
    order: list[int] = []
    threads = []
    for number in range(20):

        def wait(number: int = number) -> None:
            held = queue.take(10)
            order.append(number)
            queue.end(held)

        thread = threading.Thread(target=wait)
        threads.append(thread)
        thread.start()
        while queue.waiting < number + 1:
            time.sleep(0.001)
    queue.end(first)
    for thread in threads:
        thread.join()
    assert order == list(range(20))


def test_who_waits_too_long_is_told_to_come_back_and_blocks_nobody(tmp_path: Path) -> None:
    queue = WriterQueue(tmp_path / "lock")
    held = queue.take(1)
    with pytest.raises(Unavailable) as caught:
        queue.take(0.05)
    assert caught.value.facts["retry_after"] == 1
    queue.end(held)
    queue.end(queue.take(0.05))


def hold(path: Path, ready: Any, done: Any) -> None:
    queue = WriterQueue(path)
    held = queue.take(5)
    ready.set()
    done.wait(20)
    queue.end(held)


def test_a_process_waits_for_another_but_not_for_ever(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    ready, done = context.Event(), context.Event()
    process = context.Process(target=hold, args=(tmp_path / "lock", ready, done))
    process.start()
    assert ready.wait(30)
    queue = WriterQueue(tmp_path / "lock")
    with pytest.raises(Unavailable):
        queue.take(0.1)
    done.set()
    queue.end(queue.take(20))
    process.join()


def test_the_lock_of_a_killed_process_is_free(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    ready, done = context.Event(), context.Event()
    process = context.Process(target=hold, args=(tmp_path / "lock", ready, done))
    process.start()
    assert ready.wait(30)
    process.kill()
    process.join()
    queue = WriterQueue(tmp_path / "lock")
    queue.end(queue.take(5))


def test_a_turn_ends_once(tmp_path: Path) -> None:
    turn = Turn(WriterQueue(tmp_path / "lock"), 1)
    turn.take()
    turn.end()
    turn.end()
    turn.take()
    turn.end()
