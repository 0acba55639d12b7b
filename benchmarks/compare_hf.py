# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Speed and memory beside Hugging Face transformers: the full-size two-headed network, CPU, float32.

The weights are random, each side has its own of the same sizes; only time and memory compare.
Run: python benchmarks/compare_hf.py
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from typing import Any

import torch
from torch import Tensor
from transformers import BeitConfig
from transformers import ZoeDepthConfig
from transformers import ZoeDepthForDepthEstimation

from zoe_depth_ros.known_models import ZOED_NK
from zoe_depth_ros.model.checkpoint import load_model
from zoe_depth_ros.model.checkpoint import save_checkpoint
from zoe_depth_ros.model.zoedepth import ZoeDepth

SIDES = ('zoe_depth_ros', 'transformers')
Network = Callable[[Tensor], Any]


def hugging_face_network() -> ZoeDepthForDepthEstimation:
    backbone = BeitConfig(
        image_size=384, num_hidden_layers=24, hidden_size=1024, intermediate_size=4096,
        num_attention_heads=16, use_relative_position_bias=True, reshape_hidden_states=False,
        out_features=['stage6', 'stage12', 'stage18', 'stage24'])
    return ZoeDepthForDepthEstimation(ZoeDepthConfig(
        backbone_config=backbone, neck_hidden_sizes=[256, 512, 1024, 1024],
        bin_configurations=[
            {'name': 'nyu', 'n_bins': 64, 'min_depth': 1e-3, 'max_depth': 10.0},
            {'name': 'kitti', 'n_bins': 64, 'min_depth': 1e-3, 'max_depth': 80.0}],
        num_patch_transformer_layers=4, patch_transformer_hidden_size=128,
        patch_transformer_intermediate_size=1024, patch_transformer_num_attention_heads=4))


def save_random(side: str, folder: Path) -> None:
    if side == 'transformers':
        hugging_face_network().save_pretrained(folder / side)
    else:
        save_checkpoint(ZoeDepth(ZOED_NK), folder / side / 'model.safetensors')


def load(side: str, folder: Path) -> Network:
    if side == 'transformers':
        return ZoeDepthForDepthEstimation.from_pretrained(
            folder / side, attn_implementation={'backbone_config': 'sdpa'}).eval()
    # The memory format is the one DepthEstimator uses.
    return load_model(folder / side / 'model.safetensors').to(memory_format=torch.channels_last)


def median_seconds(folder: Path, image: Tensor, runs: int) -> dict[str, float]:
    """Time both networks in this process, in turns, after one warm-up each."""
    networks = {side: load(side, folder) for side in SIDES}
    seconds: dict[str, list[float]] = {side: [] for side in SIDES}
    for run in range(runs + 1):
        for side, network in networks.items():
            start = time.perf_counter()
            network(image)
            if run:
                seconds[side].append(time.perf_counter() - start)
    return {side: statistics.median(values) for side, values in seconds.items()}


def print_peak(side: str, folder: Path, image: Tensor) -> None:
    """Print the peak memory of this process after loading and three forward passes, in GiB."""
    network = load(side, folder)
    for _ in range(3):
        network(image)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20)


def peak_gib(side: str, arguments: list[str]) -> float:
    result = subprocess.run(
        [sys.executable, __file__, '--peak-of', side, *arguments], check=True,
        stdout=subprocess.PIPE, text=True)
    return float(result.stdout)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--height', type=int, default=384)
    parser.add_argument('--width', type=int, default=512)
    parser.add_argument('--runs', type=int, default=5, help='timed forward passes of each side')
    parser.add_argument('--folder', type=Path, help='weights of an earlier call, or where to keep')
    parser.add_argument('--peak-of', choices=SIDES, help='only measure the memory of one side')
    return parser.parse_args()


@torch.inference_mode()
def main() -> None:
    options = parse_arguments()
    image = torch.rand(1, 3, options.height, options.width) * 2 - 1
    if options.peak_of:
        print_peak(options.peak_of, options.folder, image)
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        for side in SIDES:
            if not (folder / side).exists():
                save_random(side, folder)
        size = ['--height', str(options.height), '--width', str(options.width)]
        peaks = {side: peak_gib(side, ['--folder', str(folder), *size]) for side in SIDES}
        seconds = median_seconds(folder, image, options.runs)
    print(f'{options.height}x{options.width}, float32, {torch.get_num_threads()} threads')
    for side in SIDES:
        print(f'{side:14} {seconds[side]:7.2f} s a forward pass, peak {peaks[side]:5.2f} GiB')
    print(f'ratio          {seconds[SIDES[1]] / seconds[SIDES[0]]:7.2f} in time, '
          f'{peaks[SIDES[1]] / peaks[SIDES[0]]:.2f} in memory')


if __name__ == '__main__':
    main()
