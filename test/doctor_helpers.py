# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Nodes that live beside a depth node, or in its place, for the doctor to look at."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from threading import Thread
import time
from typing import Any

from network_helpers import random_rgb
import rclpy
from rclpy.executors import ExternalShutdownException
from rclpy.executors import SingleThreadedExecutor
from rclpy.lifecycle import LifecycleNode
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy
from rclpy.qos import QoSProfile
from rclpy.qos import ReliabilityPolicy
from ros_inputs import image_message
from ros_inputs import info_message
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CameraInfo
from sensor_msgs.msg import Image
from std_msgs.msg import Header

FRAME = 'camera_optical_frame'
IMAGES, INFOS = '/camera/image_raw', '/camera/camera_info'
PERIOD_S = 0.1


class Neighbour:
    """A node that spins in a thread, in a `with` statement."""

    def __init__(
        self, domain_id: int, name: str, make: Callable[..., Node] = Node, **options: Any,
    ) -> None:
        self._context = rclpy.Context()
        rclpy.init(context=self._context, domain_id=domain_id)
        self.node = make(name, context=self._context, **options)
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self.node)
        self._thread = Thread(target=self._spin, daemon=True)

    def __enter__(self) -> Neighbour:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._executor.shutdown()
        if self._thread.is_alive():
            self._thread.join()
        self.node.destroy_node()
        rclpy.try_shutdown(context=self._context)

    def call(self, service_type: Any, name: str, **fields: Any) -> Any:
        client = self.node.create_client(service_type, name)
        assert client.wait_for_service(30.0)
        return client.call(service_type.Request(**fields), timeout_sec=30.0)

    def _spin(self) -> None:
        with suppress(ExternalShutdownException):
            self._executor.spin()


class Camera(Neighbour):
    """
    A camera driver whose every property can be spoilt.

    :param images: topic of its images, '' for none.
    :param infos: topic of its camera_info, '' for none.
    :param frames: frame of the image and of its camera_info.
    :param image_fields: override those of the image, the same for `info_fields`.
    :param age_s: added to the stamps' age.
    :param mounted: whether TF tells where it is.
    :param clock_s: time of a simulation at the start; it ticks, and stamps are by it.
    """

    def __init__(
        self, domain_id: int, *, images: str = IMAGES, infos: str = INFOS,
        frames: tuple[str, str] = (FRAME, FRAME), image_fields: dict[str, Any] | None = None,
        info_fields: dict[str, Any] | None = None, age_s: float = 0.0, stamped: bool = True,
        mounted: bool = True, clock_s: int = 0, silent: bool = False, use_sim_time: bool = False,
        reliability: ReliabilityPolicy = ReliabilityPolicy.RELIABLE,
    ) -> None:
        super().__init__(domain_id, 'camera', parameter_overrides=[
            rclpy.Parameter('use_sim_time', value=use_sim_time)])
        qos = QoSProfile(depth=5, reliability=reliability)
        self._publishers = [
            self.node.create_publisher(kind, topic, qos)
            for kind, topic in ((Image, images), (CameraInfo, infos)) if topic]
        self._messages = {
            Image: (frames[0], image_message(random_rgb(), **(image_fields or {}))),
            CameraInfo: (frames[1], info_message(**(info_fields or {})))}
        self._age_s, self._stamped = age_s, stamped
        self._clock_s, self._start_s = clock_s, time.time()
        self._transforms = transform_publisher(
            self.node, [('odom', 'base_link'), *[('base_link', frames[0])] * mounted])
        if clock_s:
            self._clock = self.node.create_publisher(Clock, '/clock', 10)
        if not silent:
            steady = rclpy.clock.Clock(clock_type=rclpy.clock.ClockType.STEADY_TIME)
            self.node.create_timer(PERIOD_S, self._shoot, clock=steady)

    def _shoot(self) -> None:
        now_s = time.time()
        if self._clock_s:
            now_s += self._clock_s - self._start_s
            self._clock.publish(Clock(clock=stamp(now_s)))
        for publisher in self._publishers:
            frame, message = self._messages[publisher.msg_type]
            message.header = Header(frame_id=frame)
            if self._stamped:
                message.header.stamp = stamp(now_s - self._age_s)
            publisher.publish(message)


class DepthStandIn(Neighbour):
    """
    What the doctor takes for a depth node; it repeats its images as depth after a delay.

    :param transitions: of its lifecycle, to be gone through at once.
    :param delay_s: None to publish nothing.
    """

    def __init__(
        self, domain_id: int, transitions: tuple[str, ...] = ('configure', 'activate'), *,
        delay_s: float | None = None, **parameters: Any,
    ) -> None:
        super().__init__(domain_id, 'depth_node', LifecycleNode)
        node = self.node
        for name, value in {'model': 'zoed_mini_nk', 'device': 'cpu', **parameters}.items():
            node.declare_parameter(name, value)
        for transition in transitions:
            getattr(node, f'trigger_{transition}')()
        if 'activate' in transitions:
            node.create_subscription(CameraInfo, INFOS, lambda _: None, 1)
            node.create_subscription(Image, IMAGES, self._repeat, 1)
            self._depth = node.create_publisher(Image, '~/depth/image', 5)
        self._delay_s, self._waiting = delay_s, []

    def _repeat(self, message: Image) -> None:
        self._waiting.append((time.monotonic(), message))
        if self._delay_s is not None and time.monotonic() - self._waiting[0][0] > self._delay_s:
            self._depth.publish(self._waiting.pop(0)[1])


def stamp(seconds: float) -> Any:
    return rclpy.time.Time(nanoseconds=int(seconds * 1e9)).to_msg()


def transform_publisher(node: Node, links: list[tuple[str, str]]) -> Any:
    """Publish which frame hangs on which, where that is possible."""
    try:
        tf_message = import_module('tf2_msgs.msg').TFMessage
    except ImportError:
        return None
    transform = import_module('geometry_msgs.msg').TransformStamped
    publisher = node.create_publisher(tf_message, '/tf_static', QoSProfile(
        depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL))
    publisher.publish(tf_message(transforms=[
        transform(header=Header(frame_id=parent), child_frame_id=child)
        for parent, child in links]))
    return publisher
