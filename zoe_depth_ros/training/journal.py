# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What TensorBoard shows of a training run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch.utils.tensorboard import SummaryWriter

from zoe_depth_ros.training.run import StepReport
from zoe_depth_ros.training.validation import ValidationReport


class Journal:
    """
    Curves and pictures of a run, in one folder.

    :param folder: for the event files.
    :param steps_done: what an earlier run wrote beyond this step is taken back.
    """

    def __init__(self, folder: Path, steps_done: int) -> None:
        self._writer = SummaryWriter(str(folder), purge_step=steps_done + 1)

    def add_step(self, step: StepReport) -> None:
        """Continue the curves."""
        for name, value in asdict(step).items():
            if name != 'number':
                self._writer.add_scalar(f'train/{name}', value, step.number)

    def add_validation(self, reports: Sequence[ValidationReport | None], step: int) -> None:
        """Continue the curves of the data sets that are validated on, None without figures."""
        for number, report in enumerate(reports):
            if report is None:
                continue
            for name in ('d1', 'rel', 'router_accuracy'):
                if (value := getattr(report, name)) is not None:
                    self._writer.add_scalar(
                        f'validation/{number} {report.name}/{name}', value, step)

    def add_pictures(self, pictures: Sequence[NDArray[np.uint8]], step: int) -> None:
        """Show (H, W, 3) uint8 RGB pictures."""
        for number, picture in enumerate(pictures):
            self._writer.add_image(f'images/{number}', picture, step, dataformats='HWC')

    def flush(self) -> None:
        """Bring everything to the disk."""
        self._writer.flush()

    def close(self) -> None:
        """Finish the file."""
        self._writer.close()
