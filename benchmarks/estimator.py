# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Frames a second of the estimator, one image at a time.

    PYTHONPATH=. .venv/bin/python benchmarks/estimator.py --network 192 256
"""

from __future__ import annotations

import argparse
import statistics
import time

import torch

from zoe_depth_ros.inference import DepthEstimator
from zoe_depth_ros.worlds import sample_worlds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--model', default='zoed_mini_nk')
    parser.add_argument('--image', type=int, nargs=2, default=(480, 640), help='height width')
    parser.add_argument('--network', type=int, nargs=2, default=(0, 0), help='height width')
    parser.add_argument('--device', default='auto')
    parser.add_argument('--precision', default='auto')
    parser.add_argument('--runs', type=int, default=30)
    options = parser.parse_args()
    estimator = DepthEstimator.from_pretrained(
        options.model, device=options.device, precision=options.precision,
        network_height=options.network[0], network_width=options.network[1])
    worlds = sample_worlds(seeds=range(2), size_hw=tuple(options.image))
    images = list((worlds.image.permute(0, 2, 3, 1) * 255).byte().numpy())
    seconds = []
    for run in range(options.runs):
        start = time.perf_counter()
        estimator.estimate(images[run % len(images)])
        seconds.append(time.perf_counter() - start)
    height, width = estimator.network_size_hw
    median = statistics.median(seconds)
    print(f'{options.model} on {estimator.device_name} in {estimator.precision}, '
          f'{torch.get_num_threads()} threads, image {options.image[1]}x{options.image[0]}, '
          f'network {width}x{height}: {median * 1e3:.1f} ms, {1 / median:.1f} frames/s')


if __name__ == '__main__':
    main()
