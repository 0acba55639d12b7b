# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Soak test of the node: a camera at a steady rate, latency and memory minute by minute.

    PYTHONPATH=. .venv/bin/python benchmarks/soak.py --minutes 10 --rate 30

The node is a process of its own; this process is the camera and the listener.
"""

from __future__ import annotations

import argparse

from live_node import Camera
from live_node import middleware
from live_node import resident_mb
from live_node import running_node
from live_node import spin
from live_node import wait_for_answers
import numpy as np

MINUTE_S = 60.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--minutes', type=int, default=10)
    parser.add_argument('--rate', type=float, default=30.0)
    parser.add_argument('--model', default='zoed_mini_nk')
    options = parser.parse_args()
    remapped = '-r', 'image:=/camera/image', '-r', 'camera_info:=/camera/camera_info'
    with middleware(87), running_node('-p', f'model:={options.model}', *remapped) as node:
        camera = Camera('camera', '/depth_node/points', options.rate)
        wait_for_answers([camera])
        print('minute  sent  clouds  p50 ms  p99 ms  node memory MB', flush=True)
        start_s = camera.answered_s[0]
        for minute in range(options.minutes):
            end_s = start_s + MINUTE_S
            spin([camera], end_s)
            sent = sum(start_s <= at_s < end_s for at_s in camera.sent_s)
            latencies = camera.latencies_between(start_s, end_s)
            p50, p99 = np.percentile(latencies, (50, 99))
            print(f'{minute:6d} {sent:5d} {len(latencies):7d} {p50:7.1f} {p99:7.1f} '
                  f'{resident_mb(node.pid):15.1f}', flush=True)
            start_s = end_s
    print(f'node exited with code {node.returncode}')


if __name__ == '__main__':
    main()
