# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What the programs that take the depth demand of messages, on messages of a running node."""

from __future__ import annotations

from collections.abc import Iterator
import importlib.util
from pathlib import Path
import sys
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import yaml

pytest.importorskip('rclpy')

from ros_helpers import FRAME_ID
from ros_helpers import OUTPUTS
from ros_helpers import pixels
from ros_helpers import Probe
from ros_helpers import running_node
from ros_inputs import image_message
from ros_inputs import info_message
from sensor_msgs.msg import PointCloud2
from sensor_msgs.msg import PointField

from zoe_depth_ros.ros.outputs import TOPICS
from zoe_depth_ros.worlds import corridor_drive
from zoe_depth_ros.worlds import WorldFrame

ROOT = Path(__file__).parents[1]
NAV2_YAML = ROOT / 'config' / 'nav2_voxel_layer.yaml'
SCAN_YAML = ROOT / 'config' / 'depthimage_to_laserscan.yaml'
SIZE_HW = 120, 160
CLOUDS = ('points', 'points/obstacles', 'points/ground')
PARAMETERS = {
    'model': 'zoed_mini_nk', 'device': 'cpu',
    'qos_overrides./camera/image_raw.subscription.reliability': 'reliable'}
LIVE = {
    'depth_encoding': '32FC1', 'points__organized': False, 'points__max_points': 0,
    'ground__clearance': 0.1}


@pytest.fixture(scope='module')
def nav2() -> ModuleType:
    """Return the module that marks and clears as Nav2 does."""
    path = ROOT / 'benchmarks' / 'costmap_picture.py'
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope='module')
def frame() -> WorldFrame:
    """Return what a camera sees in a corridor, 1 m above its floor."""
    return next(corridor_drive(8, SIZE_HW, 2))


@pytest.fixture(scope='module')
def running(tmp_path_factory) -> Iterator[Probe]:
    """Return the node with the compact model and default options."""
    with running_node(tmp_path_factory.mktemp('node'), PARAMETERS) as probe:
        yield probe


@pytest.fixture
def node(running, frame) -> Probe:
    """Return the node that looks into the corridor."""
    assert all(result.successful for result in running.set(**LIVE))
    running.listen()
    look(running, frame)
    return running


def look(probe: Probe, frame: WorldFrame, **info: Any) -> None:
    camera = frame.camera
    k = [camera.fx, 0.0, camera.cx, 0.0, camera.fy, camera.cy, 0.0, 0.0, 1.0]
    p = [*k[:3], 0.0, *k[3:6], 0.0, *k[6:], 0.0]
    probe.use_camera(info_message(SIZE_HW, **{'k': k, 'p': p, **info}))


def ask(probe: Probe, frame: WorldFrame) -> dict[str, Any]:
    return probe.ask(image_message(frame.image_u8))


def xyz(cloud: PointCloud2) -> np.ndarray:
    """Return (N, 3) as the iterators of sensor_msgs read it, by point_step alone."""
    points = np.frombuffer(cloud.data, np.uint8).reshape(-1, cloud.point_step)
    offsets = {field.name: field.offset for field in cloud.fields}
    return np.stack([
        np.ascontiguousarray(points[:, offsets[name]:offsets[name] + 4]).view('<f4')[:, 0]
        for name in ('x', 'y', 'z')], axis=1)


def in_base(points_m: np.ndarray, frame: WorldFrame) -> np.ndarray:
    """Return points in a frame on the floor, x along the corridor."""
    return points_m @ frame.camera_to_world[:3, :3].T + frame.camera_to_world[:3, 3]


# Every consumer


def test_outputs_reach_reliable_and_best_effort_subscribers_under_the_header_of_the_image(
        node, frame):
    reliable = {f'{topic}, reliably': [] for topic in OUTPUTS}
    subscriptions = [
        node.node.create_subscription(kind, f'/depth_node/{topic}', kept.append, 5)
        for (topic, kind), kept in zip(OUTPUTS.items(), reliable.values(), strict=True)]
    node.received |= reliable
    answers = ask(node, frame)
    for subscription in subscriptions:
        node.node.destroy_subscription(subscription)
    assert len(answers) == 2 * len(TOPICS)
    header = answers['depth/image'].header
    assert (header.frame_id, header.stamp.nanosec) == (FRAME_ID, 123456789)
    assert all(answer.header == header for answer in answers.values())


# Nav2: obstacle and voxel layer, collision monitor; STVL


@pytest.mark.parametrize('organized', [False, True])
def test_clouds_are_laid_out_as_costmaps_read_them(node, frame, organized):
    node.set(points__organized=organized)
    answers = ask(node, frame)
    for cloud in (answers[topic] for topic in CLOUDS):
        assert [(item.name, item.datatype, item.count) for item in cloud.fields][:3] == [
            (name, PointField.FLOAT32, 1) for name in ('x', 'y', 'z')]
        assert cloud.row_step == cloud.width * cloud.point_step
        assert len(cloud.data) == cloud.height * cloud.row_step
        assert not cloud.is_bigendian
        assert cloud.is_dense is not organized


@pytest.mark.parametrize('organized', [False, True])
def test_clouds_hold_points_in_front_of_the_camera_or_nan_but_never_infinity_or_the_camera(
        node, frame, organized):
    node.set(points__organized=organized)
    answers = ask(node, frame)
    for cloud in (answers[topic] for topic in CLOUDS):
        points_m = xyz(cloud)
        unknown = np.isnan(points_m).any(axis=1)
        assert len(points_m) == SIZE_HW[0] * SIZE_HW[1] if organized else not unknown.any()
        assert np.isnan(points_m[unknown]).all()
        assert not unknown.all()
        assert np.isfinite(points_m[~unknown]).all()
        assert (points_m[~unknown, 2] > 0).all()


def test_every_point_is_of_the_ground_or_of_an_obstacle(node, frame):
    answers = ask(node, frame)
    points, obstacles, ground = (xyz(answers[topic]) for topic in CLOUDS)
    assert min(len(obstacles), len(ground)) > 1000
    both = np.concatenate([obstacles, ground])
    assert np.array_equal(both[np.lexsort(both.T)], points[np.lexsort(points.T)])


def test_ground_is_below_what_is_told_from_it(node, frame):
    answers = ask(node, frame)
    obstacles, ground = (in_base(xyz(answers[topic]), frame) for topic in CLOUDS[1:])
    assert np.quantile(np.abs(ground[:, 2]), 0.95) < 0.3
    assert np.quantile(obstacles[:, 2], 0.1) > np.quantile(ground[:, 2], 0.9)


def test_cloud_without_obstacles_is_published_and_empty(node, frame):
    node.set(ground__clearance=10.0)
    answers = ask(node, frame)
    cloud = answers['points/obstacles']
    assert (cloud.width, cloud.row_step, len(cloud.data)) == (0, 0, 0)
    assert cloud.fields == answers['points'].fields
    assert answers['points/ground'].width == answers['points'].width


def test_points_are_in_the_frustum_that_stvl_clears(node, frame):
    answers = ask(node, frame)
    info, points_m = answers['depth/camera_info'], xyz(answers['points'])
    fx, cx, fy, cy = info.p[0], info.p[2], info.p[5], info.p[6]
    for axis, focal, centre, size in ((0, fx, cx, info.width), (1, fy, cy, info.height)):
        widest = max(centre, size - 1 - centre) / focal
        assert (np.abs(points_m[:, axis]) <= points_m[:, 2] * (widest + 1e-6)).all()


# RTAB-Map, depth_image_proc, depthimage_to_laserscan


@pytest.mark.parametrize('info', [{}, {'d': [-0.3, 0.1, 0.001, -0.001, 0.0]}],
                         ids=['ideal lens', 'distorted'])
def test_depth_image_and_camera_info_fit_each_other_for_rtabmap(node, frame, info):
    look(node, frame, **info)
    answers = ask(node, frame)
    depth, rgb, camera = (
        answers[topic] for topic in ('depth/image', 'image_rect', 'depth/camera_info'))
    assert {(item.width, item.height) for item in (depth, rgb, camera)} == {SIZE_HW[::-1]}
    assert (depth.encoding, rgb.encoding) == ('32FC1', 'rgb8')
    k, p = np.reshape(camera.k, (3, 3)), np.reshape(camera.p, (3, 4))
    assert (k[[0, 1, 2], [0, 1, 2]] > 0).all()
    assert np.array_equal(p, np.column_stack([k, np.zeros(3)]))
    assert not any(camera.d)
    assert np.array_equal(np.reshape(camera.r, (3, 3)), np.eye(3))
    assert (camera.binning_x, camera.binning_y, camera.roi.width) == (0, 0, 0)


def test_depth_and_p_alone_give_depth_image_proc_the_points_of_the_cloud(node, frame):
    node.set(points__organized=True)
    answers = ask(node, frame)
    p, depth_m = answers['depth/camera_info'].p, pixels(answers['depth/image'])
    v, u = np.mgrid[:SIZE_HW[0], :SIZE_HW[1]]
    lifted = np.stack(
        [(u - p[2]) / p[0] * depth_m, (v - p[6]) / p[5] * depth_m, depth_m], axis=-1)
    points_m = xyz(answers['points']).reshape(lifted.shape)
    known = np.isfinite(points_m[..., 2])
    assert known.mean() > 0.5
    np.testing.assert_allclose(points_m[known], lifted[known], rtol=1e-5, atol=1e-5)


def test_unknown_depth_is_nan_in_metres_and_zero_in_millimetres(node, frame):
    look(node, frame, d=[-0.3, 0.1, 0.001, -0.001, 0.0], p=[
        60.0, 0.0, 80.0, 0.0, 0.0, 60.0, 60.0, 0.0, 0.0, 0.0, 1.0, 0.0])
    depth_m = pixels(ask(node, frame)['depth/image'])
    assert 0.01 < np.isnan(depth_m).mean() < 0.9
    assert not (np.isinf(depth_m) | (depth_m == 0)).any()
    node.set(depth_encoding='16UC1')
    message = ask(node, frame)['depth/image']
    assert message.encoding == '16UC1'
    assert np.array_equal(pixels(message) == 0, np.isnan(depth_m))


def test_scan_made_of_the_depth_image_is_that_of_the_walls(node, frame):
    scan = yaml.safe_load(SCAN_YAML.read_text())['depthimage_to_laserscan']['ros__parameters']
    answers = ask(node, frame)
    p, depth_m = answers['depth/camera_info'].p, pixels(answers['depth/image'])
    estimated_m, exact_m = (scan_of(item, p, scan) for item in (depth_m, frame.depth_m))
    known = np.isfinite(estimated_m) & np.isfinite(exact_m)
    assert known.mean() > 0.8
    assert np.median(np.abs(estimated_m / exact_m - 1)[known]) < 0.2


def scan_of(depth_m: np.ndarray, p: np.ndarray, scan: dict[str, Any]) -> np.ndarray:
    """Return the range of every column as depthimage_to_laserscan has it, NaN for none."""
    rows = scan['scan_height']
    assert rows // 2 <= min(p[6], len(depth_m) - p[6])  # or it refuses the image
    first = int(p[6] - rows / 2)
    slope = (np.arange(depth_m.shape[1]) - p[2]) / p[0]
    range_m = depth_m[first:first + rows] * np.hypot(slope, 1)
    is_used = (range_m >= scan['range_min']) & (range_m <= scan['range_max'])
    nearest_m = np.where(is_used, range_m, np.inf).min(axis=0)
    return np.where(np.isinf(nearest_m), np.nan, nearest_m)


# Nav2 with the parameters in config/


@pytest.fixture(scope='module')
def clouds(tmp_path_factory, frame) -> tuple[np.ndarray, np.ndarray]:
    """Return points and obstacles of a node with the parameters for Nav2, in the base frame."""
    folder = tmp_path_factory.mktemp('nav2')
    with running_node(folder, PARAMETERS, '--params-file', str(NAV2_YAML)) as probe:
        probe.listen()
        look(probe, frame)
        answers = ask(probe, frame)
    return tuple(in_base(xyz(answers[topic]), frame) for topic in CLOUDS[:2])


@pytest.fixture
def costmap(nav2, frame) -> Any:
    """Return Nav2's local costmap around the camera, empty."""
    _, parameters = nav2.nav2_parameters(NAV2_YAML)
    return nav2.VoxelLayer(parameters, tuple(frame.camera_to_world[:2, 3]))


def cells(costmap: Any, x_m: tuple[float, float], y_m: tuple[float, float]) -> np.ndarray:
    """Return the costs of an area in front of the camera."""
    low = costmap.voxels(np.array([[x_m[0], y_m[0], 0.0]]))[0]
    high = costmap.voxels(np.array([[x_m[1], y_m[1], 0.0]]))[0]
    return costmap.costs()[low[0]:high[0], low[1]:high[1]]


def test_nav2_marks_walls_and_not_the_floor(nav2, costmap, clouds, frame):
    sensor_m = frame.camera_to_world[:3, 3]
    points_m, obstacles_m = clouds
    costmap.update(obstacles_m, points_m, sensor_m)
    x, y = sensor_m[:2]
    assert (cells(costmap, (x + 1.5, x + 3.0), (y - 0.3, y + 0.3)) == nav2.FREE).all()
    for side in ((y + 0.4, y + 2.0), (y - 2.0, y - 0.4)):
        along = (cells(costmap, (x + 2.0, x + 3.5), side) == nav2.LETHAL).any(axis=1)
        assert along.mean() > 0.75


@pytest.mark.parametrize(('lowest_m', 'cost'), [(None, 'FREE'), (0.2, 'LETHAL')],
                         ids=['as in the file', 'without points on the floor'])
def test_nav2_clears_what_went_away_by_rays_to_the_floor(
        nav2, costmap, clouds, frame, lowest_m, cost):
    if lowest_m is not None:
        costmap.clear['min_obstacle_height'] = lowest_m
    sensor_m = frame.camera_to_world[:3, 3]
    x, y = sensor_m[:2]
    gone = np.mgrid[x + 1.9:x + 2.5:0.03, y - 0.3:y + 0.3:0.03, 0.1:0.5:0.05].reshape(3, -1).T
    place = (x + 2.0, x + 2.4), (y - 0.2, y + 0.2)
    costmap.update(gone, np.empty((0, 3)), sensor_m)
    assert (cells(costmap, *place) == nav2.LETHAL).all()
    points_m, obstacles_m = clouds
    costmap.update(obstacles_m, points_m, sensor_m)
    assert (cells(costmap, *place) == getattr(nav2, cost)).all()


def test_nav2_drops_the_unknown_points_of_an_organized_cloud(nav2):
    source = {'min_obstacle_height': -20.0, 'max_obstacle_height': 20.0}
    points_m = np.array([[1, 0, 0.5], [np.nan] * 3, [1, 0, np.inf], [1, 0, 30.0]])
    assert nav2.within(source, points_m).tolist() == [[1, 0, 0.5]]
