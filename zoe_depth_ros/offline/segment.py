# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""One part of a bag: reading, estimating and writing at the same time."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from contextlib import closing
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
import os
from pathlib import Path
import time

import numpy as np
from numpy.typing import NDArray

from zoe_depth_ros.bag.lenient import LenientReader
from zoe_depth_ros.bag.reader import BagMessage
from zoe_depth_ros.bag.writer import BagWriter
from zoe_depth_ros.inference import DepthEstimator
from zoe_depth_ros.inference import DepthMap
from zoe_depth_ros.inference.clouds import cloud_of
from zoe_depth_ros.inference.frames import FramePipeline
from zoe_depth_ros.inference.frames import PreparedImage
from zoe_depth_ros.offline.calibrations import Calibrations
from zoe_depth_ros.offline.calibrations import read_calibrations
from zoe_depth_ros.offline.cameras import CameraPlan
from zoe_depth_ros.offline.cameras import IMAGE_RECT
from zoe_depth_ros.offline.config import OfflineConfig
from zoe_depth_ros.offline.exports import Film
from zoe_depth_ros.offline.exports import side_by_side
from zoe_depth_ros.offline.exports import write_files
from zoe_depth_ros.offline.frames import decoded
from zoe_depth_ros.offline.frames import Estimation
from zoe_depth_ros.offline.frames import is_image
from zoe_depth_ros.offline.frames import Item
from zoe_depth_ros.offline.frames import prepared
from zoe_depth_ros.offline.frames import read_items
from zoe_depth_ros.offline.interrupt import held_interrupt
from zoe_depth_ros.offline.outputs import output_messages
from zoe_depth_ros.offline.overlap import mapped
from zoe_depth_ros.offline.overlap import prefetched
from zoe_depth_ros.offline.ranges import RangeTopic
from zoe_depth_ros.offline.ranges import read_ranges
from zoe_depth_ros.offline.report import WorkReport
from zoe_depth_ros.offline.tally import Tally

AHEAD_BYTES = 64 * 2**20
MOST_WORKERS = 4
LEAST_RATE_HZ, MOST_RATE_HZ = 1.0, 120.0


@dataclass(frozen=True)
class SegmentJob:
    """
    A part of a bag to do.

    :param number: of the part.
    :param start_ns: where it begins, in time of recording.
    :param stop_ns: where it ends; a message recorded then belongs to the next one.
    :param cameras: whose images become depth.
    :param kept: topics to copy.
    :param ranges: what the scale of depth comes from, None where it does not.
    :param duration_s: of the whole bag.
    :param path: bag to write.
    :param files: folder for exported files.
    :param config: how.
    """

    number: int
    start_ns: int
    stop_ns: int
    cameras: tuple[CameraPlan, ...]
    kept: tuple[str, ...]
    ranges: RangeTopic | None
    duration_s: float
    path: Path
    files: Path
    config: OfflineConfig

    @property
    def warm_up_ns(self) -> int:
        """How long before the start domain and scale are followed already; 0 for the first."""
        return int(self.config.warm_up_s * 1e9) if self.number else 0


@dataclass(frozen=True)
class SegmentProgress:
    """
    How far a part has come.

    :param frames: images done.
    :param dropped: messages from which nothing came.
    """

    frames: int
    dropped: int


@dataclass(frozen=True, eq=False)
class Finished:
    """
    A message with all that is to be written after it.

    :param item: the message.
    :param messages: what was made of it.
    :param picture: (H, W, 3) uint8 RGB for a film, None for none.
    """

    item: Item
    messages: list[BagMessage]
    picture: NDArray[np.uint8] | None


def process_segment(
    job: SegmentJob, bag: LenientReader, estimator: DepthEstimator,
    on_progress: Callable[[SegmentProgress], None] | None = None,
) -> WorkReport:
    """
    Write a part of a bag with the depth of its images; the output appears when complete.

    :param bag: the open bag, used by nobody else meanwhile.
    :param estimator: the loaded network.
    :param on_progress: called after every image.
    :raises BagError: the output cannot be written.
    :raises DeviceError: the network cannot compute.
    """
    start_s = time.perf_counter()
    first_ns = job.start_ns - job.warm_up_ns
    calibrations = {
        camera.image: read_calibrations(bag, camera.camera_info, first_ns, job.stop_ns)
        for camera in job.cameras}
    track = None if job.ranges is None else read_ranges(
        bag, job.ranges, job.config.node.scale, first_ns, job.stop_ns)
    bag.unreadable.clear()
    pipelines = {
        camera.image: FramePipeline(
            estimator, job.config.node, already_rectified=camera.already_rectified)
        for camera in job.cameras}
    estimation = Estimation(estimator, pipelines, job.config, track)
    passing = {*job.kept, *calibrations}
    types = {topic.name: topic.type_name for topic in bag.topics if topic.name in passing}
    tally = Tally(job.cameras, types, bag.announced)
    with held_interrupt() as raise_interrupt, ExitStack() as stages:
        stream = _stream(job, bag, calibrations, pipelines, estimation, stages)
        _write(job, bag, stream, tally, on_progress, raise_interrupt)
    for (topic, reason), count in bag.unreadable.items():
        tally.lost(topic, 'unreadable', count, reason)
    return tally.report(
        bag.problems, wall_s=time.perf_counter() - start_s, network_s=estimation.network_s)


def _stream(
    job: SegmentJob, bag: LenientReader, calibrations: dict[str, Calibrations],
    pipelines: dict[str, FramePipeline], estimation: Estimation, stages: ExitStack,
) -> Iterator[Finished]:
    """Yield the messages in their order, each stage in threads that end with `stages`."""
    workers = min(MOST_WORKERS, os.cpu_count() or 1)
    items = read_items(
        bag, job.kept, job.cameras, job.start_ns, job.stop_ns, job.warm_up_ns)
    images = prepared(mapped(decoded, items, workers, is_image), pipelines, calibrations)
    ahead = stages.enter_context(closing(prefetched(images, _size, AHEAD_BYTES)))
    estimated = stages.enter_context(
        closing(prefetched(estimation.run(ahead), _size, AHEAD_BYTES)))
    written = (item for item in estimated if not item.warms_up)
    return stages.enter_context(
        closing(mapped(partial(_finished, job), enumerate(written), workers, _is_work)))


def _size(item: Item) -> int:
    return item.size_bytes


def _is_work(numbered: tuple[int, Item]) -> bool:
    return numbered[1].frame is not None


def _finished(job: SegmentJob, numbered: tuple[int, Item]) -> Finished:
    number, item = numbered
    if item.frame is None or item.frame.depth is None or item.camera is None:
        return Finished(item, [], None)
    depth, header, config = item.frame.depth, item.frame.header, job.config
    cloud = None if depth.camera is None else cloud_of(depth, config.node.points)
    messages = output_messages(
        depth, cloud, item.camera, header, item.message.stamp_ns, config.node,
        with_image=_is_image_written(config.image_rect, item.camera, item.frame.image, depth))
    write_files(
        job.files, item.camera.label, f'{job.number:04d}_{number:06d}_{header.stamp_ns}',
        config.exports, depth, cloud)
    return Finished(item, messages, side_by_side(depth) if 'mp4' in config.exports else None)


def _is_image_written(
    choice: str, camera: CameraPlan, image: PreparedImage, depth: DepthMap,
) -> bool:
    if camera.image == camera.topic(IMAGE_RECT):
        return False  # it is the recorded one
    is_other = image.rectifier is not None or image.rgb.shape != depth.rgb.shape
    return choice == 'always' or (choice == 'auto' and is_other)


def _write(
    job: SegmentJob, bag: LenientReader, stream: Iterator[Finished], tally: Tally,
    on_progress: Callable[[SegmentProgress], None] | None, raise_interrupt: Callable[[], None],
) -> None:
    frames = 0
    with ExitStack() as open_files:
        films = {camera.image: open_files.enter_context(_film(job, camera))
                 for camera in job.cameras}
        writer = open_files.enter_context(BagWriter(
            job.path, storage=job.config.storage, records=bag.records))
        for finished in stream:
            raise_interrupt()
            item = finished.item
            tally.passed(item)
            kept = [item.message] if item.message.topic in job.kept else []
            for message in (*kept, *finished.messages):
                writer.write(message)
                tally.written(message)
            if finished.picture is not None:
                films[item.message.topic].add(finished.picture)
            if is_image(item):
                frames += 1
                if on_progress is not None:
                    on_progress(SegmentProgress(frames, tally.dropped))


def _film(job: SegmentJob, camera: CameraPlan) -> Film:
    rate_hz = camera.frames / job.duration_s if job.duration_s else LEAST_RATE_HZ
    return Film(
        job.files / 'mp4' / f'{camera.label}_{job.number:04d}.mp4',
        min(MOST_RATE_HZ, max(LEAST_RATE_HZ, rate_hz)))
