# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Options of a training run, as read from `config/train/*.yaml`."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field
from pathlib import Path
from typing import Any

import yaml

from zoe_depth_ros.config import check_network_size
from zoe_depth_ros.datasets.config import DatasetConfig
from zoe_depth_ros.errors import ConfigError
from zoe_depth_ros.option_fields import build_config
from zoe_depth_ros.option_fields import check_types
from zoe_depth_ros.training.augment import AugmentConfig

MODELS = ('zoed_mini_nk', 'zoed_nk', 'zoed_n', 'zoed_k')
CHOICES = {
    'stage': ('relative', 'metric'),
    'model': MODELS,
    'init_parts': ('all', 'encoder_decoder', 'encoder'),
    'framing': ('paper', 'robot'),
    'truth_size': ('network', 'native'),
    'batches': ('mixed', 'homogeneous'),
    'routing': ('labelled', 'trained', 'auto'),
    'precision': ('auto', 'bf16', 'fp32'),
}
POSITIVE = (
    'steps', 'batch_size', 'accumulate', 'learning_rate', 'encoder_divisor', 'table_divisor',
    'decoder_divisor', 'head_divisor', 'div_factor', 'final_div_factor', 'clip_norm', 'sky_factor',
    'save_every')
NOT_NEGATIVE = (
    'weight_decay', 'router_weight', 'relative_weight', 'relative_error_weight', 'workers',
    'validate_every', 'seed')
CONFIG_FOLDERS = ('config/train', 'share/zoe_depth_ros/config/train')


@dataclass(frozen=True)
class TrainConfig:
    """
    One training run.

    :param stage: 'relative' trains encoder and decoder on inverse depth of unknown scale and
        shift (MiDaS); 'metric' trains the whole network on metres (ZoeDepth).
    :param model: which network; its weights start at random unless `init` is given.
    :param model_options: nested fields of `ModelConfig` that differ from that network's.
    :param init: name or path of weights to start from, '' for none.
    :param init_parts: what is taken from them: 'all', with the network they belong to in place of
        `model`, to which `model_options` may add `encoder.absolute_position` and
        `decoder.stem_maps`; 'encoder_decoder', of MiDaS weights too; or 'encoder', of timm's BEiT
        too.
    :param datasets: images to learn from.
    :param validation: images to judge by while training.
    :param check_data: read all images once before a new run's first step, so that what is wrong
        with them is told then and not hours later.
    :param size_hw: (height, width) the network sees, multiples of 32, and will see when the
        trained weights are used; null for the size it was made for.
    :param framing: 'paper' squashes images to that size; 'robot' keeps their aspect ratio, as the
        estimator does.
    :param truth_size: where losses compare: 'network' brings the truth to the network's size,
        'native' brings the prediction to the truth's; a batch then needs images of one size.
    :param augment: random changes of the images.
    :param steps: optimiser steps.
    :param batch_size: images a step, over all processes.
    :param accumulate: parts a process takes its images in, one after the other; each part has
        losses of its own.
    :param batches: 'mixed' has images of every data set, 'homogeneous' of one, in turn.
    :param routing: which head predicts while training: 'labelled' the one of the image's domain;
        'trained' the one the router picks; 'auto' all, mixed by the router's probabilities, and
        no label is used (`zoe_depth evaluate --route mixed` judges it so; the node runs one head).
    :param learning_rate: peak of the one-cycle schedule.
    :param encoder_divisor: the encoder's and reassembly's share of it is 1 / encoder_divisor.
    :param table_divisor: of the relative-position tables; from random weights they have far to
        go and want a divisor below 1.
    :param decoder_divisor: of the rest of the decoder.
    :param head_divisor: of the metric heads and the router.
    :param warmup: share of the steps in which the learning rate rises.
    :param div_factor: the rate starts at the peak over this; 1 for no rise.
    :param final_div_factor: the rate ends at its start over this.
    :param weight_decay: of matrices; norms, biases, layer scales, the class token and bias tables
        have none.
    :param clip_norm: largest gradient norm.
    :param ema_decay: of the averaged weights that are judged and saved; less in the first steps.
    :param router_weight: of the router's cross-entropy.
    :param relative_weight: of the relative loss beside the metric one.
    :param relative_error_weight: of ten times the mean relative error (REL) beside the metric
        loss; not in the paper.
    :param anchored: hold the relative depth to the aligned truth instead of aligning it, which a
        network needs that learns from random weights.
    :param sky_factor: sky is pushed beyond this many times the head's largest depth.
    :param device: 'auto', 'cpu' or 'cuda:N'; every process of torchrun takes its own GPU.
    :param precision: of encoder and decoder: 'bf16', 'fp32', or 'auto', which is bf16 where the
        device computes in it: a GPU, or a CPU with AVX-512 or AMX instructions for it.
    :param workers: processes that load images; 0 for none.
    :param seed: of the initial weights, the order of the images and their augmentation.
    :param save_every: steps between saved states.
    :param validate_every: steps between validations and pictures, 0 for none.
    """

    stage: str = 'metric'
    model: str = 'zoed_mini_nk'
    model_options: Mapping[str, Any] = field(default_factory=dict)
    init: str = ''
    init_parts: str = 'all'
    datasets: tuple[DatasetConfig, ...] = ()
    validation: tuple[DatasetConfig, ...] = ()
    check_data: bool = True
    size_hw: tuple[int, int] | None = None
    framing: str = 'paper'
    truth_size: str = 'network'
    augment: AugmentConfig = field(default_factory=AugmentConfig)
    steps: int = 1000
    batch_size: int = 16
    accumulate: int = 1
    batches: str = 'mixed'
    routing: str = 'labelled'
    learning_rate: float = 1e-3
    encoder_divisor: float = 1.0
    table_divisor: float = 0.1
    decoder_divisor: float = 1.0
    head_divisor: float = 1.0
    warmup: float = 0.05
    div_factor: float = 25.0
    final_div_factor: float = 1e4
    weight_decay: float = 0.01
    clip_norm: float = 1.0
    ema_decay: float = 0.998
    router_weight: float = 1.0
    relative_weight: float = 0.0
    relative_error_weight: float = 0.0
    anchored: bool = False
    sky_factor: float = 1.5
    device: str = 'auto'
    precision: str = 'auto'
    workers: int = 1
    seed: int = 0
    save_every: int = 500
    validate_every: int = 0

    def __post_init__(self) -> None:
        check_types(self)
        for name, known in CHOICES.items():
            self._require(name, getattr(self, name) in known, f'is not one of {", ".join(known)}')
        for name in POSITIVE:
            self._require(name, getattr(self, name) > 0, 'is not positive')
        for name in NOT_NEGATIVE:
            self._require(name, getattr(self, name) >= 0, 'is negative')
        for name in ('warmup', 'ema_decay'):
            self._require(name, 0 < getattr(self, name) < 1, 'is not between 0 and 1')
        self._require('batch_size', self.batch_size % self.accumulate == 0,
                      f'is not a multiple of accumulate = {self.accumulate}')
        for dataset in (*self.datasets, *self.validation):
            self._require('stage', self.stage == 'relative' or dataset.truth != 'disparity', (
                f'cannot use {dataset.path}: truth = {dataset.truth!r} is in no unit'))
        if self.size_hw is not None:
            check_network_size(self.size_hw)

    def _require(self, name: str, condition: bool, complaint: str) -> None:
        if not condition:
            raise ConfigError(f'{name} = {getattr(self, name)!r} {complaint}')


def build_train_config(values: Mapping[str, Any]) -> TrainConfig:
    """
    Build a configuration from plain values, as they stand in a YAML file.

    :raises ConfigError: an option is unknown or has a value it cannot take.
    """
    parts = dict(values)
    for name in ('datasets', 'validation'):
        if name in parts:
            parts[name] = tuple(
                build_config(DatasetConfig, _mapping(name, item))
                for item in _listed(name, parts[name]))
    if 'augment' in parts:
        parts['augment'] = build_config(AugmentConfig, _mapping('augment', parts['augment']))
    if 'model_options' in parts:
        _check_mappings('model_options', parts['model_options'])
    config: TrainConfig = build_config(TrainConfig, parts)
    return config


def read_train_config(path: Path, changes: Sequence[str] = ()) -> TrainConfig:
    """
    Read a YAML file.

    :param changes: options in place of the file's, 'steps=300' or 'augment.zoom=1.5', with
        values in YAML.
    :raises ConfigError: not readable, not a mapping, or an option is unknown or wrong.
    """
    try:
        values = yaml.safe_load(path.read_text())
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f'{path} cannot be read: {error}') from error
    if not isinstance(values, dict):
        raise ConfigError(f'{path} holds {type(values).__name__}, not options')
    for change in changes:
        _change(values, change)
    try:
        return build_train_config(values)
    except ConfigError as error:
        raise ConfigError(f'{path}: {error}') from error


def shipped_config(name: str) -> Path:
    """
    Return the path of a training file that comes with the package.

    It lies beside the package in a source tree, and under share/ of an installation.

    :raises ConfigError: it is in neither place.
    """
    for parent in Path(__file__).resolve().parents:
        for folder in CONFIG_FOLDERS:
            if (parent / folder / name).is_file():
                return parent / folder / name
    raise ConfigError(f'{name} is neither in config/train nor in share/zoe_depth_ros')


def _mapping(name: str, value: object) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ConfigError(f'{name} holds {value!r} where options are expected')
    return value


def _listed(name: str, value: object) -> list[Any]:
    if not isinstance(value, list | tuple):
        raise ConfigError(f'{name} holds {value!r} where a list is expected')
    return list(value)


def _check_mappings(name: str, value: object) -> None:
    """Refuse options of options that are none."""
    for key, item in _mapping(name, value).items():
        if not isinstance(key, str):
            raise ConfigError(f'{name} has an option {key!r} that is no name')
        if isinstance(item, Mapping):
            _check_mappings(f'{name}.{key}', item)


def _change(values: dict[str, Any], change: str) -> None:
    """Put 'a.b=value' into nested dicts."""
    dotted, equals, text = change.partition('=')
    *parents, last = dotted.split('.')
    if not equals:
        raise ConfigError(f'{change!r} is not OPTION=VALUE')
    for parent in parents:
        values = values.setdefault(parent, {})
        if not isinstance(values, dict):
            raise ConfigError(f'{change!r}: {parent} has no options of its own')
    try:
        values[last] = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigError(f'{change!r} has no value in YAML: {error}') from error
