# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Metric bins module: bin centres from a seed, refined level by level, mixed by a distribution.

Paper section 3.2.1 for attractors; LocalBins (arXiv 2203.15132) for bins that are split instead.
"""

from __future__ import annotations

from dataclasses import dataclass
import math

import torch
from torch import nn
from torch import Tensor

from zoe_depth_ros.config import BinsConfig
from zoe_depth_ros.config import HeadConfig
from zoe_depth_ros.config import SPLITS
from zoe_depth_ros.model.bin_distribution import BinDistribution
from zoe_depth_ros.model.decoder import Features
from zoe_depth_ros.model.decoder import resize

SEED_FLOOR = 1e-3


@dataclass(frozen=True)
class BinDepth:
    """
    Depth as the mean of a distribution over bins, for images of H x W.

    :param depth_m: (B, 1, H, W) metres.
    :param std_dev_m: (B, 1, H, W) metres, the standard deviation of the same distribution,
        None unless asked for; it has no gradient.
    :param bin_centers_m: (B, K, H, W) metres, None unless asked for.
    :param bin_probabilities: (B, K, H, W), None unless asked for.
    """

    depth_m: Tensor
    std_dev_m: Tensor | None = None
    bin_centers_m: Tensor | None = None
    bin_probabilities: Tensor | None = None


@dataclass(frozen=True)
class Embeddings:
    """
    Pixel embeddings that all heads share.

    :param bottleneck: (B, F, H/32, W/32).
    :param queries: embeddings (B, E, h, w) that attractors are regressed from, strides 16 to 2.
    :param finest: (B, E, H/2, W/2) conditions the distribution.
    """

    bottleneck: Tensor
    queries: list[Tensor]
    finest: Tensor

    def select(self, rows: Tensor) -> Embeddings:
        """Return the embeddings of some images of the batch; `rows` is (n,) int64."""
        return Embeddings(
            self.bottleneck.index_select(0, rows),
            [query.index_select(0, rows) for query in self.queries],
            self.finest.index_select(0, rows))


def mlp(in_channels: int, hidden: int, out_channels: int, last: nn.Module) -> nn.Sequential:
    """Return a two-layer perceptron over pixels, as 1x1 convolutions."""
    return nn.Sequential(
        nn.Conv2d(in_channels, hidden, 1), nn.ReLU(), nn.Conv2d(hidden, out_channels, 1), last)


class SharedEmbedding(nn.Module):
    """The part of the metric bins module that does not depend on the domain."""

    def __init__(self, config: BinsConfig, features: int) -> None:
        super().__init__()
        width, hidden = config.embedding_dim, config.projector_hidden
        self.bottleneck = nn.Conv2d(features, features, 1)
        self.seed_projector = mlp(features, hidden, width, nn.Identity())
        self.projectors = nn.ModuleList(
            mlp(features, hidden, width, nn.Identity()) for _ in range(4))

    def embed_bottleneck(self, features: Features) -> Tensor:
        """Return (B, F, H/32, W/32), what the router and the seeds look at."""
        result: Tensor = self.bottleneck(features.bottleneck)
        return result

    def forward(self, features: Features, bottleneck: Tensor) -> Embeddings:
        """Return the embeddings of all levels; `bottleneck` is from `embed_bottleneck`."""
        previous = self.seed_projector(bottleneck)
        queries = []
        for projector, level in zip(self.projectors, features.levels, strict=True):
            embedding = projector(level)
            queries.append(embedding + resize(previous, embedding.shape[-2:]))
            previous = embedding
        return Embeddings(bottleneck, queries, previous)


class MetricHead(nn.Module):
    """The part of the metric bins module that belongs to one domain and its depth range."""

    def __init__(self, config: BinsConfig, head: HeadConfig, features: int, last: int) -> None:
        super().__init__()
        self.config = config
        self.head = head
        self.seed = mlp(
            features, config.seed_hidden, config.n_seed_bins,
            nn.ReLU() if config.normed_seed else nn.Softplus())
        if config.refinement == 'attractor':
            self.attractors = nn.ModuleList(
                self._attractor_mlp(count) for count in config.n_attractors)
        elif config.refinement == 'split':
            self.splitters = nn.ModuleList(
                mlp(config.embedding_dim, config.attractor_hidden,
                    config.n_seed_bins * 2 ** level, nn.Sigmoid()) for level in range(SPLITS))
        in_channels = last + int(config.concat_relative)
        self.distribution = BinDistribution(config, in_channels)
        self._reset_seed()

    def _attractor_mlp(self, count: int) -> nn.Sequential:
        # A normed attractor regresses pairs whose second number is unused; released weights do so.
        outputs, last = (2 * count, nn.ReLU()) if self.config.normed_attractor else (
            count, nn.Softplus())
        return mlp(self.config.embedding_dim, self.config.attractor_hidden, outputs, last)

    def _reset_seed(self) -> None:
        """Start un-normed centres spread over the depth range instead of all at softplus(0)."""
        if not self.config.normed_seed:
            low, high = math.log(max(self.head.min_depth_m, 0.1)), math.log(self.head.max_depth_m)
            centers_m = torch.linspace(low, high, self.config.n_bins).exp()
            inverse_softplus = centers_m + torch.log(-torch.expm1(-centers_m))
            self.seed.get_parameter('2.bias').data.copy_(inverse_softplus)

    def forward(
        self, features: Features, embeddings: Embeddings, *, with_std_dev: bool = True,
        with_bins: bool = False,
    ) -> BinDepth:
        """Return the depth of every pixel; all inputs in float32."""
        centers_m = self._bin_centers(embeddings)
        last = features.last
        if self.config.concat_relative:
            last = torch.cat([last, features.relative_depth], dim=1)
        probabilities = self.distribution(last, embeddings.finest)
        centers_m = resize(centers_m, last.shape[-2:])
        depth_m = (probabilities * centers_m).sum(dim=1, keepdim=True)
        std_dev_m = spread(probabilities, centers_m, depth_m) if with_std_dev else None
        bins = (centers_m, probabilities) if with_bins else (None, None)
        return BinDepth(depth_m, std_dev_m, *bins)

    def _bin_centers(self, embeddings: Embeddings) -> Tensor:
        """Return (B, K, h, w) bin centres in metres, refined as the configuration says."""
        seed = self.seed(embeddings.bottleneck)
        if self.config.normed_seed:
            widths = seed + SEED_FLOOR
            widths = widths / widths.sum(dim=1, keepdim=True)
            if self.config.refinement == 'split':
                widths = self._split(widths, embeddings.queries)
            seed = self._centers_m(widths)
        if self.config.refinement == 'attractor':
            return self._attract(seed, embeddings.queries)
        return seed

    def _centers_m(self, widths: Tensor) -> Tensor:
        """Return (B, K, h, w) centres in metres of bins that lie side by side over the range."""
        return self.head.min_depth_m + self._range_m * (widths.cumsum(dim=1) - widths / 2)

    @property
    def _range_m(self) -> float:
        return self.head.max_depth_m - self.head.min_depth_m

    def _split(self, widths: Tensor, queries: list[Tensor]) -> Tensor:
        """Split every bin in two at each level; widths are fractions of the range."""
        for regressor, query in zip(self.splitters, queries, strict=True):
            widths = split_bins(resize(widths, query.shape[-2:]), regressor(query))
        return widths

    def _attract(self, centers: Tensor, queries: list[Tensor]) -> Tensor:
        """
        Pull the centres, in metres, towards the attractors of each level; return metres.

        Normed attractors and centres are fractions of the range meanwhile.
        """
        low_m = self.head.min_depth_m
        if self.config.normed_attractor:
            centers = (centers - low_m) / self._range_m
        for regressor, query in zip(self.attractors, queries, strict=True):
            points = regressor(query)
            if self.config.normed_attractor:
                points = points[:, ::2] + SEED_FLOOR
            centers = resize(centers, query.shape[-2:])
            centers = centers + self._attraction(points, centers)
        if not self.config.normed_attractor:
            return centers
        centers_m = low_m + self._range_m * centers
        return centers_m.sort(dim=1).values.clamp(low_m, self.head.max_depth_m)

    def _attraction(self, points: Tensor, centers: Tensor) -> Tensor:
        """
        Return the shift (B, K, h, w) of every centre.

        One attractor at a time: all pairs at once would need n_attractors times the memory.
        """
        alpha, gamma = self.config.attractor_alpha, self.config.attractor_gamma
        shift = torch.zeros_like(centers)
        for point in torch.split(points, 1, dim=1):
            distance = point - centers
            if self.config.attractor == 'inv':
                shift = shift + distance / (1 + alpha * distance.pow(gamma))
            else:
                shift = shift + distance * torch.exp(-alpha * distance.abs().pow(gamma))
        return shift / points.shape[1] if self.config.attractor_kind == 'mean' else shift


def split_bins(widths: Tensor, fractions: Tensor) -> Tensor:
    """
    Split each bin in two; the halves stand where the bin stood.

    :param widths: (B, K, h, w).
    :param fractions: (B, K, h, w) share, 0 to 1, of each bin's nearer half.
    :return: (B, 2 K, h, w) widths of the same sum.
    """
    nearer = widths * fractions
    return torch.stack([nearer, widths - nearer], dim=2).flatten(1, 2)


@torch.no_grad()
def spread(probabilities: Tensor, centers_m: Tensor, depth_m: Tensor) -> Tensor:
    """Return the standard deviation (B, 1, H, W) in metres of (B, K, H, W) bins about the mean."""
    squares = (centers_m - depth_m).square_()
    return (probabilities * squares).sum(dim=1, keepdim=True).sqrt_()
