# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Bags as data sets."""

from __future__ import annotations

from dataclasses import replace
import pickle
import struct

from bag_helpers import bag_of
from bag_helpers import CAMERA
from bag_helpers import changed
from bag_helpers import HEADER
from bag_helpers import info_message
from bag_helpers import rgb
from bag_helpers import rgb_message
import cv2
from datasets_helpers import depth_m
import numpy as np
import pytest

from zoe_depth_ros.bag.decode import deserialized
from zoe_depth_ros.bag.encode import camera_info_message
from zoe_depth_ros.bag.encode import image_message
from zoe_depth_ros.bag.reader import BagMessage
from zoe_depth_ros.bag.typestore import TYPESTORE
from zoe_depth_ros.camera import Camera
from zoe_depth_ros.datasets import DatasetConfig
from zoe_depth_ros.datasets import open_source
from zoe_depth_ros.encoding import encode_depth_mm
from zoe_depth_ros.errors import BagError
from zoe_depth_ros.errors import DatasetError

START_NS = HEADER.stamp_ns
NAN = np.float32(np.nan)


def at(milliseconds):
    return replace(HEADER, stamp_ns=START_NS + round(milliseconds * 10**6))


def image(milliseconds, seed=0):
    return rgb_message('/eye/image', at(milliseconds), seed)


def depth(milliseconds, metres, topic='/eye/depth'):
    return image_message(topic, np.asarray(metres, np.float32), '32FC1', at(milliseconds))


def depth_mm(milliseconds, metres):
    message = depth(milliseconds, metres)
    pixels = encode_depth_mm(metres)
    return changed(
        message, encoding='16UC1', step=pixels.shape[1] * 2,
        data=np.ascontiguousarray(pixels).view(np.uint8).reshape(-1))


def compressed(milliseconds, topic, format, content):
    kind = 'sensor_msgs/msg/CompressedImage'
    header = deserialized(image(milliseconds)).header
    message = TYPESTORE.types[kind](
        header=header, format=format, data=np.frombuffer(content, np.uint8))
    cdr = bytes(TYPESTORE.serialize_cdr(message, kind))
    return BagMessage(topic, kind, at(milliseconds).stamp_ns, cdr)


def png(pixels):
    return cv2.imencode('.png', pixels)[1].tobytes()


def flat(metres):
    return np.full((6, 8), metres, np.float32)


def source_of(path, **options):
    return open_source(DatasetConfig(kind='bag', path=str(path), **options))


def equal(found, expected):
    return np.array_equal(found, expected, equal_nan=True)


def test_bag_gives_images_depth_and_camera(tmp_path):
    path = bag_of(
        tmp_path / 'bag', info_message('/eye/camera_info'),
        image(0), depth(0, depth_m(0)), image(100, 1), depth_mm(100, depth_m(1)))
    source = source_of(path, domain='outdoor')
    assert len(source) == 2
    for number in (1, 0, 1):
        sample = source[number]
        assert np.array_equal(sample.rgb, rgb(number))
        assert equal(sample.depth_m, depth_m(number))
        assert (sample.camera, sample.domain) == (CAMERA, 'outdoor')
    assert source[1].name == f'bag {path} /eye/image at 1700000000.100000123'


def test_bag_without_camera_info_has_no_camera(tmp_path):
    source = source_of(bag_of(tmp_path / 'bag', image(0), depth(0, depth_m())))
    assert source[0].camera is None
    assert np.array_equal(source[0].rgb, rgb())


@pytest.mark.parametrize('encoding', ['16UC1', '32FC1'])
def test_bag_gives_compressed_images_and_depth(tmp_path, encoding):
    if encoding == '16UC1':
        content, tolerance = bytes(12) + png(encode_depth_mm(depth_m())), 0
    else:
        a, b = 10100.0, -1009.0
        steps = np.nan_to_num(a / depth_m() + b).round().astype(np.uint16)
        content, tolerance = struct.pack('<iff', 0, a, b) + png(steps), 0.5 * 5**2 / a * 1.01
    path = bag_of(
        tmp_path / 'bag', compressed(0, '/eye/image/compressed', 'png', png(rgb()[..., ::-1])),
        compressed(0, '/eye/depth/compressedDepth', f'{encoding}; compressedDepth png', content))
    sample = source_of(path)[0]
    assert np.array_equal(sample.rgb, rgb())
    assert np.array_equal(np.isnan(sample.depth_m), np.isnan(depth_m()))
    assert np.nanmax(np.abs(sample.depth_m - depth_m())) <= tolerance


def test_bag_gives_millimetres_that_compressed_image_transport_made(tmp_path):
    sample = source_of(bag_of(
        tmp_path / 'bag', compressed(0, '/eye/image/compressed', 'png', png(rgb()[..., ::-1])),
        compressed(0, '/eye/depth/compressed', '16UC1; png compressed ',
                   png(encode_depth_mm(depth_m())))))[0]
    assert np.array_equal(sample.rgb, rgb())
    assert np.array_equal(sample.depth_m, depth_m(), equal_nan=True)


def test_depth_is_paired_with_the_nearest_image_once(tmp_path):
    path = bag_of(
        tmp_path / 'bag', image(0, 0), image(33, 1), image(66, 2), image(99, 3), image(300, 4),
        depth(-4, flat(1)), depth(60, flat(2)), depth(71, flat(3)), depth(104, flat(4)),
        depth(330, flat(5)))
    pairs = [(sample.name[-9:-6], sample.depth_m[0, 0]) for sample in source_of(path)]
    assert pairs == [('000', 1), ('066', 3), ('099', 4)]
    wider = source_of(path, max_stamp_difference_s=0.03)
    assert [sample.depth_m[0, 0] for sample in wider] == [1, 2, 3, 4, 5]


def test_stamps_may_differ_by_the_limit_and_no_more(tmp_path):
    path = bag_of(tmp_path / 'bag', image(0), depth(20, flat(1)))
    assert len(source_of(path, max_stamp_difference_s=0.02)) == 1
    with pytest.raises(DatasetError, match=r'bag has no usable image with depth$'):
        source_of(path, max_stamp_difference_s=0.0199)


def test_messages_are_paired_by_header_not_by_recording(tmp_path):
    late = [replace(depth(number * 100, flat(number + 1)), stamp_ns=START_NS + 10**9 - number)
            for number in range(3)]
    path = bag_of(tmp_path / 'bag', *(image(number * 100, number) for number in range(3)), *late)
    source = source_of(path)
    assert [sample.depth_m[0, 0] for sample in source] == [1, 2, 3]
    assert all(np.array_equal(source[number].rgb, rgb(number)) for number in (2, 0, 1))


def test_topics_can_be_named(tmp_path):
    path = bag_of(
        tmp_path / 'bag', image(0), rgb_message('/other/image', at(0), 5),
        depth(0, flat(1)), depth(0, flat(2), '/far/depth'))
    sample = source_of(path, image_topic='/other/image', depth_topic='/far/depth')[0]
    assert np.array_equal(sample.rgb, rgb(5))
    assert sample.depth_m[0, 0] == 2
    with pytest.raises(BagError, match=r'2 image topics, not one: /eye/image .*, /other/'):
        source_of(path)
    with pytest.raises(BagError, match='has no image topic /none: '):
        source_of(path, image_topic='/none')
    with pytest.raises(BagError, match=f'bag {path} has no depth topic /none$'):
        source_of(path, image_topic='/eye/image', depth_topic='/none')


def test_bag_without_depth_is_refused(tmp_path):
    path = bag_of(tmp_path / 'bag', image(0), depth(0, np.ones((3, 4))))
    with pytest.raises(
            BagError, match=f'bag {path} has no depth topic of the size and frame of /eye/image'):
        source_of(path)


def test_depth_of_another_size_is_told_with_both(tmp_path):
    path = bag_of(tmp_path / 'bag', image(0), depth(0, np.ones((3, 4))))
    source = source_of(path, depth_topic='/eye/depth')
    assert source.problems() == [
        f'bag {path} /eye/image at 1700000000.000000123: depth on /eye/depth of 4x3 does not fit '
        f'its image of 8x6']


def test_one_of_several_depth_topics_must_be_named(tmp_path):
    path = bag_of(
        tmp_path / 'bag', image(0), depth(0, flat(1)), depth(0, flat(2), '/a/depth/image'),
        compressed(0, '/eye/depth/compressedDepth', '16UC1; compressedDepth png',
                   bytes(12) + png(encode_depth_mm(flat(1)))))
    with pytest.raises(BagError, match=r'has 2 depth topics .*: /a/depth/image, /eye/depth$'):
        source_of(path)
    assert source_of(path, depth_topic='/eye/depth')[0].depth_m[0, 0] == 1


def test_images_without_depth_of_their_own_are_counted(tmp_path, caplog):
    path = bag_of(
        tmp_path / 'bag', image(0), depth(0, flat(1)), image(100), depth(125, flat(2)), image(200))
    assert len(source_of(path)) == 1
    message, = caplog.messages
    assert message == (
        f'bag {path}: 2 of 3 images of /eye/image have no depth of their own within 0.02 s on '
        f'/eye/depth')


def test_uncalibrated_camera_is_refused(tmp_path):
    info = changed(info_message('/eye/camera_info'), k=np.zeros(9))
    path = bag_of(tmp_path / 'bag', info, image(0), depth(0, flat(1)))
    with pytest.raises(DatasetError, match=r'bag .*: camera_info K has focal .* not calibrated'):
        source_of(path)


def test_bad_messages_are_told_or_left_out(tmp_path):
    broken = changed(image(100), encoding='riddle8')
    path = bag_of(
        tmp_path / 'bag', info_message('/eye/camera_info'),
        image(0), depth(0, flat(1)), broken, depth(100, flat(1)),
        image(200), depth(200, flat(NAN)), image(300), depth(300, flat(4)))
    source = source_of(path)
    first, second = source.problems()
    assert first.startswith(
        f"bag {path} /eye/image at 1700000000.100000123: image encoding 'riddle8' is not supp")
    assert second == (
        f'bag {path} /eye/image at 1700000000.200000123: no depth between 0.001 and 80 m is known')
    with pytest.raises(DatasetError, match='riddle8'):
        source[1]
    rest = source_of(path, skip_bad=True)
    assert [sample.depth_m[0, 0] for sample in rest] == [1, 4]
    assert (rest.skipped, source_of(path, frames='3:')[0].depth_m[0, 0]) == (2, 4)


def test_distorted_camera_is_rectified_without_mixing_depths(tmp_path):
    k, d = np.array([[60.0, 0, 31.0], [0, 62.0, 23.0], [0, 0, 1]]), np.array([-0.3, 0.1, 0, 0, 0])
    camera = Camera(64, 48, 60.0, 62.0, 31.0, 23.0)
    y, x = np.mgrid[:48, :64].astype(np.float32)
    metres = np.where((x // 8 + y // 8) % 2 == 0, 1, 5).astype(np.float32) + x / 1000
    metres[20:24, 30:40] = np.nan
    pixels = np.repeat((x * 4).astype(np.uint8)[..., None], 3, axis=2)
    info = changed(camera_info_message('/eye/camera_info', camera, HEADER), d=d)
    path = bag_of(
        tmp_path / 'bag', info, image_message('/eye/image', pixels, 'rgb8', HEADER),
        depth(0, metres))
    sample = source_of(path)[0]
    map_x, map_y = cv2.initUndistortRectifyMap(k, d, None, k, (64, 48), cv2.CV_32FC1)
    near_x, near_y = np.rint(map_x).astype(int), np.rint(map_y).astype(int)
    is_seen = (near_x >= 0) & (near_x < 64) & (near_y >= 0) & (near_y < 48)
    expected = np.full((48, 64), NAN)
    expected[is_seen] = metres[near_y[is_seen], near_x[is_seen]]
    is_clear = (abs(map_x % 1 - 0.5) > 1 / 16) & (abs(map_y % 1 - 0.5) > 1 / 16)
    assert is_clear.mean() > 0.7
    assert equal(sample.depth_m[is_clear], expected[is_clear])
    assert set(sample.depth_m[np.isfinite(sample.depth_m)]) <= set(metres[np.isfinite(metres)])
    assert sample.camera == camera
    inside = (map_x > 1) & (map_x < 62) & (map_y > 1) & (map_y < 46)
    assert np.abs(sample.rgb[..., 0][inside] - 4 * map_x[inside]).max() <= 1


def test_bag_source_is_pickled_and_reopens(tmp_path):
    path = bag_of(
        tmp_path / 'bag', info_message('/eye/camera_info'), image(0), depth(0, flat(1)),
        image(100, 1), depth(100, flat(2)))
    source = source_of(path)
    assert source[0].depth_m[0, 0] == 1
    twin = pickle.loads(pickle.dumps(source))
    assert [sample.depth_m[0, 0] for sample in twin] == [1, 2]
    assert np.array_equal(source[1].rgb, twin[1].rgb)


@pytest.mark.shared
def test_bag_and_folder_of_a_real_camera_give_equal_samples(shared_dir):
    bag = source_of(shared_dir / 'data' / 'bags' / 'hololens_rgbd_mcap')
    folder = open_source(
        DatasetConfig(kind='folder', path=str(shared_dir / 'data' / 'hololens')))
    assert len(bag) == len(folder) == 30
    for stored, filed in zip(bag, folder, strict=True):
        assert np.array_equal(stored.rgb, filed.rgb)
        assert equal(stored.depth_m, filed.depth_m)
        assert stored.camera == filed.camera
        assert 1 < np.nanmedian(stored.depth_m) < 4
