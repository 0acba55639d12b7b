# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Small recordings for the bag tool, and independent readers for what it writes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
import sqlite3
from typing import Any

from bag_helpers import changed
import cv2
from mcap.reader import make_reader
from mcap_ros2.decoder import DecoderFactory
from network_helpers import random_rgb
from network_helpers import SIZE_HW
import numpy as np
import yaml

from zoe_depth_ros.bag.encode import camera_info_message
from zoe_depth_ros.bag.encode import image_message
from zoe_depth_ros.bag.encode import Stamped
from zoe_depth_ros.bag.reader import BagMessage
from zoe_depth_ros.bag.typestore import TYPESTORE
from zoe_depth_ros.bag.writer import BagWriter
from zoe_depth_ros.camera import Camera
from zoe_depth_ros.offline.config import node_config
from zoe_depth_ros.offline.config import OfflineConfig
from zoe_depth_ros.offline.report import RunReport
from zoe_depth_ros.offline.run import run_offline

START_NS = 1_700_000_000_000_000_000
STEP_NS = 100_000_000
LATE_NS = 3_000_000  # from a stamp to its recording
HEIGHT, WIDTH = SIZE_HW
CAMERA = Camera(WIDTH, HEIGHT, 80.0, 80.0, 40.75, 22.75)
IMAGE, INFO, TEXT = '/camera/image_raw', '/camera/camera_info', '/chatter'


def header(number: int) -> Stamped:
    return Stamped(START_NS + number * STEP_NS, 'eye')


def late(message: BagMessage) -> BagMessage:
    return replace(message, stamp_ns=message.stamp_ns + LATE_NS)


def image(number: int, topic: str = IMAGE) -> BagMessage:
    return late(image_message(topic, random_rgb(number), 'rgb8', header(number)))


def compressed(number: int, topic: str = f'{IMAGE}/compressed') -> BagMessage:
    """Return the same picture as `image`, as PNG."""
    kind = 'sensor_msgs/msg/CompressedImage'
    file = cv2.imencode('.png', random_rgb(number)[..., ::-1])[1]
    time = TYPESTORE.types['builtin_interfaces/msg/Time'](
        *divmod(header(number).stamp_ns, 10**9))
    ros_header = TYPESTORE.types['std_msgs/msg/Header'](stamp=time, frame_id='eye')
    message = TYPESTORE.types[kind](
        header=ros_header, format='rgb8; png compressed bgr8', data=file.reshape(-1))
    return late(BagMessage(
        topic, kind, header(number).stamp_ns, bytes(TYPESTORE.serialize_cdr(message, kind))))


def info(number: int, camera: Camera = CAMERA, topic: str = INFO) -> BagMessage:
    return late(camera_info_message(topic, camera, header(number)))


def distorted_info() -> BagMessage:
    """Return the calibration of a lens whose undistorted image shows its border."""
    p = np.array([60.0, 0, 40, 0, 0, 61, 24, 0, 0, 0, 1, 0])
    return changed(info(0), d=np.array([-0.3, 0.1, 0.001, -0.001, 0.0]), p=p)


def text(number: int) -> BagMessage:
    kind = 'std_msgs/msg/String'
    message = TYPESTORE.types[kind](data=f'word {number}')
    stamp_ns = header(number).stamp_ns + STEP_NS // 2
    return BagMessage(TEXT, kind, stamp_ns, bytes(TYPESTORE.serialize_cdr(message, kind)))


def recording(frames: int = 4) -> list[BagMessage]:
    """Return what a camera and a talker say, in the order of time."""
    return [message for number in range(frames)
            for message in (image(number), info(number), text(number))]


def bag_of(path: Path, messages: list[BagMessage], **options: Any) -> Path:
    with BagWriter(path, **options) as bag:
        for message in messages:
            bag.write(message)
    return path


def make(weights: Path, *paths: Path, output: Path, force: bool = False, on_progress=None,
         node: dict[str, Any] | None = None, **options: Any) -> RunReport:
    """Run the bag tool with a tiny network."""
    config = OfflineConfig(node_config({'model': str(weights), **(node or {})}), **options)
    return run_offline(paths, output, config, force=force, on_progress=on_progress)


def decoded(bag: Path) -> Iterator[tuple[str, int, Any]]:
    """Yield (topic, time, message) of all files of a bag with mcap's own reader."""
    for path in yaml.safe_load((bag / 'metadata.yaml').read_text())[
            'rosbag2_bagfile_information']['relative_file_paths']:
        with (bag / path).open('rb') as file:
            reader = make_reader(file, validate_crcs=True, decoder_factories=[DecoderFactory()])
            for item in reader.iter_decoded_messages(log_time_order=False):
                yield item.channel.topic, item.message.log_time, item.decoded_message


def raw(bag: Path, *topics: str) -> list[tuple[str, int, bytes]]:
    """Return (topic, time, bytes) of messages, as they lie in the files."""
    found = []
    for path in sorted(bag.glob('*.mcap'), key=lambda path: int(path.stem.rpartition('_')[2])):
        with path.open('rb') as file:
            found += [
                (channel.topic, message.log_time, message.data)
                for _, channel, message in make_reader(file).iter_messages(log_time_order=False)
                if not topics or channel.topic in topics]
    return found


def rows(bag: Path) -> list[tuple[str, int, bytes]]:
    """Return (topic, time, bytes) of the messages of a sqlite3 bag."""
    path, = bag.glob('*.db3')
    with sqlite3.connect(path) as database:
        return database.execute(
            'SELECT name, timestamp, data FROM messages JOIN topics '
            'ON topics.id = topic_id ORDER BY messages.id').fetchall()


def of_topic(bag: Path, topic: str) -> list[Any]:
    return [message for name, _, message in decoded(bag) if name == topic]


def depth_pixels(message: Any) -> np.ndarray:
    assert message.encoding == '32FC1'
    return np.frombuffer(message.data, '<f4').reshape(message.height, message.width)


def stamp_ns(message: Any) -> int:
    return message.header.stamp.sec * 10**9 + message.header.stamp.nanosec
