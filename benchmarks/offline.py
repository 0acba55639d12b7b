# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
How fast the bag tool is, and what share of its time the network does not take.

    PYTHONPATH=. .venv/bin/python benchmarks/offline.py path/to/bag
"""

from __future__ import annotations

import argparse
from pathlib import Path
import resource
from tempfile import TemporaryDirectory

import torch

from zoe_depth_ros.bag.encode import camera_info_message
from zoe_depth_ros.bag.encode import image_message
from zoe_depth_ros.bag.encode import Stamped
from zoe_depth_ros.bag.writer import BagWriter
from zoe_depth_ros.camera import Camera
from zoe_depth_ros.offline.config import node_config
from zoe_depth_ros.offline.config import OfflineConfig
from zoe_depth_ros.offline.run import run_offline
from zoe_depth_ros.worlds import sample_worlds

STEP_NS = 33_333_333


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('path', type=Path, nargs='?', help='bag (default: drawn images)')
    parser.add_argument('--model', default='zoed_mini_nk')
    parser.add_argument('--device', default='auto')
    parser.add_argument('--batch', type=int, default=1)
    parser.add_argument('--keep', nargs='+', default=['all'])
    parser.add_argument('--frames', type=int, default=100, help='drawn images')
    parser.add_argument('--image', type=int, nargs=2, default=(480, 640), help='height width')
    options = parser.parse_args()
    config = OfflineConfig(
        node_config({'model': options.model, 'device': options.device}),
        keep=tuple(options.keep), batch=options.batch)
    with TemporaryDirectory() as folder:
        path = options.path or drawn_bag(
            Path(folder) / 'drawn', options.frames, tuple(options.image))
        report = run_offline([path], Path(folder) / 'output', config)
    bag, = report.bags
    work = bag.work
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    print(
        f'{bag.name}: {work.estimated} frames, {options.model} on {options.device}, batch '
        f'{options.batch}, {torch.get_num_threads()} threads: '
        f'{work.estimated / work.wall_s:.1f} frames/s in {work.wall_s:.2f} s, '
        f'{1 - work.network_s / work.wall_s:.1%} of them not in the network; '
        f'peak memory {peak_mb:.0f} MB')


def drawn_bag(path: Path, frames: int, size_hw: tuple[int, int]) -> Path:
    """Write a bag of a few drawn images that take turns."""
    worlds = sample_worlds(seeds=range(4), size_hw=size_hw)
    images = list((worlds.image.permute(0, 2, 3, 1) * 255).byte().numpy())
    camera = Camera.from_fov(size_hw[1], size_hw[0], horizontal_fov_deg=60)
    with BagWriter(path) as bag:
        for number in range(frames):
            header = Stamped(10**18 + number * STEP_NS, 'camera_optical_frame')
            bag.write(camera_info_message('/camera/camera_info', camera, header))
            bag.write(image_message(
                '/camera/image_raw', images[number % len(images)], 'rgb8', header))
    return path


if __name__ == '__main__':
    main()
