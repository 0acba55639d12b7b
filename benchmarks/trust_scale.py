# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""How well other lenses, heights and scales are corrected."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
import math

import numpy as np
from trust_references import drive_factors
from trust_references import LIE
from trust_references import LIE_FROM_S
from trust_references import node_at
from trust_references import SOURCES
from trust_shots import Bench
from trust_shots import FIRST_SEED
from trust_shots import row
from trust_shots import Shot

from zoe_depth_ros.known_models import ZOED_MINI_NK
from zoe_depth_ros.scale import focal_factor
from zoe_depth_ros.worlds import corridor_drive
from zoe_depth_ros.worlds import street_drive
from zoe_depth_ros.worlds.sample import FOCAL_OF_WIDTH

FACTORS = (0.5, 0.7, 1.0, 1.4, 2.0)
LIES_S = (0.5, 1.0, 2.0, 5.0)
NEAR = 0.1
SCALE_FIGURES = (
    'error before', 'error after (last 5 s)',
    'seconds until within 10 % of the true factor for the rest of the drive, median (most)',
    'drives that get there', 'drives with a factor')
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
        factors, found = zip(*(height_factor(bench, shot) for shot in shots), strict=True)
        row(factor, error_and_scale(shots, [1.0] * len(shots)), error_and_scale(shots, factors),
            f'{np.mean(found):.0%}')


def height_factor(bench: Bench, shot: Shot) -> tuple[float, bool]:
    """Return the factor after a single image, and whether the ground was found in it."""
    pipeline = node_at(bench, shot, 'camera_height', persistence=0.0, time_constant=0.0)
    found = pipeline.learn(shot.own, shot.stamp_s) is not None
    return pipeline.scaled(shot.own).scale.factor, found


def error_and_scale(shots: list[Shot], factors: list[float]) -> str:
    depths = [shot.own_m * factor for shot, factor in zip(shots, factors, strict=True)]
    errors = [shot.error(depth) for shot, depth in zip(shots, depths, strict=True)]
    scales = [shot.log_scale(depth) for shot, depth in zip(shots, depths, strict=True)]
    return f'{np.mean(errors):.3f}, {math.exp(np.median(scales)):.2f}'


def scale(bench: Bench) -> None:
    films = scale_films(bench)
    print(f'\nDepth of another scale, {len(films)} drives of 10 s, 10 frames/s\n')
    row('scale', 'reference', *SCALE_FIGURES, head=True)
    for wrong in FACTORS:
        for source in SOURCES:
            found = [drive_factors(bench, film, source, wrong=wrong) for film in films]
            row(wrong, source, *scale_figures(films, found, wrong))
    print(f'\nA reference that tells {LIE}x the distance from second {LIE_FROM_S:g} on: largest '
          'change of the factor\n')
    row('reference', *(f'for {lie_s:g} s' for lie_s in LIES_S), head=True)
    for source in SOURCES:
        honest = [drive_factors(bench, film, source) for film in films]
        row(source, *(f'{largest_change(bench, films, source, honest, lie_s):.1%}'
                      for lie_s in LIES_S))


@lru_cache(maxsize=1)
def scale_films(bench: Bench) -> list[list[Shot]]:
    return [bench.film(drive, FIRST_SEED + n, frames=100, fps=10.0)
            for n in range(bench.drives) for drive in (corridor_drive, street_drive)]


def raised(pose: np.ndarray, factor: float) -> np.ndarray:
    higher = pose.copy()
    higher[2, 3] *= factor
    return higher


def scale_figures(
    films: list[list[Shot]], found: list[np.ndarray], wrong: float,
) -> list[str]:
    before, after, times = [], [], []
    for film, factors in zip(films, found, strict=True):
        for shot, factor in list(zip(film, factors, strict=True))[len(film) // 2:]:
            before.append(shot.error(shot.own_m * wrong))
            after.append(shot.error(shot.own_m * wrong * factor))
        times.append(settled_s(film, factors, wrong))
    settled = [time_s for time_s in times if math.isfinite(time_s)]
    known = sum(factors[-1] != 1 for factors in found)
    return [f'{np.mean(before):.3f}', f'{np.mean(after):.3f}',
            f'{np.median(settled):.1f} ({max(settled):.1f})' if settled else '-',
            f'{len(settled)} of {len(films)}', f'{known} of {len(films)}']


def settled_s(film: list[Shot], factors: np.ndarray, wrong: float) -> float:
    """
    Return when the factor came near the true one to stay; infinite where it did not.

    The true one puts the median of the drive in its scale. A drive without a factor never counts.
    """
    true_factor = math.exp(-np.median([shot.log_scale(shot.own_m * wrong) for shot in film]))
    off = np.flatnonzero(np.abs(factors / true_factor - 1) > NEAR)
    if factors[-1] == 1 or len(film) - 1 in off:
        return math.inf
    return film[off[-1] + 1].stamp_s if len(off) else 0.0


def largest_change(
    bench: Bench, films: list[list[Shot]], source: str, honest: list[np.ndarray], lie_s: float,
    **options: float,
) -> float:
    """Return the largest change of a factor by a lie, against the same drive without it."""
    return max(
        np.abs(drive_factors(bench, film, source, lie_s=lie_s, **options) / factors - 1).max()
        for film, factors in zip(films, honest, strict=True))
