# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""How the depth node starts and ends."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
import json
import signal
from typing import Any

import numpy as np
import pytest

pytest.importorskip('rclpy')

from diagnostic_msgs.msg import DiagnosticArray
from network_helpers import random_rgb
import rclpy
from rclpy.lifecycle import TransitionCallbackReturn
from ros_helpers import DOMAIN_IDS
from ros_helpers import NodeProcess
from ros_helpers import refusal_to_start
from ros_helpers import running_node
from ros_inputs import image_message
from sensor_msgs.msg import Image
from sensor_msgs.msg import PointCloud2
from std_msgs.msg import Header

from zoe_depth_ros.camera import Camera
from zoe_depth_ros.inference import DepthMap
from zoe_depth_ros.options import NodeConfig
from zoe_depth_ros.ros import outputs
from zoe_depth_ros.ros.conversion import NumpyConverter
from zoe_depth_ros.ros.node import DepthNode

RGB = np.zeros((6, 8, 3), np.uint8)
DEPTH_M = np.ones((6, 8), np.float32)
SCENE = DiagnosticArray()
BAD_STARTS = {
    'choice': ({'mode': 'fast'}, "mode = 'fast' is not one of robot, reference, paper"),
    'range': ({'points.stride': 0}, 'points.stride'),
    'type': ({'points.max_range': 20}, 'points.max_range'),
    'contradiction': ({'points.min_range': 50.0}, 'points.min_range = 50.0'),
    'multiple': ({'network_height': 100}, 'network_height = 100 is not a multiple of 32'),
    'modes': ({'mode': 'reference', 'output_size': 'network'}, "output_size = 'network'"),
}


def arguments(parameters: dict[str, Any]) -> list[str]:
    return ['--ros-args', *(
        part for name, value in parameters.items()
        for part in ('-p', f'{name}:={json.dumps(value)}'))]


@contextmanager
def node_here(parameters: dict[str, Any]) -> Iterator[DepthNode]:
    """Make a depth node in this process."""
    rclpy.init(args=arguments(parameters), domain_id=next(DOMAIN_IDS))
    try:
        node = DepthNode()
        yield node
        node.destroy_node()
    finally:
        rclpy.try_shutdown()


@pytest.mark.parametrize(('parameters', 'reason'), BAD_STARTS.values(), ids=BAD_STARTS)
def test_node_with_a_wrong_option_at_start_says_so_in_one_line_and_ends(
        capfd, parameters, reason):
    line = refusal_to_start(capfd, parameters)
    assert 'cannot start: ' in line
    assert reason in line


def test_node_process_with_a_wrong_option_ends_with_an_exit_code(tmp_path):
    process = NodeProcess(tmp_path, {'mode': 'fast'})
    assert process.process.wait(120) == 1
    line, = process.log.splitlines()
    assert "mode = 'fast'" in line


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_node_process_with_a_frame_in_work_ends_cleanly_on_a_signal(weights, tmp_path, number):
    parameters = {
        'model': str(weights), 'diagnostics_period': 0.2, 'mode': 'reference',
        'network_height': 480, 'network_width': 640}
    with running_node(tmp_path, parameters) as node:
        node.listen()
        node.ask(image_message(random_rgb()), 'depth/image')
        start = node.status().number('frames_in')

        def in_work(status) -> bool:
            node.send(image_message(random_rgb()))
            return status.number('frames_in') >= start + 3

        node.status(in_work)
        assert node.process.signal(number) == 0
        for word in ('Traceback', 'rror', 'terminate'):
            assert word not in node.process.log


def test_node_with_two_options_that_only_fit_together_starts():
    parameters = {
        'autostart': False, 'points.min_range': 50.0, 'points.max_range': 60.0,
        'network_height': 96, 'network_width': 128}
    with node_here(parameters) as node:
        for name, value in parameters.items():
            assert node.get_parameter(name).value == value


@pytest.mark.parametrize(('entity', 'transition', 'previous'), [
    ('/depth_node/points.publisher', 'configure', 'unconfigured'),
    ('/image.subscription', 'activate', 'inactive'),
])
def test_node_with_a_wrong_qos_override_says_so_and_stays(
        capfd, weights, entity, transition, previous):
    name = f'qos_overrides.{entity}.reliability'
    with node_here({'autostart': False, 'model': str(weights), name: 'sometimes'}) as node:
        if transition == 'activate':
            assert node.trigger_configure() == TransitionCallbackReturn.SUCCESS
        trigger = getattr(node, f'trigger_{transition}')
        assert trigger() == TransitionCallbackReturn.FAILURE
        assert f'cannot {transition}: ' in (said := capfd.readouterr().err)
        assert '`sometimes`' in said
        assert node._state_machine.current_state[1] == previous


def test_node_makes_only_the_messages_somebody_listens_to(weights, monkeypatch):
    made = []
    monkeypatch.setattr(outputs, 'colorize_depth', lambda depth_m: made.append('color') or RGB)
    monkeypatch.setattr(outputs, 'scene_message', lambda *_: made.append('scene') or SCENE)
    depth = DepthMap(DEPTH_M, DEPTH_M, 'indoor', 1.0, RGB, Camera(8, 6, 9.0, 9.0, 3.5, 2.5))
    with node_here({'autostart': False, 'model': str(weights)}) as node:
        published = outputs.Outputs(node, NumpyConverter())
        published.publish(depth, Header(), NodeConfig(), lambda is_wanted: None)
        assert (made, published.wanted) == ([], False)
        node.create_subscription(DiagnosticArray, '~/scene', lambda _: None, 10)
        for _ in range(100):
            rclpy.spin_once(node, timeout_sec=0.1)
            if published.wanted:
                break
        published.publish(depth, Header(), NodeConfig(), lambda is_wanted: None)
    assert made == ['scene']


def test_depth_and_its_cloud_go_out_before_the_ground_is_looked_for(weights):
    made = []

    class Notes(NumpyConverter):
        def to_image(self, pixels, encoding, header):
            made.append(encoding)
            return super().to_image(pixels, encoding, header)

        def to_points(self, cloud, header):
            made.append('points')
            return super().to_points(cloud, header)

    depth = DepthMap(DEPTH_M, DEPTH_M, 'indoor', 1.0, RGB, Camera(8, 6, 9.0, 9.0, 3.5, 2.5))
    wanted = {'~/depth/image': Image, '~/points': PointCloud2, '~/points/obstacles': PointCloud2,
              '~/image_rect': Image}
    with node_here({'autostart': False, 'model': str(weights)}) as node:
        published = outputs.Outputs(node, Notes())
        for topic, message_type in wanted.items():
            node.create_subscription(message_type, topic, lambda _: None, 10)
        for _ in range(100):
            rclpy.spin_once(node, timeout_sec=0.1)
            if all(map(published._is_wanted, wanted)):
                break
        published.publish(depth, Header(), NodeConfig(), lambda is_wanted: made.append(is_wanted))
    assert made == ['32FC1', 'points', True, 'points', 'rgb8']


def test_node_that_does_not_start_itself_waits_unconfigured(weights):
    with node_here({'autostart': False, 'model': str(weights)}) as node:
        rclpy.spin_once(node, timeout_sec=0.2)
        assert node._state_machine.current_state[1] == 'unconfigured'
    with node_here({'model': str(weights)}) as node:
        for _ in range(100):
            rclpy.spin_once(node, timeout_sec=0.2)
            if node._state_machine.current_state[1] == 'active':
                return
        raise AssertionError(node._state_machine.current_state)
