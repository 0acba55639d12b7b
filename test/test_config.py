# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from dataclasses import replace
import json

import pytest

from zoe_depth_ros.config import BinsConfig
from zoe_depth_ros.config import check_network_size
from zoe_depth_ros.config import DecoderConfig
from zoe_depth_ros.config import EncoderConfig
from zoe_depth_ros.config import HeadConfig
from zoe_depth_ros.config import ModelConfig
from zoe_depth_ros.config import RouterConfig
from zoe_depth_ros.errors import ConfigError
from zoe_depth_ros.known_models import ZOED_K
from zoe_depth_ros.known_models import ZOED_MINI_NK
from zoe_depth_ros.known_models import ZOED_N
from zoe_depth_ros.known_models import ZOED_NK
from zoe_depth_ros.option_fields import build_config

NYU = HeadConfig('nyu', 'indoor', 1e-3, 10.0)


@pytest.mark.parametrize('config', [ZOED_N, ZOED_K, ZOED_NK, ZOED_MINI_NK])
def test_config_survives_json(config):
    assert ModelConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


@pytest.mark.parametrize(('config', 'size_hw', 'domains', 'ranges_m', 'n_attractors'), [
    (ZOED_N, (384, 512), ['indoor'], [10.0], (16, 8, 4, 1)),
    (ZOED_K, (384, 768), ['outdoor'], [80.0], (16, 8, 4, 1)),
    (ZOED_NK, (384, 512), ['indoor', 'outdoor'], [10.0, 80.0], (16, 16, 16, 16)),
])
def test_config_of_the_released_networks_has_their_numbers(
        config, size_hw, domains, ranges_m, n_attractors):
    assert config.network_size_hw == size_hw
    assert [head.domain for head in config.heads] == domains
    assert [head.max_depth_m for head in config.heads] == ranges_m
    assert config.bins.n_attractors == n_attractors
    assert config.bins.attractor_alpha == 300.0
    assert config.encoder.embed_dim == 1024


@pytest.mark.parametrize(('cls', 'values', 'reason'), [
    (EncoderConfig, {'num_heads': 7}, 'num_heads = 7'),
    (EncoderConfig, {'hooks': (5, 11, 17, 24)}, r'hooks = \(5, 11, 17, 24\) exceed depth = 24'),
    (EncoderConfig, {'hooks': (11, 5, 17, 23)}, 'not ascending'),
    (EncoderConfig, {'patch_size': 14}, 'patch_size = 14'),
    (BinsConfig, {'bin_type': 'linear'}, "bin_type = 'linear' is not one of"),
    (BinsConfig, {'n_bins': 1}, 'n_bins = 1'),
    (BinsConfig, {'n_attractors': (4, 0, 2, 1)}, 'not four positive counts'),
    (BinsConfig, {'min_temperature': 60.0}, r'min_temperature = 60\.0'),
    (ModelConfig, {'heads': ()}, 'heads is empty'),
    (ModelConfig, {'heads': (NYU, NYU), 'router': RouterConfig()}, 'not unique'),
    (ModelConfig, {'heads': (NYU, replace(NYU, name='k'))}, '2 heads need a router'),
    (ModelConfig, {'router': RouterConfig()}, '1 heads exclude a router'),
    (ModelConfig, {'network_size_hw': (384, 500)}, '384x500'),
    (ModelConfig, {'decoder': DecoderConfig(stem_maps=True)}, "need stem = conv, not 'patch'"),
])
def test_config_that_contradicts_itself_is_refused(cls, values, reason):
    with pytest.raises(ConfigError, match=reason):
        cls(**values)


@pytest.mark.parametrize(('values', 'reason'), [
    (('', 'indoor', 1e-3, 10.0), "head name ''"),
    (('a.b', 'indoor', 1e-3, 10.0), "'a.b'"),
    (('nyu', 'indoor', 10.0, 1.0), r'min_depth_m = 10\.0'),
    (('nyu', 'indoor', 0.0, 1.0), r'min_depth_m = 0\.0'),
    (('nyu', 'indoor', 1e-3, 10.0, -0.8), r'focal_of_width = -0\.8'),
    (('nyu', 'indoor', 1e-3, 10.0, float('nan')), 'focal_of_width = nan'),
    (('nyu', 'indoor', 1e-3, 10.0, 0.8, 0.0), r'std_dev_factor = 0\.0'),
    (('nyu', 'underwater', 1e-3, 10.0), "domain = 'underwater'"),
])
def test_head_that_contradicts_itself_is_refused(values, reason):
    with pytest.raises(ConfigError, match=reason):
        HeadConfig(*values)


def test_head_of_an_older_checkpoint_has_no_focal_length_and_its_spread_as_it_is():
    values = ZOED_NK.to_dict()
    for head in values['heads']:
        del head['focal_of_width'], head['std_dev_factor']
    heads = ModelConfig.from_dict(json.loads(json.dumps(values))).heads
    assert [(head.focal_of_width, head.std_dev_factor) for head in heads] == [(0, 1)] * 2


def test_head_knows_the_lens_of_its_training_images():
    # fx 518.86 px of 640 (NYU Depth v2), 721.54 px of 1242 (KITTI).
    assert [head.focal_of_width for head in ZOED_NK.heads] == pytest.approx([0.8107, 0.5809], 1e-3)


@pytest.mark.parametrize('size_hw', [(0, 32), (32, -32), (33, 32), (32, 48)])
def test_network_size_is_of_positive_multiples_of_32(size_hw):
    with pytest.raises(ConfigError, match=f'{size_hw[0]}x{size_hw[1]}'):
        check_network_size(size_hw)
    check_network_size((32, 1312))


@pytest.mark.parametrize('size_hw', [(32,), (32, 64, 3), 32])
def test_network_size_is_of_two_sides(size_hw):
    with pytest.raises(ConfigError, match=r'is not \[height, width\]'):
        check_network_size(size_hw)


def test_build_config_makes_tuples_of_lists_and_refuses_unknown_names():
    built = build_config(BinsConfig, {'n_attractors': [4, 3, 2, 1]})
    assert built == BinsConfig(n_attractors=(4, 3, 2, 1))
    with pytest.raises(ConfigError, match='BinsConfig has no option colour, wings'):
        build_config(BinsConfig, {'wings': 2, 'colour': 3})
