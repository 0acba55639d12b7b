# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Which topics of a bag can be looked at, and what they show."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from zoe_depth_ros.bag.decode import deserialized
from zoe_depth_ros.bag.decode import scene
from zoe_depth_ros.bag.header import header_of
from zoe_depth_ros.bag.reader import BagMessage
from zoe_depth_ros.bag.reader import BagReader
from zoe_depth_ros.bag.reader import BagTopic
from zoe_depth_ros.bag.topics import CAMERA_INFO_TYPE
from zoe_depth_ros.bag.topics import camera_infos_beside
from zoe_depth_ros.bag.topics import COMPRESSED_SUFFIX
from zoe_depth_ros.bag.topics import COMPRESSED_TYPE
from zoe_depth_ros.bag.topics import IMAGE_TYPE
from zoe_depth_ros.encoding import DEPTH_FORMATS
from zoe_depth_ros.encoding import is_depth_format
from zoe_depth_ros.errors import ZoeDepthError
from zoe_depth_ros.frame_forest import frame_name

IMAGE, DEPTH, STD_DEV, POINTS, SCENE = 'image', 'depth', 'std_dev', 'points', 'scene'
POINTS_TYPE = 'sensor_msgs/msg/PointCloud2'
SCENE_TYPE = 'diagnostic_msgs/msg/DiagnosticArray'
TYPES = (IMAGE_TYPE, COMPRESSED_TYPE, POINTS_TYPE, SCENE_TYPE)
TWIN_SUFFIXES = (COMPRESSED_SUFFIX, '/compressedDepth')


@dataclass(frozen=True)
class Stream:
    """
    A topic to look at.

    :param topic: its name.
    :param kind: IMAGE, DEPTH, STD_DEV, POINTS or SCENE.
    :param frame: name of the frame it was measured in.
    :param camera_info: topic of its calibration, None where there is none.
    """

    topic: str
    kind: str
    frame: str
    camera_info: str | None = None

    @property
    def is_picture(self) -> bool:
        """Whether its messages have pixels."""
        return self.kind in (IMAGE, DEPTH, STD_DEV)

    @property
    def is_rectified(self) -> bool:
        """Whether its camera is an ideal pinhole: as depth is, and what image_proc makes."""
        name = plain_name(self.topic).rpartition('/')[2]
        return self.kind != IMAGE or name.startswith('image_rect')


def find_streams(bag: BagReader) -> tuple[Stream, ...]:
    """
    Find what can be looked at by type and first message, of raw and compressed twins the raw one.

    Depth on a topic that ends in std_dev is a standard deviation.
    """
    names = {topic.name for topic in bag.topics if topic.count}
    infos = [topic.name for topic in bag.topics
             if topic.type_name == CAMERA_INFO_TYPE and topic.count]
    found = (
        _stream(bag, topic, infos) for topic in bag.topics
        if topic.type_name in TYPES and topic.count and not _is_twin(topic.name, names))
    return tuple(stream for stream in found if stream is not None)


def plain_name(topic: str) -> str:
    """Return the name of an image topic without what a transport adds to it."""
    for suffix in TWIN_SUFFIXES:
        topic = topic.removesuffix(suffix)
    return topic


def _stream(bag: BagReader, topic: BagTopic, infos: Collection[str]) -> Stream | None:
    message = next(bag.messages([topic.name]), None)
    if message is None:
        return None
    try:
        kind = _kind(message)
        frame = frame_name(header_of(message.cdr).frame_id)
    except ZoeDepthError:
        return None
    stream = Stream(topic.name, kind, frame)
    info = _camera_info(topic.name, infos) if stream.is_picture else None
    return Stream(topic.name, kind, frame, info)


def _kind(message: BagMessage) -> str:
    if message.type_name == POINTS_TYPE:
        return POINTS
    if message.type_name == SCENE_TYPE:
        scene(message)
        return SCENE
    content = deserialized(message)
    is_depth = (
        is_depth_format(content.format) if message.type_name == COMPRESSED_TYPE
        else content.encoding in DEPTH_FORMATS)
    if not is_depth:
        return IMAGE
    return STD_DEV if plain_name(message.topic).endswith('std_dev') else DEPTH


def _camera_info(topic: str, infos: Collection[str]) -> str | None:
    """Return the camera_info beside a topic, or the only one."""
    beside = [name for name in camera_infos_beside(plain_name(topic)) if name in infos]
    return next(iter(beside or (infos if len(infos) == 1 else ())), None)


def _is_twin(name: str, names: Collection[str]) -> bool:
    """Return whether the same images are there uncompressed."""
    return plain_name(name) != name and plain_name(name) in names
