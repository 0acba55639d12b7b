# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""`zoe_depth evaluate`."""

from __future__ import annotations

from argparse import ArgumentParser
from argparse import Namespace


def add_options(parser: ArgumentParser) -> None:
    """Add the options of `zoe_depth evaluate`."""
    parser.add_argument(
        'model', nargs='?', default='zoed_mini_nk', help='weights (default: %(default)s)')
    parser.add_argument(
        '--worlds', type=int, default=200, help='how many worlds (default: %(default)s)')
    parser.add_argument(
        '--size', type=int, nargs=2, default=(192, 256), metavar=('HEIGHT', 'WIDTH'),
        help='of the images (default: 192 256)')
    parser.add_argument('--mode', default='robot', help='robot, reference or paper')


def run(options: Namespace) -> None:
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
