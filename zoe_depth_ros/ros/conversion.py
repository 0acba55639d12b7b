# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Messages to arrays and back.

One seam, `find_converter`: where a ROS installation brings cv_bridge and sensor_msgs_py they do
the conversion, elsewhere this package's own decoder and numpy do, with equal results.
"""

from __future__ import annotations

from array import array
from importlib import import_module
from typing import Any
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from sensor_msgs.msg import CompressedImage
from sensor_msgs.msg import Image
from sensor_msgs.msg import PointCloud2
from sensor_msgs.msg import PointField
from std_msgs.msg import Header

from zoe_depth_ros.encoding import decode_compressed
from zoe_depth_ros.encoding import decode_image
from zoe_depth_ros.geometry import PointCloud

# Bytes a pixel of what cv_bridge turns into rgb8 the way this package does.
CV_BRIDGE_ENCODINGS = {'rgb8': 3, 'bgr8': 3, 'rgba8': 4, 'bgra8': 4, 'mono8': 1}


class Converter(Protocol):
    """Converts between messages and arrays."""

    def to_rgb(self, message: Image) -> NDArray[np.uint8]:
        """Return (H, W, 3) uint8 RGB; raises ImageError naming what is wrong."""

    def to_image(self, pixels: NDArray[Any], encoding: str, header: Header) -> Image:
        """Return an image message of an (H, W) or (H, W, C) array."""

    def to_points(self, cloud: PointCloud, header: Header) -> PointCloud2:
        """Return a point cloud message without row padding."""


class NumpyConverter:
    """Conversion with this package's decoder and numpy."""

    def to_rgb(self, message: Image) -> NDArray[np.uint8]:
        """Return (H, W, 3) uint8 RGB; raises ImageError naming what is wrong."""
        return decode_image(
            encoding=message.encoding, height=message.height, width=message.width,
            step=message.step, is_bigendian=bool(message.is_bigendian), data=message.data)

    def to_image(self, pixels: NDArray[Any], encoding: str, header: Header) -> Image:
        """Return an image message of an (H, W) or (H, W, C) array."""
        return Image(
            header=header, height=pixels.shape[0], width=pixels.shape[1], encoding=encoding,
            is_bigendian=0, step=pixels[0].nbytes, data=to_bytes(pixels))

    def to_points(self, cloud: PointCloud, header: Header) -> PointCloud2:
        """Return a point cloud message without row padding."""
        point_step = cloud.points.dtype.itemsize
        return PointCloud2(
            header=header, height=cloud.height, width=cloud.width, fields=point_fields(cloud),
            is_bigendian=False, point_step=point_step, row_step=point_step * cloud.width,
            data=to_bytes(cloud.points), is_dense=cloud.is_dense)


class CvBridgeConverter(NumpyConverter):
    """
    Conversion with cv_bridge and sensor_msgs_py of a ROS installation.

    cv_bridge shears images whose padding is no whole pixel, takes rows that are too short and
    fails on byte order beside NumPy 2, so only plain images are for it. sensor_msgs_py transposes
    two-dimensional arrays, so it is given flat ones and the cloud's height and width are set
    afterwards.
    """

    def __init__(self) -> None:
        self._bridge = import_module('cv_bridge').CvBridge()
        self._bridge.encoding_to_cvtype2('rgb8')  # its compiled half fails beside another NumPy
        self._point_cloud2 = import_module('sensor_msgs_py.point_cloud2')

    def to_rgb(self, message: Image) -> NDArray[np.uint8]:
        """Return (H, W, 3) uint8 RGB; raises ImageError naming what is wrong."""
        row_bytes = message.width * CV_BRIDGE_ENCODINGS.get(message.encoding, 0)
        is_plain = (
            row_bytes > 0 and message.step == row_bytes and not message.is_bigendian
            and len(message.data) == message.height * row_bytes > 0)
        if not is_plain:
            return super().to_rgb(message)
        pixels: NDArray[np.uint8] = self._bridge.imgmsg_to_cv2(message, 'rgb8')
        return pixels

    def to_image(self, pixels: NDArray[Any], encoding: str, header: Header) -> Image:
        """Return an image message of an (H, W) or (H, W, C) array."""
        message: Image = self._bridge.cv2_to_imgmsg(pixels, encoding)
        message.header = header
        return message

    def to_points(self, cloud: PointCloud, header: Header) -> PointCloud2:
        """Return a point cloud message without row padding."""
        message: PointCloud2 = self._point_cloud2.create_cloud(
            header, point_fields(cloud), cloud.points.reshape(-1))
        message.height, message.width = cloud.height, cloud.width
        message.row_step = message.point_step * message.width
        message.is_dense = cloud.is_dense
        return message


def rgb_from_message(message: Image | CompressedImage, converter: Converter) -> NDArray[np.uint8]:
    """Return (H, W, 3) uint8 RGB of an image of either kind; raises ImageError if it cannot be."""
    if isinstance(message, CompressedImage):
        return decode_compressed(message.format, message.data)
    return converter.to_rgb(message)


def find_converter() -> Converter:
    """Return the converter of the ROS installation, or the package's own where there is none."""
    try:
        return CvBridgeConverter()
    except ImportError:
        return NumpyConverter()


def to_bytes(values: NDArray[Any]) -> array[int]:
    """
    Return an array's bytes as a message wants them.

    Any other sequence would be checked byte by byte when it is assigned.
    """
    data = array('B')
    data.frombytes(np.ascontiguousarray(values).view(np.uint8).data)
    return data


def point_fields(cloud: PointCloud) -> list[PointField]:
    """Return the layout of a cloud's points."""
    return [
        PointField(name=name, offset=4 * number, datatype=PointField.FLOAT32, count=1)
        for number, name in enumerate(cloud.points.dtype.names or ())]
