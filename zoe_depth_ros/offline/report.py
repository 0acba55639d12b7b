# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What a run tells of itself, kept as JSON beside the bags it wrote."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from dataclasses import dataclass
from dataclasses import is_dataclass
from dataclasses import replace
import json
from typing import Any
from typing import get_args
from typing import get_origin
from typing import get_type_hints
from typing import TypeVar

import numpy as np

from zoe_depth_ros.errors import BagError
from zoe_depth_ros.offline.histogram import Histogram

# Ten steps a decade.
DEPTH_EDGES_M = tuple(round(float(edge), 4) for edge in np.logspace(-1, 2, 31))
LATENCY_EDGES_MS = tuple(round(float(edge), 4) for edge in np.logspace(0, 5, 51))
SAMPLES_KEPT = 12

NO_DEPTH = Histogram.of(DEPTH_EDGES_M, [])
NO_LATENCY = Histogram.of(LATENCY_EDGES_MS, [])


@dataclass(frozen=True)
class Dropped:
    """
    Messages from which nothing came.

    :param topic: where they were.
    :param kind: what kind of error.
    :param count: how many.
    :param example: what was wrong with the first.
    """

    topic: str
    kind: str
    count: int
    example: str


@dataclass(frozen=True)
class TopicCount:
    """
    Messages of a topic.

    :param topic: its name.
    :param type_name: its message type.
    :param recorded: how many the bag says it has, None where it does not say.
    :param read: how many could be read.
    :param written: how many are in the output.
    """

    topic: str
    type_name: str
    recorded: int | None
    read: int
    written: int


@dataclass(frozen=True)
class ImageSample:
    """
    A frame as a thumbnail.

    :param topic: image topic.
    :param stamp_ns: of the image, nanoseconds.
    :param domain: 'indoor' or 'outdoor'.
    :param jpeg_base64: image and coloured depth side by side.
    """

    topic: str
    stamp_ns: int
    domain: str
    jpeg_base64: str


@dataclass(frozen=True)
class DomainSpan:
    """
    Images one after the other whose depth is of one domain.

    :param domain: 'indoor' or 'outdoor'.
    :param start_ns: stamp of the first, nanoseconds.
    :param stop_ns: stamp of the last.
    """

    domain: str
    start_ns: int
    stop_ns: int


@dataclass(frozen=True)
class CameraReport:
    """
    What became of the images of one camera.

    :param topic: its image topic.
    :param frames: images read.
    :param estimated: images whose depth was written.
    :param indoor: estimated with the indoor head.
    :param outdoor: estimated with the outdoor head.
    :param without_calibration: estimated without camera_info, hence without points.
    :param depth: pixels by depth, metres; unknown ones are among the others.
    :param domains: over time.
    :param unscaled: estimated while their scale was not known although it was asked for.
    :param scale_problem: why it was not, the last time.
    """

    topic: str
    frames: int
    estimated: int
    indoor: int
    outdoor: int
    without_calibration: int
    depth: Histogram
    domains: tuple[DomainSpan, ...] = ()
    unscaled: int = 0
    scale_problem: str = ''

    @property
    def is_scaled(self) -> bool:
        """Whether some of its depth has the scale that was asked for."""
        return not self.estimated or self.unscaled < self.estimated


@dataclass(frozen=True)
class WorkReport:
    """
    What was done in a part of a bag, or in all of it.

    :param topics: in the order of their names.
    :param cameras: in the order they were asked for.
    :param dropped: messages that came to nothing, and why.
    :param problems: what is wrong with the files of the bag.
    :param samples: some frames.
    :param latency: frames by milliseconds from reading to writing.
    :param wall_s: how long it took.
    :param network_s: how long of that the network computed.
    """

    topics: tuple[TopicCount, ...] = ()
    cameras: tuple[CameraReport, ...] = ()
    dropped: tuple[Dropped, ...] = ()
    problems: tuple[str, ...] = ()
    samples: tuple[ImageSample, ...] = ()
    latency: Histogram = NO_LATENCY
    wall_s: float = 0.0
    network_s: float = 0.0

    @property
    def frames(self) -> int:
        """Images read."""
        return sum(camera.frames for camera in self.cameras)

    @property
    def estimated(self) -> int:
        """Images whose depth was written."""
        return sum(camera.estimated for camera in self.cameras)


@dataclass(frozen=True)
class BagReport:
    """
    What became of a bag.

    :param name: of the output.
    :param source: path of the bag.
    :param source_bytes: its size.
    :param config: options it was made with, as plain values.
    :param segments: files of the output.
    :param work: what was done.
    """

    name: str
    source: str
    source_bytes: int
    config: dict[str, Any]
    segments: int
    work: WorkReport

    @property
    def is_whole(self) -> bool:
        """Whether nothing was damaged, nothing dropped, and the scale found of every camera."""
        work = self.work
        return not work.problems and not work.dropped and all(
            camera.is_scaled for camera in work.cameras)


@dataclass(frozen=True)
class Failure:
    """
    A bag from which nothing could be made.

    :param source: path of the bag.
    :param reason: why.
    """

    source: str
    reason: str


@dataclass(frozen=True)
class RunReport:
    """
    What became of every bag of a run.

    :param bags: those that have an output, also from earlier runs.
    :param failures: those that can have none.
    :param unfinished: those that an interrupted run left, with what is complete of them.
    """

    bags: tuple[BagReport, ...]
    failures: tuple[Failure, ...]
    unfinished: tuple[BagReport, ...] = ()

    @property
    def is_whole(self) -> bool:
        """Whether every bag was whole and has an output."""
        return not (self.failures or self.unfinished) and all(bag.is_whole for bag in self.bags)


def merged(parts: Iterable[WorkReport]) -> WorkReport:
    """Return the sum of what was done in the parts of a bag."""
    total = WorkReport()
    for part in parts:
        total = _sum(total, part)
    step = -(-len(total.samples) // SAMPLES_KEPT) or 1
    return replace(total, samples=total.samples[::step])


def joined(
    before: tuple[DomainSpan, ...], after: tuple[DomainSpan, ...],
) -> tuple[DomainSpan, ...]:
    """Return spans one after the other, with no two of one domain in a row."""
    if not before or not after or before[-1].domain != after[0].domain:
        return before + after
    return (*before[:-1], replace(before[-1], stop_ns=after[0].stop_ns), *after[1:])


def _sum(a: WorkReport, b: WorkReport) -> WorkReport:
    topics = {item.topic: item for item in a.topics}
    for topic in b.topics:
        before = topics.get(topic.topic, replace(topic, read=0, written=0))
        topics[topic.topic] = replace(
            before, read=before.read + topic.read, written=before.written + topic.written)
    cameras = {item.topic: item for item in a.cameras}
    for camera in b.cameras:
        cameras[camera.topic] = (
            _camera_sum(cameras[camera.topic], camera) if camera.topic in cameras else camera)
    dropped = {(item.topic, item.kind): item for item in a.dropped}
    for item in b.dropped:
        earlier = dropped.get((item.topic, item.kind), replace(item, count=0))
        dropped[item.topic, item.kind] = replace(earlier, count=earlier.count + item.count)
    return WorkReport(
        tuple(topics[name] for name in sorted(topics)), tuple(cameras.values()),
        tuple(dropped.values()), tuple(dict.fromkeys(a.problems + b.problems)),
        a.samples + b.samples, a.latency + b.latency,
        a.wall_s + b.wall_s, a.network_s + b.network_s)


def _camera_sum(a: CameraReport, b: CameraReport) -> CameraReport:
    return CameraReport(
        a.topic, a.frames + b.frames, a.estimated + b.estimated, a.indoor + b.indoor,
        a.outdoor + b.outdoor, a.without_calibration + b.without_calibration, a.depth + b.depth,
        joined(a.domains, b.domains), a.unscaled + b.unscaled, b.scale_problem or a.scale_problem)


Report = TypeVar('Report')


def to_json(report: object) -> str:
    """Return a report of any of these classes as JSON."""
    return json.dumps(asdict(report), indent=1)  # type: ignore[call-overload]


def from_json(cls: type[Report], text: str) -> Report:
    """
    Rebuild a report from `to_json()`.

    :raises BagError: the text is no such report.
    """
    try:
        return _build(cls, json.loads(text))
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise BagError(f'text is no {cls.__name__}: {error!r}') from error


def _build(kind: Any, value: Any) -> Any:
    if is_dataclass(kind) and isinstance(kind, type):
        hints = get_type_hints(kind)
        return kind(**{name: _build(hints[name], item) for name, item in value.items()})
    if get_origin(kind) is tuple:
        return tuple(_build(get_args(kind)[0], item) for item in value)
    return value
