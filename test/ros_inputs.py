# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What the tests feed a depth node with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from sensor_msgs.msg import CameraInfo
from sensor_msgs.msg import Image
import torch

from zoe_depth_ros.config import ModelConfig
from zoe_depth_ros.inference import DepthEstimator
from zoe_depth_ros.model.checkpoint import save_checkpoint
from zoe_depth_ros.model.zoedepth import ZoeDepth

SIZE_HW = 48, 80
THREADS = 1  # results depend on their number


def save_tiny_weights(config: ModelConfig, folder: Path) -> Path:
    """Write random weights with which depth varies over the image."""
    path = folder / 'tiny.safetensors'
    torch.manual_seed(1)
    network = ZoeDepth(config)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    save_checkpoint(network, path)
    return path


@contextmanager
def estimator_like_the_node(weights: Path) -> Iterator[DepthEstimator]:
    """Give the estimator that a node process has, with as many threads."""
    usual = torch.get_num_threads()
    torch.set_num_threads(THREADS)
    yield DepthEstimator.from_pretrained(weights)
    torch.set_num_threads(usual)


def random_rgb(seed: int = 0, size_hw: tuple[int, int] = SIZE_HW) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (*size_hw, 3), dtype=np.uint8)


def image_message(pixels: np.ndarray, encoding: str = 'rgb8', **fields: Any) -> Image:
    """Return an image of pixels without row padding; `fields` override its fields."""
    message = Image(
        height=pixels.shape[0], width=pixels.shape[1], encoding=encoding,
        step=pixels[0].nbytes, data=pixels.tobytes())
    for name, value in fields.items():
        setattr(message, name, value)
    return message


def info_message(size_hw: tuple[int, int] = SIZE_HW, **fields: Any) -> CameraInfo:
    """Return camera_info without distortion, f = width; `fields` override its fields."""
    height, width = size_hw
    f, cx, cy = float(width), (width - 1) / 2 + 1.25, (height - 1) / 2 - 0.75
    message = CameraInfo(
        height=height, width=width, distortion_model='plumb_bob', d=[0.0] * 5,
        k=[f, 0.0, cx, 0.0, f, cy, 0.0, 0.0, 1.0], r=[1.0, 0, 0, 0, 1.0, 0, 0, 0, 1.0],
        p=[f, 0.0, cx, 0.0, 0.0, f, cy, 0.0, 0.0, 0.0, 1.0, 0.0])
    for name, value in fields.items():
        setattr(message, name, value)
    return message
