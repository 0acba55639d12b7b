# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The training loop: plain, resumable, on random worlds made while it runs."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from dataclasses import dataclass
import os
from pathlib import Path
import time
from typing import Any
from typing import cast

import torch
from torch import Tensor
from torch.optim import AdamW
from torch.optim.lr_scheduler import OneCycleLR
from torch.optim.swa_utils import AveragedModel
from torch.optim.swa_utils import get_ema_multi_avg_fn
from torch.utils.data import DataLoader
from torch.utils.data import Dataset

from zoe_depth_ros.config import DOMAINS
from zoe_depth_ros.config import ModelConfig
from zoe_depth_ros.config import ZOED_K
from zoe_depth_ros.config import ZOED_MINI_NK
from zoe_depth_ros.config import ZOED_N
from zoe_depth_ros.config import ZOED_NK
from zoe_depth_ros.errors import TrainingError
from zoe_depth_ros.model.checkpoint import load_model
from zoe_depth_ros.model.checkpoint import save_checkpoint
from zoe_depth_ros.model.zoedepth import ModelOutput
from zoe_depth_ros.model.zoedepth import ZoeDepth
from zoe_depth_ros.training.config import TrainConfig
from zoe_depth_ros.training.losses import router_loss
from zoe_depth_ros.training.losses import scale_shift_invariant_loss
from zoe_depth_ros.training.losses import silog_loss
from zoe_depth_ros.training.losses import sky_loss
from zoe_depth_ros.worlds import sample_worlds

ARCHITECTURES = {
    'zoed_n': ZOED_N, 'zoed_k': ZOED_K, 'zoed_nk': ZOED_NK, 'zoed_mini_nk': ZOED_MINI_NK}
STATE_FILE = 'state.pt'
WEIGHTS_FILE = 'weights.safetensors'


@dataclass(frozen=True)
class TrainStep:
    """
    What one optimiser step reports.

    :param number: steps done.
    :param metric: scale-invariant log loss.
    :param router: router's cross-entropy.
    :param relative: scale-and-shift-invariant loss.
    :param learning_rate: of this step.
    :param images_per_s: since the run began or was resumed.
    """

    number: int
    metric: float
    router: float
    relative: float
    learning_rate: float
    images_per_s: float


@dataclass(frozen=True)
class TrainBatch:
    """
    One training batch.

    :param image: (B, 3, H, W) float32 in [-1, 1].
    :param depth_m: (B, 1, H, W) metres, NaN for sky.
    :param heads: the head number of each image.
    """

    image: Tensor
    depth_m: Tensor
    heads: list[int]


class WorldBatches(Dataset[TrainBatch]):
    """Batch number -> batch of random worlds; the same number gives the same batch always."""

    def __init__(self, config: TrainConfig, heads: ModelConfig, first_step: int) -> None:
        self.config = config
        self.first_step = first_step
        self.domains = [head.domain for head in heads.heads]
        self._head_of = dict.fromkeys(DOMAINS, 0) | {
            domain: number for number, domain in enumerate(self.domains)}

    def __len__(self) -> int:
        return self.config.steps - self.first_step

    def __getitem__(self, number: int) -> TrainBatch:
        size = self.config.batch_size
        first = self.config.seed + (self.first_step + number) * size
        indoor = round(size * self.config.indoor_share)
        heads = [self._head_of['indoor' if row < indoor else 'outdoor'] for row in range(size)]
        worlds = sample_worlds(
            seeds=range(first, first + size), size_hw=self.config.size_hw,
            domains=[self.domains[head] for head in heads])
        return TrainBatch(worlds.image * 2 - 1, worlds.depth_m, heads)


def train(
    config: TrainConfig, output: Path, report: Callable[[TrainStep], None],
) -> Path:
    """
    Train, or go on where an earlier run into the same folder stopped.

    :param output: folder for the averaged weights and the state to resume from.
    :param report: called after every step.
    :return: path of the trained weights.
    :raises TrainingError: the loss is not finite.
    """
    torch.manual_seed(config.seed)
    run = _Run(config)
    state_path = output / STATE_FILE
    if state_path.exists():
        run.load_state(state_path)
    first, started = run.steps_done, time.monotonic()
    for batch in _batches(config, run.model.config, first):
        metric, router, relative = run.step(batch)
        done = run.steps_done
        rate = (done - first) * config.batch_size / (time.monotonic() - started)
        report(TrainStep(done, metric, router, relative, run.learning_rate, rate))
        if done % config.save_every == 0 or done == config.steps:
            run.save_state(state_path)
            run.save_weights(output / WEIGHTS_FILE)
    return output / WEIGHTS_FILE


def _batches(config: TrainConfig, model: ModelConfig, first_step: int) -> Iterator[TrainBatch]:
    batches = WorldBatches(config, model, first_step)
    loader: Iterable[TrainBatch] = DataLoader(
        batches, batch_size=None, num_workers=1, prefetch_factor=4,
        generator=torch.Generator())  # its own: a resumed run must find the same dropout
    yield from loader


class _Run:
    """Everything that changes while training, and how to store it."""

    def __init__(self, config: TrainConfig) -> None:
        self.config = config
        model = load_model(config.init) if config.init else ZoeDepth(ARCHITECTURES[config.model])
        self.model = model.to(memory_format=torch.channels_last).train().requires_grad_()
        self.average = AveragedModel(
            self.model, multi_avg_fn=get_ema_multi_avg_fn(config.ema_decay))
        groups = parameter_groups(self.model, config)
        self.optimizer = AdamW(groups)
        self.schedule = OneCycleLR(
            self.optimizer, [group['lr'] for group in groups], total_steps=config.steps + 1,
            pct_start=config.warmup)
        self.steps_done = 0

    @property
    def learning_rate(self) -> float:
        return float(self.schedule.get_last_lr()[0])

    def step(self, batch: TrainBatch) -> tuple[float, float, float]:
        """Take one optimiser step; return the metric, router and relative losses."""
        with torch.autocast('cpu', torch.bfloat16, enabled=self.config.precision == 'bf16'):
            output = self.model(batch.image, heads=batch.heads, with_std_dev=False)
        losses = batch_losses(output, batch, self.model.config, self.config.sky_factor)
        weights = (
            self.config.metric_weight, self.config.router_weight, self.config.relative_weight)
        total = torch.stack([w * loss for w, loss in zip(weights, losses, strict=True)]).sum()
        if not bool(total.isfinite()):
            raise TrainingError(f'the loss of step {self.steps_done + 1} is {total.item()}')
        self.optimizer.zero_grad(set_to_none=True)
        total.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.config.clip_norm)
        self.optimizer.step()
        self.schedule.step()
        self.average.update_parameters(self.model)
        self.steps_done += 1
        metric, router, relative = (float(loss.detach()) for loss in losses)
        return metric, router, relative

    def save_weights(self, path: Path) -> None:
        """Write the averaged weights, in half precision."""
        save_checkpoint(cast(ZoeDepth, self.average.module), path, half=True)

    def save_state(self, path: Path) -> None:
        """Write everything that a resumed run needs."""
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_name(f'{path.name}.unfinished')
        torch.save({
            'steps_done': self.steps_done, 'model': self.model.state_dict(),
            'average': self.average.state_dict(), 'optimizer': self.optimizer.state_dict(),
            'schedule': self.schedule.state_dict(), 'random': torch.get_rng_state(),
        }, unfinished)
        os.replace(unfinished, path)

    def load_state(self, path: Path) -> None:
        """Go on from what `save_state` wrote."""
        state = torch.load(path, weights_only=True)
        self.model.load_state_dict(state['model'])
        self.average.load_state_dict(state['average'])
        self.optimizer.load_state_dict(state['optimizer'])
        self.schedule.load_state_dict(state['schedule'])
        torch.set_rng_state(state['random'])
        self.steps_done = state['steps_done']


def parameter_groups(model: ZoeDepth, config: TrainConfig) -> list[dict[str, Any]]:
    """
    Split the parameters: matrices decay; norms, biases, scales and bias tables do not.

    Bias tables have a learning rate of their own.
    """
    matrices: list[Tensor] = []
    plain: list[Tensor] = []
    tables: list[Tensor] = []
    for name, parameter in model.named_parameters():
        if 'position_bias' in name:
            tables.append(parameter)
        elif parameter.ndim < 2 or 'cls_token' in name:
            plain.append(parameter)
        else:
            matrices.append(parameter)
    rate = config.learning_rate
    return [
        {'params': matrices, 'lr': rate, 'weight_decay': config.weight_decay},
        {'params': plain, 'lr': rate, 'weight_decay': 0.0},
        {'params': tables, 'lr': rate * config.table_rate, 'weight_decay': 0.0}]


def batch_losses(
    output: ModelOutput, batch: TrainBatch, model: ModelConfig, sky_factor: float,
) -> tuple[Tensor, Tensor, Tensor]:
    """
    Return the metric, router and relative losses of a batch.

    The metric loss is taken over the images of each head, as the paper's batches of one domain
    do, then averaged. Surfaces beyond a head's largest depth are left out of it; sky is pushed
    beyond that depth, so that an estimator can tell sky by its depth.
    """
    sky = batch.depth_m.isnan()
    labels = torch.tensor(batch.heads, device=output.domain_logits.device)
    metrics = []
    for head in sorted(set(batch.heads)):
        rows = labels == head
        limit_m = model.heads[head].max_depth_m
        predicted_m, truth_m = output.depth_m[rows], batch.depth_m[rows]
        metrics.append(silog_loss(predicted_m, truth_m, truth_m < limit_m)
                       + sky_loss(predicted_m, sky[rows], sky_factor * limit_m))
    disparity = torch.where(sky, 0.0, 1 / batch.depth_m)
    relative = scale_shift_invariant_loss(
        output.relative_depth, disparity, torch.ones_like(sky), anchored=True)
    return torch.stack(metrics).mean(), router_loss(output.domain_logits, labels), relative
