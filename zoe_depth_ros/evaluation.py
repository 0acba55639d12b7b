# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Evaluation against exact depth, by the paper's metrics (section 5.1) and ranges."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zoe_depth_ros.camera import Camera
from zoe_depth_ros.inference import DepthEstimator
from zoe_depth_ros.inference import DepthMap
from zoe_depth_ros.metrics import depth_metrics
from zoe_depth_ros.metrics import DepthMetrics
from zoe_depth_ros.metrics import mean_metrics
from zoe_depth_ros.worlds import sample_worlds

RANGES_M = {'indoor': (1e-3, 10.0), 'outdoor': (1e-3, 80.0)}


@dataclass(frozen=True)
class Sample:
    """
    One image with its truth.

    :param rgb: (H, W, 3) uint8 RGB.
    :param depth_m: (H, W) float32 metres, NaN where unknown.
    :param camera: intrinsics.
    :param domain: 'indoor' or 'outdoor'.
    """

    rgb: NDArray[np.uint8]
    depth_m: NDArray[np.float32]
    camera: Camera
    domain: str


@dataclass(frozen=True)
class DomainReport:
    """
    Results over the images of one domain.

    :param domain: 'indoor' or 'outdoor'.
    :param images: how many.
    :param router_accuracy: share of images routed to that domain.
    :param metrics: per image, then averaged.
    """

    domain: str
    images: int
    router_accuracy: float
    metrics: DepthMetrics


def evaluate(estimator: DepthEstimator, samples: Iterable[Sample]) -> list[DomainReport]:
    """
    Compare the estimator's depth with the truth.

    Depth is limited to the domain's range. What the estimator calls unknown lies beyond the range
    of its head and counts as the largest depth.
    """
    results: dict[str, list[tuple[DepthMetrics, bool]]] = {}
    for sample in samples:
        depth = estimator.estimate(sample.rgb, sample.camera)
        results.setdefault(sample.domain, []).append(
            (_metrics(depth, sample), depth.domain == sample.domain))
    return [
        DomainReport(
            domain, len(rows), float(np.mean([right for _, right in rows])),
            mean_metrics([metrics for metrics, _ in rows]))
        for domain, rows in sorted(results.items())]


def world_samples(seeds: Sequence[int], size_hw: tuple[int, int]) -> Iterator[Sample]:
    """Yield random worlds of (H, W) pixels, indoors and outdoors in turn."""
    for number, seed in enumerate(seeds):
        world = sample_worlds(
            seeds=[seed], size_hw=size_hw, domains=[('indoor', 'outdoor')[number % 2]])
        pixels = (world.image[0].permute(1, 2, 0) * 255).round().byte().numpy()
        yield Sample(pixels, world.depth_m[0, 0].numpy(), world.cameras[0], world.domains[0])


def _metrics(depth: DepthMap, sample: Sample) -> DepthMetrics:
    near_m, far_m = RANGES_M[sample.domain]
    predicted_m = np.where(np.isnan(depth.depth_m), np.float32(far_m), depth.depth_m)
    return depth_metrics(predicted_m, sample.depth_m, min_depth_m=near_m, max_depth_m=far_m)
