# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What a running depth node makes of good, odd and broken images and cameras."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
import math
import time

import cv2
import numpy as np
import pytest

pytest.importorskip('rclpy')

from builtin_interfaces.msg import Time
from network_helpers import random_rgb
from network_helpers import SIZE_HW
from rclpy.qos import ReliabilityPolicy
from ros_helpers import pixels
from ros_helpers import Probe
from ros_helpers import reliable
from ros_helpers import running_node
from ros_inputs import image_message
from ros_inputs import info_message
from sensor_msgs.msg import CompressedImage
from sensor_msgs.msg import Image

from zoe_depth_ros.encoding import decode_image
from zoe_depth_ros.ros.node import LOG_PERIOD_S

HEIGHT, WIDTH = SIZE_HW
BYTES_PER_PIXEL = {
    'rgb8': 3, 'bgr8': 3, 'rgba8': 4, 'bgra8': 4, 'rgb16': 6, 'bgr16': 6, 'rgba16': 8,
    'bgra16': 8, 'mono8': 1, 'mono16': 2, '8UC1': 1, '8UC3': 3, '8UC4': 4, '16UC1': 2,
    'bayer_rggb8': 1, 'bayer_bggr8': 1, 'bayer_gbrg8': 1, 'bayer_grbg8': 1, 'bayer_rggb16': 2,
    'bayer_bggr16': 2, 'bayer_gbrg16': 2, 'bayer_grbg16': 2, 'yuv422': 2, 'uyvy': 2, 'yuyv': 2,
    'yuv422_yuy2': 2, 'nv12': 1, 'nv21': 1}
BAD_IMAGES = {
    'unknown_encoding': ({'encoding': 'yuv420'}, "'yuv420'"),
    'depth_encoding': ({'encoding': '32FC1'}, "'32FC1'"),
    'truncated': ({'data': array('B', bytes(HEIGHT * WIDTH * 3 - 1))}, '11519 bytes'),
    'empty': ({'data': array('B')}, '0 bytes'),
    'zero_height': ({'height': 0}, f'{WIDTH}x0'),
    'zero_width': ({'width': 0}, f'0x{HEIGHT}'),
    'short_step': ({'step': 239}, '239'),
    'huge': ({'width': 2**31, 'height': 2**31}, '240'),
    'other_size': ({'height': HEIGHT - 1}, f'({HEIGHT - 1}, {WIDTH}, 3)'),
}
GOOD_K = [80.0, 0.0, 40.0, 0.0, 80.0, 24.0, 0.0, 0.0, 1.0]
REFUSED_CAMERAS = {
    'zero_k': ({'k': [0.0] * 9}, '0.0, 0.0: not calibrated'),
    'nan_k': ({'k': [math.nan, *GOOD_K[1:]]}, 'nan'),
    'infinite_p': ({'p': [math.inf] * 12}, 'inf'),
    'nan_d': ({'d': [math.nan] * 5}, 'nan'),
}
UNUSABLE_CAMERAS = {
    'unknown_model': ({'d': [0.1] * 5, 'distortion_model': 'ftheta'}, "'ftheta'"),
    'few_coefficients': ({'d': [0.1] * 3}, '3 coefficients'),
    'no_size': ({'width': 0, 'height': 0}, '0x0'),
    'huge': ({'d': [0.1] * 5, 'width': 2**31, 'height': 2**31}, f'{2**31}x{2**31}'),
}


@pytest.fixture(scope='module')
def node(weights, tmp_path_factory) -> Iterator[Probe]:
    """Return a node that has a camera; a test that takes it away gives it back."""
    parameters = {
        'model': str(weights), 'diagnostics_period': 0.2, 'routing': 'batch',  # each by itself
        **reliable(*('/camera/' + name for name in (
            'image_raw', 'image_raw/compressed', 'camera_info')))}
    with running_node(tmp_path_factory.mktemp('node'), parameters) as probe:
        probe.reliability = ReliabilityPolicy.RELIABLE
        probe.listen()
        probe.use_camera(info_message())
        yield probe


def padded_image(encoding: str) -> Image:
    """Return an image of random bytes with padded rows, big-endian where that makes sense."""
    row_bytes = WIDTH * BYTES_PER_PIXEL[encoding]
    rows = HEIGHT * 3 // 2 if encoding.startswith('nv') else HEIGHT
    data = np.random.default_rng(7).integers(0, 256, (rows, row_bytes + 10), dtype=np.uint8)
    return Image(
        height=HEIGHT, width=WIDTH, encoding=encoding, step=row_bytes + 10,
        is_bigendian=int('16' in encoding), data=data.tobytes())


@pytest.mark.parametrize('encoding', BYTES_PER_PIXEL)
def test_node_takes_every_encoding_big_endian_and_with_padded_rows(node, estimator, encoding):
    message = padded_image(encoding)
    rgb = decode_image(
        encoding=encoding, height=HEIGHT, width=WIDTH, step=message.step,
        is_bigendian=bool(message.is_bigendian), data=message.data)
    answers = node.ask(message)
    assert np.array_equal(pixels(answers['image_rect']), rgb)
    expected = estimator.estimate(rgb).depth_m
    assert np.array_equal(pixels(answers['depth/image']), expected, equal_nan=True)


@pytest.mark.parametrize(('channels', 'encoding'), [
    ([0, 1, 2], 'rgb8'), ([2, 1, 0], 'bgr8'), ([0, 1, 2, 0], 'rgba8'), ([2, 1, 0, 0], 'bgra8'),
])
def test_node_sees_the_same_colours_in_any_channel_order(node, channels, encoding):
    rgb = random_rgb(8)
    answers = node.ask(image_message(rgb[..., channels], encoding))
    assert np.array_equal(pixels(answers['image_rect']), rgb)


@pytest.mark.parametrize(('fields', 'reason'), BAD_IMAGES.values(), ids=BAD_IMAGES)
def test_node_drops_and_counts_a_bad_image_and_goes_on(node, fields, reason):
    good = image_message(random_rgb())
    node.ask(good)
    before = node.status()
    node.send(image_message(random_rgb(), **fields))
    count = before.number('dropped_bad') + 1
    after = node.status(lambda status: status.number('dropped_bad') == count)
    assert reason in after.values['last_error']
    assert after.number('frames_in') == before.number('frames_in') + 1
    assert after.number('frames_out') == before.number('frames_out')
    node.ask(good)


def test_node_warns_of_a_bad_image_and_is_well_again(node):
    count = node.status().number('dropped_bad') + 1
    node.ask(image_message(random_rgb()))
    warning = node.status(
        lambda status: status.number('dropped_bad') == count,
        after=lambda: node.send(image_message(random_rgb(), encoding='yuv420')))
    assert warning.is_warning
    assert warning.text == warning.values['last_error']
    assert "'yuv420'" in warning.text
    following = node.status()
    assert not following.is_warning
    assert following.text.endswith('frames/s')
    assert following.values['last_error'] == warning.text
    assert following.number('dropped_bad') == count


@pytest.mark.parametrize(('fields', 'reason'), REFUSED_CAMERAS.values(), ids=REFUSED_CAMERAS)
def test_node_refuses_a_senseless_camera_and_keeps_the_one_it_has(node, fields, reason):
    good = image_message(random_rgb())
    node.ask(good)
    count = node.status().number('dropped_bad') + 1
    node.infos.publish(info_message(**fields))
    after = node.status(lambda status: status.number('dropped_bad') == count)
    assert reason in after.values['last_error']
    assert node.ask(good)['depth/camera_info'].k[0] == 80.0


@pytest.mark.parametrize(('fields', 'reason'), UNUSABLE_CAMERAS.values(), ids=UNUSABLE_CAMERAS)
def test_node_drops_the_images_of_a_camera_it_cannot_use_until_it_gets_another(
        node, fields, reason):
    node.ask(image_message(random_rgb()))
    before = node.status().number('dropped_bad')
    node.infos.publish(info_message(**fields))

    def refused(status) -> bool:
        node.send(image_message(random_rgb()))
        return status.number('dropped_bad') > before and reason in status.values['last_error']

    node.status(refused)
    node.use_camera(info_message())


def test_node_says_why_it_drops_in_few_lines(node):
    node.ask(image_message(random_rgb()))
    start_s, lines = time.monotonic(), node.process.log.count('dropped: ')
    before = int(node.status().number('dropped_bad'))
    for count in range(before + 1, before + 11):
        node.send(image_message(random_rgb(), encoding='yuv420'))
        node.status(lambda status: status.number('dropped_bad') == count)  # noqa: B023
    periods = (time.monotonic() - start_s) / LOG_PERIOD_S
    assert node.process.log.count('dropped: ') - lines <= 1 + periods
    assert "dropped: image encoding 'yuv420' is not supported" in node.process.log


@pytest.mark.parametrize('size_hw', [(1, 1), (1, 300), (300, 1), (2, 3), (97, 31)])
def test_node_takes_images_of_any_size(node, estimator, size_hw):
    node.use_camera(info_message(size_hw))
    rgb = random_rgb(9, size_hw)
    answers = node.ask(image_message(rgb))
    expected = estimator.estimate(rgb).depth_m
    assert np.array_equal(pixels(answers['depth/image']), expected, equal_nan=True)
    node.use_camera(info_message())


def test_node_caches_camera_info_of_another_stamp(node):
    info = info_message()
    info.header.stamp = Time(sec=12, nanosec=34)
    info.header.frame_id = 'elsewhere'
    node.use_camera(info)
    answers = node.ask(image_message(random_rgb()))
    assert answers['depth/camera_info'].header == answers['depth/image'].header
    assert answers['points'].header.frame_id == 'front_camera_optical_frame'


def test_node_takes_a_stamp_before_the_epoch(node):
    image = image_message(random_rgb())
    node.ask(image)
    image.header.stamp = Time(sec=-5, nanosec=7)
    node.images.publish(image)
    assert node.until(lambda: node.answers(image.header, ('depth/image',)))
    assert node.ask(image_message(random_rgb()))


def test_node_without_camera_info_publishes_depth_and_says_why_there_is_no_cloud(node):
    node.restart()
    for seed in range(2):
        node.ask(image_message(random_rgb(seed)), 'depth/image', 'image_rect', 'depth/color',
                 'scene')
        if seed == 0:
            node.received['points'].clear()
            node.received['depth/camera_info'].clear()
    assert node.received['points'] == node.received['depth/camera_info'] == []
    assert 'no usable camera_info on /camera/camera_info yet' in node.process.log
    node.use_camera(info_message())


def test_node_takes_compressed_images_and_drops_corrupt_ones(node, estimator):
    node.restart(image_transport='compressed')
    rgb = cv2.GaussianBlur(random_rgb(10), (9, 9), 0)
    topics = 'depth/image', 'image_rect'
    for file_type in ('png', 'jpeg'):
        file = cv2.imencode(f'.{file_type}', rgb[..., ::-1])[1]
        expected = cv2.imdecode(file, cv2.IMREAD_COLOR)[..., ::-1]
        answers = node.ask(CompressedImage(format=file_type, data=file.tobytes()), *topics)
        assert np.array_equal(pixels(answers['image_rect']), expected)
        assert np.array_equal(
            pixels(answers['depth/image']), estimator.estimate(expected).depth_m, equal_nan=True)
    for number, data in enumerate((file[:-200].tobytes(), b'', b'\xff\xd8garbage\xff\xd9'), 1):
        node.send(CompressedImage(format='jpeg', data=data))
        status = node.status(lambda status: status.number('dropped_bad') == number)  # noqa: B023
        assert f'{len(data)} bytes' in status.values['last_error']
    node.ask(CompressedImage(format='jpeg', data=file.tobytes()), *topics)
    node.restart(image_transport='raw')
    node.use_camera(info_message())
