# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Rows of an ablation: train every configuration with several seeds, judge it on held-out worlds.

    PYTHONPATH=. .venv/bin/python benchmarks/ablation.py config/train/ablation_*.yaml \
        --init STAGE_1.safetensors --output RUNS

A configuration with `init_parts: encoder_decoder` starts from the weights of --init, any other
from random ones. Each finished seed is kept as OUTPUT/NAME_SEED.json and not run again, and an
interrupted one goes on where its training saved its state.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import asdict
from dataclasses import astuple
from dataclasses import dataclass
from dataclasses import replace
import json
from pathlib import Path
import shutil
import statistics
import sys

import cv2
import numpy as np
from tqdm import tqdm

from zoe_depth_ros.datasets import DatasetConfig
from zoe_depth_ros.datasets import open_source
from zoe_depth_ros.evaluation import AlternatingWorlds
from zoe_depth_ros.evaluation import evaluate
from zoe_depth_ros.evaluation import EvaluationOptions
from zoe_depth_ros.inference import DepthEstimator
from zoe_depth_ros.model.checkpoint import load_model
from zoe_depth_ros.training.config import read_train_config
from zoe_depth_ros.training.config import TrainConfig
from zoe_depth_ros.training.engine import train

HEADER = """\
| row | indoor d1 | indoor REL | outdoor d1 | outdoor REL | router |
|---|---|---|---|---|---|"""


@dataclass(frozen=True)
class Score:
    """One trained network on held-out worlds; its router, if it has one, over both domains."""

    indoor_d1: float
    indoor_rel: float
    outdoor_d1: float
    outdoor_rel: float
    router: float | None


def score(weights: Path, worlds: int, size_hw: tuple[int, int], route: str) -> Score:
    """Evaluate as `zoe_depth evaluate --worlds` does, on worlds that no training uses."""
    estimator = DepthEstimator(load_model(weights), with_std_dev=False)
    indoor, outdoor = evaluate(
        estimator, AlternatingWorlds(worlds, size_hw), EvaluationOptions(route=route)).domains
    router = (indoor.router_accuracy + outdoor.router_accuracy) / 2
    return Score(
        indoor.metrics.d1, indoor.metrics.rel, outdoor.metrics.d1, outdoor.metrics.rel,
        router if len(estimator.domains) > 1 else None)


def cached(dataset: DatasetConfig, cache: Path) -> DatasetConfig:
    """Render a data set of worlds into a folder, unless it is there; return the folder's."""
    height, width = dataset.size_hw
    folder = cache / f'{dataset.domain}_{height}x{width}_{dataset.first_seed}_{dataset.count}'
    if not folder.exists():
        unfinished = folder.with_name(f'{folder.name}.unfinished')
        for part in ('images', 'depth'):
            (unfinished / part).mkdir(parents=True, exist_ok=True)
        source = open_source(dataset)
        for number in tqdm(range(len(source)), f'rendering {folder}', leave=False):
            sample = source[number]
            cv2.imwrite(str(unfinished / 'images' / f'{number:06d}.png'), sample.rgb[..., ::-1])
            np.save(unfinished / 'depth' / f'{number:06d}.npy', sample.depth_m)
        unfinished.rename(folder)
    return replace(dataset, kind='folder', path=str(folder))


def finished_score(name: str, config: TrainConfig, places: argparse.Namespace) -> Score:
    """Return the score of one seed, from its file or by training."""
    result, run = places.output / f'{name}.json', places.output / name
    options = json.loads(json.dumps({**asdict(config), 'worlds': places.worlds}))
    if result.exists():
        kept = json.loads(result.read_text())
        if kept['options'] != options:
            sys.exit(f'{result} was made with other options: remove it or choose another --output')
        return Score(**kept['score'])
    datasets = tuple(cached(dataset, places.cache) for dataset in config.datasets)
    with tqdm(total=config.steps, desc=name, leave=False) as bar:
        weights = train(replace(config, datasets=datasets), run,
                        lambda step: bar.update(step.number - bar.n))
    route = 'mixed' if config.routing == 'auto' else 'router'  # as it was trained
    found = score(weights, places.worlds, config.datasets[0].size_hw, route)
    result.write_text(json.dumps({'score': asdict(found), 'options': options}, indent=1))
    shutil.rmtree(run)
    return found


def markdown_row(name: str, scores: Sequence[Score]) -> str:
    """Return mean and, of several seeds, standard deviation of each figure."""
    columns = zip(*map(astuple, scores), strict=True)
    return f'| {name} | {" | ".join(map(cell, columns))} |'


def cell(values: Sequence[float | None]) -> str:
    known = [value for value in values if value is not None]
    if not known:
        return '-'
    spread = f' ± {statistics.stdev(known):.3f}' if len(known) > 1 else ''
    return f'{statistics.mean(known):.3f}{spread}'


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument('configs', nargs='+', type=Path, metavar='CONFIG')
    parser.add_argument('--init', required=True, help='weights after relative pre-training')
    parser.add_argument('--output', required=True, type=Path, help='folder for results and states')
    parser.add_argument(
        '--cache', type=Path, default=Path('worlds'),
        help='folder for rendered training worlds, shared by all rows (default: ./%(default)s)')
    parser.add_argument('--seeds', type=int, default=3, help='(default: %(default)s)')
    parser.add_argument('--worlds', type=int, default=200, help='held out (default: %(default)s)')
    options = parser.parse_args(arguments)
    print(HEADER)
    for path in options.configs:
        config = read_train_config(path)
        if config.init_parts == 'encoder_decoder':
            config = replace(config, init=options.init)
        scores = [
            finished_score(f'{path.stem}_{seed}', replace(config, seed=seed), options)
            for seed in range(options.seeds)]
        print(markdown_row(path.stem, scores), flush=True)


if __name__ == '__main__':
    main()
