# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The scale of depth, read from another sensor's topic."""

from __future__ import annotations

from rclpy.node import Node
from rclpy.qos import QoSProfile
from rclpy.qos import QoSReliabilityPolicy
from rclpy.qos_overriding_options import QoSOverridingOptions
from sensor_msgs.msg import LaserScan
from sensor_msgs.msg import PointCloud2
from sensor_msgs.msg import Range
from std_msgs.msg import Header

from zoe_depth_ros.errors import ZoeDepthError
from zoe_depth_ros.inference import DepthMap
from zoe_depth_ros.measurements import measured
from zoe_depth_ros.options import ScaleConfig
from zoe_depth_ros.poses import parse_pose
from zoe_depth_ros.range_track import RangeTrack
from zoe_depth_ros.ros.transforms import FixedTransform
from zoe_depth_ros.ros.transforms import TransformListener
from zoe_depth_ros.ros.transforms import Transforms
from zoe_depth_ros.scale import ScaleReading

MESSAGE_TYPES = {'LaserScan': LaserScan, 'PointCloud2': PointCloud2, 'Range': Range}
# An image is compared when its depth is ready: enough messages for a slow network.
KEPT_MESSAGES = 200
WARNING_PERIOD_S = 5.0


class RangeSensor:
    """
    Compares depth with what a laser scanner or range sensor measured at that time.

    Messages are taken in by the node's executor, depth is compared in any other thread.

    :param node: the node that subscribes.
    :param topic: of messages of the type `range_type`.
    :param config: its range_type and range_transform are used.
    :raises ConfigError: range_transform is no pose.
    """

    def __init__(self, node: Node, topic: str, config: ScaleConfig) -> None:
        self.problem = ''
        self._node = node
        self._topic: str = node.resolve_topic_name(topic)
        self._kind = config.range_type
        self._transforms: Transforms = (
            FixedTransform(parse_pose(config.range_transform, 'range_transform'))
            if config.range_transform else TransformListener(node))
        self._track = RangeTrack(self._topic, self._transforms.lookup, KEPT_MESSAGES)
        self._subscription = node.create_subscription(
            MESSAGE_TYPES[self._kind], topic, self._on_message,
            QoSProfile(depth=5, reliability=QoSReliabilityPolicy.BEST_EFFORT),
            qos_overriding_options=QoSOverridingOptions.with_default_policies())

    def destroy(self) -> None:
        """Remove the subscriptions from the node."""
        self._node.destroy_subscription(self._subscription)
        self._transforms.destroy()

    def reading(
        self, depth: DepthMap, header: Header, config: ScaleConfig,
    ) -> ScaleReading | None:
        """
        Return what the message nearest in time tells of the scale of depth.

        :param depth: as the network predicted it.
        :param header: of its image.
        :param config: its max_age and min_pairs are used.
        :return: None where it tells nothing; then `problem` is one sentence that says why.
        """
        try:
            reading = self._track.reading(
                depth.depth_m, depth.camera, _stamp_ns(header), header.frame_id, config)
        except ZoeDepthError as error:
            self.problem = str(error)
            return None
        self.problem = ''
        return reading

    def _on_message(self, message: LaserScan | PointCloud2 | Range) -> None:
        header = message.header
        try:
            self._track.add(
                _stamp_ns(header), header.frame_id, measured(message, self._kind))
        except ZoeDepthError as error:
            reason = f'{self._topic} cannot be used: {error}'
            self._node.get_logger().warning(reason, throttle_duration_sec=WARNING_PERIOD_S)
            self._track.refuse(reason)


def _stamp_ns(header: Header) -> int:
    return int(header.stamp.sec * 10**9 + header.stamp.nanosec)
