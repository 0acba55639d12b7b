# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The topics a camera's depth goes to, created and destroyed together, computed on demand."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from functools import cache
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray
from numpy.typing import NDArray
from rclpy.lifecycle import LifecycleNode
from rclpy.lifecycle import LifecyclePublisher
from rclpy.qos import QoSProfile
from rclpy.qos import QoSReliabilityPolicy
from rclpy.qos_overriding_options import QoSOverridingOptions
from sensor_msgs.msg import CameraInfo
from sensor_msgs.msg import CompressedImage
from sensor_msgs.msg import Image
from sensor_msgs.msg import PointCloud2
from std_msgs.msg import Header

from zoe_depth_ros.colorize import colorize_depth
from zoe_depth_ros.geometry import PointCloud
from zoe_depth_ros.inference import DepthMap
from zoe_depth_ros.inference.clouds import cloud_of
from zoe_depth_ros.inference.clouds import split_by_ground
from zoe_depth_ros.options import NodeConfig
from zoe_depth_ros.ros.conversion import Converter
from zoe_depth_ros.ros.messages import camera_info_message
from zoe_depth_ros.ros.messages import compressed_depth_message
from zoe_depth_ros.ros.messages import depth_pixels
from zoe_depth_ros.ros.messages import scale_message
from zoe_depth_ros.ros.messages import scene_message

TOPICS = {
    '~/depth/image': Image,
    '~/depth/image/compressedDepth': CompressedImage,
    '~/depth/camera_info': CameraInfo,
    '~/image_rect': Image,
    '~/points': PointCloud2,
    '~/points/obstacles': PointCloud2,
    '~/points/ground': PointCloud2,
    '~/depth/std_dev': Image,
    '~/depth/color': Image,
    '~/scene': DiagnosticArray,
    '~/scale': DiagnosticArray,
}
SPLIT_CLOUDS = ('~/points/obstacles', '~/points/ground')
CLOUDS = ('~/points', *SPLIT_CLOUDS)
# Reliable and volatile: the one profile that every consumer's subscription matches.
OUTPUT_QOS = QoSProfile(depth=5, reliability=QoSReliabilityPolicy.RELIABLE)


class Outputs:
    """
    The lifecycle publishers of one camera's depth.

    :param node: the node that owns them.
    :param converter: turns arrays into messages.
    :param camera: part of the topics' names, '' for none.
    """

    def __init__(self, node: LifecycleNode, converter: Converter, camera: str = '') -> None:
        self._node = node
        self._converter = converter
        space = f'~/{camera}/' if camera else '~/'
        self._publishers: dict[str, LifecyclePublisher] = {}
        try:
            for topic, message_type in TOPICS.items():
                self._publishers[topic] = node.create_lifecycle_publisher(
                    message_type, topic.replace('~/', space),
                    copy(OUTPUT_QOS),  # rclpy writes overrides into it
                    qos_overriding_options=QoSOverridingOptions.with_default_policies())
        except Exception:  # of a wrong qos_overrides
            self.destroy()
            raise

    def destroy(self) -> None:
        """Remove the publishers from the node."""
        for publisher in self._publishers.values():
            self._node.destroy_lifecycle_publisher(publisher)

    @property
    def wanted(self) -> bool:
        """True when anybody subscribes to anything."""
        return any(self._is_wanted(topic) for topic in self._publishers)

    def wants_std_dev(self, config: NodeConfig) -> bool:
        """Return whether anything subscribed to needs the standard deviation."""
        in_clouds = config.points.needs_std_dev and any(map(self._is_wanted, CLOUDS))
        return in_clouds or self._is_wanted('~/depth/std_dev')

    @property
    def wants_ground(self) -> bool:
        """True when anything subscribed to needs the ground."""
        return any(map(self._is_wanted, SPLIT_CLOUDS))

    def publish(
        self, depth: DepthMap, header: Header, config: NodeConfig, *, with_ground: bool,
    ) -> None:
        """
        Publish what is subscribed to, all with the header of the image.

        Camera_info and points need intrinsics and are left out without them.

        :param with_ground: the ground was looked for; otherwise no cloud is split by it.
        """
        for topic, make in self._makers(depth, header, config).items():
            if self._is_wanted(topic) and (with_ground or topic not in SPLIT_CLOUDS):
                self._publishers[topic].publish(make())

    def _makers(
        self, depth: DepthMap, header: Header, config: NodeConfig,
    ) -> dict[str, Callable[[], Any]]:
        def image(pixels: NDArray[Any], encoding: str) -> Image:
            return self._converter.to_image(pixels, encoding, header)

        makers: dict[str, Callable[[], Any]] = {
            '~/depth/image': lambda: image(
                depth_pixels(depth.depth_m, config.depth_encoding), config.depth_encoding),
            '~/image_rect': lambda: image(depth.rgb, 'rgb8'),
            '~/depth/color': lambda: image(colorize_depth(depth.depth_m), 'rgb8'),
            '~/scene': lambda: scene_message(depth, header),
            '~/scale': lambda: scale_message(depth, config.scale.source, header),
        }
        camera, std_dev_m = depth.camera, depth.std_dev_m
        if std_dev_m is not None:
            makers['~/depth/std_dev'] = lambda: image(std_dev_m, '32FC1')
        if camera is not None:
            makers['~/depth/camera_info'] = lambda: camera_info_message(camera, header)
        if camera is not None and (std_dev_m is not None or not config.points.needs_std_dev):
            makers |= self._cloud_makers(depth, header, config)
        # Last, so that nothing waits for it: it takes longest.
        makers['~/depth/image/compressedDepth'] = lambda: compressed_depth_message(
            depth.depth_m, config.depth_encoding, header)
        return makers

    def _cloud_makers(
        self, depth: DepthMap, header: Header, config: NodeConfig,
    ) -> dict[str, Callable[[], PointCloud2]]:
        @cache
        def cloud() -> PointCloud:
            return cloud_of(depth, config.points)

        @cache
        def parts() -> tuple[PointCloud, PointCloud]:
            return split_by_ground(cloud(), depth, config.points, config.ground)

        return {
            '~/points': lambda: self._converter.to_points(cloud(), header),
            '~/points/ground': lambda: self._converter.to_points(parts()[0], header),
            '~/points/obstacles': lambda: self._converter.to_points(parts()[1], header)}

    def _is_wanted(self, topic: str) -> bool:
        return self._publishers[topic].get_subscription_count() > 0
