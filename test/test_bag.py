# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import replace
from pathlib import Path
import shutil

from bag_helpers import bag_of
from bag_helpers import CAMERA
from bag_helpers import HEADER
from bag_helpers import info_message
from bag_helpers import read
from bag_helpers import rgb
from bag_helpers import rgb_message
import cv2
from mcap.reader import make_reader
from mcap_ros2.decoder import DecoderFactory
import numpy as np
import pytest
from rosbags.rosbag1 import Writer as Ros1Writer
from rosbags.rosbag2 import CompressionFormat
from rosbags.rosbag2 import CompressionMode
from rosbags.rosbag2 import StoragePlugin
from rosbags.rosbag2 import Writer as Ros2Writer
from rosbags.typesys import get_typestore
from rosbags.typesys import Stores
import yaml

from zoe_depth_ros.bag.decode import depth
from zoe_depth_ros.bag.decode import deserialized
from zoe_depth_ros.bag.decode import header_stamp_ns
from zoe_depth_ros.bag.decode import picture
from zoe_depth_ros.bag.decode import scene
from zoe_depth_ros.bag.drive import write_drive
from zoe_depth_ros.bag.reader import BagMessage
from zoe_depth_ros.bag.reader import BagReader
from zoe_depth_ros.bag.topics import find_camera
from zoe_depth_ros.bag.topics import find_depth
from zoe_depth_ros.bag.typestore import TYPESTORE
from zoe_depth_ros.bag.writer import BagWriter
from zoe_depth_ros.camera import Camera
from zoe_depth_ros.errors import BagError

STORAGES = {
    'sqlite3': (StoragePlugin.SQLITE3, CompressionMode.NONE),
    'sqlite3_messages': (StoragePlugin.SQLITE3, CompressionMode.MESSAGE),
    'sqlite3_file': (StoragePlugin.SQLITE3, CompressionMode.FILE),
    'mcap': (StoragePlugin.MCAP, CompressionMode.NONE),
    'mcap_chunks': (StoragePlugin.MCAP, CompressionMode.STORAGE),
}



@dataclass(frozen=True)
class Frame:
    image_u8: np.ndarray
    depth_m: np.ndarray
    camera: Camera
    domain: str
    stamp_ns: int


def test_bag_gives_back_what_was_written_in_the_order_of_time(tmp_path):
    late = rgb_message('/a', replace(HEADER, stamp_ns=2_000_000_000))
    early = rgb_message('/b', replace(HEADER, stamp_ns=1_000_000_000), seed=1)
    path = bag_of(tmp_path / 'bag', late, early)
    assert read(path, '/a', '/b') == [early, late]
    assert read(path, '/a') == [late]


@pytest.mark.parametrize('compress', [True, False])
def test_bag_is_read_by_mcaps_own_reader(tmp_path, compress):
    with BagWriter(tmp_path / 'bag', compress=compress) as bag:
        bag.write(info_message('/camera_info'))
    with (tmp_path / 'bag' / 'bag.mcap').open('rb') as file:
        reader = make_reader(file, decoder_factories=[DecoderFactory()])
        _, channel, message, info = next(iter(reader.iter_decoded_messages()))
    assert channel.topic == '/camera_info'
    assert list(info.k) == [7.0, 0.0, 3.5, 0.0, 7.5, 2.5, 0.0, 0.0, 1.0]
    assert info.header.stamp.nanosec == 123
    assert message.log_time == HEADER.stamp_ns


def test_bag_metadata_is_what_players_need(tmp_path):
    path = bag_of(tmp_path / 'bag', rgb_message('/a'), rgb_message('/a'))
    metadata = yaml.safe_load((path / 'metadata.yaml').read_text())
    found = metadata['rosbag2_bagfile_information']
    assert (found['version'], found['storage_identifier']) == (8, 'mcap')
    assert found['relative_file_paths'] == ['bag.mcap']
    topic = found['topics_with_message_count'][0]
    assert topic['message_count'] == 2
    qos = yaml.safe_load(topic['topic_metadata']['offered_qos_profiles'])[0]
    assert (qos['history'], qos['reliability'], qos['durability']) == (1, 1, 2)
    assert qos['lifespan'] == {'sec': 9223372036, 'nsec': 854775807}


@pytest.mark.parametrize('name', STORAGES)
def test_bag_of_every_storage_is_read(tmp_path, name):
    storage, compression = STORAGES[name]
    path = tmp_path / name
    message, writer = rgb_message('/a'), Ros2Writer(path, version=9, storage_plugin=storage)
    writer.set_compression(compression, CompressionFormat.ZSTD)
    with writer:
        link = writer.add_connection('/a', message.type_name, typestore=TYPESTORE)
        writer.write(link, message.stamp_ns, message.cdr)
    assert read(path, '/a') == [message]
    if compression in (CompressionMode.NONE, CompressionMode.STORAGE):
        bare = next(item for item in path.iterdir() if item.suffix in ('.mcap', '.db3'))
        assert read(bare, '/a') == [message]


def test_bag_of_ros1_gives_ros2_messages(tmp_path):
    noetic, message = get_typestore(Stores.ROS1_NOETIC), rgb_message('/a')
    kind, content = message.type_name, deserialized(message)
    header = noetic.types['std_msgs/msg/Header'](
        seq=77, stamp=content.header.stamp, frame_id=content.header.frame_id)
    old = noetic.types[kind](
        header=header, height=content.height, width=content.width, encoding=content.encoding,
        is_bigendian=content.is_bigendian, step=content.step, data=content.data)
    with Ros1Writer(tmp_path / 'old.bag') as writer:
        link = writer.add_connection('/a', kind, typestore=noetic)
        writer.write(link, message.stamp_ns, noetic.serialize_ros1(old, kind))
    assert read(tmp_path / 'old.bag', '/a') == [message]


def test_bag_that_is_none_is_refused_by_its_path(tmp_path):
    (tmp_path / 'text.mcap').write_text('no bag at all')
    (tmp_path / 'text.bag').write_text('no bag at all')
    (tmp_path / 'text.txt').write_text('no bag at all')
    (tmp_path / 'folder').mkdir()
    for name in ('missing', 'text.mcap', 'text.bag', 'text.txt', 'folder'):
        with pytest.raises(BagError, match=f'{name} cannot be opened'):
            BagReader(tmp_path / name)


@pytest.mark.parametrize('share', [0.3, 0.6, 0.9])
def test_bag_cut_short_is_refused_by_its_path(tmp_path, share):
    path = bag_of(tmp_path / 'bag', *(rgb_message('/a', seed=seed) for seed in range(9)))
    file = path / 'bag.mcap'
    file.write_bytes(file.read_bytes()[:int(share * file.stat().st_size)])
    with pytest.raises(BagError, match=str(path)):
        read(path, '/a')


def test_bag_without_the_topic_is_refused(tmp_path):
    path = bag_of(tmp_path / 'bag', rgb_message('/a'))
    with pytest.raises(BagError, match='has no topic /b or /c'):
        read(path, '/c', '/b')


def test_bag_is_not_there_after_an_error(tmp_path):
    with pytest.raises(RuntimeError), BagWriter(tmp_path / 'bag') as bag:
        bag.write(rgb_message('/a'))
        raise RuntimeError
    assert not list(tmp_path.iterdir())


def test_bag_is_not_there_before_it_is_complete(tmp_path):
    with BagWriter(tmp_path / 'bag') as bag:
        bag.write(rgb_message('/a'))
        assert not (tmp_path / 'bag').exists()
    assert [item.name for item in tmp_path.iterdir()] == ['bag']


def test_bag_is_never_overwritten(tmp_path):
    (tmp_path / 'bag').mkdir()
    with pytest.raises(BagError, match='bag exists already'):
        BagWriter(tmp_path / 'bag')


def test_bag_in_an_impossible_place_is_refused(tmp_path):
    (tmp_path / 'file').write_text('')
    with pytest.raises(BagError, match='file/bag cannot be made'):
        BagWriter(tmp_path / 'file' / 'bag')


def test_bag_refuses_a_message_of_unknown_type(tmp_path):
    with (BagWriter(tmp_path / 'bag') as bag,
          pytest.raises(BagError, match='my_msgs/msg/Mine on /a cannot be written')):
        bag.write(BagMessage('/a', 'my_msgs/msg/Mine', 1, b''))


def test_drive_carries_images_and_the_truth(tmp_path):
    depth_m = np.full((6, 8), 2.5, np.float32)
    depth_m[0] = np.nan
    frames = [
        Frame(rgb(number), depth_m * (number + 1), CAMERA, domain, number * 10**8)
        for number, domain in enumerate(('indoor', 'outdoor'))]
    write_drive(frames, tmp_path / 'drive', HEADER.stamp_ns)
    with BagReader(tmp_path / 'drive') as bag:
        camera = find_camera(bag)
        truth = find_depth(bag, camera.image)
        images = list(bag.messages([camera.image.name]))
        depths = list(bag.messages([truth.name]))
        scenes = list(bag.messages(['/camera/scene_truth']))
        info = deserialized(next(bag.messages([camera.camera_info.name])))
    stamps = [HEADER.stamp_ns, HEADER.stamp_ns + 10**8]
    for messages in (images, depths, scenes):
        assert [header_stamp_ns(message.cdr) for message in messages] == stamps
    assert np.array_equal(picture(images[1]), rgb(1))
    assert np.array_equal(depth(depths[1]), depth_m * 2, equal_nan=True)
    assert [scene(message).domain for message in scenes] == ['indoor', 'outdoor']
    assert (info.width, info.height, info.header.frame_id) == (8, 6, 'camera_optical_frame')
    assert info.p.tolist() == [7.0, 0, 3.5, 0, 0, 7.5, 2.5, 0, 0, 0, 1, 0]


@pytest.mark.shared
@pytest.mark.parametrize(('name', 'image', 'info', 'truth', 'shape'), [
    ('hololens_rgbd_mcap', '/camera/image_raw', '/camera/camera_info', '/camera/depth/image_raw',
     (360, 540, 3)),
    ('kitti_tiny_mcap', '/camera/image_rect_color/compressed', '/camera/camera_info', None,
     (375, 1242, 3)),
    ('kitti_tiny_sqlite3', '/camera/image_rect_color/compressed', '/camera/camera_info', None,
     (375, 1242, 3)),
    ('fiducials_aruco_marker_hist', '/raspicam_node/image/compressed',
     '/raspicam_node/camera_info', None, (720, 1280, 3)),
    ('fiducials_fiducial_board_611_hist', '/raspicam_node/camera/image/compressed',
     '/raspicam_node/camera/camera_info', None, (720, 1280, 3))])
def test_camera_of_a_real_bag_is_found(shared_dir, name, image, info, truth, shape):
    with BagReader(shared_dir / 'data' / 'bags' / name) as bag:
        camera = find_camera(bag)
        measured = find_depth(bag, camera.image)
        assert picture(next(bag.messages([camera.image.name]))).shape == shape
    assert (camera.image.name, camera.camera_info.name) == (image, info)
    assert (measured and measured.name) == truth


@pytest.mark.shared
def test_depth_of_a_real_bag_is_that_of_the_files(shared_dir):
    files = shared_dir / 'data' / 'hololens' / 'depth'
    expected = cv2.imread(str(sorted(files.iterdir())[0]), cv2.IMREAD_UNCHANGED)
    message = read(shared_dir / 'data' / 'bags' / 'hololens_rgbd_mcap',
                   '/camera/depth/image_raw')[0]
    assert np.array_equal(np.rint(np.nan_to_num(depth(message)) * 1000), expected)
    assert np.median(expected[expected > 0]) == pytest.approx(1000 * np.nanmedian(depth(message)))


@pytest.mark.shared
def test_bare_file_of_a_real_bag_is_read(shared_dir, tmp_path):
    source = shared_dir / 'data' / 'bags' / 'kitti_tiny_sqlite3' / 'kitti_tiny_sqlite3.db3'
    bare = Path(shutil.copy(source, tmp_path / 'bare.db3'))
    with BagReader(bare) as bag:
        assert find_camera(bag).image.count == 7
