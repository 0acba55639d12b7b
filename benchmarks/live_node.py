# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Depth nodes in processes of their own, and cameras that feed them and time the answers."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence
from contextlib import contextmanager
import os
from pathlib import Path
import signal
import subprocess
import sys
import time

import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import QoSProfile
from rclpy.qos import QoSReliabilityPolicy
from rclpy.time import Time
from sensor_msgs.msg import CameraInfo
from sensor_msgs.msg import Image
from sensor_msgs.msg import PointCloud2
from std_msgs.msg import Header

from zoe_depth_ros.ros.conversion import NumpyConverter
from zoe_depth_ros.ros.messages import camera_info_message
from zoe_depth_ros.worlds import sample_worlds

START_TIMEOUT_S = 120.0
STOP_TIMEOUT_S = 30.0
FAST_DDS_PROFILE = Path(__file__).parents[1] / 'config' / 'fast_dds.xml'


class Camera(Node):
    """
    Publishes a few rendered images in turn and listens to a depth node's cloud.

    :param name: publishes /NAME/image and /NAME/camera_info.
    :param cloud: topic of the answers.
    :param rate_hz: images a second, from when somebody takes them.
    """

    def __init__(self, name: str, cloud: str, rate_hz: float) -> None:
        super().__init__(f'{name}_driver')
        camera_qos = QoSProfile(depth=1, reliability=QoSReliabilityPolicy.BEST_EFFORT)
        self._images = self.create_publisher(Image, f'/{name}/image', camera_qos)
        self._infos = self.create_publisher(CameraInfo, f'/{name}/camera_info', camera_qos)
        self.create_subscription(PointCloud2, cloud, self._on_points, 10)
        worlds = sample_worlds(seeds=range(4), size_hw=(480, 640))
        pixels = (worlds.image.permute(0, 2, 3, 1) * 255).byte().numpy()
        self._messages = [NumpyConverter().to_image(rgb, 'rgb8', Header()) for rgb in pixels]
        self._info = camera_info_message(worlds.cameras[0], Header())
        self.sent_s: list[float] = []
        self.answered_s: list[float] = []
        self.latencies_ms: list[float] = []
        self.create_timer(1 / rate_hz, self._send)

    def latencies_between(self, start_s: float, end_s: float) -> list[float]:
        """Return milliseconds from stamp to arrival of the clouds that came between two times."""
        return [latency_ms for at_s, latency_ms in zip(
            self.answered_s, self.latencies_ms, strict=True) if start_s <= at_s < end_s]

    def _send(self) -> None:
        if self._images.get_subscription_count() == 0:
            return
        message = self._messages[len(self.sent_s) % len(self._messages)]
        header = Header(stamp=self.get_clock().now().to_msg(), frame_id='camera_optical_frame')
        message.header = self._info.header = header
        self._infos.publish(self._info)
        self._images.publish(message)
        self.sent_s.append(time.monotonic())

    def _on_points(self, message: PointCloud2) -> None:
        age = self.get_clock().now() - Time.from_msg(message.header.stamp)
        self.answered_s.append(time.monotonic())
        self.latencies_ms.append(age.nanoseconds / 1e6)


def spin(
    cameras: Sequence[Camera], end_s: float, is_over: Callable[[], bool] = lambda: False,
) -> None:
    """Let cameras send and listen until a monotonic second, or until something holds."""
    executor = SingleThreadedExecutor()
    for camera in cameras:
        executor.add_node(camera)
    while time.monotonic() < end_s and not is_over():
        executor.spin_once(timeout_sec=0.1)
    for camera in cameras:
        executor.remove_node(camera)


def wait_for_answers(cameras: Sequence[Camera]) -> None:
    """Let cameras send and listen until every one has an answer."""
    spin(cameras, time.monotonic() + START_TIMEOUT_S,
         lambda: all(camera.answered_s for camera in cameras))
    if silent := [camera.get_name() for camera in cameras if not camera.answered_s]:
        raise SystemExit(f'no answer for {", ".join(silent)} in {START_TIMEOUT_S:g} s')


@contextmanager
def middleware(domain_id: int) -> Iterator[None]:
    """Use a ROS domain of one's own, with memory for large messages, here and in nodes."""
    os.environ.setdefault('ROS_DOMAIN_ID', str(domain_id))
    for name in ('FASTDDS_DEFAULT_PROFILES_FILE', 'FASTRTPS_DEFAULT_PROFILES_FILE'):
        os.environ.setdefault(name, str(FAST_DDS_PROFILE))
    rclpy.init()
    try:
        yield
    finally:
        rclpy.try_shutdown()


@contextmanager
def running_node(*arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a depth node with ROS arguments and interrupt it in the end."""
    process = subprocess.Popen(
        [sys.executable, '-m', 'zoe_depth_ros.ros.node', '--ros-args', *arguments])
    try:
        yield process
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(STOP_TIMEOUT_S)


def resident_mb(pid: int) -> float:
    """Return the memory a process holds."""
    pages = int(Path(f'/proc/{pid}/statm').read_text().split()[1])
    return pages * os.sysconf('SC_PAGE_SIZE') / 1e6


def cpu_s(pid: int) -> float:
    """Return the time a process has spent on processors."""
    user, system = Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf('SC_CLK_TCK')
