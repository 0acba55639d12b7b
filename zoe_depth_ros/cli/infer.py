# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""`zoe_depth infer`."""

from __future__ import annotations

from argparse import ArgumentParser
from argparse import Namespace
from pathlib import Path
import sys
from typing import TYPE_CHECKING

from zoe_depth_ros.cli.node_options import add_node_options
from zoe_depth_ros.cli.node_options import node_config_of

if TYPE_CHECKING:
    from zoe_depth_ros.inference import DepthMap


def add_options(parser: ArgumentParser) -> None:
    """Add the options of `zoe_depth infer`."""
    parser.add_argument('image', type=Path, nargs='+', help='photo: JPEG, PNG or the like')
    parser.add_argument('--output', type=Path, required=True, help='folder for what is made')
    parser.add_argument(
        '--fov', type=float, metavar='DEG',
        help='horizontal field of view of the photos (default: what they tell)')
    add_node_options(parser)
    parser.add_argument('--force', action='store_true', help='replace outputs that exist')


def run(options: Namespace) -> int:
    """Write the depth of photos in colours, in millimetres and as clouds."""
    from zoe_depth_ros.errors import ImageError
    from zoe_depth_ros.inference import DepthEstimator
    from zoe_depth_ros.model.checkpoint import load_model
    from zoe_depth_ros.offline.photos import plan_photos
    from zoe_depth_ros.offline.photos import process_photo
    config = node_config_of(options, points__max_points=0)
    jobs = plan_photos(options.image, options.output, force=options.force)
    estimator = DepthEstimator(
        load_model(config.model), config.estimator, with_std_dev=config.points.needs_std_dev)
    without_camera, is_whole = [], True
    for job in jobs:
        try:
            depth = process_photo(job, estimator, config, options.fov)
        except ImageError as error:
            print(error, file=sys.stderr)
            is_whole = False
            continue
        print(_line(job.path, depth))
        if depth.camera is None:
            without_camera.append(str(job.path))
    if without_camera:
        print(
            f'no PLY, since --fov is not given and no focal length is in '
            f'{", ".join(without_camera)}', file=sys.stderr)
    return 0 if is_whole else 1


def _line(path: Path, depth: DepthMap) -> str:
    import numpy as np
    known_m = depth.depth_m[np.isfinite(depth.depth_m)]
    distance = f'median {np.median(known_m):.2f} m' if known_m.size else 'no depth known'
    return f'{path}: {depth.domain} {100 * depth.domain_probability:.0f} %, {distance}'
