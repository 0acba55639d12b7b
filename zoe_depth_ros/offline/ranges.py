# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The range sensor of a bag that tells the scale of depth."""

from __future__ import annotations

from collections.abc import Collection
from collections.abc import Iterator
from dataclasses import dataclass
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from zoe_depth_ros.bag.decode import deserialized
from zoe_depth_ros.bag.header import header_of
from zoe_depth_ros.bag.lenient import LenientReader
from zoe_depth_ros.bag.links import read_links
from zoe_depth_ros.bag.links import TF_TYPE
from zoe_depth_ros.bag.reader import BagMessage
from zoe_depth_ros.bag.reader import BagReader
from zoe_depth_ros.errors import BagError
from zoe_depth_ros.errors import ZoeDepthError
from zoe_depth_ros.frame_forest import frame_name
from zoe_depth_ros.frame_forest import FrameForest
from zoe_depth_ros.frame_forest import Link
from zoe_depth_ros.measurements import measured
from zoe_depth_ros.options import ScaleConfig
from zoe_depth_ros.poses import parse_pose
from zoe_depth_ros.range_track import Lookup
from zoe_depth_ros.range_track import RangeTrack

KINDS = {f'sensor_msgs/msg/{kind}': kind for kind in ('LaserScan', 'PointCloud2', 'Range')}
STATIC_TF = 'tf_static'
# Transforms recorded so long before and after a part count in it, ranges so long beyond max_age.
TF_MARGIN_NS = 10 * 10**9
RANGE_MARGIN_NS = 10**9


@dataclass(frozen=True)
class RangeTopic:
    """
    Where ranges are.

    :param name: of the topic.
    :param kind: 'LaserScan', 'PointCloud2' or 'Range'.
    """

    name: str
    kind: str


def find_ranges(bag: BagReader, wanted: str, leave_out: Collection[str]) -> RangeTopic:
    """
    Find the topic of a bag's range sensor.

    :param wanted: its name, '' for the only one.
    :param leave_out: topics that are none, whatever their type.
    :raises BagError: there is no such topic, or several to choose from.
    """
    found = [
        RangeTopic(topic.name, KINDS[topic.type_name]) for topic in bag.topics
        if topic.type_name in KINDS and topic.name not in leave_out]
    names = ', '.join(topic.name for topic in found) or 'none'
    chosen = [topic for topic in found if wanted in ('', topic.name)]
    if not chosen:
        raise BagError(
            f'bag {bag.path} has no topic {wanted or "of a range sensor"} of LaserScan, '
            f"PointCloud2 or Range for scale.source = 'range': {names}")
    if len(chosen) > 1:
        raise BagError(f'bag {bag.path} has several range sensors, name one: {names}')
    return chosen[0]


def read_ranges(
    bag: LenientReader, topic: RangeTopic, config: ScaleConfig, start_ns: int, stop_ns: int,
) -> RangeTrack:
    """
    Read what the range sensor measured around a part of a bag.

    :param config: its range_transform and max_age are used.
    :param start_ns: where the part begins, in time of recording.
    :param stop_ns: where it ends.
    """
    margin_ns = int(config.max_age * 1e9) + RANGE_MARGIN_NS
    track = RangeTrack(topic.name, _lookup(bag, config, start_ns, stop_ns))
    for message in bag.messages(
            [topic.name], start_ns=max(0, start_ns - margin_ns), stop_ns=stop_ns + margin_ns):
        _take(track, message, topic)
    return track


def _take(track: RangeTrack, message: BagMessage, topic: RangeTopic) -> None:
    try:
        header = header_of(message.cdr)
        track.add(header.stamp_ns, header.frame_id, measured(deserialized(message), topic.kind))
    except Exception as error:  # on damaged messages the bag library raises nearly anything
        track.refuse(f'{topic.name} cannot be used: {error}')


def _lookup(bag: LenientReader, config: ScaleConfig, start_ns: int, stop_ns: int) -> Lookup:
    """Return where frames are: as the option tells, or else the bag."""
    if config.range_transform:
        sensor_to_camera = parse_pose(config.range_transform, 'range_transform')
        return lambda target, source, stamp_ns: sensor_to_camera
    forest = FrameForest(_links(bag, start_ns, stop_ns))

    def lookup(target: str, source: str, stamp_ns: int) -> NDArray[np.float64]:
        matrix = forest.transform(frame_name(target), frame_name(source), stamp_ns)
        if matrix is None:
            raise ZoeDepthError(f'no transform from {source} to {target}')
        return matrix
    return lookup


def _links(bag: LenientReader, start_ns: int, stop_ns: int) -> Iterator[Link]:
    """Yield the transforms around a part of a bag; what is static holds at any time."""
    topics = [topic.name for topic in bag.topics if topic.type_name == TF_TYPE]
    static = [name for name in topics if name.endswith(STATIC_TF)]
    moving = [name for name in topics if name not in static]
    for message in bag.messages(static):
        for link in _readable_links(message):
            yield replace(link, stamp_ns=0)
    for message in bag.messages(
            moving, start_ns=max(0, start_ns - TF_MARGIN_NS), stop_ns=stop_ns + TF_MARGIN_NS):
        yield from _readable_links(message)


def _readable_links(message: BagMessage) -> list[Link]:
    try:
        return read_links(message)
    except BagError:
        return []  # what lacks it says that there is no transform
