# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Weights that know how large their errors are."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from zoe_depth_ros.errors import ZoeDepthError
from zoe_depth_ros.evaluation.run import EvaluationReport
from zoe_depth_ros.model.checkpoint import load_model
from zoe_depth_ros.model.checkpoint import save_checkpoint


def write_calibrated(path: Path, model: str, report: EvaluationReport) -> None:
    """
    Store weights with the standard deviation of each metric head made true to its errors.

    :param path: of the weights to write, safetensors in float16.
    :param model: the weights that were evaluated.
    :param report: of the domains whose heads are calibrated, with each head chosen by the label;
        the others stay as they are.
    :raises ZoeDepthError: the file cannot be written, or the report tells of no errors.
    """
    network = load_model(model)
    factors = {
        part.domain: part.calibration.sigma_factor
        for part in report.domains if part.calibration is not None}
    if not factors or not all(0 < factor < float('inf') for factor in factors.values()):
        raise ZoeDepthError(f'{model} cannot be calibrated with the factors {factors}')
    network.config = replace(network.config, heads=tuple(
        replace(head, std_dev_factor=head.std_dev_factor * factors.get(head.domain, 1.0))
        for head in network.config.heads))
    try:
        save_checkpoint(network, path, half=True)
    except OSError as error:
        raise ZoeDepthError(f'{path} cannot be written: {error}') from error
