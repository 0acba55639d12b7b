# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

pytest.importorskip('rclpy')

import rclpy
from rclpy.exceptions import ParameterException
from rclpy.node import Node
from ros_helpers import DOMAIN_IDS

from zoe_depth_ros.errors import ConfigError
from zoe_depth_ros.options import EstimatorConfig
from zoe_depth_ros.options import NodeConfig
from zoe_depth_ros.options import PointsConfig
from zoe_depth_ros.ros.parameters import changed_config
from zoe_depth_ros.ros.parameters import declare_parameters
from zoe_depth_ros.ros.parameters import parameter_infos

CONFIG = Path(__file__).parents[1] / 'config' / 'zoe_depth.yaml'


@pytest.fixture(scope='module')
def context() -> Iterator[rclpy.Context]:
    context = rclpy.Context()
    rclpy.init(context=context, domain_id=next(DOMAIN_IDS))
    yield context
    rclpy.try_shutdown(context=context)


@pytest.fixture
def make_node(context) -> Iterator[Any]:
    """Return a function that makes a plain node with parameters given at start."""
    nodes = []

    def make(**given: Any) -> Node:
        arguments = ['--ros-args']
        for name, value in given.items():
            arguments += ['-p', f'{name.replace("__", ".")}:={value}']
        nodes.append(rclpy.create_node('plain', context=context, cli_args=arguments))
        return nodes[-1]

    yield make
    for node in nodes:
        node.destroy_node()


def flattened(values: dict[str, Any], prefix: str = '') -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in values.items():
        nested = isinstance(value, dict)
        flat |= flattened(value, f'{prefix}{name}.') if nested else {f'{prefix}{name}': value}
    return flat


def test_parameters_have_the_defaults_of_the_options(make_node):
    node = make_node()
    assert declare_parameters(node) == NodeConfig()
    infos = parameter_infos()
    assert {name: node.get_parameter(name).value for name in infos} == {
        name: default for name, (default, _) in infos.items()}
    assert infos['mode'][0] == EstimatorConfig().mode
    assert infos['points.stride'][0] == PointsConfig().stride


def test_parameters_are_described_with_their_ranges_and_choices(make_node):
    node = make_node()
    declare_parameters(node)
    for name, (_, info) in parameter_infos().items():
        assert node.describe_parameter(name).description == info.doc
    stride, = node.describe_parameter('points.stride').integer_range
    assert (stride.from_value, stride.to_value, stride.step) == (1, 64, 1)
    period, = node.describe_parameter('diagnostics_period').floating_point_range
    assert (period.from_value, period.to_value) == (0.1, 60.0)
    assert node.describe_parameter('mode').additional_constraints == 'robot, reference, paper'


def test_parameters_given_at_start_become_options(make_node):
    node = make_node(mode='paper', points__stride=5, autostart='false', diagnostics_period=2.5)
    assert declare_parameters(node) == NodeConfig(
        autostart=False, diagnostics_period=2.5, estimator=EstimatorConfig(mode='paper'),
        points=PointsConfig(stride=5))


@pytest.mark.parametrize(('given', 'error', 'reason'), [
    ({'points__stride': 0}, ParameterException, r'points\.stride'),
    ({'points__stride': 'many'}, ParameterException, r'points\.stride'),
    ({'mode': 'fast'}, ConfigError, "mode = 'fast'"),
    ({'points__max_range': '.nan'}, (ConfigError, ParameterException), 'max_range'),
])
def test_parameters_wrong_at_start_are_refused_by_name(make_node, given, error, reason):
    with pytest.raises(error, match=reason):
        declare_parameters(make_node(**given))


def test_changed_config_takes_parameter_names_and_leaves_out_strangers():
    changed = changed_config(NodeConfig(), {
        'device': 'cpu', 'points.organized': True, 'use_sim_time': True, 'rectify': 'never'})
    assert changed == NodeConfig(
        rectify='never', estimator=EstimatorConfig(device='cpu'),
        points=PointsConfig(organized=True))


def test_changed_config_of_a_configured_node_takes_live_parameters_only():
    config = NodeConfig()
    values = {'rectify': 'never', 'points.stride': 3, 'device': config.estimator.device}
    assert changed_config(config, values, live_only=True) == NodeConfig(
        rectify='never', points=PointsConfig(stride=3))
    with pytest.raises(ConfigError, match=r'^model, device cannot change while'):
        changed_config(config, {**values, 'device': 'cpu', 'model': 'tiny'}, live_only=True)


def test_parameters_file_has_every_option_with_its_default():
    values = flattened(yaml.safe_load(CONFIG.read_text())['/**']['ros__parameters'])
    assert values == {name: default for name, (default, _) in parameter_infos().items()}
    assert changed_config(NodeConfig(), values) == NodeConfig()
