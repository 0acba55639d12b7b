# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Small image and depth files."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

SIZE_HW = (6, 8)


def rgb(seed: int = 0, size_hw: tuple[int, int] = SIZE_HW) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (*size_hw, 3), dtype=np.uint8)


def depth_m(seed: int = 0, size_hw: tuple[int, int] = SIZE_HW) -> np.ndarray:
    """Return depth of 1 to 5 m in whole millimetres, unknown at the first pixel."""
    millimetres = np.random.default_rng(seed).integers(1000, 5000, size_hw)
    values = millimetres.astype(np.float32) / np.float32(1000)
    values[0, 0] = np.nan
    return values


def write_rgb(path: Path, pixels: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), pixels[..., ::-1])
    return path


def write_integers(path: Path, values: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), values)
    return path


def write_depth_mm(path: Path, metres: np.ndarray) -> Path:
    return write_integers(path, np.rint(np.nan_to_num(metres) * 1000).astype(np.uint16))
