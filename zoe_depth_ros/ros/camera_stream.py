# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""One camera of the depth node: its topics, its state over time, its figures."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from dataclasses import dataclass
import time

from diagnostic_msgs.msg import DiagnosticStatus
from rclpy.lifecycle import LifecycleNode
from rclpy.qos import QoSProfile
from rclpy.qos import QoSReliabilityPolicy
from rclpy.qos_overriding_options import QoSOverridingOptions
from rclpy.subscription import Subscription
from sensor_msgs.msg import CameraInfo
from sensor_msgs.msg import CompressedImage
from sensor_msgs.msg import Image

from zoe_depth_ros.camera import Calibration
from zoe_depth_ros.errors import ZoeDepthError
from zoe_depth_ros.ground import GroundPlane
from zoe_depth_ros.inference import DepthEstimator
from zoe_depth_ros.inference import DepthMap
from zoe_depth_ros.inference.frames import Frame
from zoe_depth_ros.inference.frames import FramePipeline
from zoe_depth_ros.options import NodeConfig
from zoe_depth_ros.ros.conversion import Converter
from zoe_depth_ros.ros.conversion import rgb_from_message
from zoe_depth_ros.ros.messages import calibration_from_message
from zoe_depth_ros.ros.messages import diagnostics_status
from zoe_depth_ros.ros.outputs import Outputs
from zoe_depth_ros.ros.range_sensor import RangeSensor
from zoe_depth_ros.ros.statistics import diagnose
from zoe_depth_ros.ros.statistics import Statistics
from zoe_depth_ros.scale import Scale

INPUT_QOS = QoSProfile(depth=1, reliability=QoSReliabilityPolicy.BEST_EFFORT)
LOG_PERIOD_S = 5.0


@dataclass(frozen=True, eq=False)
class Arrival:
    """An image message of a camera and the monotonic second it arrived."""

    camera: CameraStream
    message: Image | CompressedImage
    at_s: float

    @property
    def stamp_s(self) -> float:
        """When the image was taken."""
        stamp = self.message.header.stamp
        return float(stamp.sec + stamp.nanosec / 1e9)


class CameraStream:
    """
    Images of one camera in, its depth out; made when the node is configured.

    :param node: that owns the topics.
    :param name: part of the topics' names, '' for none.
    :param estimator: the loaded network.
    :param converter: between messages and arrays.
    :param config: of the node.
    :param offer: called with every image somebody wants the depth of.
    :raises ConfigError: the model has no head for the domain.
    """

    def __init__(
        self, node: LifecycleNode, name: str, estimator: DepthEstimator, converter: Converter,
        config: NodeConfig, offer: Callable[[Arrival], None],
    ) -> None:
        self.name = name
        self.statistics = Statistics()
        self._reported = self.statistics.snapshot()
        self._node = node
        self._converter = converter
        self._config = config
        self._offer = offer
        self._topic = f'{name}/image' if name else 'image'
        self._pipeline = FramePipeline(
            estimator, config,
            already_rectified=self._resolved().rpartition('/')[2].startswith('image_rect'))
        self._inputs: list[Subscription] = []
        self._calibration: Calibration | None = None
        self._range_sensor: RangeSensor | None = None
        self._scale: Scale | None = None
        self._scale_problem = ''
        self._outputs = Outputs(node, converter, name)

    @property
    def wants_std_dev(self) -> bool:
        """True when somebody wants what needs the standard deviation."""
        return self._outputs.wants_std_dev(self._config)

    def configure(self, config: NodeConfig) -> None:
        """
        Apply live options.

        :raises ConfigError: the model has no head for the domain.
        """
        self._pipeline.configure(config)
        self._config = config
        if self._inputs:
            self._watch_range()

    def subscribe(self) -> None:
        """Begin to take images."""
        self.statistics = Statistics()
        self._reported = self.statistics.snapshot()
        compressed = self._config.image_transport == 'compressed'
        for message_type, topic, callback in (
                (CompressedImage if compressed else Image, self.image_topic, self._on_image),
                (CameraInfo, self._beside('camera_info'), self._on_camera_info)):
            self._inputs.append(self._node.create_subscription(
                message_type, topic, callback, copy(INPUT_QOS),  # rclpy writes overrides into it
                qos_overriding_options=QoSOverridingOptions.with_default_policies()))
        self._watch_range()

    def unsubscribe(self) -> None:
        """Take no more images."""
        for subscription in self._inputs:
            self._node.destroy_subscription(subscription)
        self._inputs = []
        self._drop_range()

    def destroy(self) -> None:
        """Remove the publishers."""
        self._outputs.destroy()

    @property
    def image_topic(self) -> str:
        """Where its images come from."""
        topic = self._resolved()
        return f'{topic}/compressed' if self._config.image_transport == 'compressed' else topic

    def frame(self, message: Image | CompressedImage, stamp_s: float) -> Frame:
        """
        Return an image for the network.

        :raises ImageError: the message is no image, or of another size than camera_info.
        :raises CameraError: the distortion model is not supported.
        """
        rgb = rgb_from_message(message, self._converter)
        return Frame(self._pipeline, self._pipeline.prepare(rgb, self._calibration), stamp_s)

    def publish(self, depth: DepthMap, arrival: Arrival) -> None:
        """Publish the depth of an image, in its true scale as far as that is known."""
        header, config, sensor = arrival.message.header, self._config, self._range_sensor
        shown = self._pipeline.scaled(depth)
        latency_ms = 0.0

        def find_ground(is_wanted: bool) -> GroundPlane | None:
            nonlocal latency_ms
            latency_ms = (self._node.get_clock().now().nanoseconds / 1e9 - arrival.stamp_s) * 1e3
            ground = self._pipeline.learn(
                depth, arrival.stamp_s, with_ground=is_wanted,
                reading=None if sensor is None else sensor.reading(depth, header, config.scale))
            self._scale_problem = self._pipeline.scale_problem(
                shown, ground, '' if sensor is None else sensor.problem)
            return ground

        self._outputs.publish(shown, header, config, find_ground)
        self._scale = shown.scale
        if depth.camera is None:
            self._node.get_logger().warning(
                f'no usable camera_info on '
                f'{self._node.resolve_topic_name(self._beside("camera_info"))} yet: '
                'publishing depth without camera_info and points',
                throttle_duration_sec=LOG_PERIOD_S)
        self.statistics.published(
            latency_ms, (time.monotonic() - arrival.at_s) * 1e3, depth.domain)

    def refuse(self, error: Exception) -> None:
        """Count and tell why nothing came of an image or calibration."""
        self.statistics.refused(str(error))
        self._node.get_logger().warning(f'dropped: {error}', throttle_duration_sec=LOG_PERIOD_S)

    def status(self, facts_of_all: dict[str, str]) -> DiagnosticStatus:
        """
        Return how it is.

        :param facts_of_all: what is told for every camera, among it 'device'.
        """
        before, facts = self._reported, self.statistics.snapshot()
        self._reported = facts
        diagnosis = diagnose(
            facts, before, topic=self.image_topic, is_idle=not self._outputs.wanted,
            scale_problem=self._scale_problem)
        scale = self._scale or Scale(1.0, 0.0)
        node = self._node.get_fully_qualified_name()
        return diagnostics_status(
            f'{node}: depth {self.name}'.strip(), diagnosis, facts,
            {**facts_of_all, 'scale_factor': f'{scale.factor:.4f}',
             'scale_confidence': f'{scale.confidence:.3f}'})

    def _resolved(self) -> str:
        topic: str = self._node.resolve_topic_name(self._topic)
        return topic

    def _beside(self, name: str) -> str:
        return f'{self.name}/{name}' if self.name else name

    def _watch_range(self) -> None:
        """Subscribe to the range sensor where the scale comes from it."""
        wanted = self._config.scale.source == 'range'
        if wanted and self._range_sensor is None:
            self._range_sensor = RangeSensor(
                self._node, self._beside('range'), self._config.scale)
        elif not wanted:
            self._drop_range()

    def _drop_range(self) -> None:
        sensor, self._range_sensor = self._range_sensor, None
        if sensor is not None:
            sensor.destroy()

    def _on_camera_info(self, message: CameraInfo) -> None:
        try:
            self._calibration = calibration_from_message(message)
        except ZoeDepthError as error:
            self.refuse(error)

    def _on_image(self, message: Image | CompressedImage) -> None:
        self.statistics.received()
        if self._outputs.wanted:
            self._offer(Arrival(self, message, time.monotonic()))
