# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import importlib.util

import numpy as np
import pytest

pytest.importorskip('rclpy')

from sensor_msgs.msg import Image
from sensor_msgs.msg import PointCloud2
from sensor_msgs.msg import PointField
from std_msgs.msg import Header

from zoe_depth_ros.camera import Camera
from zoe_depth_ros.errors import ImageError
from zoe_depth_ros.geometry import point_cloud
from zoe_depth_ros.ros.conversion import CvBridgeConverter
from zoe_depth_ros.ros.conversion import find_converter
from zoe_depth_ros.ros.conversion import NumpyConverter
from zoe_depth_ros.ros.conversion import to_bytes

HAS_BRIDGE = all(map(importlib.util.find_spec, ('cv_bridge', 'sensor_msgs_py')))
HEADER = Header(frame_id='optical')
HEADER.stamp.sec, HEADER.stamp.nanosec = 7, 89
CHANNELS = {'rgb8': 3, 'bgr8': 3, 'rgba8': 4, 'bgra8': 4, 'mono8': 1, 'bayer_rggb8': 1}


@pytest.fixture
def converter() -> NumpyConverter:
    return NumpyConverter()


@pytest.fixture
def bridge() -> CvBridgeConverter:
    """Return the converter of a ROS installation; skip where there is none."""
    pytest.importorskip('cv_bridge')
    pytest.importorskip('sensor_msgs_py')
    return CvBridgeConverter()


def random_image(encoding: str, padding: int = 5) -> Image:
    rows = np.random.default_rng(3).integers(
        0, 256, (6, 8 * CHANNELS[encoding] + padding), dtype=np.uint8)
    return Image(header=HEADER, height=6, width=8, encoding=encoding, step=rows.shape[1],
                 data=rows.tobytes())


def random_cloud(*, organized: bool):
    depth_m = np.random.default_rng(4).uniform(1, 5, (6, 8)).astype(np.float32)
    depth_m[2, 3] = np.nan
    rgb = np.random.default_rng(5).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    return point_cloud(depth_m, rgb, Camera(8, 6, 9.0, 9.0, 3.5, 2.5), organized=organized)


def test_converter_is_that_of_the_ros_installation_where_there_is_one():
    assert type(find_converter()) is (CvBridgeConverter if HAS_BRIDGE else NumpyConverter)


def test_image_to_rgb_reads_fields_padding_and_channel_order(converter):
    image = random_image('bgr8')
    rows = np.frombuffer(image.data, np.uint8).reshape(6, 29)
    expected = rows[:, :24].reshape(6, 8, 3)[..., ::-1]
    assert np.array_equal(converter.to_rgb(image), expected)


def test_image_to_rgb_without_its_bytes_is_refused(converter):
    image = random_image('rgb8')
    image.data = image.data[:-1]
    with pytest.raises(ImageError, match='173 bytes, expected 174'):
        converter.to_rgb(image)


@pytest.mark.parametrize(('pixels', 'encoding', 'step'), [
    (np.linspace(0, 9, 48, dtype=np.float32).reshape(6, 8), '32FC1', 32),
    (np.arange(48, dtype=np.uint16).reshape(6, 8), '16UC1', 16),
    (np.arange(144, dtype=np.uint8).reshape(6, 8, 3), 'rgb8', 24),
    (np.arange(288, dtype=np.uint8).reshape(6, 16, 3)[:, ::2], 'rgb8', 24),
    (np.arange(48, dtype=np.float32).reshape(8, 6).T, '32FC1', 32),
])
def test_array_to_image_has_every_byte_and_no_padding(converter, pixels, encoding, step):
    message = converter.to_image(pixels, encoding, HEADER)
    assert (message.height, message.width, message.encoding) == (6, 8, encoding)
    assert (message.step, message.is_bigendian, message.header) == (step, 0, HEADER)
    assert bytes(message.data) == pixels.tobytes()


@pytest.mark.parametrize('organized', [False, True])
def test_cloud_to_points_has_every_byte_and_no_padding(converter, organized):
    cloud = random_cloud(organized=organized)
    message = converter.to_points(cloud, HEADER)
    assert message.header == HEADER
    assert (message.height, message.width) == ((6, 8) if organized else (1, 47))
    assert message.is_dense is not organized
    assert [(item.name, item.offset, item.datatype) for item in message.fields] == [
        (name, 4 * number, PointField.FLOAT32) for number, name in enumerate('xyz')] + [
        ('rgb', 12, PointField.FLOAT32)]
    assert (message.point_step, message.row_step) == (16, 16 * message.width)
    assert bytes(message.data) == cloud.points.tobytes()


def test_cloud_without_points_makes_a_message_without_bytes(converter):
    cloud = point_cloud(
        np.full((6, 8), np.nan, np.float32), np.zeros((6, 8, 3), np.uint8),
        Camera(8, 6, 9.0, 9.0, 3.5, 2.5))
    message = converter.to_points(cloud, HEADER)
    assert (message.height, message.width, message.row_step) == (1, 0, 0)
    assert len(message.data) == 0


def test_bytes_of_an_array_are_those_in_memory_order():
    values = np.arange(6, dtype='<u2').reshape(2, 3)
    assert to_bytes(values).tobytes() == values.tobytes()
    assert to_bytes(values.T).tobytes() == values.T.tobytes()
    assert to_bytes(values).typecode == 'B'


@pytest.mark.parametrize('is_bigendian', [0, 1])
@pytest.mark.parametrize('padding', [0, 5])
@pytest.mark.parametrize('encoding', CHANNELS)
def test_cv_bridge_decodes_to_the_same_rgb(converter, bridge, encoding, padding, is_bigendian):
    image = random_image(encoding, padding)
    image.is_bigendian = is_bigendian
    assert np.array_equal(bridge.to_rgb(image), converter.to_rgb(image))


@pytest.mark.parametrize('fields', [
    {'step': 23}, {'step': 0}, {'height': 7}, {'height': 0}, {'width': 0}, {'width': 9},
    {'encoding': 'yuv420'},
])
def test_cv_bridge_refuses_the_same_images_for_the_same_reason(converter, bridge, fields):
    image = random_image('rgb8', padding=0)
    for name, value in fields.items():
        setattr(image, name, value)
    reasons = []
    for one in (converter, bridge):
        with pytest.raises(ImageError) as caught:
            one.to_rgb(image)
        reasons.append(str(caught.value))
    assert reasons[0] == reasons[1]


@pytest.mark.parametrize(('dtype', 'encoding', 'shape'), [
    (np.float32, '32FC1', (6, 8)), (np.uint16, '16UC1', (6, 8)), (np.uint8, 'rgb8', (6, 8, 3)),
])
def test_cv_bridge_encodes_to_the_same_message(converter, bridge, dtype, encoding, shape):
    pixels = np.random.default_rng(6).integers(0, 200, shape).astype(dtype)
    assert bridge.to_image(pixels, encoding, HEADER) == converter.to_image(
        pixels, encoding, HEADER)


@pytest.mark.parametrize('organized', [False, True])
def test_sensor_msgs_py_makes_the_same_cloud(converter, bridge, organized):
    cloud = random_cloud(organized=organized)
    assert cloud.width > 0
    ours, theirs = converter.to_points(cloud, HEADER), bridge.to_points(cloud, HEADER)
    for name in PointCloud2.get_fields_and_field_types():
        assert getattr(ours, name) == getattr(theirs, name), name
