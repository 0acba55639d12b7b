# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Bags of a camera with a depth sensor as data sets."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
import logging
from pathlib import Path

from zoe_depth_ros.bag.decode import calibration
from zoe_depth_ros.bag.decode import depth
from zoe_depth_ros.bag.decode import picture
from zoe_depth_ros.bag.index import find_moments
from zoe_depth_ros.bag.index import MessageSeries
from zoe_depth_ros.bag.index import Moment
from zoe_depth_ros.bag.reader import BagReader
from zoe_depth_ros.bag.reader import BagTopic
from zoe_depth_ros.bag.topics import find_camera
from zoe_depth_ros.bag.topics import find_depth
from zoe_depth_ros.bag.topics import find_depths
from zoe_depth_ros.datasets.config import DatasetConfig
from zoe_depth_ros.datasets.sample import Sample
from zoe_depth_ros.errors import BagError
from zoe_depth_ros.errors import ImageError
from zoe_depth_ros.geometry import Rectifier

LOGGER = logging.getLogger(__name__)


class BagImages:
    """
    Images of a topic, rectified, each with the depth that was measured at the same time.

    Depth is expected for the pixels of the image as it was recorded: of the same camera (or
    registered to it) and of the same size.

    :param config: path of the bag, its topics, and how far stamps may differ.
    :raises BagError: there is no such bag, it is damaged, or lacks the topics.
    :raises CameraError: the calibration cannot be used.
    """

    are_made = False

    def __init__(self, config: DatasetConfig) -> None:
        self.name = f'bag {config.path}'
        self._domain = config.domain
        path = Path(config.path)
        with BagReader(path) as bag:
            camera = find_camera(bag, config.image_topic or None)
            depth_topic = _depth_topic(bag, camera.image, config.depth_topic).name
            self._rectifier = _rectifier(bag, camera.camera_info)
            moments = find_moments(bag, [camera.image.name, depth_topic])
        images = moments[camera.image.name]
        pairs = _pairs(images, moments[depth_topic], round(config.max_stamp_difference_s * 1e9))
        if len(pairs) < len(images):
            LOGGER.warning(
                '%s: %d of %d images of %s have no depth of their own within %g s on %s',
                self.name, len(images) - len(pairs), len(images), camera.image.name,
                config.max_stamp_difference_s, depth_topic)
        self._images = MessageSeries(path, camera.image.name, [image for image, _ in pairs])
        self._depths = MessageSeries(path, depth_topic, [measured for _, measured in pairs])

    def __len__(self) -> int:
        return len(self._images)

    def name_of(self, number: int) -> str:
        """Return bag, topic and stamp of an image."""
        seconds, nanoseconds = divmod(self._images.moments[number].stamp_ns, 10**9)
        return f'{self.name} {self._images.topic} at {seconds}.{nanoseconds:09}'

    def load(self, number: int) -> Sample:
        """
        Return an image with its depth.

        :raises ZoeDepthError: it cannot be used.
        """
        rgb, depth_m = picture(self._images[number]), depth(self._depths[number])
        if depth_m.shape != rgb.shape[:2]:
            raise ImageError(
                f'depth on {self._depths.topic} of {depth_m.shape[1]}x{depth_m.shape[0]} does '
                f'not fit its image of {rgb.shape[1]}x{rgb.shape[0]}')
        camera = None
        if self._rectifier is not None:
            rgb, depth_m = self._rectifier.rectify(rgb), self._rectifier.rectify_depth(depth_m)
            camera = self._rectifier.camera
        return Sample(rgb, depth_m, camera, self._domain, self.name_of(number))


def _depth_topic(bag: BagReader, image: BagTopic, wanted: str) -> BagTopic:
    if not wanted and len(fitting := find_depths(bag, image)) > 1:
        raise BagError(
            f'bag {bag.path} has {len(fitting)} depth topics of the size and frame of '
            f'{image.name}, not one: {", ".join(topic.name for topic in fitting)}')
    topic = find_depth(bag, image, wanted or None)
    if topic is None:
        needed = wanted or f'of the size and frame of {image.name}'
        raise BagError(f'bag {bag.path} has no depth topic {needed}')
    return topic


def _rectifier(bag: BagReader, camera_info: BagTopic | None) -> Rectifier | None:
    if camera_info is None:
        return None
    return Rectifier(calibration(next(bag.messages([camera_info.name]))))


def _pairs(
    images: Sequence[Moment], depths: Sequence[Moment], limit_ns: int,
) -> list[tuple[Moment, Moment]]:
    """Return the images and depths each of which is nearest to the other, in the images' order."""
    ordered = sorted(depths, key=_stamp_ns)
    chosen: dict[Moment, tuple[int, int]] = {}
    for number, image in enumerate(images):
        difference_ns, measured = _nearest(image, ordered)
        if difference_ns < chosen.get(measured, (limit_ns + 1, 0))[0]:
            chosen[measured] = difference_ns, number
    pairs = sorted((number, measured) for measured, (_, number) in chosen.items())
    return [(images[number], measured) for number, measured in pairs]


def _nearest(image: Moment, ordered: Sequence[Moment]) -> tuple[int, Moment]:
    """Return the depth nearest to an image, after their difference in nanoseconds."""
    at = bisect_left(ordered, image.stamp_ns, key=_stamp_ns)
    return min((abs(measured.stamp_ns - image.stamp_ns), measured)
               for measured in ordered[max(0, at - 1):at + 1])


def _stamp_ns(moment: Moment) -> int:
    return moment.stamp_ns
