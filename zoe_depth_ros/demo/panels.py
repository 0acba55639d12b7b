# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Putting small pictures together into one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from zoe_depth_ros.colorize import colorize_depth
from zoe_depth_ros.errors import ZoeDepthError

GAP_PX = 6
SCALE_WIDTH_PX = 84
BAR_WIDTH_PX = 16
PAPER_RGB = (18, 20, 24)
INK_RGB = (235, 238, 242)
FONT, FONT_SIZE = cv2.FONT_HERSHEY_SIMPLEX, 0.5

Picture = NDArray[np.uint8]


def resized(picture: Picture, width: int) -> Picture:
    """Return an (H, W, 3) picture scaled to a width."""
    height = round(picture.shape[0] * width / picture.shape[1])
    return np.asarray(
        cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def blank(height: int, width: int) -> Picture:
    """Return an (H, W, 3) picture of nothing."""
    return np.full((height, width, 3), PAPER_RGB, np.uint8)


def captioned(picture: Picture, text: str) -> Picture:
    """Return a picture with one line of text on a darkened strip along its top."""
    picture = picture.copy()
    (width, height), _ = cv2.getTextSize(text, FONT, FONT_SIZE, 1)
    strip = picture[:height + 14, :width + 16]
    strip[:] = strip // 4
    cv2.putText(picture, text, (8, height + 7), FONT, FONT_SIZE, INK_RGB, 1, cv2.LINE_AA)
    return picture


def depth_scale(near_m: float, far_m: float, height: int) -> Picture:
    """Return a bar with the colours of `colorize_depth` from near (below) to far, and numbers."""
    scale = blank(height, SCALE_WIDTH_PX)
    shown_m = np.geomspace(far_m, near_m, height - 2 * GAP_PX, dtype=np.float32)
    bar = colorize_depth(shown_m[:, np.newaxis], near_m=near_m, far_m=far_m)
    scale[GAP_PX:-GAP_PX, :BAR_WIDTH_PX] = bar
    for share in (0.0, 0.5, 1.0):
        depth_m = far_m * (near_m / far_m) ** share
        row = round(GAP_PX + 10 + share * (height - 2 * GAP_PX - 14))
        cv2.putText(scale, f'{depth_m:.1f} m', (BAR_WIDTH_PX + 6, row), FONT, FONT_SIZE, INK_RGB,
                    1, cv2.LINE_AA)
    return scale


def beside(panels: Sequence[Picture]) -> Picture:
    """Return pictures of one height side by side."""
    gap = blank(panels[0].shape[0], GAP_PX)
    return np.hstack([part for panel in panels for part in (panel, gap)][:-1])


def below(panels: Sequence[Picture]) -> Picture:
    """Return pictures of one width below each other."""
    gap = blank(GAP_PX, panels[0].shape[1])
    return np.vstack([part for panel in panels for part in (panel, gap)][:-1])


def write_picture(picture: Picture, path: Path) -> None:
    """
    Write an (H, W, 3) uint8 RGB picture to a file.

    :raises ZoeDepthError: it cannot be written, for example to a name without a known ending.
    """
    try:
        written = cv2.imwrite(str(path), cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
    except cv2.error as error:
        raise ZoeDepthError(f'picture {path} cannot be written: {error}') from error
    if not written:
        raise ZoeDepthError(f'picture {path} cannot be written')
