# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The bag tool against the live node: the same frames, the same messages."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip('rclpy')

from offline_helpers import bag_of
from offline_helpers import depth_pixels
from offline_helpers import distorted_info
from offline_helpers import image
from offline_helpers import info
from offline_helpers import make
from offline_helpers import of_topic
from rclpy.serialization import deserialize_message
from ros_helpers import OUTPUTS
from ros_helpers import running_node
from sensor_msgs.msg import CameraInfo
from sensor_msgs.msg import Image

from zoe_depth_ros.offline import cameras


@pytest.fixture(scope='module', params=[False, True], ids=['straight', 'distorted'])
def both(request, weights, one_thread, tmp_path_factory) -> tuple[dict, Path]:
    """Return what a node publishes for a frame, and the bag with the same frame."""
    folder = tmp_path_factory.mktemp('both')
    calibration = distorted_info() if request.param else info(0)
    make(weights, bag_of(folder / 'b', [image(0), calibration]), output=folder / 'o')
    with running_node(folder, {'model': str(weights)}) as probe:
        probe.listen()
        probe.use_camera(deserialize_message(calibration.cdr, CameraInfo))
        answers = probe.ask(deserialize_message(image(0).cdr, Image))
    return answers, folder / 'o' / 'b'


def made(bag: Path, output: str):
    message, = of_topic(bag, f'/depth_node/{output}')
    return message


def test_live_and_offline_depth_are_equal_to_the_last_bit(both):
    answers, bag = both
    live = np.frombuffer(answers['depth/image'].data, '<f4')
    assert np.isfinite(live).any()
    assert live.tobytes() == depth_pixels(made(bag, 'depth/image')).tobytes()


def test_live_and_offline_points_are_equal_to_the_last_bit(both):
    answers, bag = both
    live, offline = answers['points'], made(bag, 'points')
    assert bytes(live.data) == bytes(offline.data)
    for name in ('height', 'width', 'point_step', 'row_step', 'is_dense', 'is_bigendian'):
        assert getattr(live, name) == getattr(offline, name), name
    layouts = [[(item.name, item.offset, item.datatype, item.count) for item in cloud.fields]
               for cloud in (live, offline)]
    assert layouts[0] == layouts[1]


def test_live_and_offline_cameras_are_equal(both):
    answers, bag = both
    live, offline = answers['depth/camera_info'], made(bag, 'depth/camera_info')
    for name in ('height', 'width', 'distortion_model', 'binning_x', 'binning_y'):
        assert getattr(live, name) == getattr(offline, name), name
    for name in ('d', 'k', 'r', 'p'):
        assert list(getattr(live, name)) == list(getattr(offline, name)), name


def test_live_and_offline_scenes_are_equal_but_for_what_came_before(both):
    answers, bag = both
    facts = [
        (status.level, status.name, status.message, status.hardware_id,
         [(item.key, item.value) for item in status.values if item.key != 'since_change_s'])
        for status in (answers['scene'].status[0], made(bag, 'scene').status[0])]
    assert facts[0][1:] == facts[1][1:]
    assert int.from_bytes(facts[0][0], 'little') == int(facts[1][0])


def test_offline_topics_are_those_of_the_live_node():
    assert set(cameras.OUTPUTS) - {cameras.STD_DEV} <= set(OUTPUTS)
