# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What laser scanners and range sensors measure, seen from a camera."""

from __future__ import annotations

from dataclasses import dataclass
import math

import numpy as np
from numpy.typing import NDArray

from zoe_depth_ros.camera import Camera
from zoe_depth_ros.errors import ImageError

FloatArray = NDArray[np.float64]
# More pixels of a cone make its quantile no better.
WINDOW_SIZE = 64


@dataclass(frozen=True, eq=False)
class DepthPairs:
    """
    Predicted depth and another sensor's at the same pixels.

    :param predicted_m: (N,) float64 metres along the optical axis.
    :param reference_m: (N,) float64 metres along the optical axis.
    """

    predicted_m: FloatArray
    reference_m: FloatArray


def depth_pairs(
    depth_m: NDArray[np.float32], camera: Camera, points_m: NDArray[np.floating],
) -> DepthPairs:
    """
    Compare depth with points that project into the image.

    :param depth_m: (H, W) float32, metres along the optical axis, NaN where unknown.
    :param camera: the camera of these pixels.
    :param points_m: (N, 3) metres in the camera's optical frame; NaN ones are left out.
    :return: pairs where both are known.
    :raises ImageError: the depth has another size than the camera.
    """
    if depth_m.shape != camera.size_hw:
        raise ImageError(f'depth shape {depth_m.shape} is not of camera size {camera.size_hw}')
    x, y, z = points_m[np.isfinite(points_m).all(axis=1) & (points_m[:, 2] > 0)].T
    u = np.rint(camera.fx * x / z + camera.cx)
    v = np.rint(camera.fy * y / z + camera.cy)
    seen = (u >= 0) & (u < camera.width) & (v >= 0) & (v < camera.height)
    predicted = depth_m[v[seen].astype(np.intp), u[seen].astype(np.intp)].astype(np.float64)
    known = np.isfinite(predicted) & (predicted > 0)
    return DepthPairs(predicted[known], z[seen][known].astype(np.float64))


def transformed(points_m: NDArray[np.floating], sensor_to_camera: FloatArray) -> FloatArray:
    """
    Return points in the camera's optical frame.

    :param points_m: (N, 3) metres in the sensor's frame.
    :param sensor_to_camera: (4, 4) float64 rigid transform.
    :return: (N, 3) float64 metres.
    """
    return points_m @ sensor_to_camera[:3, :3].T + sensor_to_camera[:3, 3]


def scan_points(
    ranges_m: NDArray[np.floating], angle_min_rad: float, angle_increment_rad: float, *,
    range_min_m: float, range_max_m: float,
) -> FloatArray:
    """
    Return the points of a sensor_msgs/LaserScan in its own frame (REP 103: x forward, y left).

    :param ranges_m: (N,) metres.
    :param angle_min_rad: of the first ray, about z from x.
    :param angle_increment_rad: between rays.
    :param range_min_m: nearer ranges are no returns.
    :param range_max_m: farther ranges are no returns.
    :return: (M, 3) float64 metres, returns only.
    """
    kept = np.isfinite(ranges_m) & (ranges_m >= range_min_m) & (ranges_m <= range_max_m)
    returns_m = ranges_m[kept].astype(np.float64)
    angles = angle_min_rad + angle_increment_rad * np.flatnonzero(kept)
    return returns_m[:, None] * np.stack(
        [np.cos(angles), np.sin(angles), np.zeros(len(angles))], axis=1)


def cone_depth(
    camera: Camera, sensor_to_camera: FloatArray, field_of_view_rad: float, range_m: float,
) -> FloatArray:
    """
    Return the depth at which each pixel meets the cap of a range sensor's cone.

    :return: (H, W) float64, metres along the optical axis, NaN where a pixel misses the cap.
    """
    v, u = np.mgrid[:camera.height, :camera.width]
    rays = np.stack([
        (u - camera.cx) / camera.fx, (v - camera.cy) / camera.fy, np.ones(u.shape)], axis=-1)
    sensor_m, axis = sensor_to_camera[:3, 3], sensor_to_camera[:3, 0]
    # Far root of |depth * ray - sensor| = range.
    square, half = (rays ** 2).sum(axis=-1), rays @ sensor_m
    root = half ** 2 - square * (sensor_m @ sensor_m - range_m ** 2)
    depth_m = (half + np.sqrt(np.where(root >= 0, root, np.nan))) / square
    along_m = (rays * depth_m[..., None] - sensor_m) @ axis
    inside = (depth_m > 0) & (along_m >= range_m * math.cos(field_of_view_rad / 2))
    return np.where(inside, depth_m, np.nan)


@dataclass(frozen=True, eq=False)
class DepthWindow:
    """
    Pixels of a depth image in a regular grid.

    :param depth_m: (h, w) float32, metres along the optical axis, NaN where unknown.
    :param camera: the camera of these pixels.
    """

    depth_m: NDArray[np.float32]
    camera: Camera


def cone_window(
    depth_m: NDArray[np.float32], camera: Camera, sensor_to_camera: FloatArray,
    field_of_view_rad: float, range_m: float,
) -> DepthWindow:
    """
    Return what of an image can meet the cap of a range sensor's cone, at most 64x64 pixels.

    :param depth_m: (H, W) float32, metres along the optical axis, NaN where unknown.
    :param camera: the camera of these pixels.
    :param sensor_to_camera: (4, 4) float64 rigid transform; the sensor looks along its own x.
    :param field_of_view_rad: full angle of the cone.
    :param range_m: distance from the sensor.
    """
    u, v = _cap_outline(camera, sensor_to_camera, field_of_view_rad, range_m)
    left, right = _bounds(u, camera.width)
    top, bottom = _bounds(v, camera.height)
    stride = math.ceil(max(right - left, bottom - top) / WINDOW_SIZE)
    window = depth_m[top:bottom:stride, left:right:stride]
    return DepthWindow(window, Camera(
        window.shape[1], window.shape[0], camera.fx / stride, camera.fy / stride,
        (camera.cx - left) / stride, (camera.cy - top) / stride))


def _cap_outline(
    camera: Camera, sensor_to_camera: FloatArray, field_of_view_rad: float, range_m: float,
) -> FloatArray:
    """Return (2, N) pixels u, v of the cap's rim and middle; any, if it is not all in front."""
    around, half_rad = np.linspace(0, 2 * math.pi, 32), field_of_view_rad / 2
    rim = np.stack([
        np.full(32, math.cos(half_rad)), math.sin(half_rad) * np.cos(around),
        math.sin(half_rad) * np.sin(around)], axis=1)
    x, y, z = transformed(range_m * np.vstack([rim, [1, 0, 0]]), sensor_to_camera).T
    if z.min() <= 0:
        return np.array([[-np.inf, np.inf]] * 2)
    return np.stack([camera.fx * x / z + camera.cx, camera.fy * y / z + camera.cy])


def _bounds(outline: FloatArray, size: int) -> tuple[int, int]:
    """Return the first pixel and the one after the last: at least one, and some to spare."""
    spare = 1 + 0.1 * (outline.max() - outline.min())
    first, last = np.clip([outline.min() - spare, outline.max() + spare], 0, size - 1)
    return int(first), int(last) + 1
