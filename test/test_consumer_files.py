# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Parameters and launch files for the programs that take the depth."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
import math
from pathlib import Path
import re
from typing import Any

import cv2
from launch_helpers import LaunchFile
from launch_helpers import RTABMAP_ARGUMENTS
from launch_helpers import StartedNode
from launch_helpers import use_launch
import numpy as np
import pytest
import yaml

from zoe_depth_ros.cli import command_parser
from zoe_depth_ros.offline.config import node_config

ROOT = Path(__file__).parents[1]
NAV2_YAML = ROOT / 'config' / 'nav2_voxel_layer.yaml'
STVL_YAML = ROOT / 'config' / 'stvl.yaml'
SCAN_YAML = ROOT / 'config' / 'depthimage_to_laserscan.yaml'
RTABMAP_YAML = ROOT / 'config' / 'rtabmap.yaml'
NAV2_LAUNCH = ROOT / 'launch' / 'nav2_demo.launch.py'
RTABMAP_LAUNCH = ROOT / 'launch' / 'rtabmap.launch.py'
DOCS = [ROOT / 'docs' / 'nav2.md', ROOT / 'docs' / 'rtabmap.md']
MOST_VOXELS = 16
# Parameters as these declare them: nav2_costmap_2d 1.3.13 (Jazzy), its layers and their sources,
# spatio_temporal_voxel_layer (branch ros2), nav2_collision_monitor 1.3.13 (a cloud as source),
# depthimage_to_laserscan 2.5.1.
COSTMAP = {
    'plugins', 'rolling_window', 'width', 'height', 'resolution', 'global_frame',
    'robot_base_frame'}
NAV2_LAYER = {
    'plugin', 'enabled', 'footprint_clearing_enabled', 'min_obstacle_height',
    'max_obstacle_height', 'z_voxels', 'origin_z', 'z_resolution', 'unknown_threshold',
    'mark_threshold', 'combination_method', 'publish_voxel_map', 'observation_sources'}
NAV2_SOURCE = {
    'topic', 'sensor_frame', 'observation_persistence', 'expected_update_rate', 'data_type',
    'min_obstacle_height', 'max_obstacle_height', 'inf_is_valid', 'marking', 'clearing',
    'obstacle_max_range', 'obstacle_min_range', 'raytrace_max_range', 'raytrace_min_range'}
STVL_LAYER = {
    'plugin', 'observation_sources', 'transform_tolerance', 'enabled', 'publish_voxel_map',
    'voxel_size', 'combination_method', 'mark_threshold', 'update_footprint_enabled',
    'track_unknown_space', 'decay_model', 'voxel_decay', 'mapping_mode', 'map_save_duration'}
STVL_SOURCE = {
    'topic', 'sensor_frame', 'observation_persistence', 'expected_update_rate', 'data_type',
    'min_obstacle_height', 'max_obstacle_height', 'inf_is_valid', 'marking', 'clearing',
    'obstacle_range', 'min_z', 'max_z', 'vertical_fov_angle', 'vertical_fov_padding',
    'horizontal_fov_angle', 'decay_acceleration', 'filter', 'voxel_min_points',
    'clear_after_reading', 'enabled', 'model_type'}
MONITOR_SOURCE = {
    'type', 'topic', 'enabled', 'source_timeout', 'min_height', 'max_height', 'min_range',
    'use_global_height'}
SCAN = {'scan_time', 'range_min', 'range_max', 'scan_height', 'output_frame'}


def parameters(path: Path, *names: str) -> dict[str, Any]:
    written = yaml.safe_load(path.read_text())
    for name in names:
        written = written[name]
    return written['ros__parameters']


def costmap(name: str) -> dict[str, Any]:
    return parameters(NAV2_YAML, name, name)


def flat(values: dict[str, Any], prefix: str = '') -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, dict):
            yield from flat(value, f'{prefix}{name}.')
        else:
            yield f'{prefix}{name}', value


def sources(layer: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {name: layer[name] for name in layer['observation_sources'].split()}


# Parameter files


@pytest.mark.parametrize('name', ['local_costmap', 'global_costmap'])
def test_nav2_file_has_parameters_that_nav2_knows(name):
    values = costmap(name)
    layer = values['voxel_layer']
    assert set(values) - set(values['plugins']) <= COSTMAP
    assert set(layer) - set(sources(layer)) <= NAV2_LAYER
    for source in sources(layer).values():
        assert set(source) <= NAV2_SOURCE
    assert {item: values[item]['plugin'] for item in values['plugins']}.items() <= {
        'static_layer': 'nav2_costmap_2d::StaticLayer',
        'voxel_layer': 'nav2_costmap_2d::VoxelLayer',
        'inflation_layer': 'nav2_costmap_2d::InflationLayer'}.items()


def test_nav2_file_has_one_voxel_layer_for_both_costmaps():
    assert costmap('local_costmap')['voxel_layer'] == costmap('global_costmap')['voxel_layer']


def test_nav2_file_marks_by_one_source_and_clears_by_the_other():
    mark, clear = sources(costmap('local_costmap')['voxel_layer']).values()
    assert (mark['marking'], mark['clearing']) == (True, False)
    assert (clear['marking'], clear['clearing']) == (False, True)
    assert {mark['data_type'], clear['data_type']} == {'PointCloud2'}


def test_nav2_file_lets_floor_and_sky_clear_but_not_mark():
    layer, node = costmap('local_costmap')['voxel_layer'], parameters(NAV2_YAML, '/**/depth_node')
    mark, clear = sources(layer).values()
    farthest_m = node['points']['max_range']
    assert 0 < mark['min_obstacle_height'] < mark['max_obstacle_height'] <= 2.0  # of the layer
    assert clear['min_obstacle_height'] < -farthest_m
    assert clear['max_obstacle_height'] > farthest_m
    assert mark['obstacle_max_range'] < clear['raytrace_max_range'] < farthest_m
    assert node['points']['free_rays']


def test_nav2_file_has_room_for_its_ranges_and_for_a_camera_of_a_person_s_height():
    values = costmap('local_costmap')
    layer = values['voxel_layer']
    assert min(values['width'], values['height']) / 2 >= layer['mark']['obstacle_max_range']
    assert layer['z_voxels'] <= MOST_VOXELS
    # Rays are traced up to half a voxel below the last one's top.
    assert (layer['z_voxels'] - 0.5) * layer['z_resolution'] >= 2.0


def test_stvl_file_has_parameters_that_stvl_knows():
    values = parameters(STVL_YAML, 'local_costmap', 'local_costmap')
    layer = values['stvl_layer']
    assert layer['plugin'] == 'spatio_temporal_voxel_layer/SpatioTemporalVoxelLayer'
    assert set(layer) - set(sources(layer)) <= STVL_LAYER
    for source in sources(layer).values():
        assert set(source) <= STVL_SOURCE


def test_stvl_file_marks_by_points_and_clears_by_the_frustum():
    mark, clear = sources(
        parameters(STVL_YAML, 'local_costmap', 'local_costmap')['stvl_layer']).values()
    assert (mark['marking'], mark['clearing']) == (True, False)
    assert (clear['marking'], clear['clearing']) == (False, True)
    assert mark['obstacle_range'] < clear['max_z']
    assert clear['decay_acceleration'] > 0
    # A source that only clears never tells when it was updated last.
    assert 'expected_update_rate' not in clear


def test_stvl_file_has_the_fields_of_view_of_the_camera_it_names():
    clear = parameters(STVL_YAML, 'local_costmap', 'local_costmap')['stvl_layer']['clear']
    half = math.radians(60) / 2
    assert clear['horizontal_fov_angle'] == pytest.approx(2 * half, abs=5e-4)
    assert clear['vertical_fov_angle'] == pytest.approx(
        2 * math.atan(math.tan(half) * 3 / 4), abs=5e-4)


def test_scan_file_has_parameters_that_depthimage_to_laserscan_knows():
    values = parameters(SCAN_YAML, 'depthimage_to_laserscan')
    assert set(values) <= SCAN
    assert 'optical' not in values['output_frame']
    assert 0.3 * 500 / (values['scan_height'] / 2) > values['range_max']


@pytest.mark.parametrize('path', [NAV2_YAML, RTABMAP_YAML], ids=lambda path: path.stem)
def test_node_parameters_in_consumer_files_are_its_own_and_not_its_defaults(path):
    values = dict(flat(parameters(path, '/**/depth_node')))
    changed = node_config(values)
    for name in values:
        assert node_config({item: values[item] for item in values if item != name}) != changed


@pytest.mark.parametrize('path', [NAV2_YAML, STVL_YAML], ids=lambda path: path.stem)
def test_sources_in_consumer_files_are_clouds_that_the_node_publishes(path):
    outputs = pytest.importorskip('zoe_depth_ros.ros.outputs')
    topics = set(re.findall(r'topic: (\S+)', path.read_text()))
    assert topics
    for topic in topics:
        kind = outputs.TOPICS[topic.replace('/depth_node/', '~/')]
        assert kind.__name__ == 'PointCloud2'


@pytest.mark.parametrize(('path', 'node', 'name', 'expected'), [
    (NAV2_YAML, 'local_costmap/local_costmap', 'voxel_layer.clear.raytrace_max_range', 5.0),
    (NAV2_YAML, 'global_costmap/global_costmap', 'voxel_layer.z_voxels', 16),
    (NAV2_YAML, 'depth_node', 'points.free_rays', True),
    (NAV2_YAML, 'robot/depth_node', 'beyond_range', 'infinite'),
    (STVL_YAML, 'local_costmap/local_costmap', 'stvl_layer.clear.max_z', 5.0),
    (SCAN_YAML, 'depthimage_to_laserscan', 'output_frame', 'camera_link'),
    (RTABMAP_YAML, 'depth_node', 'domain', 'lock')])
def test_consumer_file_is_read_by_ros_for_the_node_it_is_for(path, node, name, expected):
    rclpy = pytest.importorskip('rclpy')
    context = rclpy.Context()
    rclpy.init(args=['--ros-args', '--params-file', str(path)], context=context)
    space, _, base = node.rpartition('/')
    running = rclpy.create_node(
        base, namespace=f'/{space}', context=context,
        automatically_declare_parameters_from_overrides=True)
    value = running.get_parameter(name).value
    running.destroy_node()
    context.try_shutdown()
    assert value == expected


# Documents


@pytest.mark.parametrize('path', DOCS, ids=lambda path: path.stem)
def test_document_names_parameters_that_the_node_has(path):
    parameters = pytest.importorskip('zoe_depth_ros.ros.parameters')
    named = set(re.findall(r'`((?:points|ground|scale|scene)\.\w+)', path.read_text()))
    assert named
    assert named <= set(parameters.parameter_infos())


@pytest.mark.parametrize('path', DOCS, ids=lambda path: path.stem)
def test_document_names_launch_files_with_arguments_that_they_have(path, read_launch_file):
    commands = re.findall(r'^ros2 launch zoe_depth_ros (\S+)(.*)', path.read_text(), re.M)
    assert commands
    for name, arguments in commands:
        known = read_launch_file(ROOT / 'launch' / name).descriptions
        assert set(re.findall(r'(\w+):=', arguments)) <= set(known)


def test_document_names_arguments_that_rtabmap_has(read_launch_file):
    named = set(re.findall(r'`(\w+):=', DOCS[1].read_text()))
    assert {'rtabmap_viz', 'visual_odometry'} <= named
    assert named <= set(read_launch_file(RTABMAP_LAUNCH).descriptions)


@pytest.mark.parametrize('path', DOCS, ids=lambda path: path.stem)
def test_document_names_commands_that_are_there(path):
    commands = re.findall(r'^zoe_depth ([^>\n]*)', path.read_text(), re.M)
    assert commands
    for command in commands:
        command_parser().parse_args(command.split())


def test_document_has_parameters_that_the_collision_monitor_knows():
    block, = re.findall(r'```yaml\n(.*?)```', DOCS[0].read_text(), re.S)
    values = yaml.safe_load(block)['collision_monitor']['ros__parameters']
    source, = values.pop('observation_sources')
    assert set(values.pop(source)) <= MONITOR_SOURCE
    assert values == {}


# Launch files


@pytest.fixture
def read_launch_file(monkeypatch, tmp_path) -> Callable[[Path], LaunchFile]:
    use_launch(monkeypatch, tmp_path)
    return LaunchFile


def test_rtabmap_launch_gives_topics_that_the_node_publishes(read_launch_file):
    outputs = pytest.importorskip('zoe_depth_ros.ros.outputs')
    given = for_rtabmap(read_launch_file)
    kinds = {name: outputs.TOPICS[given[name].replace('/depth_node/', '~/')].__name__
             for name in ('rgb_topic', 'depth_topic', 'camera_info_topic')}
    assert kinds == {
        'rgb_topic': 'Image', 'depth_topic': 'Image', 'camera_info_topic': 'CameraInfo'}
    assert (given['approx_sync'], given['qos_image'], given['qos_camera_info']) == (
        'false', '1', '1')


def test_rtabmap_launch_gives_rtabmap_arguments_that_it_has(read_launch_file):
    given = read_launch_file(RTABMAP_LAUNCH).content['FOR_RTABMAP']
    assert set(given) <= set(RTABMAP_ARGUMENTS)


def test_rtabmap_launch_hands_on_what_is_rtabmap_s_own(read_launch_file):
    given = for_rtabmap(read_launch_file, frame_id='camera_link', namespace='map', rviz='true')
    assert (given['frame_id'], given['namespace'], given['rviz']) == ('camera_link', 'map', 'true')
    assert given['localization'] == 'its own'
    nodes = read_launch_file(RTABMAP_LAUNCH).start(namespace='map', rviz='true')
    assert nodes['depth_node'].name == '/depth_node'
    assert set(nodes) == {'rtabmap', 'depth_node'}


def for_rtabmap(read: Callable[[Path], LaunchFile], **arguments: str) -> dict[str, str]:
    """Return the values of RTAB-Map's arguments."""
    words = read(RTABMAP_LAUNCH).start(**arguments)['rtabmap'].words
    return dict(word.split(':=') for word in words if word.split(':=')[0] in RTABMAP_ARGUMENTS)


def test_rviz_of_the_nav2_demo_shows_topics_of_node_and_costmap():
    outputs = pytest.importorskip('zoe_depth_ros.ros.outputs')
    layout = yaml.safe_load((ROOT / 'rviz' / 'nav2_demo.rviz').read_text())
    shown = {display['Topic']['Value']: display['Class'].partition('/')[2]
             for display in layout['Visualization Manager']['Displays']}
    assert shown.pop('/local_costmap/costmap') == 'Map'
    assert shown == {
        topic.replace('~/', '/depth_node/'): outputs.TOPICS[topic].__name__
        for topic in ('~/points/obstacles', '~/points/ground', '~/image_rect')}


@pytest.fixture
def demo_nodes(read_launch_file) -> Callable[..., dict[str, StartedNode]]:
    """Return a function that gives the nodes of the demo."""
    return lambda **arguments: read_launch_file(NAV2_LAUNCH).start(**arguments)


def test_demo_starts_the_nodes_of_a_costmap_and_rviz_where_it_is_wanted(demo_nodes):
    alone = {
        'depth_node', 'nav2_costmap_2d', 'lifecycle_manager', 'static_transform_publisher'}
    assert set(demo_nodes()) == alone
    assert set(demo_nodes(rviz='true')) == alone | {'rviz2'}


def test_demo_names_the_costmap_as_nav2_names_it(demo_nodes):
    nodes = demo_nodes()
    assert nodes['nav2_costmap_2d'].name == '/local_costmap/local_costmap'


def test_demo_places_a_camera_that_looks_forward_and_down(demo_nodes):
    node = demo_nodes(camera_height='0.4', camera_pitch='20')['static_transform_publisher']
    words = node.words[:node.words.index('--ros-args')]
    given = dict(zip(words[::2], words[1::2], strict=True))
    assert (given['--z'], given['--frame-id'], given['--child-frame-id']) == (
        '0.4', 'base_link', 'camera_optical_frame')
    yaw, roll = ((0, 0, float(given['--yaw'])), (float(given['--roll']), 0, 0))
    x, _, z = (cv2.Rodrigues(yaw)[0] @ cv2.Rodrigues(roll)[0]).T
    down = math.radians(20)
    np.testing.assert_allclose(z, [math.cos(down), 0, -math.sin(down)], atol=1e-5)
    np.testing.assert_allclose(x, [0, -1, 0], atol=1e-5)


def test_demo_places_no_camera_where_tf_knows_it(demo_nodes):
    assert 'static_transform_publisher' not in demo_nodes(camera_frame='')
