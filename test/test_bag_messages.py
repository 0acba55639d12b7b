# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from dataclasses import replace

from bag_helpers import bag_of
from bag_helpers import changed
from bag_helpers import compressed_message
from bag_helpers import depth_message
from bag_helpers import HEADER
from bag_helpers import info_message
from bag_helpers import rgb
from bag_helpers import rgb_message
import numpy as np
import pytest

from zoe_depth_ros.bag.decode import colored_points
from zoe_depth_ros.bag.decode import depth
from zoe_depth_ros.bag.decode import deserialized
from zoe_depth_ros.bag.decode import header_stamp_ns
from zoe_depth_ros.bag.decode import picture
from zoe_depth_ros.bag.decode import Scene
from zoe_depth_ros.bag.decode import scene
from zoe_depth_ros.bag.decode import with_header_stamp
from zoe_depth_ros.bag.encode import image_message
from zoe_depth_ros.bag.encode import scene_message
from zoe_depth_ros.bag.reader import BagMessage
from zoe_depth_ros.bag.reader import BagReader
from zoe_depth_ros.bag.topics import find_camera
from zoe_depth_ros.bag.topics import find_depth
from zoe_depth_ros.bag.typestore import TYPESTORE
from zoe_depth_ros.errors import BagError
from zoe_depth_ros.errors import ImageError


def test_header_stamp_is_read_in_both_byte_orders():
    message = rgb_message('/a')
    assert header_stamp_ns(message.cdr) == HEADER.stamp_ns
    content, kind = deserialized(message), message.type_name
    assert header_stamp_ns(
        bytes(TYPESTORE.serialize_cdr(content, kind, little_endian=False))) == HEADER.stamp_ns
    with pytest.raises(BagError, match='3 bytes'):
        header_stamp_ns(b'abc')


@pytest.mark.parametrize('little_endian', [True, False])
@pytest.mark.parametrize('stamp_ns', [0, 5 * 10**9 + 7, -10**9 + 1])
def test_header_stamp_can_be_replaced_and_nothing_else(little_endian, stamp_ns):
    message = rgb_message('/a')
    content, kind = deserialized(message), message.type_name
    cdr = bytes(TYPESTORE.serialize_cdr(content, kind, little_endian=little_endian))
    changed = with_header_stamp(cdr, stamp_ns)
    assert header_stamp_ns(changed) == stamp_ns
    assert with_header_stamp(changed, HEADER.stamp_ns) == cdr
    with pytest.raises(BagError, match='3 bytes'):
        with_header_stamp(b'abc', stamp_ns)


def test_picture_is_the_same_raw_and_compressed():
    assert np.array_equal(picture(rgb_message('/a')), rgb())
    assert np.array_equal(picture(compressed_message('/a')), rgb())


@pytest.mark.parametrize('big', [False, True])
def test_depth_in_millimetres_becomes_metres(big):
    millimetres = np.array([[0, 1500], [65535, 1]], '>u2' if big else '<u2')
    padded = np.pad(millimetres, ((0, 0), (0, 3)))
    message = changed(
        rgb_message('/a'), encoding='16UC1', height=2, width=2, step=10, is_bigendian=int(big),
        data=np.frombuffer(padded.tobytes(), np.uint8))
    assert np.array_equal(
        depth(message), np.float32([[np.nan, 1.5], [65.535, 0.001]]), equal_nan=True)


def test_depth_in_metres_is_unknown_where_it_cannot_be():
    values = np.float32([[1.25, np.inf, -1.0], [0.0, np.nan, 80.0]])
    found = depth(image_message('/a', values, '32FC1', HEADER))
    assert np.array_equal(
        found, np.float32([[1.25, np.nan, np.nan], [np.nan, np.nan, 80.0]]), equal_nan=True)
    assert found.dtype == np.float32


def test_depth_that_is_none_is_refused():
    with pytest.raises(ImageError, match='rgb8'):
        depth(rgb_message('/a'))
    with pytest.raises(ImageError, match='image data has 192 bytes, expected 224'):
        depth(changed(depth_message('/a'), height=7))


def test_cloud_gives_points_and_colours():
    kind = 'sensor_msgs/msg/PointCloud2'
    field = TYPESTORE.types['sensor_msgs/msg/PointField']
    rows = np.array([(1, 2, 3, 0x00FF8001, 9), (-1, np.nan, 5, 0x000203FF, 9)], [
        ('x', '<f4'), ('y', '<f4'), ('z', '<f4'), ('rgb', '<u4'), ('padding', '<u4')])
    cloud = TYPESTORE.types[kind](
        header=deserialized(rgb_message('/a')).header, height=1, width=2, is_bigendian=False,
        point_step=20, row_step=40, is_dense=False, data=np.frombuffer(rows.tobytes(), np.uint8),
        fields=[field(name=name, offset=4 * index, datatype=7, count=1)
                for index, name in enumerate(('x', 'y', 'z', 'rgb'))])
    message = BagMessage('/a', kind, 0, bytes(TYPESTORE.serialize_cdr(cloud, kind)))
    points = colored_points(message)
    assert points.rgb.tolist() == [[255, 128, 1], [2, 3, 255]]
    assert np.array_equal(
        points.points_m, np.float32([[1, 2, 3], [-1, np.nan, 5]]), equal_nan=True)
    with pytest.raises(BagError, match='/a has no little-endian float32 x, y, z and rgb'):
        colored_points(changed(message, fields=cloud.fields[:3]))


def test_scene_passes_unchanged():
    message = scene_message('/scene', Scene('outdoor', 0.75), HEADER)
    assert scene(message) == Scene('outdoor', 0.75)
    assert deserialized(message).header.frame_id == 'eye'
    with pytest.raises(BagError, match='no domain'):
        scene(changed(message, status=[]))


def test_bytes_that_are_no_message_are_refused():
    with pytest.raises(BagError, match='Image on /a'):
        picture(replace(rgb_message('/a'), cdr=b'\x00\x01\x00\x00abc'))


@pytest.mark.parametrize(('image', 'info'), [
    ('/front/image_raw', '/front/camera_info'), ('/image', '/camera_info'),
    ('/a/image', '/elsewhere/camera_info')])
def test_camera_is_found_by_types_alone(tmp_path, image, info):
    path = bag_of(
        tmp_path / 'bag', rgb_message(image), info_message(info), depth_message('/depth/image'))
    with BagReader(path) as bag:
        camera = find_camera(bag)
    assert (camera.image.name, camera.camera_info.name) == (image, info)
    assert not camera.is_compressed


def test_camera_info_beside_the_image_is_preferred(tmp_path):
    path = bag_of(
        tmp_path / 'bag', compressed_message('/b/image/compressed'),
        info_message('/a/camera_info'), info_message('/b/camera_info'))
    with BagReader(path) as bag:
        camera = find_camera(bag)
    assert camera.is_compressed
    assert camera.camera_info.name == '/b/camera_info'


def test_camera_without_camera_info_is_possible(tmp_path):
    path = bag_of(tmp_path / 'bag', rgb_message('/image'))
    with BagReader(path) as bag:
        assert find_camera(bag).camera_info is None


def test_raw_images_are_preferred_to_their_compressed_twin(tmp_path):
    path = bag_of(tmp_path / 'bag', compressed_message('/image/compressed'), rgb_message('/image'))
    with BagReader(path) as bag:
        assert find_camera(bag).image.name == '/image'
        assert find_camera(bag, '/image/compressed').is_compressed


def test_choice_between_cameras_is_refused_with_the_candidates(tmp_path):
    path = bag_of(
        tmp_path / 'bag', rgb_message('/l/image'), rgb_message('/r/image'),
        info_message('/x/camera_info'), info_message('/y/camera_info'))
    with BagReader(path) as bag:
        with pytest.raises(BagError, match=r'2 image topics, not one: /l/image \(.*, /r/image'):
            find_camera(bag)
        with pytest.raises(BagError, match=r'none beside /l/image: /x/camera_info .*, /y/camera'):
            find_camera(bag, '/l/image')


def test_bag_without_pictures_is_refused_with_its_topics(tmp_path):
    path = bag_of(
        tmp_path / 'bag', depth_message('/depth'), info_message('/info'),
        compressed_message('/image/compressedDepth', '16UC1; compressedDepth'))
    with BagReader(path) as bag:
        with pytest.raises(BagError, match=r'0 image topics, not one: /depth \(.*/info'):
            find_camera(bag)
        with pytest.raises(BagError, match='no image topic /depth'):
            find_camera(bag, '/depth')


def test_depth_is_found_by_frame_and_size(tmp_path):
    other = image_message('/a/other', np.ones((3, 4), np.float32), '32FC1', HEADER)
    foreign = depth_message('/b/foreign', replace(HEADER, frame_id='nose'))
    own = depth_message('/c/own')
    path = bag_of(tmp_path / 'with', compressed_message('/image/compressed'), other, foreign, own)
    with BagReader(path) as bag:
        assert find_depth(bag, find_camera(bag).image).name == '/c/own'
    path = bag_of(tmp_path / 'without', rgb_message('/image'), other, foreign)
    with BagReader(path) as bag:
        assert find_depth(bag, find_camera(bag).image) is None


