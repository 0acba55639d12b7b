# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What the doctor concludes from facts that are hard to bring about on one machine."""

from __future__ import annotations

from dataclasses import replace
import math
from pathlib import Path
import subprocess
import sys
from typing import Any

import pytest

pytest.importorskip('rclpy')

from rclpy.qos import QoSProfile
from ros_inputs import info_message
import yaml

from zoe_depth_ros.camera import Camera
from zoe_depth_ros.ros.doctor.check_inputs import check_publishers
from zoe_depth_ros.ros.doctor.check_node import check_device
from zoe_depth_ros.ros.doctor.check_node import check_presence
from zoe_depth_ros.ros.doctor.check_node import check_weights
from zoe_depth_ros.ros.doctor.check_times import check_transforms
from zoe_depth_ros.ros.doctor.collect import pair_topics
from zoe_depth_ros.ros.doctor.facts import Arrival
from zoe_depth_ros.ros.doctor.facts import CameraFacts
from zoe_depth_ros.ros.doctor.facts import Channel
from zoe_depth_ros.ros.doctor.facts import Endpoint
from zoe_depth_ros.ros.doctor.facts import Finding
from zoe_depth_ros.ros.doctor.facts import Graph
from zoe_depth_ros.ros.doctor.facts import NodeFacts
from zoe_depth_ros.ros.doctor.facts import Stream
from zoe_depth_ros.ros.doctor.machine import device_problem
from zoe_depth_ros.ros.doctor.machine import missing_weights
from zoe_depth_ros.ros.doctor.machine import model_problem
from zoe_depth_ros.ros.doctor.stvl import fields_of_view
from zoe_depth_ros.ros.doctor.stvl import find_layer
from zoe_depth_ros.ros.doctor.stvl import stvl_file

ROOT = Path(__file__).parents[1]
FRAME = 'camera_optical_frame'
IMAGE, COMPRESSED = 'sensor_msgs/msg/Image', 'sensor_msgs/msg/CompressedImage'
IMAGES = Stream('/image', (Arrival(1, FRAME, 2, None),), None)
NODE = NodeFacts(
    name='/depth_node', state='active', parameters={'model': 'zoed_nk', 'device': 'auto'},
    inputs=(), outputs=(), cameras=(CameraFacts(IMAGES, Stream('/camera_info', (), None)),),
    depths=(), calibrations=(), warnings=(), sim_time_of={}, device_in_use='', device_problem='',
    model_problem='', missing_weights='')
GRAPH = Graph(
    nodes=(NODE,), node_names=('/camera', '/depth_node'), published={}, has_clock=False,
    parents=None, gpu_problem='', has_nvidia_gpu=False, middleware='rmw_fastrtps_cpp', seconds=3.0)
NO_GPU = "device 'cuda:0' is not there: torch 2.9.0+cpu sees 0 GPUs"


def transforms(parents: dict[str, str] | None) -> list[Finding]:
    return check_transforms(NODE, replace(GRAPH, parents=parents))


def device(node: dict[str, Any], graph: dict[str, Any]) -> list[Finding]:
    return check_device(replace(NODE, **node), replace(GRAPH, **graph))


@pytest.mark.parametrize(('parents', 'severity', 'what'), [
    ({}, 'hint', 'nobody publishes where camera_optical_frame is'),
    ({'laser': 'base_link', 'base_link': 'odom'}, 'wrong', 'no transform connects camera_optical'),
    ({FRAME: 'base_link'}, 'hint', 'the transforms of camera_optical_frame end in base_link'),
    ({FRAME: 'a', 'a': FRAME}, 'hint', 'the transforms of camera_optical_frame end in a'),
])
def test_doctor_tells_of_a_camera_that_tf_does_not_connect_with_the_world(
        parents, severity, what):
    finding, = transforms(parents)
    assert finding.severity == severity
    assert finding.what.startswith(what)


@pytest.mark.parametrize('parents', [
    None, {FRAME: 'base_link', 'base_link': 'odom'},
    {FRAME: 'robot1/base_link', 'robot1/base_link': 'robot1/odom', 'robot1/odom': 'map'}])
def test_doctor_is_content_with_a_camera_in_the_world(parents):
    assert transforms(parents) == []


def test_doctor_tells_of_a_torch_without_cuda_beside_a_gpu():
    finding, = device({}, {'has_nvidia_gpu': True, 'gpu_problem': NO_GPU})
    assert finding.severity == 'wrong'
    assert 'torch 2.9.0+cpu sees 0 GPUs' in finding.what


def test_doctor_hints_that_a_full_network_is_slow_without_a_gpu():
    finding, = device({}, {'gpu_problem': NO_GPU})
    assert finding.severity == 'hint'
    assert device({'parameters': {'model': 'zoed_mini_nk', 'device': 'auto'}},
                  {'gpu_problem': NO_GPU}) == []


@pytest.mark.parametrize('node', [
    {'device_in_use': 'cuda:0 NVIDIA Orin'},
    {'parameters': {'model': 'zoed_nk', 'device': 'cpu'}}])
def test_doctor_leaves_a_node_alone_that_has_the_device_it_wants(node):
    assert device(node, {'has_nvidia_gpu': True, 'gpu_problem': NO_GPU}) == []


def test_doctor_says_why_a_device_cannot_be_had():
    assert device_problem('cpu') == ''
    assert device_problem('cuda:99').startswith("device 'cuda:99' is not there: torch ")


def test_doctor_asks_for_the_right_name_of_the_node():
    finding, = check_presence(replace(GRAPH, nodes=()), '/deph_node')
    assert finding.what == 'no node /deph_node in the graph'
    assert finding.remedy == 'did you mean /depth_node?'


@pytest.mark.parametrize(('wanted', 'type_name', 'there', 'transport'), [
    ('/a/image', IMAGE, '/a/image/compressed', 'compressed'),
    ('/a/image/compressed', COMPRESSED, '/a/image', 'raw'),
])
def test_doctor_knows_the_transport_that_would_fit(wanted, type_name, there, transport):
    node = replace(NODE, inputs=(Channel(wanted, type_name, (), ()),))
    finding, = check_publishers(node, replace(GRAPH, published={there: ('any',)}))
    assert finding.remedy == f'{there} is there: set image_transport to {transport}'


def test_doctor_misses_the_range_sensor():
    taken = Channel('/range', 'sensor_msgs/msg/LaserScan', (), (
        Endpoint('/depth_node', 'sensor_msgs/msg/LaserScan', QoSProfile(depth=1)),))
    graph = replace(GRAPH, published={
        '/points': ('sensor_msgs/msg/PointCloud2',), '/scan': ('sensor_msgs/msg/LaserScan',)})
    finding, = check_publishers(replace(NODE, inputs=(taken,)), graph)
    assert finding.what == 'nobody publishes /range'
    assert finding.remedy.startswith(
        'did you mean /scan? Then launch the node with `range:=/scan`, or start it with '
        '`--ros-args -r range:=/scan`')


def test_doctor_pairs_the_topics_of_several_cameras():
    infos = ['/right/camera_info', '/left/camera_info']
    assert pair_topics(['/left/image/compressed', '/right/image'], infos) == [
        ('/left/image/compressed', '/left/camera_info'), ('/right/image', '/right/camera_info')]
    assert pair_topics(['/image'], []) == [('/image', '')]


def test_doctor_knows_where_weights_belong(monkeypatch, tmp_path, weights):
    monkeypatch.setenv('ZOE_DEPTH_CACHE', str(tmp_path))
    monkeypatch.setenv('ZOE_DEPTH_WEIGHTS_URL', 'https://mirror/')
    assert missing_weights('zoed_n') == (
        f'`curl -L --create-dirs -o {tmp_path}/ZoeD_M12_N.pt https://mirror/ZoeD_M12_N.pt`')
    (tmp_path / 'ZoeD_M12_N.pt').touch()
    for there in ('zoed_n', 'zoed_mini_nk', str(weights)):
        assert missing_weights(there) == ''
    assert missing_weights('nobody/nothing') == '`hf download nobody/nothing model.safetensors`'
    (tmp_path / 'nobody--nothing.safetensors').touch()
    assert missing_weights('nobody/nothing') == ''


@pytest.mark.parametrize('model', [
    '/no/such.pt', '~/no/such.safetensors', 'weights/tuned.pt', 'zoed_nkk', 'a/b/c', ''])
def test_doctor_knows_a_model_that_nothing_can_give(model):
    assert model_problem(model).startswith(f'{model!r} is no file on this machine, no known name ')
    assert missing_weights(model) == ''


def test_doctor_knows_a_model_that_something_can_give(weights):
    for model in ('zoed_n', 'zoed_k', 'zoed_nk', 'zoed_mini_nk', 'nobody/nothing', str(weights)):
        assert model_problem(model) == ''


@pytest.mark.parametrize(('model', 'advice'), [
    ('/no/such.pt', '`ros2 param set /depth_node model` with a name or the whole path of a file'),
    ('zoed-nk', 'did you mean zoed_nk? `ros2 param set /depth_node model` with ')])
def test_doctor_names_a_wrong_model_and_does_not_say_that_it_is_downloaded(model, advice):
    node = replace(
        NODE, state='unconfigured', parameters={'model': model},
        model_problem=model_problem(model), missing_weights=missing_weights(model))
    finding, = check_weights(node)
    assert finding.severity == 'wrong'
    assert finding.what.startswith(
        f'the parameter model of /depth_node is wrong: {model!r} is no file on this machine, ')
    assert finding.remedy.startswith(advice)
    assert check_weights(replace(node, state='active')) == []  # it runs on another machine


def test_doctor_without_ros_says_what_it_needs():
    code = (
        "import sys; sys.modules['rclpy'] = None; from zoe_depth_ros.cli import main; "
        "sys.exit(main(['doctor']))")
    end = subprocess.run(
        [sys.executable, '-c', code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (end.returncode, end.stdout) == (2, '')
    assert end.stderr.startswith('zoe_depth: the doctor needs rclpy')


# STVL


def test_doctor_fields_of_view_are_those_of_the_camera():
    horizontal, vertical = fields_of_view(Camera.from_fov(640, 480, 60.0))
    assert horizontal == pytest.approx(math.radians(60.0))
    assert vertical == pytest.approx(2 * math.atan(240 / 320 * math.tan(math.radians(30.0))))


def test_doctor_fields_of_view_clear_nothing_unseen():
    horizontal, vertical = fields_of_view(Camera(100, 100, 50.0, 50.0, 24.5, 49.5))
    assert horizontal == pytest.approx(2 * math.atan(25 / 50))
    assert vertical == pytest.approx(2 * math.atan(50 / 50))


def test_doctor_stvl_file_is_the_template_but_for_the_camera():
    template = yaml.safe_load((ROOT / 'config' / 'stvl.yaml').read_text())
    content = yaml.safe_load(stvl_file([
        Stream('/robot/depth_node/depth/camera_info', (), info_message())]))
    expected, layer = find_layer(template), find_layer(content)
    assert layer['mark']['topic'] == '/robot/depth_node/points/obstacles'
    assert layer['clear']['vertical_fov_angle'] != expected['clear']['vertical_fov_angle']
    for source in ('mark', 'clear'):
        layer[source].update({name: expected[source][name] for name in (
            'topic', 'vertical_fov_angle', 'horizontal_fov_angle') if name in expected[source]})
    assert content == template


def test_doctor_stvl_file_of_two_cameras_has_sources_for_both():
    wide = info_message(size_hw=(48, 160))
    layer = find_layer(yaml.safe_load(stvl_file([
        Stream('/depth_node/left/depth/camera_info', (), info_message()),
        Stream('/depth_node/right/depth/camera_info', (), wide),
        Stream('/depth_node/rear/depth/camera_info', (), None)])))
    assert layer['observation_sources'] == 'mark_0 clear_0 mark_1 clear_1'
    assert layer['mark_1']['topic'] == '/depth_node/right/points/obstacles'
    assert layer['clear_0']['vertical_fov_angle'] > layer['clear_1']['vertical_fov_angle']
    assert 'clear' not in layer
