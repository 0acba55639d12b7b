# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""One image: its estimate is brought to the truth's size and scale, and compared with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import cv2
import numpy as np
from numpy.typing import NDArray
import torch
from torch.nn import functional

from zoe_depth_ros.camera import Camera
from zoe_depth_ros.config import Domain
from zoe_depth_ros.datasets.sample import Sample
from zoe_depth_ros.errors import DatasetError
from zoe_depth_ros.errors import ImageError
from zoe_depth_ros.evaluation.options import EvaluationOptions
from zoe_depth_ros.inference import DepthEstimator
from zoe_depth_ros.inference import DepthMap
from zoe_depth_ros.inference.routing import Routing
from zoe_depth_ros.metrics import counted_pixels
from zoe_depth_ros.metrics import depth_metrics
from zoe_depth_ros.metrics import DepthMetrics
from zoe_depth_ros.metrics import filled_prediction
from zoe_depth_ros.metrics import RANGES_M
from zoe_depth_ros.metrics import Unknown


@dataclass(frozen=True)
class FrameRow:
    """
    The figures of one image.

    :param name: of the sample.
    :param domain: of the sample, 'indoor' or 'outdoor'.
    :param routed: domain of the metric head that was used.
    :param probability: of that domain, by the router.
    :param routed_right: whether the router gives the image to the domain of the sample.
    :param scale: factor the prediction was multiplied by.
    :param metrics: against the truth.
    """

    name: str
    domain: Domain
    routed: str
    probability: float
    routed_right: bool
    scale: float
    metrics: DepthMetrics


@dataclass(frozen=True, eq=False)
class Comparison:
    """
    One image, its estimate and its truth, pixel by pixel.

    :param row: its figures.
    :param rgb: (h, w, 3) uint8 RGB, of the size the network was given it in.
    :param truth_m: (H, W) float32 metres, NaN where unknown, +inf in the sky.
    :param predicted_m: (H, W) float64 metres, scaled.
    :param std_dev_m: (H, W) float64 metres, scaled, NaN where the estimator gives none.
    :param counts: (H, W) bool, True where a pixel counts.
    """

    row: FrameRow
    rgb: NDArray[np.uint8]
    truth_m: NDArray[np.float32]
    predicted_m: NDArray[np.float64]
    std_dev_m: NDArray[np.float64]
    counts: NDArray[np.bool_]


def compare(
    estimator: DepthEstimator, sample: Sample, options: EvaluationOptions,
) -> Comparison:
    """
    Estimate the depth of a sample and compare it with the truth.

    :raises DatasetError: the image cannot be used, or no pixel of its truth counts.
    """
    try:
        depth = _estimated(estimator, sample, options)
        return compare_depth(depth, sample, options, _meaning_of_unknown(estimator))
    except ImageError as error:
        raise DatasetError(f'{sample.name}: {error}') from error


def _estimated(
    estimator: DepthEstimator, sample: Sample, options: EvaluationOptions,
) -> DepthMap:
    if options.route == 'label':
        estimator.set_domain(sample.domain)
    rgb, camera = _resized_image(sample, options)
    choose = partial(_mixed, estimator.domains) if options.route == 'mixed' else None
    return estimator.estimate_batch([rgb], [camera], choose=choose)[0]


def _mixed(domains: Sequence[str], _: int, probabilities: Sequence[float]) -> Routing:
    head = int(np.argmax(probabilities))
    return Routing(head, domains[head], probabilities[head], tuple(probabilities))


def _resized_image(
    sample: Sample, options: EvaluationOptions,
) -> tuple[NDArray[np.uint8], Camera | None]:
    size_hw = options.preset.image_size_hw if options.preset else None
    if size_hw is None:
        return sample.rgb, sample.camera
    height, width = size_hw
    rgb = cv2.resize(sample.rgb, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(rgb, np.uint8), sample.camera and sample.camera.resized(width, height)


def _meaning_of_unknown(estimator: DepthEstimator) -> Unknown:
    return 'farthest' if estimator.config.mode == 'robot' else 'nearest'


def compare_depth(
    depth: DepthMap, sample: Sample, options: EvaluationOptions, unknown: Unknown,
) -> Comparison:
    """
    Compare estimated depth with the truth.

    What the estimator calls unknown is first given a number (`filled_prediction`); then depth is
    resampled to the truth's size, scaled, and for the metrics limited to the depths that count.

    :param depth: of the sample's image, of any size.
    :param unknown: what NaN in it stands for.
    :raises ImageError: no pixel of the truth counts.
    """
    near_m, far_m = _limits_m(options, sample.domain)
    truth_m, size_hw = sample.depth_m, sample.depth_m.shape
    mask = options.preset.mask((size_hw[0], size_hw[1])) if options.preset else None
    counts = counted_pixels(truth_m, min_depth_m=near_m, max_depth_m=far_m, mask=mask)
    predicted_m = resampled(filled_prediction(
        depth.depth_m, min_depth_m=near_m, max_depth_m=far_m, unknown=unknown), size_hw)
    scale = _scale(options, truth_m[counts], predicted_m[counts])
    predicted_m = predicted_m * scale
    metrics = depth_metrics(
        predicted_m, truth_m, min_depth_m=near_m, max_depth_m=far_m, mask=mask)
    row = FrameRow(
        sample.name, sample.domain, depth.domain, depth.domain_probability,
        _is_routed_right(depth, sample, options), scale, metrics)
    return Comparison(
        row, depth.rgb, truth_m, predicted_m, _std_dev_m(depth, size_hw) * scale, counts)


def _scale(
    options: EvaluationOptions, truth_m: NDArray[np.float32], predicted_m: NDArray[np.float64],
) -> float:
    if options.median and truth_m.size:
        return float(np.median(truth_m) / np.median(predicted_m))
    return options.scale


def _std_dev_m(depth: DepthMap, size_hw: tuple[int, ...]) -> NDArray[np.float64]:
    if depth.std_dev_m is None:
        return np.full(size_hw, np.nan)
    return resampled(depth.std_dev_m.astype(np.float64), size_hw)


def _is_routed_right(depth: DepthMap, sample: Sample, options: EvaluationOptions) -> bool:
    """Where the label chose the head, the router's own probability tells."""
    if options.route == 'label':
        return depth.domain_probability >= 0.5
    return depth.domain == sample.domain


def _limits_m(options: EvaluationOptions, domain: Domain) -> tuple[float, float]:
    """Return the depths, in metres, between which the truth counts."""
    if options.preset is None:
        return RANGES_M[domain]
    return options.preset.min_depth_m, options.preset.max_depth_m


def resampled(values: NDArray[np.float64], size_hw: tuple[int, ...]) -> NDArray[np.float64]:
    """
    Resample bilinearly with aligned corners, as the reference evaluation does.

    :param values: (h, w) float64; NaN spreads to what is made from it.
    :param size_hw: (H, W) of the result.
    """
    if values.shape == size_hw:
        return values
    return functional.interpolate(
        torch.from_numpy(values)[None, None], size=size_hw, mode='bilinear',
        align_corners=True)[0, 0].numpy()
