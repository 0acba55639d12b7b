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
from zoe_depth_ros.worlds import render_views
from zoe_depth_ros.worlds import sample_view

FIRST_SEED = 9000
MEDIUM_HW = (120, 160)
FARTHEST_M = {'indoor': 10.0, 'outdoor': 40.0}
RANGE_END_M = {'indoor': 10.0, 'outdoor': 80.0}


@dataclass(frozen=True)
class Shot:
    """
    One image with truth.

    `depth_m` and `std_dev_m` are (2, H, W), of each head; depth is cut at the end of its range.
    """

    stamp_s: float
    depth_m: np.ndarray
    std_dev_m: np.ndarray
    outdoor_probability: float
    true_m: np.ndarray
    domain: str
    camera: Camera
    camera_to_world: np.ndarray

    @property
    def own_m(self) -> np.ndarray:
        """Depth by the head of the domain the camera is in."""
        return self.depth_m[DOMAINS.index(self.domain)]

    @property
    def own_std_m(self) -> np.ndarray:
        """Its standard deviation, NaN beyond the range."""
        return self.std_dev_m[DOMAINS.index(self.domain)]

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
        self.drives, self.views = options.drives, options.views
        self.estimator = DepthEstimator.from_pretrained(options.model, device='cpu')

    def shoot(self, rgb: np.ndarray, true_m: np.ndarray, camera: Camera, pose: np.ndarray,
              domain: str, stamp_s: float = 0.0) -> Shot:
        maps = []
        for forced in DOMAINS:
            self.estimator.set_domain(forced)
            maps.append(self.estimator.estimate(rgb, camera))
        depths = [np.nan_to_num(item.depth_m, nan=RANGE_END_M[item.domain]) for item in maps]
        return Shot(stamp_s, np.stack(depths), np.stack([item.std_dev_m for item in maps]),
                    maps[1].domain_probability, true_m, domain, camera, pose)

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


def points(depth_m: np.ndarray, camera: Camera) -> np.ndarray:
    v, u = np.mgrid[:camera.height, :camera.width]
    rays = np.stack([(u - camera.cx) / camera.fx, (v - camera.cy) / camera.fy,
                     np.ones(u.shape)], axis=-1)
    return (rays * depth_m[..., None]).reshape(-1, 3)


def row(*cells: object, head: bool = False) -> None:
    print('| ' + ' | '.join(str(cell) for cell in cells) + ' |', flush=True)
    if head:
        print('|' + '---|' * len(cells), flush=True)
