# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What a running depth node publishes, over real DDS topics."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
import pytest

pytest.importorskip('rclpy')

from network_helpers import random_rgb
from network_helpers import SIZE_HW
from rclpy.qos import DurabilityPolicy
from rclpy.qos import ReliabilityPolicy
from ros_helpers import FRAME_ID
from ros_helpers import OUTPUTS
from ros_helpers import pixels
from ros_helpers import Probe
from ros_helpers import running_node
from ros_inputs import image_message
from ros_inputs import info_message
from sensor_msgs.msg import PointField
from sensor_msgs.msg import RegionOfInterest

from zoe_depth_ros.camera import Camera
from zoe_depth_ros.colorize import colorize_depth
from zoe_depth_ros.inference import DepthEstimator
from zoe_depth_ros.ros.messages import calibration_from_message

HEIGHT, WIDTH = SIZE_HW
DISTORTED = {
    'd': [-0.3, 0.1, 0.001, -0.001, 0.0],
    'p': [60.0, 0.0, 40.0, 0.0, 0.0, 61.0, 24.0, 0.0, 0.0, 0.0, 1.0, 0.0]}
DEFAULTS = {
    'rectify': 'auto', 'depth_encoding': '32FC1', 'domain': 'auto', 'points__organized': False,
    'points__stride': 2, 'points__min_range': 0.1, 'points__max_range': 40.0}


@pytest.fixture(scope='module')
def running(weights, tmp_path_factory) -> Iterator[Probe]:
    parameters = {
        'model': str(weights), 'diagnostics_period': 0.2,
        'qos_overrides./camera/image_raw.subscription.reliability': 'reliable',
        'qos_overrides./depth_node/depth/color.publisher.reliability': 'best_effort'}
    with running_node(tmp_path_factory.mktemp('node'), parameters) as probe:
        probe.listen()
        yield probe


@pytest.fixture
def node(running) -> Probe:
    """Return the node with default options and a camera without distortion."""
    assert all(result.successful for result in running.set(**DEFAULTS))
    running.use_camera(info_message())
    return running


def points(message) -> np.ndarray:
    return np.frombuffer(message.data, [(name, np.float32) for name in ('x', 'y', 'z', 'rgb')])


def test_node_publishes_every_output_under_the_header_of_the_image(node):
    answers = node.ask(image_message(random_rgb()))
    assert sorted(answers) == sorted(OUTPUTS)
    header = answers['depth/image'].header
    assert (header.frame_id, header.stamp.nanosec) == (FRAME_ID, 123456789)
    for topic, kept in node.received.items():
        assert [item for item in kept if item.header == header], topic


def test_node_depth_camera_and_image_fit_each_other_as_rtabmap_wants(node):
    answers = node.ask(image_message(random_rgb()))
    trio = [answers[topic] for topic in ('depth/image', 'depth/camera_info', 'image_rect')]
    assert {(item.width, item.height) for item in trio} == {(WIDTH, HEIGHT)}
    assert len({(item.header.stamp.sec, item.header.stamp.nanosec) for item in trio}) == 1
    assert len({item.header.frame_id for item in trio}) == 1


def test_node_depth_is_the_one_the_estimator_gives(node, estimator):
    rgb = random_rgb(1)
    node.set(scene__time_constant=0.0)
    answers = node.ask(image_message(rgb))
    node.set(scene__time_constant=0.4)
    expected = estimator.estimate(rgb)
    assert np.array_equal(pixels(answers['depth/image']), expected.depth_m, equal_nan=True)
    assert np.array_equal(
        pixels(answers['depth/std_dev']), expected.std_dev_m, equal_nan=True)
    assert np.array_equal(pixels(answers['image_rect']), rgb)
    assert np.array_equal(pixels(answers['depth/color']), colorize_depth(expected.depth_m))
    scene = answers['scene'].status[0]
    values = {item.key: item.value for item in scene.values}
    assert values['domain'] == scene.message == expected.domain
    assert float(values['probability']) == pytest.approx(expected.domain_probability, abs=1e-5)


def test_node_depth_in_millimetres_is_that_in_metres_rounded_and_zero_where_unknown(node):
    node.use_camera(info_message(**DISTORTED))
    image = image_message(random_rgb(2))
    depth_m = pixels(node.ask(image, 'depth/image')['depth/image'])
    node.set(depth_encoding='16UC1')
    message = node.ask(image, 'depth/image')['depth/image']
    assert message.encoding == '16UC1'
    unknown = np.isnan(depth_m)
    assert 0 < unknown.sum() < unknown.size
    assert np.array_equal(pixels(message), np.where(unknown, 0, np.rint(depth_m * 1000)))


def test_node_camera_info_is_that_of_the_image_without_distortion(node):
    info = node.ask(image_message(random_rgb()))['depth/camera_info']
    f, cx, cy = 80.0, 40.75, 22.75
    assert info.distortion_model == 'plumb_bob'
    assert list(info.d) == [0.0] * 5
    assert list(info.r) == [1.0, 0, 0, 0, 1.0, 0, 0, 0, 1.0]
    assert list(info.k) == [f, 0, cx, 0, f, cy, 0, 0, 1]
    assert list(info.p) == [f, 0, cx, 0, 0, f, cy, 0, 0, 0, 1, 0]


def test_node_camera_info_respects_region_and_binning(node):
    roi = RegionOfInterest(x_offset=20, y_offset=10, width=2 * WIDTH, height=2 * HEIGHT)
    node.use_camera(info_message((120, 200), roi=roi, binning_x=2, binning_y=2))
    info = node.ask(image_message(random_rgb()))['depth/camera_info']
    assert (info.width, info.height) == (WIDTH, HEIGHT)
    full = info_message((120, 200)).k
    expected = [full[0] / 2, 0, (full[2] - 20) / 2, 0, full[4] / 2, (full[5] - 10) / 2, 0, 0, 1]
    assert list(info.k) == expected
    assert (info.binning_x, info.binning_y, info.roi) == (0, 0, RegionOfInterest())


def test_node_output_of_network_size_has_a_camera_and_image_of_that_size(
        node, weights, estimator):
    node.restart(output_size='network')
    try:
        node.use_camera(info_message())
        rgb = random_rgb(3)
        answers = node.ask(image_message(rgb))
    finally:
        node.restart(output_size='image')
    camera = Camera(WIDTH, HEIGHT, 80.0, 80.0, 40.75, 22.75)
    expected = DepthEstimator.from_pretrained(
        weights, output_size='network').estimate(rgb, camera)
    assert estimator.estimate(rgb).depth_m.shape == (HEIGHT, WIDTH)
    assert expected.depth_m.shape == (64, 96)
    assert np.array_equal(pixels(answers['depth/image']), expected.depth_m, equal_nan=True)
    assert np.array_equal(pixels(answers['image_rect']), expected.rgb)
    info = answers['depth/camera_info']
    assert (info.height, info.width) == (64, 96)
    assert info.k[0] == info.p[0] == pytest.approx(80 * 95 / 79)
    assert info.k[5] == info.p[6] == pytest.approx(22.75 * 63 / 47)


@pytest.mark.parametrize(('rectify', 'fields', 'undistorts'), [
    ('auto', {}, False), ('auto', DISTORTED, True), ('always', DISTORTED, True),
    ('never', DISTORTED, False),
])
def test_node_rectifies_by_the_projection_matrix(node, estimator, rectify, fields, undistorts):
    node.set(rectify=rectify)
    info = info_message(**fields)
    node.use_camera(info)
    rgb = cv2.GaussianBlur(random_rgb(4), (9, 9), 0)
    answers = node.ask(image_message(rgb))
    expected = rgb
    if undistorts:
        k, p = np.reshape(info.k, (3, 3)), np.reshape(info.p, (3, 4))[:, :3]
        expected = cv2.undistort(rgb, k, np.array(info.d), None, p)
    shown = pixels(answers['image_rect'])
    assert np.abs(shown.astype(int) - expected).mean() < 0.5
    assert (np.abs(shown.astype(int) - rgb).mean() > 3) == undistorts
    assert np.allclose(answers['depth/camera_info'].p, calibration_from_message(info).p)
    depth_m = pixels(answers['depth/image'])
    known = ~np.isnan(depth_m)
    assert known.all() != undistorts
    assert np.array_equal(depth_m[known], estimator.estimate(shown).depth_m[known])


def test_node_compact_points_are_known_coloured_and_on_the_rays_of_their_pixels(node):
    rgb = random_rgb(5)
    answers = node.ask(image_message(rgb))
    cloud, depth_m = answers['points'], pixels(answers['depth/image'])[::2, ::2]
    v, u = np.mgrid[0:HEIGHT:2, 0:WIDTH:2]
    expected = np.stack([(u - 40.75) / 80 * depth_m, (v - 22.75) / 80 * depth_m, depth_m], axis=-1)
    far_m = np.linalg.norm(expected, axis=-1)
    kept = (far_m >= 0.1) & (far_m <= 40)
    assert (cloud.height, cloud.width, cloud.is_dense) == (1, kept.sum(), True)
    found = points(cloud)
    assert np.allclose(
        np.stack([found['x'], found['y'], found['z']], axis=-1), expected[kept], atol=1e-5)
    red, green, blue = rgb[::2, ::2][kept].astype(np.uint32).T
    assert np.array_equal(found['rgb'].view(np.uint32), red << 16 | green << 8 | blue)


def test_node_organized_points_keep_the_grid_with_nan_where_unknown(node):
    node.set(points__organized=True, points__stride=3)
    node.use_camera(info_message(**DISTORTED))
    answers = node.ask(image_message(random_rgb(6)))
    cloud = answers['points']
    assert (cloud.height, cloud.width, cloud.is_dense) == (16, 27, False)
    unknown = np.isnan(pixels(answers['depth/image'])[::3, ::3]).ravel()
    assert 0 < unknown.sum() < unknown.size
    for axis in ('x', 'y', 'z'):
        assert np.array_equal(np.isnan(points(cloud)[axis]), unknown)


@pytest.mark.parametrize('organized', [False, True])
def test_node_cloud_has_the_layout_costmaps_read(node, organized):
    node.set(points__organized=organized)
    cloud = node.ask(image_message(random_rgb()))['points']
    assert [(item.name, item.offset, item.datatype, item.count) for item in cloud.fields] == [
        (name, 4 * number, PointField.FLOAT32, 1)
        for number, name in enumerate(('x', 'y', 'z', 'rgb'))]
    assert cloud.is_bigendian is False
    assert cloud.point_step == 16
    assert cloud.row_step == cloud.width * cloud.point_step
    assert len(cloud.data) == cloud.height * cloud.row_step > 0


def test_node_cloud_range_is_live_and_an_empty_cloud_is_still_a_cloud(node):
    image = image_message(random_rgb())
    far_m = np.linalg.norm([points(node.ask(image)['points'])[axis] for axis in 'xyz'], axis=0)
    limit_m = float(np.median(far_m))
    node.set(points__min_range=limit_m)
    assert node.ask(image)['points'].width == (far_m >= np.float32(limit_m)).sum()
    assert node.set_atomically(points__min_range=1000.0, points__max_range=2000.0).successful
    cloud = node.ask(image)['points']
    assert (cloud.height, cloud.width, cloud.row_step, len(cloud.data)) == (1, 0, 0, 0)


def test_node_domain_is_live(node, estimator):
    image = image_message(random_rgb())
    depths = {}
    for domain in ('indoor', 'outdoor'):
        node.set(domain=domain)
        answers = node.ask(image)
        assert answers['scene'].status[0].message == domain
        depths[domain] = pixels(answers['depth/image'])
    assert not np.array_equal(depths['indoor'], depths['outdoor'], equal_nan=True)


def test_node_publishers_are_reliable_and_volatile_and_one_override_stays_with_one(node):
    for topic in OUTPUTS:
        info, = node.node.get_publishers_info_by_topic(f'/depth_node/{topic}')
        wanted = 'BEST_EFFORT' if topic == 'depth/color' else 'RELIABLE'
        assert info.qos_profile.reliability == ReliabilityPolicy[wanted], topic
        assert info.qos_profile.durability == DurabilityPolicy.VOLATILE


def test_node_subscriptions_are_best_effort_and_one_override_stays_with_one(node):
    for topic, wanted in (('image_raw', 'RELIABLE'), ('camera_info', 'BEST_EFFORT')):
        info, = node.node.get_subscriptions_info_by_topic(f'/camera/{topic}')
        assert info.qos_profile.reliability == ReliabilityPolicy[wanted], topic
