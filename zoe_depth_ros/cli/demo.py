# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""`zoe_depth demo`."""

from __future__ import annotations

from argparse import ArgumentParser
from argparse import Namespace
from pathlib import Path


def add_options(parser: ArgumentParser) -> None:
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


def run(options: Namespace) -> None:
    """Play a bag to a live depth node and print what comes out."""
    from zoe_depth_ros.demo.report import format_report
    from zoe_depth_ros.demo.run import DemoOptions
    from zoe_depth_ros.demo.run import run_demo
    print(format_report(run_demo(DemoOptions(
        options.bag, options.image, options.model, options.output, options.seconds,
        options.fps))))
    print(f'\nbag and pictures are in {options.output}')
