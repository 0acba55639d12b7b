# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Domain randomisation: short trainings on changed pictures of worlds, judged by real images.

    PYTHONPATH=. .venv/bin/python benchmarks/randomisation.py --office hololens_rgbd_mcap \
        --table kinect_tabletop --road road --output RUNS

Every row is `zoe_depth train` with the options of ROWS, from the shipped weights on, with several
seeds; the columns are of `zoe_depth evaluate`. The road is what `lidar_folder.py` writes. A
training that is finished is not run again, an interrupted one goes on.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
import json
from pathlib import Path
import subprocess
import sys

from ablation import cell

CONFIG = Path(__file__).parents[1] / 'config' / 'train' / 'mini_joint.yaml'
SHORT = ('steps=300', 'learning_rate=0.0003', 'validate_every=0')
COLOURS = (
    'augment.color=0.8', 'augment.gamma=0.4', 'augment.brightness_indoor=0.4',
    'augment.brightness_outdoor=0.4', 'augment.tint=0.2')
DEGRADED = ('augment.degrade=0.8', 'augment.blur_px=1.5', 'augment.noise=0.04')
ROWS = {
    'plain': (), 'colours': COLOURS, 'blur, noise, JPEG': DEGRADED, 'both': COLOURS + DEGRADED}
FIRST_SEED = 9
HEADER = """\
| run | office: router right | REL | REL, head given | table top: REL | road: router right \
| REL, head given | indoor worlds: REL | outdoor worlds: REL |
|---|---|---|---|---|---|---|---|---|"""


def trained(name: str, changes: Sequence[str], seed: int, output: Path) -> str:
    """Return the weights of one training."""
    run = output / f'{name.replace(", ", "_")}_{seed}'
    sets = [word for change in (*SHORT, *changes, f'seed={seed}') for word in ('--set', change)]
    cli('train', str(CONFIG), *sets, '--output', str(run))
    return str(run / 'weights.safetensors')


def figures(weights: str, options: argparse.Namespace) -> list[float]:
    """Return the columns of a row."""
    office = '--bag', str(options.office)
    listed = options.output / 'table.txt'
    listed.write_text('rgb.png depth_mm.png 525\n')
    routed, = judged(weights, options.output, *office)
    given, = judged(weights, options.output, *office, '--route', 'label')
    table, = judged(
        weights, options.output, '--list', str(listed), '--root', str(options.table))
    road, = judged(
        weights, options.output, '--folder', str(options.road), '--domain', 'outdoor', '--route',
        'label')
    indoor, outdoor = judged(weights, options.output, '--worlds', '100')
    rel = [one['metrics']['rel'] for one in (routed, given, table, road, indoor, outdoor)]
    return [routed['router_accuracy'], *rel[:3], road['router_accuracy'], *rel[3:]]


def judged(weights: str, output: Path, *options: str) -> list[dict]:
    """Return what `zoe_depth evaluate` reports of each domain."""
    report = output / 'report'
    cli('evaluate', weights, *options, '--output', str(report))
    domains: list[dict] = json.loads(
        (report / 'report.json').read_text())['evaluations'][0]['domains']
    return domains


def cli(*arguments: str) -> None:
    """Run `zoe_depth`, whose table is not shown."""
    subprocess.run(
        [sys.executable, '-m', 'zoe_depth_ros.cli', *arguments], check=True,
        stdout=subprocess.DEVNULL)


def markdown_row(name: str, rows: Sequence[Sequence[float]]) -> str:
    """Return mean and, of several rows, standard deviation of each figure."""
    return f'| {name} | {" | ".join(cell(column) for column in zip(*rows, strict=True))} |'


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, text in (
            ('office', 'bag with images and depth'),
            ('table', 'folder of rgb.png and depth_mm.png'),
            ('road', 'folder of images and depth'), ('output', 'folder for the trainings')):
        parser.add_argument(f'--{name}', required=True, type=Path, help=text)
    parser.add_argument('--seeds', type=int, default=3, help='(default: %(default)s)')
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    print(HEADER)
    print(markdown_row('before', [figures('zoed_mini_nk', options)]), flush=True)
    for name, changes in ROWS.items():
        seeds = range(FIRST_SEED, FIRST_SEED + options.seeds)
        print(markdown_row(name, [
            figures(trained(name, changes, seed, options.output), options) for seed in seeds]),
            flush=True)


if __name__ == '__main__':
    main()
