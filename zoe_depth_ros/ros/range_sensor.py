# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The scale of depth, read from another sensor's topic."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from threading import Lock

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
from zoe_depth_ros.options import ScaleConfig
from zoe_depth_ros.poses import parse_pose
from zoe_depth_ros.ros.measurements import measured
from zoe_depth_ros.ros.measurements import Measurement
from zoe_depth_ros.ros.transforms import FixedTransform
from zoe_depth_ros.ros.transforms import TransformListener
from zoe_depth_ros.ros.transforms import Transforms
from zoe_depth_ros.scale import ScaleReading

MESSAGE_TYPES = {'LaserScan': LaserScan, 'PointCloud2': PointCloud2, 'Range': Range}
# An image is compared when its depth is ready: enough messages for a slow network.
KEPT_MESSAGES = 200
WARNING_PERIOD_S = 5.0


@dataclass(frozen=True, eq=False)
class _Arrived:
    stamp_ns: int
    frame_id: str
    measurement: Measurement


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
        self._lock = Lock()
        self._arrived: deque[_Arrived] = deque(maxlen=KEPT_MESSAGES)
        self._refused = ''
        self._subscription = node.create_subscription(
            MESSAGE_TYPES[config.range_type], topic, self._on_message,
            QoSProfile(depth=5, reliability=QoSReliabilityPolicy.BEST_EFFORT),
            qos_overriding_options=QoSOverridingOptions.with_default_policies())
        self._transforms: Transforms = (
            FixedTransform(parse_pose(config.range_transform, 'range_transform'))
            if config.range_transform else TransformListener(node))

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
            reading = self._reading(depth, header, config)
        except ZoeDepthError as error:
            self.problem = str(error)
            return None
        self.problem = ''
        return reading

    def _reading(self, depth: DepthMap, header: Header, config: ScaleConfig) -> ScaleReading:
        if depth.camera is None:
            raise ZoeDepthError('no camera_info to compare ranges by')
        nearest = self._nearest(_stamp_ns(header), config.max_age)
        sensor_to_camera = self._transforms.lookup(
            header.frame_id, nearest.frame_id, nearest.stamp_ns)
        try:
            return nearest.measurement.reading(
                depth.depth_m, depth.camera, sensor_to_camera, config.min_pairs)
        except ZoeDepthError as error:
            raise ZoeDepthError(f'{self._topic}: {error}') from error

    def _nearest(self, stamp_ns: int, max_age_s: float) -> _Arrived:
        with self._lock:
            arrived, refused = list(self._arrived), self._refused
        nearest = min(arrived, key=lambda item: abs(item.stamp_ns - stamp_ns), default=None)
        if nearest is None:
            raise ZoeDepthError(refused or f'no message on {self._topic} yet')
        age_s = abs(nearest.stamp_ns - stamp_ns) / 1e9
        if age_s > max_age_s:
            raise ZoeDepthError(refused or (
                f'{self._topic} is {age_s:.2f} s from the image (scale.max_age {max_age_s:g})'))
        return nearest

    def _on_message(self, message: LaserScan | PointCloud2 | Range) -> None:
        try:
            measurement = measured(message)
        except ZoeDepthError as error:
            self._refuse(f'{self._topic} cannot be used: {error}')
            return
        arrived = _Arrived(_stamp_ns(message.header), message.header.frame_id, measurement)
        with self._lock:
            self._arrived.append(arrived)
            self._refused = ''

    def _refuse(self, reason: str) -> None:
        self._node.get_logger().warning(reason, throttle_duration_sec=WARNING_PERIOD_S)
        with self._lock:
            self._refused = reason


def _stamp_ns(header: Header) -> int:
    return int(header.stamp.sec * 10**9 + header.stamp.nanosec)
