# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Sparsification curves as a picture."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from zoe_depth_ros.evaluation.tally import DomainReport
from zoe_depth_ros.evaluation.uncertainty import Sparsification

SIZE_HW = (360, 480)
LEFT, TOP, RIGHT, BOTTOM = 60, 30, 465, 320
PAPER_RGB, INK_RGB, GRID_RGB = (255, 255, 255), (40, 40, 40), (220, 220, 220)
ERROR_RGB, ORACLE_RGB = (200, 60, 40), (40, 100, 190)
TICKS = 5

Picture = NDArray[np.uint8]


def plot_sparsification(domains: Sequence[DomainReport]) -> Picture | None:
    """
    Return the curves of every domain side by side; None where there are none.

    Across: share of the pixels removed; up: mean relative error of the rest. Red: removed by
    predicted uncertainty, blue: by their error.

    :return: (H, W, 3) uint8 RGB.
    """
    plots = [
        _plot(part.domain, part.sparsification) for part in domains if part.sparsification]
    return np.hstack(plots) if plots else None


def _plot(domain: str, curve: Sparsification) -> Picture:
    top_error = max(1.05 * float(max(curve.error.max(), curve.oracle.max())), 1e-6)
    picture = np.full((*SIZE_HW, 3), PAPER_RGB, np.uint8)
    _draw_axes(picture, top_error)
    for values, color in ((curve.error, ERROR_RGB), (curve.oracle, ORACLE_RGB)):
        _draw_curve(picture, curve.removed, values / top_error, color)
    _write(picture, f'{domain}: AUSE {curve.ause:.4f}', (LEFT, TOP - 10))
    _write(picture, 'by uncertainty', (RIGHT - 240, TOP - 10), ERROR_RGB)
    _write(picture, 'by error', (RIGHT - 90, TOP - 10), ORACLE_RGB)
    _write(picture, 'share of pixels removed', (LEFT + 100, SIZE_HW[0] - 6))
    return picture


def _draw_axes(picture: Picture, top_error: float) -> None:
    for share in np.linspace(0, 1, TICKS + 1):
        x, y = round(LEFT + share * (RIGHT - LEFT)), round(BOTTOM + share * (TOP - BOTTOM))
        cv2.line(picture, (x, TOP), (x, BOTTOM), GRID_RGB)
        cv2.line(picture, (LEFT, y), (RIGHT, y), GRID_RGB)
        _write(picture, f'{share:.1f}', (x - 10, BOTTOM + 16))
        _write(picture, f'{share * top_error:.3f}', (LEFT - 50, y + 4))


def _draw_curve(
    picture: Picture, across: NDArray[np.float64], up: NDArray[np.float64],
    color: tuple[int, int, int],
) -> None:
    points = np.stack([
        LEFT + across * (RIGHT - LEFT), BOTTOM + up * (TOP - BOTTOM)], axis=1)
    cv2.polylines(
        picture, [np.rint(points).astype(np.int32)], False, color, 2, cv2.LINE_AA)


def _write(
    picture: Picture, text: str, corner: tuple[int, int],
    color: tuple[int, int, int] = INK_RGB,
) -> None:
    cv2.putText(picture, text, corner, cv2.FONT_HERSHEY_SIMPLEX, 0.42, color, 1, cv2.LINE_AA)
