# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import math

import numpy as np
import pytest

from zoe_depth_ros.colorize import BACKGROUND_RGB
from zoe_depth_ros.colorize import colorize_depth
from zoe_depth_ros.colorize import GRID_RGB
from zoe_depth_ros.colorize import render_cloud
from zoe_depth_ros.colorize import UNKNOWN_RGB
from zoe_depth_ros.errors import ConfigError
from zoe_depth_ros.errors import ImageError

RED, GREEN = (250, 10, 10), (10, 250, 10)


def ramp():
    return np.geomspace(1.0, 8.0, 64, dtype=np.float32)[np.newaxis]


def test_depth_colours_go_from_red_near_to_blue_far():
    colours = colorize_depth(ramp(), near_m=1.0, far_m=8.0)[0].astype(int)
    assert colours.shape == (64, 3)
    red, green, blue = colours[5]
    assert red > 2 * max(green, blue)
    red, green, blue = colours[-8]
    assert blue > 2 * red
    assert colours[32].argmax() == 1


def test_depth_colours_depend_on_ratios_of_depth():
    one = colorize_depth(ramp(), near_m=1.0, far_m=8.0)
    assert np.array_equal(one, colorize_depth(ramp() * 4, near_m=4.0, far_m=32.0))
    middle = np.full((1, 1), math.sqrt(8.0), np.float32)
    assert np.abs(colorize_depth(middle, near_m=1.0, far_m=8.0)[0, 0].astype(int)
                  - one[0, 31:33].mean(axis=0)).max() < 8


def test_depth_colours_beyond_the_limits_are_those_of_the_limits():
    depth_m = np.array([[0.1, 1.0, 8.0, 70.0]], np.float32)
    colours = colorize_depth(depth_m, near_m=1.0, far_m=8.0)[0].tolist()
    assert colours[0] == colours[1] != colours[2] == colours[3]


def test_depth_colour_of_unknown_is_dark_grey():
    depth_m = np.array([[math.nan, math.inf, -1.0, 0.0, 2.0]], np.float32)
    colours = [tuple(colour) for colour in colorize_depth(depth_m, near_m=1.0, far_m=4.0)[0]]
    assert colours[:4] == [UNKNOWN_RGB] * 4
    assert colours[4] != UNKNOWN_RGB


def test_depth_colour_limits_ignore_a_few_outliers():
    depth_m = np.linspace(2, 4, 1000, dtype=np.float32).reshape(20, 50)
    with_outliers = depth_m.copy()
    with_outliers[0, :5], with_outliers[-1, -5:] = 0.01, 500.0
    difference = colorize_depth(with_outliers).astype(int) - colorize_depth(depth_m)
    assert np.abs(difference[1:-1]).max() < 10


@pytest.mark.parametrize('value', [math.nan, 3.0])
@pytest.mark.parametrize('limits', [{}, {'near_m': 5.0}, {'far_m': 1.0}])
def test_depth_colours_work_without_any_contrast(value, limits):
    colours = colorize_depth(np.full((4, 5), value, np.float32), **limits)
    assert colours.shape == (4, 5, 3)
    assert (colours == colours[0, 0]).all()


@pytest.mark.parametrize(('near_m', 'far_m'), [(0.0, 4.0), (4.0, 4.0), (5.0, 2.0), (-1.0, None)])
def test_depth_colours_with_impossible_limits_name_them(near_m, far_m):
    with pytest.raises(ConfigError, match=str(near_m)):
        colorize_depth(ramp(), near_m=near_m, far_m=far_m)


def wall(depth_m, half_m=1.0):
    side = np.linspace(-half_m, half_m, 101)
    x, y = (grid.ravel() for grid in np.meshgrid(side, side))
    return np.stack([x, y, np.full(x.size, depth_m)], axis=1).astype(np.float32)


def paint(points_m, colour):
    return np.full((len(points_m), 3), colour, np.uint8)


def assert_colour(pixels, colour):
    assert np.abs(np.asarray(pixels, int) - colour).max() <= 1


@pytest.mark.parametrize('near_first', [True, False])
def test_cloud_picture_shows_the_nearer_of_two_walls(near_first):
    near, far = (wall(2.0), GREEN), (wall(3.0), RED)
    both = [near, far] if near_first else [far, near]
    picture = render_cloud(
        np.concatenate([points for points, _ in both]),
        np.concatenate([paint(points, colour) for points, colour in both]),
        size_hw=(90, 120), azimuth_deg=0.0, elevation_deg=0.0, point_px=3)
    assert picture.shape == (90, 120, 3)
    assert picture.dtype == np.uint8
    assert_colour(picture[40:45, 55:65], GREEN)


def test_cloud_picture_keeps_left_left_and_up_up():
    points_m = wall(2.0)
    colours = paint(points_m, RED)
    colours[(points_m[:, 0] < 0) & (points_m[:, 1] < 0)] = GREEN
    picture = render_cloud(points_m, colours, size_hw=(90, 120), azimuth_deg=0.0,
                           elevation_deg=0.0, point_px=3).astype(int)
    is_green = picture[..., 1] > 200
    rows, columns = np.nonzero(is_green)
    is_red = picture[..., 0] > 200
    assert rows.max() < np.nonzero(is_red)[0].max() - 10
    assert columns.max() < np.nonzero(is_red)[1].max() - 10
    assert is_green.sum() == pytest.approx(is_red.sum() / 3, rel=0.2)


@pytest.mark.parametrize(('pitch_deg', 'elevation_deg'), [(0.0, 90.0), (60.0, 30.0)])
def test_cloud_picture_from_straight_above_shows_a_level_floor_as_a_square(
        pitch_deg, elevation_deg):
    flat = wall(0.0)[:, [0, 2, 1]] + np.float32([0, 1.5, 4])
    angle = math.radians(pitch_deg)
    seen_by_pitched_camera = flat @ np.array([
        [1, 0, 0], [0, math.cos(angle), math.sin(angle)],
        [0, -math.sin(angle), math.cos(angle)]], np.float32)
    picture = render_cloud(
        seen_by_pitched_camera, paint(flat, RED), size_hw=(100, 100), pitch_deg=pitch_deg,
        azimuth_deg=0.0, elevation_deg=elevation_deg, point_px=3)
    rows, columns = np.nonzero(picture[..., 0] > 200)
    height, width = np.ptp(rows), np.ptp(columns)
    if elevation_deg == 90.0:
        assert height == pytest.approx(width, abs=3)
    else:
        assert height < 0.75 * width


def test_cloud_picture_has_a_floor_grid_below_a_receding_wall():
    points_m = wall(0.0)
    points_m[:, 2] = 3 + points_m[:, 0]  # its right end is far: floor shows below it
    picture = render_cloud(points_m, paint(points_m, RED), size_hw=(120, 160), azimuth_deg=0.0,
                           elevation_deg=30.0, grid_m=0.25, point_px=3).astype(int)
    grid_rows, grid_columns = np.nonzero((np.abs(picture - GRID_RGB) <= 1).all(axis=-1))
    cloud_rows, cloud_columns = np.nonzero(picture[..., 0] > 200)
    assert len(grid_rows) > 100
    assert grid_rows[grid_columns > 90].max() > cloud_rows[cloud_columns > 90].max() + 10
    assert_colour(picture[0, 0], BACKGROUND_RGB)


def test_cloud_picture_ignores_unknown_points():
    points_m, hole = wall(2.0), np.full((7, 3), np.nan, np.float32)
    with_hole = np.concatenate([hole, points_m])
    options = {'size_hw': (60, 80)}
    assert np.array_equal(render_cloud(with_hole, paint(with_hole, RED), **options),
                          render_cloud(points_m, paint(points_m, RED), **options))


def test_cloud_picture_of_one_point_is_possible():
    picture = render_cloud(np.float32([[0.2, 0.1, 3.2]]), np.uint8([RED]), size_hw=(60, 80))
    assert (picture[..., 0] > 150).any()


@pytest.mark.parametrize('points_m', [
    np.full((3, 3), np.nan, np.float32), np.empty((0, 3), np.float32)])
def test_cloud_picture_of_nothing_is_refused(points_m):
    with pytest.raises(ImageError, match=f'none of the {len(points_m)} points'):
        render_cloud(points_m, paint(points_m, RED), size_hw=(60, 80))


def test_cloud_picture_needs_a_colour_for_every_point():
    with pytest.raises(ImageError, match=r'\(5, 3\) and colours \(4, 3\)'):
        render_cloud(np.ones((5, 3), np.float32), np.zeros((4, 3), np.uint8), size_hw=(60, 80))
