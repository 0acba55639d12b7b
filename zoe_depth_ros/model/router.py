# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Router: which metric head an image belongs to (paper section 3.3, 'Trained Router')."""

from __future__ import annotations

import math

import torch
from torch import nn
from torch import Tensor

from zoe_depth_ros.config import RouterConfig


class Router(nn.Module):
    """Transformer over the bottleneck features with a class token, then a two-layer classifier."""

    def __init__(self, config: RouterConfig, features: int, n_heads: int) -> None:
        super().__init__()
        self.embed = nn.Conv2d(features, config.dim, 1)
        layer = nn.TransformerEncoderLayer(
            config.dim, config.num_heads, config.hidden, config.dropout, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, config.layers, enable_nested_tensor=False)
        self.classifier = nn.Sequential(
            nn.Linear(config.dim, config.dim), nn.ReLU(), nn.Linear(config.dim, n_heads))

    def forward(self, bottleneck: Tensor) -> Tensor:
        """
        Return domain logits.

        :param bottleneck: (B, F, h, w) features at stride 32.
        :return: (B, heads) logits in the order of the configuration's heads.
        """
        tokens = self.embed(bottleneck).flatten(2).transpose(1, 2)
        tokens = torch.cat([torch.zeros_like(tokens[:, :1]), tokens], dim=1)
        tokens = tokens + sinusoids(tokens.shape[1], tokens.shape[2], tokens)
        logits: Tensor = self.classifier(self.encoder(tokens)[:, 0])
        return logits


def sinusoids(length: int, dim: int, like: Tensor) -> Tensor:
    """Return (length, dim) position codes, all sines first, then all cosines, in `like`'s type."""
    rates = torch.exp(torch.arange(0, dim, 2, device=like.device) * (-math.log(10000.0) / dim))
    angles = torch.arange(length, device=like.device)[:, None] * rates[None, :]
    return torch.cat([angles.sin(), angles.cos()], dim=1).to(like.dtype)
