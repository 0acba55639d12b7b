# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What a running depth node does so that its depth can be trusted, on a street of known depth."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from dataclasses import replace
from importlib import import_module
from itertools import count
from itertools import islice
from itertools import pairwise
import math
import re
from typing import Any

import numpy as np
import pytest

pytest.importorskip('rclpy')

from geometry_msgs.msg import TransformStamped
from rclpy.qos import DurabilityPolicy
from rclpy.qos import QoSProfile
from ros_helpers import FRAME_ID
from ros_helpers import pixels
from ros_helpers import Probe
from ros_helpers import refusal_to_start
from ros_helpers import reliable
from ros_helpers import running_node
from ros_inputs import image_message
from sensor_msgs.msg import LaserScan
from sensor_msgs.msg import PointCloud2
from std_msgs.msg import Header

from zoe_depth_ros.camera import Camera
from zoe_depth_ros.ground import fit_ground
from zoe_depth_ros.inference import DepthEstimator
from zoe_depth_ros.inference import DepthMap
from zoe_depth_ros.inference.clouds import FREE_FROM
from zoe_depth_ros.inference.preprocess import plan_framing
from zoe_depth_ros.inference.routing_filter import MAX_LOG_ODDS
from zoe_depth_ros.model.checkpoint import load_model
from zoe_depth_ros.options import RoutingConfig
from zoe_depth_ros.ros.messages import camera_info_message
from zoe_depth_ros.ros.transforms import HAS_TF
from zoe_depth_ros.scale import focal_factor
from zoe_depth_ros.worlds import corridor_drive
from zoe_depth_ros.worlds import doorway_drive
from zoe_depth_ros.worlds import street_drive
from zoe_depth_ros.worlds import WorldFrame

SIZE_HW = HEIGHT, WIDTH = 60, 80
SEED = 9000
STARTS_S = count(1_800_000_000, 1000)
# A scanner where the camera is, looking where it looks.
LEVEL = '0 0 0 0.5 -0.5 0.5 0.5'
BEAM_RAD = math.radians(0.5)
MARGIN_S = 0.2
DEFAULTS = {
    'domain': 'auto', 'depth_encoding': '32FC1', 'points__organized': False, 'points__stride': 1,
    'points__max_points': 0, 'points__max_range': 100.0, 'points__free_rays': False,
    'points__min_edge_angle': 0.0, 'points__max_relative_std': 0.0, 'points__std_dev_field': False,
    'points__voxel_size': 0.0, 'ground__min_share': 0.25, 'scale__source': 'none'}


@pytest.fixture(scope='module')
def street() -> WorldFrame:
    return next(street_drive(SEED, SIZE_HW, 2))


@pytest.fixture(scope='module')
def network(one_thread) -> DepthEstimator:
    """Return the estimator that the node has."""
    return DepthEstimator.from_pretrained('zoed_mini_nk', device='cpu')


@pytest.fixture(scope='module')
def predicted(network, street) -> DepthMap:
    """Return what the network makes of the street, whose ground it sees."""
    depth = network.estimate(street.image_u8, street.camera)
    assert depth.domain == 'outdoor'
    return replace(depth, ground=fit_ground(depth.depth_m, street.camera))


@pytest.fixture(scope='module')
def running(tmp_path_factory) -> Iterator[Probe]:
    parameters = {
        'model': 'zoed_mini_nk', 'device': 'cpu', 'diagnostics_period': 0.2,
        'scale.range_transform': LEVEL, **reliable('/range')}
    with running_node(tmp_path_factory.mktemp('node'), parameters) as probe:
        probe.listen()
        yield probe


@pytest.fixture
def node(running, street) -> Probe:
    """Return the node with known options and the camera of the street."""
    ready(running, street)
    return running


def ready(node: Probe, frame: WorldFrame) -> None:
    assert all(result.successful for result in node.set(**DEFAULTS))
    node.use_camera(camera_info_message(frame.camera, Header()))


class Play:
    """Images at steady stamps, with the scans that a range sensor beside the camera takes."""

    def __init__(self, node: Probe) -> None:
        self.stamp_ns = next(STARTS_S) * 10**9
        self._node = node
        self._scans = node.node.create_publisher(LaserScan, '/range', 10)

    def ask(self, rgb: np.ndarray, *topics: str, after_s: float, scan: LaserScan | None = None,
            ) -> dict[str, Any]:
        """Send an image some time after the last one and return the answers."""
        self.stamp_ns += round(after_s * 1e9)
        if scan is not None:
            self.measure(scan)
        return self._node.ask(image_message(rgb), *topics, stamp_ns=self.stamp_ns)

    def measure(self, scan: LaserScan, ago_s: float = 0.0) -> None:
        assert self._node.until(self._scans.get_subscription_count)
        scan.header = self._node.header(self.stamp_ns - round(ago_s * 1e9))
        scan.header.frame_id = 'laser'
        self._scans.publish(scan)

    def stand(self, rgb: np.ndarray, seconds: float, *, fps: float = 4.0,
              scan: LaserScan | None = None) -> list[Scale]:
        """Send the same image for some time and return the scale of each answer."""
        return [
            scale_of(self.ask(rgb, 'scale', after_s=1 / fps, scan=scan)['scale'])
            for _ in range(round(seconds * fps))]


@dataclass(frozen=True)
class Scale:
    """What ~/scale tells."""

    factor: float
    confidence: float
    source: str


def scale_of(message: Any) -> Scale:
    values = {item.key: item.value for item in message.status[0].values}
    return Scale(float(values['factor']), float(values['confidence']), values['source'])


def scan_of(depth_m: np.ndarray, camera: Camera, factor: float, beams: int = 200) -> LaserScan:
    """Return what a level scanner measures where everything is `factor` as far as in a depth."""
    angles = (np.arange(beams) - beams // 2) * BEAM_RAD
    column = np.rint(camera.fx * np.tan(-angles) + camera.cx).astype(int)
    in_view = (column >= 0) & (column < WIDTH)
    along_m = depth_m[round(camera.cy), np.clip(column, 0, WIDTH - 1)] * factor
    ranges_m = np.where(in_view & np.isfinite(along_m), along_m / np.cos(angles), np.inf)
    return LaserScan(
        angle_min=float(angles[0]), angle_increment=BEAM_RAD, range_min=0.1, range_max=300.0,
        ranges=ranges_m.tolist())


def cloud_points(message: PointCloud2) -> np.ndarray:
    """Return the known points of a cloud, with all its fields."""
    points = np.frombuffer(message.data, [(item.name, np.float32) for item in message.fields])
    return points[np.isfinite(points['z'])]


def points_of(node: Probe, frame: WorldFrame, **options: float) -> np.ndarray:
    """Return the points that an image has with these options."""
    assert all(result.successful for result in node.set(**options))
    return cloud_points(Play(node).ask(frame.image_u8, 'points', after_s=0)['points'])


def coordinates(points: np.ndarray) -> np.ndarray:
    return np.stack([points[axis] for axis in 'xyz'], axis=-1)


def hanging(depth_m: np.ndarray, log_ratio: float) -> set[float]:
    """Return depths with a much nearer one on one side and a much farther one opposite."""
    found = np.zeros(depth_m.shape, bool)
    for plane, log_depth in ((found, np.log(depth_m)), (found.T, np.log(depth_m).T)):
        steps = np.diff(log_depth, axis=0)
        for rises in (steps > log_ratio, steps < -log_ratio):
            plane[1:-1] |= rises[1:] & rises[:-1]
    return set(depth_m[found].tolist())


def domain_of(answers: dict[str, Any]) -> tuple[str, float]:
    """Return the domain and since when it stands."""
    status = answers['scene'].status[0]
    values = {item.key: item.value for item in status.values}
    return status.message, float(values['since_change_s'])


def changes(domains: list[str]) -> int:
    return sum(a != b for a, b in pairwise(domains))


def largest_step(depths: list[np.ndarray]) -> float:
    """Return the largest relative change of the median depth from one image to the next."""
    medians = np.log([np.nanmedian(depth) for depth in depths])
    return float(np.expm1(np.abs(np.diff(medians)).max()))


def time_to_turn(scene: RoutingConfig) -> float:
    """Return how long the average takes to change its mind about what the router is sure of."""
    wanted = math.log(scene.threshold / (1 - scene.threshold))
    return scene.time_constant * math.log(2 * MAX_LOG_ODDS / (MAX_LOG_ODDS - wanted))


def hesitant_drive(network: DepthEstimator, fps: float) -> tuple[list[WorldFrame], list[DepthMap]]:
    """Return a drive through a door where the router alone changes its mind more than once."""
    for seed in range(SEED, SEED + 40):
        film = list(islice(doorway_drive(seed, SIZE_HW, 160, fps), 45, 105))
        alone = [network.estimate(frame.image_u8) for frame in film]
        if changes([depth.domain for depth in alone]) > 1:
            return film, alone
    raise AssertionError('no router hesitates at any of 40 doors')


# Domain


def test_node_changes_domain_once_on_a_drive_through_a_door(node, network, street):
    fps, scene = 20.0, RoutingConfig()
    film, alone = hesitant_drive(network, fps)
    door = [frame.domain for frame in film].index('outdoor')
    play = Play(node)
    play.ask(street.image_u8, 'scene', after_s=0)
    entered = play.ask(film[0].image_u8, 'scene', after_s=100)
    assert domain_of(entered) == ('indoor', 0.0)
    play.stamp_ns += round((scene.min_dwell - (door + 1) / fps) * 1e9)  # dwell ends there
    answers = [play.ask(frame.image_u8, 'scene', 'depth/image', after_s=1 / fps)
               for frame in film]
    domains, since_s = zip(*map(domain_of, answers), strict=True)
    assert (domains[0], domains[-1], changes(domains)) == ('indoor', 'outdoor', 1)
    out = domains.index('outdoor')
    assert np.allclose(since_s[:out], since_s[0] + np.arange(out) / fps, atol=2e-3)
    assert np.allclose(since_s[out:], np.arange(len(film) - out) / fps, atol=2e-3)
    assert 0 <= (out - door) / fps < time_to_turn(scene) + MARGIN_S
    depths = [pixels(item['depth/image']) for item in answers]
    passed = [number for number in range(out + math.ceil(scene.blend_time * fps), len(film))
              if alone[number].domain == 'outdoor']
    assert len(passed) > 10
    for number in passed:
        assert np.allclose(depths[number], alone[number].depth_m, rtol=1e-4, equal_nan=True)
    assert largest_step(depths) < 0.5 * largest_step([depth.depth_m for depth in alone])


def test_node_locks_the_domain_that_stood_until_it_is_unlocked(node, street):
    corridor = next(corridor_drive(SEED, SIZE_HW, 2))
    node.set(domain='lock')
    play = Play(node)
    seen = [domain_of(play.ask(frame.image_u8, 'scene', after_s=0.5))
            for frame in [corridor] * 6 + [street] * 10]
    assert {domain for domain, _ in seen} == {'indoor'}
    assert np.allclose(np.diff([since_s for _, since_s in seen]), 0.5, atol=2e-3)
    node.set(domain='auto')
    assert domain_of(play.ask(street.image_u8, 'scene', after_s=0.5)) == ('outdoor', 0.0)


# Standard deviation and clouds


def test_node_standard_deviation_is_the_estimators_in_the_scale_of_depth(
        node, street, predicted):
    topics = 'depth/image', 'depth/std_dev'
    for factor in (1.0, 2.5):
        node.set(scale__source='factor', scale__factor=factor)
        answers = Play(node).ask(street.image_u8, *topics, after_s=0)
        for topic, expected in zip(
                topics, (predicted.depth_m, predicted.std_dev_m), strict=True):
            assert np.allclose(
                pixels(answers[topic]), expected * factor, rtol=1e-4, equal_nan=True)


def test_node_gives_every_point_the_standard_deviation_of_its_pixel(node, street):
    node.set(points__std_dev_field=True, points__stride=3)
    answers = Play(node).ask(street.image_u8, 'points', 'depth/std_dev', 'depth/image', after_s=0)
    cloud = answers['points']
    assert [item.name for item in cloud.fields] == ['x', 'y', 'z', 'rgb', 'std_dev']
    assert cloud.point_step == 20
    depth_m = pixels(answers['depth/image'])[::3, ::3]
    known = np.isfinite(depth_m)
    assert np.array_equal(cloud_points(cloud)['z'], depth_m[known])
    assert np.array_equal(
        cloud_points(cloud)['std_dev'], pixels(answers['depth/std_dev'])[::3, ::3][known])


def test_node_drops_points_of_large_relative_deviation(node, street, predicted):
    limit = float(np.nanmedian(predicted.std_dev_m / predicted.depth_m))
    node.set(points__max_relative_std=limit)
    answers = Play(node).ask(street.image_u8, 'points', 'depth/std_dev', 'depth/image', after_s=0)
    depth_m, std_dev_m = pixels(answers['depth/image']), pixels(answers['depth/std_dev'])
    kept = std_dev_m <= np.float32(limit) * depth_m
    assert 0.4 < kept.sum() / np.isfinite(depth_m).sum() < 0.6
    assert np.array_equal(cloud_points(answers['points'])['z'], depth_m[kept])


def test_node_keeps_the_cloud_within_its_budget(node, street):
    node.set(points__max_points=1000)  # every third row and column: the second leaves 1200
    answers = Play(node).ask(street.image_u8, 'points', 'depth/image', after_s=0)
    depth_m = pixels(answers['depth/image'])
    assert answers['points'].width == np.isfinite(depth_m[::3, ::3]).sum() > 400
    node.set(points__max_points=0)
    cloud = Play(node).ask(street.image_u8, 'points', after_s=0)['points']
    assert cloud.width == np.isfinite(depth_m).sum() > 4000


@pytest.mark.parametrize('angle_deg', [5.0, 15.0])
def test_node_drops_points_that_hang_between_a_near_and_a_far_surface(node, street, angle_deg):
    whole, kept = (
        set(points_of(node, street, points__min_edge_angle=angle).tolist())
        for angle in (0.0, angle_deg))
    depth_m = pixels(Play(node).ask(street.image_u8, 'depth/image', after_s=0)['depth/image'])
    assert len(whole) == np.isfinite(depth_m).sum()
    assert kept < whole
    assert len(kept) > len(whole) / 2
    dropped_m = {z for _, _, z, _ in whole - kept}
    # Far over near where a surface meets the nearer ray at the angle, by the law of sines.
    angle, ray = math.radians(angle_deg), 1 / street.camera.fx
    limit = math.log(math.sin(angle + ray) / math.sin(angle))
    assert hanging(depth_m, 1.01 * limit) <= dropped_m <= hanging(depth_m, 0.99 * limit)


def test_node_keeps_one_point_of_each_voxel(node, street):
    whole = points_of(node, street)
    corner_m = coordinates(whole).min(axis=0)
    for size_m in (0.5, 2.0):
        kept = points_of(node, street, points__voxel_size=size_m)
        assert set(kept.tolist()) < set(whole.tolist())
        filled, occupied = (
            np.unique(np.floor((coordinates(points) - corner_m) / size_m), axis=0)
            for points in (kept, whole))
        assert len(kept) == len(filled) > 100
        assert np.array_equal(filled, occupied)


@pytest.mark.parametrize('organized', [False, True])
def test_node_splits_the_cloud_into_ground_and_obstacles(node, street, predicted, organized):
    node.set(points__organized=organized)
    answers = Play(node).ask(
        street.image_u8, 'points', 'points/ground', 'points/obstacles', after_s=0)
    whole, ground, obstacles = (cloud_points(item) for item in answers.values())
    assert np.array_equal(np.sort(np.concatenate([ground, obstacles])), np.sort(whole))
    up, height_m = np.array(predicted.ground.normal), predicted.ground.height_m
    for part, side in ((ground, 1), (obstacles, -1)):
        xyz_m = coordinates(part)
        above_m, far_m = xyz_m @ up + height_m, np.linalg.norm(xyz_m, axis=-1)
        assert len(part) > 1000
        beyond_m = side * (above_m - np.maximum(0.1, 0.02 * far_m))
        assert (beyond_m <= 1e-3).mean() > 0.999
    if organized:
        assert {(item.height, item.width) for item in answers.values()} == {SIZE_HW}


def test_node_calls_everything_an_obstacle_where_it_finds_no_ground(node, street):
    node.set(ground__min_share=1.0)
    answers = Play(node).ask(
        street.image_u8, 'points', 'points/ground', 'points/obstacles', after_s=0)
    assert answers['points/ground'].width == 0
    assert answers['points/obstacles'].data == answers['points'].data


def test_node_tells_what_is_out_of_range_as_infinite_and_can_clear_by_it(
        node, street, predicted):
    clouds = 'points', 'points/ground', 'points/obstacles'
    node.restart(beyond_range='infinite')
    try:
        ready(node, street)
        answers = Play(node).ask(street.image_u8, 'depth/image', *clouds, after_s=0)
        node.set(depth_encoding='16UC1', points__max_range=40.0, points__free_rays=True)
        cleared = Play(node).ask(street.image_u8, 'depth/image', *clouds, after_s=0)
    finally:
        node.restart(beyond_range='unknown')
    depth_m, sky = pixels(answers['depth/image']), np.isnan(predicted.depth_m)
    assert 0.05 < sky.mean() < 0.2
    assert np.array_equal(np.isposinf(depth_m), sky)
    assert np.array_equal(pixels(cleared['depth/image']) == 0, sky | (depth_m > 65.535))
    for topic in clouds:
        assert answers[topic].width == len(cloud_points(answers[topic]))
    assert answers['points'].width == (~sky).sum()
    free = cloud_points(cleared['points'])
    range_m = np.linalg.norm([free[axis] for axis in 'xyz'], axis=0)
    at_end = range_m >= 40 * FREE_FROM
    assert len(free) == sky.size
    assert range_m.max() <= 40
    assert at_end.sum() > sky.sum()
    assert cleared['points/ground'].width + cleared['points/obstacles'].width == (~at_end).sum()


# Scale


def test_node_multiplies_depth_by_a_given_factor(node, street, predicted):
    for factor in (0.5, 2.0):
        node.set(scale__factor=factor, scale__source='factor')
        answers = Play(node).ask(street.image_u8, 'depth/image', 'scale', after_s=0)
        assert scale_of(answers['scale']) == Scale(factor, 1.0, 'factor')
        assert np.allclose(
            pixels(answers['depth/image']), predicted.depth_m * factor, rtol=1e-4, equal_nan=True)
        node.status(lambda status: status.number('scale_factor') == factor)  # noqa: B023


def test_node_multiplies_depth_by_the_focal_length_over_the_trained_one(node, street, predicted):
    plain = Play(node).ask(street.image_u8, 'depth/image', after_s=0)
    model = load_model('zoed_mini_nk').config
    head, = (head for head in model.heads if head.domain == predicted.domain)
    framing = plan_framing(SIZE_HW, model.network_size_hw, 'robot')
    factors = []
    try:
        for zoom in (1.0, 2.0):
            camera = replace(
                street.camera, fx=zoom * street.camera.fx, fy=zoom * street.camera.fy)
            node.restart(focal_normalisation=True)  # which forgets the other camera_info too
            ready(node, replace(street, camera=camera))
            answers = Play(node).ask(
                street.image_u8, 'depth/image', 'depth/camera_info', after_s=0)
            assert answers['depth/camera_info'].k[0] == camera.fx
            factors.append(focal_factor(
                framing.network_camera(camera), head.focal_of_width * model.network_size_hw[1]))
            assert np.allclose(
                pixels(answers['depth/image']), pixels(plain['depth/image']) * factors[-1],
                rtol=1e-4, equal_nan=True)
    finally:
        node.restart(focal_normalisation=False)
    assert factors == pytest.approx([1.0, 2.0], rel=0.02)


def test_node_puts_the_camera_at_its_height_above_the_ground(node, street, predicted):
    node.set(scale__camera_height=1.0, scale__source='camera_height')
    play = Play(node)
    scales = play.stand(street.image_u8, 6.0)
    assert scales[0].factor == 1.0
    assert scales[-1].factor == pytest.approx(1 / predicted.ground.height_m, rel=0.02)
    assert 0.5 < scales[-1].confidence <= predicted.ground.share + 1e-3
    depth_m = pixels(play.ask(street.image_u8, 'depth/image', after_s=0.25)['depth/image'])
    assert fit_ground(depth_m, street.camera).height_m == pytest.approx(1.0, rel=0.02)


def test_node_takes_the_scale_from_a_scanner_and_believes_no_short_lie(node, street, predicted):
    honest, lie = (
        scan_of(predicted.depth_m, street.camera, factor) for factor in (1.5, 4.5))
    node.set(scale__source='range')
    play = Play(node)
    scales = play.stand(street.image_u8, 8.0, scan=honest)
    assert scales[0] == Scale(1.0, 0.0, 'range')
    assert scales[-1].factor == pytest.approx(1.5, rel=0.01)
    assert scales[-1].confidence > 0.9
    lied = play.stand(street.image_u8, 1.0, fps=10.0, scan=lie)
    after = play.stand(street.image_u8, 2.0, scan=honest)
    assert [item.factor for item in lied + after] == pytest.approx([1.5] * 18, rel=0.01)
    assert lied[-1].confidence < 0.5 < after[-1].confidence
    answers = play.ask(street.image_u8, 'depth/image', after_s=0.25, scan=honest)
    assert np.allclose(
        pixels(answers['depth/image']), predicted.depth_m * 1.5, rtol=0.01, equal_nan=True)
    status = node.status(lambda status: status.number('scale_confidence') > 0.5)
    assert status.number('scale_factor') == pytest.approx(1.5, rel=0.01)
    assert not status.is_warning


def test_node_says_why_a_scanner_tells_nothing(node, street, predicted):
    node.set(scale__source='range')
    play = Play(node)

    def problem(scan: LaserScan | None = None, ago_s: float = 0.0) -> str:
        """Return what is said after a scan taken so long before the last image."""
        if scan is not None:
            play.measure(scan, ago_s)
        play.ask(street.image_u8, 'scale', after_s=1.0)
        status = node.status()
        assert status.is_warning
        return status.text

    # A scan may be late or lost, so it is measured until the answer tells of it.
    assert problem() == 'scale is not known: no message on /range yet'
    old = scan_of(predicted.depth_m, street.camera, 1.0)
    assert node.until(lambda: problem(old, ago_s=9.0) == (
        'scale is not known: /range is 10.00 s from the image (scale.max_age 0.2)'))
    few = scan_of(predicted.depth_m, street.camera, 1.0, beams=7)
    assert node.until(lambda: re.fullmatch(
        r'scale is not known: /range: only \d+ pixels with a range \(scale.min_pairs 20\)',
        problem(few, ago_s=-1.0)))


def test_node_says_when_it_finds_no_ground_to_scale_by(node, street):
    node.set(scale__source='camera_height', ground__min_share=1.0)
    assert Play(node).stand(street.image_u8, 1.0)[-1] == Scale(1.0, 0.0, 'camera_height')
    status = node.status()
    assert status.is_warning
    assert status.text == 'scale is not known: no ground found'


def test_node_learns_the_scale_anew_from_another_source(node, street, predicted):
    scan = scan_of(predicted.depth_m, street.camera, 1.5)
    node.set(scale__source='range')
    play = Play(node)
    assert play.stand(street.image_u8, 4.0, scan=scan)[-1].factor == pytest.approx(1.5, rel=0.01)
    node.set(scale__source='camera_height', scale__camera_height=1.0)
    assert play.stand(street.image_u8, 0.25) == [Scale(1.0, 0.0, 'camera_height')]
    assert node.until(lambda: node.node.count_subscribers('/range') == 0)
    node.set(scale__source='none')
    answers = play.ask(street.image_u8, 'depth/image', 'scale', after_s=0.25)
    assert scale_of(answers['scale']) == Scale(1.0, 0.0, 'none')
    assert np.allclose(
        pixels(answers['depth/image']), predicted.depth_m, rtol=1e-4, equal_nan=True)
    assert not node.status().is_warning


def test_node_says_when_it_does_not_know_where_the_scanner_is(node, street, predicted):
    node.restart(scale__range_transform='')
    try:
        ready(node, street)
        node.set(scale__source='range')
        Play(node).stand(
            street.image_u8, 1.0, scan=scan_of(predicted.depth_m, street.camera, 1.5))
        text = node.status().text
    finally:
        node.restart(scale__range_transform=LEVEL)
    assert text.startswith(f'scale is not known: no transform from laser to {FRAME_ID}')


@pytest.mark.skipif(not HAS_TF, reason='tf2_msgs is not installed')
def test_node_finds_the_scanner_by_static_transforms(node, street, predicted):
    message_type = import_module('tf2_msgs.msg').TFMessage
    publisher = node.node.create_publisher(message_type, '/tf_static', QoSProfile(
        depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL))
    link = TransformStamped(header=Header(frame_id=FRAME_ID), child_frame_id='laser')
    turn = link.transform.rotation
    turn.x, turn.y, turn.z, turn.w = map(float, LEVEL.split()[3:])
    publisher.publish(message_type(transforms=[link]))
    node.restart(scale__range_transform='')
    try:
        ready(node, street)
        node.set(scale__source='range')
        scan = scan_of(predicted.depth_m, street.camera, 1.5)
        last = Play(node).stand(street.image_u8, 5.0, scan=scan)[-1]
    finally:
        node.restart(scale__range_transform=LEVEL)
        node.node.destroy_publisher(publisher)
    assert last.factor == pytest.approx(1.5, rel=0.01)


def test_node_refuses_a_senseless_place_of_the_scanner(capfd, running):
    line = refusal_to_start(capfd, {'scale.range_transform': '1 2 3'})
    assert "cannot start: range_transform = '1 2 3' is not the seven numbers" in line
    assert running.change_state('deactivate')
    assert running.change_state('cleanup')
    result, = running.set(scale__range_transform='0 0 0 0 0 0 0')
    assert running.change_state('configure')
    assert running.change_state('activate')
    assert not result.successful
    assert "range_transform = '0 0 0 0 0 0 0'" in result.reason
    assert running.get('scale.range_transform') == LEVEL
