# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import math

import pytest

from zoe_depth_ros.camera import Calibration
from zoe_depth_ros.camera import Camera
from zoe_depth_ros.errors import CameraError

K = (500.0, 0.0, 320.0, 0.0, 510.0, 240.0, 0.0, 0.0, 1.0)
P = (450.0, 0.0, 310.0, -54.0, 0.0, 460.0, 230.0, 0.0, 0.0, 0.0, 1.0, 0.0)
QUARTER_TURN = (0.0, -1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0)


def test_camera_from_fov_of_90_degrees_has_focal_length_of_half_the_width():
    camera = Camera.from_fov(640, 480, 90.0)
    assert camera.fx == pytest.approx(320.0)
    assert camera.fy == camera.fx
    assert (camera.cx, camera.cy) == (319.5, 239.5)


@pytest.mark.parametrize('fov_deg', [0.0, 180.0, -10.0, math.nan])
def test_camera_from_impossible_fov_names_it(fov_deg):
    with pytest.raises(CameraError, match=str(fov_deg)):
        Camera.from_fov(640, 480, fov_deg)


def test_camera_halved_moves_pixel_centres_by_half_a_pixel():
    half = Camera(640, 480, 500.0, 510.0, 320.0, 240.0, tx=-54.0).resized(320, 240)
    assert half == Camera(320, 240, 250.0, 255.0, 159.75, 119.75, tx=-27.0)


def test_camera_resized_unevenly_keeps_the_rays_of_the_image_corners():
    camera = Camera(640, 480, 500.0, 510.0, 301.0, 222.0)
    resized = camera.resized(512, 300)
    for one, width, height in ((camera, 640, 480), (resized, 512, 300)):
        assert (-0.5 - one.cx) / one.fx == pytest.approx((-0.5 - 301.0) / 500.0)
        assert (width - 0.5 - one.cx) / one.fx == pytest.approx((639.5 - 301.0) / 500.0)
        assert (height - 0.5 - one.cy) / one.fy == pytest.approx((479.5 - 222.0) / 510.0)


def test_camera_resized_there_and_back_is_unchanged():
    camera = Camera(640, 480, 500.0, 510.0, 301.0, 222.0)
    back = camera.resized(512, 384).resized(640, 480)
    assert (back.fx, back.fy, back.cx, back.cy) == pytest.approx((500.0, 510.0, 301.0, 222.0))


@pytest.mark.parametrize(('field', 'value'), [
    ('fx', 0.0), ('fy', -1.0), ('fx', math.nan), ('fy', math.inf), ('cx', math.nan),
    ('tx', math.inf), ('width', 0), ('height', -3),
])
def test_camera_with_impossible_number_names_it(field, value):
    numbers = {'width': 640, 'height': 480, 'fx': 500.0, 'fy': 500.0, 'cx': 320.0, 'cy': 240.0}
    with pytest.raises(CameraError, match=str(value)):
        Camera(**{**numbers, field: value})


def test_calibration_without_p_uses_k_and_is_not_distorted():
    calibration = Calibration(640, 480, K)
    assert calibration.rectified_camera() == Camera(640, 480, 500.0, 510.0, 320.0, 240.0)
    assert not calibration.is_distorted


def test_calibration_with_stereo_p_uses_p_and_carries_tx():
    calibration = Calibration(640, 480, K, p=P)
    assert calibration.rectified_camera() == Camera(640, 480, 450.0, 460.0, 310.0, 230.0, -54.0)
    assert calibration.raw_matrix() == K


@pytest.mark.parametrize(('changes', 'expected'), [
    ({}, False), ({'d': (0.0,) * 5}, False), ({'d': (0.0, 0.1, 0.0, 0.0)}, True),
    ({'p': P}, True), ({'r': QUARTER_TURN}, True), ({'r': (0.0,) * 9}, False),
])
def test_calibration_is_distorted_by_d_r_or_p(changes, expected):
    assert Calibration(640, 480, K, **changes).is_distorted is expected


def test_calibration_roi_moves_the_centre_then_binning_divides_as_image_geometry_does():
    calibration = Calibration(
        640, 480, K, p=P, binning_x=2, binning_y=4, roi=(100, 40, 400, 320))
    assert calibration.image_size == (200, 80)
    assert calibration.raw_matrix() == (250.0, 0.0, 110.0, 0.0, 127.5, 50.0, 0.0, 0.0, 1.0)
    assert calibration.rectified_camera() == Camera(200, 80, 225.0, 115.0, 105.0, 47.5, -27.0)


def test_calibration_binning_of_zero_means_one():
    calibration = Calibration(640, 480, K, binning_x=0, binning_y=0)
    assert calibration.image_size == (640, 480)
    assert calibration.raw_matrix() == K


@pytest.mark.parametrize('value', [0.0, -500.0, math.nan, math.inf])
def test_calibration_without_focal_length_names_it(value):
    with pytest.raises(CameraError, match=str(value)):
        Calibration(640, 480, (value, *K[1:]))


@pytest.mark.parametrize(('field', 'numbers'), [('k', K[:8]), ('r', ()), ('p', P[:9])])
def test_calibration_with_wrong_number_of_numbers_names_the_field(field, numbers):
    with pytest.raises(CameraError, match=f'{field} has {len(numbers)} numbers'):
        Calibration(640, 480, **{'k': K, field: numbers})


def test_calibration_with_nan_distortion_is_refused():
    with pytest.raises(CameraError, match='nan'):
        Calibration(640, 480, K, d=(math.nan, 0.0, 0.0, 0.0))
