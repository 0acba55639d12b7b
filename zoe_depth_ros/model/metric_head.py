# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Metric bins module: bin centres from a seed, moved by attractors, mixed by a distribution.

Paper sections 3.2.1 (attractors) and 3.2.2 (log-binomial).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
import math

import torch
from torch import nn
from torch import Tensor
from torch.nn import functional

from zoe_depth_ros.config import BinsConfig
from zoe_depth_ros.config import HeadConfig
from zoe_depth_ros.model.decoder import Features
from zoe_depth_ros.model.decoder import resize

SEED_FLOOR = 1e-3
PROBABILITY_FLOOR = 1e-4
STIRLING_EPSILON = 1e-7


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
            features, config.seed_hidden, config.n_bins,
            nn.ReLU() if config.normed_seed else nn.Softplus())
        self.attractors = nn.ModuleList(
            self._attractor_mlp(count) for count in config.n_attractors)
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
        centers_m = self._refine(self._seed_centers(embeddings.bottleneck), embeddings.queries)
        last = features.last
        if self.config.concat_relative:
            last = torch.cat([last, features.relative_depth], dim=1)
        probabilities = self.distribution(last, embeddings.finest)
        centers_m = resize(centers_m, last.shape[-2:])
        depth_m = (probabilities * centers_m).sum(dim=1, keepdim=True)
        std_dev_m = spread(probabilities, centers_m, depth_m) if with_std_dev else None
        bins = (centers_m, probabilities) if with_bins else (None, None)
        return BinDepth(depth_m, std_dev_m, *bins)

    def _seed_centers(self, bottleneck: Tensor) -> Tensor:
        """Return (B, K, h, w) bin centres: metres, or fractions of the range where normed."""
        raw = self.seed(bottleneck)
        if not self.config.normed_seed:
            return self._to_attractor_units(raw)
        widths = raw + SEED_FLOOR
        edges = (widths / widths.sum(dim=1, keepdim=True)).cumsum(dim=1)
        fractions = edges - widths / widths.sum(dim=1, keepdim=True) / 2
        return self._to_attractor_units(self.head.min_depth_m + self._range_m * fractions)

    @property
    def _range_m(self) -> float:
        return self.head.max_depth_m - self.head.min_depth_m

    def _to_attractor_units(self, centers_m: Tensor) -> Tensor:
        if not self.config.normed_attractor:
            return centers_m
        return (centers_m - self.head.min_depth_m) / self._range_m

    def _refine(self, centers: Tensor, queries: list[Tensor]) -> Tensor:
        """Pull the centres towards the attractors of each level; return metres."""
        for regressor, query in zip(self.attractors, queries, strict=True):
            points = regressor(query)
            if self.config.normed_attractor:
                points = points[:, ::2] + SEED_FLOOR
            centers = resize(centers, query.shape[-2:])
            centers = centers + self._attraction(points, centers)
        if not self.config.normed_attractor:
            return centers
        centers_m = self.head.min_depth_m + self._range_m * centers
        return centers_m.sort(dim=1).values.clamp(self.head.min_depth_m, self.head.max_depth_m)

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


@torch.no_grad()
def spread(probabilities: Tensor, centers_m: Tensor, depth_m: Tensor) -> Tensor:
    """Return the standard deviation (B, 1, H, W) in metres of (B, K, H, W) bins about the mean."""
    squares = (centers_m - depth_m).square_()
    return (probabilities * squares).sum(dim=1, keepdim=True).sqrt_()


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
