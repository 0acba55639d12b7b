# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Images of worlds with exact depth, and what both metric heads make of them."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from zoe_depth_ros.camera import Camera
from zoe_depth_ros.config import DOMAINS
from zoe_depth_ros.inference import DepthEstimator
from zoe_depth_ros.inference import DepthMap
from zoe_depth_ros.worlds import render_views
from zoe_depth_ros.worlds import sample_view

FIRST_SEED = 9000
MEDIUM_HW = (120, 160)
FARTHEST_M = {'indoor': 10.0, 'outdoor': 40.0}
RANGE_END_M = {'indoor': 10.0, 'outdoor': 80.0}


@dataclass(frozen=True)
class Shot:
    """One image with truth, and the depth map of each head, unknown beyond the head's range."""

    stamp_s: float
    maps: tuple[DepthMap, ...]
    outdoor_probability: float
    true_m: np.ndarray
    domain: str
    camera: Camera
    camera_to_world: np.ndarray

    @property
    def depth_m(self) -> np.ndarray:
        """Depth by each head, (2, H, W), cut at the end of its range."""
        return np.stack([within_range(item) for item in self.maps])

    @property
    def own(self) -> DepthMap:
        """Depth by the head of the domain the camera is in, as the node has it."""
        return self.maps[DOMAINS.index(self.domain)]

    @property
    def own_m(self) -> np.ndarray:
        """The same, cut at the end of its range."""
        return within_range(self.own)

    @property
    def own_in_scale(self) -> DepthMap:
        """The same, in the image's true scale."""
        return self.own.scaled(1 / np.exp(self.log_scale(self.own_m)))

    @property
    def seen(self) -> np.ndarray:
        return np.isfinite(self.true_m) & (self.true_m < FARTHEST_M[self.domain])

    def log_scale(self, depth_m: np.ndarray) -> float:
        """Return the median of ln(predicted / true)."""
        known = self.seen & np.isfinite(depth_m)
        return float(np.median(np.log(depth_m[known] / self.true_m[known])))

    def error(self, depth_m: np.ndarray) -> float:
        """Return the mean relative error."""
        known = self.seen & np.isfinite(depth_m)
        return float((np.abs(depth_m[known] - self.true_m[known]) / self.true_m[known]).mean())


class Bench:
    def __init__(self, options: argparse.Namespace) -> None:
        self.model, self.drives, self.views = options.model, options.drives, options.views
        self.estimator = DepthEstimator.from_pretrained(self.model, device='cpu')

    def shoot(self, rgb: np.ndarray, true_m: np.ndarray, camera: Camera, pose: np.ndarray,
              domain: str, stamp_s: float = 0.0) -> Shot:
        maps = []
        for forced in DOMAINS:
            self.estimator.set_domain(forced)
            maps.append(self.estimator.estimate(rgb, camera))
        return Shot(stamp_s, tuple(maps), maps[1].domain_probability, true_m, domain, camera, pose)

    def film(self, drive: Callable, seed: int, size_hw=MEDIUM_HW, frames=200, fps=20.0
             ) -> list[Shot]:
        return [self.shoot(frame.image_u8, frame.depth_m, frame.camera, frame.camera_to_world,
                           frame.domain, frame.stamp_ns / 1e9)
                for frame in drive(seed, size_hw, frames, fps)]

    def look(self, change: Callable, size_hw=MEDIUM_HW) -> Iterator[Shot]:
        """Yield random views after `change` was applied to each."""
        for number in range(self.views):
            view = change(sample_view(FIRST_SEED + number, size_hw, DOMAINS[number % 2]))
            batch = render_views([view])
            rgb = (batch.image[0] * 255).round().byte().permute(1, 2, 0).contiguous().numpy()
            yield self.shoot(rgb, batch.depth_m[0, 0].numpy(), view.camera, view.camera_to_world,
                             view.domain)


def within_range(depth: DepthMap) -> np.ndarray:
    return np.nan_to_num(depth.depth_m, nan=RANGE_END_M[depth.domain])


def points(depth_m: np.ndarray, camera: Camera) -> np.ndarray:
    v, u = np.mgrid[:camera.height, :camera.width]
    rays = np.stack([(u - camera.cx) / camera.fx, (v - camera.cy) / camera.fy,
                     np.ones(u.shape)], axis=-1)
    return (rays * depth_m[..., None]).reshape(-1, 3)


def marked(value: float, default: float, unit: str = '') -> str:
    """Return the value as a cell that tells whether it is the default."""
    return f'{value:g}{unit}{" (default)" if value == default else ""}'


def row(*cells: object, head: bool = False) -> None:
    print('| ' + ' | '.join(str(cell) for cell in cells) + ' |', flush=True)
    if head:
        print('|' + '---|' * len(cells), flush=True)
