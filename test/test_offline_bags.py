# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Bags with depth: what is in them, read by independent readers."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
import pickle
import shutil

from bag_helpers import changed
from network_helpers import random_rgb
import numpy as np
from offline_helpers import bag_of
from offline_helpers import CAMERA
from offline_helpers import compressed
from offline_helpers import decoded
from offline_helpers import depth_pixels
from offline_helpers import distorted_info
from offline_helpers import header
from offline_helpers import IMAGE
from offline_helpers import image
from offline_helpers import INFO
from offline_helpers import info
from offline_helpers import make
from offline_helpers import of_topic
from offline_helpers import raw
from offline_helpers import recording
from offline_helpers import rows
from offline_helpers import stamp_ns
from offline_helpers import START_NS
from offline_helpers import TEXT
from offline_helpers import text
import pytest
from rosbags.interfaces import QosDurability
from rosbags.interfaces import QosReliability
from rosbags.rosbag1 import Writer as Ros1Writer
from rosbags.rosbag2 import CompressionFormat
from rosbags.rosbag2 import CompressionMode
from rosbags.rosbag2 import Reader
from rosbags.rosbag2 import StoragePlugin
from rosbags.rosbag2 import Writer
from rosbags.typesys import get_types_from_msg
from rosbags.typesys import get_typestore
from rosbags.typesys import Stores
import yaml

from zoe_depth_ros.bag.decode import calibration
from zoe_depth_ros.bag.decode import colored_points
from zoe_depth_ros.bag.decode import scene
from zoe_depth_ros.bag.lenient import LenientReader
from zoe_depth_ros.bag.merge import merge_bags
from zoe_depth_ros.bag.reader import BagReader
from zoe_depth_ros.bag.record import LATCHED
from zoe_depth_ros.bag.record import TopicRecord
from zoe_depth_ros.bag.search import FoundBag
from zoe_depth_ros.bag.typestore import TYPESTORE
from zoe_depth_ros.errors import BagError
from zoe_depth_ros.errors import ConfigError
from zoe_depth_ros.geometry import Rectifier
from zoe_depth_ros.offline.config import node_config
from zoe_depth_ros.offline.config import OfflineConfig
from zoe_depth_ros.offline.job import OutputPlace
from zoe_depth_ros.offline.job import plan_segments

DEPTH, STD_DEV = '/depth_node/depth/image', '/depth_node/depth/std_dev'
POINTS, SCENE = '/depth_node/points', '/depth_node/scene'
DEPTH_INFO = '/depth_node/depth/camera_info'
IMAGE_RECT = '/depth_node/image_rect'
MADE = {DEPTH, STD_DEV, POINTS, SCENE, DEPTH_INFO}

pytestmark = pytest.mark.usefixtures('one_thread')


@pytest.fixture(scope='module')
def output(weights, one_thread, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp('plain')
    make(weights, bag_of(folder / 'drive', recording()), output=folder / 'out')
    return folder / 'out' / 'drive'


def test_offline_output_holds_every_original_byte_by_byte(output):
    originals = [(message.topic, message.stamp_ns, message.cdr) for message in recording()]
    assert raw(output, IMAGE, INFO, TEXT) == originals


def test_offline_output_is_ordered_by_time_and_outputs_follow_their_image(output):
    times_ns = [time_ns for _, time_ns, _ in decoded(output)]
    assert times_ns == sorted(times_ns)
    topics = [topic for topic, _, _ in decoded(output)]
    assert topics[0] == IMAGE
    assert set(topics[1:6]) == MADE


def test_offline_every_frame_has_every_output_under_its_header(output):
    for topic in MADE:
        messages = of_topic(output, topic)
        assert [stamp_ns(message) for message in messages] == [
            header(number).stamp_ns for number in range(4)]
        assert {message.header.frame_id for message in messages} == {'eye'}


def test_offline_depth_and_deviation_are_those_of_the_estimator(output, estimator):
    found = zip(of_topic(output, DEPTH), of_topic(output, STD_DEV), strict=True)
    for number, (depth, deviation) in enumerate(found):
        expected = estimator.estimate(random_rgb(number))
        assert np.array_equal(depth_pixels(depth), expected.depth_m, equal_nan=True)
        assert np.array_equal(depth_pixels(deviation), expected.std_dev_m, equal_nan=True)
        assert depth.step == 4 * depth.width


def test_offline_camera_info_and_scene_are_those_of_the_depth(output, estimator):
    camera = of_topic(output, DEPTH_INFO)[0]
    assert (camera.width, camera.height) == (CAMERA.width, CAMERA.height)
    assert list(camera.k) == [80, 0, 40.75, 0, 80, 22.75, 0, 0, 1]
    assert list(camera.p) == [80, 0, 40.75, 0, 0, 80, 22.75, 0, 0, 0, 1, 0]
    with BagReader(output) as bag:
        verdict = scene(next(bag.messages([SCENE])))
    expected = estimator.estimate(random_rgb(0))
    assert verdict.domain == expected.domain
    assert verdict.probability == pytest.approx(expected.domain_probability, abs=1e-5)


def test_offline_points_lie_on_the_rays_of_every_second_pixel(weights, tmp_path):
    make(
        weights, bag_of(tmp_path / 'b', recording(1)), output=tmp_path / 'o',
        node={'points.stride': 2, 'points.min_edge_angle': 0.0})
    output = tmp_path / 'o' / 'b'
    with BagReader(output) as bag:
        points_m = colored_points(next(bag.messages([POINTS]))).points_m
    depth_m = depth_pixels(of_topic(output, DEPTH)[0])[::2, ::2]
    v, u = np.mgrid[0:48:2, 0:80:2]
    expected_m = np.stack([(u - 40.75) / 80 * depth_m, (v - 22.75) / 80 * depth_m, depth_m], -1)
    far_m = np.linalg.norm(expected_m, axis=-1)
    assert np.allclose(points_m, expected_m[(far_m >= 0.1) & (far_m <= 40)], atol=1e-5)
    cloud = of_topic(output, POINTS)[0]
    assert (cloud.height, cloud.width, cloud.point_step) == (1, len(points_m), 16)
    assert cloud.row_step == len(cloud.data) == 16 * len(points_m)


def test_offline_metadata_counts_what_is_there(output):
    facts = yaml.safe_load((output / 'metadata.yaml').read_text())['rosbag2_bagfile_information']
    counts = {item['topic_metadata']['name']: item['message_count']
              for item in facts['topics_with_message_count']}
    assert counts == Counter(topic for topic, _, _ in decoded(output))
    assert facts['message_count'] == sum(counts.values()) == 4 * 8
    assert facts['version'] == 8  # the newest that Humble reads
    assert facts['storage_identifier'] == 'mcap'
    first, last = recording()[0].stamp_ns, recording()[-1].stamp_ns
    assert facts['starting_time']['nanoseconds_since_epoch'] == first
    assert facts['duration']['nanoseconds'] == last - first


def test_offline_outputs_are_offered_reliable_and_volatile(output):
    with Reader(output) as reader:
        for link in reader.connections:
            qos, = link.ext.offered_qos_profiles
            assert qos.reliability == QosReliability.RELIABLE
            assert qos.durability == QosDurability.VOLATILE


def test_offline_report_counts_topics_and_frames(weights, tmp_path):
    report = make(weights, bag_of(tmp_path / 'b', recording()), output=tmp_path / 'o')
    assert report.is_whole
    work = report.bags[0].work
    counts = {item.topic: (item.recorded, item.read, item.written) for item in work.topics}
    assert counts == {
        IMAGE: (4, 4, 4), INFO: (4, 4, 4), TEXT: (4, 4, 4), **dict.fromkeys(MADE, (None, 0, 4))}
    camera, = work.cameras
    assert (camera.frames, camera.estimated, camera.indoor + camera.outdoor) == (4, 4, 4)
    assert camera.without_calibration == 0
    assert sum(camera.depth.counts) + camera.depth.others == 4 * 6 * 10
    assert sum(work.latency.counts) + work.latency.others == 4
    assert 0 < work.network_s < work.wall_s
    assert len(work.samples) == 4


@pytest.mark.parametrize(('keep', 'kept'), [
    (('all',), {IMAGE, INFO, TEXT}), (('none',), set()), ((TEXT, '/not/there'), {TEXT})])
def test_offline_keeps_the_topics_that_are_wanted(weights, tmp_path, keep, kept):
    make(weights, bag_of(tmp_path / 'b', recording(2)), output=tmp_path / 'o', keep=keep)
    assert {topic for topic, _, _ in raw(tmp_path / 'o' / 'b')} == MADE | kept


def test_offline_sqlite3_holds_the_same_messages(weights, tmp_path):
    path = bag_of(tmp_path / 'b', recording(2))
    make(weights, path, output=tmp_path / 'mcap')
    make(weights, path, output=tmp_path / 'db', storage='sqlite3')
    assert rows(tmp_path / 'db' / 'b') == raw(tmp_path / 'mcap' / 'b')


def test_offline_compressed_images_give_the_same_depth(weights, tmp_path, output):
    messages = [message for n in range(2) for message in (compressed(n), info(n))]
    make(weights, bag_of(tmp_path / 'b', messages), output=tmp_path / 'o')
    found = of_topic(tmp_path / 'o' / 'b', DEPTH)
    for depth, expected in zip(found, of_topic(output, DEPTH)[:2], strict=True):
        assert depth.data == expected.data


def test_offline_segments_change_nothing_but_the_files(weights, tmp_path, output):
    report = make(
        weights, bag_of(tmp_path / 'drive', recording()), output=tmp_path / 'o', segment_s=0.15)
    folder = tmp_path / 'o' / 'drive'
    assert report.bags[0].segments == 3
    assert sorted(path.name for path in folder.glob('*.mcap')) == [
        'drive_0.mcap', 'drive_1.mcap', 'drive_2.mcap']
    assert raw(folder) == raw(output)
    with Reader(folder) as reader:
        assert reader.message_count == len(list(reader.messages())) == len(raw(output))


def test_offline_domain_is_followed_from_one_file_to_the_next(weights, tmp_path):
    bag = bag_of(tmp_path / 'drive', recording())
    for name, options in (
            ('whole', {}), ('parts', {'segment_s': 0.15}),
            ('cold', {'segment_s': 0.15, 'warm_up_s': 0.0})):
        make(weights, bag, output=tmp_path / name, **options)
    whole, parts, cold = (raw(tmp_path / name / 'drive') for name in ('whole', 'parts', 'cold'))
    assert parts == whole
    assert cold != whole  # how long ago the domain changed, for one


def test_offline_gap_in_a_recording_leaves_no_empty_file(weights, tmp_path):
    messages = [image(0), info(0), image(30), info(30)]
    make(weights, bag_of(tmp_path / 'b', messages), output=tmp_path / 'o', segment_s=0.5)
    assert len(list((tmp_path / 'o' / 'b').glob('*.mcap'))) == 2
    with Reader(tmp_path / 'o' / 'b') as reader:
        assert len(list(reader.messages())) == reader.message_count == 4 + 2 * 5


def test_offline_camera_info_is_the_nearest_by_stamp_also_across_segments(weights, tmp_path):
    near, far = replace(CAMERA, fx=90.0), replace(CAMERA, fx=70.0)
    # The calibration for image 2 was recorded after it and after image 3.
    messages = [info(0, far), image(0), image(2), image(3), info(3, far)]
    messages.append(replace(info(2, near), stamp_ns=image(4).stamp_ns))
    make(weights, bag_of(tmp_path / 'b', messages), output=tmp_path / 'o', segment_s=0.15)
    focal = [message.k[0] for message in of_topic(tmp_path / 'o' / 'b', DEPTH_INFO)]
    assert focal == [70, 90, 70]


def test_offline_one_camera_info_serves_a_whole_recording(weights, tmp_path):
    messages = [info(0), *(image(number) for number in range(0, 200, 50))]
    report = make(weights, bag_of(tmp_path / 'b', messages), output=tmp_path / 'o', segment_s=1.0)
    assert report.bags[0].work.cameras[0].without_calibration == 0
    assert len(of_topic(tmp_path / 'o' / 'b', POINTS)) == 4


def test_offline_without_camera_info_there_is_depth_but_no_points(weights, tmp_path):
    report = make(weights, bag_of(tmp_path / 'b', [image(0), text(0)]), output=tmp_path / 'o')
    assert report.bags[0].work.cameras[0].without_calibration == 1
    assert {topic for topic, _, _ in raw(tmp_path / 'o' / 'b')} == {
        IMAGE, TEXT, DEPTH, STD_DEV, SCENE}


def test_offline_unusable_camera_info_counts_as_none(weights, tmp_path):
    broken = changed(info(0), k=np.zeros(9))
    report = make(weights, bag_of(tmp_path / 'b', [image(0), broken]), output=tmp_path / 'o')
    assert report.bags[0].work.cameras[0].without_calibration == 1


def test_offline_distorted_images_are_undistorted_as_by_the_node(weights, tmp_path, estimator):
    distorted = distorted_info()
    make(weights, bag_of(tmp_path / 'b', [image(0), distorted]), output=tmp_path / 'o')
    rectifier = Rectifier(calibration(distorted))
    expected_m = estimator.estimate(rectifier.rectify(random_rgb(0))).depth_m
    found_m = depth_pixels(of_topic(tmp_path / 'o' / 'b', DEPTH)[0])
    seen = rectifier.seen(found_m.shape)
    assert 0 < (~seen).sum() < seen.size
    assert np.array_equal(found_m, np.where(seen, expected_m, np.nan), equal_nan=True)


def test_offline_rectified_topics_are_taken_as_they_are(weights, tmp_path, estimator):
    distorted = distorted_info()
    rect = image(0, '/camera/image_rect_color')
    make(weights, bag_of(tmp_path / 'b', [rect, distorted]), output=tmp_path / 'o')
    expected_m = estimator.estimate(random_rgb(0)).depth_m
    found_m = depth_pixels(of_topic(tmp_path / 'o' / 'b', DEPTH)[0])
    assert np.array_equal(found_m, expected_m, equal_nan=True)


@pytest.mark.parametrize(('choice', 'topics'), [
    ('auto', {f'{IMAGE}_distorted'}), ('always', {IMAGE, f'{IMAGE}_distorted'}), ('never', set())])
def test_offline_image_rect_is_written_where_the_recorded_image_is_another(
        weights, tmp_path, choice, topics):
    cameras = {IMAGE: info(0), f'{IMAGE}_distorted': distorted_info()}
    for number, (topic, calibration_) in enumerate(cameras.items()):
        make(
            weights, bag_of(tmp_path / str(number), [image(0, topic), calibration_]),
            output=tmp_path / 'o', image_rect=choice)
        found = of_topic(tmp_path / 'o' / str(number), IMAGE_RECT)
        assert len(found) == (topic in topics)


def test_offline_depth_its_camera_info_and_image_rect_belong_together(weights, tmp_path):
    messages = [distorted_info(), *(image(number) for number in range(3))]
    make(weights, bag_of(tmp_path / 'b', messages), output=tmp_path / 'o', segment_s=0.15)
    output = tmp_path / 'o' / 'b'
    rectifier = Rectifier(calibration(distorted_info()))
    triples = zip(*(of_topic(output, topic) for topic in (DEPTH, DEPTH_INFO, IMAGE_RECT)),
                  strict=True)
    for number, triple in enumerate(triples):
        assert {stamp_ns(message) for message in triple} == {header(number).stamp_ns}
        assert {message.header.frame_id for message in triple} == {'eye'}
        assert {(message.width, message.height) for message in triple} == {(80, 48)}
        _, camera, rect = triple
        pixels = np.frombuffer(rect.data, np.uint8).reshape(48, 80, 3)
        assert (rect.encoding, rect.step) == ('rgb8', 240)
        assert np.array_equal(pixels, rectifier.rectify(random_rgb(number)))
        assert list(camera.d) == [0] * 5
        assert list(camera.p[:3]) == list(camera.k[:3])
    assert number == 2


def test_offline_image_rect_has_the_size_of_depth_that_is_not_the_images(weights, tmp_path):
    make(
        weights, bag_of(tmp_path / 'b', [image(0), info(0)]), output=tmp_path / 'o',
        node={'output_size': 'network'})
    output = tmp_path / 'o' / 'b'
    depth, rect = of_topic(output, DEPTH)[0], of_topic(output, IMAGE_RECT)[0]
    assert (rect.width, rect.height) == (depth.width, depth.height) != (80, 48)


def test_offline_output_of_a_distorted_camera_can_be_done_again(weights, tmp_path):
    make(weights, bag_of(tmp_path / 'b', [image(0), distorted_info()]), output=tmp_path / 'o')
    first = tmp_path / 'o' / 'b'
    make(weights, first, output=tmp_path / 'again')
    assert raw(tmp_path / 'again' / 'b') == raw(first)
    make(weights, first, output=tmp_path / 'rect', images=(IMAGE_RECT,), image_rect='always')
    found = tmp_path / 'rect' / 'b'
    assert raw(found, IMAGE_RECT) == raw(first, IMAGE_RECT)
    assert raw(found, DEPTH_INFO) == raw(first, DEPTH_INFO)


def two_cameras() -> list:
    return [message for n in range(2) for message in (
        image(n, '/left/image_raw'), info(n, topic='/left/camera_info'),
        image(n + 5, '/right/image_raw'),
        info(n, replace(CAMERA, fx=70.0), topic='/right/camera_info'))]


def test_offline_several_cameras_have_the_topics_of_nodes_in_their_namespaces(weights, tmp_path):
    make(
        weights, bag_of(tmp_path / 'b', two_cameras()), output=tmp_path / 'o',
        images=('/left/image_raw', '/right/image_raw'), keep=('none',))
    folder = tmp_path / 'o' / 'b'
    topics = {topic for topic, _, _ in raw(folder)}
    assert topics == {f'/{side}{topic}' for side in ('left', 'right') for topic in MADE}
    focal = {side: of_topic(folder, f'/{side}{DEPTH_INFO}')[0].k[0] for side in ('left', 'right')}
    assert focal == {'left': 80, 'right': 70}
    assert of_topic(folder, f'/left{DEPTH}')[0].data != of_topic(folder, f'/right{DEPTH}')[0].data


def test_offline_one_of_several_cameras_has_the_topics_of_a_single_node(weights, tmp_path):
    make(
        weights, bag_of(tmp_path / 'b', two_cameras()), output=tmp_path / 'o',
        images=('/right/image_raw',), keep=('none',))
    assert {topic for topic, _, _ in raw(tmp_path / 'o' / 'b')} == MADE


def test_offline_several_cameras_without_a_choice_are_one_clear_error(weights, tmp_path):
    report = make(weights, bag_of(tmp_path / 'b', two_cameras()), output=tmp_path / 'o')
    failure, = report.failures
    assert '2 image topics' in failure.reason
    assert '/left/image_raw' in failure.reason
    assert '/right/image_raw' in failure.reason
    assert not report.is_whole


def test_offline_images_of_two_cameras_in_one_namespace_keep_apart(weights, tmp_path):
    messages = [image(0, '/rig/left'), image(1, '/rig/right')]
    make(
        weights, bag_of(tmp_path / 'b', messages), output=tmp_path / 'o',
        images=('/rig/left', '/rig/right'), keep=('none',))
    topics = {topic for topic, _, _ in raw(tmp_path / 'o' / 'b')}
    assert {f'/rig/left{DEPTH}', f'/rig/right{DEPTH}'} <= topics


def test_offline_batches_keep_order_and_headers(weights, tmp_path, output):
    make(weights, bag_of(tmp_path / 'b', recording()), output=tmp_path / 'o', batch=3)
    folder = tmp_path / 'o' / 'b'
    assert [item[:2] for item in raw(folder)] == [item[:2] for item in raw(output)]
    pairs = zip(of_topic(folder, DEPTH), of_topic(output, DEPTH), strict=True)
    for found, expected in pairs:
        assert np.allclose(
            depth_pixels(found), depth_pixels(expected), rtol=1e-4, equal_nan=True)


def test_offline_millimetres_are_rounded_metres(weights, tmp_path, output):
    make(
        weights, bag_of(tmp_path / 'b', recording(1)), output=tmp_path / 'o',
        node={'depth_encoding': '16UC1'})
    message, = of_topic(tmp_path / 'o' / 'b', DEPTH)
    assert message.encoding == '16UC1'
    depth_mm = np.frombuffer(message.data, '<u2').reshape(message.height, message.width)
    depth_m = depth_pixels(of_topic(output, DEPTH)[0])
    assert np.array_equal(depth_mm, np.where(np.isnan(depth_m), 0, np.rint(depth_m * 1000)))


def test_offline_depth_of_an_earlier_run_is_replaced_not_mixed(weights, tmp_path):
    first = bag_of(tmp_path / 'b', recording(2))
    make(weights, first, output=tmp_path / 'o')
    make(weights, tmp_path / 'o' / 'b', output=tmp_path / 'again', images=(IMAGE,))
    assert raw(tmp_path / 'again' / 'b') == raw(tmp_path / 'o' / 'b')


STORAGES = {
    'sqlite3': (StoragePlugin.SQLITE3, CompressionMode.NONE),
    'sqlite3_messages': (StoragePlugin.SQLITE3, CompressionMode.MESSAGE),
    'mcap_file': (StoragePlugin.MCAP, CompressionMode.FILE),
    'mcap': (StoragePlugin.MCAP, CompressionMode.NONE),
}


def written_elsewhere(path: Path, storage: str) -> Path:
    plugin, compression = STORAGES[storage]
    writer = Writer(path, version=9, storage_plugin=plugin)
    writer.set_compression(compression, CompressionFormat.ZSTD)
    with writer:
        links = {}
        for message in recording(2):
            if message.topic not in links:
                links[message.topic] = writer.add_connection(
                    message.topic, message.type_name, typestore=TYPESTORE)
            writer.write(links[message.topic], message.stamp_ns, message.cdr)
    return path


@pytest.mark.parametrize('storage', STORAGES)
def test_offline_reads_every_storage(weights, tmp_path, output, storage):
    report = make(weights, written_elsewhere(tmp_path / 'b', storage), output=tmp_path / 'o')
    assert report.is_whole
    assert raw(tmp_path / 'o' / 'b') == raw(output)[:len(raw(tmp_path / 'o' / 'b'))]
    assert len(of_topic(tmp_path / 'o' / 'b', DEPTH)) == 2


def test_offline_reads_split_bags(weights, tmp_path, output):
    parts = [bag_of(tmp_path / str(n), recording()[3 * n:3 * n + 3]) for n in range(4)]
    merge_bags(parts, tmp_path / 'split', 'split')
    make(weights, tmp_path / 'split', output=tmp_path / 'o')
    assert raw(tmp_path / 'o' / 'split') == raw(output)


def ros1_bag(path: Path) -> Path:
    store = get_typestore(Stores.ROS1_NOETIC)
    other = get_typestore(Stores.EMPTY)
    other.register(get_types_from_msg('int32 value', 'own_msgs/msg/Own'))
    with Ros1Writer(path) as bag:
        links = {}
        for message in recording(2):
            if message.topic not in links:
                links[message.topic] = bag.add_connection(
                    message.topic, message.type_name, typestore=store,
                    latching=int(message.topic == TEXT))
            bag.write(
                links[message.topic], message.stamp_ns,
                TYPESTORE.cdr_to_ros1(message.cdr, message.type_name))
        own = bag.add_connection('/own', 'own_msgs/msg/Own', typestore=other)
        bag.write(own, START_NS, b'\x01\x00\x00\x00')
    return path


def test_offline_reads_bags_of_ros_1_and_tells_what_ros_2_does_not_know(
        weights, tmp_path, output):
    report = make(weights, ros1_bag(tmp_path / 'old.bag'), output=tmp_path / 'o')
    expected = raw(output)[:len(raw(tmp_path / 'o' / 'old'))]
    assert raw(tmp_path / 'o' / 'old', DEPTH, POINTS, IMAGE) == [
        item for item in expected if item[0] in (DEPTH, POINTS, IMAGE)]
    dropped, = report.bags[0].work.dropped
    assert (dropped.topic, dropped.count) == ('/own', 1)
    with Reader(tmp_path / 'o' / 'old') as reader:
        qos = {link.topic: link.ext.offered_qos_profiles[0] for link in reader.connections}
    assert qos[TEXT].durability == QosDurability.TRANSIENT_LOCAL
    assert qos[IMAGE].durability == QosDurability.VOLATILE


def test_offline_keeps_qos_and_definitions_of_unknown_types(weights, tmp_path):
    odd = replace(text(0), topic='/odd', type_name='own_msgs/msg/Own', cdr=b'\0\1\0\0\7\0\0\0')
    record = TopicRecord('/odd', 'own_msgs/msg/Own', 'int32 value', 'RIHS01_own', (LATCHED,))
    path = bag_of(tmp_path / 'b', [*recording(1), odd], records={'/odd': record})
    make(weights, path, output=tmp_path / 'o')
    message, = of_topic(tmp_path / 'o' / 'b', '/odd')
    assert message.value == 7
    with Reader(tmp_path / 'o' / 'b') as reader:
        link, = [link for link in reader.connections if link.topic == '/odd']
    assert link.ext.offered_qos_profiles == [LATCHED]
    assert link.digest == 'RIHS01_own'


def test_offline_finds_bags_in_folders_and_names_outputs_like_them(weights, tmp_path):
    bag_of(tmp_path / 'in' / 'monday' / 'a', recording(1))
    bag_of(tmp_path / 'in' / 'tuesday' / 'a', recording(1))
    bare = bag_of(tmp_path / 'c', recording(1)) / 'c.mcap'
    shutil.move(bare, tmp_path / 'in' / 'alone.mcap')
    output = tmp_path / 'in' / 'out'  # inside of what is searched
    for _ in range(2):
        report = make(weights, tmp_path / 'in', output=output)
        assert [bag.name for bag in report.bags] == ['alone', 'monday/a', 'tuesday/a']
    assert (output / 'monday' / 'a' / 'metadata.yaml').exists()
    assert (output / 'alone' / 'alone_0.mcap').exists()


def test_offline_bags_with_one_output_are_refused(weights, tmp_path):
    for name in ('x', 'y'):
        bag_of(tmp_path / name / 'a', recording(1))
    with pytest.raises(BagError, match='would have one output: a'):
        make(weights, tmp_path / 'x', tmp_path / 'y', output=tmp_path / 'o')


def test_offline_nothing_to_read_is_refused(weights, tmp_path):
    with pytest.raises(BagError, match='no bag'):
        make(weights, tmp_path / 'nowhere', output=tmp_path / 'o')
    (tmp_path / 'empty').mkdir()
    with pytest.raises(BagError, match='no bag in'):
        make(weights, tmp_path / 'empty', output=tmp_path / 'o')


def test_offline_parts_can_be_sent_to_other_processes(tmp_path):
    path = bag_of(tmp_path / 'b', recording(2))
    place = OutputPlace(FoundBag(path, 'b'), tmp_path / 'o' / 'b', OfflineConfig())
    with LenientReader(path) as bag:
        jobs = plan_segments(place, bag)
    assert pickle.loads(pickle.dumps(jobs)) == jobs


@pytest.mark.parametrize(('options', 'text'), [
    ({'storage': 'csv'}, "storage = 'csv'"), ({'batch': 0}, 'batch = 0'),
    ({'exports': ('gif',)}, "exports = 'gif'"), ({'segment_s': 0.0}, 'segment_s = 0.0'),
    ({'images': ('image',)}, "topic 'image'"), ({'keep': ('all', '/a')}, 'keep'),
])
def test_offline_config_names_the_wrong_value(options, text):
    with pytest.raises(ConfigError, match=text):
        OfflineConfig(**options)


def test_offline_node_options_have_the_names_of_the_nodes_parameters():
    config = node_config({'domain': 'indoor', 'points.stride': 4, 'rectify': 'never'})
    assert (config.estimator.domain, config.points.stride, config.rectify) == (
        'indoor', 4, 'never')
    with pytest.raises(ConfigError, match='nonsense'):
        node_config({'nonsense': 1})


@pytest.mark.shared
def test_offline_reads_real_bags(shared_dir, tmp_path):
    bags = shared_dir / 'data' / 'bags'
    report = make(
        Path('zoed_mini_nk'), bags / 'kitti_tiny_mcap', bags / 'kitti_tiny_sqlite3',
        bags / 'fiducials_aruco_marker_hist', output=tmp_path)
    assert report.is_whole
    assert [bag.work.estimated for bag in report.bags] == [7, 7, 1]
    same = [raw(tmp_path / name, DEPTH, POINTS) for name in (
        'kitti_tiny_mcap', 'kitti_tiny_sqlite3')]
    assert same[0] == same[1]
