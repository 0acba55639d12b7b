# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The files that ROS reads: manifest, installation, parameters, launch file, RViz layout."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from configparser import ConfigParser
from importlib.metadata import EntryPoint
from pathlib import Path
import re
import runpy
import sys
from typing import Any
from xml.etree import ElementTree

import pytest
import setuptools
import yaml

import zoe_depth_ros

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
LAUNCH_FILE = ROOT / 'launch' / 'depth.launch.py'
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
def launch_file() -> dict[str, Any]:
    pytest.importorskip('launch_ros')
    return runpy.run_path(str(LAUNCH_FILE))


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


def launch_arguments() -> dict[str, str]:
    """Return {name: description} of the launch file, which needs `launch` to be executed."""
    table = next(
        node.value for node in ast.parse(LAUNCH_FILE.read_text()).body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == 'ARGUMENTS')
    assert isinstance(table, ast.Dict)
    return {
        ast.literal_eval(name): ast.literal_eval(value.elts[1])
        for name, value in zip(table.keys, table.values, strict=True)}


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


def test_launch_arguments_are_all_described():
    described = launch_arguments()
    assert {
        'namespace', 'params_file', 'image', 'camera_info', 'model', 'device', 'rviz',
        'use_sim_time', 'log_level', 'respawn'} <= set(described)
    assert [name for name, text in described.items() if len(text) < 10] == []


def test_launch_declares_its_arguments(launch_file):
    declared = launch_file['generate_launch_description']().get_launch_arguments()
    assert {item.name: item.description for item in declared} == launch_arguments()


@pytest.mark.parametrize(('image', 'camera_info', 'expected'), [
    ('camera/image_raw', '', 'camera/camera_info'),
    ('/front/image', '', '/front/camera_info'),
    ('image', '', 'camera_info'),
    ('/image', '/calibration', '/calibration')])
def test_launch_remaps_the_image_and_the_camera_info_beside_it(
        launch_file, image, camera_info, expected):
    launch = pytest.importorskip('launch')
    context = launch.LaunchContext()
    for action in launch_file['generate_launch_description']().get_launch_arguments():
        action.execute(context)
    context.launch_configurations.update(image=image, camera_info=camera_info)
    node, = launch_file['_depth_node'](context)
    node._perform_substitutions(context)
    assert node.expanded_remapping_rules == [
        ('image', image), ('camera_info', expected), ('range', 'range')]


def test_launch_remaps_the_topics_of_every_camera(launch_file):
    launch = pytest.importorskip('launch')
    context = launch.LaunchContext()
    for action in launch_file['generate_launch_description']().get_launch_arguments():
        action.execute(context)
    context.launch_configurations.update(cameras='front, left', image='image_raw', range='scan')
    node, = launch_file['_depth_node'](context)
    node._perform_substitutions(context)
    assert node.expanded_remapping_rules == [
        (f'{name}/{own}', f'{name}/{topic}') for name in ('front', 'left')
        for own, topic in (
            ('image', 'image_raw'), ('camera_info', 'camera_info'), ('range', 'scan'))]


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
