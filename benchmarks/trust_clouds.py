# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Points that hang in the air, the ground, and what it costs to find them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
import math
import time

import numpy as np
import torch
from torch.nn import functional
from trust_shots import Bench
from trust_shots import FIRST_SEED
from trust_shots import marked
from trust_shots import points
from trust_shots import row
from trust_shots import Shot

from zoe_depth_ros.ground import fit_ground
from zoe_depth_ros.inference import DepthEstimator
from zoe_depth_ros.inference import DepthMap
from zoe_depth_ros.inference.clouds import cloud_of
from zoe_depth_ros.inference.refine import flying_mask
from zoe_depth_ros.inference.refine import stride_for
from zoe_depth_ros.model.checkpoint import load_model
from zoe_depth_ros.options import EstimatorConfig
from zoe_depth_ros.options import GroundConfig
from zoe_depth_ros.options import PointsConfig
from zoe_depth_ros.worlds import corridor_drive
from zoe_depth_ros.worlds import doorway_drive
from zoe_depth_ros.worlds import render_views
from zoe_depth_ros.worlds import sample_view
from zoe_depth_ros.worlds import street_drive

LARGE_HW = (480, 640)
POINTS = PointsConfig()
STRIDE = stride_for(LARGE_HW, POINTS.max_points)
ANGLES_DEG = (2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)
FRAMES = 4
NEAR_M = 10
ROUNDS = 50
# Half the side of the window in which a surface may lie: 8 pixels at 640 wide.
WINDOW_OF_WIDTH = 8 / 640
DRIVES = (corridor_drive, street_drive, doorway_drive)
GROUND_FIGURES = (
    'images', 'found', 'height error, median (90 %)', 'tilt error, median (90 %)',
    'obstacles called ground', 'ground called obstacle')


def clouds(bench: Bench) -> None:
    films = (bench.film(drive, FIRST_SEED + n, LARGE_HW, FRAMES, 0.5)
             for n in range(bench.drives) for drive in DRIVES)
    counts = sum(np.array([
        tested_points(shot.own_in_scale, shot), tested_points(through_network(shot), shot),
        tested_points(through_network(shot, blur=True), shot)]) for film in films for shot in film)
    print(f'\nFlying points of clouds of every {STRIDE}th row and column of '
          f'{bench.drives * len(DRIVES) * FRAMES} images of 640x480, by points.min_edge_angle: '
          'removed / good points lost\n')
    row(f'points nearer than {NEAR_M} m', 'flying points',
        *(marked(angle, POINTS.min_edge_angle, ' deg') for angle in ANGLES_DEG), head=True)
    names = 'of the model', 'exact, through the network size', 'the same, blurred'
    for name, ((flying, good), *removed) in zip(names, counts, strict=True):
        row(name, f'{flying / (flying + good):.2%}', *(
            f'{flying_too / flying:.1%} / {good_too / good:.2%}'
            for flying_too, good_too in removed))


def cost(bench: Bench) -> None:
    batch = render_views([sample_view(FIRST_SEED, LARGE_HW, 'indoor')])
    rgb = (batch.image[0] * 255).byte().permute(1, 2, 0).contiguous().numpy()
    camera, plain = batch.cameras[0], replace(POINTS, min_edge_angle=0.0)
    focal_px = camera.fx / STRIDE, camera.fy / STRIDE
    estimator = DepthEstimator(
        load_model(bench.model), EstimatorConfig(device='cpu'), with_std_dev=False)
    depth = estimator.estimate(rgb, camera)
    works = {
        'cloud without the edge test': lambda: cloud_of(depth, plain),
        'cloud with it': lambda: cloud_of(depth, POINTS),
        "flying points of the cloud's grid": lambda: flying_mask(
            torch.from_numpy(np.ascontiguousarray(depth.depth_m[::STRIDE, ::STRIDE]))[None, None],
            focal_px, POINTS.min_edge_angle),
        'ground': lambda: fit_ground(depth.depth_m, camera)}
    # Each follows a frame of its own, which leaves the caches as it does in the node.
    rounds = np.array([
        [(seconds_of(lambda: estimator.estimate(rgb, camera)), seconds_of(work))
         for work in works.values()] for _ in range(ROUNDS + 1)])[1:]
    frame_s, spent = rounds[..., 0], dict(zip(works, rounds[..., 1].T, strict=True))
    without_s, with_s, *_ = spent.values()
    spent['cloud with it less without'] = with_s - without_s
    print(f'\nTime for a frame of 640x480 and its cloud of every {STRIDE}th row and column on one '
          f'core, median of {ROUNDS} rounds\n')
    row('', 'ms', 'of the frame', head=True)
    row('one frame', f'{np.median(frame_s) * 1e3:.2f}', '')
    for name, seconds in spent.items():
        row(name, f'{np.median(seconds) * 1e3:.2f}',
            f'{np.median(seconds / np.median(frame_s, axis=1)):.1%}')


def seconds_of(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def ground(bench: Bench) -> None:
    print('\nGround: camera height and direction; the labels are of points within 10 m\n')
    row('', 'depth', *GROUND_FIGURES, head=True)
    for drive in DRIVES:
        shots = ground_shots(bench, drive)
        exact = [replace(shot.own, depth_m=shot.true_m) for shot in shots]
        row(drive.__name__.removesuffix('_drive'), 'exact', *ground_figures(shots, exact))
        row('', 'model, true scale', *ground_figures(
            shots, [shot.own_in_scale for shot in shots]))


def ground_shots(bench: Bench, drive: Callable) -> list[Shot]:
    return [shot for n in range(bench.drives)
            for shot in bench.film(drive, FIRST_SEED + n, frames=10, fps=2.0)]


def through_network(shot: Shot, blur: bool = False) -> DepthMap:
    """Return true depth as a flawless network would give it: from 128x96 to the image's size."""
    log_depth = torch.from_numpy(np.log(np.nan_to_num(shot.true_m, nan=200.0)))[None, None]
    small = functional.interpolate(log_depth, size=(96, 128), mode='area')
    if blur:
        small = functional.avg_pool2d(functional.pad(small, (1,) * 4, mode='replicate'), 3, 1)
    large = functional.interpolate(
        small.exp(), size=shot.true_m.shape, mode='bilinear', align_corners=True)
    return replace(shot.own, depth_m=large[0, 0].numpy())


def tested_points(depth: DepthMap, shot: Shot) -> np.ndarray:
    """Return the flying and the good points of a cloud: all, then the removed of each angle."""
    whole_m, *kept_m = (
        cloud_of(depth, replace(POINTS, organized=True, min_edge_angle=angle)).points['z']
        for angle in (0.0, *ANGLES_DEG))
    near = shot.seen[::STRIDE, ::STRIDE] & (whole_m < NEAR_M)
    flying = phantoms(whole_m, shot.true_m)
    removed = (np.isnan(rest_m) for rest_m in kept_m)
    return np.array([[(near & flying & those).sum(), (near & ~flying & those).sum()]
                     for those in (near, *removed)])


def phantoms(grid_m: np.ndarray, true_m: np.ndarray) -> np.ndarray:
    """
    Return the points in the free space between surfaces, of the cloud's grid.

    They lie between the nearest and the farthest true surface of the window around their ray, and
    more than 0.1 m and 10 % of their depth from every surface in it.
    """
    radius = round(WINDOW_OF_WIDTH * true_m.shape[1])
    surfaces = np.pad(np.nan_to_num(true_m, nan=1e6), radius, mode='edge')
    windows = np.lib.stride_tricks.sliding_window_view(
        surfaces, (2 * radius + 1, 2 * radius + 1))[::STRIDE, ::STRIDE].reshape(*grid_m.shape, -1)
    away = np.abs(windows - grid_m[..., None]).min(axis=-1)
    between = (grid_m > windows.min(axis=-1)) & (grid_m < windows.max(axis=-1))
    return between & (away > np.maximum(0.1, 0.1 * grid_m))


def ground_figures(
    shots: list[Shot], depths: list[DepthMap], config: GroundConfig | None = None,
) -> list[str]:
    config = config or GroundConfig()
    heights, tilts, missed, invented = [], [], [], []
    for shot, depth in zip(shots, depths, strict=True):
        plane = fit_ground(depth.depth_m, shot.camera, config=config)  # as FramePipeline.learn
        if plane is None:
            continue
        rotation, height_m = shot.camera_to_world[2, :3], floor_height(shot)
        heights.append(abs(plane.height_m / height_m - 1))
        tilts.append(math.degrees(math.acos(min(1.0, float(np.dot(plane.normal, rotation))))))
        above_m = points(shot.true_m, shot.camera) @ rotation + height_m
        near = (shot.seen & (shot.true_m < 10) & np.isfinite(depth.depth_m)).ravel()
        called = plane.is_ground(points(depth.depth_m, shot.camera),
                                 clearance_m=config.clearance, slope=config.slope)
        missed += called[near & (above_m > 0.3)].tolist()
        invented += (~called[near & (np.abs(above_m) < 0.05)]).tolist()
    return [str(len(shots)), f'{len(heights) / len(shots):.0%}',
            f'{np.median(heights):.1%} ({np.quantile(heights, 0.9):.1%})',
            f'{np.median(tilts):.1f} ({np.quantile(tilts, 0.9):.1f}) deg',
            f'{np.mean(missed):.1%}', f'{np.mean(invented):.1%}']


def floor_height(shot: Shot) -> float:
    """Return the camera's height above the ground below it: road, pavement or floor."""
    below = points(shot.true_m, shot.camera) @ shot.camera_to_world[2, :3]
    heights = -below[np.isfinite(below)]
    low = heights[heights > 0.5 * heights.max()]
    counts, edges = np.histogram(low, bins=np.arange(low.min(), low.max() + 0.04, 0.02))
    best = counts.argmax()
    return float(np.median(low[(low >= edges[best] - 0.02) & (low <= edges[best + 1] + 0.02)]))
