# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import math

import pytest
import torch

from zoe_depth_ros.errors import TrainingError
from zoe_depth_ros.training.losses import relative_errors
from zoe_depth_ros.training.losses import router_losses
from zoe_depth_ros.training.losses import scale_shift_invariant_losses
from zoe_depth_ros.training.losses import silog_from_sums
from zoe_depth_ros.training.losses import silog_sums
from zoe_depth_ros.training.losses import sky_shortfall
from zoe_depth_ros.training.losses import usable


def everywhere(values: torch.Tensor) -> torch.Tensor:
    return torch.ones_like(values, dtype=torch.bool)


def silog_loss(
    predicted_m: torch.Tensor, truth_m: torch.Tensor, mask: torch.Tensor,
) -> torch.Tensor:
    return silog_from_sums(silog_sums(predicted_m, truth_m, mask))


def row(*values: float) -> torch.Tensor:
    return torch.tensor(values).view(1, 1, 1, -1)


def test_silog_of_a_common_scale_error_is_only_its_mean_term():
    truth_m = torch.rand(2, 1, 4, 5) + 1
    loss = silog_loss(truth_m * 2, truth_m, everywhere(truth_m))
    assert torch.isclose(loss, 10 * torch.tensor(0.15).sqrt() * torch.tensor(2.0).log(), rtol=1e-4)


def test_silog_of_two_pixels_matches_the_formula():
    loss = silog_loss(row(1.0, math.e), row(1.0, 1.0), everywhere(row(1.0, 1.0)))
    assert torch.isclose(loss, 10 * torch.tensor(0.5 + 0.15 * 0.25).sqrt())


def test_silog_of_parts_is_that_of_the_whole():
    truth_m, predicted_m = torch.rand(4, 1, 6, 7) + 1, torch.rand(4, 1, 6, 7) + 1
    mask = torch.rand(4, 1, 6, 7) > 0.4
    sums = sum(silog_sums(predicted_m[part], truth_m[part], mask[part])
               for part in (slice(0, 1), slice(1, 4)))
    assert torch.isclose(silog_from_sums(sums), silog_loss(predicted_m, truth_m, mask), rtol=1e-6)


@pytest.mark.parametrize('known', [0, 1])
def test_silog_without_two_valid_pixels_is_zero_with_zero_gradient(known):
    predicted_m = torch.ones(1, 1, 2, 2, requires_grad=True)
    mask = torch.arange(4).view(1, 1, 2, 2) < known
    loss = silog_loss(predicted_m, torch.where(mask, 3.0, math.nan), mask)
    loss.backward()
    assert loss.item() == 0
    assert predicted_m.grad.abs().max() == 0


def test_silog_of_a_perfect_prediction_has_a_finite_gradient():
    predicted_m = torch.full((1, 1, 2, 2), 2.0, requires_grad=True)
    silog_loss(predicted_m, predicted_m.detach(), everywhere(predicted_m)).backward()
    assert predicted_m.grad.isfinite().all()


def test_relative_errors_are_shares_of_the_truth_where_it_is_known():
    predicted_m, truth_m = row(1.5, 6.0, 7.0, 2.0), row(1.0, 8.0, math.nan, 2.0)
    errors = relative_errors(predicted_m, truth_m, truth_m > 0)
    assert torch.allclose(errors, torch.tensor([0.5, 0.25, 0.0]))


def test_relative_errors_never_look_at_masked_pixels():
    predicted_m, truth_m = row(1.5, 7.0).requires_grad_(), row(1.0, math.nan)
    relative_errors(predicted_m, truth_m, truth_m > 0).sum().backward()
    assert torch.allclose(predicted_m.grad, row(1.0, 0.0))


def test_sky_shortfall_is_the_log_ratio_to_where_sky_may_begin():
    sky = torch.tensor([True, True, True, False]).view(1, 1, 1, 4)
    shortfall = sky_shortfall(row(10.0, 240.0, 60.0, 1.0), sky, 120.0)
    assert torch.allclose(shortfall, torch.tensor([math.log(12), 0, math.log(2)]))
    assert len(sky_shortfall(row(1.0), torch.zeros(1, 1, 1, 1, dtype=torch.bool), 120.0)) == 0


def test_ssi_of_a_row_matches_the_formula():
    # truth: median 3, mean absolute deviation 6 / 5; prediction: median 1, deviation 12 / 5.
    truth, predicted = row(1, 2, 3, 4, 5), row(-1, 0, 1, 2, 9)
    aligned = [(p - 1) / 2.4 - (t - 3) / 1.2
               for p, t in zip(predicted.flatten().tolist(), truth.flatten().tolist(),
                               strict=True)]
    sizes = sorted(map(abs, aligned))
    steps = sum(abs(a - b) for a, b in zip(aligned[1:], aligned, strict=False)) / 5
    doubled = sum(abs(a - b) for a, b in zip(aligned[2::2], aligned[::2], strict=False)) / 3
    quadrupled = abs(aligned[4] - aligned[0]) / 2
    loss, = scale_shift_invariant_losses(predicted, truth, everywhere(truth))
    assert loss == pytest.approx(
        sum(sizes[:4]) / 10 + 0.5 * (steps + doubled + quadrupled), rel=1e-5)


def test_ssi_ignores_scale_and_shift():
    disparity = torch.rand(2, 1, 16, 16)
    same = scale_shift_invariant_losses(disparity * 3 + 5, disparity, everywhere(disparity))
    assert same.shape == (2,)
    assert same.max() < 1e-5
    mirrored = scale_shift_invariant_losses(disparity.flip(-1), disparity, everywhere(disparity))
    assert mirrored.min() > 0.1


def test_ssi_trims_the_largest_residuals_of_each_image_by_its_own_share():
    disparity = torch.linspace(0, 1, 100).view(1, 1, 10, 10).repeat(2, 1, 1, 1)
    spoiled = disparity.clone()
    spoiled[:, 0, 0, 0] = 0.3
    trimmed, whole = scale_shift_invariant_losses(
        spoiled, disparity, everywhere(disparity), trim=torch.tensor([0.2, 0.0]),
        gradient_weight=0)
    assert trimmed < whole / 2


def test_ssi_of_a_batch_is_that_of_its_images():
    predicted, disparity = torch.rand(3, 1, 12, 12), torch.rand(3, 1, 12, 12)
    mask = torch.rand(3, 1, 12, 12) > torch.tensor([0.1, 0.5, 0.9]).view(3, 1, 1, 1)
    whole = scale_shift_invariant_losses(predicted, disparity, mask)
    single = [scale_shift_invariant_losses(predicted[n:n + 1], disparity[n:n + 1], mask[n:n + 1])
              for n in range(3)]
    assert torch.allclose(whole, torch.cat(single))


@pytest.mark.parametrize('anchored', [False, True])
def test_ssi_never_looks_at_masked_pixels(anchored):
    disparity = torch.rand(1, 1, 8, 8)
    mask = everywhere(disparity)
    mask[..., :3] = False
    predicted = torch.rand(1, 1, 8, 8).requires_grad_()
    spoiled = disparity.masked_fill(~mask, math.nan)
    clean = scale_shift_invariant_losses(predicted, disparity, mask, anchored=anchored)
    loss = scale_shift_invariant_losses(predicted, spoiled, mask, anchored=anchored)
    loss.backward()
    assert loss == clean
    assert predicted.grad.isfinite().all()
    assert predicted.grad[..., :3].abs().max() == 0


def test_ssi_anchored_wants_the_aligned_truth_from_zero_up():
    disparity = row(0.0, 0.5, 1.0, 2.0, 4.0)  # median 1, mean absolute deviation 5.5 / 5
    wanted = disparity / 1.1
    near, far = (scale_shift_invariant_losses(
        wanted + shift, disparity, everywhere(disparity), trim=0, anchored=True)
        for shift in (0.0, 1.0))
    assert near < 1e-6
    assert far == pytest.approx(0.5)


def test_ssi_of_an_image_without_two_known_pixels_is_refused():
    disparity = torch.rand(2, 1, 4, 4)
    mask = everywhere(disparity)
    mask[1] = False
    assert usable(mask).tolist() == [True, False]
    with pytest.raises(TrainingError, match='fewer than two'):
        scale_shift_invariant_losses(disparity, disparity, mask)
    assert scale_shift_invariant_losses(disparity[:0], disparity[:0], mask[:0]).shape == (0,)


def test_ssi_of_sizes_that_differ_is_refused():
    with pytest.raises(TrainingError, match=r'\(1, 1, 4, 4\).*\(1, 1, 8, 8\)'):
        scale_shift_invariant_losses(
            torch.rand(1, 1, 4, 4), torch.rand(1, 1, 8, 8), everywhere(torch.rand(1, 1, 8, 8)))


def test_router_losses_are_the_negative_log_probabilities():
    losses = router_losses(torch.tensor([[0.0, 0.0], [0.0, math.log(3)]]), torch.tensor([0, 1]))
    assert losses.tolist() == pytest.approx([math.log(2), math.log(4 / 3)])
