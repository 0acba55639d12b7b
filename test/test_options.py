# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from dataclasses import fields
from dataclasses import FrozenInstanceError
from dataclasses import is_dataclass
import math

import pytest

from zoe_depth_ros.errors import ConfigError
from zoe_depth_ros.option_fields import option_info
from zoe_depth_ros.option_fields import with_options
from zoe_depth_ros.options import EstimatorConfig
from zoe_depth_ros.options import NodeConfig
from zoe_depth_ros.options import PointsConfig

CLASSES = (EstimatorConfig, PointsConfig, NodeConfig)
OPTIONS = [
    (owner, item.name) for owner in CLASSES for item in fields(owner)
    if not is_dataclass(item.default)]


@pytest.mark.parametrize(('owner', 'name'), OPTIONS)
def test_option_has_a_description_of_one_line(owner, name):
    doc = option_info(owner, name).doc
    assert doc
    assert '\n' not in doc


@pytest.mark.parametrize(('owner', 'name'), OPTIONS)
def test_option_of_another_type_is_refused_by_name(owner, name):
    with pytest.raises(ConfigError, match=f'{name} = None is not a '):
        owner(**{name: None})


@pytest.mark.parametrize(('owner', 'name'), [
    (owner, name) for owner, name in OPTIONS if option_info(owner, name).choices])
def test_option_takes_its_choices_and_nothing_else(owner, name):
    for choice in option_info(owner, name).choices:
        assert getattr(owner(**{name: choice}), name) == choice
    with pytest.raises(ConfigError, match=f"{name} = 'nonsense' is not one of "):
        owner(**{name: 'nonsense'})


@pytest.mark.parametrize(('owner', 'name', 'value', 'reason'), [
    (PointsConfig, 'stride', 0, 'stride = 0 is below 1'),
    (PointsConfig, 'stride', 65, 'stride = 65 is above 64'),
    (PointsConfig, 'stride', True, 'stride = True is not a int'),
    (PointsConfig, 'organized', 1, 'organized = 1 is not a bool'),
    (PointsConfig, 'min_range', -0.1, 'min_range = -0.1 is below 0'),
    (PointsConfig, 'max_range', math.nan, 'max_range = nan is not a number'),
    (PointsConfig, 'min_range', 40.0, 'points.min_range = 40.0 is not below'),
    (EstimatorConfig, 'self_check_limit', 1.5, 'self_check_limit = 1.5 is above 1'),
    (EstimatorConfig, 'network_height', 100, 'network_height = 100 is not a multiple of 32'),
    (EstimatorConfig, 'network_width', -32, 'network_width = -32 is below 0'),
    (NodeConfig, 'diagnostics_period', 0.0, 'diagnostics_period = 0.0 is below 0.1'),
])
def test_option_outside_its_range_is_refused_by_name_and_value(owner, name, value, reason):
    with pytest.raises(ConfigError, match=reason):
        owner(**{name: value})


def test_options_of_a_padded_input_and_its_size_contradict_each_other():
    with pytest.raises(ConfigError, match="output_size = 'network' contradicts mode = 'ref"):
        EstimatorConfig(mode='reference', output_size='network')
    for mode in ('robot', 'paper'):
        assert EstimatorConfig(mode=mode, output_size='network').mode == mode


def test_options_cannot_be_changed_in_place():
    with pytest.raises(FrozenInstanceError):
        PointsConfig().stride = 3  # type: ignore[misc]


def test_options_changed_leave_the_others_and_the_original_alone():
    before = NodeConfig(rectify='never')
    after = with_options(
        before, {'model': 'zoed_n', 'points.stride': 4, 'estimator.mode': 'paper'})
    assert after == NodeConfig(
        model='zoed_n', rectify='never', points=PointsConfig(stride=4),
        estimator=EstimatorConfig(mode='paper'))
    assert before == NodeConfig(rectify='never')


@pytest.mark.parametrize('names', [('min', 'max'), ('max', 'min')])
def test_options_that_only_fit_together_are_changed_together(names):
    values = {'min': 50.0, 'max': 60.0}
    changes = {f'points.{name}_range': values[name] for name in names}
    assert with_options(NodeConfig(), changes).points == PointsConfig(
        min_range=50.0, max_range=60.0)
    with pytest.raises(ConfigError, match=r'min_range = 50\.0'):
        with_options(NodeConfig(), {'points.min_range': 50.0})


@pytest.mark.parametrize('name', ['colour', 'points.colour', 'pints.stride', 'model.size'])
def test_options_of_unknown_name_are_refused(name):
    with pytest.raises(ConfigError, match='unknown option in '):
        with_options(NodeConfig(), {name: 1})
