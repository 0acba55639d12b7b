# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""`zoe_depth view`."""

from __future__ import annotations

from argparse import ArgumentParser
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zoe_depth_ros.view.run import ViewReport

WEB_PORT = 9090


def add_options(parser: ArgumentParser) -> None:
    """Add the options of `zoe_depth view`."""
    parser.add_argument('bag', type=Path, help='bag of ROS 2 or ROS 1')
    parser.add_argument(
        '--output', type=Path, help='file to write (default: BAG.rrd beside the bag)')
    parser.add_argument(
        '--every', type=int, default=1, metavar='N',
        help='show one of N frames (default: %(default)s)')
    parser.add_argument('--force', action='store_true', help='replace an output that exists')
    viewers = parser.add_mutually_exclusive_group()
    viewers.add_argument('--open', action='store_true', help='open it in the viewer')
    viewers.add_argument(
        '--web', type=int, nargs='?', const=WEB_PORT, metavar='PORT',
        help='serve it in the browser, on this machine (default port: %(const)s)')


def run(options: Namespace) -> int:
    """Write images, depth, clouds, poses and domains of a bag as a Rerun recording."""
    from tqdm import tqdm

    from zoe_depth_ros.view.run import recording_path
    from zoe_depth_ros.view.run import write_recording
    from zoe_depth_ros.view.viewer import open_viewer
    output = options.output or recording_path(options.bag)
    with tqdm(unit=' messages', disable=None) as bar:
        def show(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)
        report = write_recording(
            options.bag, output, every=options.every, force=options.force, on_progress=show)
    _print(report)
    if options.open or options.web is not None:
        open_viewer(output, options.web)
    return 0 if report.is_whole else 1


def _print(report: ViewReport) -> None:
    for topic, count in sorted(report.shown.items()):
        print(f'{topic}: {count} shown')
    for (topic, reason), count in sorted(report.dropped.items()):
        print(f'{topic}: {count} dropped, {reason}')
    for problem in report.problems:
        print(problem)
    size = f'{report.size_bytes / 1e6:.1f} MB'
    if report.frames:
        size += f', {report.size_bytes / report.frames / 1e6:.1f} MB a frame'
    print(f'the recording is {report.path}, {size}')
