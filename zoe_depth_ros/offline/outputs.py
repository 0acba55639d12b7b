# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Depth as messages, equal to those of the live node."""

from __future__ import annotations

from dataclasses import replace

from zoe_depth_ros.bag.decode import Scene
from zoe_depth_ros.bag.encode import camera_info_message
from zoe_depth_ros.bag.encode import cloud_message
from zoe_depth_ros.bag.encode import image_message
from zoe_depth_ros.bag.encode import scale_message
from zoe_depth_ros.bag.encode import scene_message
from zoe_depth_ros.bag.encode import Stamped
from zoe_depth_ros.bag.reader import BagMessage
from zoe_depth_ros.encoding import encode_depth_mm
from zoe_depth_ros.geometry import PointCloud
from zoe_depth_ros.inference import DepthMap
from zoe_depth_ros.offline.cameras import CAMERA_INFO
from zoe_depth_ros.offline.cameras import CameraPlan
from zoe_depth_ros.offline.cameras import DEPTH
from zoe_depth_ros.offline.cameras import IMAGE_RECT
from zoe_depth_ros.offline.cameras import POINTS
from zoe_depth_ros.offline.cameras import SCALE
from zoe_depth_ros.offline.cameras import SCENE
from zoe_depth_ros.offline.cameras import STD_DEV
from zoe_depth_ros.options import NodeConfig


def output_messages(
    depth: DepthMap, cloud: PointCloud | None, camera: CameraPlan, header: Stamped,
    recorded_ns: int, config: NodeConfig, *, with_image: bool,
) -> list[BagMessage]:
    """
    Return what the live node would publish, and the standard deviation.

    :param header: of the image, for all of them.
    :param recorded_ns: when the image was recorded, nanoseconds.
    :param with_image: also the image whose pixels have the depth.
    """
    scene = Scene(depth.domain, depth.domain_probability, depth.since_change_s)
    pixels = depth.depth_m if config.depth_encoding == '32FC1' else encode_depth_mm(depth.depth_m)
    messages = [
        image_message(camera.topic(DEPTH), pixels, config.depth_encoding, header),
        scene_message(camera.topic(SCENE), scene, header)]
    if depth.scale is not None:
        messages.append(scale_message(
            camera.topic(SCALE), depth.scale, config.scale.source, header))
    if with_image:
        messages.append(image_message(camera.topic(IMAGE_RECT), depth.rgb, 'rgb8', header))
    if depth.std_dev_m is not None:
        messages.append(image_message(camera.topic(STD_DEV), depth.std_dev_m, '32FC1', header))
    if depth.camera is not None and cloud is not None:
        messages += [
            camera_info_message(camera.topic(CAMERA_INFO), depth.camera, header),
            cloud_message(camera.topic(POINTS), cloud, header)]
    return [replace(message, stamp_ns=recorded_ns) for message in messages]
