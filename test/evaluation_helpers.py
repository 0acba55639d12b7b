# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Small samples whose truth is made from estimates, so that figures are known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from zoe_depth_ros.datasets import Sample
from zoe_depth_ros.inference import DepthEstimator
from zoe_depth_ros.inference import DepthMap
from zoe_depth_ros.model.zoedepth import ZoeDepth
from zoe_depth_ros.options import EstimatorConfig

SIZE_HW = (64, 96)


class Samples:
    """A source of given samples; an error among them is raised in its place."""

    def __init__(self, *samples):
        self.name, self.skipped, self._samples = 'some samples', 0, samples

    def __len__(self):
        return len(self._samples)

    def __getitem__(self, number):
        if isinstance(self._samples[number], Exception):
            raise self._samples[number]
        return self._samples[number]

    def problems(self, first=0, step=1):
        return []


def tiny_estimator(tiny_config, **options) -> DepthEstimator:
    torch.manual_seed(1)
    return DepthEstimator(ZoeDepth(tiny_config), EstimatorConfig(**options))


def image(seed: int = 0, size_hw=SIZE_HW) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (*size_hw, 3), dtype=np.uint8)


def sample(depth_m, domain='indoor', name='one', rgb=None) -> Sample:
    depth_m = np.asarray(depth_m, np.float32)
    return Sample(image(0, depth_m.shape) if rgb is None else rgb, depth_m, None, domain, name)


def estimated_sample(estimator, seed: int, factor: float = 1.0) -> Sample:
    """Return a sample whose truth is the estimate times a factor, in the domain it is given."""
    depth = estimator.estimate(image(seed))
    return sample(factor * depth.depth_m, depth.domain, f'image {seed}', image(seed))


def depth_map(depth_m, std_dev_m=None, **changes) -> DepthMap:
    depth_m = np.asarray(depth_m, np.float32)
    std_dev_m = None if std_dev_m is None else np.asarray(std_dev_m, np.float32)
    made = DepthMap(depth_m, std_dev_m, 'indoor', 0.9, image(0, depth_m.shape), None)
    return replace(made, **changes)
