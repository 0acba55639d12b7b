# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Batch number to batch: which images, changed how, at which size; the same number always."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
import torch
from torch import Tensor
from torch.utils.data import DataLoader
from torch.utils.data import Dataset

from zoe_depth_ros.config import Domain
from zoe_depth_ros.config import DOMAINS
from zoe_depth_ros.config import ModelConfig
from zoe_depth_ros.datasets import Sample
from zoe_depth_ros.datasets import Source
from zoe_depth_ros.errors import ConfigError
from zoe_depth_ros.errors import TrainingError
from zoe_depth_ros.errors import ZoeDepthError
from zoe_depth_ros.inference.preprocess import Framing
from zoe_depth_ros.inference.preprocess import plan_framing
from zoe_depth_ros.training.augment import augmented
from zoe_depth_ros.training.config import TrainConfig

PREFETCHED = 4
ROUND = 10_000


@dataclass(frozen=True)
class TrainBatch:
    """
    Images with their truth.

    :param image: (B, 3, h, w) float32 in [-1, 1].
    :param depth_m: (B, 1, H, W) float32 metres, NaN where unknown, +inf in the sky.
    :param labels: (B,) int64, the head of each image's domain.
    :param loss_weight: (B,) float32, of each image in the relative loss.
    :param trim: (B,) float64, share of each image's pixels that the relative loss leaves out.
    """

    image: Tensor
    depth_m: Tensor
    labels: Tensor
    loss_weight: Tensor
    trim: Tensor

    def to(self, device: torch.device) -> TrainBatch:
        """Return the batch on a device."""
        return TrainBatch(
            self.image.to(device, memory_format=torch.channels_last), self.depth_m.to(device),
            self.labels.to(device), self.loss_weight.to(device), self.trim.to(device))


@dataclass(frozen=True)
class Turn:
    """
    An image's place among the images of its data set.

    :param dataset: number of the data set.
    :param rank: how many images of that data set come before it in the run.
    """

    dataset: int
    rank: int


class Order:
    """
    Which image comes when: data sets in turn, by their shares.

    The k-th turn of a data set with n turns in a round is due at (k + 1/2) / n of it.
    """

    def __init__(self, config: TrainConfig) -> None:
        shares = np.array([dataset.share for dataset in config.datasets])
        turns = np.rint(shares / shares.sum() * ROUND).clip(min=1).astype(np.int64)
        turns //= np.gcd.reduce(turns)
        due = np.concatenate([(np.arange(count) + 0.5) / count for count in turns])
        order = np.argsort(due, kind='stable')
        self.turns_in_a_round: list[int] = turns.tolist()
        self._datasets: list[int] = np.repeat(np.arange(len(turns)), turns)[order].tolist()
        self._ranks: list[int] = np.concatenate([np.arange(n) for n in turns])[order].tolist()
        self._images_a_turn = config.batch_size if config.batches == 'homogeneous' else 1

    def __getitem__(self, number: int) -> Turn:
        """Return whose turn it is at an image number of the run."""
        turn, row = divmod(number, self._images_a_turn)
        full_rounds, place = divmod(turn, len(self._datasets))
        dataset = self._datasets[place]
        rank = full_rounds * self.turns_in_a_round[dataset] + self._ranks[place]
        return Turn(dataset, rank * self._images_a_turn + row)


@lru_cache(maxsize=32)
def _shuffled(count: int, seed: int, dataset: int, epoch: int) -> NDArray[np.int64]:
    return np.random.default_rng((seed, dataset, epoch)).permutation(count)


class Batches(Dataset[TrainBatch | ZoeDepthError]):
    """
    Part number -> images of one process for one part of a step.

    A step has `accumulate` parts. An error is returned, not raised: it reaches the main process
    from a loading process as it is.

    :param sources: one for every data set of the configuration.
    :param size_hw: (height, width) the network sees.
    :param process: number of this process.
    :param processes: how many share a step's images.
    :raises ConfigError: the images of a step cannot be shared evenly.
    """

    def __init__(
        self, config: TrainConfig, sources: Sequence[Source], model: ModelConfig,
        size_hw: tuple[int, int], *, process: int = 0, processes: int = 1,
    ) -> None:
        if config.batch_size % (processes * config.accumulate):
            raise ConfigError(
                f'batch_size = {config.batch_size} is not a multiple of accumulate = '
                f'{config.accumulate} times {processes} processes')
        self.config = config
        self.size_hw = size_hw
        self.first_row, self.processes = process, processes
        self._sources = sources
        self._order = Order(config)
        self._head_of = heads_of_domains(model)

    def __len__(self) -> int:
        return self.config.steps * self.config.accumulate

    def __getitem__(self, part: int) -> TrainBatch | ZoeDepthError:
        try:
            return self._batch(self.images_of(part))
        except ZoeDepthError as error:
            return error

    def images_of(self, part: int) -> range:
        """Return the numbers of a part's images in the run."""
        size = self.config.batch_size // self.config.accumulate
        return range(part * size, (part + 1) * size)[self.first_row::self.processes]

    def sample(self, number: int) -> Sample:
        """Return the image of that number in the run, changed as training sees it."""
        config, turn = self.config, self._order[number]
        source = self._sources[turn.dataset]
        epoch, position = divmod(turn.rank, len(source))
        row = int(_shuffled(len(source), config.seed, turn.dataset, epoch)[position])
        return augmented(source[row], config.augment, config.seed, number)

    def _batch(self, numbers: Iterable[int]) -> TrainBatch:
        config = self.config
        samples = [self.sample(number) for number in numbers]
        framings = [plan_framing(sample.rgb.shape[:2], self.size_hw, config.framing)
                    for sample in samples]
        depths = [
            sample.depth_m if config.truth_size == 'native' else
            at_network_size(sample.depth_m, framing)
            for sample, framing in zip(samples, framings, strict=True)]
        images = [network_input(sample, framing)
                  for sample, framing in zip(samples, framings, strict=True)]
        _check_sizes(samples, [image.shape[-2:] for image in images], 'images')
        _check_sizes(samples, [depth.shape for depth in depths], 'depths')
        sets = [config.datasets[self._order[number].dataset] for number in numbers]
        return TrainBatch(
            torch.cat(images), torch.from_numpy(np.stack(depths))[:, None],
            torch.tensor([self._head_of[sample.domain] for sample in samples]),
            torch.tensor([dataset.loss_weight for dataset in sets]),
            torch.tensor([dataset.trim for dataset in sets], dtype=torch.float64))


def heads_of_domains(model: ModelConfig) -> dict[Domain, int]:
    """Return the head of each domain; a network of one head has it for both."""
    heads = {head.domain: number for number, head in enumerate(model.heads)}
    return {domain: heads.get(domain, 0) for domain in DOMAINS}


def network_input(sample: Sample, framing: Framing) -> Tensor:
    """Return the image as (1, 3, h, w) float32 in [-1, 1]."""
    return framing.prepare(torch.from_numpy(np.ascontiguousarray(sample.rgb))[None])


def at_network_size(depth_m: NDArray[np.float32], framing: Framing) -> NDArray[np.float32]:
    """Return (h, w) float32 metres: of every pixel of the network the nearest one's depth."""
    if depth_m.shape == framing.network_hw:
        return depth_m
    rows, columns = (
        np.rint(np.linspace(0, side - 1, wanted)).astype(np.int64)
        for side, wanted in zip(depth_m.shape, framing.network_hw, strict=True))
    return depth_m[rows[:, np.newaxis], columns]


def load(batches: Batches, first_step: int) -> Iterator[list[TrainBatch]]:
    """
    Yield the parts of every step from `first_step` (from 0) on.

    :raises ZoeDepthError: an image cannot be used.
    """
    accumulate, workers = batches.config.accumulate, batches.config.workers
    loader = DataLoader(
        batches, batch_size=None, sampler=range(first_step * accumulate, len(batches)),
        num_workers=workers, prefetch_factor=PREFETCHED if workers else None,
        generator=torch.Generator())  # its own: loading must not touch the network's dropout
    parts: list[TrainBatch] = []
    for part in loader:
        if isinstance(part, ZoeDepthError):
            raise part
        parts.append(part)
        if len(parts) == accumulate:
            yield parts
            parts = []


def _check_sizes(
    samples: Sequence[Sample], sizes: Sequence[tuple[int, ...]], what: str,
) -> None:
    for sample, size in zip(samples, sizes, strict=True):
        if tuple(size) != tuple(sizes[0]):
            raise TrainingError(
                f'{what} of {size[1]}x{size[0]} ({sample.name}) and {sizes[0][1]}x{sizes[0][0]} '
                f'({samples[0].name}) cannot be one batch: use framing: paper and truth_size: '
                f'network, or batches: homogeneous')
