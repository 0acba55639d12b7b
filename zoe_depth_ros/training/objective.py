# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
What a step minimises, over the images of all processes together.

Every loss is a function of sums over images or pixels. Processes add their sums, differentiably,
before the function is applied: the loss of a batch does not depend on how it is shared out.
"""

from __future__ import annotations

from dataclasses import dataclass
import math

import torch
from torch import distributed
from torch import Tensor
from torch.distributed.nn.functional import all_reduce

from zoe_depth_ros.config import ModelConfig
from zoe_depth_ros.model.decoder import resize
from zoe_depth_ros.training.batches import TrainBatch
from zoe_depth_ros.training.config import TrainConfig
from zoe_depth_ros.training.losses import relative_errors
from zoe_depth_ros.training.losses import router_losses
from zoe_depth_ros.training.losses import scale_shift_invariant_losses
from zoe_depth_ros.training.losses import silog_from_sums
from zoe_depth_ros.training.losses import silog_sums
from zoe_depth_ros.training.losses import sky_shortfall
from zoe_depth_ros.training.losses import usable
from zoe_depth_ros.training.network import Prediction


@dataclass(frozen=True)
class Losses:
    """
    Losses of a batch, scalars in float32; 0 where a stage has no such loss.

    :param total: what is minimised.
    :param metric: scale-invariant log loss, sky and, where weighted, the relative error.
    :param router: cross-entropy of the router.
    :param relative: scale-and-shift-invariant loss.
    :param skipped: images that taught nothing, for want of known depth.
    """

    total: Tensor
    metric: Tensor
    router: Tensor
    relative: Tensor
    skipped: Tensor


def batch_losses(
    prediction: Prediction, batch: TrainBatch, config: TrainConfig, model: ModelConfig,
) -> Losses:
    """Return the losses of a batch, of this process's share of it if there are several."""
    zero = prediction.relative_depth.new_zeros(())
    if config.stage == 'relative':
        relative, skipped = _relative(prediction, batch, anchored=config.anchored)
        return Losses(relative, zero, zero, relative, skipped)
    metric, skipped = _metric(prediction.depth_m, batch, config, model)
    router = zero if config.routing == 'auto' else _mean(
        router_losses(prediction.domain_logits, batch.labels))
    relative = zero
    if config.relative_weight:
        relative, _ = _relative(prediction, batch, anchored=config.anchored)
    total = metric + config.router_weight * router + config.relative_weight * relative
    return Losses(total, metric, router, relative, skipped)


def _metric(
    predicted_m: Tensor, batch: TrainBatch, config: TrainConfig, model: ModelConfig,
) -> tuple[Tensor, Tensor]:
    """
    Return the metric loss and the number of images without a known pixel.

    The loss is taken over the images of each domain, as the paper's batches of one domain do,
    then averaged. Surfaces beyond a head's largest depth are left out of it; sky is pushed beyond
    that depth, so that an estimator can tell sky by its depth. The relative error, ten times its
    mean so that it is of the log loss's size, is not in the paper.
    """
    predicted_m = resize(predicted_m, batch.depth_m.shape[-2:])
    limits_m, labels = [head.max_depth_m for head in model.heads], batch.labels
    if config.routing == 'auto':  # which uses no labels: one group, with the largest range
        limits_m, labels = [max(limits_m)], torch.zeros_like(labels)
    groups = [
        _metric_sums(predicted_m[labels == head], batch.depth_m[labels == head], limit_m,
                     config.sky_factor * limit_m)
        for head, limit_m in enumerate(limits_m)]
    sums = _over_processes(torch.stack(groups))
    losses = [_domain_loss(row, config.relative_error_weight) for row in sums]
    taught = ((sums[:, 0] >= 2) | (sums[:, 4] > 0)).sum().clamp(min=1)
    return torch.stack(losses).sum() / taught, sums[:, 6].sum().detach()


def _domain_loss(sums: Tensor, relative_error_weight: float) -> Tensor:
    """Return the metric loss of what `_metric_sums` holds of one domain."""
    silog, relative_error = silog_from_sums(sums[:3]), _ratio(sums[5], sums[0])
    return silog + _ratio(sums[3], sums[4]) + 10 * relative_error_weight * relative_error


def _metric_sums(
    predicted_m: Tensor, truth_m: Tensor, limit_m: float, beyond_m: float,
) -> Tensor:
    """
    Return (7,) sums of one domain's images.

    Pixels of surfaces and their log ratios as `silog_sums` has them, shortfall and pixels of sky,
    relative errors of the surfaces, images with neither surfaces nor sky.
    """
    mask, sky = truth_m < limit_m, truth_m.isinf()
    empty = ~(mask | sky).flatten(1).any(dim=1)
    return torch.cat([
        silog_sums(predicted_m, truth_m, mask),
        _sum_and_count(sky_shortfall(predicted_m, sky, beyond_m)),
        torch.stack([relative_errors(predicted_m, truth_m, mask).sum(), empty.sum()]).double()])


def _relative(
    prediction: Prediction, batch: TrainBatch, *, anchored: bool,
) -> tuple[Tensor, Tensor]:
    """Return the weighted mean relative loss and the number of images it cannot be taken of."""
    predicted = resize(prediction.relative_depth, batch.depth_m.shape[-2:])
    mask = ~batch.depth_m.isnan()
    rows = usable(mask)
    disparity = torch.where(mask, 1 / batch.depth_m, 0)
    weights = batch.loss_weight[rows]
    losses = scale_shift_invariant_losses(
        predicted[rows], disparity[rows], mask[rows], trim=batch.trim[rows], anchored=anchored)
    weighted, total_weight, skipped = _over_processes(torch.stack([
        (weights * losses).sum().double(), weights.sum().double(), (~rows).sum().double()]))
    return (weighted / total_weight.clamp(min=math.ulp(1))).float(), skipped.detach()


def _mean(values: Tensor) -> Tensor:
    total, count = _over_processes(_sum_and_count(values))
    return _ratio(total, count)


def _sum_and_count(values: Tensor) -> Tensor:
    total = values.sum().double()
    return torch.stack([total, total.new_tensor(len(values))])


def _ratio(total: Tensor, count: Tensor) -> Tensor:
    return (total / count.clamp(min=1)).float()


def _over_processes(sums: Tensor) -> Tensor:
    """Add up what every process has; the gradient goes back to all of them."""
    if not distributed.is_initialized():
        return sums
    total: Tensor = all_reduce(sums)
    return total
