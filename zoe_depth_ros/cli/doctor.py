# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""`zoe_depth doctor`."""

from __future__ import annotations

from argparse import ArgumentParser
from argparse import Namespace
import sys

from zoe_depth_ros.errors import ZoeDepthError


def add_options(parser: ArgumentParser) -> None:
    """Add the options of `zoe_depth doctor`."""
    parser.add_argument(
        '--node', default='', metavar='NAME', help='depth node to look at (default: every one)')
    parser.add_argument(
        '--seconds', type=float, default=3.0, help='how long to listen (default: %(default)s)')
    parser.add_argument(
        '--image', default='', metavar='TOPIC',
        help='where its images should come from (default: what it subscribes to)')
    parser.add_argument(
        '--camera-info', default='', metavar='TOPIC',
        help='where its calibration should come from (default: what it subscribes to)')
    parser.add_argument(
        '--stvl', action='store_true',
        help='print a parameter file for STVL with the fields of view of the running camera; all '
        'else goes to stderr')


def run(options: Namespace) -> int:
    """Say what is wrong with a running depth node and the topics around it."""
    try:
        from zoe_depth_ros.ros.doctor.examine import examine
        from zoe_depth_ros.ros.doctor.options import DoctorOptions
    except ModuleNotFoundError as error:
        raise ZoeDepthError(
            f'the doctor needs {error.name}, which is not installed here: source the setup file '
            'of ROS 2 and of the workspace') from error
    examination = examine(DoctorOptions(
        options.node, options.seconds, options.image, options.camera_info, options.stvl))
    out = sys.stderr if options.stvl else sys.stdout
    for line in examination.seen:
        print(line, file=out)
    for finding in examination.findings:
        print(f'{finding.severity}: {finding.what}: {finding.remedy}', file=out)
    if examination.is_well:
        print('nothing is wrong', file=out)
    print(examination.stvl, end='')
    return 0 if examination.is_well else 1
