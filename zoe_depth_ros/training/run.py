# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Everything that changes while training: one step of it, and how to store and restore it."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from contextlib import AbstractContextManager
from contextlib import nullcontext
from dataclasses import asdict
from dataclasses import dataclass
import json
import math
import os
from pathlib import Path
import pickle
from typing import Any
from typing import cast

import numpy as np
import torch
from torch.nn.parallel import DistributedDataParallel
from torch.nn.utils import clip_grad_norm_

from zoe_depth_ros.config import ModelConfig
from zoe_depth_ros.datasets import Source
from zoe_depth_ros.errors import TrainingError
from zoe_depth_ros.inference.device import device_errors
from zoe_depth_ros.model.checkpoint import save_checkpoint
from zoe_depth_ros.model.zoedepth import ZoeDepth
from zoe_depth_ros.training.batches import TrainBatch
from zoe_depth_ros.training.config import TrainConfig
from zoe_depth_ros.training.network import build_network
from zoe_depth_ros.training.network import TrainedNetwork
from zoe_depth_ros.training.objective import batch_losses
from zoe_depth_ros.training.objective import Losses
from zoe_depth_ros.training.optimizer import build_average
from zoe_depth_ros.training.optimizer import build_optimizer
from zoe_depth_ros.training.optimizer import build_schedule
from zoe_depth_ros.training.optimizer import parameter_groups
from zoe_depth_ros.training.processes import Process

MOST_BAD_STEPS = 5
# What a resumed run may do otherwise: none of it changes a weight.
CHANGEABLE = (
    'device', 'workers', 'check_data', 'save_every', 'validate_every', 'validation')


@dataclass(frozen=True)
class StepReport:
    """
    What one optimiser step reports.

    :param number: steps done.
    :param total: the loss that is minimised.
    :param metric: scale-invariant log loss, sky and, where weighted, the relative error.
    :param router: router's cross-entropy.
    :param relative: scale-and-shift-invariant loss.
    :param gradient_norm: before it was clipped.
    :param learning_rate: of the first parameter group.
    :param skipped_images: so far, for want of known depth.
    :param skipped_steps: so far, whose loss or gradient was not finite.
    """

    number: int
    total: float
    metric: float
    router: float
    relative: float
    gradient_norm: float
    learning_rate: float
    skipped_images: int
    skipped_steps: int


class Run:
    """
    The network, its average, the optimiser and the counters of a training run.

    :param process: this process among those that train together.
    :param model: the network, by default the one that the configuration begins with.
    :raises WeightsError: the weights to start from cannot be found or do not fit.
    """

    def __init__(
        self, config: TrainConfig, process: Process, model: ZoeDepth | None = None,
    ) -> None:
        torch.manual_seed(config.seed)
        self.config, self.process = config, process
        self._is_bf16 = process.computes_in_bf16(config.precision)
        self._images: dict[str, int] = {}
        model = (model or build_network(config)).train().requires_grad_(requires_grad=False)
        self.model = model.to(process.device).to(memory_format=torch.channels_last)
        self.groups = parameter_groups(self.model, config)
        self._parameters = [one for group in self.groups for one in group.parameters]
        for parameter in self._parameters:
            parameter.requires_grad_()
        self._average = build_average(self.model, config.ema_decay)
        self._network = self._shared(TrainedNetwork(self.model, config))
        self._optimizer = build_optimizer(self.groups, config)
        self._schedule = build_schedule(self._optimizer, config)
        self.steps_done = self.skipped_images = self.skipped_steps = self._bad_in_row = 0

    @property
    def size_hw(self) -> tuple[int, int]:
        """(height, width) the network sees."""
        return self.model.config.network_size_hw

    @property
    def averaged_model(self) -> ZoeDepth:
        """The averaged weights, which are judged and saved."""
        return cast(ZoeDepth, self._average.module).eval()

    def use(self, sources: Sequence[Source]) -> None:
        """
        Learn from some data sets.

        :raises TrainingError: a resumed run had other numbers of images, whose order is another.
        """
        images = {f'{number} {one.name}': len(one) for number, one in enumerate(sources)}
        if self._images and self._images != images:
            raise TrainingError(
                f'the run has learnt from {_counted(self._images)}, now there are '
                f'{_counted(images)}: use another output folder')
        self._images = images

    def step(self, parts: Sequence[TrainBatch]) -> StepReport:
        """
        Take one optimiser step.

        A step whose loss or gradient is not finite changes no weight.

        :param parts: this process's images, which go through the network one part at a time.
        :raises TrainingError: several steps in a row were not finite.
        :raises DeviceError: the device has not enough memory for it.
        """
        self._seed_step()
        rate = float(self._schedule.get_last_lr()[0])
        with device_errors(f'step {self.steps_done + 1}', self.process.device):
            total, metric, router, relative, skipped = self._gradients(parts)
        norm = float(clip_grad_norm_(self._parameters, self.config.clip_norm))
        self._apply(is_finite=math.isfinite(total) and math.isfinite(norm), loss=total)
        self._schedule.step()
        self.steps_done += 1
        self.skipped_images += int(skipped)
        return StepReport(
            self.steps_done, total, metric, router, relative, norm, rate, self.skipped_images,
            self.skipped_steps)

    @torch.no_grad()
    def loss(self, parts: Sequence[TrainBatch]) -> float:
        """Return the mean total loss of some parts as the network is, changing nothing."""
        self._seed_step()
        with device_errors('the first step', self.process.device):
            return sum(float(self._losses(part).total) for part in parts) / len(parts)

    def _seed_step(self) -> None:
        """Let dropout depend on the step's number alone, so that a resumed run repeats it."""
        seeds = np.random.SeedSequence((self.config.seed, self.steps_done, self.process.rank))
        torch.manual_seed(int(seeds.generate_state(1)[0]))

    def _gradients(self, parts: Sequence[TrainBatch]) -> list[float]:
        """Fill the gradients; return mean total, metric, router, relative and sum of skipped."""
        self._optimizer.zero_grad(set_to_none=True)
        rows = []
        for number, part in enumerate(parts):
            with self._gradient_exchange(is_last=number == len(parts) - 1):
                losses = self._losses(part)
                (losses.total / len(parts)).backward()
            rows.append(torch.stack([
                losses.total, losses.metric, losses.router, losses.relative,
                losses.skipped * len(parts)]).detach())
        means: list[float] = torch.stack(rows).mean(dim=0).tolist()
        return means

    def _losses(self, part: TrainBatch) -> Losses:
        batch = part.to(self.process.device)
        with self._autocast():
            prediction = self._network(batch.image, batch.labels)
        return batch_losses(prediction, batch, self.config, self.model.config)

    def _apply(self, *, is_finite: bool, loss: float) -> None:
        if is_finite:
            self._optimizer.step()
            self._average.update_parameters(self.model)
            self._bad_in_row = 0
            return
        self._bad_in_row += 1
        self.skipped_steps += 1
        if self._bad_in_row >= MOST_BAD_STEPS:
            raise TrainingError(
                f'loss or gradient was not finite in {self._bad_in_row} steps in a row; the loss '
                f'of step {self.steps_done + 1} is {loss}')

    def _autocast(self) -> AbstractContextManager[object]:
        return torch.autocast(
            self.process.device.type, torch.bfloat16, enabled=self._is_bf16)

    def _shared(self, network: TrainedNetwork) -> TrainedNetwork | DistributedDataParallel:
        """Average gradients over processes; a head no image of which is here gets none here."""
        if self.process.count == 1:
            return network
        return DistributedDataParallel(network, find_unused_parameters=True)

    def _gradient_exchange(self, *, is_last: bool) -> AbstractContextManager[object]:
        if is_last or not isinstance(self._network, DistributedDataParallel):
            return nullcontext()
        return cast(AbstractContextManager[object], self._network.no_sync())

    def save_weights(self, path: Path) -> None:
        """Write the averaged weights, in half precision, with the network they belong to."""
        save_checkpoint(self.averaged_model, path, half=True)

    def save_state(self, path: Path) -> None:
        """Write everything that a resumed run needs; the file appears when complete."""
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_name(f'{path.name}.unfinished')
        torch.save({
            'config': json.dumps(asdict(self.config)),
            'network': json.dumps(self.model.config.to_dict()),
            'images': self._images, 'is_bf16': self._is_bf16,
            'counters': [
                self.steps_done, self.skipped_images, self.skipped_steps, self._bad_in_row],
            'model': self.model.state_dict(), 'average': self._average.state_dict(),
            'optimizer': self._optimizer.state_dict(), 'schedule': self._schedule.state_dict(),
        }, unfinished)
        os.replace(unfinished, path)

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from what `save_state` wrote, in the same arithmetic."""
        self._images, self._is_bf16 = state['images'], state['is_bf16']
        self.model.load_state_dict(state['model'])
        self._average.load_state_dict(state['average'])
        self._optimizer.load_state_dict(state['optimizer'])
        self._schedule.load_state_dict(state['schedule'])
        self.steps_done, self.skipped_images, self.skipped_steps, self._bad_in_row = (
            state['counters'])


def resume(config: TrainConfig, process: Process, path: Path) -> Run:
    """
    Go on with a run, whose weights to start from are not needed any more.

    :param path: what its `save_state` wrote.
    :raises TrainingError: it cannot be read, or is of a run with other options.
    """
    try:
        state = torch.load(path, map_location=process.device, weights_only=True)
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
        reason = str(error).partition('\n')[0]
        raise TrainingError(f'{path} cannot be read: {reason}') from error
    try:
        _check_same_run(path, json.loads(state['config']), config)
        model = ZoeDepth(ModelConfig.from_dict(json.loads(state['network'])))
        run = Run(config, process, model)
        run.restore(state)
    except (KeyError, RuntimeError, TypeError, ValueError) as error:
        reason = str(error).partition('\n')[0]
        raise TrainingError(f'{path} cannot be gone on with: {reason}') from error
    return run


def _counted(images: Mapping[str, int]) -> str:
    return ', '.join(
        f'{count} images of {name.partition(" ")[2]}' for name, count in images.items())


def _plain(config: TrainConfig) -> dict[str, object]:
    """Return the options as a state holds them: lists for tuples."""
    plain: dict[str, object] = json.loads(json.dumps(asdict(config)))
    return plain


def _check_same_run(path: Path, stored: dict[str, object], config: TrainConfig) -> None:
    """
    Refuse to go on with other options: the result would be of neither run.

    A run of a version before some option was is one with its default.
    """
    wanted, stored = _plain(config), _plain(TrainConfig()) | stored
    for name in wanted:
        if name not in CHANGEABLE and stored[name] != wanted[name]:
            raise TrainingError(
                f'{path} is of a run with {name} = {stored[name]!r}, not {wanted[name]!r}: '
                f'use another output folder, or the same options')
