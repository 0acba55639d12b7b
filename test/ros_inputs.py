# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What the tests feed a depth node with."""

from __future__ import annotations

from typing import Any

from network_helpers import SIZE_HW
import numpy as np
from sensor_msgs.msg import CameraInfo
from sensor_msgs.msg import Image


def image_message(pixels: np.ndarray, encoding: str = 'rgb8', **fields: Any) -> Image:
    """Return an image of pixels without row padding; `fields` override its fields."""
    message = Image(
        height=pixels.shape[0], width=pixels.shape[1], encoding=encoding,
        step=pixels[0].nbytes, data=pixels.tobytes())
    for name, value in fields.items():
        setattr(message, name, value)
    return message


def info_message(size_hw: tuple[int, int] = SIZE_HW, **fields: Any) -> CameraInfo:
    """Return camera_info without distortion, f = width; `fields` override its fields."""
    height, width = size_hw
    f, cx, cy = float(width), (width - 1) / 2 + 1.25, (height - 1) / 2 - 0.75
    message = CameraInfo(
        height=height, width=width, distortion_model='plumb_bob', d=[0.0] * 5,
        k=[f, 0.0, cx, 0.0, f, cy, 0.0, 0.0, 1.0], r=[1.0, 0, 0, 0, 1.0, 0, 0, 0, 1.0],
        p=[f, 0.0, cx, 0.0, 0.0, f, cy, 0.0, 0.0, 0.0, 1.0, 0.0])
    for name, value in fields.items():
        setattr(message, name, value)
    return message
