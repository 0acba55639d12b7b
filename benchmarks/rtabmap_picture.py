# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
What a map of a drive out of a door becomes with `domain: auto` and with `domain: lock`: a picture.

    PYTHONPATH=. .venv/bin/python benchmarks/rtabmap_picture.py docs/rtabmap.png

Puts clouds together by the true poses, one a second and no farther than RTAB-Map's grid looks, as
RTAB-Map does where its odometry is flawless. From above: black is a cell of the map with
a surface in it or beside it, red one without, grey a surface that the map has not, blue the way.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np
import yaml

from zoe_depth_ros.config import DOMAINS
from zoe_depth_ros.demo.panels import below
from zoe_depth_ros.demo.panels import beside
from zoe_depth_ros.demo.panels import blank
from zoe_depth_ros.demo.panels import captioned
from zoe_depth_ros.demo.panels import GAP_PX
from zoe_depth_ros.demo.panels import resized
from zoe_depth_ros.geometry import point_cloud
from zoe_depth_ros.inference import DepthEstimator
from zoe_depth_ros.inference.frames import estimate_frames
from zoe_depth_ros.inference.frames import Frame
from zoe_depth_ros.inference.frames import FramePipeline
from zoe_depth_ros.inference.frames import PreparedImage
from zoe_depth_ros.model.checkpoint import load_model
from zoe_depth_ros.offline.config import node_config
from zoe_depth_ros.worlds import doorway_drive
from zoe_depth_ros.worlds.drive import WorldFrame

RTABMAP_YAML = Path(__file__).parents[1] / 'config' / 'rtabmap.yaml'
FRAMES, FPS, SIZE_HW = 110, 10.0, (240, 320)
# Grid/RangeMax and Rtabmap/DetectionRate, as RTAB-Map has them if nothing is set.
RANGE_M, PERIOD_S = 5.0, 1.0
SURFACES_M = 30.0  # how far exact depth tells where surfaces are
HEIGHTS_M = (0.3, 2.0)  # above the road
CELL_M, TOLERANCE_M = 0.1, 0.3
PAPER, SURFACE, RIGHT = (255, 255, 255), (205, 205, 205), (0, 0, 0)
WRONG, WAY = (215, 40, 40), (40, 90, 220)
BEFORE_M, BEYOND_M = (3.0, 1.0), (5.0, 6.0)  # around the way, in x and y
CELL_PX = 2


class Plan:
    """A map of a drive, seen from above."""

    def __init__(self, frames: list[WorldFrame]) -> None:
        way_m = np.array([frame.camera_to_world[:2, 3] for frame in frames])
        self._low_m = way_m.min(axis=0) - BEFORE_M
        size = np.ceil((way_m.max(axis=0) + BEYOND_M - self._low_m) / CELL_M).astype(int)
        self.is_hit, self.is_way = np.zeros((2, *size), bool)
        self._mark(self.is_way, way_m)

    def add(self, frame: WorldFrame, depth_m: np.ndarray, range_m: float) -> None:
        """Mark the cells in which an image sees something between the heights."""
        pose = frame.camera_to_world
        xyz_m = point_cloud(depth_m, None, frame.camera, max_range_m=range_m).xyz_m
        points_m = xyz_m @ pose[:3, :3].T + pose[:3, 3]
        low_m, high_m = HEIGHTS_M
        points_m = points_m[(points_m[:, 2] > low_m) & (points_m[:, 2] < high_m)]
        self._mark(self.is_hit, points_m[:, :2])

    def widened(self, by_m: float) -> np.ndarray:
        """Return which cells are at most that far from a marked one."""
        away = cv2.distanceTransform((~self.is_hit).astype(np.uint8), cv2.DIST_L2, 5)
        return away * CELL_M <= by_m

    def _mark(self, cells: np.ndarray, places_m: np.ndarray) -> None:
        at = np.floor((places_m - self._low_m) / CELL_M).astype(int)
        x, y = at[((at >= 0) & (at < cells.shape)).all(axis=1)].T
        cells[x, y] = True


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('output', type=Path, help='PNG file to write')
    parser.add_argument('--model', default='zoed_mini_nk')
    parser.add_argument('--seed', type=int, default=9001, help='of the drive')
    options = parser.parse_args()
    frames = list(doorway_drive(options.seed, SIZE_HW, FRAMES, FPS))
    depths = {'exact': [frame.depth_m for frame in frames]}
    locked = yaml.safe_load(RTABMAP_YAML.read_text())['/**/depth_node']['ros__parameters']
    for domain in ('auto', locked['domain']):
        depths[f'domain: {domain}'] = estimated(
            frames, {'model': options.model, **locked, 'domain': domain})
    print('| depth | cells without a surface | depth over true depth, indoors | outdoors |')
    print('|---|---|---|---|')
    panels = [panel(name, frames, depths_m) for name, depths_m in depths.items()]
    picture = beside([views(frames, panels[0].shape[0]), *panels])
    cv2.imwrite(str(options.output), picture[..., ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 9])


def estimated(frames: list[WorldFrame], values: dict) -> list[np.ndarray]:
    """Return the depth that a node with these parameters gives."""
    config = node_config(values)
    estimator = DepthEstimator(load_model(config.model), config.estimator, with_std_dev=False)
    pipeline = FramePipeline(estimator, config, already_rectified=True)
    depths_m = []
    for frame in frames:
        item = Frame(pipeline, PreparedImage(frame.image_u8, frame.camera, None),
                     frame.stamp_ns / 1e9)
        depth, = estimate_frames(estimator, [item])
        depths_m.append(pipeline.finish(depth, item.stamp_s).depth_m)
    return depths_m


def panel(name: str, frames: list[WorldFrame], depths_m: list[np.ndarray]) -> np.ndarray:
    """Return a picture of the map and print what is wrong with it."""
    surfaces, mapped = Plan(frames), Plan(frames)
    for frame in frames:
        surfaces.add(frame, frame.depth_m, SURFACES_M)
    for frame, depth_m in list(zip(frames, depths_m, strict=True))[::round(PERIOD_S * FPS)]:
        mapped.add(frame, depth_m, RANGE_M)
    is_wrong = mapped.is_hit & ~surfaces.widened(TOLERANCE_M)
    share = is_wrong.sum() / mapped.is_hit.sum()
    ratios = (f'{ratio(frames, depths_m, domain):.2f}' for domain in DOMAINS)
    print(f'| {name} | {share:.0%} | {" | ".join(ratios)} |', flush=True)
    cells = np.full((*is_wrong.shape, 3), PAPER, np.uint8)
    for is_it, color in ((surfaces.is_hit, SURFACE), (mapped.is_hit, RIGHT), (is_wrong, WRONG),
                         (mapped.is_way, WAY)):
        cells[is_it] = color
    picture = cells.transpose(1, 0, 2)[::-1]  # y up
    return captioned(np.kron(picture, np.ones((CELL_PX, CELL_PX, 1), np.uint8)),
                     f'{name}, {share:.0%} of its cells wrong')


def ratio(frames: list[WorldFrame], depths_m: list[np.ndarray], domain: str) -> float:
    """Return the median of depth over true depth within the range, of one domain's images."""
    found = []
    for frame, depth_m in zip(frames, depths_m, strict=True):
        if frame.domain == domain:
            found.append((depth_m / frame.depth_m)[depth_m < RANGE_M])
    return float(np.nanmedian(np.concatenate(found)))


def views(frames: list[WorldFrame], height: int) -> np.ndarray:
    """Return an image of each domain below each other, from the middle of its part."""
    rows, columns = frames[0].image_u8.shape[:2]
    width = (height - GAP_PX) // 2 * columns // rows
    shown = []
    for domain in DOMAINS:
        part = [frame for frame in frames if frame.domain == domain]
        view = resized(part[len(part) // 2].image_u8, width) & 0xF8  # for a smaller file
        shown.append(captioned(view, domain))
    column = below(shown)
    return np.vstack([column, blank(height - len(column), width)])


if __name__ == '__main__':
    main()
