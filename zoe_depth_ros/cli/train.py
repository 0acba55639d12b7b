# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""`zoe_depth train`."""

from __future__ import annotations

from argparse import ArgumentParser
from argparse import Namespace
from dataclasses import replace
from pathlib import Path


def add_options(parser: ArgumentParser) -> None:
    """Add the options of `zoe_depth train`."""
    parser.add_argument('config', type=Path, help='YAML file, as in config/train')
    parser.add_argument(
        '--output', type=Path, required=True,
        help='folder for weights and state; a run that was cut short goes on from there')
    parser.add_argument('--init', help="weights to start from, in place of the file's")


def run(options: Namespace) -> None:
    """Train a network on random worlds."""
    from tqdm import tqdm

    from zoe_depth_ros.training.config import read_train_config
    from zoe_depth_ros.training.engine import train
    from zoe_depth_ros.training.engine import TrainStep
    config = read_train_config(options.config)
    if options.init:
        config = replace(config, init=options.init)
    with tqdm(desc='training', total=config.steps, unit=' steps') as bar:
        def show(step: TrainStep) -> None:
            bar.set_postfix(metric=step.metric, router=step.router, relative=step.relative)
            bar.update(step.number - bar.n)
        print(train(config, options.output, show))
