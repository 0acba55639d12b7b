# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Four cameras in one node against four nodes with a camera each.

    PYTHONPATH=. .venv/bin/python benchmarks/cameras.py --seconds 30 --rate 20

Every camera sends 640x480 images at the rate, more than can be answered; nodes are processes of
their own, the four with a share of the cores each, without which they would wait for each other;
this process is the cameras and the listener. Latency is from the stamp of an image to the arrival
of its cloud. Prints a Markdown table.
"""

from __future__ import annotations

import argparse
from contextlib import ExitStack
from dataclasses import astuple
from dataclasses import dataclass
import json
import os
import time

from live_node import Camera
from live_node import cpu_s
from live_node import middleware
from live_node import resident_mb
from live_node import running_node
from live_node import spin
from live_node import wait_for_answers
import numpy as np

NAMES = ('front', 'left', 'rear', 'right')
WARM_UP_S = 3.0


@dataclass(frozen=True)
class Figures:
    """What one way of running the cameras comes to."""

    all_hz: float
    slowest_hz: float
    fastest_hz: float
    p50_ms: float
    p99_ms: float
    cpu_ms: float
    memory_mb: float


def one_node() -> dict[str, tuple[list[str], list[str]]]:
    """Return {node: (its arguments, the topics of its clouds)}."""
    return {'depth_node': (
        ['-p', f'cameras:={json.dumps(NAMES)}'], [f'/depth_node/{name}/points' for name in NAMES])}


def four_nodes() -> dict[str, tuple[list[str], list[str]]]:
    """Return {node: (its arguments, the topics of its clouds)}."""
    return {f'depth_{name}': (
        ['-r', f'image:=/{name}/image', '-r', f'camera_info:=/{name}/camera_info'],
        [f'/depth_{name}/points']) for name in NAMES}


def measure(
    nodes: dict[str, tuple[list[str], list[str]]], options: argparse.Namespace,
) -> Figures:
    """Run nodes and their cameras for some time."""
    clouds = [topic for _, topics in nodes.values() for topic in topics]
    with ExitStack() as stack:
        processes = [
            stack.enter_context(running_node(
                '-r', f'__node:={node}', '-p', f'model:={options.model}', *arguments))
            for node, (arguments, _) in nodes.items()]
        cameras = [Camera(name, cloud, options.rate)
                   for name, cloud in zip(NAMES, clouds, strict=True)]
        wait_for_answers(cameras)
        spin(cameras, time.monotonic() + WARM_UP_S)
        start_s, spent_s = time.monotonic(), sum(cpu_s(process.pid) for process in processes)
        spin(cameras, start_s + options.seconds)
        spent_s = sum(cpu_s(process.pid) for process in processes) - spent_s
        memory_mb = sum(resident_mb(process.pid) for process in processes)
        for camera in cameras:
            camera.destroy_node()
    latencies_ms = [
        camera.latencies_between(start_s, start_s + options.seconds) for camera in cameras]
    counts = [len(of_camera) for of_camera in latencies_ms]
    p50_ms, p99_ms = np.percentile(np.concatenate(latencies_ms), (50, 99))
    return Figures(
        sum(counts) / options.seconds, min(counts) / options.seconds,
        max(counts) / options.seconds, p50_ms, p99_ms, spent_s / sum(counts) * 1e3, memory_mb)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--seconds', type=float, default=30.0)
    parser.add_argument('--rate', type=float, default=20.0, help='images a second and camera')
    parser.add_argument('--model', default='zoed_mini_nk')
    options = parser.parse_args()
    with middleware(88):
        together = astuple(measure(one_node(), options))
        os.environ['OMP_NUM_THREADS'] = str(max(1, (os.cpu_count() or 1) // len(NAMES)))
        apart = astuple(measure(four_nodes(), options))
    print('| | answered frames/s, all | least of a camera | most | p50 ms | p99 ms '
          '| processor ms a frame | memory MB |')
    print('|---' * 8 + '|')
    for name, row in (('one node, four cameras', together), ('four nodes, one camera', apart)):
        print(f'| {name} | ' + ' | '.join(f'{value:.1f}' for value in row) + ' |')
    print('| ratio | ' + ' | '.join(
        f'{a / b:.2f}' for a, b in zip(together, apart, strict=True)) + ' |')


if __name__ == '__main__':
    main()
