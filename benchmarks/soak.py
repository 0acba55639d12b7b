# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Soak test of the node: a camera at a steady rate, latency and memory minute by minute.

    PYTHONPATH=. .venv/bin/python benchmarks/soak.py --minutes 10 --rate 30

The node is a process of its own; this process is the camera and the listener.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
import os
from pathlib import Path
import signal
import subprocess
import sys
import time

import numpy as np
import rclpy
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


class Camera(Node):
    """Publishes a few rendered images in turn and listens to the depth node's cloud."""

    def __init__(self, rate_hz: float) -> None:
        super().__init__('soak_camera')
        camera_qos = QoSProfile(depth=1, reliability=QoSReliabilityPolicy.BEST_EFFORT)
        self.images = self.create_publisher(Image, '/camera/image_raw', camera_qos)
        self.infos = self.create_publisher(CameraInfo, '/camera/camera_info', camera_qos)
        self.create_subscription(PointCloud2, '/depth_node/points', self.on_points, 10)
        worlds = sample_worlds(seeds=range(4), size_hw=(480, 640))
        pixels = (worlds.image.permute(0, 2, 3, 1) * 255).byte().numpy()
        self.messages = [NumpyConverter().to_image(rgb, 'rgb8', Header()) for rgb in pixels]
        self.info = camera_info_message(worlds.cameras[0], Header())
        self.sent = defaultdict(int)
        self.latencies_ms = defaultdict(list)
        self.started_s = None
        self.create_timer(1 / rate_hz, self.send)

    def minute(self) -> int:
        return int((time.monotonic() - self.started_s) // 60)

    def send(self) -> None:
        if self.images.get_subscription_count() == 0:
            return
        if self.started_s is None:
            self.started_s = time.monotonic()
        message = self.messages[self.sent[self.minute()] % len(self.messages)]
        header = Header(stamp=self.get_clock().now().to_msg(), frame_id='camera_optical_frame')
        message.header = self.info.header = header
        self.infos.publish(self.info)
        self.images.publish(message)
        self.sent[self.minute()] += 1

    def on_points(self, message: PointCloud2) -> None:
        age = self.get_clock().now() - Time.from_msg(message.header.stamp)
        self.latencies_ms[self.minute()].append(age.nanoseconds / 1e6)


def resident_mb(pid: int) -> float:
    pages = int(Path(f'/proc/{pid}/statm').read_text().split()[1])
    return pages * os.sysconf('SC_PAGE_SIZE') / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--minutes', type=int, default=10)
    parser.add_argument('--rate', type=float, default=30.0)
    parser.add_argument('--model', default='zoed_mini_nk')
    options = parser.parse_args()
    os.environ.setdefault('ROS_DOMAIN_ID', '87')
    command = [
        sys.executable, '-m', 'zoe_depth_ros.ros.node', '--ros-args',
        '-p', f'model:={options.model}', '-r', 'image:=/camera/image_raw',
        '-r', 'camera_info:=/camera/camera_info']
    node = subprocess.Popen(command)
    rclpy.init()
    camera = Camera(options.rate)
    deadline = time.monotonic() + START_TIMEOUT_S
    while camera.started_s is None and time.monotonic() < deadline:
        rclpy.spin_once(camera, timeout_sec=0.1)
    print('minute  sent  clouds  p50 ms  p99 ms  node memory MB', flush=True)
    for minute in range(options.minutes):
        while camera.minute() == minute:
            rclpy.spin_once(camera, timeout_sec=0.1)
        latencies = camera.latencies_ms[minute]
        p50, p99 = np.percentile(latencies, (50, 99))
        print(f'{minute:6d} {camera.sent[minute]:5d} {len(latencies):7d} {p50:7.1f} {p99:7.1f} '
              f'{resident_mb(node.pid):15.1f}', flush=True)
    node.send_signal(signal.SIGINT)
    print(f'node exited with code {node.wait(30)}')
    rclpy.try_shutdown()


if __name__ == '__main__':
    main()
