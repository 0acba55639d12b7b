# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Messages that place frames."""

from __future__ import annotations

from collections.abc import Sequence
import math
from typing import Any

import numpy as np

from zoe_depth_ros.bag.reader import BagMessage
from zoe_depth_ros.bag.typestore import TYPESTORE

STILL = (1.0, 0.0, 0.0, 0.0)


def yaw(angle_deg: float) -> tuple[float, ...]:
    """Return the quaternion (w, x, y, z) of a turn to the left."""
    half = math.radians(angle_deg) / 2
    return math.cos(half), 0.0, 0.0, math.sin(half)


def made(kind: str, **fields: Any) -> Any:
    return TYPESTORE.types[kind](**fields)


def ros_header(stamp_ns: int, frame: str) -> Any:
    stamp = made('builtin_interfaces/msg/Time', sec=stamp_ns // 10**9, nanosec=stamp_ns % 10**9)
    return made('std_msgs/msg/Header', stamp=stamp, frame_id=frame)


def rotation(quaternion: Sequence[float]) -> Any:
    w, x, y, z = map(float, quaternion)
    return made('geometry_msgs/msg/Quaternion', w=w, x=x, y=y, z=z)


def tf(stamp_ns: int, parent: str, child: str, xyz: Sequence[float],
       quaternion: Sequence[float] = STILL, topic: str = '/tf') -> BagMessage:
    kind = 'tf2_msgs/msg/TFMessage'
    x, y, z = map(float, xyz)
    transform = made(
        'geometry_msgs/msg/Transform', rotation=rotation(quaternion),
        translation=made('geometry_msgs/msg/Vector3', x=x, y=y, z=z))
    message = made(kind, transforms=[made(
        'geometry_msgs/msg/TransformStamped', header=ros_header(stamp_ns, parent),
        child_frame_id=child, transform=transform)])
    return BagMessage(topic, kind, stamp_ns, bytes(TYPESTORE.serialize_cdr(message, kind)))


def odometry(stamp_ns: int, parent: str, child: str, xyz: Sequence[float]) -> BagMessage:
    kind = 'nav_msgs/msg/Odometry'
    x, y, z = map(float, xyz)
    pose = made(
        'geometry_msgs/msg/Pose', orientation=rotation(STILL),
        position=made('geometry_msgs/msg/Point', x=x, y=y, z=z))
    zero = made('geometry_msgs/msg/Vector3', x=0.0, y=0.0, z=0.0)
    message = made(
        kind, header=ros_header(stamp_ns, parent), child_frame_id=child,
        pose=made('geometry_msgs/msg/PoseWithCovariance', pose=pose, covariance=np.zeros(36)),
        twist=made(
            'geometry_msgs/msg/TwistWithCovariance', covariance=np.zeros(36),
            twist=made('geometry_msgs/msg/Twist', linear=zero, angular=zero)))
    return BagMessage('/odom', kind, stamp_ns, bytes(TYPESTORE.serialize_cdr(message, kind)))
