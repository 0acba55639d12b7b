# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""How a running depth node behaves over time: load, idleness, clock, parameters, states."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median
import time

import cv2
import numpy as np
import pytest

pytest.importorskip('rclpy')

from builtin_interfaces.msg import Time
from network_helpers import random_rgb
from network_helpers import SIZE_HW
from rclpy.qos import ReliabilityPolicy
from ros_helpers import OUTPUTS
from ros_helpers import pixels
from ros_helpers import Probe
from ros_helpers import running_node
from ros_inputs import image_message
from ros_inputs import info_message
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CompressedImage

from zoe_depth_ros.ros.statistics import SILENCE_LIMIT_S

IMAGES = '/camera/image_rect_color'
DISTORTION = [-0.3, 0.1, 0.001, -0.001, 0.0]
PERIOD_S = 0.01


@pytest.fixture(scope='module')
def running(tmp_path_factory) -> Iterator[Probe]:
    """Run a node whose weights are missing and whose time is /clock."""
    parameters = {
        'model': '/nowhere/missing.safetensors', 'use_sim_time': True, 'diagnostics_period': 0.2}
    folder = tmp_path_factory.mktemp('node')
    with running_node(folder, parameters, images=IMAGES) as probe:
        probe.listen()
        yield probe


@pytest.fixture
def node(running, weights) -> Probe:
    """Return the node, active."""
    if running.state() == 'unconfigured':
        assert running.set(model=str(weights))[0].successful
        assert running.change_state('configure'), running.process.log
    if running.state() == 'inactive':
        assert running.change_state('activate'), running.process.log
    return running


def test_node_without_weights_stays_unconfigured_says_why_and_takes_others(running, weights):
    assert running.until(lambda: 'cannot configure: ' in running.process.log)
    assert '/nowhere/missing.safetensors' in running.process.log
    assert running.state() == 'unconfigured'
    assert not running.change_state('configure')
    assert running.state() == 'unconfigured'
    assert running.set(model=str(weights))[0].successful
    assert running.change_state('configure')
    assert running.change_state('activate')
    assert running.ask(image_message(random_rgb()), 'depth/image')
    assert str(weights) in running.process.log


def test_node_subscribes_best_effort_by_default(node):
    for topic in (IMAGES, '/camera/camera_info'):
        info, = node.node.get_subscriptions_info_by_topic(topic)
        assert info.qos_profile.reliability == ReliabilityPolicy.BEST_EFFORT


def test_node_takes_images_called_image_rect_as_rectified(node):
    camera = info_message(d=DISTORTION)
    rgb = random_rgb(1)
    node.use_camera(camera)
    assert np.array_equal(pixels(node.ask(image_message(rgb))['image_rect']), rgb)
    node.set(rectify='always')
    assert not np.array_equal(pixels(node.ask(image_message(rgb))['image_rect']), rgb)
    node.set(rectify='auto')
    node.restart(image_transport='compressed')
    file = cv2.imencode('.png', rgb[..., ::-1])[1].tobytes()
    topics = 'depth/image', 'image_rect'
    node.infos.publish(camera)
    assert np.array_equal(
        pixels(node.ask(CompressedImage(format='png', data=file), *topics)['image_rect']), rgb)
    node.restart(image_transport='raw')


def test_node_measures_latency_and_stamps_diagnostics_by_the_ros_clock(node):
    node.restart()
    clock = node.node.create_publisher(Clock, '/clock', 10)
    now = Time(sec=1_600_000_000, nanosec=250_000_000)

    def ticked(status) -> bool:
        clock.publish(Clock(clock=now))
        return status.stamp == now

    node.status(ticked)
    image = image_message(random_rgb())
    image.header.stamp = Time(sec=1_600_000_000)

    def measured(status) -> bool:
        node.images.publish(image)
        return status.number('frames_out') > 0

    status = node.status(measured)
    assert status.number('latency_p50_ms') == status.number('latency_p99_ms') == 250.0
    assert status.number('processing_p50_ms') > 0
    node.node.destroy_publisher(clock)


def test_node_nobody_listens_to_computes_nothing(node):
    node.restart()
    node.mute()
    node.status(lambda status: status.text == 'idle: nobody subscribes')
    before = node.status()

    def arrived(status) -> bool:
        node.send(image_message(random_rgb()))
        return status.number('frames_in') >= before.number('frames_in') + 5

    after = node.status(arrived)
    assert after.number('frames_out') == before.number('frames_out')
    assert after.number('dropped_busy') == after.number('dropped_bad') == 0
    node.listen()
    assert node.ask(image_message(random_rgb()), 'depth/image')


def test_node_warns_while_no_image_comes_for_somebody(node):
    node.restart()
    silence = node.status(lambda status: status.is_warning)
    assert silence.text.startswith(f'no image on {IMAGES} for ')
    assert silence.number('silence_s') >= SILENCE_LIMIT_S
    node.ask(image_message(random_rgb()), 'depth/image')
    node.status(lambda status: not status.is_warning and status.text.endswith('frames/s'))
    again = node.status(lambda status: status.is_warning)
    assert again.text.startswith(f'no image on {IMAGES} for ')
    assert again.number('frames_in') > 0
    node.mute()
    node.status(lambda status: not status.is_warning and status.text.startswith('idle'))
    node.listen()
    node.status(lambda status: status.is_warning)


def test_node_under_a_flood_takes_the_newest_image_and_counts_the_others(node):
    node.restart(network_height=640, network_width=832)  # slower than any sender
    node.listen('depth/image')
    image = image_message(random_rgb())
    node.ask(image)
    start = node.status(lambda status: status.number('frames_out') > 0)
    sent_s: dict[int, float] = {}
    waits_s: list[float] = []
    answered = node.received['depth/image']
    answered.clear()

    def enough() -> bool:
        sent_s[node.send(image).stamp.sec] = time.monotonic()
        node.until(lambda: False, PERIOD_S)
        waits_s.extend(time.monotonic() - sent_s[item.header.stamp.sec]
                       for item in answered[len(waits_s):])
        return len(waits_s) >= 10 and len(sent_s) >= 50

    assert node.until(enough)
    flood_s = time.monotonic() - min(sent_s.values())
    assert node.until(lambda: answered[-1].header.stamp.sec == max(sent_s))
    stamps = [item.header.stamp.sec for item in answered]
    assert stamps == sorted(set(stamps))
    assert median(waits_s) < flood_s / 2

    def drained(status) -> bool:
        counts = [status.number(name) for name in ('frames_in', 'frames_out', 'dropped_busy')]
        return counts[0] == counts[1] + counts[2]

    end = node.status(drained)
    assert end.number('frames_out') - start.number('frames_out') == len(stamps)
    assert end.number('dropped_busy') > 0
    assert len(stamps) < len(sent_s)
    assert end.number('frames_in') - start.number('frames_in') <= len(sent_s)
    node.restart(network_height=0, network_width=0)
    node.listen()


def test_node_frame_rate_falls_when_images_stop(node):
    node.ask(image_message(random_rgb()), 'depth/image')
    node.ask(image_message(random_rgb()), 'depth/image')
    fast = node.status(lambda status: status.number('fps') > 0).number('fps')
    assert node.status(lambda status: status.number('fps') < fast / 2)


@pytest.mark.parametrize(('name', 'value', 'reason'), [
    ('domain', 'underwater', 'underwater'),
    ('rectify', 'sometimes', 'sometimes'),
    ('points__stride', 0, 'stride'),
    ('points__max_range', 0.05, 'points.max_range = 0.05'),
    ('points__max_range', float('nan'), 'nan'),
    ('points__max_range', 20, 'DOUBLE'),
    ('depth_encoding', 5, 'STRING'),
    ('mode', 'paper', 'mode cannot change while the node is configured'),
    ('model', 'zoed_n', 'model cannot change while the node is configured'),
])
def test_node_rejects_a_wrong_value_with_a_reason_and_keeps_the_old_one(
        node, name, value, reason):
    old = node.get(name.replace('__', '.'))
    result, = node.set(**{name: value})
    assert not result.successful
    assert reason in result.reason
    assert node.get(name.replace('__', '.')) == old
    assert node.ask(image_message(random_rgb()), 'depth/image')


def test_node_takes_all_of_an_atomic_change_or_nothing(node):
    node.use_camera(info_message())
    result = node.set_atomically(depth_encoding='16UC1', points__stride=2, mode='paper')
    assert not result.successful
    answers = node.ask(image_message(random_rgb()))
    assert answers['depth/image'].encoding == '32FC1'
    assert (node.get('points.stride'), node.get('mode')) == (1, 'robot')
    changes = {'depth_encoding': '16UC1', 'points__stride': 2, 'points__min_edge_angle': 0.0}
    assert node.set_atomically(**changes, mode='robot').successful
    answers = node.ask(image_message(random_rgb()))
    assert answers['depth/image'].encoding == '16UC1'
    assert answers['points'].width == SIZE_HW[0] * SIZE_HW[1] // 4
    node.set(depth_encoding='32FC1', points__stride=1, points__min_edge_angle=5.0)


def test_node_goes_through_its_states_by_the_services(node):
    assert node.state() == 'active'
    assert node.change_state('deactivate')
    assert node.state() == 'inactive'
    assert node.until(lambda: not node.node.get_subscriptions_info_by_topic(IMAGES))
    assert node.change_state('cleanup')
    assert node.state() == 'unconfigured'
    for topic in OUTPUTS:
        assert node.until(lambda: not node.node.count_publishers(f'/depth_node/{topic}'))  # noqa: B023
    assert not node.change_state('activate')
    assert node.set(mode='paper')[0].successful
    assert node.change_state('configure')
    assert node.change_state('activate')
    assert node.ask(image_message(random_rgb()), 'depth/image')
    assert node.change_state('active_shutdown')
    assert node.state() == 'finalized'
    assert node.process.process.poll() is None
