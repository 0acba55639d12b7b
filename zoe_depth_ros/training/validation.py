# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""How well the network does on other images while it trains: a few figures, a few pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
import math

import numpy as np
from numpy.typing import NDArray
import torch

from zoe_depth_ros.colorize import colorize_depth
from zoe_depth_ros.config import ModelConfig
from zoe_depth_ros.datasets import Sample
from zoe_depth_ros.datasets import Source
from zoe_depth_ros.inference.preprocess import plan_framing
from zoe_depth_ros.metrics import depth_metrics
from zoe_depth_ros.metrics import DepthMetrics
from zoe_depth_ros.metrics import mean_metrics
from zoe_depth_ros.model.zoedepth import ZoeDepth
from zoe_depth_ros.training.batches import heads_of_domains
from zoe_depth_ros.training.batches import network_input
from zoe_depth_ros.training.config import TrainConfig
from zoe_depth_ros.training.network import mixture

LEAST_DEPTH_M = 1e-3
LEAST_DISPARITY = 1e-6
LEAST_FITTED = 1e-9


@dataclass(frozen=True)
class ValidationReport:
    """
    Results over one data set, per image, then averaged.

    :param name: of the data set.
    :param images: how many were compared; those without known depth are not.
    :param d1: fraction of pixels within a factor of 1.25.
    :param rel: mean relative error.
    :param router_accuracy: share of images the router gives to their domain; None in the relative
        stage, which does not train it.
    """

    name: str
    images: int
    d1: float
    rel: float
    router_accuracy: float | None


@dataclass(frozen=True, eq=False)
class Judged:
    """
    Depth predicted for an image.

    :param depth_m: (H, W) float32 metres; fitted to the truth in the relative stage.
    :param is_routed: the router gives the image to its domain; None in the relative stage.
    """

    depth_m: NDArray[np.float32]
    is_routed: bool | None


class Validator:
    """
    Judges a network in training the way it is going to be used.

    :param config: stage, routing and framing.
    :param model: the network's configuration.
    :param size_hw: (height, width) the network sees.
    """

    def __init__(self, config: TrainConfig, model: ModelConfig, size_hw: tuple[int, int]) -> None:
        self.config = config
        self.size_hw = size_hw
        self._head_of = heads_of_domains(model)
        # Relative depth is fitted to the truth, whatever that is in: no head's range is meant.
        is_metric = config.stage == 'metric'
        self._least = LEAST_DEPTH_M if is_metric else LEAST_FITTED
        self._limits_m = [head.max_depth_m if is_metric else math.inf for head in model.heads]

    def validate(self, model: ZoeDepth, source: Source) -> ValidationReport | None:
        """Compare with the truth of all images; None if none has known depth."""
        rows = [self._row(model, source[number]) for number in range(len(source))]
        known = [row for row in rows if row is not None]
        if not known:
            return None
        metrics = mean_metrics([metrics for metrics, _ in known])
        routed = [is_routed for _, is_routed in known if is_routed is not None]
        accuracy = float(np.mean(routed)) if routed else None
        return ValidationReport(source.name, len(known), metrics.d1, metrics.rel, accuracy)

    def _row(self, model: ZoeDepth, sample: Sample) -> tuple[DepthMetrics, bool | None] | None:
        limit_m = self._limits_m[self._head_of[sample.domain]]
        if not ((sample.depth_m > self._least) & (sample.depth_m < limit_m)).any():
            return None
        judged = self.judge(model, sample)
        metrics = depth_metrics(
            judged.depth_m, sample.depth_m, min_depth_m=self._least, max_depth_m=limit_m)
        return metrics, judged.is_routed

    @torch.no_grad()
    def judge(self, model: ZoeDepth, sample: Sample) -> Judged:
        """Predict one image's depth at its own size."""
        framing = plan_framing(sample.depth_m.shape, self.size_hw, self.config.framing)
        device = next(model.parameters()).device
        image = network_input(sample, framing).to(device)
        label = self._head_of[sample.domain]
        if self.config.stage == 'relative':
            relative = framing.restore(model.features(image).relative_depth.float())
            return Judged(fitted_depth(relative[0, 0].cpu().numpy(), sample.depth_m), None)
        forced = [label] if self.config.routing == 'labelled' else None
        weigh = mixture if self.config.routing == 'auto' else None
        output = model(image, heads=forced, weigh=weigh, with_std_dev=False)
        depth_m = framing.restore(output.depth_m)[0, 0].cpu().numpy()
        return Judged(depth_m, int(output.domain_logits.argmax()) == label)


def fitted_depth(
    relative: NDArray[np.float32], truth_m: NDArray[np.float32],
) -> NDArray[np.float32]:
    """
    Return metres from inverse depth of unknown scale and shift, fitted to the truth.

    The least-squares fit is in inverse depth (MiDaS, arXiv 1907.01341, section 6).

    :param relative: (H, W) float32.
    :param truth_m: (H, W) float32 metres, NaN where unknown, +inf in the sky.
    """
    known = np.isfinite(truth_m)
    columns = np.stack([relative[known], np.ones(int(known.sum()), np.float32)], axis=1)
    (scale, shift), *_ = np.linalg.lstsq(columns, 1 / truth_m[known], rcond=None)
    return np.asarray(1 / np.maximum(scale * relative + shift, LEAST_DISPARITY), np.float32)


def comparison(sample: Sample, depth_m: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return the (H, 3 W, 3) RGB picture image | truth | prediction, in the truth's colours."""
    known_m = sample.depth_m[np.isfinite(sample.depth_m)]
    near_m, far_m = np.percentile(known_m, (2, 98)) if known_m.size else (1.0, 10.0)
    limits = {'near_m': float(near_m), 'far_m': float(max(far_m, 1.01 * near_m))}
    return np.hstack([
        sample.rgb, colorize_depth(sample.depth_m, **limits), colorize_depth(depth_m, **limits)])


def shown_samples(sources: Sequence[Source], count: int) -> list[Sample]:
    """Return the first images of several sources, in turn."""
    turns = [divmod(number, len(sources)) for number in range(count)] if sources else []
    return [sources[turn][number] for number, turn in turns if number < len(sources[turn])]
