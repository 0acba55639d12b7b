# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Plain values to messages for bags."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoe_depth_ros.bag.decode import ROS_FLOAT32
from zoe_depth_ros.bag.decode import Scene
from zoe_depth_ros.bag.reader import BagMessage
from zoe_depth_ros.bag.typestore import TYPESTORE
from zoe_depth_ros.camera import Camera
from zoe_depth_ros.camera import IDENTITY
from zoe_depth_ros.geometry import PointCloud
from zoe_depth_ros.scale import Scale


@dataclass(frozen=True)
class Stamped:
    """
    Header of a message.

    :param stamp_ns: when the sensor measured, nanoseconds.
    :param frame_id: name of the sensor's frame.
    """

    stamp_ns: int
    frame_id: str


def image_message(
    topic: str, pixels: NDArray[Any], encoding: str, header: Stamped,
) -> BagMessage:
    """
    Return a sensor_msgs/Image.

    :param pixels: (H, W, 3) uint8 RGB for rgb8, (H, W) float32 metres for 32FC1.
    :param encoding: 'rgb8', '32FC1', or '16UC1' for (H, W) uint16 millimetres.
    """
    height, width = pixels.shape[:2]
    data = np.ascontiguousarray(pixels).view(np.uint8).reshape(-1)
    return _message(
        topic, 'sensor_msgs/msg/Image', header, height=height, width=width, encoding=encoding,
        is_bigendian=0, step=data.size // height, data=data)


def camera_info_message(topic: str, camera: Camera, header: Stamped) -> BagMessage:
    """Return the sensor_msgs/CameraInfo of an ideal pinhole camera."""
    k = (camera.fx, 0, camera.cx, 0, camera.fy, camera.cy, 0, 0, 1)
    p = (camera.fx, 0, camera.cx, camera.tx, 0, camera.fy, camera.cy, 0, 0, 0, 1, 0)
    roi = TYPESTORE.types['sensor_msgs/msg/RegionOfInterest'](
        x_offset=0, y_offset=0, height=0, width=0, do_rectify=False)
    return _message(
        topic, 'sensor_msgs/msg/CameraInfo', header, height=camera.height, width=camera.width,
        distortion_model='plumb_bob', d=np.zeros(5), k=np.array(k, float),
        r=np.array(IDENTITY), p=np.array(p, float), binning_x=0, binning_y=0, roi=roi)


def cloud_message(topic: str, cloud: PointCloud, header: Stamped) -> BagMessage:
    """Return a sensor_msgs/PointCloud2 without row padding, as the depth node sends it."""
    field = TYPESTORE.types['sensor_msgs/msg/PointField']
    names = cloud.points.dtype.names or ()
    point_step = cloud.points.dtype.itemsize
    return _message(
        topic, 'sensor_msgs/msg/PointCloud2', header, height=cloud.height, width=cloud.width,
        fields=[field(name=name, offset=4 * number, datatype=ROS_FLOAT32, count=1)
                for number, name in enumerate(names)],
        is_bigendian=False, point_step=point_step, row_step=point_step * cloud.width,
        data=np.ascontiguousarray(cloud.points).view(np.uint8).reshape(-1),
        is_dense=cloud.is_dense)


def scene_message(topic: str, scene: Scene, header: Stamped) -> BagMessage:
    """Return a diagnostic_msgs/DiagnosticArray as the depth node sends it."""
    facts = {'domain': scene.domain, 'probability': f'{scene.probability:.6f}'}
    if scene.since_change_s is not None:
        facts['since_change_s'] = f'{scene.since_change_s:.3f}'
    return _diagnostics(topic, 'scene', scene.domain, facts, header)


def scale_message(topic: str, scale: Scale, source: str, header: Stamped) -> BagMessage:
    """Return a diagnostic_msgs/DiagnosticArray as the depth node sends it."""
    return _diagnostics(topic, 'scale', source, {
        'factor': f'{scale.factor:.6f}', 'confidence': f'{scale.confidence:.6f}',
        'source': source}, header)


def _diagnostics(
    topic: str, name: str, text: str, facts: Mapping[str, str], header: Stamped,
) -> BagMessage:
    key_value = TYPESTORE.types['diagnostic_msgs/msg/KeyValue']
    status = TYPESTORE.types['diagnostic_msgs/msg/DiagnosticStatus'](
        level=0, name=name, message=text, hardware_id='',
        values=[key_value(key=key, value=value) for key, value in facts.items()])
    return _message(topic, 'diagnostic_msgs/msg/DiagnosticArray', header, status=[status])


def _message(topic: str, type_name: str, header: Stamped, **fields: Any) -> BagMessage:
    seconds, nanoseconds = divmod(header.stamp_ns, 10**9)
    stamp = TYPESTORE.types['builtin_interfaces/msg/Time'](sec=seconds, nanosec=nanoseconds)
    ros_header = TYPESTORE.types['std_msgs/msg/Header'](stamp=stamp, frame_id=header.frame_id)
    message = TYPESTORE.types[type_name](header=ros_header, **fields)
    cdr = bytes(TYPESTORE.serialize_cdr(message, type_name))
    return BagMessage(topic, type_name, header.stamp_ns, cdr)
