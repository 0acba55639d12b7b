# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""`zoe_depth bag`."""

from __future__ import annotations

from argparse import ArgumentParser
from argparse import Namespace
from pathlib import Path
import sys
from typing import TYPE_CHECKING

from zoe_depth_ros.cli.node_options import add_node_options
from zoe_depth_ros.cli.node_options import node_config_of

if TYPE_CHECKING:
    from zoe_depth_ros.offline.config import OfflineConfig
    from zoe_depth_ros.offline.report import BagReport
    from zoe_depth_ros.offline.report import RunReport

INTERRUPTED = 130


def add_options(parser: ArgumentParser) -> None:
    """Add the options of `zoe_depth bag`."""
    parser.add_argument(
        'path', type=Path, nargs='+', help='bag of ROS 2 or ROS 1, or folder with such bags')
    parser.add_argument(
        '--output', type=Path, required=True,
        help='folder for the new bags; a run that was cut short goes on from there')
    parser.add_argument(
        '--image', action='append', default=[], metavar='TOPIC',
        help='image topic, several times for several cameras (default: the only one)')
    parser.add_argument(
        '--range', default='', metavar='TOPIC',
        help='LaserScan, PointCloud2 or Range topic that scale.source=range compares with '
        '(default: the only one)')
    parser.add_argument(
        '--keep', nargs='+', default=['all'], metavar='TOPIC',
        help='topics to copy: all, none or their names (default: all)')
    parser.add_argument(
        '--image-rect', default='auto', metavar='WHEN',
        help='write the image that depth belongs to: auto, always or never (default: auto, where '
        'it is not the recorded one)')
    parser.add_argument('--storage', default='mcap', help='mcap or sqlite3 (default: mcap)')
    parser.add_argument(
        '--export', nargs='+', default=[], metavar='FORMAT',
        help='files to write besides: png npz exr ply mp4 dataset')
    add_node_options(parser)
    parser.add_argument(
        '--batch', type=int, default=1,
        help='frames that go through the network together (default: %(default)s)')
    parser.add_argument(
        '--segment', type=float, default=60.0, metavar='SECONDS',
        help='of recording in one file of the output (default: %(default)s)')
    parser.add_argument(
        '--warm-up', type=float, default=5.0, metavar='SECONDS',
        help='of recording before each file in which domain and scale are followed already, so '
        'that they go on where the file before ends (default: %(default)s)')
    parser.add_argument(
        '--ray', nargs='?', const='', metavar='ADDRESS',
        help='spread the work over a Ray cluster (default: the one that runs here, or else the '
        'GPUs of this machine)')
    parser.add_argument('--force', action='store_true', help='replace outputs that exist')


def run(options: Namespace) -> int:
    """Write bags again with metric depth for every image."""
    from tqdm import tqdm

    from zoe_depth_ros.offline.job import Progress
    from zoe_depth_ros.offline.run import PAGE
    from zoe_depth_ros.offline.run import run_offline
    shown: list[str] = []
    with tqdm(unit=' frames', disable=None) as bar:
        def show(progress: Progress) -> None:
            if progress.bag not in shown:
                shown.append(progress.bag)
                bar.reset(progress.total)
                bar.initial = bar.n = progress.frames - 1  # an earlier run did those
            bar.set_description(progress.bag, refresh=False)
            bar.set_postfix(dropped=progress.dropped, refresh=False)
            bar.update(progress.frames - bar.n)
        try:
            report = run_offline(
                options.path, options.output, _config(options), force=options.force,
                on_progress=show, ray=options.ray)
        except KeyboardInterrupt as interrupt:
            told = '; '.join(('interrupted', *interrupt.args, 'start it again to go on'))
            print(told, file=sys.stderr)
            return INTERRUPTED
    _print(report)
    print(f'{options.output / PAGE} shows it')
    return 0 if report.is_whole else 1


def _config(options: Namespace) -> OfflineConfig:
    from zoe_depth_ros.offline.config import OfflineConfig
    return OfflineConfig(
        node_config_of(options), tuple(options.image), tuple(options.keep), tuple(options.export),
        options.range, options.storage, options.batch, options.image_rect, options.segment,
        options.warm_up)


def _print(report: RunReport) -> None:
    for bag in report.bags:
        print(_line(bag))
        for problem in bag.work.problems:
            print(f'  {problem}')
        for item in bag.work.dropped:
            print(f'  {item.topic}: {item.count} dropped, {item.kind}: {item.example}')
        for camera in bag.work.cameras:
            if camera.unscaled:
                print(f'  {camera.topic}: scale unknown in {camera.unscaled} of '
                      f'{camera.estimated} frames: {camera.scale_problem}')
        for topic in bag.work.topics:
            if topic.recorded is not None and topic.read < topic.recorded:
                print(f'  {topic.topic}: {topic.read} of {topic.recorded} messages read')
    for failure in report.failures:
        print(f'{failure.source}: {failure.reason}')


def _line(bag: BagReport) -> str:
    work = bag.work
    rate = f', {work.estimated / work.wall_s:.1f} frames/s' if work.wall_s else ''
    return f'{bag.name}: depth for {work.estimated} of {work.frames} frames{rate}'
