# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The scale of a synthetic room, from other sensors' messages over DDS."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
import math
import os
import random
import re
import time
from typing import Any

import numpy as np
import pytest

pytest.importorskip('rclpy')

import rclpy
from rclpy.executors import SingleThreadedExecutor
from sensor_msgs.msg import LaserScan
from sensor_msgs.msg import PointCloud2
from sensor_msgs.msg import PointField
from sensor_msgs.msg import Range
from std_msgs.msg import Header

from zoe_depth_ros.camera import Camera
from zoe_depth_ros.errors import ConfigError
from zoe_depth_ros.inference import DepthMap
from zoe_depth_ros.measurements import cloud_points
from zoe_depth_ros.options import ScaleConfig
from zoe_depth_ros.poses import parse_pose
from zoe_depth_ros.ros.range_sensor import KEPT_MESSAGES
from zoe_depth_ros.ros.range_sensor import RangeSensor
from zoe_depth_ros.scale import ScaleReading

CAMERA = Camera(160, 120, 120.0, 120.0, 79.5, 59.5)
# A floor 1 m below the camera and a slanted wall ahead: normals and offsets, normal @ p = offset.
ROOM = ((np.array([0.0, 1.0, 0.0]), 1.0), (np.array([0.2, 0.0, 1.0]), 5.0))
# 0.3 m to the right, 0.4 m below, 0.1 m ahead; looks where the camera looks, turned a little.
POSE = '0.3 0.4 0.1 0.53 -0.45 0.52 0.49'
WAIT_S = 20.0

os.environ['ROS_AUTOMATIC_DISCOVERY_RANGE'] = 'LOCALHOST'


def distances(origin_m: np.ndarray, rays: np.ndarray) -> np.ndarray:
    """Return how far along (..., 3) rays from a point the room begins, in ray lengths."""
    with np.errstate(divide='ignore'):
        found = np.stack([(offset - normal @ origin_m) / (rays @ normal)
                          for normal, offset in ROOM])
    return np.where(found > 0, found, np.inf).min(axis=0)


def predicted(factor: float) -> DepthMap:
    """Return the room's depth, wrong by a factor."""
    v, u = np.mgrid[:CAMERA.height, :CAMERA.width]
    rays = np.stack([
        (u - CAMERA.cx) / CAMERA.fx, (v - CAMERA.cy) / CAMERA.fy, np.ones(u.shape)], axis=-1)
    depth_m = (distances(np.zeros(3), rays) / factor).astype(np.float32)
    return depth_map(depth_m)


def depth_map(depth_m: np.ndarray, camera: Camera | None = CAMERA) -> DepthMap:
    return DepthMap(
        depth_m, None, 'indoor', 1.0, np.zeros((*depth_m.shape, 3), np.uint8), camera)


def seen_m(directions: np.ndarray) -> np.ndarray:
    """Return the range of the room along (N, 3) unit directions of the sensor."""
    pose = parse_pose(POSE)
    return distances(pose[:3, 3], directions @ pose[:3, :3].T)


def header(stamp_s: float = 100.0, frame_id: str = 'laser') -> Header:
    made = Header(frame_id=frame_id)
    made.stamp.sec, made.stamp.nanosec = int(stamp_s), round(stamp_s % 1 * 1e9)
    return made


def scan(stamp_s: float = 100.0, **fields: Any) -> LaserScan:
    angles = np.linspace(-1.2, 1.2, 240)
    ranges_m = seen_m(np.stack([np.cos(angles), np.sin(angles), 0 * angles], axis=1))
    ranges_m[::7] = math.inf
    return LaserScan(**{
        'header': header(stamp_s), 'angle_min': -1.2, 'angle_increment': 2.4 / 239,
        'range_min': 0.1, 'range_max': 30.0, 'ranges': ranges_m.tolist(), **fields})


def cloud_of(points_m: np.ndarray, *, dtype: str = '<f4', extra: int = 4, padding: int = 0,
             **fields: Any) -> PointCloud2:
    """Return a cloud of (H, W, 3) points whose records have bytes before and rows after them."""
    height, width, _ = points_m.shape
    size = np.dtype(dtype).itemsize
    records = np.full((height, width, extra + 3 * size), 0xff, np.uint8)
    records[..., extra:] = np.ascontiguousarray(points_m, dtype).view(np.uint8).reshape(
        height, width, 3 * size)
    rows = np.pad(records.reshape(height, -1), ((0, 0), (0, padding)))
    kind = PointField.FLOAT64 if size == 8 else PointField.FLOAT32
    return PointCloud2(**{
        'header': header(), 'height': height, 'width': width, 'is_bigendian': dtype[0] == '>',
        'fields': [PointField(name=name, offset=extra + size * number, datatype=kind, count=1)
                   for number, name in enumerate('xyz')],
        'point_step': extra + 3 * size, 'row_step': rows.shape[1], 'data': rows.tobytes(),
        **fields})


def room_points() -> np.ndarray:
    """Return (20, 60, 3) points of the room in the sensor's frame, some of them NaN."""
    up, left = np.meshgrid(np.linspace(-0.4, 0.4, 20), np.linspace(-0.9, 0.9, 60), indexing='ij')
    directions = np.stack(
        [np.cos(up) * np.cos(left), np.cos(up) * np.sin(left), np.sin(up)], axis=-1)
    points = directions * seen_m(directions)[..., None]
    points[3, ::5] = np.nan
    return points


class Graph:
    """A range sensor in a node, and a node that publishes to it."""

    def __init__(self) -> None:
        self.context = rclpy.Context()
        rclpy.init(context=self.context, domain_id=random.randint(1, 99))
        self.node = rclpy.create_node('camera', context=self.context)
        self.driver = rclpy.create_node('driver', context=self.context)
        self._executor = SingleThreadedExecutor(context=self.context)
        for node in (self.node, self.driver):
            self._executor.add_node(node)

    def sensor(self, **options: Any) -> RangeSensor:
        self.config = ScaleConfig(
            source='range', **{'range_type': 'LaserScan', 'range_transform': POSE, **options})
        return RangeSensor(self.node, 'range', self.config)

    def feed(self, sensor: RangeSensor, *messages: Any,
             until: Callable[[], Any] | None = None) -> None:
        """Publish messages, once the sensor listens, until what they say has come."""
        publisher = self.driver.create_publisher(type(messages[0]), '/range', 10)
        self.spin(publisher.get_subscription_count)
        for message in messages:
            publisher.publish(message)
        self.spin(until or (lambda: sensor._track._kept
                            and sensor._track._kept[-1].stamp_ns == stamp_ns(messages[-1].header)))

    def spin(self, condition: Callable[[], Any]) -> None:
        end_s = time.monotonic() + WAIT_S
        while not condition():
            assert time.monotonic() < end_s, 'nothing came'
            self._executor.spin_once(timeout_sec=0.05)

    def close(self) -> None:
        self._executor.shutdown()
        for node in (self.node, self.driver):
            node.destroy_node()
        rclpy.try_shutdown(context=self.context)


def stamp_ns(of: Header) -> int:
    return of.stamp.sec * 10**9 + of.stamp.nanosec


@pytest.fixture
def graph() -> Iterator[Graph]:
    made = Graph()
    yield made
    made.close()


def read(graph: Graph, sensor: RangeSensor, depth: DepthMap, stamp_s: float = 100.0,
         ) -> ScaleReading | None:
    return sensor.reading(depth, header(stamp_s, 'optical'), graph.config)


def test_range_sensor_reads_the_scale_from_a_laser_scan(graph):
    sensor = graph.sensor()
    graph.feed(sensor, scan())
    for factor in (0.5, 0.8, 1.0, 2.0):
        reading = read(graph, sensor, predicted(factor))
        assert reading.factor == pytest.approx(factor, rel=0.01)
        assert reading.confidence > 0.9
        assert sensor.problem == ''


@pytest.mark.parametrize('layout', [
    {}, {'dtype': '>f4', 'extra': 16, 'padding': 24}, {'dtype': '<f8'}, {'dtype': '>f8'}])
def test_range_sensor_reads_the_scale_from_a_point_cloud(graph, layout):
    sensor = graph.sensor(range_type='PointCloud2')
    graph.feed(sensor, cloud_of(room_points(), **layout))
    for factor in (0.5, 1.0, 2.0):
        assert read(graph, sensor, predicted(factor)).factor == pytest.approx(factor, rel=0.01)


@pytest.mark.parametrize('field_of_view_deg', [6.0, 15.0])
def test_range_sensor_reads_the_scale_from_a_range(graph, field_of_view_deg):
    sensor = graph.sensor(range_type='Range', range_transform='0.1 0 0.2 0.5 -0.5 0.5 0.5')
    graph.feed(sensor, Range(
        header=header(), field_of_view=math.radians(field_of_view_deg), min_range=0.1,
        max_range=10.0, range=3.8))
    wall_m = np.full(CAMERA.size_hw, 4.0, np.float32)
    for factor in (0.5, 1.0, 2.0):
        reading = read(graph, sensor, depth_map(wall_m / np.float32(factor)))
        assert reading.factor == pytest.approx(factor, rel=0.02)


def test_range_sensor_compares_only_known_depth(graph):
    sensor = graph.sensor()
    graph.feed(sensor, scan())
    depth = predicted(1.5)
    depth.depth_m[:, ::3], depth.depth_m[:, 1::3] = np.nan, np.inf
    assert read(graph, sensor, depth).factor == pytest.approx(1.5, rel=0.01)


def test_range_sensor_needs_no_transform_in_the_frame_of_the_camera(graph):
    sensor = graph.sensor(range_type='PointCloud2', range_transform='')
    pose = parse_pose(POSE)
    points = room_points() @ pose[:3, :3].T + pose[:3, 3]
    graph.feed(sensor, cloud_of(points, header=header(frame_id='optical')))
    assert read(graph, sensor, predicted(1.3)).factor == pytest.approx(1.3, rel=0.01)


def test_range_sensor_takes_the_message_nearest_in_time(graph):
    sensor = graph.sensor()
    wrong = (np.asarray(scan().ranges) * 2).tolist()
    graph.feed(
        sensor, scan(99.8, ranges=wrong), scan(99.95), scan(100.15, ranges=wrong), scan(103.0))
    assert read(graph, sensor, predicted(1.0)).factor == pytest.approx(1.0, rel=0.01)
    assert read(graph, sensor, predicted(1.0), 100.2).factor == pytest.approx(2.0, rel=0.02)


def test_range_sensor_forgets_the_oldest_messages(graph):
    sensor = graph.sensor()
    for number in range(KEPT_MESSAGES + 1):
        sensor._on_message(scan(100.0 + number))
    assert read(graph, sensor, predicted(1.0)) is None
    assert sensor.problem == '/range is 1.00 s from the image (scale.max_age 0.2)'


def test_range_sensor_says_that_nothing_came(graph):
    sensor = graph.sensor()
    assert read(graph, sensor, predicted(1.0)) is None
    assert sensor.problem == 'no message on /range yet'


def test_range_sensor_says_how_old_the_message_is(graph):
    sensor = graph.sensor()
    graph.feed(sensor, scan())
    assert read(graph, sensor, predicted(1.0), 100.8) is None
    assert sensor.problem == '/range is 0.80 s from the image (scale.max_age 0.2)'
    assert read(graph, sensor, predicted(1.0), 100.1) is not None
    assert sensor.problem == ''


def test_range_sensor_says_which_transform_is_missing(graph):
    sensor = graph.sensor(range_transform='')
    graph.feed(sensor, scan())
    assert read(graph, sensor, predicted(1.0)) is None
    assert sensor.problem.startswith('no transform from laser to optical')


def test_range_sensor_says_how_few_pixels_have_a_range(graph):
    sensor = graph.sensor()
    ranges_m = np.asarray(scan().ranges)
    ranges_m[123:] = ranges_m[:116] = math.inf
    graph.feed(sensor, scan(ranges=ranges_m.tolist()))
    assert read(graph, sensor, predicted(1.0)) is None
    assert sensor.problem == '/range: only 6 pixels with a range (scale.min_pairs 20)'


def test_range_sensor_says_that_there_is_no_camera(graph):
    sensor = graph.sensor()
    graph.feed(sensor, scan())
    assert read(graph, sensor, depth_map(predicted(1.0).depth_m, None)) is None
    assert sensor.problem == 'no camera_info to compare ranges by'


@pytest.mark.parametrize(('range_m', 'said'), [
    (math.inf, 'inf'), (-math.inf, '-inf'), (math.nan, 'nan'), (0.05, '0.05'), (4.5, '4.5')])
def test_range_sensor_says_that_a_range_is_no_return(graph, range_m, said):
    sensor = graph.sensor(range_type='Range')
    graph.feed(sensor, Range(
        header=header(), field_of_view=0.3, min_range=0.1, max_range=4.0, range=range_m))
    assert read(graph, sensor, predicted(1.0)) is None
    assert sensor.problem == f'/range: range {said} m is not within 0.1 and 4 m'


def test_range_sensor_says_that_the_cone_is_not_in_view(graph):
    sensor = graph.sensor(range_type='Range', range_transform='0 0 0 0.5 0.5 -0.5 0.5')
    graph.feed(sensor, Range(
        header=header(), field_of_view=0.3, min_range=0.1, max_range=4.0, range=2.0))
    assert read(graph, sensor, predicted(1.0)) is None
    assert sensor.problem == '/range: fewer than 20 pixels in the cone (scale.min_pairs)'


FIELDS = cloud_of(room_points()).fields


def test_range_sensor_that_sees_nothing_has_too_few_pixels(graph):
    sensor = graph.sensor(range_type='PointCloud2')
    graph.feed(sensor, PointCloud2(header=header()), until=lambda: sensor._track._kept)
    assert read(graph, sensor, predicted(1.0)) is None
    assert sensor.problem == '/range: only 0 pixels with a range (scale.min_pairs 20)'


@pytest.mark.parametrize(('message', 'reason'), [
    (cloud_of(room_points(), fields=FIELDS[1:]),
     r'no field x of floats among y \(datatype 7\), z \(datatype 7\)'),
    (cloud_of(room_points(), fields=[
        PointField(name=name, offset=4 * number, datatype=PointField.INT32, count=1)
        for number, name in enumerate('xyz')]), r'no field x of floats among x \(datatype 5\)'),
    (cloud_of(room_points(), point_step=12), 'field z at 12 is not within point_step 12'),
    (cloud_of(room_points(), point_step=0), 'field x at 4 is not within point_step 0'),
    (cloud_of(room_points(), row_step=959), 'row_step 959 is shorter than 60 points of 16 bytes'),
    (cloud_of(room_points(), height=21), '19200 bytes for 60x21 points of 16 bytes'),
    (Range(header=header(), max_range=4.0, range=2.0), r'field_of_view 0\.0 rad is no cone'),
])
def test_range_sensor_says_what_is_wrong_with_a_message_and_goes_on(graph, message, reason, capfd):
    sensor = graph.sensor(range_type=type(message).__name__)
    graph.feed(sensor, message, until=lambda: sensor._track._refused)
    sensor._on_message(message)
    assert read(graph, sensor, predicted(1.0)) is None
    assert re.fullmatch(f'/range cannot be used: {reason}.*', sensor.problem), sensor.problem
    assert capfd.readouterr().err.count('/range cannot be used') == 1


def test_range_sensor_trusts_good_messages_after_a_bad_one(graph):
    sensor = graph.sensor(range_type='PointCloud2')
    graph.feed(sensor, PointCloud2(header=header(50.0)), cloud_of(room_points()))
    assert read(graph, sensor, predicted(1.0)) is not None


def test_range_sensor_of_an_unusable_transform_is_refused(graph):
    with pytest.raises(ConfigError, match="range_transform = '1 2 3' is not the seven numbers"):
        graph.sensor(range_transform='1 2 3')


def test_range_sensor_that_is_destroyed_no_longer_listens(graph):
    sensor = graph.sensor(range_transform='')
    assert graph.node.count_subscribers('/range') == 1
    sensor.destroy()
    assert graph.node.count_subscribers('/range') == 0
    assert graph.node.count_subscribers('/tf') == 0


def test_range_sensor_can_be_made_again_on_the_same_node(graph):
    graph.sensor().destroy()
    sensor = graph.sensor()
    graph.feed(sensor, scan())
    assert read(graph, sensor, predicted(1.0)) is not None


def test_large_cloud_is_thinned_over_all_rings_of_its_scanner():
    rings = np.arange(64.0)
    points = np.zeros((1, 2048 * 64, 3))
    points[0, :, 0] = np.tile(rings, 2048)
    points[0, :, 1] = np.repeat(np.arange(2048.0), 64)
    found = cloud_points(cloud_of(points), 4000)
    assert len(found) == 4000
    assert set(found[:, 0]) == set(rings)
    assert (found[0, 1], found[-1, 1]) == (0, 2047)
    assert np.histogram(found[:, 0], 8)[0] == pytest.approx(500, rel=0.05)
