# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The data sets of a run: opened, and checked before the first step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from zoe_depth_ros.config import ModelConfig
from zoe_depth_ros.datasets import DatasetConfig
from zoe_depth_ros.datasets import open_source
from zoe_depth_ros.datasets import Sample
from zoe_depth_ros.datasets import Source
from zoe_depth_ros.datasets.sample import Complaint
from zoe_depth_ros.errors import ConfigError
from zoe_depth_ros.errors import DatasetError
from zoe_depth_ros.inference.preprocess import plan_framing
from zoe_depth_ros.training.batches import heads_of_domains
from zoe_depth_ros.training.config import TrainConfig


def open_sources(config: TrainConfig, model: ModelConfig) -> list[Source]:
    """
    Open the data sets of a run, with the depth that the network can learn from.

    :raises ConfigError: there are none.
    :raises DatasetError: one cannot be opened.
    """
    if not config.datasets:
        raise ConfigError('datasets is empty: there is nothing to learn from')
    return [open_source(learnable(dataset, config, model)) for dataset in config.datasets]


def learnable(
    dataset: DatasetConfig, config: TrainConfig, model: ModelConfig,
) -> DatasetConfig:
    """
    Return a data set without the depth beyond its metric head's range, where no loss is taken of.

    An image that has no other depth teaches nothing, which is then told before the first step.
    """
    if config.stage == 'relative' or config.relative_weight or dataset.kind == 'worlds':
        return dataset
    limits_m = [head.max_depth_m for head in model.heads]
    limit_m = max(limits_m) if config.routing == 'auto' else limits_m[
        heads_of_domains(model)[dataset.domain]]
    return replace(dataset, max_depth_m=min(dataset.max_depth_m, limit_m))


def check(
    config: TrainConfig, size_hw: tuple[int, int], sources: Sequence[Source],
    validation: Sequence[Source], *, process: int = 0, processes: int = 1,
) -> None:
    """
    Read all images once, shared with other processes.

    :param size_hw: (height, width) the network sees.
    :raises DatasetError: some cannot be used; the message names the first.
    """
    problems = [
        problem for source, complaint in (
            *zip(sources, complaints(config, size_hw, sources), strict=True),
            *((source, None) for source in validation))
        for problem in source.problems(process, processes, complaint)]
    if problems:
        others = f' (and {len(problems) - 1} more: --dry-run lists them)' if problems[1:] else ''
        raise DatasetError(f'{problems[0]}{others}')


def complaints(
    config: TrainConfig, size_hw: tuple[int, int], sources: Sequence[Source],
) -> list[Complaint | None]:
    """
    Return what finds the images of each data set that cannot be in a batch with its others.

    They are compared with the first image that can be read: of the same data set where batches
    are of one, of all data sets otherwise.
    """
    if config.framing == 'paper' and config.truth_size == 'network':
        return [None] * len(sources)  # all images come to one size
    firsts = [_first_readable(source) for source in sources]
    if config.batches == 'mixed':
        firsts = [next((first for first in firsts if first is not None), None)] * len(sources)
    return [
        None if first is None else partial(_other_size, config, size_hw, first)
        for first in firsts]


def _first_readable(source: Source) -> Sample | None:
    readable = (sample for number in range(len(source)) if (sample := _read(source, number)))
    return next(readable, None)


def _read(source: Source, number: int) -> Sample | None:
    try:
        return source[number]
    except DatasetError:
        return None


def _other_size(
    config: TrainConfig, size_hw: tuple[int, int], first: Sample, sample: Sample,
) -> str | None:
    (own, own_truth), (usual, usual_truth) = (
        _batch_sizes(config, size_hw, one.depth_m.shape) for one in (sample, first))
    if own == usual and own_truth == usual_truth:
        return None
    what, size, other = (
        ('image', own, usual) if own != usual else ('depth', own_truth, usual_truth))
    return (
        f'{what} of {size[1]}x{size[0]} cannot be in a batch with {other[1]}x{other[0]} of '
        f'{first.name}; framing = paper and truth_size = network make all of one size')


def _batch_sizes(
    config: TrainConfig, size_hw: tuple[int, int], image_hw: tuple[int, ...],
) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return (height, width) of the network's input and of the truth it is compared with."""
    height, width = image_hw
    network_hw = plan_framing((height, width), size_hw, config.framing).network_hw
    return network_hw, (height, width) if config.truth_size == 'native' else network_hw
