# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A drive with a camera, and the truth about it, as a bag."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from zoe_depth_ros.bag.decode import Scene
from zoe_depth_ros.bag.encode import camera_info_message
from zoe_depth_ros.bag.encode import image_message
from zoe_depth_ros.bag.encode import scene_message
from zoe_depth_ros.bag.encode import Stamped
from zoe_depth_ros.bag.writer import BagWriter
from zoe_depth_ros.camera import Camera

FRAME_ID = 'camera_optical_frame'
SCENE_TRUTH_TOPIC = '/camera/scene_truth'


class DriveFrame(Protocol):
    """A moment of a drive."""

    @property
    def image_u8(self) -> NDArray[np.uint8]:
        """Return the (H, W, 3) uint8 RGB image."""

    @property
    def depth_m(self) -> NDArray[np.float32]:
        """Return its (H, W) float32 depth, metres along the optical axis, NaN in the sky."""

    @property
    def camera(self) -> Camera:
        """Return the camera that took it."""

    @property
    def domain(self) -> str:
        """Return 'indoor' or 'outdoor'."""

    @property
    def stamp_ns(self) -> int:
        """Return when it was taken, nanoseconds after the start of the drive."""


def write_drive(frames: Iterable[DriveFrame], path: Path, start_ns: int) -> None:
    """
    Write a bag with images, camera_info and the true depth and domain of every frame.

    :param path: directory to make.
    :param start_ns: stamp of the start of the drive, nanoseconds.
    :raises BagError: it exists already, or cannot be written.
    """
    with BagWriter(path) as bag:
        for frame in frames:
            header = Stamped(start_ns + frame.stamp_ns, FRAME_ID)
            truth = Scene(frame.domain, 1.0)
            bag.write(camera_info_message('/camera/camera_info', frame.camera, header))
            bag.write(image_message('/camera/image_raw', frame.image_u8, 'rgb8', header))
            bag.write(image_message('/camera/depth_truth/image', frame.depth_m, '32FC1', header))
            bag.write(scene_message(SCENE_TRUTH_TOPIC, truth, header))
