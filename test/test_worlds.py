# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Random worlds: exact depth, real sizes, the same image for the same seed."""

from __future__ import annotations

from itertools import pairwise
import math

import numpy as np
import pytest
import torch

from zoe_depth_ros.camera import Camera
from zoe_depth_ros.errors import ConfigError
from zoe_depth_ros.worlds import Box
from zoe_depth_ros.worlds import camera_pose
from zoe_depth_ros.worlds import corridor_drive
from zoe_depth_ros.worlds import doorway_drive
from zoe_depth_ros.worlds import Lighting
from zoe_depth_ros.worlds import Material
from zoe_depth_ros.worlds import render_views
from zoe_depth_ros.worlds import Round
from zoe_depth_ros.worlds import sample_view
from zoe_depth_ros.worlds import sample_worlds
from zoe_depth_ros.worlds import Scene
from zoe_depth_ros.worlds import street_drive
from zoe_depth_ros.worlds import View

CAMERA = Camera(64, 48, 52.0, 50.0, 30.7, 24.2)
SIZE_HW = (48, 64)
LEVEL = camera_pose((0.0, 0.0, 1.2), 0.0, 0.0)
TILTED = camera_pose((0.1, -0.2, 1.3), 0.3, -0.2, 0.05)


def depth_of(pose, *solids):
    boxes = tuple(solid for solid in solids if isinstance(solid, Box))
    rounds = tuple(solid for solid in solids if isinstance(solid, Round))
    return render_views([View(Scene(boxes, rounds), CAMERA, pose)]).depth_m[0, 0].numpy()


def world_rays(pose):
    """Directions of all pixel rays in the world, scaled so that their length counts depth."""
    v, u = np.mgrid[:CAMERA.height, :CAMERA.width]
    rays = [(u - CAMERA.cx) / CAMERA.fx, (v - CAMERA.cy) / CAMERA.fy, np.ones(u.shape)]
    return np.stack(rays, -1) @ pose[:3, :3].T


def in_frame_of(solid, pose):
    """Ray origin and directions in the solid's own frame."""
    cos, sin = math.cos(solid.yaw_rad), math.sin(solid.yaw_rad)
    turn = np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]])
    return (pose[:3, 3] - solid.center_m) @ turn, world_rays(pose) @ turn


def expected_box(solid, pose):
    origin, ray = in_frame_of(solid, pose)
    half = np.array(solid.size_m) / 2
    one, other = (-half - origin) / ray, (half - origin) / ray
    enter, leave = np.minimum(one, other).max(-1), np.maximum(one, other).min(-1)
    return np.where((enter <= leave) & (enter > 0), enter, np.nan)


def expected_round(solid, pose):
    origin, ray = in_frame_of(solid, pose)
    axes = slice(0, 2) if solid.is_cylinder else slice(0, 3)
    start, step = origin[axes] / solid.radii_m[axes], ray[..., axes] / solid.radii_m[axes]
    a, b = (step ** 2).sum(-1), (start * step).sum(-1)
    root = b ** 2 - a * ((start ** 2).sum() - 1)
    with np.errstate(invalid='ignore'):
        depth = (-b - np.sqrt(root)) / a
        too_high = np.abs(origin[2] + depth * ray[..., 2]) > solid.radii_m[2]
    return np.where((solid.is_cylinder & too_high) | (depth < 0), np.nan, depth)


def assert_same_but_for_outlines(depth, expected, pixels=0):
    """Equal to 1e-4 m; only pixels whose centre lies on an outline may differ in being hit."""
    assert (np.isnan(depth) != np.isnan(expected)).sum() <= pixels
    both = ~(np.isnan(depth) | np.isnan(expected))
    assert both.sum() > 50
    np.testing.assert_allclose(depth[both], expected[both], atol=1e-4)


def test_worlds_wall_three_metres_ahead_has_depth_three():
    depth = depth_of(LEVEL, Box((3.5, 0.0, 1.0), (1.0, 90.0, 90.0)))
    np.testing.assert_allclose(depth, 3.0, atol=1e-5)


def test_worlds_floor_below_a_tilted_camera_has_the_depth_of_the_plane():
    depth = depth_of(TILTED, Box((0.0, 0.0, -0.5), (900.0, 900.0, 1.0)))
    down = -world_rays(TILTED)[..., 2]
    expected = np.where(down > 1.3 / 30, 1.3 / np.maximum(down, 1e-9), np.nan)
    near = ~np.isnan(expected)
    assert near.sum() > 1000
    np.testing.assert_allclose(depth[near], expected[near], rtol=1e-5)
    assert np.isnan(depth[down < 0]).all()


@pytest.mark.parametrize('yaw_rad', [0.0, 0.5, 2.0])
@pytest.mark.parametrize('pose', [LEVEL, TILTED], ids=['level', 'tilted'])
def test_worlds_box_has_the_depth_of_its_faces(pose, yaw_rad):
    box = Box((4.0, 0.3, 1.0), (1.5, 0.8, 1.2), yaw_rad=yaw_rad)
    assert_same_but_for_outlines(depth_of(pose, box), expected_box(box, pose))


@pytest.mark.parametrize('pose', [LEVEL, TILTED], ids=['level', 'tilted'])
def test_worlds_ellipsoid_and_cylinder_have_the_depth_of_their_fronts(pose):
    ball = Round((4.0, 0.3, 1.0), (0.9, 0.5, 0.7), yaw_rad=0.4)
    tube = Round((5.0, 0.2, 1.0), (0.4, 0.3, 1.1), yaw_rad=1.0, is_cylinder=True)
    assert_same_but_for_outlines(depth_of(pose, ball), expected_round(ball, pose))
    assert_same_but_for_outlines(depth_of(pose, tube), expected_round(tube, pose))


def test_worlds_roof_tapered_to_a_ridge_has_the_slope_of_its_height():
    roof = Box((6.0, 0.0, 2.0), (4.0, 30.0, 2.0), taper=(0.0, 1.0))
    depth = depth_of(LEVEL, roof)
    rise = world_rays(LEVEL)[..., 2]
    # The front leans back from (x, z) = (4, 1) to (6, 3): z = x - 3, seen from z = 1.2.
    expected = 4.2 / (1 - rise)
    seen = (1.2 + rise * expected > 1.01) & (1.2 + rise * expected < 2.99)
    np.testing.assert_allclose(depth[seen], expected[seen], atol=1e-4)


def test_worlds_nearest_solid_wins_whatever_the_order():
    near, far = Box((3.0, 0.0, 1.0), (1.0, 1.0, 1.0)), Box((6.0, 0.0, 1.0), (1.0, 9.0, 9.0))
    ball = Round((4.5, 0.6, 1.2), (0.5, 0.5, 0.5))
    depths = [expected_box(near, TILTED), expected_box(far, TILTED), expected_round(ball, TILTED)]
    expected = np.fmin(np.fmin(depths[0], depths[1]), depths[2])
    assert_same_but_for_outlines(depth_of(TILTED, near, far, ball), expected)
    assert_same_but_for_outlines(depth_of(TILTED, far, ball, near), expected)


def test_worlds_box_around_camera_height_reaching_behind_it_is_cut_off_correctly():
    wall = Box((0.0, -1.0, 1.0), (40.0, 0.4, 3.0))
    assert_same_but_for_outlines(depth_of(TILTED, wall), expected_box(wall, TILTED))


def test_worlds_empty_scene_is_sky_without_depth():
    assert np.isnan(depth_of(LEVEL)).all()


def test_worlds_pattern_cells_have_their_size_in_the_image():
    stripes = Material((0.9, 0.9, 0.9), (0.05, 0.05, 0.05), (0.5, 9.0), (0.5, 0.0))
    wall = Box((4.5, 0.0, 1.0), (1.0, 20.0, 20.0), stripes)
    camera = Camera(400, 8, 400.0, 400.0, 199.5, 3.5)
    row = render_views([View(Scene((wall,)), camera, LEVEL)]).image[0, 1, 4].numpy()
    edges = np.flatnonzero(np.diff(row > row.mean()))
    # Every second edge is one cell of 0.5 m further: 400 px * 0.5 m / 4 m.
    np.testing.assert_allclose(edges[2:] - edges[:-2], 50, atol=1)


def test_worlds_shadow_lies_where_the_sun_throws_it():
    ground = Box((0.0, 0.0, -0.5), (90.0, 90.0, 1.0))
    post = Box((6.0, 0.0, 0.5), (0.4, 0.4, 1.0), casts_shadow=True)
    light = Lighting(sun_direction=(0.0, -math.sqrt(0.5), math.sqrt(0.5)))
    above = camera_pose((6.0, 0.0, 5.0), 0.0, -math.pi / 2)
    image = render_views([View(Scene((ground, post), (), light), CAMERA, above)]).image[0, 1]

    def brightness(y):
        return float(image[round(CAMERA.cy), round(CAMERA.cx - CAMERA.fx * y / 5)])

    assert brightness(0.8) < 0.8 * brightness(1.8)
    assert brightness(1.05) < 0.8 * brightness(1.8)
    assert brightness(1.35) == brightness(-0.8) == pytest.approx(brightness(1.8), rel=0.01)


def test_worlds_same_seed_gives_the_same_image_in_any_batch():
    together = sample_worlds([11, 12, 13], SIZE_HW, ['indoor', 'outdoor', 'outdoor'])
    alone = sample_worlds([12], SIZE_HW, ['outdoor'])
    assert torch.equal(together.image[1], alone.image[0])
    assert np.array_equal(together.depth_m[1].numpy(), alone.depth_m[0].numpy(), equal_nan=True)
    assert together.cameras[1] == alone.cameras[0]
    assert not torch.equal(together.image[1], together.image[2])


def test_worlds_shading_a_batch_at_once_gives_the_images_of_one_by_one():
    from zoe_depth_ros.worlds.raycast import cast_rays
    from zoe_depth_ros.worlds.shade import shade
    views = [sample_view(seed, SIZE_HW) for seed in (1, 2, 3, 4)]
    at_once = shade(views, [cast_rays(view) for view in views], torch.device('cpu'))
    torch.testing.assert_close(at_once, render_views(views).image, atol=1e-4, rtol=0)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason='no CUDA device')
def test_worlds_gpu_images_agree_with_the_cpu():
    cpu, gpu = (sample_worlds(range(4), SIZE_HW, device=device) for device in ('cpu', 'cuda'))
    assert np.array_equal(gpu.depth_m.cpu().numpy(), cpu.depth_m.numpy(), equal_nan=True)
    assert (gpu.image.cpu() - cpu.image).abs().mean() < 2e-3


def test_worlds_domain_is_drawn_from_the_seed_unless_given():
    drawn = sample_worlds(range(12), SIZE_HW)
    assert set(drawn.domains) == {'indoor', 'outdoor'}
    assert sample_worlds([3], SIZE_HW, ['outdoor']).domains == ('outdoor',)


def test_worlds_batch_has_the_promised_shapes_and_ranges():
    batch = sample_worlds([1, 2], SIZE_HW)
    assert batch.image.shape == (2, 3, *SIZE_HW) and batch.image.dtype == torch.float32
    assert batch.depth_m.shape == (2, 1, *SIZE_HW) and batch.depth_m.dtype == torch.float32
    assert batch.image.min() >= 0 and batch.image.max() <= 1
    assert batch.camera_to_world.shape == (2, 4, 4)


@pytest.fixture(scope='module', params=['indoor', 'outdoor'])
def forty(request):
    return sample_worlds(range(1000, 1040), SIZE_HW, [request.param] * 40)


def test_worlds_cameras_stand_as_robots_and_cars_do(forty):
    usual = {
        'indoor': (0.9, 1.3, 519 / 640, -10, -1), 'outdoor': (1.4, 1.8, 0.58, -6, 2)}
    low, high, focal, down, up = usual[forty.domains[0]]
    heights = forty.camera_to_world[:, 2, 3]
    assert low <= heights.min() and heights.max() <= high and np.ptp(heights) > (high - low) / 2
    pitch = np.degrees(np.arcsin(forty.camera_to_world[:, 2, 2]))
    assert down <= pitch.min() < down + 3 and up - 3 < pitch.max() <= up
    for camera in forty.cameras:
        assert camera.fx == camera.fy
        assert abs(camera.fx / camera.width / focal - 1) < 0.1
        assert abs(camera.cx - 31.5) < 1 and abs(camera.cy - 23.5) < 1


def test_worlds_depths_have_the_range_of_their_domain(forty):
    depth = forty.depth_m.numpy()
    assert np.nanmin(depth) >= 0.3
    if forty.domains[0] == 'indoor':
        assert not np.isnan(depth).any()
        assert np.mean((depth > 0.5) & (depth < 10)) > 0.9
        assert 1.5 < np.median(depth) < 4
    else:
        assert 0.05 < np.isnan(depth).mean() < 0.5
        assert 4 < np.nanmedian(depth) < 12
        assert np.nanpercentile(depth, 95) > 25
        assert not np.isnan(depth[:, :, -8:]).any()


def test_worlds_images_are_neither_black_nor_blank(forty):
    means = forty.image.mean(dim=(1, 2, 3))
    assert means.min() > 0.15 and means.max() < 0.85
    assert forty.image.std(dim=(1, 2, 3)).median() > 0.1


def test_worlds_outdoor_camera_looks_down_on_the_road_at_its_height(forty):
    if forty.domains[0] == 'indoor':
        pytest.skip('streets only')
    for index, camera in enumerate(forty.cameras):
        ray = np.array([(32 - camera.cx) / camera.fx, (47 - camera.cy) / camera.fy, 1.0])
        point = forty.depth_m[index, 0, 47, 32].item() * ray
        height = forty.camera_to_world[index, 2] @ np.append(point, 1.0)
        assert -0.1 < height < 2.0


def reprojection_errors(frames):
    """Relative depth error of every pixel of a frame carried into the next one."""
    for one, two in pairwise(frames):
        camera = one.camera
        v, u = np.nonzero(~np.isnan(one.depth_m))
        rays = [(u - camera.cx) / camera.fx, (v - camera.cy) / camera.fy, np.ones(len(u))]
        before, after = one.camera_to_world, two.camera_to_world
        points = before[:3, :3] @ (np.stack(rays) * one.depth_m[v, u]) + before[:3, 3:]
        x, y, z = after[:3, :3].T @ (points - after[:3, 3:])
        column = np.rint(camera.fx * x / z + camera.cx).astype(int)
        row = np.rint(camera.fy * y / z + camera.cy).astype(int)
        seen = (z > 0) & (column >= 0) & (column < camera.width)
        seen &= (row >= 0) & (row < camera.height)
        yield np.abs(two.depth_m[row[seen], column[seen]] / z[seen] - 1)


@pytest.mark.parametrize(('drive', 'still_share'), [
    (corridor_drive, 0.95), (doorway_drive, 0.9), (street_drive, 0.7)])  # the rest: traffic
def test_worlds_depth_of_a_drive_carries_over_from_frame_to_frame(drive, still_share):
    frames = list(drive(5, (96, 128), frames=60, fps=12.0))
    for errors in reprojection_errors(frames):
        assert np.nanmedian(errors) < 0.01
        assert np.mean(errors < 0.05) > still_share


@pytest.mark.parametrize('seed', [7, 8, 9])
def test_worlds_doorway_drive_changes_domain_exactly_once(seed):
    frames = list(doorway_drive(seed, (24, 32), frames=40, fps=8.0))
    labels = [frame.domain for frame in frames]
    assert labels[0] == 'indoor' and labels[-1] == 'outdoor'
    assert sum(one != two for one, two in pairwise(labels)) == 1
    assert min(np.nanmin(frame.depth_m) for frame in frames) >= 0.3
    assert np.nanmax(frames[-1].depth_m) > 20


def test_worlds_drive_moves_smoothly_and_counts_time():
    frames = list(doorway_drive(3, (24, 32), frames=150, fps=20.0))
    assert [frame.stamp_ns for frame in frames[:3]] == [0, 50_000_000, 100_000_000]
    places = np.stack([frame.camera_to_world[:3, 3] for frame in frames])
    steps = np.linalg.norm(np.diff(places, axis=0), axis=1)
    np.testing.assert_allclose(steps, steps.mean(), rtol=0.05)
    for one, two in pairwise(frames):
        assert one.camera_to_world[:3, 2] @ two.camera_to_world[:3, 2] > math.cos(math.radians(5))
    assert frames[0].image_u8.shape == (24, 32, 3) and frames[0].image_u8.dtype == np.uint8


def test_worlds_what_cannot_be_rendered_is_refused_by_name():
    with pytest.raises(ConfigError, match='2 domains for 1 seeds'):
        sample_worlds([1], SIZE_HW, ['indoor', 'outdoor'])
    with pytest.raises(ConfigError, match="'underwater'"):
        sample_worlds([1], SIZE_HW, ['underwater'])
    with pytest.raises(ConfigError, match=r'\(4, 64\)'):
        sample_worlds([1], (4, 64))
    with pytest.raises(ConfigError, match='cannot be one batch'):
        sample_worlds([], SIZE_HW)
    with pytest.raises(ConfigError, match='drive of 1 frames'):
        doorway_drive(1, SIZE_HW, frames=1)
    with pytest.raises(ConfigError, match='fps 0'):
        corridor_drive(1, SIZE_HW, fps=0.0)
    with pytest.raises(ConfigError, match='focal_of_width -1'):
        doorway_drive(1, SIZE_HW, focal_of_width=-1.0)
    with pytest.raises(ConfigError, match='camera_to_world'):
        View(Scene(), CAMERA, np.eye(3))
