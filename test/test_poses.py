# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import math

import numpy as np
import pytest

from zoe_depth_ros.errors import ConfigError
from zoe_depth_ros.errors import ZoeDepthError
from zoe_depth_ros.poses import parse_pose
from zoe_depth_ros.poses import pose_matrix


def test_pose_text_puts_points_of_the_sensor_where_it_is():
    # Turned a quarter to the left about z, then moved.
    half = math.sqrt(0.5)
    matrix = parse_pose(f'1 2 3 0 0 {half} {half}')
    np.testing.assert_allclose(matrix @ [5, 0, 0, 1], [1, 7, 3, 1], atol=1e-12)


def test_pose_text_of_a_sensor_that_looks_where_the_camera_looks():
    matrix = parse_pose(' 0.1  -0.2 0.3   0.5 -0.5 0.5 0.5 ')
    # REP 103: ahead, left and up of the sensor are z, -x and -y of the optical frame.
    np.testing.assert_allclose(
        matrix, [[0, -1, 0, 0.1], [0, 0, -1, -0.2], [1, 0, 0, 0.3], [0, 0, 0, 1]], atol=1e-12)


def test_pose_takes_a_quaternion_of_any_length():
    np.testing.assert_allclose(
        pose_matrix((0, 0, 0), (0.2, -0.4, 0.6, 0.8)), pose_matrix((0, 0, 0), (1, -2, 3, 4)),
        atol=1e-12)


@pytest.mark.parametrize(
    'text', ['', '0 0 0', '0 0 0 0 0 0 1 0', '0 0 0 0 0 0 one', '0,0,0,0,0,0,1'])
def test_pose_text_without_seven_numbers_is_refused_by_name(text):
    with pytest.raises(ConfigError) as caught:
        parse_pose(text, 'range_transform')
    assert str(caught.value) == (
        f'range_transform = {text!r} is not the seven numbers x y z qx qy qz qw')


@pytest.mark.parametrize('text', ['0 0 0 0 0 0 0', 'nan 0 0 0 0 0 1', '0 0 0 0 inf 0 1'])
def test_pose_text_that_is_no_pose_is_refused_with_its_value(text):
    with pytest.raises(ConfigError, match=f"pose = '{text}': .* that is no pose"):
        parse_pose(text)


def test_pose_without_a_direction_is_refused():
    with pytest.raises(ZoeDepthError, match=r'\[1, 2, 3\] m, turned by \[0, 0, 0, 0\]'):
        pose_matrix([1, 2, 3], [0, 0, 0, 0])
