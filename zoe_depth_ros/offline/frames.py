# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The stream of messages of a bag, and what becomes of the images in it."""

from __future__ import annotations

from collections.abc import Collection
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import replace
import time

from zoe_depth_ros.bag.decode import picture
from zoe_depth_ros.bag.encode import Stamped
from zoe_depth_ros.bag.header import header_of
from zoe_depth_ros.bag.lenient import LenientReader
from zoe_depth_ros.bag.reader import BagMessage
from zoe_depth_ros.errors import ImageError
from zoe_depth_ros.errors import ZoeDepthError
from zoe_depth_ros.inference import DepthEstimator
from zoe_depth_ros.inference import DepthMap
from zoe_depth_ros.inference.frames import estimate_frames
from zoe_depth_ros.inference.frames import Frame as CameraFrame
from zoe_depth_ros.inference.frames import FramePipeline
from zoe_depth_ros.inference.frames import PreparedImage
from zoe_depth_ros.offline.calibrations import Calibrations
from zoe_depth_ros.offline.cameras import CameraPlan
from zoe_depth_ros.offline.config import OfflineConfig
from zoe_depth_ros.range_track import RangeTrack


@dataclass(frozen=True, eq=False)
class Frame:
    """
    An image on its way to depth.

    :param header: of the image.
    :param image: as the camera sent it, then undistorted.
    :param depth: its depth, None so far.
    :param scale_problem: why its scale is not known although it is asked for, '' otherwise.
    """

    header: Stamped
    image: PreparedImage
    depth: DepthMap | None = None
    scale_problem: str = ''


@dataclass(frozen=True, eq=False)
class Item:
    """
    A message on its way through.

    :param message: as it lies in the bag.
    :param read_s: when it was read, by `time.perf_counter()`.
    :param camera: where it is an image.
    :param frame: its content, None where it is no image or cannot be decoded.
    :param error: why nothing came of it.
    :param warms_up: it belongs to the part before, and is not written again.
    """

    message: BagMessage
    read_s: float
    camera: CameraPlan | None = None
    frame: Frame | None = None
    error: ZoeDepthError | None = None
    warms_up: bool = False

    @property
    def size_bytes(self) -> int:
        """Memory it takes."""
        size = len(self.message.cdr)
        if self.frame is not None:
            size += self.frame.image.rgb.nbytes
            depth = self.frame.depth
            size += 0 if depth is None else 2 * depth.depth_m.nbytes
        return size


def read_items(
    bag: LenientReader, topics: Collection[str], cameras: Sequence[CameraPlan], start_ns: int,
    stop_ns: int, warm_up_ns: int = 0,
) -> Iterator[Item]:
    """
    Yield the messages of some topics and of the images, as they were recorded.

    :param warm_up_ns: yield the images of so long before the start too.
    """
    by_topic = {camera.image: camera for camera in cameras}
    if warm_up_ns:
        for message in bag.messages({*by_topic}, start_ns=start_ns - warm_up_ns, stop_ns=start_ns):
            yield Item(message, time.perf_counter(), by_topic[message.topic], warms_up=True)
        bag.unreadable.clear()  # counted with the part before
    wanted = {*topics, *by_topic}
    for message in bag.messages(wanted, start_ns=start_ns, stop_ns=stop_ns):
        yield Item(message, time.perf_counter(), by_topic.get(message.topic))


def is_image(item: Item) -> bool:
    """Return whether an item is an image."""
    return item.camera is not None


def decoded(item: Item) -> Item:
    """Return the item with its image decoded, or with the reason why it does not decode."""
    if item.camera is None:
        return item
    try:
        image = PreparedImage(picture(item.message), None, None)
        return replace(item, frame=Frame(header_of(item.message.cdr), image))
    except ZoeDepthError as error:
        return replace(item, error=error)
    except Exception as error:  # on damaged messages the bag library raises nearly anything
        return replace(item, error=ImageError(f'message does not decode: {error}'))


def prepared(
    items: Iterable[Item], pipelines: Mapping[str, FramePipeline],
    calibrations: Mapping[str, Calibrations],
) -> Iterator[Item]:
    """
    Yield the items with images undistorted, or with the reason why they cannot be.

    :param pipelines: by image topic.
    :param calibrations: by image topic.
    """
    for item in items:
        if item.frame is None:
            yield item
            continue
        topic, frame = item.message.topic, item.frame
        calibration = calibrations[topic].nearest(frame.header.stamp_ns)
        try:
            image = pipelines[topic].prepare(frame.image.rgb, calibration)
            yield replace(item, frame=replace(frame, image=image))
        except ZoeDepthError as error:
            yield replace(item, frame=None, error=error)


class Estimation:
    """
    Depth for a stream of items, in batches; it counts the time the network takes.

    :param estimator: the loaded network.
    :param pipelines: by image topic.
    :param config: its batch and scale are used.
    :param ranges: what the scale comes from, None where it does not.
    """

    def __init__(
        self, estimator: DepthEstimator, pipelines: Mapping[str, FramePipeline],
        config: OfflineConfig, ranges: RangeTrack | None = None,
    ) -> None:
        self._estimator = estimator
        self._pipelines = pipelines
        self._batch = config.batch
        self._scale = config.node.scale
        self._ranges = ranges
        self.network_s = 0.0

    def run(self, items: Iterable[Item]) -> Iterator[Item]:
        """Yield the items in their order, images with depth."""
        waiting: list[Item] = []
        frames = 0
        for item in items:
            waiting.append(item)
            frames += item.frame is not None
            if frames in (0, self._batch):
                yield from self._estimated(waiting)
                waiting, frames = [], 0
        yield from self._estimated(waiting)

    def _estimated(self, items: list[Item]) -> list[Item]:
        frames = [
            CameraFrame(
                self._pipelines[item.message.topic], item.frame.image,
                item.frame.header.stamp_ns / 1e9)
            for item in items if item.frame is not None]
        if not frames:
            return items
        start_s = time.perf_counter()
        depths = estimate_frames(self._estimator, frames)
        self.network_s += time.perf_counter() - start_s
        waiting = iter(depths)
        return [
            item if item.frame is None
            else replace(item, frame=self._finished(
                item.frame, self._pipelines[item.message.topic], next(waiting)))
            for item in items]

    def _finished(self, frame: Frame, pipeline: FramePipeline, depth: DepthMap) -> Frame:
        """Return a frame with depth in its true scale, as far as that is known."""
        reading, problem, header = None, '', frame.header
        if self._ranges is not None:
            try:
                reading = self._ranges.reading(
                    depth.depth_m, depth.camera, header.stamp_ns, header.frame_id, self._scale)
            except ZoeDepthError as error:
                problem = str(error)
        shown = pipeline.finish(depth, header.stamp_ns / 1e9, reading=reading)
        return replace(
            frame, depth=shown,
            scale_problem=pipeline.scale_problem(shown, shown.ground, problem))
