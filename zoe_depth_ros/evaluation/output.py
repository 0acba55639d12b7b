# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Writes what an evaluation found into a folder."""

from __future__ import annotations

from collections.abc import Sequence
import json
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from zoe_depth_ros.errors import ZoeDepthError
from zoe_depth_ros.evaluation.plot import plot_sparsification
from zoe_depth_ros.evaluation.report import as_json
from zoe_depth_ros.evaluation.report import format_table
from zoe_depth_ros.evaluation.run import EvaluationReport
from zoe_depth_ros.evaluation.sheet import paint_worst
from zoe_depth_ros.inference import DepthEstimator


def write_outputs(
    folder: Path, reports: Sequence[EvaluationReport], model: str, estimator: DepthEstimator,
) -> None:
    """
    Write report.json, table.txt, worst.png and sparsification.png.

    The pictures show the last report; one that has nothing to show is not written.

    :param reports: at least one, for example before and after scaling.
    :param model: weights as they were named.
    :raises ZoeDepthError: the folder cannot be written to.
    """
    values = json.dumps(as_json(reports, model, estimator), indent=1, allow_nan=False)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / 'report.json').write_text(values + '\n')
        (folder / 'table.txt').write_text(
            '\n\n'.join(format_table(report) for report in reports) + '\n')
        if reports[-1].worst:
            _write_picture(folder / 'worst.png', paint_worst(reports[-1].worst))
        curves = plot_sparsification(reports[-1].domains)
        if curves is not None:
            _write_picture(folder / 'sparsification.png', curves)
    except OSError as error:
        raise ZoeDepthError(f'folder {folder} cannot be written to: {error}') from error


def _write_picture(path: Path, rgb: NDArray[np.uint8]) -> None:
    _, png = cv2.imencode('.png', cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR))
    path.write_bytes(png.tobytes())
