# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What other values of the options of ground and scale would do."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from trust_clouds import DRIVES
from trust_clouds import floor_height
from trust_clouds import GROUND_FIGURES
from trust_clouds import ground_figures
from trust_clouds import ground_shots
from trust_references import drive_factors
from trust_references import LIE
from trust_scale import largest_change
from trust_scale import SCALE_FIGURES
from trust_scale import scale_figures
from trust_scale import scale_films
from trust_shots import Bench
from trust_shots import marked
from trust_shots import points
from trust_shots import row
from trust_shots import Shot

from zoe_depth_ros.ground import fit_ground
from zoe_depth_ros.inference import DepthMap
from zoe_depth_ros.options import GroundConfig
from zoe_depth_ros.options import ScaleConfig

GROUND_VALUES = {
    'min_share': (0.05, 0.15, 0.25, 0.35, 0.5), 'max_tilt': (6.0, 9.0, 12.0, 18.0, 30.0),
    'tolerance': (0.03, 0.05, 0.1, 0.15, 0.2), 'clearance': (0.0, 0.05, 0.1, 0.15, 0.2),
    'slope': (0.0, 0.01, 0.02, 0.04, 0.08)}
HIDDEN_M = 0.2
VALUES = {
    'gate': (0.1, 0.2, 0.4, 0.8), 'persistence': (0.5, 1.0, 2.0, 3.0, 4.0),
    'time_constant': (0.2, 0.5, 1.0, 2.0, 4.0)}
SOURCES = ('camera_height', 'LaserScan')
WRONG, LIES_S = 1.4, (1.0, 2.0)


def defaults(bench: Bench) -> None:
    ground_defaults(bench)
    scale_defaults(bench)


def ground_defaults(bench: Bench) -> None:
    shots = [shot for drive in DRIVES for shot in ground_shots(bench, drive)]
    shots += bench.look(lambda view: view)
    depths, hidden = [shot.own_in_scale for shot in shots], [without_ground(s) for s in shots]
    standard = GroundConfig()
    print(f'\nGround of the model on all drives and {bench.views} views; the labels are of points '
          f'within 10 m; hidden: without the points less than {HIDDEN_M} m above it\n')
    row('option', 'value', *GROUND_FIGURES, 'found though it is hidden', head=True)
    for name, values in GROUND_VALUES.items():
        for value in values:
            config = replace(standard, **{name: value})
            invented = [fit_ground(depth.depth_m, shot.camera, config=config) is not None
                        for shot, depth in zip(shots, hidden, strict=True)]
            row(f'ground.{name}', marked(value, getattr(standard, name)),
                *ground_figures(shots, depths, config), f'{np.mean(invented):.0%}')


def without_ground(shot: Shot) -> DepthMap:
    """Return depth that is unknown where the ground is."""
    depth, up = shot.own_in_scale, shot.camera_to_world[2, :3]
    above_m = points(shot.true_m, shot.camera) @ up + floor_height(shot)
    stands = above_m.reshape(depth.depth_m.shape) > HIDDEN_M
    return replace(depth, depth_m=np.where(stands, depth.depth_m, np.float32(np.nan)))


def scale_defaults(bench: Bench) -> None:
    films = scale_films(bench)
    print(f'\nDepth multiplied by {WRONG}, {len(films)} drives of 10 s, 10 frames/s; a lie tells '
          f'{LIE}x the distance\n')
    row('option', 'value', 'reference', *SCALE_FIGURES,
        *(f'largest change by a lie of {lie_s:g} s' for lie_s in LIES_S), head=True)
    for name, values in VALUES.items():
        for value in values:
            for source in SOURCES:
                row(f'scale.{name}', marked(value, getattr(ScaleConfig(), name)), source,
                    *option_figures(bench, source, **{name: value}))


def option_figures(bench: Bench, source: str, **option: float) -> list[str]:
    films = scale_films(bench)
    found = [drive_factors(bench, film, source, wrong=WRONG, **option) for film in films]
    return [*scale_figures(films, found, WRONG), *(
        f'{largest_change(bench, films, source, found, lie_s, wrong=WRONG, **option):.1%}'
        for lie_s in LIES_S)]
