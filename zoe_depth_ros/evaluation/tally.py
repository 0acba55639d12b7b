# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Sums up the images of one domain; of their pixels it keeps a sample."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from dataclasses import field

import numpy as np
from numpy.typing import NDArray

from zoe_depth_ros.config import Domain
from zoe_depth_ros.evaluation.compare import Comparison
from zoe_depth_ros.evaluation.compare import FrameRow
from zoe_depth_ros.evaluation.uncertainty import Calibration
from zoe_depth_ros.evaluation.uncertainty import calibration
from zoe_depth_ros.evaluation.uncertainty import error_ratios
from zoe_depth_ros.evaluation.uncertainty import mean_sparsification
from zoe_depth_ros.evaluation.uncertainty import Sparsification
from zoe_depth_ros.evaluation.uncertainty import sparsification
from zoe_depth_ros.metrics import DepthMetrics
from zoe_depth_ros.metrics import mean_metrics

# Pixels of an image: for its sparsification curve, and kept for medians over all images.
CURVE_PIXELS = 20_000
KEPT_PIXELS = 1_000


@dataclass(frozen=True, eq=False)
class DomainReport:
    """
    Results over the images of one domain.

    :param domain: 'indoor' or 'outdoor'.
    :param images: how many.
    :param router_accuracy: share of them that the router gives to that domain.
    :param metrics: per image, then averaged.
    :param calibration: of the predicted standard deviation, over a sample of pixels; None where
        the estimator gives none.
    :param sparsification: mean curves of the relative error; None likewise.
    """

    domain: Domain
    images: int
    router_accuracy: float
    metrics: DepthMetrics
    calibration: Calibration | None
    sparsification: Sparsification | None


@dataclass
class Tally:
    """What is kept of the images of one domain."""

    _rows: list[FrameRow] = field(default_factory=list)
    _curves: list[Sparsification] = field(default_factory=list)
    _error_ratios: list[NDArray[np.float64]] = field(default_factory=list)
    _scales: list[NDArray[np.float64]] = field(default_factory=list)

    def add(self, one: Comparison, seed: int) -> None:
        """
        Add an image.

        :param seed: of the choice of its pixels.
        """
        self._rows.append(one.row)
        chosen = np.random.default_rng(seed).permutation(np.flatnonzero(one.counts))
        self._add_scales(one, chosen[:KEPT_PIXELS])
        has_std_dev = np.isfinite(one.std_dev_m.flat[chosen])
        self._add_uncertainty(one, chosen[has_std_dev][:CURVE_PIXELS])

    def scales(self) -> NDArray[np.float64]:
        """Return truth / prediction before any scaling, of the pixels kept, (P,) float64."""
        return np.concatenate(self._scales)

    def report(self, domain: Domain) -> DomainReport:
        """Sum up at least one image."""
        ratios = np.concatenate(self._error_ratios)
        return DomainReport(
            domain, len(self._rows), float(np.mean([row.routed_right for row in self._rows])),
            mean_metrics([row.metrics for row in self._rows]),
            calibration(ratios) if ratios.size else None,
            mean_sparsification(self._curves) if self._curves else None)

    def _add_scales(self, one: Comparison, pixels: NDArray[np.int64]) -> None:
        predicted_m = one.predicted_m.flat[pixels] / one.row.scale
        self._scales.append(one.truth_m.flat[pixels] / predicted_m)

    def _add_uncertainty(self, one: Comparison, pixels: NDArray[np.int64]) -> None:
        """Order by sigma in metres, as Poggi et al. 2020 (arXiv 2005.06209) do."""
        predicted_m, std_dev_m = one.predicted_m.flat[pixels], one.std_dev_m.flat[pixels]
        truth_m = one.truth_m.flat[pixels].astype(np.float64)
        ratios = error_ratios(predicted_m, truth_m, std_dev_m)
        self._error_ratios.append(ratios[:KEPT_PIXELS])
        if pixels.size:
            self._curves.append(sparsification(
                np.abs(predicted_m - truth_m) / truth_m, std_dev_m))


def fitting_scale(tallies: Iterable[Tally]) -> float:
    """Return the factor on all predictions that makes the median of truth / prediction 1."""
    return float(np.median(np.concatenate([tally.scales() for tally in tallies])))
