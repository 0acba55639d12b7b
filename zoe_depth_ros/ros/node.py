# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The depth node: images in; metric depth, camera_info and point clouds out."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Sequence
from contextlib import contextmanager
import logging
import signal
import sys
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
from rclpy.publisher import Publisher
from std_msgs.msg import Header

from zoe_depth_ros.errors import ConfigError
from zoe_depth_ros.errors import DeviceError
from zoe_depth_ros.errors import ZoeDepthError
from zoe_depth_ros.inference import DepthEstimator
from zoe_depth_ros.inference import DepthMap
from zoe_depth_ros.inference.frames import estimate_frames
from zoe_depth_ros.inference.frames import Frame
from zoe_depth_ros.options import NodeConfig
from zoe_depth_ros.ros.camera_stream import Arrival
from zoe_depth_ros.ros.camera_stream import CameraStream
from zoe_depth_ros.ros.camera_stream import LOG_PERIOD_S
from zoe_depth_ros.ros.conversion import find_converter
from zoe_depth_ros.ros.parameters import changed_config
from zoe_depth_ros.ros.parameters import declare_parameters
from zoe_depth_ros.ros.worker import NewestWorker


class DepthNode(LifecycleNode):
    """
    Lifecycle node around a `DepthEstimator`, for one camera or several.

    Configure loads the model, activate subscribes and publishes, deactivate stops the work,
    cleanup frees the model's memory. With `autostart` it configures and activates itself.
    """

    def __init__(self) -> None:
        super().__init__('depth_node')
        self._config = declare_parameters(self)
        self._converter = find_converter()
        self._estimator: DepthEstimator | None = None
        self._cameras: list[CameraStream] = []
        self._diagnostics: Publisher | None = None
        self._worker: NewestWorker[Arrival] | None = None
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
        config = self._config
        try:
            self._estimator = DepthEstimator.in_own_thread(
                config.model, config.estimator, with_std_dev=False)
            for name in config.cameras:
                self._cameras.append(CameraStream(
                    self, name, self._estimator, self._converter, config, self._offer))
        except Exception as error:  # rclpy would swallow it without a word
            self._forget()
            return self._failure('configure', error)
        self._diagnostics = self.create_publisher(DiagnosticArray, '/diagnostics', 10)
        width, height = reversed(self._estimator.network_size_hw)
        self.get_logger().info(
            f'{config.model} on {self._estimator.device_name} in {self._estimator.precision}, '
            f'network size {width}x{height}')
        return TransitionCallbackReturn.SUCCESS

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Subscribe and start the worker."""
        try:
            for camera in self._cameras:
                camera.subscribe()
        except Exception as error:  # as above, for example of a wrong qos_overrides
            self._stop()
            return self._failure('activate', error)
        self._worker = NewestWorker(
            self._process, lambda arrival: arrival.camera.statistics.replaced(), self._on_failure)
        self._timer = self.create_timer(
            self._config.diagnostics_period, self._publish_diagnostics, clock=self._steady_clock)
        return super().on_activate(state)

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Unsubscribe and wait for the frames in work."""
        self._stop()
        return super().on_deactivate(state)

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Forget the model, the cameras and the publishers."""
        self._forget()
        return TransitionCallbackReturn.SUCCESS

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Stop the work and forget everything, whatever the state."""
        self._stop()
        self._forget()
        return TransitionCallbackReturn.SUCCESS

    def destroy_node(self) -> None:
        """Finish the frames in work, then destroy the node."""
        self._stop()
        super().destroy_node()

    def _failure(self, transition: str, error: Exception) -> TransitionCallbackReturn:
        self.get_logger().error(f'cannot {transition}: {error}')
        return TransitionCallbackReturn.FAILURE

    def _stop(self) -> None:
        for camera in self._cameras:
            camera.unsubscribe()
        if self._worker is not None:
            self.destroy_timer(self._timer)
            self._worker.stop()
            self._worker = None

    def _forget(self) -> None:
        for camera in self._cameras:
            camera.destroy()
        self._cameras = []
        if self._estimator is not None:
            self._estimator.release()
            self._estimator = None
        if self._diagnostics is not None:
            self.destroy_publisher(self._diagnostics)
            self._diagnostics = None

    # Parameters

    def _on_set_parameters(self, parameters: Sequence[Parameter]) -> SetParametersResult:
        """Apply what can change now; refuse everything if one value cannot."""
        values = {item.name: item.value for item in parameters}
        try:
            config = changed_config(
                self._config, values, live_only=self._estimator is not None)
            if config == self._config:  # a subscription made below declares its QoS: not ours
                return SetParametersResult(successful=True)
            self._apply(config)
        except ConfigError as error:
            return SetParametersResult(successful=False, reason=str(error))
        except Exception as error:  # as in on_activate; what was applied goes back
            self._apply(self._config)
            return SetParametersResult(successful=False, reason=str(error))
        self._config = config
        return SetParametersResult(successful=True)

    def _apply(self, config: NodeConfig) -> None:
        """Apply what can change while the node is configured."""
        if self._estimator is not None:
            self._estimator.set_domain(config.estimator.domain)
        for camera in self._cameras:
            camera.configure(config)

    # Frames

    def _offer(self, arrival: Arrival) -> None:
        if self._worker is not None:
            self._worker.offer(arrival, arrival.camera.name)

    def _process(self, arrivals: list[Arrival]) -> None:
        """Convert, estimate together, publish; runs in the worker thread."""
        estimator = self._estimator
        frames: dict[Arrival, Frame] = {}
        for arrival in arrivals:
            with refusing(arrival):
                frames[arrival] = arrival.camera.frame(arrival.message, arrival.stamp_s)
        if estimator is None or not frames:
            return
        estimator.with_std_dev = any(arrival.camera.wants_std_dev for arrival in frames)
        with refusing(*frames):
            depths = estimated(estimator, list(frames.values()))
            for arrival, depth in zip(frames, depths, strict=True):
                with refusing(arrival):
                    arrival.camera.publish(depth, arrival)

    def _on_failure(self, error: Exception) -> None:
        """Count and tell what nobody foresaw; after a signal publishers fail, which is no news."""
        if self.context.ok():
            for camera in self._cameras:
                camera.statistics.refused(f'{type(error).__name__}: {error}')
            self.get_logger().error(
                f'dropped, unexpected {type(error).__name__}: {error}',
                throttle_duration_sec=LOG_PERIOD_S)

    # Diagnostics

    def _publish_diagnostics(self) -> None:
        if self._estimator is None or self._diagnostics is None:
            return
        facts = {
            'gpu_memory_mb': f'{self._estimator.gpu_memory_bytes / 1e6:.1f}',
            'device': self._estimator.device_name, 'model': self._config.model}
        self._diagnostics.publish(DiagnosticArray(
            header=Header(stamp=self.get_clock().now().to_msg()),
            status=[camera.status(facts) for camera in self._cameras]))


def estimated(estimator: DepthEstimator, frames: list[Frame]) -> list[DepthMap]:
    """Return the depth of frames: together, or where memory is short one by one."""
    try:
        return estimate_frames(estimator, frames)
    except DeviceError:
        if len(frames) == 1:
            raise
        return [estimate_frames(estimator, [frame])[0] for frame in frames]


@contextmanager
def refusing(*arrivals: Arrival) -> Iterator[None]:
    """Let nothing come of images that cannot be used."""
    try:
        yield
    except ZoeDepthError as error:
        for arrival in arrivals:
            arrival.camera.refuse(error)


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
        # Launch and terminal may both send one.
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
        if node is not None:
            node.destroy_node()
        rclpy.try_shutdown()
        signal.signal(signal.SIGINT, before)
    return 0


if __name__ == '__main__':
    sys.exit(main())
