# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Playing to a live node and recording it, over DDS, with a real node process."""

from __future__ import annotations

from dataclasses import replace
import os
import time

import cv2
import numpy as np
import pytest

pytest.importorskip('rclpy')

from bag_helpers import bag_of
from bag_helpers import CAMERA
from bag_helpers import changed
from bag_helpers import compressed_message
from bag_helpers import HEADER
from bag_helpers import info_message
from bag_helpers import read
from bag_helpers import rgb_message
from lifecycle_msgs.srv import ChangeState
from rclpy.qos import ReliabilityPolicy
from rclpy.task import Future
from sensor_msgs.msg import Image
import torch

from zoe_depth_ros.bag.decode import deserialized
from zoe_depth_ros.bag.decode import header_stamp_ns
from zoe_depth_ros.bag.decode import with_header_stamp
from zoe_depth_ros.bag.encode import camera_info_message
from zoe_depth_ros.bag.encode import Stamped
from zoe_depth_ros.bag.reader import BagReader
from zoe_depth_ros.bag.topics import find_camera
from zoe_depth_ros.bag.writer import BagWriter
from zoe_depth_ros.demo import live
from zoe_depth_ros.demo.live import DEPTH_TOPIC
from zoe_depth_ros.demo.live import IMAGE_TOPIC
from zoe_depth_ros.demo.live import POINTS_TOPIC
from zoe_depth_ros.demo.live import RECORDED
from zoe_depth_ros.demo.run import DemoOptions
from zoe_depth_ros.demo.run import run_demo
from zoe_depth_ros.errors import BagError
from zoe_depth_ros.errors import ZoeDepthError
from zoe_depth_ros.model.checkpoint import save_checkpoint
from zoe_depth_ros.model.zoedepth import ZoeDepth
from zoe_depth_ros.ros import node_process
from zoe_depth_ros.ros.player import Player
from zoe_depth_ros.ros.recorder import Recorder
from zoe_depth_ros.ros.session import RosSession
from zoe_depth_ros.ros.session import wait_until

IMAGE_TYPE = 'sensor_msgs/msg/Image'


@pytest.fixture(scope='module')
def weights(tmp_path_factory, tiny_config) -> str:
    path = tmp_path_factory.mktemp('weights') / 'tiny.safetensors'
    torch.manual_seed(1)
    save_checkpoint(ZoeDepth(tiny_config), path)
    return str(path)


@pytest.fixture
def session(tmp_path):
    with RosSession('demo_test', tmp_path / 'dds.xml') as opened:
        yield opened


def images(count: int, gap_s: float) -> list:
    return [
        rgb_message('/image', replace(HEADER, stamp_ns=round((n + 1) * gap_s * 1e9)))
        for n in range(count)]


def test_session_leaves_the_environment_as_it_was(tmp_path, monkeypatch):
    monkeypatch.delenv('ROS_DOMAIN_ID', raising=False)
    before = dict(os.environ)
    with RosSession('demo_test', tmp_path / 'dds.xml') as opened:
        assert dict(os.environ) == before
        assert 1 <= int(opened.environment['ROS_DOMAIN_ID']) <= 101
        assert opened.environment['ROS_AUTOMATIC_DISCOVERY_RANGE'] == 'LOCALHOST'


def test_session_respects_a_domain_id_of_the_user(tmp_path, monkeypatch):
    monkeypatch.setenv('ROS_DOMAIN_ID', '87')
    with RosSession('demo_test', tmp_path / 'dds.xml') as opened:
        assert opened.environment['ROS_DOMAIN_ID'] == '87'


@pytest.mark.parametrize(('rate', 'expected_s'), [(1.0, 0.6), (2.0, 0.3)])
def test_player_keeps_the_pace_of_the_bag(session, rate, expected_s):
    player = Player(session.node, {'/image': IMAGE_TYPE})
    took_s = []
    for _ in range(3):  # a busy machine makes it late, never early
        times_ns = [at_ns for _, at_ns in player.play(images(4, 0.2), rate)]
        took_s.append((times_ns[-1] - times_ns[0]) / 1e9)
    assert min(took_s) == pytest.approx(expected_s, abs=0.15)


def test_node_process_becomes_active_though_every_answer_is_lost(
        session, weights, tmp_path, monkeypatch):
    monkeypatch.setattr(node_process, 'ASK_AGAIN_S', 0.2)
    create_client = session.node.create_client

    def client_that_hears_nothing(service_type, name):
        client = create_client(service_type, name)
        if service_type is ChangeState:
            send = client.call_async
            client.call_async = lambda request: send(request) and Future()
        return client

    monkeypatch.setattr(session.node, 'create_client', client_that_hears_nothing)
    parameters = {'model': weights, 'device': 'cpu'}
    with node_process.DepthNodeProcess(
            session, tmp_path / 'log', parameters, {}, '/front_depth') as node:
        assert session.node.count_publishers('/front_depth/depth/image') == 1
        assert node.stop() == 0


def test_player_publishes_reliably(session):
    Player(session.node, {'/image': IMAGE_TYPE})
    assert wait_until(lambda: session.node.count_publishers('/image') == 1, 10)
    player, = session.node.get_publishers_info_by_topic('/image')
    assert player.qos_profile.reliability == ReliabilityPolicy.RELIABLE


def test_recorder_keeps_every_byte_and_the_time_of_arrival(session, tmp_path):
    message = rgb_message('/image')
    before_ns = time.time_ns()
    with BagWriter(tmp_path / 'bag') as bag:
        recorder = Recorder(session.node, {'/image': IMAGE_TYPE}, bag)
        publisher = session.node.create_publisher(Image, '/image', 10)
        assert recorder.wait_for_publishers(10)
        assert wait_until(lambda: publisher.get_subscription_count() > 0, 10)
        publisher.publish(message.cdr)
        assert wait_until(lambda: bool(recorder.arrivals('/image')), 10)
        recorder.close()
    assert recorder.heard == {'/image'}
    arrival, = recorder.arrivals('/image')
    found, = read(tmp_path / 'bag', '/image')
    assert (found.cdr, found.stamp_ns) == (message.cdr, arrival.at_ns)
    assert arrival.stamp_ns == HEADER.stamp_ns
    assert before_ns <= arrival.at_ns <= time.time_ns()


def test_recorder_hears_what_is_too_old_to_be_written(session, tmp_path):
    with BagWriter(tmp_path / 'bag') as bag:
        recorder = Recorder(session.node, {'/image': IMAGE_TYPE}, bag, HEADER.stamp_ns)
        publisher = session.node.create_publisher(Image, '/image', 10)
        assert recorder.wait_for_publishers(10)
        assert wait_until(lambda: publisher.get_subscription_count() > 0, 10)
        assert not recorder.heard
        message = rgb_message('/image')
        publisher.publish(with_header_stamp(message.cdr, HEADER.stamp_ns - 1))
        assert wait_until(lambda: '/image' in recorder.heard, 10)
        assert recorder.arrivals('/image') == ()
        publisher.publish(message.cdr)
        assert wait_until(lambda: bool(recorder.arrivals('/image')), 10)
        recorder.close()
    assert [found.cdr for found in read(tmp_path / 'bag', '/image')] == [message.cdr]


def test_demo_of_a_generated_drive_makes_figures_bags_and_pictures(weights, tmp_path):
    report = run_demo(DemoOptions(model=weights, output=tmp_path, seconds=6.0, fps=1.0))
    assert (report.frames_in, report.exit_code) == (6, 0)
    assert report.frames_out == 6  # slow enough that the node would drop none
    assert report.fps_in == pytest.approx(1.0, rel=0.1)
    assert 0 < report.latency_p50_s <= report.latency_p99_s < 5
    assert [item.domain for item in report.domains] == ['indoor', 'outdoor']
    assert all(item.metrics.rel > 0 for item in report.domains)
    assert sum(item.frames for item in report.domains) == 6
    with BagReader(tmp_path / 'recording') as bag:
        assert {(topic.name, topic.count) for topic in bag.topics} == {
            (topic, 6) for topic in RECORDED}
    drive, depths, pictures = (
        read(tmp_path / folder, topic) for folder, topic in (
            ('drive', '/camera/image_raw'), ('recording', DEPTH_TOPIC),
            ('recording', IMAGE_TOPIC)))
    for one, other, third in zip(drive, depths, pictures, strict=True):
        assert header_stamp_ns(one.cdr) == header_stamp_ns(other.cdr)
        assert deserialized(other).header.frame_id == 'camera_optical_frame'
        assert np.array_equal(deserialized(one).data, deserialized(third).data)
    for name in ('preview.png', 'cloud.png'):
        assert cv2.imread(str(tmp_path / name)).std() > 20


def test_demo_of_one_compressed_image_without_camera_info_has_depth(weights, tmp_path):
    bag = bag_of(tmp_path / 'bag', compressed_message('/front/jpegs'))
    report = run_demo(DemoOptions(bag, model=weights, output=tmp_path / 'out'))
    assert (report.frames_in, report.frames_out, report.exit_code) == (1, 1, 0)
    with BagReader(tmp_path / 'out' / 'recording') as recording:
        assert POINTS_TOPIC not in {topic.name for topic in recording.topics}
    assert (tmp_path / 'out' / 'preview.png').exists()
    assert not (tmp_path / 'out' / 'cloud.png').exists()


def test_demo_waits_until_the_node_has_the_calibration(weights, tmp_path, monkeypatch):
    send, sent = Player.send, []

    def lose_the_first_calibration(player, message):
        sent.append(message)
        if message.topic != '/camera_info' or len(sent) > 1:
            send(player, message)

    monkeypatch.setattr(Player, 'send', lose_the_first_calibration)
    info = camera_info_message('/camera_info', CAMERA, replace(
        HEADER, stamp_ns=HEADER.stamp_ns + 10**9))
    bag = bag_of(tmp_path / 'bag', rgb_message('/image'), info)
    report = run_demo(DemoOptions(bag, model=weights, output=tmp_path / 'out'))
    assert (report.frames_out, report.exit_code) == (1, 0)
    with BagReader(tmp_path / 'out' / 'recording') as recording:
        assert {(topic.name, topic.count) for topic in recording.topics} == {
            (topic, 1) for topic in RECORDED}
    assert (tmp_path / 'out' / 'cloud.png').exists()


def test_demo_of_a_camera_that_is_not_calibrated_waits_for_no_cloud(
        weights, tmp_path, monkeypatch):
    monkeypatch.setattr(live, 'AHEAD_TIMEOUT_S', 60 * live.AHEAD_PERIOD_S)
    send, images = Player.send, []

    def count_images(player, message):
        send(player, message)
        images.extend([message] if message.topic == '/image' else [])

    monkeypatch.setattr(Player, 'send', count_images)
    info = changed(info_message('/camera_info'), k=np.zeros(9), p=np.zeros(12))
    bag = bag_of(tmp_path / 'bag', info, rgb_message('/image'))
    report = run_demo(DemoOptions(bag, model=weights, output=tmp_path / 'out'))
    assert (report.frames_out, report.exit_code) == (1, 0)
    assert 2 <= len(images) < 30
    assert not (tmp_path / 'out' / 'cloud.png').exists()


def test_demo_without_weights_tells_what_the_node_said(tmp_path):
    bag = bag_of(tmp_path / 'bag', rgb_message('/image'))
    with pytest.raises(ZoeDepthError, match=r'did not become active .*no\.safetensors'):
        run_demo(DemoOptions(bag, model=str(tmp_path / 'no.safetensors'), output=tmp_path / 'o'))
    assert not (tmp_path / 'o' / 'recording').exists()


def test_demo_of_images_the_node_refuses_tells_why(weights, tmp_path, monkeypatch):
    for name in ('LAST_DEPTH_TIMEOUT_S', 'AHEAD_TIMEOUT_S'):
        monkeypatch.setattr(live, name, 5.0)
    other = camera_info_message('/camera_info', CAMERA.resized(16, 12), HEADER)
    # Images come when the node is sure to have their calibration.
    images = [rgb_message('/image', Stamped(HEADER.stamp_ns + number * 10**9, 'eye'))
              for number in (1, 2)]
    bag = bag_of(tmp_path / 'bag', other, *images)
    with pytest.raises(ZoeDepthError, match=r'published no depth .*dropped: image .* 16x12'):
        run_demo(DemoOptions(bag, model=weights, output=tmp_path / 'out'))


def test_demo_of_its_own_recording_is_refused(tmp_path):
    bag = bag_of(tmp_path / 'bag', rgb_message('/depth_node/image_rect'))
    with pytest.raises(BagError, match=r'image_rect in bag .* is what depth_node publishes'):
        run_demo(DemoOptions(bag, output=tmp_path / 'out'))


@pytest.mark.shared
@pytest.mark.parametrize('name', ['kitti_tiny_sqlite3', 'fiducials_fiducial_board_611_hist'])
def test_demo_of_a_real_bag_has_depth_for_its_last_image(weights, shared_dir, tmp_path, name):
    bag = shared_dir / 'data' / 'bags' / name
    report = run_demo(DemoOptions(bag, model=weights, output=tmp_path))
    assert report.exit_code == 0
    with BagReader(bag) as source:
        image = find_camera(source).image
        images = list(source.messages([image.name]))
    assert report.frames_in == len(images)
    assert 1 <= report.frames_out <= len(images)
    last = read(tmp_path / 'recording', DEPTH_TOPIC)[-1]
    assert header_stamp_ns(last.cdr) == header_stamp_ns(images[-1].cdr)
    assert (tmp_path / 'cloud.png').exists()
