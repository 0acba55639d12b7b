# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Which points of a depth image not to trust, and which of many points to keep.

Masks are computed on tensors, so that they can be made on the device the depth is on.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
import torch
from torch import Tensor

from zoe_depth_ros.errors import ConfigError
from zoe_depth_ros.options import PointsConfig

VOXEL_BITS = 21


def distrusted_mask(
    depth_m: Tensor, std_dev_m: Tensor | None, focal_px: tuple[float, float],
    config: PointsConfig,
) -> Tensor:
    """
    Return the points that fail a test that is switched on.

    :param depth_m: (B, 1, H, W) metres along the optical axis, NaN where unknown.
    :param std_dev_m: (B, 1, H, W) metres; None where it is not known and not asked for.
    :param focal_px: fx, fy of the camera of these pixels.
    :return: (B, 1, H, W) bool on the device of the depth.
    :raises ConfigError: the test of the standard deviation is switched on without one.
    """
    distrusted = torch.zeros_like(depth_m, dtype=torch.bool)
    if config.min_edge_angle:
        distrusted |= flying_mask(depth_m, focal_px, config.min_edge_angle)
    if config.max_relative_std:
        if std_dev_m is None:
            raise ConfigError(
                f'max_relative_std = {config.max_relative_std} needs a standard deviation')
        distrusted |= uncertain_mask(depth_m, std_dev_m, config.max_relative_std)
    return distrusted


def flying_mask(depth_m: Tensor, focal_px: tuple[float, float], min_angle_deg: float) -> Tensor:
    """
    Return the points that hang in the air between a near and a far surface.

    Such a point has a nearer neighbour on one side and a farther one on the other, left and right
    or above and below, and the lines to both meet the viewing ray at less than the angle. A
    surface that merely ends has one such side. Rays are taken as 1 / focal_px apart, as on the
    optical axis. Neighbours whose depth is unknown make no point fly.

    :param depth_m: (B, 1, H, W) metres along the optical axis, NaN where unknown.
    :param focal_px: fx, fy of the camera of these pixels.
    :param min_angle_deg: above 0, below 90.
    :return: (B, 1, H, W) bool on the device of the depth.
    :raises ConfigError: the angle is not between 0 and 90.
    """
    if not 0 < min_angle_deg < 90:
        raise ConfigError(f'min_angle_deg = {min_angle_deg} is not between 0 and 90')
    flying = torch.zeros_like(depth_m, dtype=torch.bool)
    for axis, focal in ((-1, focal_px[0]), (-2, focal_px[1])):
        between = depth_m.shape[axis] - 2
        if between < 1:
            continue
        steep = _steep_ratio(1 / focal, math.radians(min_angle_deg))
        low, high = depth_m.narrow(axis, 0, between + 1), depth_m.narrow(axis, 1, between + 1)
        for rises in (high > steep * low, low > steep * high):
            both = rises.narrow(axis, 0, between) & rises.narrow(axis, 1, between)
            flying.narrow(axis, 1, between).logical_or_(both)
    return flying


def uncertain_mask(depth_m: Tensor, std_dev_m: Tensor, max_relative_std: float) -> Tensor:
    """
    Return the points whose standard deviation is large beside their depth.

    :param depth_m: (B, 1, H, W) metres, NaN where unknown.
    :param std_dev_m: (B, 1, H, W) metres.
    :param max_relative_std: largest standard deviation over depth to keep.
    :return: (B, 1, H, W) bool, False where depth is unknown.
    """
    return std_dev_m > max_relative_std * depth_m


def stride_for(size_hw: tuple[int, int], max_points: int) -> int:
    """
    Return the smallest stride of rows and columns that keeps an image within a budget.

    :param size_hw: (height, width) of the image.
    :param max_points: most points, 0 for no limit.
    """
    if max_points <= 0:
        return 1
    stride = max(1, math.isqrt(size_hw[0] * size_hw[1] // max_points))
    while math.prod(-(-side // stride) for side in size_hw) > max_points:
        stride += 1
    return stride


def voxel_indices(points_m: NDArray[np.float32], voxel_m: float) -> NDArray[np.intp]:
    """
    Return the first point in each cube of a grid.

    :param points_m: (N, 3) float32, finite, metres.
    :param voxel_m: side of the cubes.
    :return: (M,) indices into the points, ascending.
    :raises ConfigError: the size is not positive, or far too small for these points.
    """
    if not voxel_m > 0:
        raise ConfigError(f'voxel size {voxel_m} m is not positive')
    if len(points_m) == 0:
        return np.empty(0, np.intp)
    cells = np.floor((points_m - points_m.min(axis=0)) / voxel_m).astype(np.int64)
    if cells.max() >= 1 << VOXEL_BITS:
        raise ConfigError(f'voxel size {voxel_m} m is too small for points so far apart')
    keys = (cells[:, 0] << 2 * VOXEL_BITS) | (cells[:, 1] << VOXEL_BITS) | cells[:, 2]
    return np.sort(np.unique(keys, return_index=True)[1])


def _steep_ratio(ray_angle_rad: float, surface_angle_rad: float) -> float:
    """Return far over near distance of two rays' points whose line meets the far ray so."""
    return math.cos(ray_angle_rad) + math.sin(ray_angle_rad) / math.tan(surface_angle_rad)
