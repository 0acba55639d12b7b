# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from dataclasses import asdict
from dataclasses import replace
import math

import numpy as np
import pytest

from zoe_depth_ros.errors import ConfigError
from zoe_depth_ros.errors import ImageError
from zoe_depth_ros.metrics import depth_metrics
from zoe_depth_ros.metrics import eigen_crop_mask
from zoe_depth_ros.metrics import filled_prediction
from zoe_depth_ros.metrics import garg_crop_mask
from zoe_depth_ros.metrics import mean_metrics
from zoe_depth_ros.metrics import RANGES_M


def measure(predicted_m, truth_m, *, min_depth_m=1e-3, max_depth_m=10.0, mask=None):
    return depth_metrics(
        np.array([predicted_m], np.float32), np.array([truth_m], np.float32),
        min_depth_m=min_depth_m, max_depth_m=max_depth_m,
        mask=None if mask is None else np.array([mask]))


def test_metrics_of_two_pixels_are_those_computed_by_hand():
    found = asdict(measure([1.2, 2.0], [1.0, 2.0]))
    assert found == pytest.approx({
        'n_pixels': 2, 'd1': 1.0, 'd2': 1.0, 'd3': 1.0,
        'rel': 0.2 / 2, 'sq_rel': 0.2 ** 2 / 2, 'rmse': math.sqrt(0.2 ** 2 / 2),
        'rmse_log': math.sqrt(math.log(1.2) ** 2 / 2), 'log10': math.log10(1.2) / 2,
        'silog': 100 * math.log(1.2) / 2,
    }, rel=1e-5)


def test_metrics_of_the_truth_itself_are_perfect():
    found = measure([1.0, 2.0, 5.0], [1.0, 2.0, 5.0])
    assert (found.d1, found.d2, found.d3) == (1, 1, 1)
    assert [found.rel, found.sq_rel, found.rmse, found.rmse_log, found.log10] == [0] * 5
    assert found.silog == 0


def test_metrics_deltas_count_ratios_in_both_directions():
    # Ratios 1.2, 1 / 1.3, 1.6, 2: within 1.25, 1.5625, 1.953125 are 1, 2, 3 of the 4.
    found = measure([1.2, 1.0, 1.6, 2.0], [1.0, 1.3, 1.0, 1.0])
    assert (found.d1, found.d2, found.d3) == (0.25, 0.5, 0.75)


def test_metrics_relative_errors_divide_by_the_truth():
    found = measure([2.0], [4.0])
    assert (found.rel, found.sq_rel, found.rmse) == (0.5, 1.0, 2.0)


def test_metrics_silog_ignores_a_common_scale_and_rmse_log_does_not():
    found = measure([2.0, 4.0, 6.0], [1.0, 2.0, 3.0])
    assert found.silog == pytest.approx(0, abs=1e-5)
    assert found.rmse_log == pytest.approx(math.log(2), rel=1e-6)


def test_metrics_clamp_the_prediction_and_take_nan_as_nearest():
    wild = measure([math.inf, 50.0, math.nan, -3.0], [5.0] * 4, min_depth_m=0.5)
    assert wild == measure([10.0, 10.0, 0.5, 0.5], [5.0] * 4, min_depth_m=0.5)


def test_metrics_take_unknown_as_farthest_where_told():
    predicted, truth = np.array([[math.nan, 3.0]]), np.array([[5.0, 3.0]], np.float32)
    found = depth_metrics(
        predicted, truth, min_depth_m=0.5, max_depth_m=10.0, unknown='farthest')
    assert found == measure([10.0, 3.0], [5.0, 3.0])


def test_metrics_filled_prediction_has_numbers_only_and_keeps_those_it_had():
    predicted = np.array([[math.nan, math.inf, -math.inf, 50.0, 0.1]], np.float32)
    for unknown, nan_m in (('nearest', 0.5), ('farthest', 10.0)):
        found = filled_prediction(
            predicted, min_depth_m=0.5, max_depth_m=10.0, unknown=unknown)
        assert found[0] == pytest.approx([nan_m, 10.0, 0.5, 50.0, 0.1])


def test_metrics_agree_with_scikit_learn():
    scores = pytest.importorskip('sklearn.metrics')
    rng = np.random.default_rng(7)
    truth_m = rng.uniform(0.5, 9.5, (40, 50)).astype(np.float32)
    predicted_m = (truth_m * rng.lognormal(0.1, 0.3, truth_m.shape)).astype(np.float32)
    found = depth_metrics(predicted_m, truth_m, min_depth_m=0.4, max_depth_m=10.0)
    truth = truth_m.astype(np.float64).ravel()
    predicted = np.clip(predicted_m.astype(np.float64).ravel(), 0.4, 10.0)
    logs = np.log(truth), np.log(predicted)
    assert found.rel == pytest.approx(scores.mean_absolute_percentage_error(truth, predicted))
    assert found.rmse == pytest.approx(scores.root_mean_squared_error(truth, predicted))
    assert found.rmse_log == pytest.approx(scores.root_mean_squared_error(*logs))
    assert found.log10 == pytest.approx(
        scores.mean_absolute_error(np.log10(truth), np.log10(predicted)))
    assert found.sq_rel == pytest.approx(
        scores.mean_squared_error(truth, predicted, sample_weight=1 / truth)
        * (1 / truth).mean())
    bias = float(np.mean(logs[1] - logs[0]))
    assert found.silog == pytest.approx(
        100 * math.sqrt(scores.mean_squared_error(*logs) - bias ** 2))
    for threshold, delta in ((1.25, found.d1), (1.25 ** 2, found.d2), (1.25 ** 3, found.d3)):
        is_near = np.exp(np.abs(logs[1] - logs[0])) < threshold
        assert delta == pytest.approx(scores.accuracy_score(np.ones(truth.size), is_near))


def test_metrics_ranges_are_those_of_the_two_heads():
    assert RANGES_M == {'indoor': (1e-3, 10.0), 'outdoor': (1e-3, 80.0)}


def test_metrics_skip_truth_that_is_unknown_or_not_strictly_inside_the_limits():
    truth_m = [math.nan, math.inf, 0.0, 0.5, 10.0, 4.0]
    found = measure([1.0, 1.0, 1.0, 1.0, 1.0, 4.0], truth_m, min_depth_m=0.5)
    assert found == measure([4.0], [4.0], min_depth_m=0.5)


def test_metrics_skip_pixels_outside_the_mask():
    found = measure([9.0, 4.0], [2.0, 4.0], mask=[False, True])
    assert found == measure([4.0], [4.0])


def test_metrics_without_a_valid_pixel_name_the_limits():
    with pytest.raises(ImageError, match=r'between 0\.001 and 10\.0 m'):
        measure([1.0, 1.0], [math.nan, 11.0])


@pytest.mark.parametrize('shape', [(2, 3), (6,)])
def test_metrics_of_different_shapes_name_them(shape):
    ones = np.ones((3, 2), np.float32)
    for predicted, mask in ((np.ones(shape, np.float32), None), (ones, np.ones(shape, bool))):
        with pytest.raises(ImageError) as caught:
            depth_metrics(predicted, ones, min_depth_m=0.1, max_depth_m=9.0, mask=mask)
        assert str(shape) in str(caught.value)


@pytest.mark.parametrize('limits', [(0.0, 10.0), (3.0, 3.0), (math.nan, 1.0)])
def test_metrics_of_an_empty_depth_interval_are_refused(limits):
    with pytest.raises(ConfigError, match=str(limits[0])):
        measure([1.0], [1.0], min_depth_m=limits[0], max_depth_m=limits[1])


def test_mean_metrics_weighs_images_and_not_pixels():
    large, small = measure([1.0] * 3, [1.0] * 3), measure([2.0], [4.0])
    mean = mean_metrics([large, small])
    assert mean.n_pixels == 4
    assert (mean.rel, mean.rmse, mean.d1) == (0.25, 1.0, 0.5)
    assert mean_metrics([small]) == small
    assert mean_metrics([small, replace(small, silog=4.0)]).silog == 2.0


def test_mean_metrics_of_no_image_is_refused():
    with pytest.raises(ImageError, match='no image'):
        mean_metrics([])


def extent(mask):
    """Return first and last row and column of a mask that must be a filled rectangle."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    assert mask.sum() == len(rows) * len(columns)
    return tuple(int(edge) for edges in (rows, columns) for edge in (edges[0], edges[-1]))


def test_garg_crop_keeps_its_fractions_of_the_image():
    # 352 * 0.40810811 = 143.65, 352 * 0.99189189 = 349.1; 1216 * 0.0359 = 43.7, * 0.964 = 1172.3.
    assert extent(garg_crop_mask((352, 1216))) == (143, 348, 43, 1171)


def test_eigen_crop_keeps_its_rows_and_columns():
    mask = eigen_crop_mask((480, 640))
    assert mask.shape == (480, 640)
    assert extent(mask) == (45, 470, 41, 600)
