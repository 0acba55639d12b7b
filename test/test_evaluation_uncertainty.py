# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import numpy as np
import pytest

from zoe_depth_ros.errors import ImageError
from zoe_depth_ros.evaluation.uncertainty import calibration
from zoe_depth_ros.evaluation.uncertainty import error_ratios
from zoe_depth_ros.evaluation.uncertainty import mean_sparsification
from zoe_depth_ros.evaluation.uncertainty import sparsification

RNG = np.random.default_rng(5)


def normal_ratios(claimed_over_true_sigma):
    truth_m, sigma_m = np.full(200_000, 3.0), RNG.uniform(0.1, 0.5, 200_000)
    return error_ratios(
        RNG.normal(truth_m, sigma_m), truth_m, sigma_m * claimed_over_true_sigma)


def test_calibration_of_normal_errors_with_their_true_sigma_is_the_normal_distribution_s():
    found = calibration(normal_ratios(1.0))
    assert found.coverage_1_sigma == pytest.approx(0.6827, abs=0.005)
    assert found.coverage_2_sigma == pytest.approx(0.9545, abs=0.003)
    assert found.sigma_factor == pytest.approx(1, abs=0.01)


def test_calibration_finds_the_factor_that_was_left_out_of_sigma():
    found = calibration(normal_ratios(0.25))
    assert found.sigma_factor == pytest.approx(4, rel=0.01)
    # 0.25 and 0.5 true sigma: erf(0.25 / sqrt 2), erf(0.5 / sqrt 2).
    assert found.coverage_1_sigma == pytest.approx(0.1974, abs=0.005)
    assert found.coverage_2_sigma == pytest.approx(0.3829, abs=0.005)


def test_calibration_counts_errors_of_exactly_sigma_as_covered():
    found = calibration(error_ratios(
        np.array([1.5, 2.0, 4.0, 1.0]), np.array([1.0, 1.0, 1.0, 1.0]), np.full(4, 0.5)))
    assert (found.coverage_1_sigma, found.coverage_2_sigma) == (0.5, 0.75)


def test_calibration_of_sigma_zero_covers_only_exact_predictions():
    found = calibration(error_ratios(
        np.array([1.0, 1.1]), np.array([1.0, 1.0]), np.zeros(2)))
    assert (found.coverage_1_sigma, found.coverage_2_sigma) == (0.5, 0.5)


def test_sparsification_by_the_errors_themselves_is_the_oracle():
    errors = RNG.exponential(size=1000)
    found = sparsification(errors, 7 * errors)
    assert found.ause == 0
    assert found.error.tolist() == found.oracle.tolist()


def test_sparsification_curve_of_four_pixels_is_that_computed_by_hand():
    found = sparsification(np.array([4.0, 1.0, 2.0, 3.0]), np.array([1.0, 2.0, 3.0, 4.0]), steps=4)
    assert found.removed.tolist() == [0, 0.25, 0.5, 0.75]
    assert found.error == pytest.approx([10 / 4, 7 / 3, 5 / 2, 4])
    assert found.oracle == pytest.approx([10 / 4, 6 / 3, 3 / 2, 1])
    assert found.ause == pytest.approx((0 + 1 / 3 + 1 + 3) / 4)


@pytest.mark.parametrize(('sign', 'ause'), [(0, 49 / 200), (-1, 49 / 100)])
def test_sparsification_by_nothing_and_by_the_opposite_have_known_areas(sign, ause):
    # Uniform errors: the oracle leaves (1 - f) / 2; no order 1 / 2; the worst order (1 + f) / 2.
    errors = RNG.permutation(np.linspace(0, 1, 100_000))
    assert sparsification(errors, sign * errors).ause == pytest.approx(ause, abs=3e-3)


def test_sparsification_keeps_a_pixel_of_few():
    found = sparsification(np.array([2.0, 1.0]), np.array([2.0, 1.0]))
    assert np.isfinite(found.error).all()
    assert found.error[-1] == 1


def test_mean_sparsification_weighs_images_and_not_pixels():
    large = sparsification(np.full(100, 0.2), np.ones(100))
    small = sparsification(np.full(3, 0.4), np.ones(3))
    assert mean_sparsification([large, small]).error == pytest.approx([0.3] * 50)


def test_uncertainty_without_pixels_or_images_is_refused():
    with pytest.raises(ImageError, match='standard deviation'):
        calibration(np.array([]))
    with pytest.raises(ImageError, match='0 errors'):
        sparsification(np.array([]), np.array([]))
    with pytest.raises(ImageError, match='3 errors and 2'):
        sparsification(np.ones(3), np.ones(2))
    with pytest.raises(ImageError, match='no image'):
        mean_sparsification([])
