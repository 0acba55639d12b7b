# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
What steady routing, uncertainty, clean clouds and true scale cost the live node.

    PYTHONPATH=. .venv/bin/python benchmarks/latency.py

A node with all of it off, one with all of it on, and one that makes compressedDepth besides are
there all the time, each a process of its own; one after the other is given the same drive by this
process, which is the camera (640x480) and the listener. Latency is from the stamp of an image
until a message made of it is published, as the middleware stamps it: for the topics there are in
every case, and for the last message of all.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Mapping
from collections.abc import Sequence
from contextlib import ExitStack
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
from zoe_depth_ros.camera import Camera
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
DRIVE_STEP = 2
DISCOVERY_S = 20.0
SETTLING = 5  # frames at the beginning of a turn that do not count
LAST = 'the last message'


class Case:
    """
    A running node with a camera and a listener of its own.

    :param session: the graph it takes part in.
    :param node_name: of the node.
    :param topics: listened to.
    """

    def __init__(self, session: RosSession, node_name: str, topics: Sequence[str]) -> None:
        node = self._node = session.node
        self._images = node.create_publisher(Image, f'{node_name}/seen/image', CAMERA_QOS)
        self._infos = node.create_publisher(
            CameraInfo, f'{node_name}/seen/camera_info', CAMERA_QOS)
        for topic in topics:
            node.create_subscription(
                TOPICS[topic], topic.replace('~', node_name), partial(self._on_message, topic), 5,
                raw=True)
        self._latencies_ms: dict[int, dict[str, float]] = defaultdict(dict)

    def _on_message(self, topic: str, cdr: bytes, info: Mapping[str, int]) -> None:
        stamp_ns = header_stamp_ns(cdr)
        self._latencies_ms[stamp_ns][topic] = (info['source_timestamp'] - stamp_ns) / 1e6

    def drive(self, images: Sequence[Image], camera: Camera, rate: float) -> dict[str, float]:
        """Return the median latencies, by topic and of the last, of one drive."""
        wait_until(lambda: self._images.get_subscription_count() > 0, DISCOVERY_S)
        self._latencies_ms.clear()
        for image in images:
            image.header = Header(
                stamp=self._node.get_clock().now().to_msg(), frame_id='camera_optical')
            self._infos.publish(camera_info_message(camera, image.header))
            self._images.publish(image)
            time.sleep(1 / rate)
        time.sleep(0.5)
        frames = list(self._latencies_ms.values())[SETTLING:]
        return {
            **{topic: median(frame[topic] for frame in frames if topic in frame)
               for topic in PLAIN_TOPICS},
            LAST: median(max(frame.values()) for frame in frames)}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--model', default='zoed_mini_nk')
    parser.add_argument('--device', default='cpu')
    parser.add_argument('--rate', type=float, default=10.0, help='images a second')
    parser.add_argument('--rounds', type=int, default=8, help='drives that each node is given')
    options = parser.parse_args()
    frames = list(doorway_drive(1, SIZE_HW))[::DRIVE_STEP]
    images = [NumpyConverter().to_image(frame.image_u8, 'rgb8', Header()) for frame in frames]
    found: dict[str, list[dict[str, float]]] = {name: [] for name in CASES}
    with TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        session = stack.enter_context(RosSession('latency_bench', folder / 'profile.xml'))
        cases = {}
        for number, (case, (parameters, topics)) in enumerate(CASES.items()):
            node_name = f'{NODE_NAME}_{number}'
            stack.enter_context(DepthNodeProcess(
                session, folder / f'{number}.log',
                {'model': options.model, 'device': options.device, **parameters},
                {topic: f'{node_name}/seen/{topic}' for topic in ('image', 'camera_info')},
                node_name))
            cases[case] = Case(session, node_name, topics)
        for case in cases.values():
            case.drive(images[:2 * SETTLING], frames[0].camera, options.rate)
        for _ in range(options.rounds):
            for case_name, case in cases.items():
                found[case_name].append(case.drive(images, frames[0].camera, options.rate))
    print('| | until published | ms, median of drives | of all off, median of drives '
          '| middle half |')
    print('|---|---|---|---|---|')
    for case_name, drives in found.items():
        for what in (*PLAIN_TOPICS, LAST):
            latencies_ms, plain_ms = (
                [latencies[what] for latencies in turns] for turns in (drives, found['all off']))
            low, middle, high = np.percentile(np.divide(latencies_ms, plain_ms), [25, 50, 75])
            print(f'| {case_name} | {what} | {median(latencies_ms):.1f} | {middle:.2f} '
                  f'| {low:.2f} to {high:.2f} |')


if __name__ == '__main__':
    main()
