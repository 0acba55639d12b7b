# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Whether the predicted standard deviation of depth tells how wrong the depth is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zoe_depth_ros.errors import ImageError

# Share of a normal distribution within one standard deviation of its mean.
WITHIN_ONE_SIGMA = 0.6827
CURVE_STEPS = 50
SMALLEST_SIGMA_M = 1e-9


@dataclass(frozen=True)
class Calibration:
    """
    How errors compare with the standard deviations (sigma) predicted for them.

    :param coverage_1_sigma: share of errors within sigma; 0.683 for normal errors.
    :param coverage_2_sigma: share of errors within 2 sigma; 0.954 for normal errors.
    :param sigma_factor: sigma times this would cover 0.683 of the errors.
    """

    coverage_1_sigma: float
    coverage_2_sigma: float
    sigma_factor: float


@dataclass(frozen=True, eq=False)
class Sparsification:
    """
    Error that is left when the pixels that seem most uncertain are removed.

    :param removed: (N,) float64, share of the pixels that is removed.
    :param error: (N,) float64, mean error of the rest, pixels removed by uncertainty.
    :param oracle: (N,) float64, the same, pixels removed by their error: the best there can be.
    """

    removed: NDArray[np.float64]
    error: NDArray[np.float64]
    oracle: NDArray[np.float64]

    @property
    def ause(self) -> float:
        """
        Area under the sparsification error (Ilg et al. 2018, arXiv 1802.07095).

        AUSE = 1/N sum_k (error_k - oracle_k) over the shares k/N that are removed, k = 0 to N - 1;
        not divided by the error of all pixels. 0: the order of the uncertainties is that of the
        errors.
        """
        return float((self.error - self.oracle).mean())


def error_ratios(
    predicted_m: NDArray[np.float64], truth_m: NDArray[np.float64],
    std_dev_m: NDArray[np.float64],
) -> NDArray[np.float64]:
    """
    Return |predicted - truth| / sigma of P pixels.

    :param predicted_m: (P,) float64 metres.
    :param truth_m: (P,) float64 metres.
    :param std_dev_m: (P,) float64 metres, the predicted sigma.
    """
    return np.abs(predicted_m - truth_m) / np.maximum(std_dev_m, SMALLEST_SIGMA_M)


def calibration(ratios: NDArray[np.float64]) -> Calibration:
    """
    Sum up error ratios.

    :param ratios: (P,) float64, |predicted - truth| / sigma.
    :raises ImageError: there is none.
    """
    if not ratios.size:
        raise ImageError('no pixel has a predicted standard deviation to be judged')
    return Calibration(
        float((ratios <= 1).mean()), float((ratios <= 2).mean()),
        float(np.quantile(ratios, WITHIN_ONE_SIGMA)))


def sparsification(
    errors: NDArray[np.float64], uncertainties: NDArray[np.float64], steps: int = CURVE_STEPS,
) -> Sparsification:
    """
    Remove 0, 1/steps, 2/steps ... of the pixels of an image, the most uncertain first.

    :param errors: (P,) float64, not negative; pixels of equal uncertainty go in their order here,
        which should be random.
    :param uncertainties: (P,) float64, larger where the error is said to be larger.
    :param steps: points of the curve.
    :raises ImageError: there is no pixel, or not one uncertainty each.
    """
    if not errors.size or errors.shape != uncertainties.shape:
        raise ImageError(f'{errors.size} errors and {uncertainties.size} uncertainties')
    removed = np.arange(steps) / steps
    kept = np.maximum(1, np.rint((1 - removed) * errors.size)).astype(np.int64)
    by_uncertainty = errors[np.argsort(uncertainties, kind='stable')]
    return Sparsification(
        removed, _mean_of_first(by_uncertainty, kept), _mean_of_first(np.sort(errors), kept))


def mean_sparsification(per_image: Sequence[Sparsification]) -> Sparsification:
    """
    Average the curves of images, each with the same weight.

    :raises ImageError: there is no image.
    """
    if not per_image:
        raise ImageError('no image to average sparsification curves over')
    return Sparsification(
        per_image[0].removed, np.mean([curve.error for curve in per_image], axis=0),
        np.mean([curve.oracle for curve in per_image], axis=0))


def _mean_of_first(values: NDArray[np.float64], counts: NDArray[np.int64]) -> NDArray[np.float64]:
    means: NDArray[np.float64] = np.cumsum(values)[counts - 1] / counts
    return means
