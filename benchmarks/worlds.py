# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""How many random worlds are built and rendered per second: python benchmarks/worlds.py --help."""

from __future__ import annotations

import argparse
from multiprocessing import get_context
import os
import time

import torch

from zoe_depth_ros.worlds import sample_worlds

PER_TASK = 8


def render(task: tuple[int, tuple[int, int], str]) -> float:
    """Return the processor time that PER_TASK frames take."""
    first, size_hw, domain = task
    start = time.process_time()
    sample_worlds(range(first, first + PER_TASK), size_hw, [domain] * PER_TASK)
    return time.process_time() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--size', type=int, nargs=2, default=(192, 256), metavar=('H', 'W'))
    parser.add_argument('--frames', type=int, default=400, help='frames per domain')
    parser.add_argument('--workers', type=int, default=os.cpu_count(), help='processes')
    args = parser.parse_args()
    with get_context('fork').Pool(args.workers, torch.set_num_threads, (1,)) as pool:
        for domain in ('indoor', 'outdoor'):
            firsts = range(0, args.frames, PER_TASK)
            tasks = [(first, tuple(args.size), domain) for first in firsts]
            pool.map(render, tasks[:2 * args.workers], chunksize=1)
            start = time.perf_counter()
            used = sum(pool.imap_unordered(render, tasks))
            passed, frames = time.perf_counter() - start, len(tasks) * PER_TASK
            print(f'{domain}: {frames / passed:.0f} frames/s with {args.workers} processes at '
                  f'{args.size[0]}x{args.size[1]}, {1000 * used / frames:.1f} ms of CPU per frame')


if __name__ == '__main__':
    main()
