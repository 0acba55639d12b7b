# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Tables of noise, made once per device: looking a number up is cheaper than drawing it."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

GRAIN_SIZE = 1024
CELLS = 4096
SENSOR_OFFSETS = 65536


@lru_cache(maxsize=4)
def grain(speck: int, device: torch.device) -> Tensor:
    """
    Return noise that repeats without a seam, of all sizes from a speck up.

    :param speck: size of the smallest specks.
    :param device: where it is needed.
    :return: (GRAIN_SIZE^2,) float32, rows one after the other, deviation 1.
    """
    white = np.random.default_rng(1).standard_normal((GRAIN_SIZE, GRAIN_SIZE))
    frequency = np.fft.fftfreq(GRAIN_SIZE) * GRAIN_SIZE
    radius = np.hypot(frequency, frequency[:, None])
    finest = GRAIN_SIZE / speck / 2
    spectrum = np.exp(-(radius / finest) ** 2 / 2) / np.maximum(radius, 4.0)
    rough = np.fft.ifft2(np.fft.fft2(white) * spectrum).real
    rough = np.clip(rough / rough.std(), -2.5, 2.5)
    return torch.from_numpy(rough.astype(np.float32).ravel()).to(device)


@lru_cache(maxsize=4)
def cell_values(device: torch.device) -> Tensor:
    """Return (3, CELLS) numbers between -1 and 1 that make cells of a pattern differ."""
    values = np.random.default_rng(2).uniform(-1, 1, (3, CELLS))
    return torch.from_numpy(values.astype(np.float32)).to(device)


@lru_cache(maxsize=8)
def sensor_noise(count: int, device: torch.device) -> Tensor:
    """Return (count + SENSOR_OFFSETS,) normally distributed numbers."""
    values = np.random.default_rng(3).standard_normal(count + SENSOR_OFFSETS, dtype=np.float32)
    return torch.from_numpy(values).to(device)
