# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What a network is made of, in frozen dataclasses that travel inside its checkpoint."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from dataclasses import dataclass
from typing import Any
from typing import get_args
from typing import Literal

from zoe_depth_ros.errors import ConfigError
from zoe_depth_ros.option_fields import build_config

Domain = Literal['indoor', 'outdoor']

DOMAINS: tuple[Domain, ...] = get_args(Domain)
STEMS = ('patch', 'conv')
BIN_TYPES = ('normed', 'softplus', 'hybrid1', 'hybrid2')
ATTRACTOR_TYPES = ('inv', 'exp')
ATTRACTOR_KINDS = ('mean', 'sum')
REFINEMENTS = ('attractor', 'split', 'none')
DISTRIBUTIONS = ('log_binomial', 'softmax')
SPLITS = 4
SIZE_MULTIPLE = 32


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise ConfigError(message)


def _require_choice(owner: object, name: str, choices: tuple[str, ...]) -> None:
    value = getattr(owner, name)
    _require(value in choices, f'{name} = {value!r} is not one of {", ".join(choices)}')


@dataclass(frozen=True)
class EncoderConfig:
    """
    BEiT vision transformer (paper section 4; BEiT-L/16-384 by default).

    :param embed_dim: token width.
    :param depth: number of transformer blocks.
    :param num_heads: attention heads a block.
    :param mlp_ratio: hidden width of a block's MLP over embed_dim.
    :param patch_size: side of a patch in pixels.
    :param stem: how patches become tokens: 'patch', one linear map as in BEiT, or 'conv', four
        convolutions of stride 2, with which small networks learn from fewer images
        (arXiv 2106.14881).
    :param pretrain_window: side, in patches, of the window the position tables are for.
    :param absolute_position: add a learned embedding of its place to every patch, which BEiT has
        as an option; where the horizon lies and how high the camera stands is easier to see then.
    :param hooks: the four blocks (from 0) whose output tokens the decoder reads.
    :param layer_scale: initial value of the residual scales gamma.
    :param drop_path: stochastic depth of the last block while training (0 at the first).
    """

    embed_dim: int = 1024
    depth: int = 24
    num_heads: int = 16
    mlp_ratio: float = 4.0
    patch_size: int = 16
    stem: str = 'patch'
    pretrain_window: int = 24
    absolute_position: bool = False
    hooks: tuple[int, int, int, int] = (5, 11, 17, 23)
    layer_scale: float = 1e-5
    drop_path: float = 0.0

    def __post_init__(self) -> None:
        _require(self.embed_dim % self.num_heads == 0,
                 f'embed_dim = {self.embed_dim} is not a multiple of num_heads = {self.num_heads}')
        _require(len(self.hooks) == 4, f'hooks = {self.hooks} are not four block numbers')
        _require(list(self.hooks) == sorted(self.hooks) and self.hooks[0] >= 0,
                 f'hooks = {self.hooks} are not ascending block numbers')
        _require(self.hooks[3] < self.depth, f'hooks = {self.hooks} exceed depth = {self.depth}')
        _require_choice(self, 'stem', STEMS)
        _require(self.patch_size == 16,
                 f'patch_size = {self.patch_size}: the decoder is built for patches of 16')


@dataclass(frozen=True)
class DecoderConfig:
    """
    DPT decoder and relative head.

    :param reassemble_channels: channels at strides 4, 8, 16 and 32 after reassembling.
    :param features: channels of every fusion stage.
    :param relative_channels: channels of the last feature map, shared with the metric head.
    :param stem_maps: add the convolutional stem's maps at strides 2, 4 and 8, for what is smaller
        than a patch; so DPT-Hybrid reads its convolutional backbone (arXiv 2103.13413).
    """

    reassemble_channels: tuple[int, int, int, int] = (256, 512, 1024, 1024)
    features: int = 256
    relative_channels: int = 32
    stem_maps: bool = False


@dataclass(frozen=True)
class BinsConfig:
    """
    Metric bins module (paper section 3.2).

    :param n_bins: depth bins a pixel.
    :param bin_type: how seeds and attractors are normalised: 'normed' both by the depth range,
        'softplus' neither, 'hybrid1' the seed only, 'hybrid2' the attractors only.
    :param refinement: what becomes of the seed's bins at strides 16, 8, 4 and 2: 'attractor' moves
        n_bins; 'split' begins with n_bins / 16 and splits each in two at every stride, where the
        pixel wants it (LocalBins, arXiv 2203.15132); 'none' keeps n_bins as they are.
    :param n_attractors: attractor points at strides 16, 8, 4 and 2.
    :param attractor: pull of an attractor at distance d: 'inv' d / (1 + alpha d^gamma) or
        'exp' d exp(-alpha |d|^gamma).
    :param attractor_kind: 'mean' or 'sum' over the attractors.
    :param attractor_alpha: strength alpha; the released weights were trained with 300.
    :param attractor_gamma: exponent gamma.
    :param embedding_dim: width of the pixel embeddings.
    :param seed_hidden: hidden width of the seed regressor.
    :param projector_hidden: hidden width of the embedding projectors.
    :param attractor_hidden: hidden width of the regressors of attractors or of split fractions.
    :param bottleneck_factor: width reduction in the regressor of the bin distribution.
    :param distribution: 'log_binomial' or plain 'softmax' over the bins.
    :param min_temperature: lower bound of the log-binomial's temperature.
    :param max_temperature: upper bound of the log-binomial's temperature.
    :param concat_relative: feed the relative depth to the bin distribution too.
    """

    n_bins: int = 64
    bin_type: str = 'softplus'
    refinement: str = 'attractor'
    n_attractors: tuple[int, int, int, int] = (16, 8, 4, 1)
    attractor: str = 'inv'
    attractor_kind: str = 'mean'
    attractor_alpha: float = 300.0
    attractor_gamma: float = 2.0
    embedding_dim: int = 128
    seed_hidden: int = 256
    projector_hidden: int = 128
    attractor_hidden: int = 128
    bottleneck_factor: int = 2
    distribution: str = 'log_binomial'
    min_temperature: float = 0.0212
    max_temperature: float = 50.0
    concat_relative: bool = True

    def __post_init__(self) -> None:
        _require_choice(self, 'bin_type', BIN_TYPES)
        _require_choice(self, 'refinement', REFINEMENTS)
        _require_choice(self, 'attractor', ATTRACTOR_TYPES)
        _require_choice(self, 'attractor_kind', ATTRACTOR_KINDS)
        _require_choice(self, 'distribution', DISTRIBUTIONS)
        _require(self.n_bins >= 2, f'n_bins = {self.n_bins} is below 2')
        _require(len(self.n_attractors) == 4 and min(self.n_attractors) > 0,
                 f'n_attractors = {self.n_attractors} are not four positive counts')
        _require(0 < self.min_temperature < self.max_temperature,
                 f'min_temperature = {self.min_temperature} is not between 0 and '
                 f'max_temperature = {self.max_temperature}')
        self._check_refinement()

    def _check_refinement(self) -> None:
        fitting = {'split': ('normed',), 'none': ('normed', 'softplus')}.get(
            self.refinement, BIN_TYPES)
        _require(self.bin_type in fitting,
                 f'refinement = {self.refinement!r} goes with bin_type {" or ".join(fitting)}, '
                 f'not {self.bin_type!r}')
        _require(self.refinement != 'split'
                 or (self.n_bins % 2 ** SPLITS == 0 and self.n_seed_bins > 1),
                 f'n_bins = {self.n_bins} is not two or more seed bins split {SPLITS} times')

    @property
    def n_seed_bins(self) -> int:
        """Bins that the seed predicts."""
        return self.n_bins // 2 ** SPLITS if self.refinement == 'split' else self.n_bins

    @property
    def normed_seed(self) -> bool:
        """True when seed bins divide the head's depth range."""
        return self.bin_type in ('normed', 'hybrid1')

    @property
    def normed_attractor(self) -> bool:
        """True when attractors move bins inside the head's depth range."""
        return self.bin_type in ('normed', 'hybrid2')


@dataclass(frozen=True)
class HeadConfig:
    """
    One metric head.

    :param name: its name in checkpoints.
    :param domain: what its router class is called for users: 'indoor' or 'outdoor'.
    :param min_depth_m: nearest depth it is trained for, metres.
    :param max_depth_m: farthest depth it is trained for, metres.
    :param focal_of_width: focal length of its training images over their width, 0 if unknown.
    :param std_dev_factor: true standard deviation over that of the bin distribution, found by
        evaluation.
    """

    name: str
    domain: Domain
    min_depth_m: float
    max_depth_m: float
    focal_of_width: float = 0.0
    std_dev_factor: float = 1.0

    def __post_init__(self) -> None:
        _require(bool(self.name) and '.' not in self.name,
                 f'head name {self.name!r} is empty or has a dot')
        _require_choice(self, 'domain', DOMAINS)
        _require(0 < self.min_depth_m < self.max_depth_m,
                 f'head {self.name}: min_depth_m = {self.min_depth_m} and max_depth_m = '
                 f'{self.max_depth_m} are not an increasing range')
        _require(self.focal_of_width >= 0 and self.std_dev_factor > 0,
                 f'head {self.name}: focal_of_width = {self.focal_of_width} or std_dev_factor = '
                 f'{self.std_dev_factor} is not positive')


@dataclass(frozen=True)
class RouterConfig:
    """
    Domain classifier on the bottleneck features (paper section 3.3).

    :param dim: token width.
    :param layers: transformer layers.
    :param num_heads: attention heads.
    :param hidden: hidden width of the layers' MLPs.
    :param dropout: dropout while training.
    """

    dim: int = 128
    layers: int = 4
    num_heads: int = 4
    hidden: int = 1024
    dropout: float = 0.1


@dataclass(frozen=True)
class ModelConfig:
    """
    A whole network; the defaults are ZoeD-N.

    :param heads: the metric heads, in the order of the router's classes.
    :param router: the domain classifier; None exactly when there is one head.
    :param network_size_hw: (height, width) in pixels the network was trained for.
    """

    encoder: EncoderConfig = EncoderConfig()
    decoder: DecoderConfig = DecoderConfig()
    bins: BinsConfig = BinsConfig()
    heads: tuple[HeadConfig, ...] = (HeadConfig('nyu', 'indoor', 1e-3, 10.0),)
    router: RouterConfig | None = None
    network_size_hw: tuple[int, int] = (384, 512)

    def __post_init__(self) -> None:
        names = [head.name for head in self.heads]
        _require(len(names) > 0, 'heads is empty')
        _require(len(set(names)) == len(names), f'head names {names} are not unique')
        _require((self.router is None) == (len(names) == 1),
                 f'{len(names)} heads {"need" if len(names) > 1 else "exclude"} a router')
        _require(self.encoder.stem == 'conv' or not self.decoder.stem_maps,
                 f'stem_maps need stem = conv, not {self.encoder.stem!r}')
        check_network_size(self.network_size_hw)

    def to_dict(self) -> dict[str, Any]:
        """Return the configuration as plain dicts, lists and numbers (JSON, YAML)."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> ModelConfig:
        """
        Rebuild a configuration from `to_dict()`.

        :raises ConfigError: an option is unknown or has a value it cannot take.
        """
        parts: dict[str, Any] = dict(values)
        for name, part in (('encoder', EncoderConfig), ('decoder', DecoderConfig),
                           ('bins', BinsConfig), ('router', RouterConfig)):
            if parts.get(name) is not None:
                parts[name] = build_config(part, parts[name])
        if 'heads' in parts:
            parts['heads'] = tuple(build_config(HeadConfig, head) for head in parts['heads'])
        return build_config(cls, parts)


def check_network_size(size_hw: tuple[int, int]) -> None:
    """
    Check a network input size (height, width) in pixels.

    :raises ConfigError: there are not two sides, or one is not a positive multiple of 32.
    """
    _require(isinstance(size_hw, tuple | list) and len(size_hw) == 2,
             f'network size {size_hw!r} is not [height, width]')
    _require(all(side > 0 and side % SIZE_MULTIPLE == 0 for side in size_hw),
             f'network size {size_hw[0]}x{size_hw[1]} is not a multiple of {SIZE_MULTIPLE}')
