# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The cameras of a bag, and where their depth goes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from zoe_depth_ros.bag.reader import BagReader
from zoe_depth_ros.bag.topics import CameraTopics
from zoe_depth_ros.bag.topics import COMPRESSED_SUFFIX
from zoe_depth_ros.bag.topics import find_camera
from zoe_depth_ros.errors import BagError

NODE_NAME = 'depth_node'
# What the live node calls its outputs.
DEPTH, CAMERA_INFO, POINTS = 'depth/image', 'depth/camera_info', 'points'
SCENE, SCALE, STD_DEV, IMAGE_RECT = 'scene', 'scale', 'depth/std_dev', 'image_rect'
OUTPUTS = (DEPTH, CAMERA_INFO, POINTS, SCENE, SCALE, STD_DEV, IMAGE_RECT)


@dataclass(frozen=True)
class CameraPlan:
    """
    A camera and where its depth goes.

    :param image: its image topic.
    :param camera_info: its camera_info topic, None where there is none.
    :param frames: how many images the bag has of it.
    :param namespace: of the output topics, such as '/depth_node'.
    """

    image: str
    camera_info: str | None
    frames: int
    namespace: str

    @property
    def already_rectified(self) -> bool:
        """Whether its images are undistorted although their calibration tells of distortion."""
        return _plain(self.image).rpartition('/')[2].startswith('image_rect')

    @property
    def label(self) -> str:
        """Its image topic as a part of a file name."""
        return _plain(self.image).strip('/').replace('/', '_')

    def topic(self, output: str) -> str:
        """Return the name of one of the `OUTPUTS`."""
        return f'{self.namespace}/{output}'


def plan_cameras(bag: BagReader, images: Sequence[str]) -> tuple[CameraPlan, ...]:
    """
    Find cameras in a bag.

    One camera has the topics of a live node without namespace; several have those of nodes in
    the namespaces of their images.

    :param images: image topics, of which the bag may have some; empty for its only camera.
    :raises BagError: none of them is there, or without `images` several cameras are.
    """
    names = {topic.name for topic in bag.topics}
    wanted = [name for name in images if name in names]
    if images and not wanted:
        raise BagError(
            f'bag {bag.path} has no image topic {" or ".join(images)}: {", ".join(sorted(names))}')
    try:
        cameras = [find_camera(bag, name) for name in wanted] or [
            find_camera(bag, leave_out=(f'/{NODE_NAME}/{IMAGE_RECT}',))]
    except StopIteration as error:
        raise BagError(f'bag {bag.path} has an image topic without a readable image') from error
    spaces = _namespaces(cameras)
    return tuple(
        CameraPlan(
            camera.image.name, camera.camera_info.name if camera.camera_info else None,
            camera.image.count, f'{space}/{NODE_NAME}')
        for camera, space in zip(cameras, spaces, strict=True))


def _namespaces(cameras: Sequence[CameraTopics]) -> list[str]:
    if len(cameras) == 1:
        return ['']
    images = [_plain(camera.image.name) for camera in cameras]
    parents = [image.rpartition('/')[0] for image in images]
    return parents if len(set(parents)) == len(parents) else images


def _plain(topic: str) -> str:
    return topic.removesuffix(COMPRESSED_SUFFIX)
