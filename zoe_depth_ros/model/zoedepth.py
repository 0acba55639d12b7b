# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The whole network: encoder, decoder, router and metric heads."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch import Tensor

from zoe_depth_ros.config import ModelConfig
from zoe_depth_ros.errors import ConfigError
from zoe_depth_ros.model.decoder import Decoder
from zoe_depth_ros.model.decoder import Features
from zoe_depth_ros.model.encoder import Encoder
from zoe_depth_ros.model.metric_head import BinDepth
from zoe_depth_ros.model.metric_head import Embeddings
from zoe_depth_ros.model.metric_head import MetricHead
from zoe_depth_ros.model.metric_head import SharedEmbedding
from zoe_depth_ros.model.router import Router


@dataclass(frozen=True)
class ModelOutput:
    """
    Result of one forward pass over B images of H x W.

    :param depth_m: (B, 1, H, W) metres along the optical axis.
    :param std_dev_m: (B, 1, H, W) metres, spread of the bin distribution, None if not asked for.
    :param relative_depth: (B, 1, H, W) inverse depth up to scale and shift.
    :param domain_logits: (B, heads), zeros for a network with one head.
    :param head_index: (B,) int64, the head each depth map is from.
    :param bin_centers_m: (B, K, H, W) metres, None unless asked for.
    :param bin_probabilities: (B, K, H, W), None unless asked for.
    """

    depth_m: Tensor
    std_dev_m: Tensor | None
    relative_depth: Tensor
    domain_logits: Tensor
    head_index: Tensor
    bin_centers_m: Tensor | None = None
    bin_probabilities: Tensor | None = None


class ZoeDepth(nn.Module):
    """
    ZoeDepth with one metric head, or several and a router (arXiv 2302.12288).

    The encoder and decoder run in the autocast type if one is set; the router and the metric
    heads always run in float32, whose range and resolution they need.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        width, last = config.decoder.features, config.decoder.relative_channels
        self.encoder = Encoder(config.encoder)
        self.decoder = Decoder(config.decoder, config.encoder.embed_dim)
        self.embedding = SharedEmbedding(config.bins, width)
        self.heads = nn.ModuleList(
            MetricHead(config.bins, head, width, last) for head in config.heads)
        self.router = None if config.router is None else Router(
            config.router, width, len(config.heads))

    def forward(
        self, image: Tensor, *, heads: Sequence[int] | None = None, vote_size: int = 1,
        weigh: Callable[[Tensor], Tensor] | None = None, with_std_dev: bool = True,
        with_bins: bool = False,
    ) -> ModelOutput:
        """
        Predict depth.

        :param image: (B, 3, H, W) in [-1, 1], RGB; H and W multiples of 32.
        :param heads: the head of each image, instead of asking the router.
        :param vote_size: images that share one head, by the sum of their logits; it divides B.
            1 routes every image by itself, B is the reference implementation's vote.
        :param weigh: instead of both, returns the weight of each head in each image's depth,
            (B, heads) in host memory, for the router's logits; `head_index` is the heaviest.
        :param with_std_dev: return the standard deviation too.
        :param with_bins: return bin centres and probabilities too.
        :raises ConfigError: a side of the image is not a multiple of 32.
        """
        features = self.features(image)
        with torch.autocast(image.device.type, enabled=False):
            features = features.float()
            bottleneck = self.embedding.embed_bottleneck(features)
            logits = self.domain_logits(bottleneck)
            embeddings = self.embedding(features, bottleneck)
            if weigh is not None:
                weights = weigh(logits)
                index = weights.argmax(dim=1)
            else:
                weights = None
                index = route(logits, vote_size) if heads is None else torch.tensor(heads)
            wanted = {'with_std_dev': with_std_dev, 'with_bins': with_bins}
            if weights is None or bool((weights.amax(dim=1) == 1).all()):
                result = self._depth(features, embeddings, index, **wanted)
            else:
                result = self._blended(features, embeddings, weights, with_std_dev=with_std_dev)
        return ModelOutput(
            result.depth_m, result.std_dev_m, features.relative_depth, logits,
            index.to(logits.device), result.bin_centers_m, result.bin_probabilities)

    def features(self, image: Tensor) -> Features:
        """Return what encoder and decoder see in (B, 3, H, W) images in [-1, 1]."""
        height, width = image.shape[-2:]
        if height % 32 or width % 32:
            raise ConfigError(f'network input {height}x{width} is not a multiple of 32')
        taps = self.encoder(image)
        features: Features = self.decoder(taps, (height // 16, width // 16))
        return features

    def domain_logits(self, bottleneck: Tensor) -> Tensor:
        """Return (B, heads) logits; zeros when there is one head."""
        if self.router is None:
            return bottleneck.new_zeros(len(bottleneck), 1)
        logits: Tensor = self.router(bottleneck)
        return logits

    def _depth(
        self, features: Features, embeddings: Embeddings, index: Tensor, **wanted: bool,
    ) -> BinDepth:
        """
        Run the heads that `index` names.

        An index on the GPU is not read back: all heads run and each image keeps its own. An index
        in host memory runs every head on its images only; so does one while training, since a
        head whose gradient is 0, not missing, would still be moved by the optimiser.
        """
        if self.training or index.device.type == 'cpu':
            chosen = index.tolist()
            if len(set(chosen)) == 1:
                only: BinDepth = self.heads[chosen[0]](features, embeddings, **wanted)
                return only
            return self._depth_by_group(features, embeddings, chosen, **wanted)
        results = [head(features, embeddings, **wanted) for head in self.heads]
        rows = torch.arange(len(index), device=index.device)
        return _combine(results, lambda parts: torch.stack(parts)[index, rows])

    def _blended(
        self, features: Features, embeddings: Embeddings, weights: Tensor, *, with_std_dev: bool,
    ) -> BinDepth:
        """Mix the depth of all heads geometrically, so that scale passes evenly from one on."""
        results = [
            head(features, embeddings, with_std_dev=with_std_dev, with_bins=False)
            for head in self.heads]
        shares = weights.T.to(features.last.device, torch.float32).view(len(results), -1, 1, 1, 1)
        depths_m = torch.stack([result.depth_m for result in results])
        std_devs_m = [result.std_dev_m for result in results if result.std_dev_m is not None]
        return BinDepth(
            torch.where(shares > 0, depths_m.log() * shares, 0).sum(dim=0).exp(),
            (torch.stack(std_devs_m) * shares).sum(dim=0) if std_devs_m else None)

    def _depth_by_group(
        self, features: Features, embeddings: Embeddings, chosen: list[int], **wanted: bool,
    ) -> BinDepth:
        results, order = [], []
        for number in sorted(set(chosen)):
            rows = [row for row, head in enumerate(chosen) if head == number]
            pick = torch.tensor(rows, device=features.last.device)
            results.append(self.heads[number](
                features.select(pick), embeddings.select(pick), **wanted))
            order += rows
        back = torch.tensor(order, device=features.last.device).argsort()
        return _combine(results, lambda parts: torch.cat(parts).index_select(0, back))


def route(logits: Tensor, vote_size: int) -> Tensor:
    """
    Return the head of every image.

    :param logits: (B, heads).
    :param vote_size: consecutive images that share one head, by the sum of their logits.
    :return: (B,) int64 on the logits' device.
    """
    votes = logits.unflatten(0, (-1, vote_size)).sum(dim=1)
    return votes.argmax(dim=1).repeat_interleave(vote_size, output_size=len(logits))


def _combine(results: list[BinDepth], join: Callable[[list[Tensor]], Tensor]) -> BinDepth:
    """Join the results of several heads, field by field."""
    def joined(name: str) -> Any:
        parts = [getattr(result, name) for result in results]
        return None if parts[0] is None else join(parts)
    return BinDepth(
        joined('depth_m'), joined('std_dev_m'), joined('bin_centers_m'),
        joined('bin_probabilities'))
