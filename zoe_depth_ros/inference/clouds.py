# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""From a depth map to the clouds that costmaps and mappers take. Live and offline alike."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
import torch

from zoe_depth_ros.camera import Camera
from zoe_depth_ros.errors import ConfigError
from zoe_depth_ros.errors import ImageError
from zoe_depth_ros.geometry import point_cloud
from zoe_depth_ros.geometry import PointCloud
from zoe_depth_ros.inference.depth_map import DepthMap
from zoe_depth_ros.inference.refine import distrusted_mask
from zoe_depth_ros.inference.refine import stride_for
from zoe_depth_ros.inference.refine import voxel_indices
from zoe_depth_ros.options import GroundConfig
from zoe_depth_ros.options import PointsConfig

FREE_FROM = 0.999  # of the largest range


def cloud_of(depth: DepthMap, config: PointsConfig) -> PointCloud:
    """
    Return the trusted points of a depth map, coloured, within the budget.

    :param depth: with its camera, and with its standard deviation where the options need it.
    :raises ImageError: the depth map has no camera.
    :raises ConfigError: the standard deviation is missing, or the voxels are far too small.
    """
    camera = depth.camera
    if camera is None:
        raise ImageError('a depth map without its camera has no points')
    if config.std_dev_field and depth.std_dev_m is None:
        raise ConfigError(f'std_dev_field = {config.std_dev_field} needs a standard deviation')
    stride = max(config.stride, stride_for(camera.size_hw, config.max_points))
    cloud = point_cloud(
        depth.depth_m, depth.rgb, camera,
        std_dev_m=depth.std_dev_m if config.std_dev_field else None,
        refused=_refused(depth, camera, stride, config), stride=stride,
        min_range_m=config.min_range, max_range_m=config.max_range,
        free_rays=config.free_rays, organized=config.organized)
    if not config.voxel_size or config.organized:
        return cloud
    chosen = voxel_indices(cloud.xyz_m, config.voxel_size)
    return PointCloud(cloud.points[:, chosen], is_dense=True)


def split_by_ground(
    cloud: PointCloud, depth: DepthMap, points: PointsConfig, config: GroundConfig,
) -> tuple[PointCloud, PointCloud]:
    """
    Return the points of the ground, and the others.

    Without a ground every point is an obstacle. Free rays end on nothing: they are neither.

    :param cloud: of the depth map.
    """
    xyz_m = cloud.xyz_m
    known = np.isfinite(xyz_m[:, 2])
    if points.free_rays:
        known &= np.linalg.norm(xyz_m, axis=1) < points.max_range * FREE_FROM
    if depth.ground is None:
        on_ground = np.zeros(len(xyz_m), bool)
    else:
        on_ground = depth.ground.is_ground(
            xyz_m, clearance_m=config.clearance, slope=config.slope)
    return cloud.where(known & on_ground), cloud.where(known & ~on_ground)


def _refused(
    depth: DepthMap, camera: Camera, stride: int, config: PointsConfig,
) -> NDArray[np.bool_]:
    """Return which pixels of the cloud's grid fail a test, (h, w) bool."""
    depth_m = _on_grid(depth.depth_m, stride)
    std_dev_m = None if depth.std_dev_m is None else _on_grid(depth.std_dev_m, stride)
    refused = distrusted_mask(
        depth_m, std_dev_m, (camera.fx / stride, camera.fy / stride), config)
    return np.asarray(refused[0, 0].numpy(), bool)


def _on_grid(values: NDArray[np.float32], stride: int) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(values[::stride, ::stride]))[None, None]
