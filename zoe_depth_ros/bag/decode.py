# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Messages from bags to plain values."""

from __future__ import annotations

from dataclasses import dataclass
import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rosbags.serde import SerdeError

from zoe_depth_ros.bag.reader import BagMessage
from zoe_depth_ros.bag.typestore import TYPESTORE
from zoe_depth_ros.camera import Calibration
from zoe_depth_ros.encoding import decode_compressed
from zoe_depth_ros.encoding import decode_compressed_depth
from zoe_depth_ros.encoding import decode_depth
from zoe_depth_ros.encoding import decode_image
from zoe_depth_ros.errors import BagError

ROS_FLOAT32 = 7


@dataclass(frozen=True, eq=False)
class ColoredPoints:
    """
    Points of a cloud in their sensor's frame.

    :param points_m: (N, 3) float32, metres.
    :param rgb: (N, 3) uint8 RGB.
    """

    points_m: NDArray[np.float32]
    rgb: NDArray[np.uint8]


@dataclass(frozen=True)
class Scene:
    """
    Where an image was taken.

    :param domain: 'indoor' or 'outdoor'.
    :param probability: of that domain.
    :param since_change_s: time since the domain last changed, None where that is not known.
    """

    domain: str
    probability: float
    since_change_s: float | None = None


def header_stamp_ns(cdr: bytes) -> int:
    """
    Return the stamp of a message that begins with a header, nanoseconds.

    :raises BagError: there are too few bytes.
    """
    if len(cdr) < 12:
        raise BagError(f'message of {len(cdr)} bytes has no header')
    seconds, nanoseconds = struct.unpack_from('<iI' if cdr[1] & 1 else '>iI', cdr, 4)
    return int(seconds) * 10**9 + int(nanoseconds)


def with_header_stamp(cdr: bytes, stamp_ns: int) -> bytes:
    """
    Return a message that begins with a header, with another stamp.

    :raises BagError: there are too few bytes.
    """
    header_stamp_ns(cdr)
    stamp = struct.pack('<iI' if cdr[1] & 1 else '>iI', *divmod(stamp_ns, 10**9))
    return cdr[:4] + stamp + cdr[12:]


def deserialized(message: BagMessage) -> Any:
    """
    Return a message as an object with its fields as attributes.

    :raises BagError: the bytes are no such message.
    """
    try:
        return TYPESTORE.deserialize_cdr(message.cdr, message.type_name)
    except (SerdeError, KeyError) as error:
        raise BagError(
            f'{message.type_name} on {message.topic} cannot be deserialized: {error}') from error


def picture(message: BagMessage) -> NDArray[np.uint8]:
    """
    Return the picture in a sensor_msgs/Image or CompressedImage.

    :return: (H, W, 3) uint8 RGB.
    :raises BagError: the bytes are no such message.
    :raises ImageError: the encoding is unknown, or the pixels do not decode.
    """
    image = deserialized(message)
    if message.type_name.endswith('/CompressedImage'):
        return decode_compressed(image.format, image.data)
    return decode_image(
        encoding=image.encoding, height=image.height, width=image.width, step=image.step,
        is_bigendian=bool(image.is_bigendian), data=image.data)


def depth(message: BagMessage) -> NDArray[np.float32]:
    """
    Return the depth in a sensor_msgs/Image or CompressedImage.

    :return: (H, W) float32, metres along the optical axis, NaN where unknown.
    :raises BagError: the bytes are no such message.
    :raises ImageError: the image holds no depth (REP 118), or too few bytes.
    """
    image = deserialized(message)
    if message.type_name.endswith('/CompressedImage'):
        return decode_compressed_depth(image.format, image.data)
    return decode_depth(
        encoding=image.encoding, height=image.height, width=image.width, step=image.step,
        is_bigendian=bool(image.is_bigendian), data=image.data)


def calibration(message: BagMessage) -> Calibration:
    """
    Return the calibration in a sensor_msgs/CameraInfo.

    :raises BagError: the bytes are no such message.
    :raises CameraError: it is not calibrated, or its numbers cannot be.
    """
    info = deserialized(message)
    return Calibration(
        info.width, info.height, tuple(info.k.tolist()), tuple(info.d.tolist()),
        tuple(info.r.tolist()), tuple(info.p.tolist()), info.distortion_model,
        info.binning_x, info.binning_y,
        (info.roi.x_offset, info.roi.y_offset, info.roi.width, info.roi.height))


def colored_points(message: BagMessage) -> ColoredPoints:
    """
    Return the points in a sensor_msgs/PointCloud2 with fields x, y, z and rgb.

    :raises BagError: the bytes are no such message, or the fields are others.
    """
    cloud = deserialized(message)
    offsets = {item.name: item.offset for item in cloud.fields if item.datatype == ROS_FLOAT32}
    names = ('x', 'y', 'z', 'rgb')
    if cloud.is_bigendian or not set(names) <= set(offsets):
        raise BagError(f'cloud on {message.topic} has no little-endian float32 x, y, z and rgb')
    dtype = np.dtype({
        'names': names, 'formats': ['<f4', '<f4', '<f4', '<u4'],
        'offsets': [offsets[name] for name in names], 'itemsize': cloud.point_step})
    points = np.frombuffer(cloud.data, dtype, count=cloud.width * cloud.height)
    rgb = np.stack([points['rgb'] >> shift & 0xFF for shift in (16, 8, 0)], axis=1)
    return ColoredPoints(
        np.stack([points[name] for name in 'xyz'], axis=1), rgb.astype(np.uint8))


def scene(message: BagMessage) -> Scene:
    """
    Return the routed domain in a diagnostic_msgs/DiagnosticArray as the depth node sends it.

    :raises BagError: the bytes are no such message.
    """
    status = deserialized(message).status
    values = {item.key: item.value for item in status[0].values} if status else {}
    try:
        since_s = values.get('since_change_s')
        return Scene(
            values['domain'], float(values['probability']), since_s and float(since_s))
    except (KeyError, ValueError) as error:
        raise BagError(f'{message.topic} has no domain and probability: {values}') from error
