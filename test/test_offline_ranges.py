# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The scale of depth from another sensor in a bag."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from network_helpers import random_rgb
import numpy as np
from offline_helpers import bag_of
from offline_helpers import CAMERA
from offline_helpers import depth_pixels
from offline_helpers import HEIGHT
from offline_helpers import IMAGE
from offline_helpers import info
from offline_helpers import late
from offline_helpers import make
from offline_helpers import of_topic
from offline_helpers import START_NS
from offline_helpers import STEP_NS
from offline_helpers import WIDTH
import pytest
from view_helpers import made
from view_helpers import ros_header
from view_helpers import tf
from view_helpers import yaw

from zoe_depth_ros.bag.encode import image_message
from zoe_depth_ros.bag.encode import Stamped
from zoe_depth_ros.bag.reader import BagMessage
from zoe_depth_ros.bag.typestore import TYPESTORE
from zoe_depth_ros.cli import main
from zoe_depth_ros.errors import ConfigError
from zoe_depth_ros.measurements import MeasuredCone
from zoe_depth_ros.poses import parse_pose

FRAMES = 14
FACTOR = 1.6
# x forward, y left, z up, seen from a camera at the same place: x right, y down, z forward.
FORWARD = (0.5, -0.5, 0.5, -0.5)
SENSOR_TO_CAMERA = '0 0 0 0.5 -0.5 0.5 0.5'
SCALE = {
    'scale.source': 'range', 'scale.persistence': 0.4, 'scale.time_constant': 0.0,
    'scale.min_pairs': 10}


@pytest.fixture(scope='module')
def plain(weights, tmp_path_factory) -> np.ndarray:
    """Return the depth of the image, as the network has it."""
    folder = tmp_path_factory.mktemp('plain')
    bag = bag_of(folder / 'b', frames(1))
    make(weights, bag, output=folder / 'o')
    return depths(folder / 'o' / 'b')[0]


def frames(count: int = FRAMES) -> list[BagMessage]:
    """Return the same image again and again, with its calibration."""
    return [message for number in range(count) for message in (late(image_message(
        IMAGE, random_rgb(1), 'rgb8', Stamped(START_NS + number * STEP_NS, 'eye'))), info(number))]


def depths(bag: Path) -> list[np.ndarray]:
    return [depth_pixels(item) for item in of_topic(bag, '/depth_node/depth/image')]


def factors(bag: Path) -> list[float]:
    return [float(item.status[0].values[0].value) for item in of_topic(bag, '/depth_node/scale')]


def message_of(topic: str, kind: str, stamp_ns: int, **fields: Any) -> BagMessage:
    message = made(kind, header=ros_header(stamp_ns, 'laser'), **fields)
    return late(BagMessage(topic, kind, stamp_ns, bytes(TYPESTORE.serialize_cdr(message, kind))))


def scan(depth_m: np.ndarray, number: int, topic: str = '/scan') -> BagMessage:
    """Return what a scanner at the camera sees of a room whose depth is larger by the factor."""
    angles = np.linspace(-0.4, 0.4, 81)
    u = np.rint(CAMERA.cx - CAMERA.fx * np.tan(angles)).astype(int)
    row_m = depth_m[round(CAMERA.cy), u]
    return message_of(
        topic, 'sensor_msgs/msg/LaserScan', START_NS + number * STEP_NS, angle_min=angles[0],
        angle_max=angles[-1], angle_increment=angles[1] - angles[0], time_increment=0.0,
        scan_time=0.0, range_min=0.0, range_max=1000.0,
        ranges=(FACTOR * row_m / np.cos(angles)).astype(np.float32),
        intensities=np.zeros(0, np.float32))


def cloud(depth_m: np.ndarray, number: int) -> BagMessage:
    """Return the points of the larger room in the frame of the laser."""
    v, u = np.mgrid[:HEIGHT, :WIDTH]
    z = FACTOR * depth_m
    points = np.stack(
        [z, -(u - CAMERA.cx) / CAMERA.fx * z, -(v - CAMERA.cy) / CAMERA.fy * z],
        axis=-1).astype(np.float32)
    fields = [made('sensor_msgs/msg/PointField', name=name, offset=4 * place, datatype=7, count=1)
              for place, name in enumerate('xyz')]
    return message_of(
        '/scan', 'sensor_msgs/msg/PointCloud2', START_NS + number * STEP_NS, height=HEIGHT,
        width=WIDTH, fields=fields, is_bigendian=False, point_step=12, row_step=12 * WIDTH,
        data=points.reshape(-1).view(np.uint8), is_dense=True)


def cone(depth_m: np.ndarray, number: int) -> BagMessage:
    return message_of(
        '/scan', 'sensor_msgs/msg/Range', START_NS + number * STEP_NS, radiation_type=0,
        field_of_view=0.3, min_range=0.01, max_range=1000.0,
        range=FACTOR * float(depth_m[15:30, 30:50].min()), variance=0.0)


def placed(topic: str = '/tf_static') -> list[BagMessage]:
    """Return where camera and laser are: in a base, which the second says at the end only."""
    stamp_ns = START_NS - 3 * STEP_NS
    return [tf(stamp_ns, 'base', 'laser', (1, 2, 3), topic=topic),
            replace(tf(stamp_ns, 'base', 'eye', (1, 2, 3), FORWARD, topic),
                    stamp_ns=START_NS + FRAMES * STEP_NS)]


def run(weights: Path, folder: Path, messages: list[BagMessage],
        node: dict[str, Any] | None = None, **options: Any):
    bag = bag_of(folder / 'b', sorted(messages, key=lambda message: message.stamp_ns))
    return make(weights, bag, output=folder / 'o', node={**SCALE, **(node or {})}, **options)


@pytest.mark.parametrize('sensor', [scan, cloud])
@pytest.mark.parametrize('topic', ['/tf_static', '/tf', None])
def test_depth_takes_the_scale_of_a_range_sensor_in_the_bag(
        weights, plain, tmp_path, sensor: Callable[..., BagMessage], topic):
    messages = [sensor(plain, number) for number in range(FRAMES)]
    node = {} if topic else {'scale.range_transform': SENSOR_TO_CAMERA}
    report = run(weights, tmp_path, frames() + messages + (placed(topic) if topic else []), node)
    bag = tmp_path / 'o' / 'b'
    assert factors(bag)[0] == 1
    assert factors(bag)[-1] == pytest.approx(FACTOR, rel=1e-3)
    assert np.array_equal(depths(bag)[0], plain)
    assert depths(bag)[-1] == pytest.approx(FACTOR * plain, rel=1e-3)
    camera, = report.bags[0].work.cameras
    assert report.is_whole
    assert camera.unscaled == factors(bag).count(1) < FRAMES / 2
    assert camera.scale_problem.startswith('what range tells is not believed (yet)')


def test_depth_takes_the_scale_of_a_cone(weights, plain, tmp_path):
    run(weights, tmp_path, frames() + [cone(plain, number) for number in range(FRAMES)],
        {'scale.range_transform': SENSOR_TO_CAMERA})
    measured = MeasuredCone(FACTOR * float(plain[15:30, 30:50].min()), 0.3)
    wanted = measured.reading(plain, CAMERA, parse_pose(SENSOR_TO_CAMERA, ''), 10)
    assert factors(tmp_path / 'o' / 'b')[-1] == pytest.approx(wanted.factor, rel=1e-3)


def test_image_is_compared_with_the_ranges_of_its_time(weights, plain, tmp_path):
    """The laser turns; only the transform at the stamp of its scan puts it where it looks."""
    def turned(number: int) -> BagMessage:
        stamp_ns = START_NS + number * STEP_NS
        return tf(stamp_ns, 'base', 'laser', (1, 2, 3), yaw(3.0 * (number - FRAMES)))

    def seen(number: int) -> BagMessage:
        # What it sees turned is what it would see straight, begun at another angle.
        straight = TYPESTORE.deserialize_cdr(scan(plain, number).cdr, 'sensor_msgs/msg/LaserScan')
        straight.angle_min -= np.radians(3.0 * (number - FRAMES))
        return replace(scan(plain, number), cdr=bytes(
            TYPESTORE.serialize_cdr(straight, 'sensor_msgs/msg/LaserScan')))
    messages = [one(number) for number in range(FRAMES) for one in (turned, seen)]
    run(weights, tmp_path, frames() + messages + placed()[1:])
    assert factors(tmp_path / 'o' / 'b')[-1] == pytest.approx(FACTOR, rel=1e-3)


def test_part_of_a_recording_begins_with_the_scale_of_the_one_before(weights, plain, tmp_path):
    messages = [scan(plain, number) for number in range(FRAMES)]
    report = run(weights, tmp_path, frames() + messages + placed(), segment_s=0.7)
    found = factors(tmp_path / 'o' / 'b')
    known = [abs(factor / FACTOR - 1) < 1e-3 for factor in found]
    assert report.bags[0].segments > 1
    assert known == sorted(known)
    assert report.bags[0].work.cameras[0].unscaled == known.count(False) < FRAMES / 2


def test_range_sensor_that_falls_silent_is_told(weights, plain, tmp_path):
    messages = [scan(plain, number) for number in range(FRAMES - 5)]
    report = run(weights, tmp_path, frames() + messages + placed(), segment_s=0.7)
    camera, = report.bags[0].work.cameras
    assert camera.scale_problem == '/scan is 0.50 s from the image (scale.max_age 0.2)'


def test_one_of_several_range_sensors_is_named(weights, plain, tmp_path):
    messages = frames() + placed() + [scan(plain, number) for number in range(FRAMES)] + [
        scan(plain * 2, number, '/other') for number in range(FRAMES)]
    report = run(weights, tmp_path / 'first', messages)
    assert [failure.reason.partition(' has ')[2] for failure in report.failures] == [
        'several range sensors, name one: /other, /scan']
    run(weights, tmp_path / 'second', messages, ranges='/other')
    assert factors(tmp_path / 'second' / 'o' / 'b')[-1] == pytest.approx(2 * FACTOR, rel=1e-3)


def test_bag_without_the_range_sensor_is_refused(weights, plain, tmp_path):
    for ranges, said in (('', 'no topic of a range sensor of'), ('/nope', 'no topic /nope of')):
        report = run(weights, tmp_path / f'o{ranges[1:]}', frames(2), ranges=ranges)
        failure, = report.failures
        assert said in failure.reason
        assert failure.reason.endswith("for scale.source = 'range': none")


def test_depth_that_was_made_before_is_no_range_sensor(weights, plain, tmp_path):
    messages = frames() + placed() + [scan(plain, number) for number in range(FRAMES)]
    run(weights, tmp_path, messages)
    again = make(weights, tmp_path / 'o' / 'b', output=tmp_path / 'o2', node=SCALE)
    assert not again.failures
    assert factors(tmp_path / 'o2' / 'b') == factors(tmp_path / 'o' / 'b')


@pytest.mark.parametrize(('changes', 'said'), [
    ({}, 'no transform from laser to eye'),
    ({'scale.range_transform': SENSOR_TO_CAMERA, 'scale.max_age': 0.01}, '/scan is 0.05 s from'),
    ({'scale.range_transform': SENSOR_TO_CAMERA, 'scale.min_pairs': 500}, '/scan: only ')])
def test_scale_that_is_never_found_is_told(weights, plain, tmp_path, capsys, changes, said):
    late_scans = [
        message_of('/scan', 'sensor_msgs/msg/LaserScan', START_NS + STEP_NS // 2, **{
            name: getattr(TYPESTORE.deserialize_cdr(
                scan(plain, 0).cdr, 'sensor_msgs/msg/LaserScan'), name)
            for name in ('angle_min', 'angle_max', 'angle_increment', 'time_increment',
                         'scan_time', 'range_min', 'range_max', 'ranges', 'intensities')})]
    bag = bag_of(tmp_path / 'b', sorted(
        frames(2) + late_scans, key=lambda message: message.stamp_ns))
    values = [f'{name}={value}' for name, value in {**SCALE, **changes}.items()]
    assert main([
        'bag', str(bag), '--output', str(tmp_path / 'o'), '--model', str(weights), '--device',
        'cpu', '--range', '/scan', *(part for value in values for part in ('--set', value))]) == 1
    out = capsys.readouterr().out
    assert f'{IMAGE}: scale unknown in 2 of 2 frames: {said}' in out
    assert said in (tmp_path / 'o' / 'report.html').read_text()


def test_range_messages_that_are_damaged_are_left_out(weights, plain, tmp_path):
    good = [scan(plain, number) for number in range(FRAMES)]
    bad = [replace(message, cdr=message.cdr[:60]) for message in good]
    short = [replace(message, cdr=b'') for message in good]
    run(weights, tmp_path / 'some', frames() + placed() + bad[:3] + short[3:5] + good[5:],
        keep=('none',))
    assert factors(tmp_path / 'some' / 'o' / 'b')[-1] == pytest.approx(FACTOR, rel=1e-3)
    report = run(weights, tmp_path / 'all', frames() + placed() + bad)
    camera, = report.bags[0].work.cameras
    assert (camera.unscaled, report.is_whole) == (FRAMES, False)
    assert camera.scale_problem.startswith('/scan cannot be used: ')


def test_scale_of_the_camera_height_that_is_not_found_is_told(weights, tmp_path):
    report = run(weights, tmp_path, frames(3), {'scale.source': 'camera_height'})
    camera, = report.bags[0].work.cameras
    assert (camera.unscaled, camera.scale_problem) == (3, 'no ground found')
    assert not report.is_whole


def test_range_topic_that_nothing_is_taken_from_is_refused(weights, tmp_path):
    with pytest.raises(ConfigError, match=r"'/scan' is used by scale\.source = 'range' only"):
        run(weights, tmp_path / 'a', frames(1), {'scale.source': 'none'}, ranges='/scan')
    with pytest.raises(ConfigError, match="topic 'scan' does not begin with /"):
        run(weights, tmp_path / 'b', frames(1), ranges='scan')


def test_one_transform_cannot_be_true_of_two_cameras(weights, tmp_path):
    with pytest.raises(ConfigError, match=r'range_transform = .* cannot be true of 2 cameras'):
        run(weights, tmp_path, frames(1), {'scale.range_transform': SENSOR_TO_CAMERA},
            images=('/a', '/b'))
