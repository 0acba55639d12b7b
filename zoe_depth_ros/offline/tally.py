# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Counting while messages pass."""

from __future__ import annotations

from base64 import b64encode
from collections import Counter
from collections.abc import Mapping
from collections.abc import Sequence
import time

import cv2

from zoe_depth_ros.bag.reader import BagMessage
from zoe_depth_ros.inference import DepthMap
from zoe_depth_ros.offline.cameras import CameraPlan
from zoe_depth_ros.offline.exports import side_by_side
from zoe_depth_ros.offline.frames import Item
from zoe_depth_ros.offline.histogram import Histogram
from zoe_depth_ros.offline.report import CameraReport
from zoe_depth_ros.offline.report import DEPTH_EDGES_M
from zoe_depth_ros.offline.report import DomainSpan
from zoe_depth_ros.offline.report import Dropped
from zoe_depth_ros.offline.report import ImageSample
from zoe_depth_ros.offline.report import joined
from zoe_depth_ros.offline.report import LATENCY_EDGES_MS
from zoe_depth_ros.offline.report import NO_DEPTH
from zoe_depth_ros.offline.report import TopicCount
from zoe_depth_ros.offline.report import WorkReport

DEPTH_STRIDE = 8
SAMPLE_WIDTH = 320
SAMPLES_KEPT = 8


class Tally:
    """
    Counts what passes.

    :param cameras: whose images pass.
    :param types: message type of every topic that passes.
    :param announced: how many messages the bag says each topic has, as far as it says.
    """

    def __init__(
        self, cameras: Sequence[CameraPlan], types: Mapping[str, str],
        announced: Mapping[str, int],
    ) -> None:
        self._cameras = cameras
        self._announced = announced
        self._types = dict(types)
        self._read: Counter[str] = Counter()
        self._written: Counter[str] = Counter()
        self._counts: Counter[tuple[str, str]] = Counter()
        self._depth = {camera.image: NO_DEPTH for camera in cameras}
        self._domains: dict[str, tuple[DomainSpan, ...]] = {
            camera.image: () for camera in cameras}
        self._scale_problems: dict[str, str] = {}
        self._latency_ms: list[float] = []
        self._dropped: dict[tuple[str, str], Dropped] = {}
        self._samples = {camera.image: _Thinned() for camera in cameras}

    @property
    def dropped(self) -> int:
        """Messages from which nothing came."""
        return sum(item.count for item in self._dropped.values())

    def passed(self, item: Item) -> None:
        """Count a message and what came of it."""
        topic = item.message.topic
        self._read[topic] += 1
        if item.error is not None:
            self.lost(topic, type(item.error).__name__, 1, str(item.error))
        if item.frame is not None and item.frame.depth is not None:
            self._estimated(topic, item.frame.header.stamp_ns, item.frame.depth)
            if item.frame.scale_problem:
                self._counts[topic, 'unscaled'] += 1
                self._scale_problems[topic] = item.frame.scale_problem
            self._latency_ms.append((time.perf_counter() - item.read_s) * 1e3)

    def written(self, message: BagMessage) -> None:
        """Count a message in the output."""
        self._types[message.topic] = message.type_name
        self._written[message.topic] += 1

    def lost(self, topic: str, kind: str, count: int, example: str) -> None:
        """Count messages from which nothing came."""
        known = self._dropped.get((topic, kind), Dropped(topic, kind, 0, example))
        self._dropped[topic, kind] = Dropped(topic, kind, known.count + count, known.example)

    def report(
        self, problems: Sequence[str], *, wall_s: float, network_s: float,
    ) -> WorkReport:
        """Return the sums, with what is wrong with the bag and how long the work took."""
        return WorkReport(
            topics=tuple(
                TopicCount(
                    name, self._types[name], self._announced.get(name), self._read[name],
                    self._written[name]) for name in sorted(self._types)),
            cameras=tuple(self._camera(camera.image) for camera in self._cameras),
            dropped=tuple(self._dropped.values()),
            problems=tuple(problems),
            samples=tuple(sample for kept in self._samples.values() for sample in kept.samples),
            latency=Histogram.of(LATENCY_EDGES_MS, self._latency_ms),
            wall_s=wall_s, network_s=network_s)

    def _estimated(self, topic: str, stamp_ns: int, depth: DepthMap) -> None:
        self._counts[topic, 'estimated'] += 1
        self._counts[topic, depth.domain] += 1
        self._counts[topic, 'without_calibration'] += depth.camera is None
        self._depth[topic] += Histogram.of(
            DEPTH_EDGES_M, depth.depth_m[::DEPTH_STRIDE, ::DEPTH_STRIDE])
        span = DomainSpan(depth.domain, stamp_ns, stamp_ns)
        self._domains[topic] = joined(self._domains[topic], (span,))
        self._samples[topic].offer(topic, stamp_ns, depth)

    def _camera(self, topic: str) -> CameraReport:
        counts = {name: self._counts[topic, name] for name in (
            'estimated', 'indoor', 'outdoor', 'without_calibration', 'unscaled')}
        return CameraReport(
            topic=topic, frames=self._read[topic], depth=self._depth[topic],
            domains=self._domains[topic], scale_problem=self._scale_problems.get(topic, ''),
            **counts)


class _Thinned:
    """Keeps some of many frames, evenly spread however many come."""

    def __init__(self) -> None:
        self.samples: list[ImageSample] = []
        self._step = 1
        self._count = 0

    def offer(self, topic: str, stamp_ns: int, depth: DepthMap) -> None:
        if self._count % self._step == 0:
            if len(self.samples) == SAMPLES_KEPT:
                self.samples = self.samples[::2]
                self._step *= 2
            if self._count % self._step == 0:
                self.samples.append(_sample(topic, stamp_ns, depth))
        self._count += 1


def _sample(topic: str, stamp_ns: int, depth: DepthMap) -> ImageSample:
    picture = side_by_side(depth)
    height = max(1, round(picture.shape[0] * SAMPLE_WIDTH / picture.shape[1]))
    small = cv2.resize(picture, (SAMPLE_WIDTH, height), interpolation=cv2.INTER_AREA)
    file = cv2.imencode('.jpg', cv2.cvtColor(small, cv2.COLOR_RGB2BGR))[1]
    return ImageSample(topic, stamp_ns, depth.domain, b64encode(file.tobytes()).decode())
