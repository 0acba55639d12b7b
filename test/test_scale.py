# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import math

import numpy as np
import pytest

from zoe_depth_ros.camera import Camera
from zoe_depth_ros.errors import ConfigError
from zoe_depth_ros.errors import ImageError
from zoe_depth_ros.ground import GroundPlane
from zoe_depth_ros.options import ScaleConfig
from zoe_depth_ros.ranges import cone_depth
from zoe_depth_ros.ranges import depth_pairs
from zoe_depth_ros.ranges import DepthPairs
from zoe_depth_ros.ranges import scan_points
from zoe_depth_ros.ranges import transformed
from zoe_depth_ros.scale import cone_reading
from zoe_depth_ros.scale import focal_factor
from zoe_depth_ros.scale import height_reading
from zoe_depth_ros.scale import pairs_reading
from zoe_depth_ros.scale import ScaleFilter
from zoe_depth_ros.scale import ScaleReading

CAMERA = Camera(64, 48, 50.0, 50.0, 31.5, 23.5)
# A sensor whose x looks along the camera's z, y to its left, z up (REP 103), 0.3 m below it.
SENSOR_TO_CAMERA = np.array([
    [0, -1, 0, 0.0], [0, 0, -1, 0.3], [1, 0, 0, 0.0], [0, 0, 0, 1]], np.float64)


def follow(factors, fps=10.0, **options) -> list[float]:
    """Return the filter's factor after each reading; NaN stands for none."""
    scale = ScaleFilter(ScaleConfig(**options))
    return [
        scale.update(
            number / fps, None if math.isnan(factor) else ScaleReading(factor, 1.0)).factor
        for number, factor in enumerate(factors)]


def wall_of(depth_m: float) -> np.ndarray:
    return np.full(CAMERA.size_hw, depth_m, np.float32)


def test_scale_is_known_height_over_fitted_height():
    reading = height_reading(GroundPlane((0.0, -1.0, 0.0), 0.6, 0.8), 1.2)
    assert (reading.factor, reading.confidence) == (pytest.approx(2.0), 0.8)


@pytest.mark.parametrize('factor', [0.5, 1.0, 1.7])
def test_scale_of_pairs_ignores_outliers(factor):
    generator = np.random.default_rng(0)
    reference_m = generator.uniform(1, 10, 200)
    predicted_m = reference_m / factor * np.exp(generator.normal(0, 0.02, 200))
    reference_m[:60] *= generator.uniform(2, 4, 60)
    reading = pairs_reading(DepthPairs(predicted_m, reference_m), 20)
    assert reading.factor == pytest.approx(factor, rel=0.01)
    assert reading.confidence == pytest.approx(0.7, abs=0.01)


def test_scale_of_equal_pairs_is_exact():
    reading = pairs_reading(DepthPairs(np.full(5, 2.0), np.full(5, 3.0)), 5)
    assert (reading.factor, reading.confidence) == (pytest.approx(1.5), 1.0)


def test_scale_of_too_few_pairs_is_none():
    assert pairs_reading(DepthPairs(np.ones(19), np.ones(19)), 20) is None


def test_scale_pairs_are_taken_where_points_project():
    depth_m = wall_of(np.nan)
    depth_m[10, 20] = 2.0
    x, y = (20 - CAMERA.cx) / CAMERA.fx, (10 - CAMERA.cy) / CAMERA.fy
    points = np.array([
        [x * 3, y * 3, 3], [x, y, -1], [0, 0, 3], [90, 0, 1], [np.nan, 0, 1]])
    pairs = depth_pairs(depth_m, CAMERA, points)
    assert (pairs.predicted_m.tolist(), pairs.reference_m.tolist()) == ([2.0], [3.0])


def test_scale_of_a_scan_of_a_wall_is_the_walls():
    angles = np.linspace(-0.4, 0.4, 81)
    ranges_m = (3.0 / np.cos(angles)).astype(np.float32)
    ranges_m[::9] = math.inf
    scan = scan_points(ranges_m, -0.4, 0.01, range_min_m=0.1, range_max_m=10.0)
    np.testing.assert_allclose(scan[:, 0], 3.0, rtol=1e-6)
    assert len(scan) == 72
    points = transformed(scan, SENSOR_TO_CAMERA)
    np.testing.assert_allclose(points[:, 1:], [[0.3, 3.0]] * 72, rtol=1e-6)
    # The first ray, at -0.4 rad, is to the right.
    assert points[0, 0] == pytest.approx(3 * math.tan(0.39), rel=1e-3)
    reading = pairs_reading(depth_pairs(wall_of(2.0), CAMERA, points), 20)
    assert reading.factor == pytest.approx(1.5)


def test_scale_scan_leaves_out_what_is_no_return():
    ranges_m = np.array([0.05, 1.0, 9.0, np.nan, np.inf, -np.inf])
    assert len(scan_points(ranges_m, 0.0, 0.1, range_min_m=0.1, range_max_m=8.0)) == 1


def test_scale_cone_covers_the_pixels_that_see_its_cap():
    depth_m = cone_depth(CAMERA, SENSOR_TO_CAMERA, math.radians(10), 2.0)
    v, u = np.nonzero(np.isfinite(depth_m))
    # The cap's middle is at (0, 0.3, 2), its radius 2 sin 5 deg.
    radius_px = 50 * 2 * math.sin(math.radians(5)) / 2
    assert (u.mean(), v.mean()) == (pytest.approx(31.5, abs=0.3), pytest.approx(31.0, abs=0.3))
    assert len(u) == pytest.approx(math.pi * radius_px ** 2, rel=0.1)
    point = np.array([u[0] - 31.5, v[0] - 23.5, 50]) / 50 * depth_m[v[0], u[0]]
    assert np.linalg.norm(point - [0, 0.3, 0]) == pytest.approx(2.0)


def test_scale_of_a_cone_puts_the_nearest_thing_at_the_range():
    depth_m = wall_of(4.0)
    depth_m[:, 30:34] = 1.0
    reading = cone_reading(
        depth_m, CAMERA, SENSOR_TO_CAMERA, math.radians(30), 2.0, min_pairs=20)
    # The nearest thing is 1 m deep and read 2 m away; the wall behind tells nothing.
    assert reading.factor == pytest.approx(2.0, rel=0.02)
    assert 0 < reading.confidence < 0.5


def test_scale_of_a_cone_is_none_without_return_or_pixels():
    arguments = (CAMERA, SENSOR_TO_CAMERA, math.radians(30))
    assert cone_reading(wall_of(4.0), *arguments, math.inf, min_pairs=20) is None
    assert cone_reading(wall_of(np.nan), *arguments, 2.0, min_pairs=20) is None


def test_scale_filter_starts_at_one_and_believes_what_persists():
    factors = follow([1.6] * 60, persistence=3.0)
    assert factors[:30] == [1.0] * 30
    assert factors[30:] == [pytest.approx(1.6)] * 30


def test_scale_filter_averages_noise():
    generator = np.random.default_rng(0)
    noise = np.exp(generator.normal(0, 0.05, 600))
    factors = follow(1.5 * noise, time_constant=2.0)
    assert np.std(np.log(factors[100:])) < 0.02
    assert factors[-1] == pytest.approx(1.5, rel=0.02)


@pytest.mark.parametrize('fps', [2.0, 50.0])
def test_scale_filter_follows_a_drift_at_any_frame_rate(fps):
    steady = int(10 * fps)
    factors = follow([1.0] * steady + [1.2] * steady, fps=fps, time_constant=1.0)
    assert factors[steady + int(0.5 * fps)] < 1.15
    assert factors[-1] == pytest.approx(1.2, rel=0.01)


def test_scale_filter_does_not_believe_a_short_lie():
    assert max(follow([1.0] * 60 + [2.0] * 29 + [1.0] * 60)) == pytest.approx(1.0)


def test_scale_filter_does_not_believe_changing_lies():
    lies = [2.0, 3.0, 0.5, 4.0] * 100
    assert set(follow([1.0] * 60 + lies)) == {1.0}


def test_scale_filter_does_not_believe_rare_lies():
    lies = ([2.0] + [math.nan] * 20) * 10
    assert set(follow([1.0] * 60 + lies)) == {1.0}


def test_scale_filter_glides_to_a_jump_that_persists():
    factors = follow([1.0] * 60 + [2.0] * 100, persistence=3.0, time_constant=1.0)
    assert max(factors[:90]) == pytest.approx(1.0)
    assert factors[-1] == pytest.approx(2.0, rel=0.05)
    assert max(np.diff(np.log(factors))) < 0.1


def test_scale_filter_ignores_the_absurd():
    assert set(follow([7.0] * 100 + [0.1] * 100 + [math.inf] * 9)) == {1.0}


def test_scale_filter_keeps_its_factor_and_loses_confidence_without_readings():
    scale = ScaleFilter(ScaleConfig(time_constant=1.0))
    for number in range(100):
        known = scale.update(number / 10, ScaleReading(1.5, 0.8))
    for number in range(100, 200):
        unknown = scale.update(number / 10, None)
    assert (known.factor, known.confidence) == (
        pytest.approx(1.5), pytest.approx(0.8, abs=0.01))
    assert unknown.factor == pytest.approx(1.5)
    assert unknown.confidence < 0.01


def test_scale_filter_keeps_its_factor_when_a_bag_starts_again():
    scale = ScaleFilter()
    for number in range(100):
        scale.update(100 + number / 10, ScaleReading(1.5, 1.0))
    assert scale.update(0.0, ScaleReading(3.0, 1.0)).factor == pytest.approx(1.5)
    assert scale.update(0.1, ScaleReading(1.5, 1.0)).factor == pytest.approx(1.5)


def test_scale_of_a_lens_is_its_focal_length_over_the_trained_one():
    assert focal_factor(CAMERA, 50.0) == 1
    assert focal_factor(CAMERA, 100.0) == 0.5
    assert focal_factor(CAMERA.resized(128, 96), 50.0) == 2


def test_scale_refuses_what_makes_no_sense():
    with pytest.raises(ConfigError, match=r'training focal length 0\.0 px'):
        focal_factor(CAMERA, 0.0)
    with pytest.raises(ImageError, match='is not of camera size'):
        depth_pairs(np.ones((2, 2), np.float32), CAMERA, np.ones((1, 3)))
    with pytest.raises(ConfigError, match='gate = 0'):
        ScaleConfig(gate=0.0)
