# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The topics a camera's depth goes to, created and destroyed together, computed on demand."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
from copy import copy
from dataclasses import replace
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
from zoe_depth_ros.ground import GroundPlane
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
        self, depth: DepthMap, header: Header, config: NodeConfig,
        find_ground: Callable[[bool], GroundPlane | None],
    ) -> None:
        """
        Publish what is subscribed to, all with the header of the image.

        Camera_info and points need intrinsics and are left out without them.

        :param find_ground: called when depth and its cloud are out, with whether anything needs
            the ground; only then are clouds split by it.
        """
        with_ground = self.wants_ground

        @cache
        def cloud() -> PointCloud:
            return cloud_of(depth, config.points)

        self._publish_wanted(self._first_makers(depth, cloud, header, config))
        depth = replace(depth, ground=find_ground(with_ground))
        if with_ground and has_cloud(depth, config):
            self._publish_wanted(self._split_makers(depth, cloud, header, config))
        self._publish_wanted(self._other_makers(depth, header, config))

    def _publish_wanted(self, makers: Mapping[str, Callable[[], Any]]) -> None:
        for topic, make in makers.items():
            if self._is_wanted(topic):
                self._publishers[topic].publish(make())

    def _first_makers(
        self, depth: DepthMap, cloud: Callable[[], PointCloud], header: Header,
        config: NodeConfig,
    ) -> dict[str, Callable[[], Any]]:
        """Return how what robots brake for is made."""
        camera = depth.camera
        makers: dict[str, Callable[[], Any]] = {
            '~/depth/image': lambda: self._converter.to_image(
                depth_pixels(depth.depth_m, config.depth_encoding), config.depth_encoding,
                header)}
        if camera is not None:
            makers['~/depth/camera_info'] = lambda: camera_info_message(camera, header)
        if has_cloud(depth, config):
            makers['~/points'] = lambda: self._converter.to_points(cloud(), header)
        return makers

    def _split_makers(
        self, depth: DepthMap, cloud: Callable[[], PointCloud], header: Header,
        config: NodeConfig,
    ) -> dict[str, Callable[[], PointCloud2]]:
        """Return how the clouds of obstacles and ground are made."""
        @cache
        def parts() -> tuple[PointCloud, PointCloud]:
            return split_by_ground(cloud(), depth, config.points, config.ground)

        return {
            '~/points/obstacles': lambda: self._converter.to_points(parts()[1], header),
            '~/points/ground': lambda: self._converter.to_points(parts()[0], header)}

    def _other_makers(
        self, depth: DepthMap, header: Header, config: NodeConfig,
    ) -> dict[str, Callable[[], Any]]:
        """Return how the rest is made, what takes longest last."""
        def image(pixels: NDArray[Any], encoding: str) -> Image:
            return self._converter.to_image(pixels, encoding, header)

        std_dev_m = depth.std_dev_m
        makers: dict[str, Callable[[], Any]] = {
            '~/scene': lambda: scene_message(depth, header),
            '~/scale': lambda: scale_message(depth, config.scale.source, header),
            '~/image_rect': lambda: image(depth.rgb, 'rgb8'),
            '~/depth/color': lambda: image(colorize_depth(depth.depth_m), 'rgb8'),
            '~/depth/image/compressedDepth': lambda: compressed_depth_message(
                depth.depth_m, config.depth_encoding, header)}
        if std_dev_m is not None:
            return {'~/depth/std_dev': lambda: image(std_dev_m, '32FC1'), **makers}
        return makers

    def _is_wanted(self, topic: str) -> bool:
        return self._publishers[topic].get_subscription_count() > 0


def has_cloud(depth: DepthMap, config: NodeConfig) -> bool:
    """Return whether a depth map has what its points need."""
    return depth.camera is not None and (
        depth.std_dev_m is not None or not config.points.needs_std_dev)
