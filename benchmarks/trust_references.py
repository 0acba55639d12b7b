# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What sensors tell of the scale of depth, and what the node makes of it on a drive."""

from __future__ import annotations

import math

import numpy as np
from trust_shots import Bench
from trust_shots import points
from trust_shots import Shot

from zoe_depth_ros.inference import DepthMap
from zoe_depth_ros.inference.frames import FramePipeline
from zoe_depth_ros.options import NodeConfig
from zoe_depth_ros.options import ScaleConfig
from zoe_depth_ros.ranges import cone_window
from zoe_depth_ros.ranges import depth_pairs
from zoe_depth_ros.scale import cone_reading
from zoe_depth_ros.scale import pairs_reading
from zoe_depth_ros.scale import ScaleReading

MIN_PAIRS = ScaleConfig().min_pairs
NOISE, WRONG_RETURNS = 0.02, 0.1
SCANNER_END_M, LIDAR_END_M, CONE_END_M = 25.0, 100.0, 10.0
LIDAR_ROWS_RAD = np.radians(np.arange(-15, 16, 2))
CONE_RAD = math.radians(15)
# A sensor at the camera that looks the same way: x forward, y left, z up.
SENSOR_TO_CAMERA = np.array(
    [[0.0, -1.0, 0.0, 0.0], [0.0, 0.0, -1.0, 0.0], [1.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0]])
LIE, LIE_FROM_S = 1.6, 5.0


def drive_factors(
    bench: Bench, film: list[Shot], source: str, *, wrong: float = 1.0, lie_s: float = 0.0,
    **options: float,
) -> np.ndarray:
    """
    Return what the node multiplies the depth of each image of a drive with.

    :param source: one of SOURCES.
    :param wrong: what the network's depth is multiplied with before.
    :param lie_s: seconds for which the reference tells LIE times the distance.
    :param options: of ScaleConfig.
    """
    pipeline, factors = node_at(bench, film[0], source, **options), []
    for shot in film:
        depth = shot.own.scaled(wrong)
        factors.append(pipeline.scaled(depth).scale.factor)
        # To be told LIE times the distance is the same as to be told the truth of depth so small.
        lies = LIE_FROM_S <= shot.stamp_s < LIE_FROM_S + lie_s
        told = depth.scaled(1 / LIE) if lies else depth
        pipeline.learn(told, shot.stamp_s, reading=SOURCES[source](shot, told))
    return np.array(factors)


def node_at(bench: Bench, shot: Shot, source: str, **options: float) -> FramePipeline:
    """Return what the node has of a camera at this height; its pitch is not told."""
    by_height = source == 'camera_height'
    kind = {'source': source} if by_height else {'source': 'range', 'range_type': source}
    config = NodeConfig(scale=ScaleConfig(
        camera_height=shot.camera_to_world[2, 3], **kind, **options))
    return FramePipeline(bench.estimator, config, already_rectified=True)


def no_reading(_shot: Shot, _depth: DepthMap) -> None:
    """Tell nothing: the node finds the height of the camera in the depth."""


def scanner_reading(shot: Shot, depth: DepthMap) -> ScaleReading | None:
    return rows_reading(shot, depth, np.rint([shot.camera.cy]).astype(int), SCANNER_END_M)


def lidar_reading(shot: Shot, depth: DepthMap) -> ScaleReading | None:
    rows = np.rint(shot.camera.cy + shot.camera.fy * np.tan(LIDAR_ROWS_RAD)).astype(int)
    seen = rows[(rows >= 0) & (rows < shot.camera.height)]
    return rows_reading(shot, depth, seen, LIDAR_END_M)


def rows_reading(
    shot: Shot, depth: DepthMap, rows: np.ndarray, end_m: float,
) -> ScaleReading | None:
    """Compare with a sensor that measures along some rows of the image."""
    returns = points(shot.true_m, shot.camera).reshape(*shot.true_m.shape, 3)[rows].reshape(-1, 3)
    returns = returns[np.isfinite(returns[:, 2]) & (returns[:, 2] < end_m)]
    noisy = returns * measured_over_true(shot, len(returns))[:, None]
    return pairs_reading(depth_pairs(depth.depth_m, shot.camera, noisy), MIN_PAIRS)


def ultrasonic_reading(shot: Shot, depth: DepthMap) -> ScaleReading | None:
    """Compare with a sensor that measures the nearest point of a cone around the middle."""
    surfaces = points(shot.true_m, shot.camera)
    distance_m = np.linalg.norm(surfaces, axis=1)
    inside = surfaces[:, 2] >= distance_m * math.cos(CONE_RAD / 2)
    nearest_m = distance_m[inside].min(initial=math.inf) * measured_over_true(shot, 1)[0]
    if nearest_m > CONE_END_M:
        return None
    cone = SENSOR_TO_CAMERA, CONE_RAD, float(nearest_m)
    window = cone_window(depth.depth_m, shot.camera, *cone)
    return cone_reading(window.depth_m, window.camera, *cone, min_pairs=MIN_PAIRS)


def measured_over_true(shot: Shot, count: int) -> np.ndarray:
    """Return the noise of some returns; the wrong ones come at half the distance."""
    generator = np.random.default_rng(round(shot.stamp_s * 1000))
    factors = generator.normal(1, NOISE, count)
    factors[generator.random(count) < WRONG_RETURNS] *= 0.5
    return factors


SOURCES = {
    'camera_height': no_reading, 'LaserScan': scanner_reading, 'PointCloud2': lidar_reading,
    'Range': ultrasonic_reading}
