# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Which topics of a bag are a camera's image, its camera_info and its depth."""

from __future__ import annotations

from collections.abc import Collection
from collections.abc import Iterable
from dataclasses import dataclass

from zoe_depth_ros.bag.decode import depth
from zoe_depth_ros.bag.decode import deserialized
from zoe_depth_ros.bag.decode import picture
from zoe_depth_ros.bag.reader import BagMessage
from zoe_depth_ros.bag.reader import BagReader
from zoe_depth_ros.bag.reader import BagTopic
from zoe_depth_ros.encoding import DEPTH_FORMATS
from zoe_depth_ros.encoding import is_depth_format
from zoe_depth_ros.errors import BagError
from zoe_depth_ros.errors import ImageError

IMAGE_TYPE = 'sensor_msgs/msg/Image'
COMPRESSED_TYPE = 'sensor_msgs/msg/CompressedImage'
CAMERA_INFO_TYPE = 'sensor_msgs/msg/CameraInfo'
COMPRESSED_SUFFIX = '/compressed'
COMPRESSED_DEPTH_SUFFIX = '/compressedDepth'


@dataclass(frozen=True)
class CameraTopics:
    """
    The topics of one camera.

    :param image: raw or compressed images.
    :param camera_info: their calibration, None where the bag has none.
    """

    image: BagTopic
    camera_info: BagTopic | None

    @property
    def is_compressed(self) -> bool:
        """Whether the images are compressed."""
        return self.image.type_name == COMPRESSED_TYPE


def find_camera(
    bag: BagReader, image_topic: str | None = None, leave_out: Collection[str] = (),
) -> CameraTopics:
    """
    Find a camera's topics by their types.

    :param image_topic: the camera's image topic; by default the only one that holds pictures,
        of which a raw one is preferred to its compressed twin.
    :param leave_out: topics that are not the default, unless there is no other.
    :raises BagError: there is no such topic, or several cameras to choose from.
    """
    image = _find_image(bag, image_topic, leave_out)
    return CameraTopics(image, _find_camera_info(bag, image))


def find_depth(
    bag: BagReader, image: BagTopic, depth_topic: str | None = None,
) -> BagTopic | None:
    """
    Find the depth that was measured for the pixels of an image.

    :param depth_topic: its topic, raw, compressed or compressedDepth; by default the first one of
        the same size and frame as the image.
    :return: the topic, None where the bag has none.
    """
    if depth_topic is not None:
        return next((topic for topic in _depths(bag) if topic.name == depth_topic), None)
    return next(iter(find_depths(bag, image)), None)


def find_depths(bag: BagReader, image: BagTopic) -> list[BagTopic]:
    """Return all depth of an image's size and frame, without the compressed twins of others."""
    wanted = _size_and_frame(bag, image)
    fitting = [topic for topic in _depths(bag) if _size_and_frame(bag, topic) == wanted]
    names = {topic.name for topic in fitting}
    return [topic for topic in fitting if not _is_twin(topic.name, names)]


def _depths(bag: BagReader) -> list[BagTopic]:
    return [topic for topic in _of_type(bag, IMAGE_TYPE, COMPRESSED_TYPE)
            if not _is_picture(bag, topic)]


def camera_infos_beside(image_topic: str) -> list[str]:
    """Return where the camera_info of an image may be, the likeliest first."""
    namespace, _, name = image_topic.removesuffix(COMPRESSED_SUFFIX).rpartition('/')
    found = [f'{namespace}/camera_info']
    if name == 'image_rect':  # as a depth node calls what it made depth from
        found.append(f'{namespace}/depth/camera_info')
    return found


def _find_image(bag: BagReader, wanted: str | None, leave_out: Collection[str]) -> BagTopic:
    pictures = [
        topic for topic in _of_type(bag, IMAGE_TYPE, COMPRESSED_TYPE) if _is_picture(bag, topic)]
    names = {topic.name for topic in pictures}
    chosen = [
        topic for topic in pictures
        if topic.name == wanted or (wanted is None and not _is_twin(topic.name, names))]
    if len(chosen) > 1:
        chosen = [topic for topic in chosen if topic.name not in leave_out]
    if len(chosen) == 1:
        return chosen[0]
    needed = f'no image topic {wanted}' if wanted else f'{len(chosen)} image topics, not one'
    raise BagError(f'bag {bag.path} has {needed}: {_listed(pictures or bag.topics)}')


def _find_camera_info(bag: BagReader, image: BagTopic) -> BagTopic | None:
    topics = {topic.name: topic for topic in _of_type(bag, CAMERA_INFO_TYPE)}
    beside = [topics[name] for name in camera_infos_beside(image.name) if name in topics]
    chosen = beside[:1] or list(topics.values())
    if len(chosen) > 1:
        raise BagError(
            f'bag {bag.path} has {len(chosen)} camera_info topics, none beside {image.name}: '
            f'{_listed(chosen)}')
    return chosen[0] if chosen else None


def _of_type(bag: BagReader, *type_names: str) -> list[BagTopic]:
    return [topic for topic in bag.topics if topic.type_name in type_names and topic.count]


def _is_picture(bag: BagReader, topic: BagTopic) -> bool:
    message = deserialized(_first(bag, topic))
    if topic.type_name == COMPRESSED_TYPE:
        return not is_depth_format(message.format)
    return message.encoding not in DEPTH_FORMATS


def _size_and_frame(bag: BagReader, topic: BagTopic) -> tuple[int, int, str] | None:
    """Return height, width and frame of the first image, None where it does not decode."""
    message = _first(bag, topic)
    content = deserialized(message)
    if topic.type_name == IMAGE_TYPE:
        return content.height, content.width, content.header.frame_id
    try:
        pixels = picture(message) if _is_picture(bag, topic) else depth(message)
    except ImageError:
        return None
    return *pixels.shape[:2], content.header.frame_id


def _is_twin(name: str, names: Collection[str]) -> bool:
    """Return whether the same images are there uncompressed."""
    return any(
        name.endswith(suffix) and name.removesuffix(suffix) in names
        for suffix in (COMPRESSED_SUFFIX, COMPRESSED_DEPTH_SUFFIX))


def _first(bag: BagReader, topic: BagTopic) -> BagMessage:
    return next(bag.messages([topic.name]))


def _listed(topics: Iterable[BagTopic]) -> str:
    return ', '.join(f'{topic.name} ({topic.type_name})' for topic in topics) or 'nothing'
