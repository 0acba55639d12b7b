# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The usual measures of metric depth, per image and over a data set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import fields
from typing import Any
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from zoe_depth_ros.errors import ConfigError
from zoe_depth_ros.errors import ImageError

# Depths that count in each domain: those the two heads are trained for (paper, section 5.1).
RANGES_M = {'indoor': (1e-3, 10.0), 'outdoor': (1e-3, 80.0)}

Unknown = Literal['nearest', 'farthest']


@dataclass(frozen=True)
class DepthMetrics:
    """
    How far predicted depth is from the truth.

    :param n_pixels: number of compared pixels.
    :param d1: fraction of pixels with max(truth / predicted, predicted / truth) < 1.25.
    :param d2: the same below 1.25 ** 2.
    :param d3: the same below 1.25 ** 3.
    :param rel: mean of |predicted - truth| / truth.
    :param sq_rel: mean of (predicted - truth) ** 2 / truth, metres.
    :param rmse: root mean square of predicted - truth, metres.
    :param rmse_log: root mean square of ln predicted - ln truth.
    :param log10: mean of |log10 predicted - log10 truth|.
    :param silog: 100 times the standard deviation of ln predicted - ln truth.
    """

    n_pixels: int
    d1: float
    d2: float
    d3: float
    rel: float
    sq_rel: float
    rmse: float
    rmse_log: float
    log10: float
    silog: float


def depth_metrics(
    predicted_m: NDArray[np.floating[Any]], truth_m: NDArray[np.float32], *,
    min_depth_m: float, max_depth_m: float, mask: NDArray[np.bool_] | None = None,
    unknown: Unknown = 'nearest',
) -> DepthMetrics:
    """
    Compare one depth image with its ground truth.

    Every pixel with min_depth_m < truth < max_depth_m counts. The prediction is clamped to the
    same interval first.

    :param predicted_m: (H, W) float32 or float64, metres along the optical axis, NaN where
        unknown.
    :param truth_m: (H, W) float32, metres along the optical axis, NaN or 0 where unknown.
    :param min_depth_m: nearest depth of the evaluation, positive.
    :param max_depth_m: farthest depth of the evaluation.
    :param mask: (H, W) bool, True where pixels count; None for all.
    :param unknown: what NaN stands for, see `filled_prediction`.
    :raises ImageError: shapes differ, or no pixel counts.
    :raises ConfigError: the depth interval is empty or reaches 0.
    """
    if not 0 < min_depth_m < max_depth_m:
        raise ConfigError(f'evaluation from {min_depth_m} to {max_depth_m} m is no depth interval')
    is_valid = counted_pixels(
        truth_m, min_depth_m=min_depth_m, max_depth_m=max_depth_m, mask=mask)
    if predicted_m.shape != truth_m.shape:
        raise ImageError(f'shapes differ: predicted {predicted_m.shape}, truth {truth_m.shape}')
    if not is_valid.any():
        raise ImageError(
            f'no pixel has a true depth between {min_depth_m} and {max_depth_m} m')
    predicted = filled_prediction(
        predicted_m[is_valid], min_depth_m=min_depth_m, max_depth_m=max_depth_m, unknown=unknown)
    return _compare(np.clip(predicted, min_depth_m, max_depth_m), truth_m[is_valid])


def counted_pixels(
    truth_m: NDArray[np.float32], *, min_depth_m: float, max_depth_m: float,
    mask: NDArray[np.bool_] | None = None,
) -> NDArray[np.bool_]:
    """
    Return (H, W) bool, True where a pixel counts: min_depth_m < truth < max_depth_m, in the mask.

    :param truth_m: (H, W) float32, metres along the optical axis, NaN or 0 where unknown.
    :raises ImageError: the mask has another shape.
    """
    if mask is not None and mask.shape != truth_m.shape:
        raise ImageError(f'shapes differ: mask {mask.shape}, truth {truth_m.shape}')
    is_valid = (truth_m > min_depth_m) & (truth_m < max_depth_m)
    return is_valid if mask is None else is_valid & mask


def filled_prediction(
    predicted_m: NDArray[np.floating[Any]], *, min_depth_m: float, max_depth_m: float,
    unknown: Unknown,
) -> NDArray[np.float64]:
    """
    Return predicted depth as float64 metres with a number wherever it has none.

    :param predicted_m: float32 or float64 metres of any shape, NaN where unknown.
    :param min_depth_m: nearest depth of the evaluation.
    :param max_depth_m: farthest depth of the evaluation; infinity becomes this.
    :param unknown: what NaN stands for: 'nearest', as in the reference evaluation, or 'farthest',
        as in the estimator's mode for robots, which calls depth beyond its head's range unknown.
    """
    nan_m = max_depth_m if unknown == 'farthest' else min_depth_m
    return np.nan_to_num(
        predicted_m.astype(np.float64), nan=nan_m, posinf=max_depth_m, neginf=min_depth_m)


def mean_metrics(per_image: Sequence[DepthMetrics]) -> DepthMetrics:
    """
    Average over images, each with the same weight; pixels are summed.

    :raises ImageError: there is no image.
    """
    if not per_image:
        raise ImageError('no image to average metrics over')
    means = {
        field.name: sum(getattr(one, field.name) for one in per_image) / len(per_image)
        for field in fields(DepthMetrics) if field.name != 'n_pixels'
    }
    return DepthMetrics(n_pixels=sum(one.n_pixels for one in per_image), **means)


def garg_crop_mask(size_hw: tuple[int, int]) -> NDArray[np.bool_]:
    """Return the (H, W) bool mask of the KITTI evaluation by Garg et al., True inside."""
    height, width = size_hw
    mask = np.zeros(size_hw, bool)
    mask[
        int(0.40810811 * height):int(0.99189189 * height),
        int(0.03594771 * width):int(0.96405229 * width),
    ] = True
    return mask


def eigen_crop_mask(size_hw: tuple[int, int]) -> NDArray[np.bool_]:
    """Return the (H, W) bool mask of the NYU evaluation by Eigen et al. (480x640), True inside."""
    mask = np.zeros(size_hw, bool)
    mask[45:471, 41:601] = True
    return mask


# Which pixels of a truth count, by the name of the crop in the literature.
EVALUATION_MASKS = {'eigen': eigen_crop_mask, 'garg': garg_crop_mask}


def _compare(predicted: NDArray[np.float64], truth_m: NDArray[np.float32]) -> DepthMetrics:
    truth = truth_m.astype(np.float64)
    error = predicted - truth
    log_error = np.log(predicted) - np.log(truth)
    ratio = np.maximum(predicted / truth, truth / predicted)
    return DepthMetrics(
        n_pixels=truth.size,
        d1=float((ratio < 1.25).mean()),
        d2=float((ratio < 1.25 ** 2).mean()),
        d3=float((ratio < 1.25 ** 3).mean()),
        rel=float((np.abs(error) / truth).mean()),
        sq_rel=float((error ** 2 / truth).mean()),
        rmse=float(np.sqrt((error ** 2).mean())),
        rmse_log=float(np.sqrt((log_error ** 2).mean())),
        log10=float(np.abs(log_error).mean() / np.log(10)),
        silog=float(100 * log_error.std()),
    )
