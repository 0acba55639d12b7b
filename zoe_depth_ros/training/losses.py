# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Training losses.

The scale-invariant log loss is of Eigen et al. with ZoeDepth's weights (paper section 4.2), the
scale-and-shift-invariant loss of MiDaS (arXiv 1907.01341, section 5). Losses over all pixels of a
batch come in two steps, so that processes can add their sums in between.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from zoe_depth_ros.errors import TrainingError

LOG_FLOOR = 1e-7
SQUARE_FLOOR = 1e-12


def silog_sums(predicted_m: Tensor, truth_m: Tensor, mask: Tensor) -> Tensor:
    """
    Return what `silog_from_sums` needs: pixels, sum of g and of g^2, g the log ratio.

    :param predicted_m: (B, 1, H, W) positive metres.
    :param truth_m: (B, 1, H, W) metres, anything where not valid.
    :param mask: (B, 1, H, W) bool, True where the truth is valid.
    :return: (3,) float64; sums of parts of a batch may be added.
    """
    log_ratio = (predicted_m.float()[mask] + LOG_FLOOR).log() - (truth_m[mask] + LOG_FLOOR).log()
    log_ratio = log_ratio.double()
    return torch.stack([mask.sum().double(), log_ratio.sum(), log_ratio.square().sum()])


def silog_from_sums(sums: Tensor, *, beta: float = 0.15) -> Tensor:
    """
    Return 10 sqrt(var(g) + beta mean(g)^2) with the unbiased variance.

    :param sums: (3,) float64 from `silog_sums`.
    :param beta: weight of the common scale error.
    :return: scalar in float32; 0 with zero gradient where fewer than two pixels are valid.
    """
    pixels, total, squares = sums.unbind()
    if pixels < 2:
        return (sums * 0).sum().float()
    mean = total / pixels
    variance = (squares - pixels * mean.square()) / (pixels - 1)
    return (10 * (variance + beta * mean.square()).clamp(min=SQUARE_FLOOR).sqrt()).float()


def relative_errors(predicted_m: Tensor, truth_m: Tensor, mask: Tensor) -> Tensor:
    """
    Return |predicted - truth| / truth, whose mean over an image is its REL.

    :param predicted_m: (B, 1, H, W) metres.
    :param truth_m: (B, 1, H, W) metres, anything where not valid.
    :param mask: (B, 1, H, W) bool, True where the truth is valid.
    :return: (N,) float32 for the N pixels of the mask.
    """
    truth_m = truth_m[mask]
    return (predicted_m.float()[mask] - truth_m).abs() / (truth_m + LOG_FLOOR)


def sky_shortfall(predicted_m: Tensor, sky: Tensor, beyond_m: float) -> Tensor:
    """
    Return by how much, in log depth, every pixel of sky is predicted nearer than it may be.

    :param predicted_m: (B, 1, H, W) positive metres.
    :param sky: (B, 1, H, W) bool.
    :param beyond_m: sky may not be nearer, metres.
    :return: (N,) float32 for the N pixels of sky.
    """
    return (math.log(beyond_m) - (predicted_m.float()[sky] + LOG_FLOOR).log()).clamp(min=0)


def scale_shift_invariant_losses(
    predicted: Tensor, disparity: Tensor, mask: Tensor, *, trim: Tensor | float = 0.2,
    gradient_weight: float = 0.5, scales: int = 4, anchored: bool = False,
) -> Tensor:
    """
    Compare inverse depths up to an unknown scale and shift of each image.

    Both are aligned by median and mean absolute deviation; the largest residuals of an image are
    trimmed; gradients of the residual are matched at several scales.

    :param predicted: (B, 1, H, W) relative inverse depth.
    :param disparity: (B, 1, H, W) true inverse depth, 0 for sky, anything where not known.
    :param mask: (B, 1, H, W) bool, True where the truth is known.
    :param trim: share of an image's pixels, those with the largest residuals, left out; one for
        all or (B,).
    :param anchored: do not align the prediction but hold it to the aligned truth, shifted to
        start at 0; a network that learns from random weights needs that to find its sign.
    :return: (B,) float32.
    :raises TrainingError: sizes differ, or an image is not `usable`.
    """
    if predicted.shape != disparity.shape:
        raise TrainingError(
            f'prediction {tuple(predicted.shape)} and disparity {tuple(disparity.shape)} differ')
    if not bool(usable(mask).all()):
        raise TrainingError('an image has fewer than two pixels of known depth')
    predicted, disparity, mask = predicted[:, 0].float(), disparity[:, 0].float(), mask[:, 0]
    target = _aligned(disparity, mask)
    if anchored:
        lowest = target.masked_fill(~mask, math.inf).flatten(1).amin(dim=1)
        residual = predicted - (target - lowest[:, None, None])
    else:
        residual = _aligned(predicted, mask) - target
    residual = torch.where(mask, residual, 0)
    losses = _trimmed_error(residual, mask, trim)
    for scale in range(scales):
        step = 2 ** scale
        losses = losses + gradient_weight * _gradient(
            residual[:, ::step, ::step], mask[:, ::step, ::step])
    return losses


def usable(mask: Tensor) -> Tensor:
    """Return (B,) bool: which (B, ...) masks have the two pixels that an alignment needs."""
    return mask.flatten(1).sum(dim=1) >= 2


def _aligned(values: Tensor, mask: Tensor) -> Tensor:
    """Return (B, H, W) values with median 0 and mean absolute deviation 1 in the mask."""
    known = values.masked_fill(~mask, math.nan).flatten(1)
    median = known.nanmedian(dim=1, keepdim=True).values
    centered = torch.where(mask, values, 0).flatten(1) - median
    total = (centered.abs() * mask.flatten(1)).sum(dim=1, keepdim=True)
    spread = (total / _count(mask)[:, None]).clamp(min=1e-6)
    return (centered / spread).view_as(values)


def _trimmed_error(residual: Tensor, mask: Tensor, trim: Tensor | float) -> Tensor:
    """Return (B,) half the sum of the smallest absolute residuals over all pixels known."""
    count = _count(mask)
    share = 1 - torch.as_tensor(trim, dtype=torch.float64, device=mask.device)
    kept = (count * share).int().clamp(min=1)
    sizes = residual.abs().masked_fill(~mask, math.inf).flatten(1).sort(dim=1).values
    ranks = torch.arange(sizes.shape[1], device=mask.device)
    return torch.where(ranks < kept[:, None], sizes, 0).sum(dim=1) / (2 * count)


def _gradient(residual: Tensor, mask: Tensor) -> Tensor:
    """Return (B,) mean absolute difference of neighbours that are both known."""
    down = (residual[:, 1:] - residual[:, :-1]).abs() * (mask[:, 1:] & mask[:, :-1])
    right = (residual[:, :, 1:] - residual[:, :, :-1]).abs() * (mask[:, :, 1:] & mask[:, :, :-1])
    return (down.flatten(1).sum(dim=1) + right.flatten(1).sum(dim=1)) / _count(mask)


def _count(mask: Tensor) -> Tensor:
    return mask.flatten(1).sum(dim=1).clamp(min=1)


def router_losses(logits: Tensor, labels: Tensor) -> Tensor:
    """Return (B,) cross-entropy of (B, heads) domain logits against (B,) int64 head numbers."""
    return functional.cross_entropy(logits.float(), labels, reduction='none')
