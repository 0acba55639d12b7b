# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
What the clouds make of Nav2's local costmap with the parameters in config/: a picture.

    PYTHONPATH=. .venv/bin/python benchmarks/costmap_picture.py docs/costmap.png

Marks and clears as Nav2's voxel layer does, without Nav2: on the left the last image of a drive,
then the costmap by estimated depth and by exact depth. White is free, black an obstacle, grey
not seen; the camera drives to the right and ends in the middle.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from zoe_depth_ros.demo.panels import below
from zoe_depth_ros.demo.panels import beside
from zoe_depth_ros.demo.panels import captioned
from zoe_depth_ros.demo.panels import resized
from zoe_depth_ros.demo.panels import write_picture
from zoe_depth_ros.ground import fit_ground
from zoe_depth_ros.inference import DepthEstimator
from zoe_depth_ros.inference import DepthMap
from zoe_depth_ros.inference.clouds import cloud_of
from zoe_depth_ros.inference.clouds import split_by_ground
from zoe_depth_ros.inference.frames import FramePipeline
from zoe_depth_ros.model.checkpoint import load_model
from zoe_depth_ros.offline.config import node_config
from zoe_depth_ros.options import NodeConfig
from zoe_depth_ros.worlds import corridor_drive
from zoe_depth_ros.worlds import street_drive

NAV2_YAML = Path(__file__).parents[1] / 'config' / 'nav2_voxel_layer.yaml'
FREE, LETHAL, UNKNOWN = 0, 254, 255
SHADES = {FREE: 255, LETHAL: 0, UNKNOWN: 170}
PANEL_PX = 300
FRAMES, FPS = 40, 10.0


class VoxelLayer:
    """
    The part of nav2_costmap_2d's voxel layer that is about clouds, on a map that stands still.

    :param parameters: of a costmap node, with a voxel_layer with the sources mark and clear.
    :param centre_m: x, y of the middle of the map in the frame of the costmap.
    """

    def __init__(self, parameters: dict[str, Any], centre_m: tuple[float, float]) -> None:
        layer = parameters['voxel_layer']
        self.mark, self.clear = layer['mark'], layer['clear']
        side = parameters['resolution']
        self.voxel_m = np.array([side, side, layer['z_resolution']])
        self.shape = (round(parameters['width'] / side), round(parameters['height'] / side),
                      layer['z_voxels'])
        self.origin_m = np.array(
            [centre_m[0] - parameters['width'] / 2, centre_m[1] - parameters['height'] / 2, 0.0])
        self.marked = np.zeros(self.shape, bool)
        self.was_seen = np.zeros(self.shape[:2], bool)

    def update(self, obstacles_m: np.ndarray, points_m: np.ndarray, sensor_m: np.ndarray) -> None:
        """
        Clear by one cloud, then mark by the other.

        :param obstacles_m: (N, 3) points in the frame of the costmap, of the source mark.
        :param points_m: (M, 3), of the source clear.
        :param sensor_m: (3,) the camera.
        """
        if self._inside(self.voxels(sensor_m[None])).all():  # above the ceiling Nav2 gives up
            self._clear(within(self.clear, points_m), sensor_m)
        kept = within(self.mark, obstacles_m)
        near = np.linalg.norm(kept - sensor_m, axis=1) < self.mark['obstacle_max_range']
        self._set(self.voxels(kept[near]), True)

    def costs(self) -> np.ndarray:
        """Return (X, Y) uint8 costs as Nav2 has them, without inflation."""
        seen = np.where(self.was_seen, FREE, UNKNOWN)
        return np.where(self.marked.any(axis=2), LETHAL, seen).astype(np.uint8)

    def _clear(self, ends_m: np.ndarray, sensor_m: np.ndarray) -> None:
        rays = ends_m - sensor_m
        length_m = np.linalg.norm(rays, axis=1, keepdims=True)
        free_m = np.minimum(
            length_m - 2 * self.voxel_m[0], self.clear['raytrace_max_range'])
        for distance_m in np.arange(0.0, free_m.max(initial=0.0), self.voxel_m[0] / 2):
            along = rays / length_m * distance_m
            self._set(self.voxels(sensor_m + along[free_m[:, 0] > distance_m]), False)

    def voxels(self, points_m: np.ndarray) -> np.ndarray:
        """Return the (N, 3) numbers of the voxels that points are in, also outside the map."""
        return np.floor((points_m - self.origin_m) / self.voxel_m).astype(int)

    def _inside(self, voxels: np.ndarray) -> np.ndarray:
        return ((voxels >= 0) & (voxels < self.shape)).all(axis=1)

    def _set(self, voxels: np.ndarray, is_marked: bool) -> None:
        x, y, z = voxels[self._inside(voxels)].T
        self.marked[x, y, z] = is_marked
        self.was_seen[x, y] = True


def within(source: dict[str, Any], points_m: np.ndarray) -> np.ndarray:
    """Return the points between the heights of a source; NaN is between none."""
    z = points_m[:, 2]
    return points_m[
        (z >= source['min_obstacle_height']) & (z <= source['max_obstacle_height'])]


def nav2_parameters(path: Path = NAV2_YAML) -> tuple[NodeConfig, dict[str, Any]]:
    """Return the node's options and the local costmap's parameters in a file."""
    written = yaml.safe_load(path.read_text())
    node = written['/**/depth_node']['ros__parameters']
    values = {name: value for name, value in node.items() if name != 'points'}
    values |= {f'points.{name}': value for name, value in node['points'].items()}
    return (node_config({'model': 'zoed_mini_nk', **values}),
            written['local_costmap']['local_costmap']['ros__parameters'])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument('output', type=Path, help='PNG file to write')
    parser.add_argument('--seed', type=int, default=8, help='of the drives')
    options = parser.parse_args()
    rows = [row(drive, options.seed) for drive in (corridor_drive, street_drive)]
    write_picture(below(rows), options.output)


def row(drive: Callable, seed: int) -> np.ndarray:
    """Return image, costmap by estimated depth, costmap by exact depth."""
    config, costmap = nav2_parameters()
    estimator = DepthEstimator(load_model(config.model), config.estimator, with_std_dev=False)
    frames = list(drive(seed, (240, 320), FRAMES, FPS))
    pipeline = FramePipeline(estimator, config, already_rectified=True)
    centre_m = tuple(frames[-1].camera_to_world[:2, 3])
    layers = {name: VoxelLayer(costmap, centre_m) for name in ('estimated', 'exact')}
    for frame in frames:
        depth = pipeline.finish(estimator.estimate(frame.image_u8, frame.camera), 0.0,
                                with_ground=True)
        exact = replace(
            depth, depth_m=np.where(np.isnan(frame.depth_m), np.inf, frame.depth_m),
            ground=fit_ground(frame.depth_m, frame.camera, config=config.ground))
        for layer, seen in zip(layers.values(), (depth, exact), strict=True):
            show(layer, seen, frame.camera_to_world, config)
    maps = [captioned(picture(layer), name) for name, layer in layers.items()]
    image = captioned(resized(frames[-1].image_u8, PANEL_PX * 4 // 3), frames[-1].domain)
    return beside([image, *maps])


def show(layer: VoxelLayer, depth: DepthMap, pose: np.ndarray, config: NodeConfig) -> None:
    cloud = cloud_of(depth, config.points)
    _, obstacles = split_by_ground(cloud, depth, config.points, config.ground)
    points_m, obstacles_m = (
        item.xyz_m @ pose[:3, :3].T + pose[:3, 3] for item in (cloud, obstacles))
    layer.update(obstacles_m, points_m, pose[:3, 3])


def picture(layer: VoxelLayer) -> np.ndarray:
    costs = layer.costs().T[::-1]  # y up
    gray = np.select([costs == cost for cost in SHADES], list(SHADES.values())).astype(np.uint8)
    return resized(np.repeat(gray[..., None], 3, axis=2), PANEL_PX)


if __name__ == '__main__':
    main()
