# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The ground below a camera: a robust plane through a depth image, and what lies on it."""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import replace
from functools import lru_cache
import math

import numpy as np
from numpy.typing import NDArray

from zoe_depth_ros.camera import Camera
from zoe_depth_ros.errors import ConfigError
from zoe_depth_ros.errors import ImageError
from zoe_depth_ros.options import GroundConfig

FloatArray = NDArray[np.float64]
Vector = tuple[float, float, float]
SAMPLES = 1500
HYPOTHESES = 256
TRIPLES = np.random.default_rng(0).random((3, HYPOTHESES))  # of the points, for each
VOTERS = 400
REFINEMENTS = 4
HORIZON_SIN = 0.02


@dataclass(frozen=True)
class GroundPlane:
    """
    The ground in the optical frame (REP 103): points p with normal . p + height_m = 0.

    :param normal: unit vector, up out of the ground.
    :param height_m: of the camera above the plane.
    :param share: of the points below the horizon that lie on it, 0 to 1: the confidence.
    """

    normal: Vector
    height_m: float
    share: float

    def scaled(self, factor: float) -> GroundPlane:
        """Return it where depth is multiplied by a factor."""
        return replace(self, height_m=self.height_m * factor)

    def height_above(self, points_m: NDArray[np.floating]) -> NDArray[np.floating]:
        """
        Return the height of points above the plane.

        :param points_m: (N, 3) metres in the optical frame.
        :return: (N,) metres, negative below, NaN where a point is.
        """
        x, y, z = points_m.T
        return x * self.normal[0] + y * self.normal[1] + z * self.normal[2] + self.height_m

    def is_ground(
        self, points_m: NDArray[np.floating], *, clearance_m: float = 0.1, slope: float = 0.02,
    ) -> NDArray[np.bool_]:
        """
        Tell ground from what stands on it; holes count as ground.

        :param points_m: (N, 3) metres in the optical frame.
        :param clearance_m: height that is still ground.
        :param slope: height allowed instead for each metre of distance, where that is more.
        :return: (N,) bool, False where a point is NaN.
        """
        x, y, z = points_m.T
        allowed_m = np.maximum(clearance_m, slope * np.sqrt(x * x + y * y + z * z))
        return self.height_above(points_m) <= allowed_m


def fit_ground(
    depth_m: NDArray[np.float32], camera: Camera, *, up: Vector | None = None,
    height_m: float | None = None, config: GroundConfig | None = None,
) -> GroundPlane | None:
    """
    Fit the ground by random sampling (RANSAC), then least squares on what agrees.

    :param depth_m: (H, W) float32, metres along the optical axis; NaN where unknown.
    :param camera: the camera of these pixels.
    :param up: against gravity in the optical frame, from tf or an IMU; by default from
        `camera_pitch`.
    :param height_m: camera height where known, to refuse tables and ceilings.
    :param config: tolerances.
    :return: the plane, or None where too little of the image agrees on one.
    :raises ImageError: the depth has another size than the camera.
    :raises ConfigError: `up` has no direction, or the height is not positive.
    """
    config = config or GroundConfig()
    if depth_m.shape != camera.size_hw:
        raise ImageError(f'depth shape {depth_m.shape} is not of camera size {camera.size_hw}')
    if height_m is not None and not height_m > 0:
        raise ConfigError(f'camera height {height_m} m is not positive')
    judge = _Judge(_unit(up or _up_of(config.camera_pitch)), height_m, config)
    points = _points_below_horizon(depth_m, camera, judge.up)
    if len(points) < 3:
        return None
    best = _best_hypothesis(points, judge)
    return None if best is None else _refined(points, best, judge)


@dataclass(frozen=True)
class _Judge:
    """Which planes can be the ground; a plane is m with m . p = 1, so m = -normal / height."""

    up: FloatArray
    height_m: float | None
    config: GroundConfig

    def allows(self, planes: FloatArray) -> NDArray[np.bool_]:
        """Return which of (K, 3) planes are level enough, below the camera, at its height."""
        inverse_height = np.linalg.norm(planes, axis=1)
        is_level = -planes @ self.up >= math.cos(math.radians(self.config.max_tilt)) * (
            inverse_height)
        if self.height_m is None:
            return is_level
        ratio = inverse_height * self.height_m
        limit = self.config.max_height_ratio
        return is_level & (ratio < limit) & (ratio * limit > 1)

    def is_on(self, points: FloatArray, plane: FloatArray) -> NDArray[np.bool_]:
        """Return which of (N, 3) points agree with a plane."""
        return np.abs(points @ plane - 1) < self.config.tolerance


def _up_of(pitch_deg: float) -> Vector:
    pitch_rad = math.radians(pitch_deg)
    return 0.0, -math.cos(pitch_rad), -math.sin(pitch_rad)


def _unit(up: Vector) -> FloatArray:
    length = math.hypot(*up)
    if not (math.isfinite(length) and length > 0):
        raise ConfigError(f'up = {up} has no direction')
    return np.array(up) / length


def _points_below_horizon(
    depth_m: NDArray[np.float32], camera: Camera, up: FloatArray,
) -> FloatArray:
    """Return (N, 3) known points of an even sample of the pixels that can see the ground."""
    stride = max(1, math.isqrt(camera.width * camera.height // (2 * SAMPLES)))
    rays, seeing = _rays_below_horizon(camera, stride, tuple(up.tolist()))
    depth = depth_m[::stride, ::stride].ravel()[seeing].astype(np.float64)
    points: FloatArray = (rays * depth[:, None])[np.isfinite(depth) & (depth > 0)]
    return points


@lru_cache(maxsize=16)
def _rays_below_horizon(
    camera: Camera, stride: int, up: Vector,
) -> tuple[FloatArray, NDArray[np.intp]]:
    """Return (N, 3) rays with z = 1, and their places among the pixels that `stride` keeps."""
    v, u = np.mgrid[:camera.height:stride, :camera.width:stride]
    rays = np.stack([(u - camera.cx) / camera.fx, (v - camera.cy) / camera.fy,
                     np.ones(u.shape)], axis=-1).reshape(-1, 3)
    seeing = np.flatnonzero(rays @ np.array(up) < -HORIZON_SIN)
    return rays[seeing], seeing


def _best_hypothesis(points: FloatArray, judge: _Judge) -> FloatArray | None:
    """Return the plane through three points with the most others on it and few below it."""
    a, b, c = points[(TRIPLES * len(points)).astype(np.intp)]
    normals = np.cross(b - a, c - a)
    offsets = (normals * a).sum(axis=1)
    is_plane = np.abs(offsets) > 1e-9
    planes = normals[is_plane] / offsets[is_plane, None]
    planes = planes[judge.allows(planes)]
    if len(planes) == 0:
        return None
    # Height of some points above each plane, over the camera's own.
    voters = points[::max(1, len(points) // VOTERS)]
    height = 1 - planes.astype(np.float32) @ voters.T.astype(np.float32)
    tolerance = judge.config.tolerance
    near, below = np.abs(height) < tolerance, height < -2 * tolerance
    votes = np.subtract(near, below, dtype=np.float32).sum(axis=1)
    best: FloatArray = planes[votes.argmax()]
    return best


def _refined(points: FloatArray, plane: FloatArray, judge: _Judge) -> GroundPlane | None:
    agree = judge.is_on(points, plane)
    for _ in range(REFINEMENTS):
        agreeing = points[agree]
        try:
            plane = np.linalg.solve(agreeing.T @ agreeing, agreeing.sum(axis=0))
        except np.linalg.LinAlgError:  # all on one line
            return None
        before, agree = agree, judge.is_on(points, plane)
        if np.array_equal(before, agree):
            break
    share = float(agree.mean())
    if share < judge.config.min_share or not judge.allows(plane[None])[0]:
        return None
    height_m = 1 / float(np.linalg.norm(plane))
    x, y, z = (-plane * height_m).tolist()
    return GroundPlane((x, y, z), height_m, share)
