# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import math

import numpy as np
import pytest

from zoe_depth_ros.camera import Camera
from zoe_depth_ros.errors import ConfigError
from zoe_depth_ros.errors import ImageError
from zoe_depth_ros.geometry import PointCloud
from zoe_depth_ros.ground import fit_ground
from zoe_depth_ros.ground import GroundPlane
from zoe_depth_ros.inference import DepthMap
from zoe_depth_ros.inference.clouds import cloud_of
from zoe_depth_ros.inference.clouds import split_by_ground
from zoe_depth_ros.options import GroundConfig
from zoe_depth_ros.options import PointsConfig

CAMERA = Camera(64, 48, 50.0, 52.0, 30.5, 15.0)
HEIGHT_M = 1.1
GROUND = GroundPlane((0.0, -1.0, 0.0), HEIGHT_M, 1.0)


def depth_map(depth_m: np.ndarray, std_dev_m: np.ndarray | None = None, **fields) -> DepthMap:
    rgb = np.random.default_rng(1).integers(0, 256, (48, 64, 3), dtype=np.uint8)
    parts = {'camera': CAMERA, **fields}
    return DepthMap(
        depth_m.astype(np.float32), None if std_dev_m is None else std_dev_m.astype(np.float32),
        'indoor', 0.9, rgb, **parts)


def flat(depth_m: float = 2.0) -> np.ndarray:
    return np.full((48, 64), depth_m)


def columns(*depth_m: float) -> np.ndarray:
    return np.tile(depth_m, (48, 1))


def floor(height_m: float = HEIGHT_M, farthest_m: float = 8.0) -> np.ndarray:
    """Return the depth of a level floor, unknown above it and beyond."""
    below = np.maximum(np.arange(48) - CAMERA.cy, 1e-9)
    rows = height_m * CAMERA.fy / below
    return np.tile(np.where(rows <= farthest_m, rows, np.nan)[:, None], 64)


def room(*, box: bool) -> np.ndarray:
    """Return the depth of a floor before a wall at 6 m, with or without a box in front."""
    depth_m = np.where(np.isnan(floor(farthest_m=6.0)), 6.0, floor())
    if box:  # its front 2 m away, its top 0.5 m above the floor: 52 * 0.6 / 2 px below the axis
        depth_m[31:, 20:40] = np.minimum(depth_m[31:, 20:40], 2.0)
    return depth_m


def ranges(cloud: PointCloud) -> np.ndarray:
    return np.linalg.norm(cloud.xyz_m.astype(float), axis=1)


@pytest.mark.parametrize(('options', 'stride'), [
    ({'max_points': 0}, 1), ({'max_points': 48 * 64}, 1), ({'max_points': 800}, 2),
    ({'max_points': 800, 'stride': 4}, 4), ({'max_points': 0, 'stride': 3}, 3)])
def test_cloud_keeps_every_nth_row_and_column_within_the_budget(options, stride):
    depth_m = np.random.default_rng(2).uniform(2, 2.1, (48, 64))
    depth = depth_map(depth_m)
    cloud = cloud_of(depth, PointsConfig(**options))
    assert (cloud.height, cloud.is_dense) == (1, True)
    assert np.array_equal(cloud.points['z'][0], depth.depth_m[::stride, ::stride].ravel())
    grid = cloud_of(depth, PointsConfig(organized=True, **options))
    assert (grid.height, grid.width) == (math.ceil(48 / stride), math.ceil(64 / stride))
    assert np.array_equal(grid.points['z'], depth.depth_m[::stride, ::stride])
    red = grid.points['rgb'].copy().view(np.uint32) >> 16
    assert np.array_equal(red, depth.rgb[::stride, ::stride, 0])


def test_cloud_of_two_walls_has_nothing_between_them():
    depth = depth_map(columns(*[1.0] * 30, 1.75, 2.75, *[4.0] * 32))
    cloud = cloud_of(depth, PointsConfig())
    assert np.unique(cloud.points['z']).tolist() == [1, 4]
    assert cloud.width == 48 * 62
    grid = cloud_of(depth, PointsConfig(organized=True))
    assert np.isnan(grid.points['z'][:, 30:32]).all()
    assert np.isnan(grid.points['z']).sum() == 48 * 2
    assert cloud_of(depth, PointsConfig(min_edge_angle=0.0)).width == 48 * 64


def test_cloud_between_walls_is_judged_by_the_points_it_takes():
    # Column 32 is between the walls for the columns beside it, and for the next but one.
    depth = depth_map(columns(*[1.0] * 31, 1.5, 2.0, 3.0, *[4.0] * 30))
    cloud = cloud_of(depth, PointsConfig(stride=2))
    assert np.unique(cloud.points['z']).tolist() == [1, 4]
    assert cloud.width == 24 * 31


@pytest.mark.parametrize('stride', [1, 2, 5])
def test_cloud_keeps_a_whole_floor(stride):
    depth = depth_map(floor())
    cloud = cloud_of(depth, PointsConfig(stride=stride))
    assert cloud.width == np.isfinite(depth.depth_m[::stride, ::stride]).sum()
    assert np.allclose(cloud.points['y'], HEIGHT_M, rtol=1e-5)


def test_cloud_has_the_standard_deviation_of_its_points_on_request():
    depth = depth_map(flat(), np.random.default_rng(3).uniform(0, 1, (48, 64)))
    cloud = cloud_of(depth, PointsConfig(std_dev_field=True, stride=2))
    assert cloud.points.dtype.names == ('x', 'y', 'z', 'rgb', 'std_dev')
    assert cloud.points.dtype.itemsize == 20
    assert np.array_equal(cloud.points['std_dev'][0], depth.std_dev_m[::2, ::2].ravel())
    assert cloud_of(depth, PointsConfig()).points.dtype.names == ('x', 'y', 'z', 'rgb')


def test_cloud_drops_what_is_too_uncertain_for_its_depth():
    depth = depth_map(columns(*[2.0] * 32, *[2.2] * 32), columns(*[0.3] * 16, *[0.5] * 48))
    cloud = cloud_of(depth, PointsConfig(max_relative_std=0.24, std_dev_field=True))
    kept = np.unique(cloud.points[['z', 'std_dev']]).tolist()
    assert kept == [pytest.approx((2.0, 0.3)), pytest.approx((2.2, 0.5))]
    assert cloud.width == 48 * (16 + 32)


@pytest.mark.parametrize('options', [{'max_relative_std': 0.2}, {'std_dev_field': True}])
def test_cloud_without_the_standard_deviation_it_needs_is_refused(options):
    with pytest.raises(ConfigError, match=f'{next(iter(options))} = .* needs a standard dev'):
        cloud_of(depth_map(flat()), PointsConfig(**options))


def test_cloud_keeps_one_point_of_each_cube():
    depth = depth_map(flat())
    cloud = cloud_of(depth, PointsConfig(voxel_size=0.5))
    # A wall of 63 / 50 * 2 by 47 / 52 * 2 m.
    assert cloud.width == 6 * 4
    cells = np.floor((cloud.xyz_m - [-30.5 / 25, -15 / 26, 2]) / 0.5 + 1e-6)
    assert len(np.unique(cells, axis=0)) == cloud.width
    whole = cloud_of(depth, PointsConfig())
    assert set(map(bytes, cloud.points[0])) <= set(map(bytes, whole.points[0]))
    assert cloud_of(depth, PointsConfig(voxel_size=0.5, organized=True)).points.shape == (48, 64)


@pytest.mark.parametrize('organized', [False, True])
def test_cloud_ends_rays_into_the_open_at_the_largest_range(organized):
    depth_m = columns(*[3.0] * 16, *[50.0] * 16, *[np.inf] * 16, *[np.nan] * 16)
    options = {'max_range': 10.0, 'organized': organized, 'min_edge_angle': 0.0}
    cloud = cloud_of(depth_map(depth_m), PointsConfig(free_rays=True, **options))
    range_m = ranges(cloud)
    is_free = range_m > 9
    assert is_free.sum() == 48 * 32
    assert range_m[is_free].max() <= 10
    assert range_m[is_free] == pytest.approx(10, abs=1e-4)
    pixels = CAMERA.fx * cloud.points['x'] / cloud.points['z'] + CAMERA.cx
    found = np.round(pixels[pixels > 15.5].astype(float)).astype(int)
    assert np.array_equal(np.unique(found), np.arange(16, 48))
    without = cloud_of(depth_map(depth_m), PointsConfig(**options))
    assert np.isfinite(ranges(without)).sum() == 48 * 16


def test_cloud_with_free_rays_has_only_known_points_unless_organized():
    depth = depth_map(columns(*[50.0] * 20, *[np.inf] * 20, *[np.nan] * 24))
    cloud = cloud_of(depth, PointsConfig(free_rays=True))
    assert cloud.is_dense
    assert cloud.width == 48 * 40
    assert np.isfinite(cloud.xyz_m).all()


@pytest.mark.parametrize('box', [False, True])
@pytest.mark.parametrize('organized', [False, True])
def test_cloud_is_split_into_floor_and_what_stands_on_it(organized, box):
    points = PointsConfig(organized=organized, min_edge_angle=0.0)
    depth = depth_map(room(box=box), ground=GROUND)
    cloud = cloud_of(depth, points)
    ground, obstacles = split_by_ground(
        cloud, depth, points, GroundConfig(clearance=0.12, slope=0.0))
    height_m = HEIGHT_M - cloud.xyz_m[:, 1]
    for part, expected in ((ground, height_m <= 0.12), (obstacles, height_m > 0.12)):
        known = np.isfinite(part.xyz_m[:, 2])
        assert np.array_equal(part.xyz_m[known], cloud.xyz_m[expected])
    # The wall is 6 m away, the box 2 m and 0.5 m high.
    near = obstacles.xyz_m[obstacles.xyz_m[:, 2] < 5]
    assert (len(near) > 0) == box
    if box:
        assert np.unique(near[:, 2]).tolist() == [2]
        assert HEIGHT_M - near[:, 1].min() == pytest.approx(0.5, abs=2 / 52)
        assert near[:, 0].min() == pytest.approx((20 - 30.5) / 25)


def test_cloud_is_split_by_the_ground_that_was_fitted():
    points = PointsConfig(min_edge_angle=0.0)
    depth_m = room(box=True).astype(np.float32)
    depth = depth_map(depth_m, ground=fit_ground(depth_m, CAMERA))
    assert depth.ground.height_m == pytest.approx(HEIGHT_M, rel=0.01)
    ground, obstacles = split_by_ground(cloud_of(depth, points), depth, points, GroundConfig())
    height_m = HEIGHT_M - cloud_of(depth, points).xyz_m[:, 1]
    assert (height_m < 0.05).sum() <= ground.width <= (height_m < 0.15).sum()
    assert HEIGHT_M - ground.xyz_m[:, 1].min() < 0.15
    assert HEIGHT_M - obstacles.xyz_m[:, 1].max() > 0.05


def test_cloud_split_allows_height_by_clearance_and_slope():
    points = PointsConfig(min_edge_angle=0.0)
    depth = depth_map(flat(2.0), ground=GROUND)
    cloud = cloud_of(depth, points)
    height_m, range_m = HEIGHT_M - cloud.xyz_m[:, 1], ranges(cloud)
    for clearance, slope in ((0.3, 0.0), (0.0, 0.2), (0.3, 0.14)):
        ground, _ = split_by_ground(
            cloud, depth, points, GroundConfig(clearance=clearance, slope=slope))
        assert ground.width == (height_m <= np.maximum(clearance, slope * range_m)).sum() > 0


def test_cloud_without_a_ground_is_all_obstacles():
    points = PointsConfig(min_edge_angle=0.0)
    depth = depth_map(room(box=True))
    cloud = cloud_of(depth, points)
    ground, obstacles = split_by_ground(cloud, depth, points, GroundConfig())
    assert (ground.height, ground.width, ground.is_dense) == (1, 0, True)
    assert np.array_equal(obstacles.points, cloud.points)


@pytest.mark.parametrize('organized', [False, True])
@pytest.mark.parametrize('ground', [GROUND, None])
def test_cloud_split_has_free_rays_in_neither_part(ground, organized):
    points = PointsConfig(
        free_rays=True, max_range=5.0, organized=organized, min_edge_angle=0.0)
    depth_m = room(box=True)
    depth_m[10:14] = np.inf
    depth = depth_map(depth_m, ground=ground)
    cloud = cloud_of(depth, points)
    assert (ranges(cloud) > 4.995).sum() > 48 * 4
    parts = [ranges(part) for part in split_by_ground(cloud, depth, points, GroundConfig())]
    known = [range_m[np.isfinite(range_m)] for range_m in parts]
    assert sum(map(len, known)) == (ranges(cloud) < 4.995).sum()
    assert max(range_m.max(initial=0) for range_m in known) < 4.995


def test_cloud_split_keeps_the_grid_and_each_point_in_its_place():
    points = PointsConfig(organized=True, std_dev_field=True, min_edge_angle=0.0, stride=2)
    depth_m = room(box=True)
    depth_m[:5] = np.nan
    depth = depth_map(depth_m, flat(0.1), ground=GROUND)
    cloud = cloud_of(depth, points)
    before = cloud.points.copy()
    ground, obstacles = split_by_ground(cloud, depth, points, GroundConfig())
    assert (ground.is_dense, obstacles.is_dense) == (False, False)
    assert ground.points.shape == obstacles.points.shape == cloud.points.shape == (24, 32)
    of_ground, of_obstacles = (np.isfinite(part.points['z']) for part in (ground, obstacles))
    assert not (of_ground & of_obstacles).any()
    assert np.array_equal(of_ground | of_obstacles, np.isfinite(cloud.points['z']))
    for part, kept in ((ground, of_ground), (obstacles, of_obstacles)):
        assert kept.any()
        assert part.points[kept].tobytes() == cloud.points[kept].tobytes()
        assert all(np.isnan(part.points[name][~kept]).all() for name in 'xyz')
    assert cloud.points.tobytes() == before.tobytes()


def test_cloud_needs_a_camera():
    with pytest.raises(ImageError, match='without its camera'):
        cloud_of(depth_map(flat(), camera=None), PointsConfig())


def test_cloud_of_nothing_known_has_empty_parts():
    depth = depth_map(flat(np.nan), flat(np.nan), ground=GROUND)
    points = PointsConfig(voxel_size=0.1, free_rays=True, max_relative_std=0.5)
    cloud = cloud_of(depth, points)
    parts = split_by_ground(cloud, depth, points, GroundConfig())
    assert [part.points.shape for part in (cloud, *parts)] == [(1, 0)] * 3
