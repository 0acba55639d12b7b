# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Training runs of a second: a network of some thousand weights on a few small worlds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
import yaml

from zoe_depth_ros.training.batches import Batches
from zoe_depth_ros.training.config import build_train_config
from zoe_depth_ros.training.config import TrainConfig
from zoe_depth_ros.training.processes import Process
from zoe_depth_ros.training.run import Run
from zoe_depth_ros.training.sources import open_sources

ALONE = Process(0, 1, torch.device('cpu'))
TINY_MODEL = {
    'encoder': {
        'embed_dim': 32, 'depth': 4, 'num_heads': 2, 'pretrain_window': 4, 'hooks': [0, 1, 2, 3],
        'layer_scale': 0.5, 'stem': 'patch'},
    'decoder': {
        'reassemble_channels': [8, 12, 16, 20], 'features': 16, 'relative_channels': 8},
    'bins': {
        'n_bins': 16, 'n_attractors': [4, 3, 2, 1], 'embedding_dim': 8, 'seed_hidden': 12,
        'projector_hidden': 10, 'attractor_hidden': 14},
    'router': {'dim': 16, 'layers': 1, 'num_heads': 2, 'hidden': 24},
    'network_size_hw': [32, 64]}
WORLDS = [
    {'kind': 'worlds', 'domain': 'indoor', 'size_hw': [32, 64], 'count': 12},
    {'kind': 'worlds', 'domain': 'outdoor', 'size_hw': [32, 64], 'count': 12}]
QUICK: dict[str, Any] = {
    'model_options': TINY_MODEL, 'datasets': WORLDS, 'steps': 4, 'batch_size': 4,
    'save_every': 2, 'precision': 'fp32', 'workers': 0}


def quick_config(**changes: Any) -> TrainConfig:
    """Return the configuration of a small run with some options changed."""
    return build_train_config({**QUICK, **changes})


def write_config(path: Path, **changes: Any) -> Path:
    """Write a small run's options as YAML."""
    path.write_text(yaml.safe_dump({**QUICK, **changes}))
    return path


def quick_run(**changes: Any) -> Run:
    return Run(quick_config(**changes), ALONE)


def batches_of(run: Run) -> Batches:
    model = run.model.config
    return Batches(run.config, open_sources(run.config, model), model, run.size_hw)


def write_list(folder: Path, count: int = 3, size_hw: tuple[int, int] = (32, 64)) -> Path:
    """Write images that differ, with depth of 1 m, 2 m ... in millimetres, and their list."""
    rng = np.random.default_rng(0)
    lines = []
    for number in range(count):
        rgb = rng.integers(0, 256, (*size_hw, 3), dtype=np.uint8)
        depth_mm = np.full(size_hw, 1000 * (number + 1), np.uint16)
        depth_mm[:, ::7] += 300
        cv2.imwrite(str(folder / f'{number}.png'), rgb)
        cv2.imwrite(str(folder / f'{number}_depth.png'), depth_mm)
        lines.append(f'{number}.png {number}_depth.png 50.0\n')
    path = folder / 'list.txt'
    path.write_text(''.join(lines))
    return path
