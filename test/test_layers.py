# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Imports go down only."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = 'zoe_depth_ros'
ROOT = Path(__file__).parents[1]
LAYERS = (
    ('', 'errors', 'config', 'camera', 'known_models', 'option_fields', 'options', 'poses'),
    ('encoding', 'geometry', 'metrics', 'colorize', 'ground', 'ranges', 'scale', 'frame_forest',
     'measurements', 'range_track'),
    ('model',),
    ('inference',),
    ('worlds', 'bag'),
    ('datasets',),
    ('training', 'evaluation', 'offline', 'view'),
    ('ros',),
    ('demo',),
    ('cli',),
)
APART = ({'worlds', 'bag'}, {'training', 'evaluation', 'offline', 'view'})
LEVELS = {name: level for level, names in enumerate(LAYERS) for name in names}
ROS_PACKAGES = {
    'ament_index_python', 'builtin_interfaces', 'cv_bridge', 'diagnostic_msgs', 'geometry_msgs',
    'lifecycle_msgs', 'rcl_interfaces', 'rclpy', 'rosgraph_msgs', 'sensor_msgs',
    'sensor_msgs_py', 'std_msgs', 'tf2_msgs', 'tf2_ros'}
ALLOWED = {
    'torch': {'model', 'inference', 'worlds', 'datasets', 'training', 'evaluation'},
    'timm': {'model'},
    'rosbags': {'bag'},
    'ray': {'offline'},
    'rerun': {'view'},
    'argparse': {'cli'},
    **{package: {'ros'} for package in ROS_PACKAGES},
}
MODULES = {
    '.'.join(path.relative_to(ROOT).with_suffix('').parts).removesuffix('.__init__'): path
    for path in sorted((ROOT / PACKAGE).rglob('*.py'))}


def imported(tree: ast.AST) -> Iterator[str]:
    """Yield the dotted names that a module imports, anywhere in it."""
    for item in ast.walk(tree):
        if isinstance(item, ast.Import):
            yield from (alias.name for alias in item.names)
        elif isinstance(item, ast.ImportFrom):
            assert item.level == 0, 'relative import'
            for alias in item.names:
                name = f'{item.module}.{alias.name}'
                yield name if name in MODULES else str(item.module)
        elif isinstance(item, ast.Call) and getattr(item.func, 'id', '') == 'import_module':
            name = item.args[0]
            if isinstance(name, ast.Constant):
                yield str(name.value)


def part(module: str) -> str:
    """Return the part of the package a module belongs to: 'model', 'camera', '' for all."""
    return module.split('.')[1] if '.' in module else ''


def imports(module: str) -> set[str]:
    return set(imported(ast.parse(MODULES[module].read_text())))


@pytest.mark.parametrize('module', MODULES)
def test_module_imports_only_from_its_own_layer_and_those_below(module):
    for name in imports(module):
        if name.split('.')[0] == PACKAGE:
            assert LEVELS[part(name)] <= LEVELS[part(module)], f'{module} imports {name}'
            for siblings in APART:
                assert not {part(name), part(module)} <= siblings or part(name) == part(module), (
                    f'{module} imports {name}')


@pytest.mark.parametrize('module', MODULES)
def test_module_imports_a_library_only_where_that_belongs(module):
    for name in imports(module):
        library = name.split('.')[0]
        assert part(module) in ALLOWED.get(library, {part(module)}), f'{module} imports {name}'


@pytest.mark.parametrize('module', MODULES)
def test_module_prints_only_in_the_command_line(module):
    calls = [item for item in ast.walk(ast.parse(MODULES[module].read_text()))
             if isinstance(item, ast.Call) and getattr(item.func, 'id', '') == 'print']
    assert not calls or part(module) == 'cli'


def test_modules_do_not_import_each_other_in_circles():
    graph = {module: imports(module) - {module} for module in MODULES}
    order = list(TopologicalSorter(graph).static_order())
    assert order.index(f'{PACKAGE}.errors') < order.index(f'{PACKAGE}.ros.node')


def test_imports_are_found_wherever_they_hide():
    source = (
        'import torch.nn as nn\nfrom zoe_depth_ros import camera\n'
        'def late():\n    from rclpy.node import Node\n    import_module("cv_bridge")\n')
    assert set(imported(ast.parse(source))) == {
        'torch.nn', 'zoe_depth_ros.camera', 'rclpy.node', 'cv_bridge'}
