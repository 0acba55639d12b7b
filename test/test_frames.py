# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from dataclasses import replace
import time

import cv2
from network_helpers import random_network
from network_helpers import random_rgb
import numpy as np
import pytest

from zoe_depth_ros.camera import Calibration
from zoe_depth_ros.camera import Camera
from zoe_depth_ros.errors import CameraError
from zoe_depth_ros.errors import ImageError
from zoe_depth_ros.geometry import Rectifier
from zoe_depth_ros.inference import DepthEstimator
from zoe_depth_ros.inference import DepthMap
from zoe_depth_ros.inference import frames
from zoe_depth_ros.inference.frames import FramePipeline
from zoe_depth_ros.options import NodeConfig
from zoe_depth_ros.options import ScaleConfig
from zoe_depth_ros.scale import Scale
from zoe_depth_ros.scale import ScaleReading

PLAIN = Calibration(80, 48, (70.0, 0.0, 39.0, 0.0, 70.0, 24.0, 0.0, 0.0, 1.0), (0.0,) * 5)
DISTORTED = replace(
    PLAIN, d=(-0.3, 0.1, 0.001, -0.001, 0.0),
    p=(55.0, 0.0, 40.0, 0.0, 0.0, 56.0, 23.0, 0.0, 0.0, 0.0, 1.0, 0.0))
RGB = cv2.GaussianBlur(random_rgb(), (9, 9), 0)


@pytest.fixture
def pipeline(estimator) -> FramePipeline:
    return FramePipeline(estimator, already_rectified=False)


def test_frame_without_calibration_is_taken_as_it_is(pipeline, estimator):
    depth = pipeline.process(RGB, None, 0.0)
    assert depth.camera is None
    assert np.array_equal(depth.rgb, RGB)
    assert np.array_equal(depth.depth_m, estimator.estimate(RGB).depth_m)


@pytest.mark.parametrize(('calibration', 'already', 'rectify', 'undistorts'), [
    (PLAIN, False, 'auto', False),
    (DISTORTED, False, 'auto', True),
    (DISTORTED, True, 'auto', False),
    (DISTORTED, True, 'always', True),
    (DISTORTED, False, 'never', False),
    (PLAIN, False, 'always', False),
])
def test_frame_is_rectified_when_it_should_be(
        estimator, calibration, already, rectify, undistorts):
    pipeline = FramePipeline(estimator, NodeConfig(rectify=rectify), already_rectified=already)
    depth = pipeline.process(RGB, calibration, 0.0)
    expected = Rectifier(calibration).rectify(RGB) if undistorts else RGB
    assert np.array_equal(depth.rgb, expected)
    assert np.array_equal(depth.rgb, RGB) != undistorts
    assert depth.camera == calibration.rectified_camera()
    known = ~np.isnan(depth.depth_m)
    assert known.all() != undistorts
    assert np.array_equal(depth.depth_m[known], estimator.estimate(expected).depth_m[known])
    assert np.array_equal(np.isnan(depth.std_dev_m), ~known)


def test_frame_has_no_depth_where_rectifying_leaves_it_black(pipeline):
    white = np.full((48, 80, 3), 255, np.uint8)
    depth = pipeline.process(white, DISTORTED, 0.0)
    assert np.array_equal(np.isnan(depth.depth_m), (depth.rgb < 255).any(axis=2))
    assert np.isnan(depth.depth_m[0, 0])
    assert not np.isnan(depth.depth_m[24, 40])


def test_frame_without_a_standard_deviation_is_masked_too(one_thread, tiny_config):
    estimator = DepthEstimator(random_network(tiny_config), with_std_dev=False)
    depth = FramePipeline(estimator, already_rectified=False).process(RGB, DISTORTED, 0.0)
    assert depth.std_dev_m is None
    assert np.isnan(depth.depth_m[0, 0])


def test_frame_of_network_size_is_masked_at_that_size(one_thread, weights):
    estimator = DepthEstimator.from_pretrained(weights, output_size='network')
    pipeline = FramePipeline(estimator, already_rectified=False)
    depth = pipeline.process(np.full((48, 80, 3), 255, np.uint8), DISTORTED, 0.0)
    assert depth.depth_m.shape == depth.camera.size_hw == (64, 96)
    assert np.isnan(depth.depth_m[0, 0])
    assert not np.isnan(depth.depth_m[32, 48])


def test_frame_makes_its_maps_once_for_a_calibration(pipeline, monkeypatch):
    made = []

    def make(calibration: Calibration) -> Rectifier:
        made.append(calibration)
        return Rectifier(calibration)

    monkeypatch.setattr(frames, 'Rectifier', make)
    other = replace(DISTORTED, d=(-0.2, 0.0, 0.0, 0.0, 0.0))
    for calibration in (DISTORTED, replace(DISTORTED), other, other, DISTORTED):
        pipeline.process(RGB, calibration, 0.0)
    assert made == [DISTORTED, other, DISTORTED]


@pytest.mark.parametrize('rectify', ['auto', 'always', 'never'])
def test_frame_of_another_size_than_its_calibration_is_refused(estimator, rectify):
    pipeline = FramePipeline(estimator, NodeConfig(rectify=rectify), already_rectified=False)
    with pytest.raises(ImageError, match=r'\(47, 80, 3\) does not fit .* 80x48'):
        pipeline.process(RGB[:-1], DISTORTED, 0.0)


def test_frame_with_a_calibration_of_a_senseless_size_is_refused_at_once(pipeline):
    start_s = time.monotonic()
    with pytest.raises(ImageError, match=f'{2**31}x{2**31}'):
        pipeline.process(RGB, replace(DISTORTED, width=2**31, height=2**31), 0.0)
    assert time.monotonic() - start_s < 5


def test_frame_with_an_unknown_distortion_is_refused_unless_it_is_left_alone(pipeline):
    unknown = replace(DISTORTED, distortion_model='ftheta')
    with pytest.raises(CameraError, match="'ftheta'"):
        pipeline.process(RGB, unknown, 0.0)
    pipeline.configure(NodeConfig(rectify='never'))
    assert np.array_equal(pipeline.process(RGB, unknown, 0.0).rgb, RGB)


CAMERA = Camera.from_fov(96, 72, 70.0)
HEIGHT_M = 1.2


def floor(factor: float = 1.0, camera: Camera | None = CAMERA) -> DepthMap:
    """Return the depth of a level floor and the sky above, predicted `factor` times too large."""
    below = np.arange(72) - CAMERA.cy
    rows = np.where(below > 2, HEIGHT_M * CAMERA.fy / below, np.nan)
    depth_m = np.tile((factor * rows[:, None]).astype(np.float32), 96)
    return DepthMap(
        depth_m, depth_m * np.float32(0.1), 'indoor', 0.9, np.zeros((72, 96, 3), np.uint8), camera)


def scaled_by(estimator: DepthEstimator, source: str, **options) -> FramePipeline:
    return FramePipeline(
        estimator, NodeConfig(scale=ScaleConfig(source=source, **options)),
        already_rectified=False)


def follow(pipeline: FramePipeline, depth: DepthMap, seconds: float, **options) -> list[DepthMap]:
    """Return what becomes of one depth map ten times a second."""
    return [pipeline.finish(depth, n / 10, **options) for n in range(int(seconds * 10) + 1)]


def test_scale_of_no_source_leaves_depth_alone(estimator):
    depth = floor()
    reading = ScaleReading(2.0, 1.0)
    last = follow(scaled_by(estimator, 'none'), depth, 5.0, reading=reading)[-1]
    assert last.depth_m is depth.depth_m
    assert last.std_dev_m is depth.std_dev_m
    assert last.scale is None


def test_scale_factor_multiplies_depth_spread_and_ground(estimator):
    depth = replace(floor(), depth_m=floor().depth_m.copy())
    depth.depth_m[0, 0] = np.inf
    found = scaled_by(estimator, 'factor', factor=1.5).finish(
        depth, 0.0, reading=ScaleReading(3.0, 1.0), with_ground=True)
    assert np.array_equal(found.depth_m, depth.depth_m * np.float32(1.5), equal_nan=True)
    assert np.array_equal(found.std_dev_m, depth.std_dev_m * np.float32(1.5), equal_nan=True)
    assert found.depth_m.dtype == found.std_dev_m.dtype == np.float32
    assert found.depth_m[0, 0] == np.inf
    assert found.ground.height_m == pytest.approx(1.5 * HEIGHT_M, rel=1e-4)
    assert found.ground.normal == pytest.approx((0, -1, 0), abs=1e-4)
    assert found.scale == Scale(1.5, 1.0)
    without = replace(depth, std_dev_m=None)
    assert scaled_by(estimator, 'factor').finish(without, 0.0).std_dev_m is None


def test_ground_is_found_on_request_only(estimator):
    pipeline = scaled_by(estimator, 'none')
    assert pipeline.finish(floor(), 0.0).ground is None
    ground = pipeline.finish(floor(), 0.1, with_ground=True).ground
    assert ground.height_m == pytest.approx(HEIGHT_M, rel=1e-4)
    assert pipeline.finish(floor(camera=None), 0.2, with_ground=True).ground is None


@pytest.mark.parametrize('factor', [0.5, 1.0, 1.8])
def test_scale_of_the_camera_height_makes_the_floor_true(estimator, factor):
    pipeline = scaled_by(estimator, 'camera_height', camera_height=HEIGHT_M, persistence=2.0)
    depths = follow(pipeline, floor(factor), 3.0)
    assert [depth.scale.factor for depth in depths[:21]] == [1.0] * 21
    assert depths[21].scale.factor == pytest.approx(1 / factor, rel=1e-3)
    last = depths[-1]
    assert last.scale.factor == pytest.approx(1 / factor, rel=1e-3)
    assert last.scale.confidence > 0.5
    assert np.allclose(last.depth_m, floor().depth_m, rtol=1e-3, equal_nan=True)
    assert last.ground.height_m == pytest.approx(HEIGHT_M, rel=1e-3)


def test_scale_of_the_camera_height_needs_a_camera_and_a_floor(estimator):
    pipeline = scaled_by(estimator, 'camera_height', persistence=0.0)
    wall = replace(floor(), depth_m=np.full((72, 96), 2, np.float32))
    for depth in (floor(camera=None), wall):
        found = follow(pipeline, depth, 1.0, reading=ScaleReading(2.0, 1.0))[-1]
        assert found.scale == Scale(1.0, 0.0)
        assert np.array_equal(found.depth_m, depth.depth_m, equal_nan=True)


def test_scale_of_a_range_sensor_is_what_it_reads(estimator):
    pipeline = scaled_by(estimator, 'range', persistence=1.0)
    silent = follow(pipeline, floor(), 2.0)[-1]
    assert silent.scale == Scale(1.0, 0.0)
    read = [pipeline.finish(floor(), 2 + n / 10, reading=ScaleReading(1.3, 0.8))
            for n in range(12)]
    assert read[9].scale.factor == 1.0
    assert read[11].scale.factor == pytest.approx(1.3)
    assert np.allclose(read[11].depth_m, 1.3 * floor().depth_m, rtol=1e-5, equal_nan=True)
    assert read[11].ground is None


def test_ground_is_told_in_the_scale_of_its_depth(estimator):
    pipeline = scaled_by(estimator, 'camera_height', camera_height=HEIGHT_M, persistence=0.0)
    for number, expected_m in enumerate((2 * HEIGHT_M, HEIGHT_M)):
        shown = pipeline.scaled(floor(2.0))
        ground = pipeline.learn(floor(2.0), number / 10)
        assert ground.height_m == pytest.approx(expected_m, rel=1e-3)
        y_m = shown.depth_m[-1, 0] * (71 - shown.camera.cy) / shown.camera.fy
        assert y_m == pytest.approx(expected_m, rel=1e-3)


def test_scale_learnt_is_kept_unless_its_source_changes(estimator):
    pipeline = scaled_by(estimator, 'range', persistence=0.0)
    reading = ScaleReading(1.3, 0.8)
    assert pipeline.finish(floor(), 0.0, reading=reading).scale.factor == 1.0
    assert pipeline.scaled(floor()).scale.factor == pytest.approx(1.3)
    for source, expected in (('range', 1.3), ('camera_height', 1.0), ('range', 1.0)):
        pipeline.configure(NodeConfig(scale=ScaleConfig(source=source, time_constant=9.0)))
        assert pipeline.finish(floor(), 0.1).scale.factor == pytest.approx(expected)
    pipeline.configure(NodeConfig(scale=ScaleConfig(source='factor', factor=0.7)))
    assert pipeline.finish(floor(), 0.2).scale == Scale(0.7, 1.0)


def test_scale_is_that_of_each_camera(estimator):
    one, other = (scaled_by(estimator, 'range', persistence=0.0) for _ in range(2))
    for pipeline, factor in ((one, 1.3), (other, 0.6)):
        pipeline.finish(floor(), 0.0, reading=ScaleReading(factor, 0.8))
    assert one.finish(floor(), 0.1).scale.factor == pytest.approx(1.3)
    assert other.finish(floor(), 0.1).scale.factor == pytest.approx(0.6)
