# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""`zoe_depth evaluate`."""

from __future__ import annotations

from argparse import ArgumentParser
from argparse import Namespace
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from zoe_depth_ros.config import DOMAINS
from zoe_depth_ros.errors import ConfigError

if TYPE_CHECKING:
    from zoe_depth_ros.datasets import Source
    from zoe_depth_ros.evaluation import EvaluationOptions
    from zoe_depth_ros.evaluation import EvaluationReport
    from zoe_depth_ros.evaluation import Preset
    from zoe_depth_ros.inference import DepthEstimator

OF_RECORDED = ('frames', 'domain', 'crop', 'mask')
SOURCE_OPTIONS = {
    'worlds': ('first_seed', 'size'),
    'list': ('root', 'depth_root', 'depth_scale', *OF_RECORDED),
    'folder': ('depth_scale', *OF_RECORDED),
    'bag': ('image', 'depth', *OF_RECORDED)}
WORLD_SIZE_HW = (192, 256)


def add_options(parser: ArgumentParser) -> None:
    """Add the options of `zoe_depth evaluate`."""
    parser.add_argument(
        'model', nargs='?', default='zoed_mini_nk', help='weights (default: %(default)s)')
    _add_source_options(parser)
    parser.add_argument(
        '--preset', help='benchmark of the paper whose rules apply, and whose published figures '
        'are shown: nyu, sun, ibims, diode_indoor, hypersim, kitti, vkitti2, ddad, diml or '
        'diode_outdoor')
    parser.add_argument(
        '--mode', help='robot, reference or paper (default: paper with a preset, else robot)')
    scaling = parser.add_mutually_exclusive_group()
    scaling.add_argument(
        '--median', action='store_true', help='scale each prediction to the median of its truth')
    scaling.add_argument(
        '--one-scale', action='store_true',
        help='evaluate once more, after the one scale factor that fits all images best')
    parser.add_argument(
        '--route', default='router',
        help='router; label: the domain of the data chooses the head; or mixed: all heads, by the '
        "router's probabilities (default: %(default)s)")
    parser.add_argument('--device', default='auto', help='auto, cpu or cuda:N')
    parser.add_argument(
        '--output', type=Path,
        help='folder for report.json, table.txt, worst.png and sparsification.png')
    parser.add_argument(
        '--calibrated', type=Path, metavar='FILE',
        help='store the weights there with the factor found for the standard deviation of each '
        'metric head; with --route label')


def run(options: Namespace) -> None:
    """Compare estimated depth with true depth: of generated worlds, files or a bag."""
    from zoe_depth_ros.evaluation import EvaluationOptions
    from zoe_depth_ros.evaluation import find_preset
    from zoe_depth_ros.evaluation import format_table
    from zoe_depth_ros.evaluation import write_calibrated
    from zoe_depth_ros.evaluation import write_outputs
    if options.calibrated and options.median:
        raise ConfigError('--calibrated is for depth as it is, not for --median')
    if options.calibrated and options.route != 'label':
        raise ConfigError(
            f'--calibrated is for --route label, not {options.route}: each head is to be judged '
            f'by its own domain')
    preset = find_preset(options.preset) if options.preset else None
    source = _open_source(options, preset)
    estimator = _open_estimator(options)
    rules = EvaluationOptions(
        preset=preset, route=options.route, median=options.median, skip_bad=options.skip_bad)
    reports = [_evaluate(estimator, source, rules)]
    if options.one_scale:
        rules = replace(rules, scale=reports[0].fitting_scale)
        reports.append(_evaluate(estimator, source, rules))
    print('\n\n'.join(format_table(report) for report in reports))
    if options.output:
        write_outputs(options.output, reports, options.model, estimator)
    if options.calibrated:
        write_calibrated(options.calibrated, options.model, reports[0])


def _add_source_options(parser: ArgumentParser) -> None:
    kinds = parser.add_mutually_exclusive_group()
    kinds.add_argument(
        '--worlds', type=int, default=200, metavar='N',
        help='generated worlds, indoors and outdoors in turn (default: %(default)s)')
    kinds.add_argument('--list', metavar='FILE', help='text file of `image depth focal` lines')
    kinds.add_argument('--folder', metavar='DIR', help='folder with images/ and depth/')
    kinds.add_argument('--bag', help='bag with an image and a depth topic')
    parser.add_argument(
        '--first-seed', type=int, metavar='N',
        help='of the worlds; the shipped weights were calibrated on those from 100000 and trained '
        'on those from 1000000 on (default: 0)')
    parser.add_argument(
        '--size', type=int, nargs=2, metavar=('HEIGHT', 'WIDTH'),
        help='of the worlds (default: {} {})'.format(*WORLD_SIZE_HW))
    parser.add_argument('--root', default='', metavar='DIR', help='where paths in the list start')
    parser.add_argument(
        '--depth-root', default='', metavar='DIR', help='where paths of depth start, if elsewhere')
    parser.add_argument('--image', default='', metavar='TOPIC', help='image topic of the bag')
    parser.add_argument('--depth', default='', metavar='TOPIC', help='depth topic of the bag')
    parser.add_argument(
        '--frames', default='', metavar='START:STOP', help='which images of a list, folder or bag')
    parser.add_argument(
        '--domain', choices=DOMAINS,
        help="what a list, folder or bag shows (default: the preset's, or indoor)")
    parser.add_argument(
        '--depth-scale', type=float, metavar='N',
        help="integers a metre in depth files (default: the preset's, or 1000)")
    parser.add_argument(
        '--crop', default='', choices=('kb',), help='part of the images that is looked at')
    parser.add_argument(
        '--mask', default='', choices=('eigen', 'garg'),
        help='part of the truth that counts, after the crop')
    parser.add_argument(
        '--skip-bad', action='store_true', help='leave out images that cannot be used')


def _open_source(options: Namespace, preset: Preset | None) -> Source:
    from zoe_depth_ros.datasets import DatasetConfig
    from zoe_depth_ros.datasets import open_source
    from zoe_depth_ros.evaluation import AlternatingWorlds
    kind = next(
        (kind for kind in ('list', 'folder', 'bag') if getattr(options, kind)), 'worlds')
    _refuse_of_other_kinds(options, kind)
    if kind == 'worlds':
        if preset:
            raise ConfigError(f'preset = {preset.name!r} needs a list, folder or bag')
        return AlternatingWorlds(
            options.worlds, tuple(options.size or WORLD_SIZE_HW), options.first_seed or 0)
    if preset:
        _refuse_beside_preset(options, preset)
    scale = preset.depth_scale if preset else 1000.0
    dataset = DatasetConfig(
        kind=kind, path=getattr(options, kind), root=options.root, depth_root=options.depth_root,
        domain=options.domain or 'indoor', frames=options.frames, crop=options.crop,
        mask=options.mask, image_topic=options.image, depth_topic=options.depth,
        depth_scale=scale if options.depth_scale is None else options.depth_scale)
    return open_source(preset.applied_to(dataset) if preset else dataset)


def _refuse_of_other_kinds(options: Namespace, kind: str) -> None:
    for name in dict.fromkeys(chain(*SOURCE_OPTIONS.values())):
        value = getattr(options, name)
        if name in SOURCE_OPTIONS[kind] or value in (None, ''):
            continue
        owners = ', '.join(f'--{one}' for one, names in SOURCE_OPTIONS.items() if name in names)
        raise ConfigError(f'--{name.replace("_", "-")} {value} is for {owners}, not for --{kind}')


def _refuse_beside_preset(options: Namespace, preset: Preset) -> None:
    for name, own in (
            ('domain', preset.domain), ('crop', preset.image_crop), ('mask', preset.crop)):
        if getattr(options, name) not in (None, '', own):
            raise ConfigError(
                f'--{name} {getattr(options, name)}: preset {preset.name} has {own or "none"}')


def _open_estimator(options: Namespace) -> DepthEstimator:
    from zoe_depth_ros.inference import DepthEstimator
    mode = options.mode or ('paper' if options.preset else 'robot')
    # The reference evaluation resamples depth once, from the network's size to the truth's.
    size = 'network' if mode == 'paper' else 'image'
    return DepthEstimator.from_pretrained(
        options.model, mode=mode, device=options.device, output_size=size)


def _evaluate(
    estimator: DepthEstimator, source: Source, options: EvaluationOptions,
) -> EvaluationReport:
    from tqdm import tqdm

    from zoe_depth_ros.evaluation import evaluate
    with tqdm(desc='evaluating', total=len(source), unit=' images', leave=False) as bar:
        return evaluate(estimator, source, options, bar.update)
