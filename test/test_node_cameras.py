# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""One running depth node with two cameras: what is a camera's own, and that none waits."""

from __future__ import annotations

from collections.abc import Iterator
import time
from typing import Any

import numpy as np
import pytest

pytest.importorskip('rclpy')

from network_helpers import random_rgb
from rclpy.qos import ReliabilityPolicy
from ros_helpers import ANSWER_S
from ros_helpers import DEADLINE_S
from ros_helpers import OUTPUTS
from ros_helpers import pixels
from ros_helpers import Probe
from ros_helpers import refusal_to_start
from ros_helpers import reliable
from ros_helpers import running_cameras
from ros_inputs import image_message
from ros_inputs import info_message
from sensor_msgs.msg import Image
from sensor_msgs.msg import PointCloud2
from std_msgs.msg import Header

from zoe_depth_ros.camera import Camera
from zoe_depth_ros.geometry import point_cloud
from zoe_depth_ros.ros.conversion import NumpyConverter
from zoe_depth_ros.ros.messages import camera_info_message
from zoe_depth_ros.ros.statistics import SILENCE_LIMIT_S
from zoe_depth_ros.worlds import corridor_drive
from zoe_depth_ros.worlds import street_drive
from zoe_depth_ros.worlds import WorldFrame

NAMES = 'front', 'left'
SIZES_HW = {'front': (48, 80), 'left': (60, 40)}
INPUTS = 'image', 'camera_info'
PERIOD_S = 0.02
SLOW = {'network_height': 640, 'network_width': 832}  # than the sender of a flood
FAST = {'network_height': 0, 'network_width': 0}
FACTORS = {'front': 1.5, 'left': 0.6}  # of true over predicted depth
STEP_S = 0.25
STAMPS_NS = iter(range(1_800_000_000 * 10**9, 1_900_000_000 * 10**9, round(STEP_S * 1e9)))
BAD_NAMES = {
    'empty': (['front', ''], "'' cannot be part of a topic name"),
    'twice': (['front', 'front'], 'are not different names'),
    'space': (['a b'], "'a b' cannot be part of a topic name"),
    'slash': (['a/b'], "'a/b' cannot be part of a topic name"),
    'digit': (['1st'], "'1st' cannot be part of a topic name"),
}


@pytest.fixture(scope='module')
def running(weights, tmp_path_factory) -> Iterator[list[Probe]]:
    # Evidence is not averaged, so that every image is routed as the estimator routes it.
    parameters = {
        'model': str(weights), 'diagnostics_period': 0.2, 'scene.time_constant': 0.0,
        'scene.threshold': 0.5, 'scene.min_dwell': 0.0, 'scene.blend_time': 0.0,
        **reliable(*(f'/{name}/{topic}' for name in NAMES for topic in INPUTS))}
    with running_cameras(tmp_path_factory.mktemp('node'), parameters, *NAMES) as probes:
        for probe in probes:
            probe.reliability = ReliabilityPolicy.RELIABLE
        yield probes


@pytest.fixture
def cameras(running) -> dict[str, Probe]:
    """Return the probes of both cameras, whose camera_info the node has."""
    found = dict(zip(NAMES, running, strict=True))
    for name, probe in found.items():
        probe.listen()
        probe.use_camera(info_message(SIZES_HW[name]))
    return found


@pytest.fixture(scope='module')
def places() -> dict[str, WorldFrame]:
    """Return a place indoors for the first camera and one outdoors for the second."""
    drives = corridor_drive, street_drive
    return {name: next(drive(9000, (60, 80), 2))
            for name, drive in zip(NAMES, drives, strict=True)}


@pytest.fixture(scope='module')
def learners(places, tmp_path_factory) -> Iterator[dict[str, Probe]]:
    """Return the probes of cameras whose node tells the places apart and takes ranges."""
    parameters = {
        'model': 'zoed_mini_nk', 'device': 'cpu', 'scale.range_type': 'PointCloud2',
        'scene.min_dwell': 0.0,
        **reliable(*(f'/{name}/{topic}' for name in NAMES for topic in (*INPUTS, 'range')))}
    with running_cameras(tmp_path_factory.mktemp('learners'), parameters, *NAMES) as probes:
        found = dict(zip(NAMES, probes, strict=True))
        for name, probe in found.items():
            probe.reliability = ReliabilityPolicy.RELIABLE
            probe.listen('depth/image', 'depth/camera_info', 'scale', 'scene')
            probe.use_camera(camera_info_message(places[name].camera, Header()))
        yield found


def image_of(name: str, seed: int = 0) -> Image:
    return image_message(random_rgb(seed, SIZES_HW[name]))


def ask_together(
    probes: dict[str, Probe], places: dict[str, WorldFrame], *topics: str,
    stamp_ns: int | None = None,
) -> dict[str, dict[str, Any]]:
    """Send every camera an image of its place, all before the first answer, of one stamp."""
    if stamp_ns is None:
        stamp_ns = next(STAMPS_NS)
    images = {name: image_message(places[name].image_u8) for name in probes}
    headers = {name: probe.send(images[name], stamp_ns) for name, probe in probes.items()}
    return {
        name: probe.until(lambda: probe.answers(headers[name], topics), ANSWER_S)  # noqa: B023
        or probe.ask(images[name], *topics, stamp_ns=stamp_ns) for name, probe in probes.items()}


def told(message: Any) -> dict[str, str]:
    """Return the values that ~/scale or ~/scene tells."""
    return {item.key: item.value for item in message.status[0].values}


def ranges_of(depth_m: np.ndarray, camera: Camera, header: Header) -> PointCloud2:
    """Return what a scanner in the place of the camera measures of surfaces so far away."""
    return NumpyConverter().to_points(point_cloud(depth_m, None, camera), header)


def restart(probes: dict[str, Probe], **parameters: Any) -> None:
    probes['front'].restart(**parameters)
    for name, probe in probes.items():
        probe.listen('depth/image', 'depth/camera_info')
        probe.use_camera(info_message(SIZES_HW[name]))


def test_cameras_have_topics_of_their_own(cameras):
    node = cameras['front'].node
    for name in NAMES:
        assert all(node.count_publishers(f'/depth_node/{name}/{topic}') == 1 for topic in OUTPUTS)
        assert all(node.count_subscribers(f'/{name}/{topic}') == 1 for topic in INPUTS)
    assert not any(node.count_publishers(f'/depth_node/{topic}') for topic in OUTPUTS)
    assert not any(node.count_subscribers(f'/{topic}') for topic in INPUTS)


def test_cameras_of_different_sizes_get_each_its_depth_under_its_header(cameras, estimator):
    for seed in range(3):
        for name, probe in cameras.items():
            rgb = random_rgb(seed, SIZES_HW[name])
            answers = probe.ask(image_message(rgb))
            assert sorted(answers) == sorted(OUTPUTS)
            assert {item.header.frame_id for item in answers.values()} == {
                f'{name}_camera_optical_frame'}
            info = answers['depth/camera_info']
            assert (info.height, info.width) == SIZES_HW[name]
            assert list(info.k) == list(info_message(SIZES_HW[name]).k)
            expected = estimator.estimate(rgb)
            assert np.allclose(
                pixels(answers['depth/image']), expected.depth_m, rtol=1e-5, equal_nan=True)
            assert answers['scene'].status[0].message == expected.domain


def test_cameras_that_send_together_are_both_answered(cameras, estimator):
    rgb = random_rgb(7, SIZES_HW['front'])  # of one size for both: one batch
    cameras['left'].use_camera(info_message(SIZES_HW['front']))
    expected = estimator.estimate(rgb).depth_m
    before = {name: probe.status().number('frames_out') for name, probe in cameras.items()}
    for _ in range(10):
        headers = {name: probe.send(image_message(rgb)) for name, probe in cameras.items()}
        for name, probe in cameras.items():
            answers = probe.until(
                lambda: probe.answers(headers[name], ('depth/image',)))  # noqa: B023
            assert np.allclose(
                pixels(answers['depth/image']), expected, rtol=1e-4, equal_nan=True)
    for name, probe in cameras.items():
        count = before[name] + 10
        probe.status(lambda status: status.number('frames_out') == count)  # noqa: B023


def test_cameras_do_not_wait_for_a_silent_one_which_is_reported(cameras):
    front, left = cameras.values()
    silent = left.status()
    end_s = time.monotonic() + SILENCE_LIMIT_S + 1
    asked = 0
    while time.monotonic() < end_s:
        front.ask(image_of('front'), 'depth/image')
        asked += 1
    assert asked > 10
    report = left.status(lambda status: status.is_warning)
    assert report.text.startswith('no image on /left/image for ')
    assert report.number('frames_in') == silent.number('frames_in')
    well = front.status()
    assert not well.is_warning
    assert well.text.endswith('frames/s')
    left.ask(image_of('left'))
    assert not left.status().is_warning


def test_cameras_are_answered_while_another_one_floods_the_node(cameras):
    front, left = cameras.values()
    restart(cameras, **SLOW)
    front.listen('depth/image')
    start = {name: probe.status() for name, probe in cameras.items()}
    image, sent = image_of('front'), 0

    def answered(header) -> bool:
        nonlocal sent
        front.send(image)
        sent += 1
        front.until(lambda: False, PERIOD_S)
        return bool(left.until(lambda: left.answers(header, ('depth/image',)), PERIOD_S))

    for _ in range(8):
        header = left.send(image_of('left'))
        assert front.until(lambda: answered(header))  # noqa: B023
    count = start['left'].number('frames_out') + 8
    end = left.status(lambda status: status.number('frames_out') == count)
    assert end.number('dropped_busy') == start['left'].number('dropped_busy')
    end = front.status()
    assert end.number('dropped_busy') > start['front'].number('dropped_busy')
    assert 4 <= end.number('frames_out') - start['front'].number('frames_out') < sent
    restart(cameras, **FAST)


def test_cameras_that_both_flood_the_node_get_equal_shares(cameras):
    restart(cameras, **SLOW)
    for probe in cameras.values():
        probe.listen('depth/image')
        probe.received['depth/image'].clear()
    end_s, counts = time.monotonic() + DEADLINE_S, [0]
    while min(counts) < 8 and time.monotonic() < end_s:
        for name, probe in cameras.items():
            probe.send(image_of(name))
            probe.until(lambda: False, PERIOD_S)
        counts = [len(probe.received['depth/image']) for probe in cameras.values()]
    assert min(counts) >= 8
    assert max(counts) <= 1.25 * min(counts) + 2
    assert all(probe.status().number('dropped_busy') > 0 for probe in cameras.values())
    restart(cameras, **FAST)


def test_cameras_count_and_report_bad_images_each_for_itself(cameras):
    front, left = cameras.values()
    bad = image_message(random_rgb(), encoding='yuv420')
    before = {name: probe.status().number('dropped_bad') for name, probe in cameras.items()}
    for number in range(1, 4):
        headers = []

        def send() -> None:
            headers.append(left.send(image_of('left')))  # noqa: B023
            front.send(bad)

        report = front.status(
            lambda status: status.number('dropped_bad') == before['front'] + number,  # noqa: B023
            after=send)
        assert left.until(lambda: left.answers(headers[0], ('depth/image',)))  # noqa: B023
        assert report.is_warning
        assert "'yuv420'" in report.text
    well = left.status()
    assert not well.is_warning
    assert well.number('dropped_bad') == before['left']
    assert "'yuv420'" not in well.values['last_error']
    front.ask(image_of('front'))


def test_cameras_learn_each_the_scale_that_its_own_ranges_tell(learners, places):
    def set_source(source: str) -> None:
        assert learners['front'].set(scale__source=source)[0].successful

    set_source('none')
    predicted_m = {name: pixels(answers['depth/image']) for name, answers in ask_together(
        learners, places, 'depth/image').items()}
    set_source('range')
    publishers = {name: probe.node.create_publisher(PointCloud2, f'/{name}/range', 10)
                  for name, probe in learners.items()}
    for name, probe in learners.items():
        assert probe.until(publishers[name].get_subscription_count)

    def measured() -> dict[str, dict[str, Any]]:
        stamp_ns = next(STAMPS_NS)
        for name, probe in learners.items():
            publishers[name].publish(ranges_of(
                predicted_m[name] * FACTORS[name], places[name].camera, probe.header(stamp_ns)))
        return ask_together(learners, places, 'scale', 'depth/image', stamp_ns=stamp_ns)

    def factors(answers: dict[str, dict[str, Any]]) -> dict[str, float]:
        return {name: float(told(item['scale'])['factor']) for name, item in answers.items()}

    own = pytest.approx(FACTORS, rel=0.02)
    assert factors(measured()) == {'front': 1.0, 'left': 1.0}
    assert learners['front'].until(lambda: factors(measured()) == own)
    for _ in range(4):
        answers = measured()
        assert factors(answers) == own
        for name, item in answers.items():
            assert np.allclose(
                pixels(item['depth/image']), predicted_m[name] * FACTORS[name], rtol=0.02,
                equal_nan=True)


def test_cameras_stand_each_by_its_own_verdict_on_where_it_is(learners, places):
    inside = {**places, 'left': places['front']}

    def seen(where: dict[str, WorldFrame], images: int) -> list[dict[str, dict[str, str]]]:
        rounds = [ask_together(learners, where, 'scene') for _ in range(images)]
        return [{name: told(answers['scene']) for name, answers in item.items()}
                for item in rounds]

    seen(inside, 4)  # whatever stood before
    rounds = seen(inside, 2) + seen(places, 8)
    domains, since_s = (
        {name: [item[name][key] for item in rounds] for name in NAMES}
        for key in ('domain', 'since_change_s'))
    assert set(domains['front']) == {'indoor'}
    assert np.allclose(np.diff(np.float64(since_s['front'])), STEP_S, atol=2e-3)
    out = domains['left'].index('outdoor')
    assert 2 <= out < 6
    assert domains['left'] == ['indoor'] * out + ['outdoor'] * (10 - out)
    assert np.allclose(
        np.float64(since_s['left'][out:]), np.arange(10 - out) * STEP_S, atol=2e-3)


def test_cameras_take_a_changed_option_both(cameras):
    front, left = cameras.values()
    for encoding, domain in (('16UC1', 'outdoor'), ('32FC1', 'indoor')):
        assert front.set_atomically(depth_encoding=encoding, domain=domain).successful
        for name, probe in cameras.items():
            answers = probe.ask(image_of(name))
            assert answers['depth/image'].encoding == encoding
            assert answers['scene'].status[0].message == domain
    for source, count in (('range', 1), ('none', 0)):
        assert front.set(scale__source=source)[0].successful
        for name, probe in cameras.items():
            answers = probe.ask(image_of(name), 'scale')
            assert answers['scale'].status[0].message == source
            assert probe.until(lambda: left.node.count_subscribers(f'/{name}/range') == count)  # noqa: B023
    front.set(domain='auto')


def test_cameras_come_and_go_with_the_states_of_the_node(cameras):
    front = cameras['front']
    topics = [f'/{name}/{topic}' for name in NAMES for topic in INPUTS]
    outputs = [f'/depth_node/{name}/{topic}' for name in NAMES for topic in OUTPUTS]
    assert front.change_state('deactivate')
    assert front.until(lambda: not any(map(front.node.count_subscribers, topics)))
    assert all(map(front.node.count_publishers, outputs))
    assert front.change_state('activate')
    for name, probe in cameras.items():
        assert probe.ask(image_of(name))
    assert not front.set(cameras=['rear'])[0].successful
    assert front.change_state('deactivate')
    assert front.change_state('cleanup')
    assert front.until(lambda: not any(map(front.node.count_publishers, outputs)))
    assert front.set(cameras=['left'])[0].successful
    assert front.change_state('configure')
    assert front.change_state('activate')
    cameras['left'].use_camera(info_message(SIZES_HW['left']))
    assert cameras['left'].ask(image_of('left'))
    assert not front.node.count_publishers('/depth_node/front/depth/image')
    restart(cameras, cameras=list(NAMES))


@pytest.mark.parametrize(('names', 'reason'), BAD_NAMES.values(), ids=BAD_NAMES)
def test_cameras_of_bad_names_are_refused_at_start_in_one_line(capfd, names, reason):
    line = refusal_to_start(capfd, {'cameras': names})
    assert f'cannot start: cameras = {names}' in line
    assert reason in line
