# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""From a bag to a recording."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zoe_depth_ros.bag.decode import calibration
from zoe_depth_ros.bag.decode import colored_points
from zoe_depth_ros.bag.decode import depth
from zoe_depth_ros.bag.decode import picture
from zoe_depth_ros.bag.decode import scene
from zoe_depth_ros.bag.header import header_of
from zoe_depth_ros.bag.lenient import LenientReader
from zoe_depth_ros.bag.links import ODOMETRY_TYPE
from zoe_depth_ros.bag.links import read_links
from zoe_depth_ros.bag.links import TF_TYPE
from zoe_depth_ros.bag.reader import BagMessage
from zoe_depth_ros.bag.search import FILE_SUFFIXES
from zoe_depth_ros.camera import Calibration
from zoe_depth_ros.errors import BagError
from zoe_depth_ros.errors import ConfigError
from zoe_depth_ros.errors import ZoeDepthError
from zoe_depth_ros.frame_forest import FrameForest
from zoe_depth_ros.frame_forest import Link
from zoe_depth_ros.view.recording import Recording
from zoe_depth_ros.view.streams import find_streams
from zoe_depth_ros.view.streams import IMAGE
from zoe_depth_ros.view.streams import POINTS
from zoe_depth_ros.view.streams import SCENE
from zoe_depth_ros.view.streams import Stream


@dataclass(frozen=True)
class ViewReport:
    """
    What is in a recording.

    :param path: of the recording.
    :param frames: how many moments of its cameras are in it.
    :param shown: messages in it by topic.
    :param dropped: messages that could not be used, by topic and by why.
    :param problems: what is wrong with the files of the bag.
    """

    path: Path
    frames: int
    shown: Counter[str]
    dropped: Counter[tuple[str, str]]
    problems: tuple[str, ...]

    @property
    def is_whole(self) -> bool:
        """Whether nothing was lost."""
        return not (self.dropped or self.problems)

    @property
    def size_bytes(self) -> int:
        """What the recording takes on disk."""
        return self.path.stat().st_size


def recording_path(bag: Path) -> Path:
    """Return where the recording of a bag goes: beside it, named like it."""
    place = bag.resolve()
    return place.with_name(
        f'{place.stem if place.suffix in FILE_SUFFIXES else place.name}.rrd')


def write_recording(
    path: Path, output: Path, *, every: int = 1, force: bool = False,
    on_progress: Callable[[int, int], None] | None = None,
) -> ViewReport:
    """
    Write what can be seen in a bag as a recording for the Rerun viewer.

    :param path: bag of ROS 2 or ROS 1; damaged ones are read as far as they can be.
    :param output: .rrd file to make.
    :param every: of this many frames of a camera one is shown.
    :param force: replace an output that exists.
    :param on_progress: called with the messages that were read, and all there are.
    :raises BagError: the bag cannot be read, has nothing to look at, or the output exists.
    :raises ConfigError: every is not positive.
    """
    if every < 1:
        raise ConfigError(f'every = {every} is not at least 1')
    if output.exists() and not force:
        raise BagError(f'{output} exists already')
    bag = LenientReader(path)
    with bag:
        work = _Work(bag, every)
        streams = find_streams(bag)
        links, odometry = work.read_links()
        if not (streams or odometry):
            raise BagError(
                f'bag {path} has no image, depth, cloud, scene or odometry to look at: '
                f'{", ".join(sorted(topic.name for topic in bag.topics)) or "nothing"}')
        with Recording(output, path.resolve().name, streams, FrameForest(links)) as recording:
            for link in odometry:
                recording.add_pose(link.child, link.stamp_ns)
            work.copy(streams, recording, on_progress)
        return ViewReport(
            output, work.frames, work.shown, work.dropped + bag.unreadable, tuple(bag.problems))


class _Work:
    """Messages of a bag on their way into a recording."""

    def __init__(self, bag: LenientReader, every: int) -> None:
        self._bag = bag
        self._every = every
        self._stamps_ns: dict[str, dict[int, bool]] = {}
        self._calibrations: dict[str, Calibration] = {}
        self.shown: Counter[str] = Counter()
        self.dropped: Counter[tuple[str, str]] = Counter()

    @property
    def frames(self) -> int:
        """How many moments of the cameras were chosen."""
        return sum(sum(known.values()) for known in self._stamps_ns.values())

    def read_links(self) -> tuple[list[Link], list[Link]]:
        """Return all links of a bag, and those of odometry."""
        found: dict[str, list[Link]] = {TF_TYPE: [], ODOMETRY_TYPE: []}
        topics = [topic.name for topic in self._bag.topics if topic.type_name in found]
        for message in self._bag.messages(topics):
            found[message.type_name] += self._links(message)
        known = {link.child for link in found[TF_TYPE]}
        odometry = found[ODOMETRY_TYPE]
        return found[TF_TYPE] + [link for link in odometry if link.child not in known], odometry

    def copy(
        self, streams: Sequence[Stream], recording: Recording,
        on_progress: Callable[[int, int], None] | None,
    ) -> None:
        """Put the messages of some streams into a recording."""
        by_topic = {stream.topic: stream for stream in streams}
        infos = {stream.camera_info for stream in streams if stream.camera_info}
        wanted = {*by_topic, *infos}
        total = sum(topic.count for topic in self._bag.topics if topic.name in wanted)
        for info in infos:  # images may come before their calibration
            self._learn(next(self._bag.messages([info]), None))
        for number, message in enumerate(self._bag.messages(wanted), 1):
            if message.topic in by_topic:
                self._show(message, by_topic[message.topic], recording)
            else:
                self._learn(message)
            if on_progress is not None:
                on_progress(number, total)

    def _links(self, message: BagMessage) -> list[Link]:
        try:
            return read_links(message)
        except ZoeDepthError as error:
            self._drop(message, error)
            return []

    def _learn(self, message: BagMessage | None) -> None:
        if message is None:
            return
        try:
            self._calibrations[message.topic] = calibration(message)
        except ZoeDepthError as error:
            self._drop(message, error)

    def _show(self, message: BagMessage, stream: Stream, recording: Recording) -> None:
        try:
            stamp_ns = header_of(message.cdr).stamp_ns
            if stream.kind == SCENE:
                recording.add_scene(stream, stamp_ns, scene(message))
            elif not self._is_chosen(stream.frame, stamp_ns):
                return
            elif stream.kind == POINTS:
                recording.add_points(stream, stamp_ns, colored_points(message))
            else:
                self._show_picture(message, stream, stamp_ns, recording)
        except ZoeDepthError as error:
            self._drop(message, error)
        else:
            self.shown[message.topic] += 1

    def _show_picture(
        self, message: BagMessage, stream: Stream, stamp_ns: int, recording: Recording,
    ) -> None:
        known = self._calibrations.get(stream.camera_info or '')
        if stream.kind == IMAGE:
            rgb = picture(message)
            recording.add_image(stream, stamp_ns, rgb, _fitting(known, rgb))
        else:
            depth_m = depth(message)
            recording.add_depth(stream, stamp_ns, depth_m, _fitting(known, depth_m))

    def _is_chosen(self, frame: str, stamp_ns: int) -> bool:
        """Choose by stamp, so that what belongs together stays together."""
        known = self._stamps_ns.setdefault(frame, {})
        return known.setdefault(stamp_ns, len(known) % self._every == 0)

    def _drop(self, message: BagMessage, error: ZoeDepthError) -> None:
        self.dropped[message.topic, str(error)] += 1


def _fitting(known: Calibration | None, pixels: Any) -> Calibration | None:
    """Return a calibration for images of that size, None where it is for others."""
    is_fitting = known is not None and known.image_size == pixels.shape[1::-1]
    return known if is_fitting else None
