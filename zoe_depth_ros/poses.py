# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Poses as matrices."""

from __future__ import annotations

from collections.abc import Sequence
import math

import numpy as np
from numpy.typing import NDArray

from zoe_depth_ros.errors import ConfigError
from zoe_depth_ros.errors import ZoeDepthError


def pose_matrix(
    position_m: Sequence[float], quaternion: Sequence[float],
) -> NDArray[np.float64]:
    """
    Return a pose as the transform from the frame that has it to the frame it is given in.

    :param position_m: x, y, z.
    :param quaternion: x, y, z, w of any length but zero.
    :return: (4, 4) float64, metres.
    :raises ZoeDepthError: a number is not finite, or the quaternion is zero.
    """
    norm = math.hypot(*quaternion)
    if not (math.isfinite(norm) and norm > 0 and math.isfinite(math.hypot(*position_m))):
        raise ZoeDepthError(
            f'{list(position_m)} m, turned by {list(quaternion)} (x, y, z, w): that is no pose')
    x, y, z, w = (number / norm for number in quaternion)
    px, py, pz = position_m
    return np.array([
        [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w), px],
        [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w), py],
        [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y), pz],
        [0, 0, 0, 1]], np.float64)


def parse_pose(text: str, name: str = 'pose') -> NDArray[np.float64]:
    """
    Return the pose that a text 'x y z qx qy qz qw' gives.

    :param text: metres, and a quaternion of any length but zero.
    :param name: what the text is called in an error.
    :return: (4, 4) float64, from the frame that has the pose to the one it is given in, metres.
    :raises ConfigError: the text is no such pose.
    """
    try:
        x, y, z, qx, qy, qz, qw = (float(word) for word in text.split())
    except ValueError as error:
        raise ConfigError(
            f'{name} = {text!r} is not the seven numbers x y z qx qy qz qw') from error
    try:
        return pose_matrix((x, y, z), (qx, qy, qz, qw))
    except ZoeDepthError as error:
        raise ConfigError(f'{name} = {text!r}: {error}') from error
