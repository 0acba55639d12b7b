# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What the node counts and times, and whether that is well."""

from __future__ import annotations

from collections import Counter
from collections import deque
from dataclasses import dataclass
from threading import Lock
import time

import numpy as np

WINDOW = 300
RATE_WINDOW_S = 10.0
SILENCE_LIMIT_S = 5.0


@dataclass(frozen=True)
class Snapshot:
    """
    Figures since the node was activated; latencies are of the last frames.

    :param frames_in: images received.
    :param silence_s: seconds since the last of them, or since the activation.
    :param frames_out: images whose depth was published.
    :param dropped_busy: images replaced by a newer one while the network was busy.
    :param dropped_bad: images and calibrations that could not be used.
    :param last_error: why the last of those was dropped, '' if none was.
    :param fps: depth images a second, over the last ten seconds.
    :param latency_p50_ms: median of the time depth and its cloud are out minus stamp,
        milliseconds.
    :param latency_p99_ms: 99th percentile of it.
    :param processing_p50_ms: median of the time everything is out minus arrival, milliseconds.
    :param domain: of the last frame, '' before the first one.
    """

    frames_in: int
    silence_s: float
    frames_out: int
    dropped_busy: int
    dropped_bad: int
    last_error: str
    fps: float
    latency_p50_ms: float
    latency_p99_ms: float
    processing_p50_ms: float
    domain: str


@dataclass(frozen=True)
class Diagnosis:
    """
    A node's state in words.

    :param is_well: False when somebody should look after it.
    :param text: one line.
    """

    is_well: bool
    text: str


def diagnose(
    facts: Snapshot, before: Snapshot, *, topic: str, is_idle: bool, scale_problem: str = '',
) -> Diagnosis:
    """
    Return how a node is, by its figures now and at the last time it was asked.

    :param topic: where its images come from.
    :param is_idle: nobody wants its output.
    :param scale_problem: why the scale that is asked for is not known, '' where it is.
    """
    if facts.dropped_bad > before.dropped_bad:
        return Diagnosis(is_well=False, text=facts.last_error)
    if is_idle:
        return Diagnosis(is_well=True, text='idle: nobody subscribes')
    if facts.silence_s > SILENCE_LIMIT_S:
        return Diagnosis(
            is_well=False, text=f'no image on {topic} for {facts.silence_s:.0f} s')
    if scale_problem:
        return Diagnosis(is_well=False, text=f'scale is not known: {scale_problem}')
    return Diagnosis(is_well=True, text=f'{facts.fps:.1f} frames/s')


class Statistics:
    """Counts frames and times; safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._counts: Counter[str] = Counter()
        self._latencies_ms: deque[float] = deque(maxlen=WINDOW)
        self._processing_ms: deque[float] = deque(maxlen=WINDOW)
        self._published_s: deque[float] = deque(maxlen=WINDOW)
        self._last_in_s = time.monotonic()
        self._last_error = ''
        self._domain = ''

    def received(self) -> None:
        """Count an image that arrived."""
        with self._lock:
            self._counts['in'] += 1
            self._last_in_s = time.monotonic()

    def replaced(self) -> None:
        """Count an image that a newer one replaced."""
        with self._lock:
            self._counts['busy'] += 1

    def refused(self, reason: str) -> None:
        """Count an image or calibration that could not be used."""
        with self._lock:
            self._counts['bad'] += 1
            self._last_error = reason

    def published(self, latency_ms: float, processing_ms: float, domain: str) -> None:
        """
        Count a published depth image.

        :param latency_ms: from its stamp until it and its cloud were out.
        :param processing_ms: from its arrival until everything was.
        """
        with self._lock:
            self._counts['out'] += 1
            self._latencies_ms.append(latency_ms)
            self._processing_ms.append(processing_ms)
            self._published_s.append(time.monotonic())
            self._domain = domain

    def snapshot(self) -> Snapshot:
        """Return the figures as they are now."""
        with self._lock:
            latencies = list(self._latencies_ms) or [0.0]
            processing = list(self._processing_ms) or [0.0]
            now_s = time.monotonic()
            recent_s = [at_s for at_s in self._published_s if now_s - at_s < RATE_WINDOW_S]
            p50, p99 = np.percentile(latencies, (50, 99))
            return Snapshot(
                self._counts['in'], now_s - self._last_in_s, self._counts['out'],
                self._counts['busy'], self._counts['bad'], self._last_error,
                (len(recent_s) - 1) / (now_s - recent_s[0]) if len(recent_s) > 1 else 0.0,
                float(p50), float(p99), float(np.median(processing)), self._domain)
