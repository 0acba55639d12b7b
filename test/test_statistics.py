# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from dataclasses import replace

import pytest

pytest.importorskip('rclpy')

from zoe_depth_ros.ros import statistics
from zoe_depth_ros.ros.statistics import diagnose
from zoe_depth_ros.ros.statistics import Statistics


@pytest.fixture
def now_s(monkeypatch) -> list[float]:
    """Return the time that the statistics see, to be changed."""
    seconds = [1000.0]
    monkeypatch.setattr(statistics.time, 'monotonic', lambda: seconds[0])
    return seconds


def test_statistics_of_nothing_are_zero():
    snapshot = Statistics().snapshot()
    assert (snapshot.frames_in, snapshot.frames_out, snapshot.fps) == (0, 0, 0.0)
    assert (snapshot.latency_p50_ms, snapshot.latency_p99_ms) == (0.0, 0.0)
    assert (snapshot.last_error, snapshot.domain) == ('', '')


def test_statistics_count_each_fate_of_a_frame():
    counted = Statistics()
    for _ in range(6):
        counted.received()
    for _ in range(2):
        counted.replaced()
    counted.refused('first')
    counted.refused('second')
    counted.published(5.0, 4.0, 'indoor')
    counted.published(7.0, 6.0, 'outdoor')
    snapshot = counted.snapshot()
    assert (snapshot.frames_in, snapshot.frames_out) == (6, 2)
    assert (snapshot.dropped_busy, snapshot.dropped_bad) == (2, 2)
    assert (snapshot.last_error, snapshot.domain) == ('second', 'outdoor')


def test_statistics_have_percentiles_of_the_latency():
    counted = Statistics()
    for number in range(101):
        counted.published(float(number), 2.0 * number, 'indoor')
    snapshot = counted.snapshot()
    assert snapshot.latency_p50_ms == pytest.approx(50.0)
    assert snapshot.latency_p99_ms == pytest.approx(99.0)
    assert snapshot.processing_p50_ms == pytest.approx(100.0)


def test_statistics_forget_the_latency_of_old_frames():
    counted = Statistics()
    counted.published(1e6, 1e6, 'indoor')
    for _ in range(statistics.WINDOW):
        counted.published(1.0, 1.0, 'indoor')
    assert counted.snapshot().latency_p99_ms == 1.0


def test_statistics_have_the_rate_of_the_last_seconds(now_s):
    counted = Statistics()
    for _ in range(21):
        now_s[0] += 0.25
        counted.published(1.0, 1.0, 'indoor')
    assert counted.snapshot().fps == pytest.approx(4.0)
    now_s[0] += statistics.RATE_WINDOW_S / 2
    assert 0 < counted.snapshot().fps < 2.1
    now_s[0] += statistics.RATE_WINDOW_S
    assert counted.snapshot().fps == 0.0


def test_statistics_measure_the_silence_since_the_last_image(now_s):
    counted = Statistics()
    now_s[0] += 2.5
    assert counted.snapshot().silence_s == 2.5
    counted.received()
    now_s[0] += 0.5
    assert counted.snapshot().silence_s == 0.5


@pytest.mark.parametrize(('changes', 'is_idle', 'is_well', 'text'), [
    ({}, False, True, '12.3 frames/s'),
    ({'dropped_bad': 4}, False, False, 'image size 0x0 is not positive'),
    ({'dropped_bad': 4}, True, False, 'image size 0x0 is not positive'),
    ({'silence_s': 4.9}, False, True, '12.3 frames/s'),
    ({'silence_s': 5.6}, False, False, 'no image on /image for 6 s'),
    ({'silence_s': 5.6}, True, True, 'idle: nobody subscribes'),
])
def test_diagnosis_is_about_the_time_since_the_last_one(changes, is_idle, is_well, text):
    before = replace(
        Statistics().snapshot(), dropped_bad=3, last_error='image size 0x0 is not positive',
        fps=12.34)
    diagnosis = diagnose(replace(before, **changes), before, topic='/image', is_idle=is_idle)
    assert (diagnosis.is_well, diagnosis.text) == (is_well, text)
