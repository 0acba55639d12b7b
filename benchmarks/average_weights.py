# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
The mean of trained weights of one network, often better than each (arXiv 2203.05482).

    PYTHONPATH=. .venv/bin/python benchmarks/average_weights.py A/weights.safetensors \
        B/weights.safetensors mean.safetensors

They are to come of one run, or of one that goes on with the other's.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from zoe_depth_ros.errors import WeightsError
from zoe_depth_ros.model.checkpoint import load_checkpoint
from zoe_depth_ros.model.checkpoint import save_checkpoint


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('weights', type=Path, nargs='+')
    parser.add_argument('output', type=Path)
    options = parser.parse_args()
    if len(options.weights) < 2:  # or the output was left out, and is the last of the weights
        parser.error(f'two weights and an output are needed, not {options.weights[0]} and '
                     f'{options.output} alone')
    try:
        model, *others = [load_checkpoint(path) for path in options.weights]
    except WeightsError as error:
        parser.error(str(error))
    for path, other in zip(options.weights[1:], others, strict=True):
        if other.config != model.config:
            parser.error(f'{path} is of another network than {options.weights[0]}')
    states = [one.state_dict() for one in (model, *others)]
    model.load_state_dict({
        name: torch.stack([state[name] for state in states]).mean(dim=0) for name in states[0]})
    save_checkpoint(model, options.output, half=True)


if __name__ == '__main__':
    main()
