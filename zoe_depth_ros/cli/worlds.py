# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""`zoe_depth worlds`."""

from __future__ import annotations

from argparse import ArgumentParser
from argparse import Namespace
from pathlib import Path


def add_options(parser: ArgumentParser) -> None:
    """Add the options of `zoe_depth worlds`."""
    parser.add_argument(
        '--seeds', type=int, nargs='+', default=list(range(8)), metavar='SEED',
        help='worlds to draw (default: 0 to 7)')
    parser.add_argument(
        '--output', type=Path, default=Path('worlds.png'),
        help='picture to write (default: %(default)s)')


def run(options: Namespace) -> None:
    """Draw random worlds and their exact depth into one picture."""
    from zoe_depth_ros.demo.contact_sheet import paint_worlds
    paint_worlds(options.seeds, options.output)
