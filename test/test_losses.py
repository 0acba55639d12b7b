# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
import torch

from zoe_depth_ros.training.losses import scale_shift_invariant_loss
from zoe_depth_ros.training.losses import silog_loss
from zoe_depth_ros.training.losses import sky_loss


def test_silog_of_a_common_scale_error_is_only_its_mean_term():
    truth_m = torch.rand(2, 1, 4, 5) + 1
    loss = silog_loss(truth_m * 2, truth_m, torch.ones_like(truth_m, dtype=torch.bool))
    assert torch.isclose(loss, 10 * torch.tensor(0.15).sqrt() * torch.tensor(2.0).log(), rtol=1e-4)


def test_silog_of_two_pixels_matches_the_formula():
    truth_m = torch.tensor([1.0, 1.0]).view(1, 1, 1, 2)
    predicted_m = torch.tensor([1.0, torch.e]).view(1, 1, 1, 2)
    loss = silog_loss(predicted_m, truth_m, torch.ones_like(truth_m, dtype=torch.bool))
    assert torch.isclose(loss, 10 * torch.tensor(0.5 + 0.15 * 0.25).sqrt())


def test_silog_without_valid_pixels_is_zero_with_zero_gradient():
    predicted_m = torch.ones(1, 1, 2, 2, requires_grad=True)
    loss = silog_loss(predicted_m, torch.full((1, 1, 2, 2), torch.nan), torch.zeros(
        1, 1, 2, 2, dtype=torch.bool))
    loss.backward()
    assert loss.item() == 0 and predicted_m.grad.abs().max() == 0


def test_ssi_ignores_scale_and_shift():
    disparity = torch.rand(2, 1, 16, 16)
    mask = torch.ones_like(disparity, dtype=torch.bool)
    assert scale_shift_invariant_loss(disparity * 3 + 5, disparity, mask) < 1e-5
    assert scale_shift_invariant_loss(disparity.flip(-1), disparity, mask) > 0.1


def test_ssi_trims_the_largest_residuals():
    disparity = torch.linspace(0, 1, 100).view(1, 1, 10, 10)
    spoiled = disparity.clone()
    spoiled[0, 0, 0, 0] = 0.3
    mask = torch.ones_like(disparity, dtype=torch.bool)
    trimmed = scale_shift_invariant_loss(spoiled, disparity, mask, gradient_weight=0)
    whole = scale_shift_invariant_loss(spoiled, disparity, mask, trim=0, gradient_weight=0)
    assert trimmed < whole / 2


def test_ssi_never_looks_at_masked_pixels():
    disparity = torch.rand(1, 1, 8, 8)
    mask = torch.ones_like(disparity, dtype=torch.bool)
    mask[..., :3] = False
    spoiled = disparity.masked_fill(~mask, torch.nan)
    assert scale_shift_invariant_loss(disparity, spoiled, mask) < 1e-5


def test_sky_loss_is_the_mean_log_shortfall_over_the_sky():
    predicted_m = torch.tensor([10.0, 120.0, 60.0, 1.0]).view(1, 1, 1, 4)
    sky = torch.tensor([True, True, True, False]).view(1, 1, 1, 4)
    expected = (torch.tensor(12.0).log() + torch.tensor(2.0).log()) / 3
    assert torch.isclose(sky_loss(predicted_m, sky, 120.0), expected)
    assert sky_loss(predicted_m, torch.zeros_like(sky), 120.0) == 0
