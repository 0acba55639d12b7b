# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A tiny network and images for it."""

from __future__ import annotations

import numpy as np
import torch

from zoe_depth_ros.config import ModelConfig
from zoe_depth_ros.model.zoedepth import ZoeDepth

SIZE_HW = 48, 80


def random_network(config: ModelConfig) -> ZoeDepth:
    """Return a network with random weights with which depth varies over the image."""
    torch.manual_seed(3)
    network = ZoeDepth(config)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return network


def random_rgb(seed: int = 0, size_hw: tuple[int, int] = SIZE_HW) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (*size_hw, 3), dtype=np.uint8)
