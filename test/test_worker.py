# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from queue import Queue
from threading import current_thread
from threading import Event
from threading import main_thread
from threading import Thread

import pytest

pytest.importorskip('rclpy')

from zoe_depth_ros.ros.worker import NewestWorker

DEADLINE_S = 60.0


class Work:
    """A function that tells when it starts on an item and finishes when it is told to."""

    def __init__(self) -> None:
        self.started: Queue[int] = Queue()
        self.finish = Event()
        self.finished: list[int] = []
        self.dropped: list[int] = []
        self.turns: list[list[int]] = []
        self.threads: set[Thread] = set()
        self.errors: list[Exception] = []
        self.worker: NewestWorker[int] = NewestWorker(self.run, self.drop, self.errors.append)

    def run(self, items: list[int]) -> None:
        self.threads.add(current_thread())
        for item in items:
            self.started.put(item)
        assert self.finish.wait(DEADLINE_S)
        self.finished += items
        self.turns.append(items)

    def drop(self, item: int) -> None:
        self.dropped.append(item)


@pytest.fixture
def work():
    work = Work()
    yield work
    work.finish.set()
    work.worker.stop()


def test_worker_runs_every_item_that_finds_it_idle(work):
    work.finish.set()
    for item in range(5):
        work.worker.offer(item)
        assert work.started.get(timeout=DEADLINE_S) == item
    work.worker.stop()
    assert work.finished == [0, 1, 2, 3, 4]
    assert work.dropped == []


def test_worker_takes_the_newest_item_and_counts_the_replaced_ones(work):
    work.worker.offer(0)
    assert work.started.get(timeout=DEADLINE_S) == 0
    for item in (1, 2, 3):
        work.worker.offer(item)
    assert work.dropped == [1, 2]
    work.finish.set()
    assert work.started.get(timeout=DEADLINE_S) == 3
    work.worker.stop()
    assert work.finished == [0, 3]
    assert work.dropped == [1, 2]


def test_worker_gives_all_waiting_sources_their_turn_together(work):
    work.worker.offer(0, 'left')
    assert work.started.get(timeout=DEADLINE_S) == 0
    for item, source in ((1, 'left'), (2, 'right'), (3, 'left')):
        work.worker.offer(item, source)
    assert work.dropped == [1]
    work.finish.set()
    assert {work.started.get(timeout=DEADLINE_S) for _ in range(2)} == {2, 3}
    work.worker.stop()
    assert work.turns == [[0], [2, 3]]


def test_worker_runs_in_one_thread_of_its_own(work):
    work.finish.set()
    for item in range(3):
        work.worker.offer(item)
        work.started.get(timeout=DEADLINE_S)
    assert len(work.threads) == 1
    assert main_thread() not in work.threads


def test_worker_stopped_finishes_the_item_in_work_and_forgets_the_waiting_one(work):
    work.worker.offer(0)
    work.started.get(timeout=DEADLINE_S)
    work.worker.offer(1)
    stopping = Thread(target=work.worker.stop)
    stopping.start()
    while not work.worker._stopping:
        assert stopping.is_alive()
    work.finish.set()
    stopping.join(DEADLINE_S)
    assert not stopping.is_alive()
    assert work.finished == [0]
    work.worker.offer(2)
    assert work.started.empty()


def test_worker_goes_on_after_an_item_that_raises() -> None:
    errors: Queue[Exception] = Queue()
    done: Queue[int] = Queue()

    def invert(items: list[int]) -> None:
        done.put(10 // items[0])

    worker: NewestWorker[int] = NewestWorker(invert, lambda item: None, errors.put)
    worker.offer(0)
    assert isinstance(errors.get(timeout=DEADLINE_S), ZeroDivisionError)
    worker.offer(5)
    assert done.get(timeout=DEADLINE_S) == 2
    worker.stop()
