# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Points that hang in the air, the ground, and what it costs to find them."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterable
import math
import statistics
import time

import numpy as np
import torch
from torch.nn import functional
from trust_shots import Bench
from trust_shots import FIRST_SEED
from trust_shots import points
from trust_shots import row
from trust_shots import Shot

from zoe_depth_ros.ground import fit_ground
from zoe_depth_ros.inference.refine import flying_mask
from zoe_depth_ros.options import PointsConfig
from zoe_depth_ros.worlds import corridor_drive
from zoe_depth_ros.worlds import doorway_drive
from zoe_depth_ros.worlds import render_views
from zoe_depth_ros.worlds import sample_view
from zoe_depth_ros.worlds import street_drive

LARGE_HW = (480, 640)
# Half the side of the window in which a surface may lie: 8 pixels at 640 wide.
WINDOW_OF_WIDTH = 8 / 640


def clouds(bench: Bench) -> None:
    angles = (2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)
    shots = [shot for n in range(bench.drives)
             for drive in (corridor_drive, street_drive, doorway_drive)
             for shot in bench.film(drive, FIRST_SEED + n, (240, 320), 4, 0.5)]
    print(f'\nFlying points of {len(shots)} images of 320x240: removed / good points lost\n')
    row('depth nearer than 10 m', 'flying points', *(f'{angle} deg' for angle in angles),
        head=True)
    for name, depth_of in (
            ('of the model', lambda shot: shot.own_m / np.exp(shot.log_scale(shot.own_m))),
            ('exact, through the network size', lambda shot: through_network(shot.true_m)),
            ('the same, blurred', lambda shot: through_network(shot.true_m, blur=True))):
        depths = [depth_of(shot).astype(np.float32) for shot in shots]
        flying = [phantoms(depth, shot.true_m)
                  for depth, shot in zip(depths, shots, strict=True)]
        near = [shot.seen & (depth < 10) for depth, shot in zip(depths, shots, strict=True)]
        cells = []
        for angle in angles:
            masks = [flying_mask(torch.from_numpy(depth)[None, None],
                                 (shot.camera.fx, shot.camera.fy), angle)[0, 0].numpy()
                     for depth, shot in zip(depths, shots, strict=True)]
            cells.append(f'{share(masks, near, flying):.1%} / '
                         f'{share(masks, near, [~item for item in flying]):.2%}')
        row(name, f'{share(flying, near, near):.2%}', *cells)


def cost(bench: Bench) -> None:
    batch = render_views([sample_view(FIRST_SEED, LARGE_HW, 'indoor')])
    rgb = (batch.image[0] * 255).byte().permute(1, 2, 0).contiguous().numpy()
    bench.estimator.set_domain('auto')
    depth = bench.estimator.estimate(rgb, batch.cameras[0])
    depth_m = torch.from_numpy(depth.depth_m)[None, None]
    focal, angle = (batch.cameras[0].fx, batch.cameras[0].fy), PointsConfig().min_edge_angle
    works = {
        'one frame, 640x480': lambda: bench.estimator.estimate(rgb),
        'flying points': lambda: flying_mask(depth_m, focal, angle),
        'ground': lambda: fit_ground(depth.depth_m, batch.cameras[0])}
    spent = {name: [] for name in works}
    for _ in range(30):
        for name, work in works.items():
            start = time.perf_counter()
            work()
            spent[name].append(time.perf_counter() - start)
    frame_s = statistics.median(spent['one frame, 640x480'])
    print('\nTime on one core\n')
    row('', 'ms', 'of a frame', head=True)
    for name, seconds in spent.items():
        median_s = statistics.median(seconds)
        row(name, f'{median_s * 1e3:.2f}', f'{median_s / frame_s:.1%}')


def ground(bench: Bench) -> None:
    films = {name: [shot for n in range(bench.drives)
                    for shot in bench.film(drive, FIRST_SEED + n, frames=10, fps=2.0)]
             for name, drive in (('corridor', corridor_drive), ('street', street_drive),
                                 ('doorway', doorway_drive))}
    print('\nGround: camera height and direction; the labels are of points within 10 m\n')
    row('', 'depth', 'images', 'found', 'height error, median (90 %)',
        'tilt error, median (90 %)', 'obstacles called ground', 'ground called obstacle',
        head=True)
    for name, shots in films.items():
        row(name, 'exact', *ground_figures(shots, lambda shot: shot.true_m))
        row(name, 'model, true scale', *ground_figures(
            shots, lambda shot: shot.own_m / np.exp(shot.log_scale(shot.own_m))))


def through_network(true_m: np.ndarray, blur: bool = False) -> np.ndarray:
    """Return true depth as a flawless network would give it: from 128x96 to the image's size."""
    log_depth = torch.from_numpy(np.log(np.nan_to_num(true_m, nan=200.0)))[None, None]
    small = functional.interpolate(log_depth, size=(96, 128), mode='area')
    if blur:
        small = functional.avg_pool2d(functional.pad(small, (1,) * 4, mode='replicate'), 3, 1)
    large = functional.interpolate(
        small.exp(), size=true_m.shape, mode='bilinear', align_corners=True)
    return large[0, 0].numpy()


def phantoms(depth_m: np.ndarray, true_m: np.ndarray) -> np.ndarray:
    """
    Return the points in the free space between surfaces.

    They lie between the nearest and the farthest true surface of the window around their ray, and
    more than 0.1 m and 10 % of their depth from every surface in it.
    """
    radius = round(WINDOW_OF_WIDTH * depth_m.shape[1])
    surfaces = np.pad(np.nan_to_num(true_m, nan=1e6), radius, mode='edge')
    windows = np.lib.stride_tricks.sliding_window_view(
        surfaces, (2 * radius + 1, 2 * radius + 1)).reshape(*depth_m.shape, -1)
    away = np.abs(windows - depth_m[..., None]).min(axis=-1)
    between = (depth_m > windows.min(axis=-1)) & (depth_m < windows.max(axis=-1))
    return between & (away > np.maximum(0.1, 0.1 * depth_m))


def share(masks: Iterable, near: Iterable, among: Iterable) -> float:
    rows = list(zip(masks, near, among, strict=True))
    return (sum((a & b & c).sum() for a, b, c in rows) / max(1, sum((b & c).sum()
                                                                    for _, b, c in rows)))


def ground_figures(shots: list[Shot], depth_of: Callable) -> list[str]:
    heights, tilts, missed, invented = [], [], [], []
    for shot in shots:
        depth_m = depth_of(shot).astype(np.float32)
        plane = fit_ground(depth_m, shot.camera)
        if plane is None:
            continue
        rotation, height_m = shot.camera_to_world[2, :3], floor_height(shot)
        heights.append(abs(plane.height_m / height_m - 1))
        tilts.append(math.degrees(math.acos(min(1.0, float(np.dot(plane.normal, rotation))))))
        above_m = points(shot.true_m, shot.camera) @ rotation + height_m
        near = (shot.seen & (shot.true_m < 10)).ravel()
        called = plane.is_ground(points(depth_m, shot.camera))
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
