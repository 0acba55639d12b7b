# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Frames that are followed live; those of a bag are in test_view_poses.py."""

from __future__ import annotations

import math

import numpy as np

from zoe_depth_ros.frame_forest import FrameForest
from zoe_depth_ros.frame_forest import Link
from zoe_depth_ros.poses import pose_matrix


def link(stamp_ns: int, parent: str, child: str, x_m: float, yaw_rad: float = 0.0) -> Link:
    half = yaw_rad / 2
    return Link(parent, child, stamp_ns, pose_matrix(
        (x_m, 0, 0), (0, 0, math.sin(half), math.cos(half))))


def grown(*links: Link, keep_ns: int | None = None) -> FrameForest:
    forest = FrameForest(keep_ns=keep_ns)
    for item in links:
        forest.add(item)
    return forest


def x_of(forest: FrameForest, stamp_ns: int) -> float:
    return forest.root_from('arm', stamp_ns)[0, 3]


def test_transform_goes_up_and_down_the_tree():
    forest = grown(
        link(0, 'base', 'eye', 1.0, math.pi / 2), link(0, 'base', 'mast', 5.0),
        link(0, 'mast', 'laser', 2.0))
    # The laser is 6 m ahead of the eye in base, which the eye, turned left, has to its right.
    np.testing.assert_allclose(
        forest.transform('eye', 'laser', 0) @ [0, 0, 0, 1], [0, -6, 0, 1], atol=1e-12)
    np.testing.assert_allclose(
        forest.transform('laser', 'eye', 0) @ forest.transform('eye', 'laser', 0), np.eye(4),
        atol=1e-12)


def test_transform_does_not_depend_on_how_the_whole_moves():
    still = (link(0, 'base', 'eye', 1.0), link(0, 'base', 'laser', 3.0))
    moving = [link(number, 'map', 'base', number * 10.0, number) for number in range(3)]
    np.testing.assert_allclose(
        grown(*still, *moving).transform('eye', 'laser', 1),
        grown(*still).transform('eye', 'laser', 1), atol=1e-9)


def test_transform_of_a_frame_to_itself_needs_no_link():
    np.testing.assert_array_equal(grown().transform('eye', 'eye', 0), np.eye(4))


def test_transform_between_trees_is_unknown():
    forest = grown(link(0, 'base', 'eye', 1.0), link(0, 'other', 'laser', 1.0))
    assert forest.transform('eye', 'laser', 0) is None
    assert forest.transform('eye', 'nowhere', 0) is None


def test_link_that_comes_late_is_put_in_its_place():
    forest = grown(*(link(stamp, 'base', 'arm', stamp) for stamp in (10, 30, 20)))
    assert [x_of(forest, stamp) for stamp in (5, 10, 15, 20, 29, 99)] == [10, 10, 15, 20, 29, 30]


def test_link_replaces_one_of_the_same_time():
    forest = grown(link(10, 'base', 'arm', 1), link(20, 'base', 'arm', 9))
    forest.add(link(10, 'base', 'arm', 5))
    assert x_of(forest, 10) == 5


def test_link_to_a_new_parent_replaces_those_to_the_old_one():
    forest = grown(link(10, 'base', 'arm', 1), link(20, 'hand', 'arm', 2))
    assert (forest.root('arm'), x_of(forest, 0)) == ('hand', 2)


def test_links_are_forgotten_when_they_are_too_old():
    forest = grown(
        *(link(stamp, 'base', 'arm', stamp) for stamp in range(0, 1000, 10)), keep_ns=100)
    assert [x_of(forest, stamp) for stamp in (0, 880, 890, 895)] == [890, 890, 890, 895]


def test_links_start_again_when_time_does():
    forest = grown(
        link(1000, 'base', 'arm', 1), link(1050, 'base', 'arm', 2), link(7, 'base', 'arm', 3),
        keep_ns=100)
    assert x_of(forest, 2000) == 3
    forest.add(link(17, 'base', 'arm', 4))
    assert (x_of(forest, 12), x_of(forest, 2000)) == (3.5, 4)
