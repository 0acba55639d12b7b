# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""How well other lenses, heights and scales are corrected."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
import math

import numpy as np
from trust_shots import Bench
from trust_shots import FIRST_SEED
from trust_shots import points
from trust_shots import row
from trust_shots import Shot

from zoe_depth_ros.ground import fit_ground
from zoe_depth_ros.known_models import ZOED_MINI_NK
from zoe_depth_ros.ranges import depth_pairs
from zoe_depth_ros.scale import focal_factor
from zoe_depth_ros.scale import height_reading
from zoe_depth_ros.scale import pairs_reading
from zoe_depth_ros.scale import ScaleFilter
from zoe_depth_ros.scale import ScaleReading
from zoe_depth_ros.worlds import corridor_drive
from zoe_depth_ros.worlds import street_drive
from zoe_depth_ros.worlds.sample import FOCAL_OF_WIDTH

FACTORS = (0.5, 0.7, 1.0, 1.4, 2.0)
TRAINED_HEIGHT, TRAINED_WIDTH = ZOED_MINI_NK.network_size_hw


def lens(bench: Bench) -> None:
    print(f'\nAnother lens: mean relative error, median scale of {bench.views} views\n')
    row('focal length over the trained one', 'as predicted', 'focal_normalisation', head=True)
    for factor in FACTORS:
        shots = list(bench.look(lambda view, f=factor: replace(
            view, camera=replace(view.camera, fx=view.camera.fx * f, fy=view.camera.fy * f))))
        factors = [
            focal_factor(shot.camera.resized(TRAINED_WIDTH, TRAINED_HEIGHT),
                         FOCAL_OF_WIDTH[shot.domain] * TRAINED_WIDTH) for shot in shots]
        row(factor, error_and_scale(shots, [1.0] * len(shots)), error_and_scale(shots, factors))


def height(bench: Bench) -> None:
    print(f'\nAnother camera height: mean relative error, median scale of {bench.views} views\n')
    row('height over the trained one', 'as predicted', 'camera_height', 'ground found', head=True)
    for factor in FACTORS:
        shots = list(bench.look(lambda view, f=factor: replace(
            view, camera_to_world=raised(view.camera_to_world, f))))
        readings = [shot_height_reading(shot, shot.own_m) for shot in shots]
        factors = [reading.factor if reading else 1.0 for reading in readings]
        row(factor, error_and_scale(shots, [1.0] * len(shots)), error_and_scale(shots, factors),
            f'{1 - readings.count(None) / len(readings):.0%}')


def error_and_scale(shots: list[Shot], factors: list[float]) -> str:
    depths = [shot.own_m * factor for shot, factor in zip(shots, factors, strict=True)]
    errors = [shot.error(depth) for shot, depth in zip(shots, depths, strict=True)]
    scales = [shot.log_scale(depth) for shot, depth in zip(shots, depths, strict=True)]
    return f'{np.mean(errors):.3f}, {math.exp(np.median(scales)):.2f}'


def scale(bench: Bench) -> None:
    films = [bench.film(drive, FIRST_SEED + n, frames=100, fps=10.0)
             for n in range(bench.drives) for drive in (corridor_drive, street_drive)]
    sources = {'camera_height': shot_height_reading, 'range': shot_scan_reading}
    print(f'\nDepth of another scale, {len(films)} drives of 10 s, 10 frames/s\n')
    row('scale', 'source', 'error before', 'error after (last 5 s)',
        'seconds to within 10 %, median (most)', 'drives with a factor', head=True)
    for wrong in FACTORS:
        for name, source in sources.items():
            row(wrong, name, *scale_figures(films, wrong, source))
    print('\nA reference that lies by 1.6x from second 5 on: largest change of the factor\n')
    row('source', *(f'for {seconds} s' for seconds in (0.5, 1, 2, 5)), head=True)
    for name, source in sources.items():
        row(name, *(f'{largest_change(films, source, seconds):.1%}'
                    for seconds in (0.5, 1, 2, 5)))


def raised(pose: np.ndarray, factor: float) -> np.ndarray:
    higher = pose.copy()
    higher[2, 3] *= factor
    return higher


def shot_height_reading(shot: Shot, depth_m: np.ndarray) -> ScaleReading | None:
    up = tuple(shot.camera_to_world[2, :3])
    plane = fit_ground(depth_m.astype(np.float32), shot.camera, up=up)
    return height_reading(plane, shot.camera_to_world[2, 3]) if plane else None


def shot_scan_reading(shot: Shot, depth_m: np.ndarray) -> ScaleReading | None:
    """Compare with a scanner of 25 m range, 2 % noise and 10 % wrong returns at eye height."""
    generator = np.random.default_rng(round(shot.stamp_s * 1000))
    middle = points(shot.true_m, shot.camera).reshape(*shot.true_m.shape, 3)[
        round(shot.camera.cy)]
    scan = middle[np.isfinite(middle[:, 2]) & (middle[:, 2] < 25)]
    noise = generator.normal(1, 0.02, len(scan))
    noise[generator.random(len(scan)) < 0.1] *= 0.5
    pairs = depth_pairs(depth_m.astype(np.float32), shot.camera, scan * noise[:, None])
    return pairs_reading(pairs, 20)


def scale_figures(films: list[list[Shot]], wrong: float, source: Callable) -> list[str]:
    before, after, times = [], [], []
    trusted = 0
    for film in films:
        scale = ScaleFilter()
        depths = [shot.own_m * wrong for shot in film]
        factors = [scale.update(shot.stamp_s, source(shot, depth)).factor
                   for shot, depth in zip(film, depths, strict=True)]
        late = slice(len(film) // 2, None)
        before += [shot.error(d) for shot, d in zip(film[late], depths[late], strict=True)]
        after += [shot.error(d * f) for shot, d, f in zip(
            film[late], depths[late], factors[late], strict=True)]
        off = [number for number, factor in enumerate(factors)
               if abs(math.log(factor / factors[-1])) > 0.1]
        times.append(film[off[-1] + 1].stamp_s if off else 0.0)
        trusted += factors[-1] != 1
    return [f'{np.mean(before):.3f}', f'{np.mean(after):.3f}',
            f'{np.median(times):.1f} ({max(times):.1f})', f'{trusted} of {len(films)}']


def largest_change(films: list[list[Shot]], source: Callable, lie_s: float) -> float:
    """Return the largest change of a factor by a lie, against the same drive without it."""
    largest = 0.0
    for film in films:
        honest, fooled = ScaleFilter(), ScaleFilter()
        for shot in film:
            reading = source(shot, shot.own_m)
            lies = reading is not None and 5 <= shot.stamp_s < 5 + lie_s
            told = replace(reading, factor=reading.factor * 1.6) if lies else reading
            a = honest.update(shot.stamp_s, reading).factor
            b = fooled.update(shot.stamp_s, told).factor
            largest = max(largest, abs(b / a - 1))
    return largest
