# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Depth and clouds as pictures, for eyes only."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from zoe_depth_ros.errors import ConfigError
from zoe_depth_ros.errors import ImageError

UNKNOWN_RGB = (40, 40, 40)
BACKGROUND_RGB = (18, 20, 24)
GRID_RGB = (95, 105, 120)
PERCENTILES = (2.0, 98.0)
SAMPLE_SIZE = 20000
LEAST_RATIO = 1.01
FRAME_FILL = 0.95
LINE_POINTS = 2000


def colorize_depth(
    depth_m: NDArray[np.float32], *, near_m: float | None = None, far_m: float | None = None,
) -> NDArray[np.uint8]:
    """
    Paint depth on a logarithmic scale from red (near) to blue (far), dark grey where unknown.

    :param depth_m: (H, W) float32, metres along the optical axis, NaN where unknown.
    :param near_m: depth painted red, and everything nearer; by default the 2nd percentile.
    :param far_m: depth painted blue, and everything farther; by default the 98th percentile.
    :return: (H, W, 3) uint8 RGB.
    :raises ConfigError: a limit is not positive, or near is not before far.
    """
    is_known = np.isfinite(depth_m) & (depth_m > 0)
    if near_m is None or far_m is None:
        near_m, far_m = _completed_limits(depth_m[is_known], near_m, far_m)
    if not 0 < near_m < far_m:
        raise ConfigError(f'depth colours from {near_m} to {far_m} m have no extent')
    shown_m = np.clip(np.where(is_known, depth_m, np.float32(far_m)), near_m, far_m)
    nearness = np.log(far_m / shown_m) / math.log(far_m / near_m)
    bgr = cv2.applyColorMap(np.rint(255 * nearness).astype(np.uint8), cv2.COLORMAP_TURBO)
    rgb = np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), np.uint8)
    rgb[~is_known] = UNKNOWN_RGB
    return rgb


def render_cloud(
    points_m: NDArray[np.float32], colors: NDArray[np.uint8], *, size_hw: tuple[int, int],
    pitch_deg: float = 0.0, azimuth_deg: float = 20.0, elevation_deg: float = 30.0,
    grid_m: float = 0.5, point_px: float = 1.5,
) -> NDArray[np.uint8]:
    """
    Draw a cloud in perspective, seen from behind and above the camera that took it.

    The picture is framed by itself. A grid marks the floor, the level below 98 % of the points.

    :param points_m: (N, 3) float32, metres, optical frame (x right, y down, z forward).
    :param colors: (N, 3) uint8 RGB.
    :param size_hw: height and width of the picture, pixels.
    :param pitch_deg: how far the camera that took the cloud looks below the horizon.
    :param azimuth_deg: how far the eye moves to the right around the middle of the cloud.
    :param elevation_deg: how far it moves up.
    :param grid_m: side of a floor cell, metres.
    :param point_px: side of a drawn point, pixels.
    :return: (H, W, 3) uint8 RGB.
    :raises ImageError: no point is finite, or points and colors do not match.
    """
    if points_m.shape != colors.shape or points_m.shape[1:] != (3,):
        raise ImageError(f'cloud has points {points_m.shape} and colours {colors.shape}')
    is_known = np.isfinite(points_m).all(axis=1)
    if not is_known.any():
        raise ImageError(f'none of the {len(points_m)} points of the cloud is finite')
    level_m = points_m[is_known] @ _looking_down(pitch_deg)
    low, middle, high = np.percentile(level_m, (2, 50, 98), axis=0)
    grid_points_m = _floor_grid(low, high, grid_m)
    grid_colors = np.full(grid_points_m.shape, GRID_RGB, np.uint8)
    view = _looking_down(elevation_deg) @ _looking_left(azimuth_deg)
    seen_m = (np.concatenate([grid_points_m, level_m]) - middle) @ view.T
    seen_m[:, 2] += max(float(np.linalg.norm(high - low)), grid_m)
    return _paint(seen_m, np.concatenate([grid_colors, colors[is_known]]), size_hw, point_px)


def _completed_limits(
    known_m: NDArray[np.float32], near_m: float | None, far_m: float | None,
) -> tuple[float, float]:
    sample_m = known_m[::1 + known_m.size // SAMPLE_SIZE] if known_m.size else [1.0]
    found_near_m, found_far_m = np.percentile(sample_m, PERCENTILES)
    if near_m is None:
        near_m = min(float(found_near_m), math.inf if far_m is None else far_m / LEAST_RATIO)
    return near_m, max(float(found_far_m), near_m * LEAST_RATIO) if far_m is None else far_m


def _looking_down(angle_deg: float) -> NDArray[np.float64]:
    c, s = math.cos(math.radians(angle_deg)), math.sin(math.radians(angle_deg))
    return np.array([[1, 0, 0], [0, c, -s], [0, s, c]])


def _looking_left(angle_deg: float) -> NDArray[np.float64]:
    c, s = math.cos(math.radians(angle_deg)), math.sin(math.radians(angle_deg))
    return np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])


def _floor_grid(
    low: NDArray[np.float64], high: NDArray[np.float64], cell_m: float,
) -> NDArray[np.float64]:
    """Return the (N, 3) points of the grid's lines at y = high[1] around the x and z extent."""
    x = np.arange(math.floor(low[0] / cell_m), math.floor(high[0] / cell_m) + 2) * cell_m
    z = np.arange(math.floor(low[2] / cell_m), math.floor(high[2] / cell_m) + 2) * cell_m
    along = np.linspace(0, 1, LINE_POINTS)
    across_x, across_z = x[0] + along * (x[-1] - x[0]), z[0] + along * (z[-1] - z[0])
    lines = [np.meshgrid(x, across_z), np.meshgrid(across_x, z)]
    return np.concatenate([
        np.stack([u.ravel(), np.full(u.size, high[1]), w.ravel()], axis=1) for u, w in lines])


def _paint(
    seen_m: NDArray[np.float64], colors: NDArray[np.uint8], size_hw: tuple[int, int],
    point_px: float,
) -> NDArray[np.uint8]:
    """Paint points from far to near at twice the size, then halve it for smooth edges."""
    seen_m, colors = seen_m[seen_m[:, 2] > 0], colors[seen_m[:, 2] > 0]
    far_to_near = np.argsort(-seen_m[:, 2], kind='stable')
    size = 2 * np.array(size_hw[::-1])
    plane = seen_m[far_to_near, :2] / seen_m[far_to_near, 2:]
    low, high = np.percentile(plane, (0.5, 99.5), axis=0)
    scale_px = FRAME_FILL * (size / (high - low)).min()
    corner = np.rint((plane - (low + high) / 2) * scale_px + size / 2).astype(np.int64)
    side = np.arange(max(1, round(2 * point_px)))
    offsets = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
    pixels = (corner[:, np.newaxis] + offsets).reshape(-1, 2)
    inside = ((pixels >= 0) & (pixels < size)).all(axis=1)
    picture = np.full((size[1], size[0], 3), BACKGROUND_RGB, np.uint8)
    painted = np.repeat(colors[far_to_near], len(offsets), axis=0)[inside]
    picture[pixels[inside, 1], pixels[inside, 0]] = painted
    return np.asarray(cv2.resize(picture, size_hw[::-1], interpolation=cv2.INTER_AREA), np.uint8)
