# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Options of a training run, as read from `config/train/*.yaml`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import yaml

from zoe_depth_ros.config import build_config
from zoe_depth_ros.config import check_network_size
from zoe_depth_ros.errors import ConfigError

MODELS = ('zoed_mini_nk', 'zoed_nk', 'zoed_n', 'zoed_k')


@dataclass(frozen=True)
class TrainConfig:
    """
    One training run on random worlds.

    :param model: which network; the weights start at random unless `init` is given.
    :param init: name or path of weights to start from, '' for none.
    :param size_hw: (height, width) of the images, multiples of 32.
    :param steps: optimiser steps.
    :param batch_size: images a step.
    :param indoor_share: share of indoor images in every batch of a network with both heads.
    :param learning_rate: peak of the one-cycle schedule.
    :param table_rate: learning rate of the relative-position tables over `learning_rate`; from
        random weights they have far to go.
    :param warmup: share of the steps in which the learning rate rises.
    :param weight_decay: of matrices; norms, biases and bias tables have none.
    :param clip_norm: largest gradient norm.
    :param ema_decay: of the averaged weights that are saved.
    :param metric_weight: of the scale-invariant log loss.
    :param router_weight: of the router's cross-entropy.
    :param relative_weight: of the scale-and-shift-invariant loss.
    :param sky_factor: sky is pushed beyond this many times the head's largest depth.
    :param precision: 'bf16' autocast for encoder and decoder, or 'fp32'.
    :param seed: of the initial weights and the first world; worlds below 1,000,000 are held out.
    :param save_every: steps between checkpoints.
    """

    model: str = 'zoed_mini_nk'
    init: str = ''
    size_hw: tuple[int, int] = (96, 128)
    steps: int = 1000
    batch_size: int = 16
    indoor_share: float = 0.5
    learning_rate: float = 1e-3
    table_rate: float = 10.0
    warmup: float = 0.05
    weight_decay: float = 0.01
    clip_norm: float = 1.0
    ema_decay: float = 0.998
    metric_weight: float = 1.0
    router_weight: float = 1.0
    relative_weight: float = 1.0
    sky_factor: float = 1.5
    precision: str = 'bf16'
    seed: int = 1_000_000
    save_every: int = 500

    def __post_init__(self) -> None:
        check_network_size(self.size_hw)
        if self.model not in MODELS:
            raise ConfigError(f'model = {self.model!r} is not one of {", ".join(MODELS)}')
        if self.precision not in ('bf16', 'fp32'):
            raise ConfigError(f'precision = {self.precision!r} is not bf16 or fp32')
        if self.batch_size < 2 or self.batch_size % 2:
            raise ConfigError(f'batch_size = {self.batch_size} is not a positive even number')
        if self.seed < 1_000_000:
            raise ConfigError(f'seed = {self.seed}: worlds below 1000000 are held out for tests')
        for name in ('steps', 'learning_rate', 'table_rate', 'clip_norm', 'save_every'):
            if getattr(self, name) <= 0:
                raise ConfigError(f'{name} = {getattr(self, name)} is not positive')
        for name in ('warmup', 'indoor_share'):
            if not 0 < getattr(self, name) < 1:
                raise ConfigError(f'{name} = {getattr(self, name)} is not between 0 and 1')


def read_train_config(path: Path) -> TrainConfig:
    """
    Read a YAML file.

    :raises ConfigError: not readable, not a mapping, or an option is unknown or wrong.
    """
    try:
        values = yaml.safe_load(path.read_text())
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f'{path} cannot be read: {error}') from error
    if not isinstance(values, dict):
        raise ConfigError(f'{path} holds {type(values).__name__}, not options')
    config: TrainConfig = build_config(TrainConfig, values)
    return config
