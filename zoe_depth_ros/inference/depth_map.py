# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What the estimator returns."""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from zoe_depth_ros.camera import Camera
from zoe_depth_ros.ground import GroundPlane
from zoe_depth_ros.scale import Scale


@dataclass(frozen=True)
class DepthMap:
    """
    Metric depth of one image.

    :param depth_m: (H, W) float32, metres along the optical axis, NaN where unknown, +inf where
        the option beyond_range says so.
    :param std_dev_m: (H, W) float32, metres, NaN where depth is no number; None if not wanted.
    :param domain: 'indoor' or 'outdoor'.
    :param domain_probability: of that domain, by the router.
    :param rgb: (H, W, 3) uint8 RGB, the image the depth belongs to pixel by pixel.
    :param camera: intrinsics of that image, None if none were given.
    :param since_change_s: time since the domain last changed, where frames are routed over time.
    :param scale: what the depth was multiplied with, where its scale is followed over time.
    :param ground: below the camera, where it was looked for and found.
    """

    depth_m: NDArray[np.float32]
    std_dev_m: NDArray[np.float32] | None
    domain: str
    domain_probability: float
    rgb: NDArray[np.uint8]
    camera: Camera | None
    since_change_s: float | None = None
    scale: Scale | None = None
    ground: GroundPlane | None = None

    def scaled(self, factor: float) -> DepthMap:
        """Return it with depth, standard deviation and ground multiplied by a factor."""
        single, ground = np.float32(factor), self.ground
        return replace(
            self, depth_m=self.depth_m * single,
            std_dev_m=None if self.std_dev_m is None else self.std_dev_m * single,
            ground=None if ground is None else ground.scaled(factor))
