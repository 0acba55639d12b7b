# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Where frames are over time."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from view_helpers import odometry
from view_helpers import tf
from view_helpers import yaw

from zoe_depth_ros.bag.links import read_links
from zoe_depth_ros.errors import BagError
from zoe_depth_ros.frame_forest import FrameForest


def forest(*messages) -> FrameForest:
    return FrameForest([link for message in messages for link in read_links(message)])


def test_pose_is_the_product_of_all_links_above_a_frame():
    frames = forest(
        tf(0, 'map', 'odom', (10, 0, 0), yaw(90)), tf(0, 'odom', 'base', (1, 2, 0)),
        tf(0, 'base', 'eye', (0, 0, 3), yaw(-90)))
    assert frames.root('eye') == 'map'
    expected = np.eye(4)
    expected[:3, 3] = 8, 1, 3
    np.testing.assert_allclose(frames.root_from('eye', 5), expected, atol=1e-12)


def test_pose_takes_points_from_the_frame_to_its_root():
    matrix = forest(tf(0, 'map', 'eye', (1, 0, 0), yaw(90))).root_from('eye', 0)
    np.testing.assert_allclose(matrix @ [2, 0, 0, 1], [1, 2, 0, 1], atol=1e-12)


def test_pose_moves_and_turns_evenly_between_stamps_and_rests_outside():
    frames = forest(tf(200, 'map', 'eye', (4, 0, 0), yaw(80)), tf(100, 'map', 'eye', (0, 0, 0)))
    for stamp_ns, share in ((0, 0), (100, 0), (125, 0.25), (200, 1), (900, 1)):
        expected = forest(
            tf(0, 'map', 'eye', (4 * share, 0, 0), yaw(80 * share))).root_from('eye', 0)
        np.testing.assert_allclose(frames.root_from('eye', stamp_ns), expected, atol=1e-9)


def test_pose_turns_the_short_way_when_the_quaternion_changes_its_sign():
    turned = tuple(-number for number in yaw(20))
    frames = forest(tf(0, 'map', 'eye', (0, 0, 0)), tf(100, 'map', 'eye', (0, 0, 0), turned))
    expected = forest(tf(0, 'map', 'eye', (0, 0, 0), yaw(10))).root_from('eye', 0)
    np.testing.assert_allclose(frames.root_from('eye', 50), expected, atol=1e-9)


def test_pose_of_a_frame_without_links_is_its_own_root():
    assert forest().root('eye') == 'eye'
    np.testing.assert_array_equal(forest().root_from('eye', 0), np.eye(4))


def test_pose_of_frames_in_a_circle_ends():
    frames = forest(tf(0, 'a', 'b', (1, 0, 0)), tf(0, 'b', 'a', (1, 0, 0)))
    assert frames.root('a') == 'b'


def test_pose_comes_from_one_parent_only():
    frames = forest(tf(0, 'map', 'eye', (1, 0, 0)), tf(50, 'other', 'eye', (9, 0, 0)))
    assert frames.root('eye') == 'map'
    assert frames.root_from('eye', 50)[0, 3] == 1


def test_links_of_odometry_lead_from_its_header_to_its_child():
    link, = read_links(odometry(7, 'odom', 'base', (1, 2, 3)))
    assert (link.parent, link.child, link.stamp_ns) == ('odom', 'base', 7)
    assert link.parent_from_child[:3, 3].tolist() == [1, 2, 3]


def test_links_of_ros_1_lose_the_slash_before_the_name():
    link, = read_links(tf(0, '/map', '/eye', (0, 0, 0)))
    assert (link.parent, link.child) == ('map', 'eye')


@pytest.mark.parametrize(('xyz', 'quaternion'), [
    ((0, 0, 0), (0, 0, 0, 0)), ((0, 0, 0), (np.nan, 0, 0, 1)), ((np.inf, 0, 0), (1, 0, 0, 0))])
def test_links_that_are_no_poses_are_refused_by_name(xyz, quaternion):
    with pytest.raises(BagError, match='/tf has eye at'):
        read_links(tf(0, 'map', 'eye', xyz, quaternion))


def test_links_from_broken_bytes_are_refused():
    with pytest.raises(BagError, match='/tf'):
        read_links(replace(tf(0, 'map', 'eye', (0, 0, 0)), cdr=b'\0\1\0\0\5'))
