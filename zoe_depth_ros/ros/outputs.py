# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The topics a depth node publishes, created and destroyed together, computed only on demand."""

from __future__ import annotations

from copy import copy
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray
from rclpy.lifecycle import LifecycleNode
from rclpy.qos import QoSProfile
from rclpy.qos import QoSReliabilityPolicy
from rclpy.qos_overriding_options import QoSOverridingOptions
from sensor_msgs.msg import CameraInfo
from sensor_msgs.msg import Image
from sensor_msgs.msg import PointCloud2
from std_msgs.msg import Header

from zoe_depth_ros.camera import Camera
from zoe_depth_ros.colorize import colorize_depth
from zoe_depth_ros.geometry import point_cloud
from zoe_depth_ros.inference import DepthMap
from zoe_depth_ros.options import NodeConfig
from zoe_depth_ros.ros.conversion import Converter
from zoe_depth_ros.ros.messages import camera_info_message
from zoe_depth_ros.ros.messages import depth_pixels
from zoe_depth_ros.ros.messages import scene_message

TOPICS = {
    '~/depth/image': Image,
    '~/depth/camera_info': CameraInfo,
    '~/points': PointCloud2,
    '~/image_rect': Image,
    '~/depth/color': Image,
    '~/scene': DiagnosticArray,
}
# Reliable and volatile: the one profile that every consumer's subscription matches.
OUTPUT_QOS = QoSProfile(depth=5, reliability=QoSReliabilityPolicy.RELIABLE)


class Outputs:
    """
    The lifecycle publishers of a node.

    :param node: the node that owns them.
    :param converter: turns arrays into messages.
    """

    def __init__(self, node: LifecycleNode, converter: Converter) -> None:
        self._node = node
        self._converter = converter
        self._publishers = {
            topic: node.create_lifecycle_publisher(
                message_type, topic, copy(OUTPUT_QOS),  # rclpy writes overrides into it
                qos_overriding_options=QoSOverridingOptions.with_default_policies())
            for topic, message_type in TOPICS.items()}

    def destroy(self) -> None:
        """Remove the publishers from the node."""
        for publisher in self._publishers.values():
            self._node.destroy_lifecycle_publisher(publisher)

    @property
    def wanted(self) -> bool:
        """True when anybody subscribes to anything."""
        return any(self._is_wanted(topic) for topic in self._publishers)

    def publish(self, depth: DepthMap, header: Header, config: NodeConfig) -> None:
        """
        Publish what is subscribed to, all with the header of the image.

        Camera_info and points need intrinsics and are left out without them.
        """
        makers: dict[str, Any] = {
            '~/depth/image': lambda: self._converter.to_image(
                depth_pixels(depth.depth_m, config.depth_encoding), config.depth_encoding,
                header),
            '~/image_rect': lambda: self._converter.to_image(depth.rgb, 'rgb8', header),
            '~/depth/color': lambda: self._converter.to_image(
                colorize_depth(depth.depth_m), 'rgb8', header),
            '~/scene': lambda: scene_message(depth, header),
        }
        camera = depth.camera
        if camera is not None:
            makers['~/depth/camera_info'] = lambda: camera_info_message(camera, header)
            makers['~/points'] = lambda: self._points(depth, camera, header, config)
        for topic, make in makers.items():
            if self._is_wanted(topic):
                self._publishers[topic].publish(make())

    def _points(
        self, depth: DepthMap, camera: Camera, header: Header, config: NodeConfig,
    ) -> PointCloud2:
        options = config.points
        cloud = point_cloud(
            depth.depth_m, depth.rgb, camera, stride=options.stride,
            min_range_m=options.min_range, max_range_m=options.max_range,
            organized=options.organized)
        return self._converter.to_points(cloud, header)

    def _is_wanted(self, topic: str) -> bool:
        return self._publishers[topic].get_subscription_count() > 0
