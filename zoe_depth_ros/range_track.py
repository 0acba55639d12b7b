# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What a range sensor measured over time, live or in a bag, compared with depth."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from zoe_depth_ros.camera import Camera
from zoe_depth_ros.errors import ZoeDepthError
from zoe_depth_ros.measurements import Measurement
from zoe_depth_ros.options import ScaleConfig
from zoe_depth_ros.scale import ScaleReading

# (target frame, source frame, stamp in nanoseconds) to the (4, 4) float64 transform that takes
# points from source to target, metres; raises ZoeDepthError where it is not known.
Lookup = Callable[[str, str, int], NDArray[np.float64]]


@dataclass(frozen=True, eq=False)
class _Timed:
    stamp_ns: int
    frame_id: str
    measurement: Measurement


class RangeTrack:
    """
    Keeps measurements of a range sensor; one thread may add some while another compares.

    :param topic: of the sensor, for errors.
    :param lookup: where its frame is.
    :param keep: how many measurements, the latest ones; None for all.
    """

    def __init__(self, topic: str, lookup: Lookup, keep: int | None = None) -> None:
        self._topic = topic
        self._lookup = lookup
        self._lock = Lock()
        self._kept: deque[_Timed] = deque(maxlen=keep)
        self._refused = ''

    def add(self, stamp_ns: int, frame_id: str, measurement: Measurement) -> None:
        """Take in what was measured at a time in a frame."""
        with self._lock:
            self._kept.append(_Timed(stamp_ns, frame_id, measurement))
            self._refused = ''

    def refuse(self, reason: str) -> None:
        """Take in why a message measured nothing that can be used."""
        with self._lock:
            self._refused = reason

    def reading(
        self, depth_m: NDArray[np.float32], camera: Camera | None, stamp_ns: int, frame_id: str,
        config: ScaleConfig,
    ) -> ScaleReading:
        """
        Return what the measurement nearest in time tells of the scale of depth.

        :param depth_m: (H, W) float32, metres along the optical axis, as the network predicted it.
        :param camera: the camera of these pixels, None where that is not known.
        :param stamp_ns: of the image.
        :param frame_id: of the image.
        :param config: its max_age and min_pairs are used.
        :raises ZoeDepthError: it tells nothing, and why.
        """
        if camera is None:
            raise ZoeDepthError('no camera_info to compare ranges by')
        nearest = self._nearest(stamp_ns, config.max_age)
        sensor_to_camera = self._lookup(frame_id, nearest.frame_id, nearest.stamp_ns)
        try:
            return nearest.measurement.reading(
                depth_m, camera, sensor_to_camera, config.min_pairs)
        except ZoeDepthError as error:
            raise ZoeDepthError(f'{self._topic}: {error}') from error

    def _nearest(self, stamp_ns: int, max_age_s: float) -> _Timed:
        with self._lock:
            kept, refused = list(self._kept), self._refused
        nearest = min(kept, key=lambda item: abs(item.stamp_ns - stamp_ns), default=None)
        if nearest is None:
            raise ZoeDepthError(refused or f'no message on {self._topic} yet')
        age_s = abs(nearest.stamp_ns - stamp_ns) / 1e9
        if age_s > max_age_s:
            raise ZoeDepthError(refused or (
                f'{self._topic} is {age_s:.2f} s from the image (scale.max_age {max_age_s:g})'))
        return nearest
