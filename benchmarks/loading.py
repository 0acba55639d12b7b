# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Images a second that loading gives and that training takes, one process each.

    PYTHONPATH=. .venv/bin/python benchmarks/loading.py
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
import time

import cv2
import numpy as np
import torch

from zoe_depth_ros.bag.encode import image_message
from zoe_depth_ros.bag.encode import Stamped
from zoe_depth_ros.bag.writer import BagWriter
from zoe_depth_ros.datasets import DatasetConfig
from zoe_depth_ros.datasets import open_source
from zoe_depth_ros.datasets import Source
from zoe_depth_ros.training.batches import Batches
from zoe_depth_ros.training.batches import load
from zoe_depth_ros.training.config import build_train_config
from zoe_depth_ros.training.config import TrainConfig
from zoe_depth_ros.training.processes import join_processes
from zoe_depth_ros.training.run import Run
from zoe_depth_ros.training.sources import open_sources


def write_files(source: Source, folder: Path) -> list[str]:
    """Write the images of a source as PNG files, and return the lines of their list."""
    (folder / 'images').mkdir()
    (folder / 'depth').mkdir()
    lines = []
    for number in range(len(source)):
        sample = source[number]
        depth_m = np.where(np.isfinite(sample.depth_m), sample.depth_m, 0).clip(max=65)
        names = f'images/{number:04d}.png', f'depth/{number:04d}.png'
        cv2.imwrite(str(folder / names[0]), sample.rgb[..., ::-1])
        cv2.imwrite(str(folder / names[1]), np.rint(1000 * depth_m).astype(np.uint16))
        lines.append(f'{names[0]} {names[1]} {sample.camera.fx}\n')
    return lines


def write_bag(source: Source, path: Path) -> None:
    with BagWriter(path) as bag:
        for number in range(len(source)):
            sample, header = source[number], Stamped(10**18 + number * 10**8, 'eye')
            bag.write(image_message('/image', sample.rgb, 'rgb8', header))
            bag.write(image_message('/depth', sample.depth_m, '32FC1', header))


def images_per_s(take: Callable[[], object], images: int, seconds: float) -> float:
    """Repeat something that uses some images for some seconds, after a first time."""
    take()
    start, done = time.perf_counter(), 0
    while time.perf_counter() < start + seconds:
        take()
        done += images
    return done / (time.perf_counter() - start)


def config_of(dataset: dict[str, object], options: argparse.Namespace) -> TrainConfig:
    return build_train_config({
        'datasets': [dataset], 'batch_size': options.batch_size, 'workers': 0,
        'steps': 100_000, 'size_hw': list(options.network), 'precision': options.precision,
        'device': options.device})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--image', type=int, nargs=2, default=(480, 640), metavar=('H', 'W'))
    parser.add_argument('--network', type=int, nargs=2, default=(96, 128), metavar=('H', 'W'))
    parser.add_argument('--batch-size', type=int, default=16)
    parser.add_argument('--precision', default='bf16')
    parser.add_argument('--device', default='auto')
    parser.add_argument('--seconds', type=float, default=8.0, help='for each line')
    options = parser.parse_args()
    torch.set_num_threads(1)
    size = list(options.image)
    stored = open_source(DatasetConfig(count=16, first_seed=0, size_hw=tuple(options.image)))
    with TemporaryDirectory() as name, join_processes(options.device) as process:
        folder = Path(name)
        (folder / 'list.txt').write_text(''.join(write_files(stored, folder)))
        write_bag(stored, folder / 'bag')
        kinds = {
            f'worlds {options.network[0]}x{options.network[1]}': {
                'kind': 'worlds', 'size_hw': list(options.network)},
            f'list {size[0]}x{size[1]}': {'kind': 'list', 'path': str(folder / 'list.txt')},
            f'folder {size[0]}x{size[1]}': {'kind': 'folder', 'path': name},
            f'bag {size[0]}x{size[1]}': {'kind': 'bag', 'path': str(folder / 'bag')}}
        run = Run(config_of({'kind': 'worlds'}, options), process)
        model, size_hw = run.model.config, run.size_hw
        parts = next(load(Batches(
            run.config, open_sources(run.config, model), model, size_hw), 0))
        trained = images_per_s(lambda: run.step(parts), options.batch_size, options.seconds)
        print(f'trained, {options.precision} on {process.device}: {trained:.1f} images/s\n')
        print('loaded from        images/s  over trained')
        for kind, dataset in kinds.items():
            config = config_of(dataset, options)
            batches = load(Batches(config, open_sources(config, model), model, size_hw), 0)
            loaded = images_per_s(
                lambda batches=batches: next(batches), options.batch_size, options.seconds)
            print(f'{kind:18s} {loaded:8.1f}  {loaded / trained:12.1f}')


if __name__ == '__main__':
    main()
