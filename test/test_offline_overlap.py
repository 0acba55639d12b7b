# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Stages that work at the same time: in order, in bounded memory, without leftovers."""

from __future__ import annotations

from contextlib import closing
from itertools import count
from pathlib import Path
from threading import active_count
from threading import Barrier
from threading import current_thread
from threading import Event
import time
import tracemalloc

from network_helpers import random_rgb
from offline_helpers import bag_of
from offline_helpers import header
from offline_helpers import IMAGE
from offline_helpers import make
import pytest

from zoe_depth_ros.bag.encode import image_message
from zoe_depth_ros.offline import segment
from zoe_depth_ros.offline.overlap import mapped
from zoe_depth_ros.offline.overlap import prefetched

WAIT_S = 10.0


def test_overlap_prefetched_gives_all_items_in_order_from_another_thread():
    threads = set()

    def items():
        for number in range(100):
            threads.add(current_thread())
            yield number
    assert list(prefetched(items(), lambda _: 1, 10)) == list(range(100))
    assert current_thread() not in threads


def test_overlap_prefetched_takes_no_more_than_its_limit_ahead():
    taken = []
    with closing(prefetched(
            (taken.append(number) or number for number in count()), lambda _: 30, 100)) as items:
        assert next(items) == 0
        end_s = time.monotonic() + WAIT_S
        while len(taken) < 5 and time.monotonic() < end_s:
            time.sleep(0.01)
        time.sleep(0.1)
        # Four lie in the buffer, which is then over its limit, and one waits to get in.
        assert 5 <= len(taken) <= 6


def test_overlap_prefetched_lets_one_costly_item_pass():
    assert list(prefetched(range(3), lambda _: 10**12, 1)) == [0, 1, 2]


def test_overlap_prefetched_hands_errors_on_after_what_came_before():
    def items():
        yield 1
        raise ValueError('broken')
    found = []
    with pytest.raises(ValueError, match='broken'):
        found.extend(prefetched(items(), lambda _: 1, 10))
    assert found == [1]


def test_overlap_closing_ends_the_threads_of_nested_stages():
    before = active_count()
    first = prefetched(count(), lambda _: 1, 5)
    second = prefetched(first, lambda _: 1, 5)
    assert next(second) == 0
    assert active_count() == before + 2
    second.close()
    first.close()
    assert active_count() == before


def test_overlap_mapped_keeps_order_however_long_each_takes():
    def slow(number: int) -> int:
        time.sleep(0.02 * (number % 3 == 0))
        return -number
    found = list(mapped(slow, range(12), 3, lambda number: number % 2 == 0))
    assert found == [-number for number in range(12)]


def test_overlap_mapped_works_on_several_heavy_items_at_once_and_light_ones_between():
    together = Barrier(2, timeout=WAIT_S)

    def meet(number: int) -> int:
        if number % 10 == 0:
            together.wait()  # breaks unless two are in work at the same time
        return number
    assert list(mapped(meet, range(40), 2, lambda number: number % 10 == 0)) == list(range(40))


def test_overlap_mapped_starts_no_more_heavy_items_than_wait():
    started = []
    release = Event()

    def work(number: int) -> int:
        started.append(number)
        release.wait(WAIT_S)
        return number
    taken = []
    stream = mapped(
        work, (taken.append(number) or number for number in range(100)), 2, lambda _: True)
    release.set()
    assert next(stream) == 0
    assert len(taken) == 3
    assert list(stream) == list(range(1, 100))


def test_overlap_mapped_hands_errors_on_in_their_place():
    def fail_at_two(number: int) -> int:
        if number == 2:
            raise ValueError('two')
        return number
    stream = mapped(fail_at_two, range(5), 2, lambda _: True)
    assert [next(stream), next(stream)] == [0, 1]
    with pytest.raises(ValueError, match='two'):
        next(stream)


def peak_bytes(weights: Path, bag: Path, output: Path) -> int:
    tracemalloc.start()
    try:
        report = make(weights, bag, output=output, segment_s=3600.0)
        assert report.is_whole
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_overlap_of_all_stages_takes_no_more_memory_for_a_longer_bag(
        weights, one_thread, tmp_path, monkeypatch):
    monkeypatch.setattr(segment, 'AHEAD_BYTES', 1_000_000)
    peaks = []
    for frames in (2, 12, 48):  # the first one loads what stays
        messages = [image_message(IMAGE, random_rgb(0, (192, 320)), 'rgb8', header(number))
                    for number in range(frames)]
        bag = bag_of(tmp_path / str(frames), messages)
        peaks.append(peak_bytes(weights, bag, tmp_path / 'o' / str(frames)))
    assert peaks[2] < peaks[1] + 3_000_000  # it reads 6.6 MB more and writes 24 MB more
