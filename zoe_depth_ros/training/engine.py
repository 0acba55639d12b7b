# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The training loop: plain, resumable, alone or with other processes."""

from __future__ import annotations

from collections.abc import Callable
import logging
from pathlib import Path

from zoe_depth_ros.datasets import open_source
from zoe_depth_ros.datasets import Source
from zoe_depth_ros.errors import TrainingError
from zoe_depth_ros.training.batches import Batches
from zoe_depth_ros.training.batches import load
from zoe_depth_ros.training.config import TrainConfig
from zoe_depth_ros.training.journal import Journal
from zoe_depth_ros.training.processes import join_processes
from zoe_depth_ros.training.run import resume
from zoe_depth_ros.training.run import Run
from zoe_depth_ros.training.run import StepReport
from zoe_depth_ros.training.sources import check
from zoe_depth_ros.training.sources import open_sources
from zoe_depth_ros.training.validation import comparison
from zoe_depth_ros.training.validation import shown_samples
from zoe_depth_ros.training.validation import Validator

LOGGER = logging.getLogger(__name__)
STATE_FILE = 'state.pt'
WEIGHTS_FILE = 'weights.safetensors'
PICTURES = 4


def train(config: TrainConfig, output: Path, report: Callable[[StepReport], None]) -> Path:
    """
    Train, or go on where an earlier run into the same folder stopped.

    A new run reads all its images once before the first step, unless `check_data` is off.

    :param output: folder for the averaged weights, the state to resume from and the curves.
    :param report: called after every step, in the first of several processes only.
    :return: path of the trained weights.
    :raises ZoeDepthError: data, weights or device cannot be used, or the run is unusable.
    """
    with join_processes(config.device) as process:
        goes_on = (output / STATE_FILE).exists()
        run = resume(config, process, output / STATE_FILE) if goes_on else Run(config, process)
        sources = open_sources(config, run.model.config)
        validation = [open_source(dataset) for dataset in config.validation]
        batches = Batches(
            config, sources, run.model.config, run.size_hw,
            process=process.rank, processes=process.count)
        if config.check_data and not goes_on:
            _check_folder(output)
            check(config, run.size_hw, sources, validation,
                  process=process.rank, processes=process.count)
        run.use(sources)
        keeper = _Keeper(run, batches, validation, output) if process.rank == 0 else None
        for parts in load(batches, run.steps_done):
            step = run.step(parts)
            if keeper is not None:
                keeper.keep(step)
                report(step)
        if keeper is not None:
            keeper.close()
    return output / WEIGHTS_FILE


def _check_folder(path: Path) -> None:
    """Refuse a folder that cannot be made, before hours of reading, without making it."""
    existing = next(one for one in (path, *path.absolute().parents) if one.exists())
    if not existing.is_dir():
        raise TrainingError(f'output {path} cannot be made: {existing} is a file')


def _make_folder(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise TrainingError(f'output {path} cannot be made: {error.strerror}') from error


class _Keeper:
    """Writes down what a run does: curves, pictures, weights and state."""

    def __init__(
        self, run: Run, batches: Batches, sources: list[Source], output: Path,
    ) -> None:
        self._run, self._batches, self._sources, self._output = run, batches, sources, output
        self._validator = Validator(run.config, run.model.config, run.size_hw)
        _make_folder(output)
        self._journal = Journal(output, run.steps_done)

    def keep(self, step: StepReport) -> None:
        """Write down a step, and what is due after it."""
        self._journal.add_step(step)
        if self._is_due(step.number, self._run.config.validate_every):
            self._validate(step.number)
        if self._is_due(step.number, self._run.config.save_every):
            self._journal.flush()
            self._run.save_weights(self._output / WEIGHTS_FILE)
            # Last: a run that is killed before this line goes on from the state before.
            self._run.save_state(self._output / STATE_FILE)

    def close(self) -> None:
        """Finish the curves."""
        self._journal.close()

    def _is_due(self, step: int, every: int) -> bool:
        return every > 0 and (step % every == 0 or step == self._run.config.steps)

    def _validate(self, step: int) -> None:
        model = self._run.averaged_model
        reports = [self._validator.validate(model, source) for source in self._sources]
        for source, report in zip(self._sources, reports, strict=True):
            if report is None:
                LOGGER.warning('%s: no image has depth to validate with', source.name)
        self._journal.add_validation(reports, step)
        samples = shown_samples(self._sources, PICTURES) or [
            self._batches.sample(number)
            for number in range(min(PICTURES, self._run.config.batch_size))]
        self._journal.add_pictures([
            comparison(sample, self._validator.judge(model, sample).depth_m)
            for sample in samples], step)
