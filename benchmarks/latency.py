# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
What steady routing, uncertainty, clean clouds and true scale cost the live node.

    PYTHONPATH=. .venv/bin/python benchmarks/latency.py

The node runs with all of it off and with all of it on, in turn, each as a process of its own; this
process is the camera (640x480) and the listener. Latency is from the stamp of an image until a
message made of it is published, as the middleware stamps it: for the topics there are in every
case, and for the last message of all.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Mapping
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
import time

import numpy as np
from rclpy.qos import QoSProfile
from rclpy.qos import QoSReliabilityPolicy
from sensor_msgs.msg import CameraInfo
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from zoe_depth_ros.bag.decode import header_stamp_ns
from zoe_depth_ros.ros.conversion import NumpyConverter
from zoe_depth_ros.ros.messages import camera_info_message
from zoe_depth_ros.ros.node_process import DepthNodeProcess
from zoe_depth_ros.ros.node_process import NODE_NAME
from zoe_depth_ros.ros.outputs import TOPICS
from zoe_depth_ros.ros.session import RosSession
from zoe_depth_ros.ros.session import wait_until
from zoe_depth_ros.worlds import doorway_drive

SIZE_HW = (480, 640)
PLAIN_TOPICS = ('~/depth/image', '~/depth/camera_info', '~/points')
ALL_TOPICS = (*PLAIN_TOPICS, '~/depth/std_dev', '~/points/obstacles', '~/points/ground',
              '~/scene', '~/scale')
OFF = {'routing': 'batch', 'points.min_edge_angle': 0.0}
ON = {'scale.source': 'camera_height', 'scale.camera_height': 1.2, 'beyond_range': 'infinite',
      'points.free_rays': True, 'points.std_dev_field': True, 'points.max_relative_std': 5.0}
CASES = {
    'all off': (OFF, PLAIN_TOPICS),
    'all on': (ON, ALL_TOPICS),
    'all on, and compressedDepth': (ON, (*ALL_TOPICS, '~/depth/image/compressedDepth')),
}
CAMERA_QOS = QoSProfile(depth=1, reliability=QoSReliabilityPolicy.BEST_EFFORT)
DRIVE_STEP = 2  # one drive through a door lasts as long as a turn
DISCOVERY_S = 20.0
SETTLING = 5  # frames at the beginning that do not count
LAST = 'the last message'


class Bench:
    """A camera and a listener in one graph with the node."""

    def __init__(self, session: RosSession, folder: Path, options: argparse.Namespace) -> None:
        self._session = session
        self._folder = folder
        self._options = options
        frames = list(doorway_drive(1, SIZE_HW))[::DRIVE_STEP]
        self._images = [
            NumpyConverter().to_image(frame.image_u8, 'rgb8', Header()) for frame in frames]
        self._info = camera_info_message(frames[0].camera, Header())
        node = session.node
        self._image_publisher = node.create_publisher(Image, '/image', CAMERA_QOS)
        self._info_publisher = node.create_publisher(CameraInfo, '/camera_info', CAMERA_QOS)
        self._latencies_ms: dict[int, dict[str, float]] = {}

    def _on_message(self, topic: str, cdr: bytes, info: Mapping[str, int]) -> None:
        stamp_ns = header_stamp_ns(cdr)
        self._latencies_ms[stamp_ns][topic] = (info['source_timestamp'] - stamp_ns) / 1e6

    def latencies_ms(
        self, parameters: dict[str, object], topics: Sequence[str],
    ) -> dict[str, float]:
        """Return the median latencies, by topic and of the last, of a node that runs a while."""
        self._latencies_ms = defaultdict(dict)
        node = self._session.node
        listeners = [
            node.create_subscription(
                TOPICS[topic], topic.replace('~', NODE_NAME), partial(self._on_message, topic), 5,
                raw=True)
            for topic in topics]
        told = {'model': self._options.model, 'device': self._options.device, **parameters}
        try:
            with DepthNodeProcess(self._session, self._folder / 'node.log', told, {}):
                wait_until(lambda: self._image_publisher.get_subscription_count() > 0, DISCOVERY_S)
                self._send()
            frames = list(self._latencies_ms.values())[SETTLING:]
            return {
                **{topic: median(frame[topic] for frame in frames if topic in frame)
                   for topic in PLAIN_TOPICS},
                LAST: median(max(frame.values()) for frame in frames)}
        finally:
            for listener in listeners:
                node.destroy_subscription(listener)

    def _send(self) -> None:
        period_s = 1 / self._options.rate
        for number in range(int(self._options.seconds * self._options.rate)):
            image = self._images[number % len(self._images)]
            header = Header(
                stamp=self._session.node.get_clock().now().to_msg(), frame_id='camera_optical')
            image.header = self._info.header = header
            self._info_publisher.publish(self._info)
            self._image_publisher.publish(image)
            time.sleep(period_s)
        time.sleep(1.0)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--model', default='zoed_mini_nk')
    parser.add_argument('--device', default='cpu')
    parser.add_argument('--rate', type=float, default=10.0, help='images a second')
    parser.add_argument('--seconds', type=float, default=10.0, help='of each turn')
    parser.add_argument('--rounds', type=int, default=8)
    options = parser.parse_args()
    found: dict[str, list[dict[str, float]]] = {name: [] for name in CASES}
    with TemporaryDirectory() as name:
        folder = Path(name)
        with RosSession('latency_bench', folder / 'profile.xml') as session:
            bench = Bench(session, folder, options)
            for _ in range(options.rounds):
                for case, (parameters, topics) in CASES.items():
                    found[case].append(bench.latencies_ms(parameters, topics))
    print('| | until published | ms, median of rounds | of all off, median of rounds |')
    print('|---|---|---|---|')
    for case, rounds in found.items():
        for what in (*PLAIN_TOPICS, LAST):
            latencies_ms, plain_ms = (
                [latencies[what] for latencies in turns] for turns in (rounds, found['all off']))
            ratio = np.divide(latencies_ms, plain_ms)
            print(f'| {case} | {what} | {median(latencies_ms):.1f} | {median(ratio):.2f} |')


if __name__ == '__main__':
    main()
