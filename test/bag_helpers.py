# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Small messages and bags."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from zoe_depth_ros.bag.decode import deserialized
from zoe_depth_ros.bag.encode import camera_info_message
from zoe_depth_ros.bag.encode import image_message
from zoe_depth_ros.bag.encode import Stamped
from zoe_depth_ros.bag.reader import BagMessage
from zoe_depth_ros.bag.reader import BagReader
from zoe_depth_ros.bag.typestore import TYPESTORE
from zoe_depth_ros.bag.writer import BagWriter
from zoe_depth_ros.camera import Camera

CAMERA = Camera(8, 6, 7.0, 7.5, 3.5, 2.5)
HEADER = Stamped(1_700_000_000_000_000_123, 'eye')


def rgb(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (6, 8, 3), dtype=np.uint8)


def rgb_message(topic: str, header: Stamped = HEADER, seed: int = 0) -> BagMessage:
    return image_message(topic, rgb(seed), 'rgb8', header)


def info_message(topic: str) -> BagMessage:
    return camera_info_message(topic, CAMERA, HEADER)


def depth_message(topic: str, header: Stamped = HEADER) -> BagMessage:
    return image_message(topic, np.ones((6, 8), np.float32), '32FC1', header)


def compressed_message(topic: str, format: str = 'rgb8; png compressed bgr8') -> BagMessage:
    file = cv2.imencode('.png', rgb()[..., ::-1])[1]
    header = deserialized(rgb_message(topic)).header
    kind = 'sensor_msgs/msg/CompressedImage'
    message = TYPESTORE.types[kind](header=header, format=format, data=file)
    return BagMessage(topic, kind, HEADER.stamp_ns, bytes(TYPESTORE.serialize_cdr(message, kind)))


def changed(message: BagMessage, **fields) -> BagMessage:
    """Return a message with some fields of it changed."""
    content = deserialized(message)
    for name, value in fields.items():
        setattr(content, name, value)
    return replace(message, cdr=bytes(TYPESTORE.serialize_cdr(content, message.type_name)))


def bag_of(path: Path, *messages: BagMessage) -> Path:
    with BagWriter(path) as bag:
        for message in messages:
            bag.write(message)
    return path


def read(path: Path, *topics: str) -> list[BagMessage]:
    with BagReader(path) as bag:
        return list(bag.messages(topics))


