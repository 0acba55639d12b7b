# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""How likely each bin is at each pixel (paper section 3.2.2)."""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import nn
from torch import Tensor
from torch.nn import functional

from zoe_depth_ros.config import BinsConfig
from zoe_depth_ros.model.decoder import resize

PROBABILITY_FLOOR = 1e-4
STIRLING_EPSILON = 1e-7


class BinDistribution(nn.Module):
    """Probability of every bin at every pixel: log-binomial with temperature, or softmax."""

    def __init__(self, config: BinsConfig, in_channels: int) -> None:
        super().__init__()
        self.config = config
        total = in_channels + config.embedding_dim
        hidden = total // config.bottleneck_factor
        outputs = 4 if config.distribution == 'log_binomial' else config.n_bins
        self.in_channels = in_channels
        self.hidden = nn.Conv2d(total, hidden, 1)
        self.output = nn.Conv2d(hidden, outputs, 1)

    def forward(self, last: Tensor, embedding: Tensor) -> Tensor:
        """
        Return (B, K, H, W) probabilities.

        The first layer is split so that the embedding is multiplied at its own low resolution:
        a 1x1 convolution and a bilinear resize commute.

        :param last: (B, C, H, W) finest features.
        :param embedding: (B, E, h, w) pixel embedding.
        """
        last_weight, embedding_weight = torch.split(
            self.hidden.weight, [self.in_channels, self.hidden.in_channels - self.in_channels], 1)
        hidden = functional.conv2d(last, last_weight, self.hidden.bias)
        hidden = hidden + resize(functional.conv2d(embedding, embedding_weight), last.shape[-2:])
        output = self.output(functional.gelu(hidden))
        if self.config.distribution == 'softmax':
            return output.softmax(dim=1)
        return self.log_binomial(functional.softplus(output))

    def log_binomial(self, parameters: Tensor) -> Tensor:
        """
        Return (B, K, H, W) probabilities from four positive numbers a pixel.

        Terms that do not depend on the bin cancel in the softmax and are left out.
        """
        p0, p1, t0, t1 = torch.split(parameters + PROBABILITY_FLOOR, 1, dim=1)
        probability = p0 / (p0 + p1)
        low, high = self.config.min_temperature, self.config.max_temperature
        temperature = low + (high - low) * (t0 / (t0 + t1))
        log_odds = (
            probability.clamp(PROBABILITY_FLOOR, 1).log()
            - (1 - probability).clamp(PROBABILITY_FLOOR, 1).log())
        k = torch.arange(self.config.n_bins, device=parameters.device).view(1, -1, 1, 1)
        coefficients = log_binomial_coefficients(self.config.n_bins, parameters.device)
        logits = k * (log_odds / temperature)
        logits = torch.addcmul(logits, coefficients.view(1, -1, 1, 1), 1 / temperature)
        return logits.softmax(dim=1)


@lru_cache(maxsize=8)
def log_binomial_coefficients(n_bins: int, device: torch.device) -> Tensor:
    """
    Return (K,) log binomial coefficients ln C(K - 1, k) by the short Stirling formula.

    The terms with pi are left out and the operations are in float32, as the released weights
    were trained.
    """
    with torch.inference_mode(mode=False):
        n = torch.tensor(n_bins - 1.0) + STIRLING_EPSILON
        k = torch.arange(n_bins, dtype=torch.float32) + STIRLING_EPSILON
        rest = n - k
        coefficients = n * n.log() - k * k.log() - rest * (rest + STIRLING_EPSILON).log()
        return coefficients.to(device)
