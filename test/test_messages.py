# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from dataclasses import fields
from dataclasses import replace
import math

import numpy as np
import pytest

pytest.importorskip('rclpy')

from diagnostic_msgs.msg import DiagnosticStatus
from sensor_msgs.msg import CameraInfo
from sensor_msgs.msg import RegionOfInterest
from std_msgs.msg import Header

from zoe_depth_ros.camera import Calibration
from zoe_depth_ros.camera import Camera
from zoe_depth_ros.errors import CameraError
from zoe_depth_ros.inference import DepthMap
from zoe_depth_ros.ros.messages import calibration_from_message
from zoe_depth_ros.ros.messages import camera_info_message
from zoe_depth_ros.ros.messages import depth_pixels
from zoe_depth_ros.ros.messages import diagnostics_status
from zoe_depth_ros.ros.messages import scale_message
from zoe_depth_ros.ros.messages import scene_message
from zoe_depth_ros.ros.statistics import Diagnosis
from zoe_depth_ros.ros.statistics import Snapshot
from zoe_depth_ros.ros.statistics import Statistics
from zoe_depth_ros.scale import Scale

HEADER = Header(frame_id='optical')
K = [500.0, 0.0, 320.0, 0.0, 510.0, 240.0, 0.0, 0.0, 1.0]
R = [0.0, -1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0]
P = [450.0, 0.0, 310.0, -54.0, 0.0, 460.0, 230.0, 0.0, 0.0, 0.0, 1.0, 0.0]


def values(status: DiagnosticStatus) -> dict[str, str]:
    return {item.key: item.value for item in status.values}


def test_calibration_has_every_field_of_its_message():
    message = CameraInfo(
        width=640, height=480, distortion_model='equidistant', d=[0.1, 0.2, 0.3, 0.4], k=K, r=R,
        p=P, binning_x=2, binning_y=3,
        roi=RegionOfInterest(x_offset=4, y_offset=5, width=600, height=300))
    assert calibration_from_message(message) == Calibration(
        640, 480, tuple(K), (0.1, 0.2, 0.3, 0.4), tuple(R), tuple(P), 'equidistant', 2, 3,
        (4, 5, 600, 300))


@pytest.mark.parametrize(('fields', 'reason'), [
    ({}, 'not calibrated'), ({'k': [math.nan] * 9}, 'nan'), ({'k': K, 'd': [math.inf]}, 'inf'),
])
def test_calibration_of_a_senseless_message_is_refused(fields, reason):
    with pytest.raises(CameraError, match=reason):
        calibration_from_message(CameraInfo(width=640, height=480, **fields))


def test_camera_info_comes_back_as_the_camera_it_was_made_of():
    camera = Camera(320, 240, 250.0, 255.0, 159.75, 119.75, tx=-27.0)
    message = camera_info_message(camera, HEADER)
    assert message.header == HEADER
    calibration = calibration_from_message(message)
    assert calibration.rectified_camera() == camera
    assert not calibration.is_distorted


def test_depth_pixels_are_metres_with_nan_or_millimetres_with_zero():
    depth_m = np.array([[1.2344, np.nan, 70.0, 0.5]], np.float32)
    assert depth_pixels(depth_m, '32FC1') is depth_m
    pixels = depth_pixels(depth_m, '16UC1')
    assert pixels.dtype == np.uint16
    assert pixels.tolist() == [[1234, 0, 0, 500]]


def test_scene_names_the_domain_and_its_probability():
    depth_m = np.ones((1, 1), np.float32)
    depth = DepthMap(depth_m, depth_m, 'outdoor', 0.75, np.zeros((1, 1, 3), np.uint8), None)
    message = scene_message(depth, HEADER)
    assert message.header == HEADER
    status, = message.status
    assert (status.message, status.level) == ('outdoor', DiagnosticStatus.OK)
    assert values(status) == {'domain': 'outdoor', 'probability': '0.750000'}
    followed = scene_message(replace(depth, since_change_s=2.5), HEADER)
    assert values(followed.status[0])['since_change_s'] == '2.500'


def test_scale_tells_factor_confidence_and_source():
    depth_m = np.ones((1, 1), np.float32)
    depth = DepthMap(depth_m, None, 'outdoor', 0.75, np.zeros((1, 1, 3), np.uint8), None)
    unknown, = scale_message(depth, 'range', HEADER).status
    assert values(unknown) == {'factor': '1.000000', 'confidence': '0.000000', 'source': 'range'}
    message = scale_message(replace(depth, scale=Scale(1.25, 0.5)), 'range', HEADER)
    assert message.header == HEADER
    assert values(message.status[0]) == {
        'factor': '1.250000', 'confidence': '0.500000', 'source': 'range'}


@pytest.mark.parametrize(('is_well', 'level'), [
    (True, DiagnosticStatus.OK), (False, DiagnosticStatus.WARN)])
def test_diagnostics_have_the_state_and_every_figure(is_well, level):
    more = {'device': 'cpu', 'model': 'tiny'}
    facts = replace(Statistics().snapshot(), frames_out=7, latency_p50_ms=1.5)
    diagnosis = Diagnosis(is_well=is_well, text='as it should be')
    status = diagnostics_status('/depth_node: depth left', diagnosis, facts, more)
    assert (status.name, status.hardware_id) == ('/depth_node: depth left', 'cpu')
    assert (status.level, status.message) == (level, 'as it should be')
    found = values(status)
    assert (found['frames_out'], found['latency_p50_ms'], found['model']) == ('7', '1.500', 'tiny')
    assert set(found) == {item.name for item in fields(Snapshot)} | set(more)
