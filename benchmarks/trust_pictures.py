# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Charts of the scale of depth over time: through a door, and with a source of scale.

    PYTHONPATH=. .venv/bin/python benchmarks/trust_pictures.py docs

Needs matplotlib (Python 3.11 or newer).
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import matplotlib as mpl
import numpy as np
from trust_references import drive_factors
from trust_references import LIE
from trust_routing import blended
from trust_routing import head_weights
from trust_shots import Bench
from trust_shots import FIRST_SEED

from zoe_depth_ros.options import RoutingConfig
from zoe_depth_ros.worlds import doorway_drive
from zoe_depth_ros.worlds import street_drive

mpl.use('agg')
from matplotlib import pyplot

WRONG = (0.5, 0.7, 1.0, 1.4, 2.0)


def doorway(bench: Bench, path: Path) -> None:
    """Draw the median of estimated over true depth of drives through a door."""
    figure, grid = pyplot.subplots(
        2, 2, figsize=(10, 5), layout='constrained', sharex=True, sharey=True)
    for number, axes in enumerate(grid.flat):
        film = bench.film(doorway_drive, bench.seed + number)
        for label, config in (('router alone', None), ('filtered and blended', RoutingConfig())):
            scales = [
                np.exp(shot.log_scale(blended(shot.depth_m, np.array(weights), True)))
                for shot, weights in zip(film, head_weights(film, config), strict=True)]
            axes.plot([shot.stamp_s for shot in film], scales, label=label)
        outdoors = [shot.stamp_s for shot in film if shot.domain == 'outdoor']
        axes.axvspan(min(outdoors), max(outdoors), alpha=0.1, label='outdoors')
        axes.set(yscale='log')
        axes.set_yticks([0.5, 0.7, 1, 1.4, 2], ['0.5', '0.7', '1', '1.4', '2'], minor=False)
        axes.minorticks_off()
    grid[0, 0].legend(fontsize='small')
    figure.supxlabel('s')
    figure.supylabel('estimated / true depth')
    figure.savefig(path / 'doorway.png', dpi=100)


def scale(bench: Bench, path: Path) -> None:
    """Draw the scale of depth that begins wrong, and what a lying sensor does to it."""
    film = bench.film(street_drive, bench.seed, frames=120, fps=10.0)
    figure, (left, right) = pyplot.subplots(
        1, 2, figsize=(10, 3.2), layout='constrained', sharey=True)
    stamps_s = [shot.stamp_s for shot in film]
    own = np.exp([shot.log_scale(shot.own_m) for shot in film])
    for wrong in WRONG:
        factors = drive_factors(bench, film, 'camera_height', wrong=wrong)
        left.plot(stamps_s, wrong * factors * own, label=f'depth x {wrong}')
    left.set(title='scale.source: camera_height', ylabel='estimated / true depth')
    for seconds in (1.0, 5.0):
        factors = drive_factors(bench, film, 'LaserScan', lie_s=seconds)
        right.plot(stamps_s, factors * own,
                   label=f'a scanner that tells {LIE} times as far for {seconds:.0f} s')
    right.set(title='scale.source: range')
    for axes in (left, right):
        axes.set(xlabel='s', yscale='log')
        axes.set_yticks([0.5, 0.7, 1, 1.4, 2], ['0.5', '0.7', '1', '1.4', '2'], minor=False)
        axes.minorticks_off()
        axes.legend(fontsize='small')
    figure.savefig(path / 'scale.png', dpi=100)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('folder', type=Path, help='where to put doorway.png and scale.png')
    parser.add_argument('--model', default='zoed_mini_nk')
    parser.add_argument('--seed', type=int, default=FIRST_SEED, help='of the drives')
    options = parser.parse_args()
    options.drives = options.views = 1
    cv2.setNumThreads(1)
    bench = Bench(options)
    bench.seed = options.seed
    doorway(bench, options.folder)
    scale(bench, options.folder)


if __name__ == '__main__':
    main()
