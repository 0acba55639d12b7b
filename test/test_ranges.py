# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import math

import numpy as np
import pytest

from zoe_depth_ros.camera import Camera
from zoe_depth_ros.poses import parse_pose
from zoe_depth_ros.ranges import cone_depth
from zoe_depth_ros.ranges import cone_window
from zoe_depth_ros.ranges import scan_points
from zoe_depth_ros.scale import cone_reading

CAMERA = Camera(640, 480, 500.0, 520.0, 321.0, 236.0)
AHEAD = '0.5 -0.5 0.5 0.5'


def row_numbers() -> np.ndarray:
    """Return depth that tells each pixel's place."""
    v, u = np.mgrid[:480, :640]
    return (v * 1000 + u).astype(np.float32)


@pytest.mark.parametrize(('position', 'field_of_view_deg'), [
    ('0 0 0', 4.0), ('0.2 0.3 0', 15.0), ('-1.5 0.4 0', 25.0), ('0 0 0', 100.0)])
def test_cone_window_holds_every_pixel_of_the_cone(position, field_of_view_deg):
    cone = parse_pose(f'{position} {AHEAD}'), math.radians(field_of_view_deg), 3.0
    window = cone_window(row_numbers(), CAMERA, *cone)
    whole = np.isfinite(cone_depth(CAMERA, *cone))
    part = np.isfinite(cone_depth(window.camera, *cone))
    stride = round(CAMERA.fx / window.camera.fx)
    assert max(window.depth_m.shape) <= 64
    assert part.sum() == pytest.approx(whole.sum() / stride ** 2, rel=0.05)
    assert part.sum() > 300


def test_cone_window_camera_sees_its_pixels_where_the_whole_camera_does():
    window = cone_window(
        row_numbers(), CAMERA, parse_pose(f'0.2 0.3 0 {AHEAD}'), math.radians(30), 3.0)
    place, camera = window.depth_m[5, 7], window.camera
    u, v = place % 1000, place // 1000
    assert (7 - camera.cx) / camera.fx == pytest.approx((u - CAMERA.cx) / CAMERA.fx)
    assert (5 - camera.cy) / camera.fy == pytest.approx((v - CAMERA.cy) / CAMERA.fy)


@pytest.mark.parametrize('pose', [
    f'0 0 -10 {AHEAD}', f'50 0 0 {AHEAD}', '0 0 0 0.5 0.5 -0.5 0.5'])
def test_cone_window_of_a_cone_that_is_not_in_view_has_none_of_its_pixels(pose):
    cone = parse_pose(pose), 0.3, 3.0
    window = cone_window(row_numbers(), CAMERA, *cone)
    assert cone_reading(window.depth_m, window.camera, *cone, min_pairs=1) is None


def test_scan_ray_straight_ahead_without_return_is_left_out_silently():
    with np.errstate(all='raise'):
        points = scan_points(
            np.array([math.inf, 2.0]), 0.0, math.pi / 2, range_min_m=0.1, range_max_m=9.0)
    np.testing.assert_allclose(points, [[0, 2, 0]], atol=1e-12)
