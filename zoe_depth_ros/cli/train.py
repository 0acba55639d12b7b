# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""`zoe_depth train`."""

from __future__ import annotations

from argparse import ArgumentParser
from argparse import Namespace
import os
from pathlib import Path
from typing import TYPE_CHECKING

from zoe_depth_ros.config import DOMAINS
from zoe_depth_ros.errors import ConfigError

if TYPE_CHECKING:
    from zoe_depth_ros.training.config import TrainConfig
    from zoe_depth_ros.training.plan import TrainPlan

BAG_CONFIG = 'finetune_bag.yaml'
OF_BAGS = ('image', 'depth', 'frames', 'domain')


def add_options(parser: ArgumentParser) -> None:
    """Add the options of `zoe_depth train`."""
    parser.add_argument(
        'config', type=Path, nargs='?',
        help='YAML file, as in config/train (default with --bag: finetune_bag.yaml)')
    parser.add_argument(
        '--output', type=Path, default=Path('trained'),
        help='folder for weights and state; a run that was cut short goes on from there '
        '(default: %(default)s)')
    parser.add_argument('--init', help="weights to start from, in place of the file's")
    parser.add_argument(
        '--set', action='append', default=[], metavar='OPTION=VALUE', dest='changes',
        help="an option in place of the file's, e.g. steps=300 or augment.zoom=1.5; repeatable")
    parser.add_argument(
        '--dry-run', action='store_true',
        help='check all data, print what would be done, and stop')
    parser.add_argument(
        '--skip-bad', action='store_true',
        help='leave out images that cannot be read or have no depth, and count them')
    bags = parser.add_argument_group('learning from bags')
    bags.add_argument(
        '--bag', type=Path, action='append', default=[], dest='bags',
        help="bag with images and depth, in place of the file's data sets; repeatable")
    bags.add_argument('--image', default='', help='image topic, where a bag has several')
    bags.add_argument('--depth', default='', help='depth topic, where a bag has several')
    bags.add_argument('--frames', default='', metavar='START:STOP', help='images to use')
    bags.add_argument('--domain', choices=DOMAINS, help='of the bags (default: indoor)')


def run(options: Namespace) -> int:
    """Train a network, or fine-tune one on recorded images with depth."""
    from tqdm import tqdm

    from zoe_depth_ros.training.engine import train
    from zoe_depth_ros.training.run import StepReport
    config = _configuration(options)
    is_first = os.environ.get('RANK', '0') == '0'  # of the processes that torchrun started
    if options.dry_run:
        return _print_plan(config) if is_first else 0
    with tqdm(
            desc='reading data', total=config.steps, unit=' steps', disable=not is_first) as bar:
        def show(step: StepReport) -> None:
            bar.set_description('training', refresh=False)
            bar.set_postfix(
                metric=step.metric, router=step.router, relative=step.relative,
                skipped=step.skipped_images, refresh=False)
            bar.update(step.number - bar.n)
        path = train(config, options.output, show)
    if is_first:
        print(path)
    return 0


def _configuration(options: Namespace) -> TrainConfig:
    from dataclasses import replace

    from zoe_depth_ros.datasets import DatasetConfig
    from zoe_depth_ros.training.config import read_train_config
    from zoe_depth_ros.training.config import shipped_config
    if options.config is None and not options.bags:
        raise ConfigError('a YAML file or --bag must say what to learn from')
    config = read_train_config(options.config or shipped_config(BAG_CONFIG), options.changes)
    if options.init:
        config = replace(config, init=options.init)
    if options.bags:
        config = replace(config, datasets=tuple(
            DatasetConfig(
                kind='bag', path=str(path), image_topic=options.image, depth_topic=options.depth,
                frames=options.frames, domain=options.domain or 'indoor')
            for path in options.bags))
    else:
        _refuse_without_bag(options)
    if options.skip_bad:
        datasets, validation = (
            tuple(replace(dataset, skip_bad=True) for dataset in data)
            for data in (config.datasets, config.validation))
        config = replace(config, datasets=datasets, validation=validation)
    return config


def _refuse_without_bag(options: Namespace) -> None:
    for name in OF_BAGS:
        if value := getattr(options, name):
            raise ConfigError(f'--{name} {value} is of bags, and there is no --bag')


def _print_plan(config: TrainConfig) -> int:
    from zoe_depth_ros.training.plan import plan_training
    plan = plan_training(config)
    print(_described(config, plan))
    for problem in plan.problems:
        print(f'problem: {problem}')
    return 2 if plan.problems else 0


def _described(config: TrainConfig, plan: TrainPlan) -> str:
    size = ' at {}x{}'.format(*plan.size_hw) if plan.size_hw else ''
    lines = [
        f'{config.stage} stage, {config.steps} steps of {config.batch_size} images '
        f'({config.batches}){size}', f'begins with {_beginning(config)}', '',
        'data set                          images  images a step    epochs']
    lines += [f'{one.name:32s} {one.images:7d} {one.images_a_step:14.2f} {one.epochs:9.2f}'
              for one in plan.datasets]
    lines += ['', 'parameters  tensors      weights  learning rate  weight decay']
    lines += [f'{one.name:10s} {one.tensors:8d} {one.weights:12d} {one.learning_rate:14.3g} '
              f'{one.weight_decay:13.3g}' for one in plan.groups]
    return '\n'.join([*lines, '', f'loss of the first batch {plan.first_loss:.4f}'])


def _beginning(config: TrainConfig) -> str:
    if not config.init:
        return 'random weights'
    parts = '' if config.init_parts == 'all' else config.init_parts.replace('_', ' and ') + ' of '
    return f'{parts}{config.init}'
