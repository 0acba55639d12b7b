# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The depth node: images in; metric depth, camera_info and point clouds out."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
import logging
import sys
import time
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray
from rcl_interfaces.msg import SetParametersResult
import rclpy
from rclpy.clock import Clock
from rclpy.clock import ClockType
from rclpy.exceptions import ParameterException
from rclpy.lifecycle import LifecycleNode
from rclpy.lifecycle import LifecycleState
from rclpy.lifecycle import TransitionCallbackReturn
from rclpy.parameter import Parameter
from rclpy.qos import QoSProfile
from rclpy.qos import QoSReliabilityPolicy
from rclpy.qos_overriding_options import QoSOverridingOptions
from rclpy.subscription import Subscription
from sensor_msgs.msg import CameraInfo
from sensor_msgs.msg import CompressedImage
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from zoe_depth_ros.camera import Calibration
from zoe_depth_ros.errors import ConfigError
from zoe_depth_ros.errors import ZoeDepthError
from zoe_depth_ros.inference import DepthEstimator
from zoe_depth_ros.inference.frames import FramePipeline
from zoe_depth_ros.model.checkpoint import load_model
from zoe_depth_ros.ros.conversion import find_converter
from zoe_depth_ros.ros.conversion import rgb_from_message
from zoe_depth_ros.ros.messages import calibration_from_message
from zoe_depth_ros.ros.messages import diagnostics_message
from zoe_depth_ros.ros.outputs import Outputs
from zoe_depth_ros.ros.parameters import changed_config
from zoe_depth_ros.ros.parameters import declare_parameters
from zoe_depth_ros.ros.statistics import diagnose
from zoe_depth_ros.ros.statistics import Statistics
from zoe_depth_ros.ros.worker import NewestWorker

INPUT_QOS = QoSProfile(depth=1, reliability=QoSReliabilityPolicy.BEST_EFFORT)
LOG_PERIOD_S = 5.0


@dataclass(frozen=True)
class Arrival:
    """An image message and the monotonic second it arrived."""

    message: Image | CompressedImage
    at_s: float


class DepthNode(LifecycleNode):
    """
    Lifecycle node around a `DepthEstimator`.

    Configure loads the model, activate subscribes and publishes, deactivate stops the work,
    cleanup frees the model's memory. With `autostart` it configures and activates itself.
    """

    def __init__(self) -> None:
        super().__init__('depth_node')
        self._config = declare_parameters(self)
        self._converter = find_converter()
        self._statistics = Statistics()
        self._pipeline: FramePipeline | None = None
        self._outputs: Outputs | None = None
        self._worker: NewestWorker[Arrival] | None = None
        self._inputs: list[Subscription] = []
        self._calibration: Calibration | None = None
        self._steady_clock = Clock(clock_type=ClockType.STEADY_TIME)
        self._service_change_state.callback = refuse_impossible(
            self._service_change_state.callback)
        self.add_on_set_parameters_callback(self._on_set_parameters)
        if self._config.autostart:
            self._autostart = self.create_timer(0.0, self._start_once, clock=self._steady_clock)

    def _start_once(self) -> None:
        self._autostart.cancel()
        if self.trigger_configure() == TransitionCallbackReturn.SUCCESS:
            self.trigger_activate()

    # Lifecycle

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Load the model and create the publishers; without a model stay unconfigured."""
        try:
            estimator = DepthEstimator(
                load_model(self._config.model), self._config.estimator, with_std_dev=False)
            self._outputs = Outputs(self, self._converter)
        except Exception as error:  # rclpy would swallow it without a word
            return self._failure('configure', error)
        name = self.resolve_topic_name('image').rpartition('/')[2]
        self._pipeline = FramePipeline(
            estimator, already_rectified=name.startswith('image_rect'))
        self._diagnostics = self.create_publisher(DiagnosticArray, '/diagnostics', 10)
        self.get_logger().info(
            f'{self._config.model} on {estimator.device_name} in {estimator.precision}, '
            f'network size {estimator.network_size_hw[1]}x{estimator.network_size_hw[0]}')
        return TransitionCallbackReturn.SUCCESS

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Subscribe and start the worker."""
        self._statistics = Statistics()
        self._reported = self._statistics.snapshot()
        try:
            self._subscribe()
        except Exception as error:  # as above, for example of a wrong qos_overrides
            self._stop()
            return self._failure('activate', error)
        self._worker = NewestWorker(
            self._process, self._statistics.replaced, self._on_failure)
        self._timer = self.create_timer(
            self._config.diagnostics_period, self._publish_diagnostics, clock=self._steady_clock)
        return super().on_activate(state)

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Unsubscribe and wait for the frame in work."""
        self._stop()
        return super().on_deactivate(state)

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Forget the model, the calibration and the publishers."""
        self._forget()
        return TransitionCallbackReturn.SUCCESS

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Stop the work and forget everything, whatever the state."""
        self._stop()
        self._forget()
        return TransitionCallbackReturn.SUCCESS

    def destroy_node(self) -> None:
        """Finish the frame in work, then destroy the node."""
        self._stop()
        super().destroy_node()

    def _failure(self, transition: str, error: Exception) -> TransitionCallbackReturn:
        self.get_logger().error(f'cannot {transition}: {error}')
        return TransitionCallbackReturn.FAILURE

    def _subscribe(self) -> None:
        image_type = CompressedImage if self._config.image_transport == 'compressed' else Image
        for message_type, topic, callback in (
                (image_type, self._image_topic(), self._on_image),
                (CameraInfo, 'camera_info', self._on_camera_info)):
            self._inputs.append(self.create_subscription(
                message_type, topic, callback, copy(INPUT_QOS),  # rclpy writes overrides into it
                qos_overriding_options=QoSOverridingOptions.with_default_policies()))

    def _stop(self) -> None:
        for subscription in self._inputs:
            self.destroy_subscription(subscription)
        self._inputs = []
        if self._worker is not None:
            self.destroy_timer(self._timer)
            self._worker.stop()
            self._worker = None

    def _forget(self) -> None:
        if self._pipeline is None or self._outputs is None:
            return
        self._outputs.destroy()
        self.destroy_publisher(self._diagnostics)
        self._pipeline.estimator.release()
        self._pipeline = self._outputs = self._calibration = None

    def _image_topic(self) -> str:
        topic: str = self.resolve_topic_name('image')
        return f'{topic}/compressed' if self._config.image_transport == 'compressed' else topic

    # Parameters

    def _on_set_parameters(self, parameters: Sequence[Parameter]) -> SetParametersResult:
        """Apply what can change now; refuse everything if one value cannot."""
        values = {item.name: item.value for item in parameters}
        try:
            config = changed_config(
                self._config, values, live_only=self._pipeline is not None)
            if self._pipeline is not None:
                self._pipeline.estimator.set_domain(config.estimator.domain)
        except ConfigError as error:
            return SetParametersResult(successful=False, reason=str(error))
        self._config = config
        return SetParametersResult(successful=True)

    # Frames

    def _on_camera_info(self, message: CameraInfo) -> None:
        try:
            self._calibration = calibration_from_message(message)
        except ZoeDepthError as error:
            self._refuse(error)

    def _on_image(self, message: Image | CompressedImage) -> None:
        self._statistics.received()
        if self._worker is not None and self._outputs is not None and self._outputs.wanted:
            self._worker.offer(Arrival(message, time.monotonic()))

    def _process(self, arrival: Arrival) -> None:
        """Convert, estimate, publish; runs in the worker thread."""
        pipeline, outputs, message = self._pipeline, self._outputs, arrival.message
        if pipeline is None or outputs is None:
            return
        try:
            rgb = rgb_from_message(message, self._converter)
            depth = pipeline.process(rgb, self._calibration, rectify=self._config.rectify)
        except ZoeDepthError as error:
            self._refuse(error)
            return
        outputs.publish(depth, message.header, self._config)
        if depth.camera is None:
            self.get_logger().warning(
                f'no usable camera_info on {self.resolve_topic_name("camera_info")} yet: '
                'publishing depth without camera_info and points',
                throttle_duration_sec=LOG_PERIOD_S)
        stamp = message.header.stamp
        age_ns = self.get_clock().now().nanoseconds - (stamp.sec * 10**9 + stamp.nanosec)
        self._statistics.published(
            age_ns / 1e6, (time.monotonic() - arrival.at_s) * 1e3, depth.domain)

    def _on_failure(self, error: Exception) -> None:
        """Count and tell what nobody foresaw; after a signal publishers fail, which is no news."""
        if self.context.ok():
            self._statistics.refused(f'{type(error).__name__}: {error}')
            self.get_logger().error(
                f'dropped, unexpected {type(error).__name__}: {error}',
                throttle_duration_sec=LOG_PERIOD_S)

    def _refuse(self, error: ZoeDepthError) -> None:
        self._statistics.refused(str(error))
        self.get_logger().warning(f'dropped: {error}', throttle_duration_sec=LOG_PERIOD_S)

    # Diagnostics

    def _publish_diagnostics(self) -> None:
        if self._pipeline is None or self._outputs is None:
            return
        before, facts = self._reported, self._statistics.snapshot()
        self._reported = facts
        diagnosis = diagnose(
            facts, before, topic=self._image_topic(), is_idle=not self._outputs.wanted)
        estimator = self._pipeline.estimator
        more = {
            'gpu_memory_mb': f'{estimator.gpu_memory_bytes / 1e6:.1f}',
            'device': estimator.device_name, 'model': self._config.model}
        self._diagnostics.publish(diagnostics_message(
            self.get_fully_qualified_name(), diagnosis, facts, more,
            Header(stamp=self.get_clock().now().to_msg())))


def refuse_impossible(change_state: Any) -> Any:
    """Return rclpy's callback, saying no where it would end the node (ros2/rclpy issue 1209)."""
    def answer(request: Any, response: Any) -> Any:
        try:
            return change_state(request, response)
        except RuntimeError:  # rcl has logged that the state has no such transition
            response.success = False
            return response
    return answer


def main(args: list[str] | None = None) -> int:
    """Run the node until it is interrupted; return the exit code."""
    logging.basicConfig(level=logging.WARNING)
    rclpy.init(args=args)
    node = None
    try:
        node = DepthNode()
        rclpy.spin(node)
    except (ConfigError, ParameterException) as error:
        rclpy.logging.get_logger('depth_node').fatal(f'cannot start: {error}')
        return 1
    except KeyboardInterrupt:
        pass
    except Exception:  # a signal ends the context, and that the callback in work
        if rclpy.ok():
            raise
    finally:
        if node is not None:
            node.destroy_node()
        rclpy.try_shutdown()
    return 0


if __name__ == '__main__':
    sys.exit(main())
