# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The network of a training run: built, and run the way each stage wants it."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import replace
from typing import Any

from torch import nn
from torch import Tensor

from zoe_depth_ros.config import ModelConfig
from zoe_depth_ros.errors import ConfigError
from zoe_depth_ros.errors import WeightsError
from zoe_depth_ros.known_models import ZOED_K
from zoe_depth_ros.known_models import ZOED_MINI_NK
from zoe_depth_ros.known_models import ZOED_N
from zoe_depth_ros.known_models import ZOED_NK
from zoe_depth_ros.model.checkpoint import check_fit
from zoe_depth_ros.model.checkpoint import read_part
from zoe_depth_ros.model.checkpoint import read_weights
from zoe_depth_ros.model.download import find_weights
from zoe_depth_ros.model.zoedepth import ZoeDepth
from zoe_depth_ros.training.config import TrainConfig

ARCHITECTURES = {
    'zoed_n': ZOED_N, 'zoed_k': ZOED_K, 'zoed_nk': ZOED_NK, 'zoed_mini_nk': ZOED_MINI_NK}


# What can be added to weights that do not have it: it begins at zero and changes no result.
ADDITIONS = ('encoder.absolute_position', 'decoder.stem_lateral.')


def build_network(config: TrainConfig) -> ZoeDepth:
    """
    Return the network a run starts from, on the CPU; the size it trains at becomes its own.

    :raises ConfigError: `model_options` are not options of the network or cannot be added to the
        weights, or `init_parts` are to be taken from no weights.
    :raises WeightsError: the weights cannot be found or do not fit.
    """
    model = _first_network(config)
    if config.size_hw is not None:
        model.config = replace(model.config, network_size_hw=config.size_hw)
    return model


def _first_network(config: TrainConfig) -> ZoeDepth:
    if config.init and config.init_parts == 'all':
        return _grown(config.init, config.model_options)
    if config.init_parts != 'all' and not config.init:
        raise ConfigError(
            f'init_parts = {config.init_parts!r}, but init (--init) names no weights')
    described = _merged(ARCHITECTURES[config.model].to_dict(), config.model_options)
    model = ZoeDepth(ModelConfig.from_dict(described))
    if config.init:
        _take_parts(model, config.init, config.init_parts.split('_'))
    return model


def _grown(source: str, options: Mapping[str, Any]) -> ZoeDepth:
    """Return a network with all of its weights, and what the options add to it, at zero."""
    path = find_weights(source)
    state, config = read_weights(path)
    wanted = ModelConfig.from_dict(_merged(config.to_dict(), options))
    if config != replace(
            wanted,
            encoder=replace(wanted.encoder, absolute_position=config.encoder.absolute_position),
            decoder=replace(wanted.decoder, stem_maps=config.decoder.stem_maps)):
        raise ConfigError(
            f'model_options = {dict(options)}: all weights of {source} (init_parts = all) belong '
            f'to its own network, to which encoder.absolute_position and decoder.stem_maps can '
            f'be added')
    model = ZoeDepth(wanted)
    added = {
        name: tensor for name, tensor in model.state_dict().items()
        if name.startswith(ADDITIONS) and name not in state}
    tensors = {name: tensor.float() for name, tensor in state.items()} | added
    check_fit(path, model.state_dict(), tensors)
    model.load_state_dict(tensors)
    return model


def _merged(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return nested options with some of them changed."""
    merged = dict(base)
    for name, value in changes.items():
        nested = isinstance(value, Mapping) and isinstance(merged.get(name), Mapping)
        merged[name] = _merged(merged[name], value) if nested else value
    return merged


def _take_parts(model: ZoeDepth, source: str, parts: Sequence[str]) -> None:
    path = find_weights(source)
    state, config = read_part(path)
    for part in parts:
        wanted, found = getattr(model.config, part), getattr(config, part, None)
        if found is not None and wanted != found:
            raise WeightsError(f'{source} has another {part}: {found}, not {wanted}')
        module: nn.Module = getattr(model, part)
        tensors = {
            name.removeprefix(f'{part}.'): tensor.float() for name, tensor in state.items()
            if name.startswith(f'{part}.')}
        check_fit(path, module.state_dict(), tensors)
        module.load_state_dict(tensors)


@dataclass(frozen=True)
class Prediction:
    """
    What losses compare, for B images of H x W.

    :param relative_depth: (B, 1, H, W) inverse depth up to scale and shift.
    :param depth_m: (B, 1, H, W) metres; the relative depth again in the relative stage.
    :param domain_logits: (B, heads); zeros in the relative stage.
    """

    relative_depth: Tensor
    depth_m: Tensor
    domain_logits: Tensor


class TrainedNetwork(nn.Module):
    """
    A network with the routing that its training uses.

    :param model: the network.
    :param config: its stage and routing decide what runs.
    """

    def __init__(self, model: ZoeDepth, config: TrainConfig) -> None:
        super().__init__()
        self.model = model
        self.stage = config.stage
        self.routing = config.routing
        self._teaches_relative = config.relative_weight > 0
        self._teaches_router = config.router_weight > 0 and config.routing != 'auto'

    def forward(self, image: Tensor, labels: Tensor) -> Prediction:
        """
        Predict.

        :param image: (B, 3, H, W) in [-1, 1].
        :param labels: (B,) int64 head of each image's domain, used by labelled routing only.
        """
        if self.stage == 'relative':
            relative = self.model.features(image).relative_depth.float()
            return Prediction(
                relative, relative, relative.new_zeros(len(image), len(self.model.heads)))
        heads = labels.tolist() if self.routing == 'labelled' else None
        output = self.model(
            image, heads=heads, weigh=mixture if self.routing == 'auto' else None,
            with_std_dev=False)
        return Prediction(
            _taught(output.relative_depth, self._teaches_relative), output.depth_m,
            _taught(output.domain_logits, self._teaches_router))


def mixture(logits: Tensor) -> Tensor:
    """
    Return the weight of each head in an image's depth (paper, 'Auto Router'): its probability.

    :param logits: (B, heads) of the router.
    :return: (B, heads).
    """
    return logits.softmax(dim=1)


def _taught(result: Tensor, is_taught: bool) -> Tensor:
    """
    Cut off a result that no loss is taken of.

    Its parameters then have no gradient, which leaves them as they are, where a gradient of 0
    would let them decay. Processes that train together do not wait for it either.
    """
    return result if is_taught else result.detach()
