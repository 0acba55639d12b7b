# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What a training run would do, and what is wrong with it, without training."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
import math

from zoe_depth_ros.datasets import DatasetConfig
from zoe_depth_ros.datasets import open_source
from zoe_depth_ros.datasets import Source
from zoe_depth_ros.errors import ZoeDepthError
from zoe_depth_ros.inference.device import find_device
from zoe_depth_ros.training.batches import Batches
from zoe_depth_ros.training.batches import load
from zoe_depth_ros.training.batches import Order
from zoe_depth_ros.training.config import TrainConfig
from zoe_depth_ros.training.optimizer import ParameterGroup
from zoe_depth_ros.training.processes import Process
from zoe_depth_ros.training.run import Run
from zoe_depth_ros.training.sources import complaints
from zoe_depth_ros.training.sources import learnable


@dataclass(frozen=True)
class DatasetPlan:
    """
    What a run takes from a data set.

    :param name: of the data set.
    :param images: it has.
    :param images_a_step: on average.
    :param epochs: how often each of its images is seen.
    """

    name: str
    images: int
    images_a_step: float
    epochs: float


@dataclass(frozen=True)
class GroupPlan:
    """
    A parameter group.

    :param name: 'encoder', 'tables', 'decoder' or 'heads'.
    :param tensors: how many.
    :param weights: numbers in them.
    :param learning_rate: at its peak.
    :param weight_decay: of each step, over the learning rate.
    """

    name: str
    tensors: int
    weights: int
    learning_rate: float
    weight_decay: float


@dataclass(frozen=True)
class TrainPlan:
    """
    What a run would do.

    :param datasets: to learn from; those that cannot be opened are among the problems only.
    :param groups: of parameters, none where the network cannot be built.
    :param size_hw: (height, width) the network sees, None where it cannot be built.
    :param first_loss: of the first batch, NaN where there is a problem.
    :param problems: one sentence each; the run is sound when there are none.
    """

    datasets: tuple[DatasetPlan, ...]
    groups: tuple[GroupPlan, ...]
    size_hw: tuple[int, int] | None
    first_loss: float
    problems: tuple[str, ...]


def plan_training(config: TrainConfig) -> TrainPlan:
    """
    Open and read all data sets, build the network and compute the loss of the first batch.

    Whatever is wrong with any of them is among the plan's problems.
    """
    problems = [] if config.datasets else ['datasets is empty: there is nothing to learn from']
    run, wrong_network = _run(config)
    opened = [_opened(dataset, config, run, problems) for dataset in config.datasets]
    validation = [_opened(dataset, config, None, problems) for dataset in config.validation]
    sources = [source for source in opened if source is not None]
    problems += _problems(config, run, sources)
    problems += [problem for source in validation if source for problem in source.problems()]
    problems += wrong_network
    groups: tuple[GroupPlan, ...] = ()
    size_hw, first_loss = None, math.nan
    if run is not None:
        groups, size_hw = tuple(map(_group_plan, run.groups)), run.size_hw
        if not problems:
            first_loss, problems = _first_loss(run, sources)
    return TrainPlan(
        tuple(_dataset_plans(config, opened)), groups, size_hw, first_loss, tuple(problems))


def _run(config: TrainConfig) -> tuple[Run | None, list[str]]:
    """Return a run that has not begun, or what is wrong with its network or device."""
    try:
        return Run(config, Process(0, 1, find_device(config.device))), []
    except ZoeDepthError as error:
        return None, [str(error)]


def _group_plan(group: ParameterGroup) -> GroupPlan:
    weights = sum(one.numel() for one in group.parameters)
    return GroupPlan(
        group.name, len(group.parameters), weights, group.learning_rate, group.weight_decay)


def _opened(
    dataset: DatasetConfig, config: TrainConfig, run: Run | None, problems: list[str],
) -> Source | None:
    try:
        return open_source(learnable(dataset, config, run.model.config) if run else dataset)
    except ZoeDepthError as error:
        problems.append(str(error))
        return None


def _problems(config: TrainConfig, run: Run | None, sources: list[Source]) -> list[str]:
    complained = complaints(config, run.size_hw, sources) if run else [None] * len(sources)
    return [
        problem for source, complaint in zip(sources, complained, strict=True)
        for problem in source.problems(complaint=complaint)]


def _dataset_plans(
    config: TrainConfig, opened: list[Source | None],
) -> Iterator[DatasetPlan]:
    turns = Order(config).turns_in_a_round if config.datasets else []
    for source, share in zip(opened, turns, strict=True):
        if source is not None:
            in_a_step = config.batch_size * share / sum(turns)
            yield DatasetPlan(
                source.name, len(source), in_a_step, in_a_step * config.steps / len(source))


def _first_loss(run: Run, sources: list[Source]) -> tuple[float, list[str]]:
    """Return it, or NaN and why there is none."""
    try:
        batches = Batches(run.config, sources, run.model.config, run.size_hw)
        return run.loss(next(load(batches, 0))), []
    except ZoeDepthError as error:
        return math.nan, [str(error)]
