# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
What routing filter, clean clouds, ground and true scale are worth, in worlds of exact depth.

    PYTHONPATH=. .venv/bin/python benchmarks/trust.py [routing clouds cost ground lens ...]

Prints one Markdown table for each part that is named, all of them when none is.
"""

from __future__ import annotations

import argparse

import cv2
import torch
from trust_clouds import clouds
from trust_clouds import cost
from trust_clouds import ground
from trust_defaults import defaults
from trust_routing import routing
from trust_scale import height
from trust_scale import lens
from trust_scale import scale
from trust_shots import Bench
from trust_uncertainty import uncertainty

PARTS = {
    'routing': routing, 'clouds': clouds, 'cost': cost, 'ground': ground, 'lens': lens,
    'height': height, 'scale': scale, 'defaults': defaults, 'uncertainty': uncertainty}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('parts', nargs='*', metavar='part', help=', '.join(PARTS))
    parser.add_argument('--model', default='zoed_mini_nk')
    parser.add_argument('--drives', type=int, default=6, help='drives of each kind')
    parser.add_argument('--views', type=int, default=24, help='random views of a table row')
    options = parser.parse_args()
    if unknown := set(options.parts) - set(PARTS):
        parser.error(f'unknown part {", ".join(sorted(unknown))} (known: {", ".join(PARTS)})')
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    bench = Bench(options)
    for part in options.parts or PARTS:
        PARTS[part](bench)


if __name__ == '__main__':
    main()
