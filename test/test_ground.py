# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import math

import numpy as np
import pytest

from zoe_depth_ros.camera import Camera
from zoe_depth_ros.errors import ConfigError
from zoe_depth_ros.errors import ImageError
from zoe_depth_ros.geometry import point_cloud
from zoe_depth_ros.ground import fit_ground
from zoe_depth_ros.ground import GroundPlane
from zoe_depth_ros.options import GroundConfig
from zoe_depth_ros.worlds import Box
from zoe_depth_ros.worlds import camera_pose
from zoe_depth_ros.worlds import corridor_drive
from zoe_depth_ros.worlds import render_views
from zoe_depth_ros.worlds import Scene
from zoe_depth_ros.worlds import street_drive
from zoe_depth_ros.worlds import View

CAMERA = Camera.from_fov(96, 72, 70.0)
FLOOR = Box((0.0, 0.0, -0.5), (200.0, 200.0, 1.0))
BOXES = (Box((3.0, 0.6, 0.4), (0.6, 0.6, 0.8)), Box((4.0, -1.0, 0.6), (1.0, 0.8, 1.2)))


def seen(*boxes: Box, height_m=1.2, pitch_deg=-8.0, roll_deg=0.0):
    """Return depth, pose of solids seen by a camera above the origin looking along x."""
    pose = camera_pose(
        (0, 0, height_m), 0.0, math.radians(pitch_deg), math.radians(roll_deg))
    depth_m = render_views([View(Scene(boxes), CAMERA, pose)]).depth_m[0, 0].numpy()
    return depth_m, pose


def points_of(depth_m):
    points = point_cloud(depth_m, None, CAMERA, organized=True).points
    return np.stack([points['x'], points['y'], points['z']], axis=-1).reshape(-1, 3)


@pytest.mark.parametrize('pitch_deg, roll_deg', [(0.0, 0.0), (-10.0, 2.0), (4.0, -5.0)])
def test_ground_is_found_under_boxes_for_a_tilted_camera(pitch_deg, roll_deg):
    depth_m, pose = seen(FLOOR, *BOXES, pitch_deg=pitch_deg, roll_deg=roll_deg)
    plane = fit_ground(depth_m, CAMERA)
    np.testing.assert_allclose(plane.normal, pose[2, :3], atol=2e-3)
    assert plane.height_m == pytest.approx(1.2, abs=5e-3)
    assert 0.5 < plane.share <= 1


def test_ground_labels_boxes_and_floor():
    depth_m, pose = seen(FLOOR, *BOXES)
    plane, points = fit_ground(depth_m, CAMERA), points_of(depth_m)
    height_m = (points @ pose[:3, :3].T + pose[:3, 3])[:, 2]
    known = np.isfinite(height_m) & (points[:, 2] < 10)
    clear = known & ((height_m < 0.05) | (height_m > 0.25))
    np.testing.assert_array_equal(plane.is_ground(points)[clear], height_m[clear] < 0.05)
    assert (height_m[clear] > 0.25).sum() > 100
    assert not plane.is_ground(np.full((1, 3), np.nan)).any()


def test_ground_allows_more_height_farther_away():
    plane = GroundPlane((0.0, -1.0, 0.0), 1.0, 1.0)
    points = np.array([[0, 0.85, 2], [0, 0.85, 20], [0, 1.5, 2], [0, 0.0, 20]])
    assert plane.is_ground(points).tolist() == [False, True, True, False]
    np.testing.assert_allclose(plane.height_above(points), [0.15, 0.15, -0.5, 1.0])


@pytest.mark.parametrize('factor', [0.5, 2.0])
def test_ground_scales_with_the_depth(factor):
    depth_m, _ = seen(FLOOR, *BOXES)
    plane = fit_ground(depth_m, CAMERA)
    scaled = fit_ground(depth_m * np.float32(factor), CAMERA)
    assert scaled.height_m == pytest.approx(factor * plane.height_m, rel=1e-3)
    assert scaled.share == pytest.approx(plane.share, abs=0.01)


def test_ground_survives_noise_and_outliers():
    depth_m, pose = seen(FLOOR, *BOXES)
    generator = np.random.default_rng(1)
    noisy = depth_m * np.exp(generator.normal(0, 0.03, depth_m.shape)).astype(np.float32)
    wild = generator.random(depth_m.shape) < 0.25
    noisy[wild] = generator.uniform(0.3, 20, wild.sum())
    plane = fit_ground(noisy, CAMERA)
    assert plane.height_m == pytest.approx(1.2, rel=0.02)
    assert math.degrees(math.acos(np.dot(plane.normal, pose[2, :3]))) < 1.5


def test_ground_is_none_before_a_wall_and_in_the_dark():
    depth_m, _ = seen(Box((2.0, 0.0, 0.0), (0.2, 50.0, 50.0)))
    assert fit_ground(depth_m, CAMERA) is None
    assert fit_ground(np.full(CAMERA.size_hw, np.nan, np.float32), CAMERA) is None


def test_ground_is_none_where_too_little_of_it_is_seen():
    wall = Box((1.5, 0.0, 0.0), (0.2, 50.0, 50.0))
    depth_m, _ = seen(FLOOR, wall, pitch_deg=0.0)
    assert fit_ground(depth_m, CAMERA, config=GroundConfig(min_share=0.6)) is None


def test_ground_follows_the_direction_of_gravity():
    depth_m, pose = seen(FLOOR, pitch_deg=-40.0)
    assert fit_ground(depth_m, CAMERA) is None
    plane = fit_ground(depth_m, CAMERA, up=tuple(pose[2, :3] * 9.81))
    assert plane.height_m == pytest.approx(1.2, abs=1e-3)


def test_ground_is_no_table_where_the_height_is_known():
    table = Box((0.0, 0.0, 0.9), (20.0, 20.0, 0.05))
    depth_m, _ = seen(FLOOR, table)
    assert fit_ground(depth_m, CAMERA).height_m == pytest.approx(0.275, abs=1e-3)
    assert fit_ground(depth_m, CAMERA, height_m=1.2) is None


@pytest.mark.parametrize('drive', [corridor_drive, street_drive])
def test_ground_of_drives_is_below_the_camera(drive):
    for frame in drive(5, (72, 96), frames=4, fps=1.0):
        plane = fit_ground(frame.depth_m, frame.camera)
        # Pavements lie above the road.
        assert plane.height_m == pytest.approx(frame.camera_to_world[2, 3], abs=0.15)
        assert np.dot(plane.normal, frame.camera_to_world[2, :3]) > math.cos(math.radians(2))


def test_ground_refuses_what_makes_no_sense():
    depth_m = np.ones(CAMERA.size_hw, np.float32)
    with pytest.raises(ImageError, match=r'\(2, 2\) is not of camera size'):
        fit_ground(depth_m[:2, :2], CAMERA)
    with pytest.raises(ConfigError, match='has no direction'):
        fit_ground(depth_m, CAMERA, up=(0.0, 0.0, 0.0))
    with pytest.raises(ConfigError, match=r'height -1\.0 m'):
        fit_ground(depth_m, CAMERA, height_m=-1.0)
