# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The command line: `zoe_depth COMMAND ...`."""

from __future__ import annotations

from argparse import ArgumentParser
from argparse import Namespace
from collections.abc import Sequence
from dataclasses import replace
import logging
from pathlib import Path
import sys

from zoe_depth_ros.errors import ZoeDepthError


def add_demo(parser: ArgumentParser) -> None:
    """Add the options of `zoe_depth demo`."""
    parser.add_argument('--bag', type=Path, help='bag to play (default: a generated drive)')
    parser.add_argument('--image', help='its image topic, where it has several')
    parser.add_argument('--model', default='zoed_mini_nk', help='weights (default: %(default)s)')
    parser.add_argument(
        '--output', type=Path, default=Path('demo_output'),
        help='folder for bag and pictures (default: %(default)s)')
    parser.add_argument(
        '--seconds', type=float, help='how much to play (default: all; 12 of a generated drive)')
    parser.add_argument(
        '--fps', type=float, default=15.0,
        help='images a second of a generated drive (default: %(default)s)')


def run_demo_command(options: Namespace) -> None:
    """Play a bag to a live depth node and print what comes out."""
    from zoe_depth_ros.demo.report import format_report
    from zoe_depth_ros.demo.run import DemoOptions
    from zoe_depth_ros.demo.run import run_demo
    print(format_report(run_demo(DemoOptions(
        options.bag, options.image, options.model, options.output, options.seconds,
        options.fps))))
    print(f'\nbag and pictures are in {options.output}')


def add_worlds(parser: ArgumentParser) -> None:
    """Add the options of `zoe_depth worlds`."""
    parser.add_argument(
        '--seeds', type=int, nargs='+', default=list(range(8)), metavar='SEED',
        help='worlds to draw (default: 0 to 7)')
    parser.add_argument(
        '--output', type=Path, default=Path('worlds.png'),
        help='picture to write (default: %(default)s)')


def run_worlds_command(options: Namespace) -> None:
    """Draw random worlds and their exact depth into one picture."""
    from zoe_depth_ros.demo.contact_sheet import paint_worlds
    paint_worlds(options.seeds, options.output)


def add_train(parser: ArgumentParser) -> None:
    """Add the options of `zoe_depth train`."""
    parser.add_argument('config', type=Path, help='YAML file, as in config/train')
    parser.add_argument(
        '--output', type=Path, required=True,
        help='folder for weights and state; a run that was cut short goes on from there')
    parser.add_argument('--init', help="weights to start from, in place of the file's")


def run_train_command(options: Namespace) -> None:
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


def add_evaluate(parser: ArgumentParser) -> None:
    """Add the options of `zoe_depth evaluate`."""
    parser.add_argument(
        'model', nargs='?', default='zoed_mini_nk', help='weights (default: %(default)s)')
    parser.add_argument(
        '--worlds', type=int, default=200, help='how many worlds (default: %(default)s)')
    parser.add_argument(
        '--size', type=int, nargs=2, default=(192, 256), metavar=('HEIGHT', 'WIDTH'),
        help='of the images (default: 192 256)')
    parser.add_argument('--mode', default='robot', help='robot, reference or paper')


def run_evaluate_command(options: Namespace) -> None:
    """Compare estimated with exact depth on worlds that were never trained on."""
    from tqdm import tqdm

    from zoe_depth_ros.evaluation import evaluate
    from zoe_depth_ros.evaluation import world_samples
    from zoe_depth_ros.inference import DepthEstimator
    estimator = DepthEstimator.from_pretrained(options.model, mode=options.mode)
    samples = world_samples(range(options.worlds), tuple(options.size))
    print('domain   images  router     d1     d2     d3    REL  RMSE m  log10  SILog')
    for report in evaluate(estimator, tqdm(samples, total=options.worlds, leave=False)):
        m = report.metrics
        print(f'{report.domain:8s} {report.images:6d} {report.router_accuracy:7.3f} {m.d1:6.3f} '
              f'{m.d2:6.3f} {m.d3:6.3f} {m.rel:6.3f} {m.rmse:7.3f} {m.log10:6.3f} '
              f'{m.silog:6.2f}')


COMMANDS = {
    'demo': (add_demo, run_demo_command),
    'worlds': (add_worlds, run_worlds_command),
    'train': (add_train, run_train_command),
    'evaluate': (add_evaluate, run_evaluate_command),
}


def main(args: Sequence[str] | None = None) -> int:
    """Run a command; return 0, or 2 after an error, which goes to stderr in one line."""
    logging.basicConfig(level=logging.WARNING)
    parser = ArgumentParser(prog='zoe_depth', description='Metric depth from one camera.')
    commands = parser.add_subparsers(required=True, metavar='COMMAND')
    for name, (add_options, run) in COMMANDS.items():
        command = commands.add_parser(name, help=run.__doc__, description=run.__doc__)
        add_options(command)
        command.set_defaults(run=run)
    options = parser.parse_args(args)
    try:
        options.run(options)
    except ZoeDepthError as error:
        print(f'zoe_depth: {" ".join(str(error).split())}', file=sys.stderr)
        return 2
    return 0


if __name__ == '__main__':
    sys.exit(main())
