# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
The factor that makes predicted depth metric: from a camera's height, other sensors or its lens.

A `ScaleReading` is what one frame tells of the factor, `ScaleFilter` is what to believe of it.
"""

from __future__ import annotations

from dataclasses import dataclass
import math

import numpy as np
from numpy.typing import NDArray

from zoe_depth_ros.camera import Camera
from zoe_depth_ros.errors import ConfigError
from zoe_depth_ros.ground import GroundPlane
from zoe_depth_ros.options import ScaleConfig
from zoe_depth_ros.ranges import cone_depth
from zoe_depth_ros.ranges import DepthPairs

FloatArray = NDArray[np.float64]
FACTOR_LIMITS = (0.2, 5.0)
MAD_TO_SIGMA = 1.4826
GATE_SIGMAS = 3.0
AGREEMENT = 0.15
CONE_QUANTILE = 0.95
LONGEST_BREAK = 1 / 3


@dataclass(frozen=True)
class ScaleReading:
    """
    What one frame tells of the scale.

    :param factor: true over predicted depth.
    :param confidence: share of the evidence that agrees, 0 to 1.
    """

    factor: float
    confidence: float


@dataclass(frozen=True)
class Scale:
    """
    What is believed of the scale.

    :param factor: to multiply predicted depth with; 1 until enough is known.
    :param confidence: of late readings, 0 where there were none, 1 where all evidence agreed.
    """

    factor: float
    confidence: float


class ScaleFilter:
    """
    Follows the scale of one camera over time.

    Readings near what is believed are averaged exponentially in time. A reading that contradicts
    it counts only after its like have come for `persistence` seconds, no third of that without
    one, and then depth glides to it. Time that jumps back breaks such a row; what is believed
    stays.
    """

    def __init__(self, config: ScaleConfig | None = None) -> None:
        self.config = config or ScaleConfig()
        self._stamp_s: float | None = None
        self._log_factor = 0.0
        self._confidence = 0.0
        self._believed: float | None = None
        self._doubt: _Doubt | None = None

    @property
    def scale(self) -> Scale:
        """What to believe of the scale of the next frame."""
        return Scale(math.exp(self._log_factor), self._confidence)

    def update(self, stamp_s: float, reading: ScaleReading | None) -> Scale:
        """
        Return what to believe of the scale of the next frame.

        :param stamp_s: of the frame.
        :param reading: of the frame, None where there is none; outside 0.2 to 5 it is ignored.
        """
        step_s = self._advance(stamp_s)
        gain = 1 - math.exp(-step_s / self.config.time_constant) if (
            self.config.time_constant) else 1.0
        agreed = reading is not None and self._is_usable(reading) and self._weigh(
            stamp_s, math.log(reading.factor), gain * reading.confidence)
        confidence = reading.confidence if reading is not None and agreed else 0.0
        self._confidence += gain * (confidence - self._confidence)
        if self._believed is not None:
            self._log_factor += gain * (self._believed - self._log_factor)
        return self.scale

    def _advance(self, stamp_s: float) -> float:
        """Return the time since the last frame."""
        step_s = 0.0 if self._stamp_s is None else stamp_s - self._stamp_s
        self._stamp_s = stamp_s
        if step_s < 0:
            self._doubt = None
        return max(0.0, step_s)

    @staticmethod
    def _is_usable(reading: ScaleReading) -> bool:
        return FACTOR_LIMITS[0] <= reading.factor <= FACTOR_LIMITS[1]

    def _weigh(self, stamp_s: float, log_factor: float, gain: float) -> bool:
        """Take in a reading; return whether it fits what is believed."""
        if self._believed is not None and self._is_near(log_factor, self._believed):
            self._believed += gain * (log_factor - self._believed)
            self._doubt = None
            return True
        doubt = self._doubt
        if doubt is None or not self._is_near(log_factor, doubt.log_factor) or (
                stamp_s - doubt.last_s > self.config.persistence * LONGEST_BREAK):
            doubt = self._doubt = _Doubt(stamp_s)
        doubt.add(stamp_s, log_factor)
        if stamp_s - doubt.since_s < self.config.persistence:
            return False
        if self._believed is None:
            self._log_factor = doubt.log_factor
        self._believed, self._doubt = doubt.log_factor, None
        return True

    def _is_near(self, log_factor: float, other: float) -> bool:
        return abs(log_factor - other) <= math.log1p(self.config.gate)


class _Doubt:
    """A row of readings that agree with each other and not with what is believed."""

    def __init__(self, since_s: float) -> None:
        self.since_s = self.last_s = since_s
        self.log_factor = 0.0
        self._count = 0

    def add(self, stamp_s: float, log_factor: float) -> None:
        self.last_s = stamp_s
        self._count += 1
        self.log_factor += (log_factor - self.log_factor) / self._count


def height_reading(plane: GroundPlane, camera_height_m: float) -> ScaleReading:
    """Return the factor that puts the camera at its known height above the fitted ground."""
    return ScaleReading(camera_height_m / plane.height_m, plane.share)


def pairs_reading(pairs: DepthPairs, min_pairs: int) -> ScaleReading | None:
    """
    Return the factor most pairs agree on.

    The median of the log ratios, again after those beyond three robust standard deviations (from
    the median absolute deviation) are left out.

    :param min_pairs: with fewer there is no reading.
    """
    if len(pairs.predicted_m) < min_pairs:
        return None
    ratios = np.log(pairs.reference_m / pairs.predicted_m)
    centre = np.median(ratios)
    away = np.abs(ratios - centre)
    kept = ratios[away <= GATE_SIGMAS * MAD_TO_SIGMA * np.median(away)]
    centre = float(np.median(kept))
    return ScaleReading(
        math.exp(centre), float((np.abs(ratios - centre) < AGREEMENT).mean()))


def cone_reading(
    depth_m: NDArray[np.float32], camera: Camera, sensor_to_camera: FloatArray,
    field_of_view_rad: float, range_m: float, *, min_pairs: int,
) -> ScaleReading | None:
    """
    Return the factor at which the nearest point in a range sensor's cone is at the read distance.

    A sensor_msgs/Range tells the distance of whatever is nearest within its cone. So nearly every
    pixel in the cone must be scaled to at least that distance: the factor is a high quantile
    of those that would put each pixel there.

    :param depth_m: (H, W) float32, metres along the optical axis, NaN where unknown.
    :param camera: the camera of these pixels.
    :param sensor_to_camera: (4, 4) float64 rigid transform; the sensor looks along its own x.
    :param field_of_view_rad: full angle of the cone.
    :param range_m: distance from the sensor.
    :param min_pairs: with fewer pixels in the cone there is no reading.
    """
    if not (math.isfinite(range_m) and range_m > 0):
        return None
    reference_m = cone_depth(camera, sensor_to_camera, field_of_view_rad, range_m)
    with np.errstate(invalid='ignore', divide='ignore'):
        factors = reference_m / depth_m
    factors = factors[np.isfinite(factors) & (factors > 0)]
    if len(factors) < min_pairs:
        return None
    factor = float(np.quantile(factors, CONE_QUANTILE))
    return ScaleReading(factor, float((np.abs(np.log(factors / factor)) < AGREEMENT).mean()))


def focal_factor(network_camera: Camera, training_focal_px: float) -> float:
    """
    Return the factor for a lens of another focal length than the network was trained with.

    A network takes an object of a size in pixels for as far away as its training images had it,
    so depth must grow with the focal length, both in pixels of the network input.

    :param network_camera: of the network input.
    :param training_focal_px: of the metric head's training images at the network's training size.
    :raises ConfigError: the training focal length is not positive.
    """
    if not training_focal_px > 0:
        raise ConfigError(f'training focal length {training_focal_px} px is not positive')
    return network_camera.fx / training_focal_px
