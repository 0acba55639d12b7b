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
from zoe_depth_ros.errors import CameraError
from zoe_depth_ros.errors import ImageError
from zoe_depth_ros.geometry import Rectifier
from zoe_depth_ros.inference import DepthEstimator
from zoe_depth_ros.inference import frames
from zoe_depth_ros.inference.frames import FramePipeline
from zoe_depth_ros.options import NodeConfig

PLAIN = Calibration(80, 48, (70.0, 0.0, 39.0, 0.0, 70.0, 24.0, 0.0, 0.0, 1.0), (0.0,) * 5)
DISTORTED = replace(
    PLAIN, d=(-0.3, 0.1, 0.001, -0.001, 0.0),
    p=(55.0, 0.0, 40.0, 0.0, 0.0, 56.0, 23.0, 0.0, 0.0, 0.0, 1.0, 0.0))
RGB = cv2.GaussianBlur(random_rgb(), (9, 9), 0)


@pytest.fixture
def pipeline(estimator) -> FramePipeline:
    return FramePipeline(estimator, already_rectified=False)


def test_frame_without_calibration_is_taken_as_it_is(pipeline, estimator):
    depth = pipeline.process(RGB, None)
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
    depth = pipeline.process(RGB, calibration)
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
    depth = pipeline.process(white, DISTORTED)
    assert np.array_equal(np.isnan(depth.depth_m), (depth.rgb < 255).any(axis=2))
    assert np.isnan(depth.depth_m[0, 0])
    assert not np.isnan(depth.depth_m[24, 40])


def test_frame_without_a_standard_deviation_is_masked_too(one_thread, tiny_config):
    estimator = DepthEstimator(random_network(tiny_config), with_std_dev=False)
    depth = FramePipeline(estimator, already_rectified=False).process(RGB, DISTORTED)
    assert depth.std_dev_m is None
    assert np.isnan(depth.depth_m[0, 0])


def test_frame_of_network_size_is_masked_at_that_size(one_thread, weights):
    estimator = DepthEstimator.from_pretrained(weights, output_size='network')
    pipeline = FramePipeline(estimator, already_rectified=False)
    depth = pipeline.process(np.full((48, 80, 3), 255, np.uint8), DISTORTED)
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
        pipeline.process(RGB, calibration)
    assert made == [DISTORTED, other, DISTORTED]


@pytest.mark.parametrize('rectify', ['auto', 'always', 'never'])
def test_frame_of_another_size_than_its_calibration_is_refused(estimator, rectify):
    pipeline = FramePipeline(estimator, NodeConfig(rectify=rectify), already_rectified=False)
    with pytest.raises(ImageError, match=r'\(47, 80, 3\) does not fit .* 80x48'):
        pipeline.process(RGB[:-1], DISTORTED)


def test_frame_with_a_calibration_of_a_senseless_size_is_refused_at_once(pipeline):
    start_s = time.monotonic()
    with pytest.raises(ImageError, match=f'{2**31}x{2**31}'):
        pipeline.process(RGB, replace(DISTORTED, width=2**31, height=2**31))
    assert time.monotonic() - start_s < 5


def test_frame_with_an_unknown_distortion_is_refused_unless_it_is_left_alone(pipeline):
    unknown = replace(DISTORTED, distortion_model='ftheta')
    with pytest.raises(CameraError, match="'ftheta'"):
        pipeline.process(RGB, unknown)
    pipeline.configure(NodeConfig(rectify='never'))
    assert np.array_equal(pipeline.process(RGB, unknown).rgb, RGB)
