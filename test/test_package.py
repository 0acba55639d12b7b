# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The files that ROS reads: manifest, installation, parameters, launch file, RViz layout."""

from __future__ import annotations

import ast
from collections.abc import Callable
from collections.abc import Iterator
from configparser import ConfigParser
from contextlib import contextmanager
from importlib import import_module
from importlib.metadata import EntryPoint
from importlib.util import find_spec
from inspect import signature
from pathlib import Path
import re
import runpy
import sys
from typing import Any
from xml.etree import ElementTree

from launch_helpers import LaunchFile
from launch_helpers import STAND_INS
from launch_helpers import use_launch
import pytest
import setuptools
import yaml

import zoe_depth_ros
from zoe_depth_ros.offline.config import node_config

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / 'zoe_depth_ros'
MANIFEST = ElementTree.parse(ROOT / 'package.xml').getroot()
FAST_DDS_XML = ROOT / 'config' / 'fast_dds.xml'
FOXGLOVE_JSON = ROOT / 'config' / 'foxglove.json'  # read by test_foxglove.py
# Read by test_consumer_files.py.
CONSUMER_YAMLS = [ROOT / 'config' / name for name in (
    'nav2_voxel_layer.yaml', 'stvl.yaml', 'depthimage_to_laserscan.yaml', 'rtabmap.yaml')]
NODE_YAML = ROOT / 'config' / 'zoe_depth.yaml'
TRAIN_YAMLS = sorted((ROOT / 'config' / 'train').iterdir())
LAUNCH_FILES = sorted((ROOT / 'launch').glob('*.launch.py'))
DEPTH_LAUNCH = ROOT / 'launch' / 'depth.launch.py'
EXECUTABLES = {
    'nav2_costmap_2d': {'nav2_costmap_2d'}, 'nav2_lifecycle_manager': {'lifecycle_manager'},
    'rtabmap_slam': {'rtabmap'}, 'rviz2': {'rviz2'}, 'tf2_ros': {'static_transform_publisher'}}
ROSDEP_KEYS = {
    'PIL': 'python3-pil', 'cv2': 'python3-opencv', 'numpy': 'python3-numpy',
    'tqdm': 'python3-tqdm', 'yaml': 'python3-yaml'}
WITHOUT_ROSDEP_KEY = {
    'OpenEXR', 'huggingface_hub', 'mcap', 'ray', 'rerun', 'rosbags', 'safetensors', 'timm',
    'torch', 'zstandard'}


@pytest.fixture(scope='module')
def setup_arguments() -> Iterator[dict[str, Any]]:
    """Return what setup.py hands to setuptools."""
    with pytest.MonkeyPatch.context() as patch:
        given: dict[str, Any] = {}
        patch.setattr(setuptools, 'setup', given.update)
        patch.chdir(ROOT)
        runpy.run_path('setup.py')
        yield given


@pytest.fixture
def read_launch_file(monkeypatch, tmp_path) -> Callable[[Path], LaunchFile]:
    use_launch(monkeypatch, tmp_path)
    return LaunchFile


@pytest.fixture(params=LAUNCH_FILES, ids=lambda path: path.name.partition('.')[0])
def launch_file(request, read_launch_file) -> LaunchFile:
    """Return every launch file in turn."""
    return read_launch_file(request.param)


@pytest.fixture
def depth_launch_file(read_launch_file) -> LaunchFile:
    return read_launch_file(DEPTH_LAUNCH)


def imported_packages(folder: Path) -> set[str]:
    """Return the foreign packages imported by name, also through `import_module('name')`."""
    modules = set()
    for path in folder.rglob('*.py'):
        for node in ast.walk(ast.parse(path.read_text())):
            match node:
                case ast.Import(names=names):
                    modules |= {alias.name for alias in names}
                case ast.ImportFrom(module=str(module)):
                    modules.add(module)
                case ast.Call(
                        func=ast.Name('import_module'), args=[ast.Constant(value=str(module))]):
                    modules.add(module)
    packages = {module.partition('.')[0] for module in modules}
    return packages - sys.stdlib_module_names - {'zoe_depth_ros'}


def flat(values: dict[str, Any], prefix: str = '') -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, dict):
            yield from flat(value, f'{prefix}{name}.')
        else:
            yield f'{prefix}{name}', value


@contextmanager
def ros_context(arguments: list[str]) -> Iterator[Any]:
    """Have nodes made with a command line; nobody else hears them."""
    rclpy = pytest.importorskip('rclpy')
    from ros_helpers import DOMAIN_IDS
    rclpy.init(args=arguments, domain_id=next(DOMAIN_IDS))
    try:
        yield rclpy
    finally:
        rclpy.try_shutdown()


# Manifest


def test_manifest_is_format_3_of_an_ament_python_package():
    assert (MANIFEST.tag, MANIFEST.get('format')) == ('package', '3')
    assert MANIFEST.findtext('name') == PACKAGE.name
    assert MANIFEST.findtext('license') == 'Apache-2.0'
    assert MANIFEST.findtext('export/build_type') == 'ament_python'


def test_version_is_the_same_in_every_file(setup_arguments):
    changelog = (ROOT / 'CHANGELOG.rst').read_text()
    newest = re.search(r'^(\d+\.\d+\.\d+) \(\d{4}-\d\d-\d\d\)\n-+$', changelog, re.MULTILINE)
    assert newest is not None
    versions = {
        MANIFEST.findtext('version'), setup_arguments['version'], zoe_depth_ros.__version__,
        newest[1]}
    assert versions == {zoe_depth_ros.__version__}


def test_manifest_declares_what_is_imported_and_nothing_else():
    imported = imported_packages(PACKAGE) | imported_packages(ROOT / 'launch')
    declared = {item.text for item in MANIFEST.findall('exec_depend')}
    assert declared == {ROSDEP_KEYS.get(name, name) for name in imported - WITHOUT_ROSDEP_KEY}


def test_manifest_names_what_rosdep_cannot_install():
    comments = ' '.join(re.findall(r'<!--(.*?)-->', (ROOT / 'package.xml').read_text(), re.S))
    assert imported_packages(PACKAGE) & WITHOUT_ROSDEP_KEY <= set(re.findall(r'\w+', comments))


# Installation


def test_installation_holds_every_file_of_the_shared_folders(setup_arguments):
    installed = {
        (folder, source) for folder, sources in setup_arguments['data_files']
        for source in sources}
    shared = {
        (f'share/zoe_depth_ros/{path.parent.relative_to(ROOT)}', str(path.relative_to(ROOT)))
        for folder in ('config', 'launch', 'rviz')
        for path in (ROOT / folder).rglob('*.*') if '__pycache__' not in path.parts}
    assert installed == shared | {
        ('share/ament_index/resource_index/packages', 'resource/zoe_depth_ros'),
        ('share/zoe_depth_ros', 'package.xml')}


def test_installation_holds_every_module_and_data_file(setup_arguments):
    files = {
        path.relative_to(PACKAGE) for path in PACKAGE.rglob('*')
        if path.is_file() and '__pycache__' not in path.parts}
    modules = {path for path in files if path.suffix == '.py'}
    assert set(setup_arguments['packages']) == {
        '.'.join((PACKAGE.name, *path.parent.parts)) for path in modules}
    patterns = setup_arguments['package_data']['zoe_depth_ros']
    assert files - modules == {
        path.relative_to(PACKAGE) for pattern in patterns for path in PACKAGE.glob(pattern)}


def test_executables_are_functions_where_ros2_run_looks_for_them(setup_arguments):
    pytest.importorskip('rclpy')
    scripts = dict(
        re.split(' *= *', entry) for entry in setup_arguments['entry_points']['console_scripts'])
    assert set(scripts) == {'depth_node', 'zoe_depth'}
    for name, value in scripts.items():
        assert callable(EntryPoint(name, value, 'console_scripts').load())
    settings = ConfigParser()
    settings.read(ROOT / 'setup.cfg')
    assert settings['install']['install_scripts'] == '$base/lib/zoe_depth_ros'
    assert settings['develop']['script_dir'] == '$base/lib/zoe_depth_ros'


# Configuration


def test_config_holds_every_parameter_with_its_default_and_description():
    parameters = pytest.importorskip('zoe_depth_ros.ros.parameters')
    infos = parameters.parameter_infos()
    written = yaml.safe_load(NODE_YAML.read_text())['/**']['ros__parameters']
    assert [(name, repr(value)) for name, value in flat(written)] == [
        (name, repr(default)) for name, (default, _) in infos.items()]
    comments = re.sub(r'\n *# ', ' ', NODE_YAML.read_text())
    assert [name for name, (_, info) in infos.items() if info.doc not in comments] == []


def test_config_is_read_by_ros_as_the_defaults():
    rclpy = pytest.importorskip('rclpy')
    parameters = pytest.importorskip('zoe_depth_ros.ros.parameters')
    context = rclpy.Context()
    rclpy.init(args=['--ros-args', '--params-file', str(NODE_YAML)], context=context)
    node = rclpy.create_node(
        'any', context=context, automatically_declare_parameters_from_overrides=True)
    read = {name: node.get_parameter(name).value for name in parameters.parameter_infos()}
    node.destroy_node()
    context.try_shutdown()
    assert read == {name: default for name, (default, _) in parameters.parameter_infos().items()}


def test_config_folder_holds_no_file_that_no_test_reads():
    assert {path for path in (ROOT / 'config').rglob('*') if path.is_file()} == {
        NODE_YAML, FAST_DDS_XML, FOXGLOVE_JSON, *CONSUMER_YAMLS, *TRAIN_YAMLS}


# Launch file and RViz


def test_launch_file_describes_every_argument(launch_file):
    described = launch_file.descriptions
    assert {
        'namespace', 'params_file', 'image', 'camera_info', 'model', 'device', 'rviz',
        'use_sim_time', 'log_level', 'respawn'} <= set(described)
    assert [name for name, text in described.items() if len(text) < 10] == []
    own = launch_file.content['ARGUMENTS']
    assert {name: text for name, (_, text) in own.items()}.items() <= described.items()


def test_launch_file_starts_executables_that_are_there(launch_file, setup_arguments):
    scripts = {entry.partition(' ')[0]
               for entry in setup_arguments['entry_points']['console_scripts']}
    nodes = launch_file.start(rviz='true').values()
    known = {**EXECUTABLES, 'zoe_depth_ros': scripts}
    assert [node for node in nodes if node.executable not in known[node.package]] == []
    assert 'depth_node' in {node.executable for node in nodes}


def test_launch_file_gives_files_that_are_there(launch_file):
    default, _ = launch_file.content['ARGUMENTS']['params_file']
    nodes = launch_file.start(rviz='true')
    assert default in nodes['depth_node'].parameter_files
    shown = [word for node in nodes.values() for before, word in zip(
        node.words, node.words[1:], strict=False) if before == '-d']
    assert len(shown) == (launch_file.content['ARGUMENTS'].get('rviz') is not None)
    assert all(Path(path).is_file() for path in shown)


def test_launch_file_gives_the_depth_node_parameters_that_it_has(launch_file):
    given = {'model': 'any.pt', 'device': 'cpu', 'image_transport': 'compressed'}
    node = launch_file.start(**given, cameras='front, left', use_sim_time='true')['depth_node']
    with ros_context(node.words) as rclpy:
        read = rclpy.create_node('any', automatically_declare_parameters_from_overrides=True)
        values = {name: item.value for name, item in read.get_parameters_by_prefix('').items()}
        assert read.get_fully_qualified_name() == '/depth_node'
        read.destroy_node()
    assert values.pop('use_sim_time') is True
    values.pop('start_type_description_service', None)  # which every node declares
    config = node_config(values)
    assert (config.model, config.estimator.device, config.image_transport, config.cameras) == (
        *given.values(), ('front', 'left'))


@pytest.mark.parametrize(('arguments', 'expected'), [
    ({}, {'/camera/image_raw', '/camera/camera_info', '/range'}),
    ({'image': '/front/image', 'range': '/scan'}, {'/front/image', '/front/camera_info', '/scan'}),
    ({'image': 'image'}, {'/image', '/camera_info', '/range'}),
    ({'image': '/image', 'camera_info': '/calibration'}, {'/image', '/calibration', '/range'}),
    ({'cameras': 'front, left', 'image': 'image_raw', 'range': 'scan'}, {
        f'/{name}/{topic}' for name in ('front', 'left')
        for topic in ('image_raw', 'camera_info', 'scan')})])
def test_launch_file_starts_a_depth_node_that_takes_the_topics(
        launch_file, arguments, expected, weights, tmp_path):
    pytest.importorskip('rclpy')
    from zoe_depth_ros.ros.node import DepthNode
    content = yaml.safe_load(Path(launch_file.content['ARGUMENTS']['params_file'][0]).read_text())
    content['/**/depth_node'] = {'ros__parameters': {
        'autostart': False, 'scale': {'source': 'range', 'range_type': 'LaserScan'}}}
    path = tmp_path / 'parameters.yaml'
    path.write_text(yaml.dump(content))
    words = launch_file.start(
        **arguments, model=str(weights), device='cpu', params_file=str(path))['depth_node'].words
    with ros_context(words):
        node = DepthNode()
        node.trigger_configure()
        node.trigger_activate()
        taken = {item.topic_name for item in node.subscriptions}
        node.destroy_node()
    assert expected <= taken <= expected | {'/parameter_events', '/tf', '/tf_static'}


def test_launch_refuses_a_topic_that_cannot_be_of_every_camera(depth_launch_file):
    with pytest.raises(RuntimeError, match='image:=/image must not begin with /'):
        depth_launch_file.start(cameras='front,left', image='/image')


@pytest.mark.parametrize(('text', 'error'), [
    ('from launch.actions import DeclareLaunchArguments', ImportError),
    ('from launch.action import DeclareLaunchArgument', ImportError),
    ('from launch_ros.actions import Nodes', ImportError),
    ("DeclareLaunchArgument('name', default='')", TypeError),
    ("DeclareLaunchArgument('name', default_value=True)", TypeError),
    ("Node(package='any', executable='any', parameter=[])", TypeError),
    ("Node(package='any', executable='any', parameters='any.yaml')", TypeError),
    ("Node(package='any')", TypeError),
    ('OpaqueFunction(print)', TypeError),
    ('GroupAction([], condition=IfCondition(True))', TypeError),
    ("IncludeLaunchDescription('any', arguments={})", TypeError)])
def test_launch_files_with_a_misspelt_name_do_not_pass(read_launch_file, tmp_path, text, error):
    path = tmp_path / 'misspelt.launch.py'
    path.write_text(f"""
from launch import LaunchDescription
from launch.actions import (
    DeclareLaunchArgument, GroupAction, IncludeLaunchDescription, OpaqueFunction)
from launch.conditions import IfCondition
from launch_ros.actions import Node
def generate_launch_description():
    return LaunchDescription([])
{text}
""")
    with pytest.raises(error):
        read_launch_file(path)


@pytest.mark.skipif(find_spec('launch_ros') is None, reason='launch_ros is not installed')
def test_launch_stand_ins_have_only_what_launch_has():
    for name, parts in STAND_INS.items():
        module = import_module(name)
        for part in parts:
            known = {key for base in getattr(module, part.__name__).__mro__
                     for key in signature(base.__init__).parameters}
            assert set(signature(part.__init__).parameters) <= known


def test_rviz_shows_topics_that_the_node_publishes():
    outputs = pytest.importorskip('zoe_depth_ros.ros.outputs')
    layout = yaml.safe_load((ROOT / 'rviz' / 'zoe_depth.rviz').read_text())
    shown = {
        display['Topic']['Value'].replace('depth_node/', '~/'): display['Class']
        for display in layout['Visualization Manager']['Displays'] if 'Topic' in display}
    assert shown == {
        topic: f'rviz_default_plugins/{outputs.TOPICS[topic].__name__}'
        for topic in ('~/points', '~/depth/color', '~/image_rect')}


def test_fast_dds_profile_for_users_is_the_one_the_demo_uses():
    session = pytest.importorskip('zoe_depth_ros.ros.session')
    assert FAST_DDS_XML.read_text() == session.FAST_DDS_PROFILE
