# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Options of an evaluation."""

from __future__ import annotations

from dataclasses import dataclass
import math

from zoe_depth_ros.errors import ConfigError
from zoe_depth_ros.evaluation.presets import Preset

ROUTES = ('router', 'label', 'mixed')


@dataclass(frozen=True)
class EvaluationOptions:
    """
    How depth is compared with the truth.

    :param preset: benchmark whose depth limits, crop and image size apply; None: the limits of the
        image's domain, all pixels, the image as it is.
    :param route: 'router' lets the network choose the metric head; 'label' gives it the domain of
        the data set, as the paper's labelled router does; 'mixed' mixes the depth of all heads by
        the router's probabilities, as training with `routing: auto` does.
    :param median: multiply each prediction by median truth / median prediction.
    :param scale: multiply all predictions by this one factor.
    :param skip_bad: count and name images that cannot be evaluated, instead of stopping.
    :param worst: how many of the images with the largest relative error are kept to be shown.
    """

    preset: Preset | None = None
    route: str = 'router'
    median: bool = False
    scale: float = 1.0
    skip_bad: bool = False
    worst: int = 6

    def __post_init__(self) -> None:
        if self.route not in ROUTES:
            raise ConfigError(f'route = {self.route!r} is not one of {", ".join(ROUTES)}')
        if not (self.scale > 0 and math.isfinite(self.scale)):
            raise ConfigError(f'scale = {self.scale} is not a positive factor')
        if self.median and self.scale != 1:
            raise ConfigError(f'median = True contradicts scale = {self.scale}')
        if self.worst < 0:
            raise ConfigError(f'worst = {self.worst} is below 0')
