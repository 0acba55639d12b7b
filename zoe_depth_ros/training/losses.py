# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Training losses.

The scale-invariant log loss is of Eigen et al. with ZoeDepth's weights (paper section 4.2), the
scale-and-shift-invariant loss of MiDaS (arXiv 1907.01341, section 5).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from zoe_depth_ros.errors import TrainingError

LOG_FLOOR = 1e-7


def silog_loss(
    predicted_m: Tensor, truth_m: Tensor, mask: Tensor, *, beta: float = 0.15,
) -> Tensor:
    """
    Return 10 sqrt(var(g) + beta mean(g)^2), g the log ratio of prediction and truth.

    :param predicted_m: (B, 1, H, W) positive metres.
    :param truth_m: (B, 1, H, W) metres, anything where not valid.
    :param mask: (B, 1, H, W) bool, True where the truth is valid.
    :param beta: weight of the common scale error.
    :return: scalar in float32; 0 with zero gradient where fewer than two pixels are valid.
    """
    if int(mask.sum()) < 2:
        return predicted_m.float().sum() * 0
    log_ratio = (predicted_m.float()[mask] + LOG_FLOOR).log() - (truth_m[mask] + LOG_FLOOR).log()
    return 10 * (log_ratio.var() + beta * log_ratio.mean().square()).sqrt()


def sky_loss(predicted_m: Tensor, sky: Tensor, beyond_m: float) -> Tensor:
    """
    Return by how much, in log depth, the sky is predicted nearer than it may be.

    :param predicted_m: (B, 1, H, W) positive metres.
    :param sky: (B, 1, H, W) bool.
    :param beyond_m: sky may not be nearer, metres.
    :return: scalar in float32, the mean over the sky; 0 where there is none.
    """
    missing = math.log(beyond_m) - (predicted_m.float()[sky] + LOG_FLOOR).log()
    return missing.clamp(min=0).sum() / max(1, len(missing))


def scale_shift_invariant_loss(
    predicted: Tensor, disparity: Tensor, mask: Tensor, *, trim: float = 0.2,
    gradient_weight: float = 0.5, scales: int = 4, anchored: bool = False,
) -> Tensor:
    """
    Compare inverse depths up to an unknown scale and shift of each image.

    Both are aligned by median and mean absolute deviation; the largest residuals of an image are
    trimmed; gradients of the residual are matched at several scales.

    :param predicted: (B, 1, H, W) relative inverse depth.
    :param disparity: (B, 1, H, W) true inverse depth, 0 for sky.
    :param mask: (B, 1, H, W) bool, True where the truth is known.
    :param trim: share of an image's pixels, those with the largest residuals, left out.
    :param anchored: do not align the prediction but hold it to the aligned truth, shifted to
        start at 0; a network that learns from random weights needs that to find its sign.
    :return: scalar in float32; images with fewer than two known pixels count as 0.
    """
    if predicted.shape != disparity.shape:
        raise TrainingError(
            f'prediction {tuple(predicted.shape)} and disparity {tuple(disparity.shape)} differ')
    losses = [
        _image_loss(predicted[row, 0].float(), disparity[row, 0], mask[row, 0], trim,
                    gradient_weight, scales, anchored)
        for row in range(len(predicted))]
    return torch.stack(losses).mean()


def _image_loss(
    predicted: Tensor, disparity: Tensor, mask: Tensor, trim: float, gradient_weight: float,
    scales: int, anchored: bool,
) -> Tensor:
    if int(mask.sum()) < 2:
        return predicted.sum() * 0
    target = _aligned(disparity, mask)
    if anchored:
        residual = torch.where(mask, predicted - (target - target[mask].min()), 0)
    else:
        residual = torch.where(mask, _aligned(predicted, mask) - target, 0)
    sizes = residual[mask].abs()
    kept = sizes.sort().values[:max(1, int(len(sizes) * (1 - trim)))]
    loss = kept.sum() / (2 * len(sizes))
    for scale in range(scales):
        step = 2 ** scale
        loss = loss + gradient_weight * _gradient(residual[::step, ::step], mask[::step, ::step])
    return loss


def _aligned(values: Tensor, mask: Tensor) -> Tensor:
    known = values[mask]
    centered = values - known.median()
    return centered / (known - known.median()).abs().mean().clamp(min=1e-6)


def _gradient(residual: Tensor, mask: Tensor) -> Tensor:
    down = (residual[1:] - residual[:-1]).abs()[mask[1:] & mask[:-1]].sum()
    right = (residual[:, 1:] - residual[:, :-1]).abs()[mask[:, 1:] & mask[:, :-1]].sum()
    return (down + right) / mask.sum().clamp(min=1)


def router_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Return the cross-entropy of (B, heads) domain logits against (B,) int64 head numbers."""
    return functional.cross_entropy(logits.float(), labels)
