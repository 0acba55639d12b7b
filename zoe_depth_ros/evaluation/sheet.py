# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The worst images of an evaluation as one picture: image, truth, prediction and error."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from zoe_depth_ros.colorize import colorize_depth
from zoe_depth_ros.colorize import UNKNOWN_RGB
from zoe_depth_ros.errors import ImageError
from zoe_depth_ros.evaluation.compare import Comparison

PANEL_WIDTH_PX = 320
PANEL_HEIGHT_PX = 240
STRIP_HEIGHT_PX = 22
PAPER_RGB = (18, 20, 24)
INK_RGB = (235, 238, 242)
# Relative error painted in full red or blue; white is no error.
FULL_ERROR = 0.5
PERCENTILES = (1.0, 99.0)

Picture = NDArray[np.uint8]


def paint_worst(worst: Sequence[Comparison]) -> Picture:
    """
    Return a picture with one row for every image.

    Truth and prediction have the same colours, red (near) to blue (far), over the range of the
    truth; the error is red where the prediction is too near, blue where it is too far.

    :param worst: at least one image.
    :return: (H, W, 3) uint8 RGB.
    :raises ImageError: there is none.
    """
    if not worst:
        raise ImageError('no image to paint')
    return np.vstack([_row(one) for one in worst])


def _row(one: Comparison) -> Picture:
    near_m, far_m = _color_limits_m(one)
    shown = _shown_pixels(one)
    truth_m, predicted_m = one.truth_m.take(shown), one.predicted_m.take(shown)
    known_m = np.where(np.isfinite(truth_m), truth_m, np.float32(np.nan))
    panels = (
        one.rgb,
        colorize_depth(known_m, near_m=near_m, far_m=far_m),
        colorize_depth(predicted_m.astype(np.float32), near_m=near_m, far_m=far_m),
        colorize_error(predicted_m, truth_m, one.counts.take(shown)))
    row, m = one.row, one.row.metrics
    titles = (
        _shortened(row.name), f'truth {near_m:.2f} to {far_m:.2f} m',
        f'routed {row.routed}, REL {m.rel:.3f}', f'd1 {m.d1:.3f}, RMSE {m.rmse:.2f} m')
    return np.hstack([
        _titled(_fitted(panel), title) for panel, title in zip(panels, titles, strict=True)])


def _shown_pixels(one: Comparison) -> NDArray[np.int64]:
    """
    Return the flat numbers of the pixels that stand for the others in a panel, (h, w) int64.

    Of those that share a place it is the nearest that counts, so that the few of a lidar are seen.
    """
    height, width = one.truth_m.shape
    scale = min(1.0, _panel_scale(height, width))
    h, w = max(1, round(height * scale)), max(1, round(width * scale))
    middle_rows = (2 * np.arange(h) + 1) * height // (2 * h)
    middle_columns = (2 * np.arange(w) + 1) * width // (2 * w)
    shown = middle_rows[:, np.newaxis] * width + middle_columns
    counted = np.flatnonzero(one.counts)
    far_to_near = counted[np.argsort(-one.truth_m.take(counted), kind='stable')]
    rows, columns = far_to_near // width, far_to_near % width
    shown[rows * h // height, columns * w // width] = far_to_near
    return shown


def colorize_error(
    predicted_m: NDArray[np.float64], truth_m: NDArray[np.float32], counts: NDArray[np.bool_],
) -> Picture:
    """
    Paint relative errors: white for none, red for too near, blue for too far.

    :param predicted_m: (H, W) float64 metres.
    :param truth_m: (H, W) float32 metres.
    :param counts: (H, W) bool, False where there is no error to paint.
    :return: (H, W, 3) uint8 RGB.
    """
    error = np.zeros(truth_m.shape)
    error[counts] = predicted_m[counts] / truth_m[counts] - 1
    strength = np.clip(np.abs(error) / FULL_ERROR, 0, 1)
    faded = np.rint(255 * (1 - strength)).astype(np.uint8)
    full = np.full_like(faded, 255)
    rgb = np.where(
        (error < 0)[..., np.newaxis], np.dstack([full, faded, faded]),
        np.dstack([faded, faded, full]))
    rgb[~counts] = UNKNOWN_RGB
    return rgb


def _color_limits_m(one: Comparison) -> tuple[float, float]:
    near_m, far_m = np.percentile(one.truth_m[one.counts], PERCENTILES)
    return float(near_m), max(float(far_m), 1.01 * float(near_m))


def _panel_scale(height: int, width: int) -> float:
    return min(PANEL_HEIGHT_PX / height, PANEL_WIDTH_PX / width)


def _fitted(picture: Picture) -> Picture:
    """Return a picture scaled into a panel, its aspect ratio kept."""
    height, width = picture.shape[:2]
    scale = _panel_scale(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    panel = np.full((PANEL_HEIGHT_PX, PANEL_WIDTH_PX, 3), PAPER_RGB, np.uint8)
    panel[:size[1], :size[0]] = cv2.resize(
        picture, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_NEAREST)
    return panel


def _titled(panel: Picture, title: str) -> Picture:
    strip = np.full((STRIP_HEIGHT_PX, panel.shape[1], 3), PAPER_RGB, np.uint8)
    cv2.putText(strip, title, (4, STRIP_HEIGHT_PX - 7), cv2.FONT_HERSHEY_SIMPLEX, 0.42, INK_RGB,
                1, cv2.LINE_AA)
    return np.vstack([strip, panel])


def _shortened(name: str, limit: int = 40) -> str:
    return name if len(name) <= limit else f'...{name[3 - limit:]}'
