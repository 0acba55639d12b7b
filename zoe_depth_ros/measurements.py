# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
What messages of range sensors, live or from a bag, measure, ready to be compared with depth.

The motion of the sensor while it scans is ignored: all of a message counts as measured at its
stamp.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
import math
from typing import Any
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from zoe_depth_ros.camera import Camera
from zoe_depth_ros.errors import ZoeDepthError
from zoe_depth_ros.ranges import cone_window
from zoe_depth_ros.ranges import depth_pairs
from zoe_depth_ros.ranges import scan_points
from zoe_depth_ros.ranges import transformed
from zoe_depth_ros.scale import cone_reading
from zoe_depth_ros.scale import pairs_reading
from zoe_depth_ros.scale import ScaleReading

FLOATS = {7: 'f4', 8: 'f8'}  # sensor_msgs/PointField FLOAT32 and FLOAT64
MAX_POINTS = 5000


class Measurement(Protocol):
    """What a message measured, in the sensor's frame."""

    def reading(
        self, depth_m: NDArray[np.float32], camera: Camera,
        sensor_to_camera: NDArray[np.float64], min_pairs: int,
    ) -> ScaleReading:
        """
        Return what it tells of the scale of depth.

        :param depth_m: (H, W) float32, metres along the optical axis; neither NaN nor infinite
            ones are compared.
        :param camera: the camera of these pixels.
        :param sensor_to_camera: (4, 4) float64, to the optical frame, metres.
        :param min_pairs: pixels with a measured range below which it tells nothing.
        :raises ZoeDepthError: why it tells nothing.
        """


@dataclass(frozen=True, eq=False)
class MeasuredPoints:
    """
    Points that a laser scanner saw.

    :param points_m: (N, 3) floating, metres in the sensor's frame, finite.
    """

    points_m: NDArray[np.floating]

    def reading(
        self, depth_m: NDArray[np.float32], camera: Camera,
        sensor_to_camera: NDArray[np.float64], min_pairs: int,
    ) -> ScaleReading:
        """Return what the points in view tell; see `Measurement`."""
        pairs = depth_pairs(depth_m, camera, transformed(self.points_m, sensor_to_camera))
        reading = pairs_reading(pairs, min_pairs)
        if reading is None:
            raise ZoeDepthError(
                f'only {len(pairs.predicted_m)} pixels with a range (scale.min_pairs '
                f'{min_pairs})')
        return reading


@dataclass(frozen=True)
class MeasuredCone:
    """
    The distance of whatever is nearest in a cone.

    :param range_m: from the sensor.
    :param field_of_view_rad: full angle of the cone.
    """

    range_m: float
    field_of_view_rad: float

    def reading(
        self, depth_m: NDArray[np.float32], camera: Camera,
        sensor_to_camera: NDArray[np.float64], min_pairs: int,
    ) -> ScaleReading:
        """Return what the pixels in the cone tell; see `Measurement`."""
        cone = sensor_to_camera, self.field_of_view_rad, self.range_m
        window = cone_window(depth_m, camera, *cone)
        reading = cone_reading(window.depth_m, window.camera, *cone, min_pairs=min_pairs)
        if reading is None:
            raise ZoeDepthError(f'fewer than {min_pairs} pixels in the cone (scale.min_pairs)')
        return reading


@dataclass(frozen=True)
class NothingMeasured:
    """
    A range sensor that saw nothing.

    :param reason: what it said.
    """

    reason: str

    def reading(
        self, depth_m: NDArray[np.float32], camera: Camera,
        sensor_to_camera: NDArray[np.float64], min_pairs: int,
    ) -> ScaleReading:
        """Raise why there is none."""
        raise ZoeDepthError(self.reason)


def measured(message: Any, kind: str) -> Measurement:
    """
    Return what a message measured; of a large cloud some points, evenly.

    :param message: of sensor_msgs.
    :param kind: 'LaserScan', 'PointCloud2' or 'Range'.
    :raises ZoeDepthError: its fields contradict each other.
    """
    return _MEASURED[kind](message)


def _measured_scan(message: Any) -> Measurement:
    return MeasuredPoints(scan_points(
        np.asarray(message.ranges, np.float64), message.angle_min, message.angle_increment,
        range_min_m=message.range_min, range_max_m=message.range_max))


def _measured_cloud(message: Any) -> Measurement:
    return MeasuredPoints(cloud_points(message, MAX_POINTS))


def cloud_points(message: Any, max_points: int) -> NDArray[np.floating]:
    """
    Return the points of a cloud, evenly thinned where there are more than wanted.

    :param message: a sensor_msgs/PointCloud2.
    :return: (N, 3) floating, metres in the frame of the cloud, finite.
    :raises ZoeDepthError: the fields x, y and z are missing or no floats, or sizes contradict.
    """
    if message.width * message.height == 0:
        return np.empty((0, 3))
    records = _records(message)
    count = records.size
    # Steps that are no whole number: a whole one could always meet the same ring of a scanner.
    chosen = np.arange(count) if count <= max_points else np.linspace(
        0, count - 1, max_points).astype(np.intp)
    found = records[chosen // message.width, chosen % message.width]
    points = np.stack([found[name] for name in 'xyz'], axis=1)
    return points[np.isfinite(points).all(axis=1)]


def _records(message: Any) -> NDArray[np.void]:
    """Return (height, width) x, y and z, a view of the message."""
    dtype = _point_dtype(message)
    row_bytes = message.point_step * message.width
    if message.row_step < row_bytes and message.height > 1:
        raise ZoeDepthError(
            f'row_step {message.row_step} is shorter than {message.width} points of '
            f'{message.point_step} bytes')
    expected = max(0, message.height - 1) * message.row_step + row_bytes
    if message.height < 1 or message.width < 1 or len(message.data) < expected:
        raise ZoeDepthError(
            f'{len(message.data)} bytes for {message.width}x{message.height} points of '
            f'{message.point_step} bytes')
    return np.ndarray(
        (message.height, message.width), dtype, memoryview(message.data),
        strides=(message.row_step, message.point_step))


def _point_dtype(message: Any) -> np.dtype[np.void]:
    fields = {item.name: item for item in message.fields}
    order = '>' if message.is_bigendian else '<'
    formats = []
    for name in 'xyz':
        field = fields.get(name)
        if field is None or field.datatype not in FLOATS:
            known = [f'{item.name} (datatype {item.datatype})' for item in message.fields]
            raise ZoeDepthError(f'no field {name} of floats among {", ".join(known) or "none"}')
        formats.append(np.dtype(order + FLOATS[field.datatype]))
        if field.offset + formats[-1].itemsize > message.point_step:
            raise ZoeDepthError(
                f'field {name} at {field.offset} is not within point_step {message.point_step}')
    return np.dtype({
        'names': list('xyz'), 'formats': formats,
        'offsets': [fields[name].offset for name in 'xyz'], 'itemsize': message.point_step})


def _measured_range(message: Any) -> Measurement:
    """Return the cone, or nothing where the range is beyond the limits (REP 117)."""
    if not 0 < message.field_of_view < math.pi:
        raise ZoeDepthError(f'field_of_view {message.field_of_view} rad is no cone')
    if not (math.isfinite(message.range)
            and message.min_range <= message.range <= message.max_range):
        return NothingMeasured(
            f'range {message.range:g} m is not within {message.min_range:g} and '
            f'{message.max_range:g} m')
    return MeasuredCone(message.range, message.field_of_view)


_MEASURED: dict[str, Callable[[Any], Measurement]] = {
    'LaserScan': _measured_scan, 'PointCloud2': _measured_cloud, 'Range': _measured_range}
