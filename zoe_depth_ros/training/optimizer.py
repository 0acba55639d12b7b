# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Parameter groups and their learning rates (paper section 4.2; ZoeDepth's configurations)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from torch import nn
from torch import Tensor
from torch.optim import AdamW
from torch.optim.lr_scheduler import OneCycleLR
from torch.optim.swa_utils import AveragedModel
from torch.optim.swa_utils import get_ema_multi_avg_fn

from zoe_depth_ros.model.zoedepth import ZoeDepth
from zoe_depth_ros.training.config import TrainConfig

Tensors: TypeAlias = tuple[Tensor, ...] | list[Tensor]


@dataclass(frozen=True)
class ParameterGroup:
    """
    Parameters with one learning rate and one weight decay.

    :param name: 'encoder', 'tables', 'decoder' or 'heads'.
    :param parameters: the tensors.
    :param learning_rate: at its peak.
    :param weight_decay: 0 for norms, biases, layer scales, the class token and bias tables.
    """

    name: str
    parameters: tuple[nn.Parameter, ...]
    learning_rate: float
    weight_decay: float


def parameter_groups(model: ZoeDepth, config: TrainConfig) -> list[ParameterGroup]:
    """Return the groups of all parameters that the stage trains; none is empty."""
    divisors = {
        'encoder': config.encoder_divisor, 'tables': config.table_divisor,
        'decoder': config.decoder_divisor, 'heads': config.head_divisor}
    members: dict[tuple[str, bool], list[nn.Parameter]] = {
        (name, decays): [] for name in divisors for decays in (True, False)}
    for name, parameter in model.named_parameters():
        members[group_of(name), _decays(name, parameter)].append(parameter)
    return [
        ParameterGroup(
            name, tuple(parameters), config.learning_rate / divisors[name],
            config.weight_decay if decays else 0.0)
        for (name, decays), parameters in members.items()
        if parameters and not (name == 'heads' and config.stage == 'relative')]


def group_of(parameter_name: str) -> str:
    """Return which group a parameter is of; reassembly counts as encoder, as in ZoeDepth."""
    if parameter_name.startswith('encoder.position_bias.'):
        return 'tables'
    if parameter_name.startswith(('encoder.', 'decoder.reassemble.')):
        return 'encoder'
    return 'decoder' if parameter_name.startswith('decoder.') else 'heads'


def _decays(name: str, parameter: nn.Parameter) -> bool:
    return parameter.ndim >= 2 and not any(
        part in name for part in ('position_bias', 'absolute_position', 'cls_token'))


def build_optimizer(groups: list[ParameterGroup], config: TrainConfig) -> AdamW:
    """Return AdamW over the groups."""
    return AdamW([
        {'params': list(group.parameters), 'lr': group.learning_rate,
         'weight_decay': group.weight_decay} for group in groups])


def build_schedule(optimizer: AdamW, config: TrainConfig) -> OneCycleLR:
    """Return one cycle over all steps, each group up to its own rate; the momentum cycles too."""
    total, rising = config.steps + 1, config.warmup
    if rising * total == 1:  # OneCycleLR divides by the steps between lowest and highest, here 0
        rising *= 1 - 1e-6
    return OneCycleLR(
        optimizer, [group['lr'] for group in optimizer.param_groups], total_steps=total,
        pct_start=rising, div_factor=config.div_factor, final_div_factor=config.final_div_factor)


def build_average(model: nn.Module, decay: float) -> AveragedModel:
    """
    Return the exponential moving average of the weights.

    After t steps it remembers about t / 10 of them, until that reaches what `decay` remembers: a
    short run is not held to the weights it began with.
    """
    def update(averaged: Tensors, current: Tensors, updates: Tensor | int) -> None:
        count = float(updates)
        get_ema_multi_avg_fn(min(decay, (1 + count) / (10 + count)))(averaged, current, updates)
    return AveragedModel(model, multi_avg_fn=update)
