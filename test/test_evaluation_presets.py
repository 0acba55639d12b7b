# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import math

import pytest

from zoe_depth_ros.datasets.config import DatasetConfig
from zoe_depth_ros.errors import ConfigError
from zoe_depth_ros.evaluation.presets import find_preset
from zoe_depth_ros.evaluation.presets import PRESETS

# name: images, min_depth_m (0 is any tiny one), max_depth_m, domain, crop, crop of the images
RULES = {
    'nyu': (654, 1e-3, 10, 'indoor', 'eigen', ''),
    'sun': (5050, 0, 8, 'indoor', 'eigen', ''),
    'ibims': (100, 0, 10, 'indoor', 'eigen', ''),
    'diode_indoor': (325, 1e-3, 10, 'indoor', 'eigen', ''),
    'hypersim': (7690, 1e-3, 80, 'indoor', 'eigen', ''),
    'kitti': (697, 1e-3, 80, 'outdoor', 'garg', 'kb'),
    'vkitti2': (1701, 1e-3, 80, 'outdoor', 'garg', 'kb'),
    'ddad': (3950, 1e-3, 80, 'outdoor', 'garg', ''),
    'diml': (500, 2, 80, 'outdoor', 'garg', ''),
    'diode_outdoor': (446, 1e-3, 80, 'outdoor', 'garg', ''),
}
# Improvement over NeWCRFs in tables 3 and 4 (mRI, %), from d1, REL and RMSE of both.
NEWCRFS = {
    'sun': (0.798, 0.151, 0.424), 'ibims': (0.548, 0.206, 0.861),
    'diode_indoor': (0.187, 0.404, 1.867), 'hypersim': (0.255, 0.442, 6.017),
    'vkitti2': (0.829, 0.117, 5.691), 'ddad': (0.874, 0.119, 6.183),
    'diml': (0.010, 1.918, 6.283), 'diode_outdoor': (0.176, 0.854, 9.228),
}
MRI_PERCENT = {
    'sun': (16.0, 13.9), 'ibims': (18.5, 10.6), 'diode_indoor': (45.0, 46.3),
    'hypersim': (8.6, 5.3), 'vkitti2': (10.5, 7.8), 'ddad': (-9.3, -12.8), 'diml': (-27.1, 976.4),
    'diode_outdoor': (26.1, 15.8),
}


def test_presets_are_the_ten_benchmarks_in_their_order():
    assert list(PRESETS) == list(RULES)


@pytest.mark.parametrize('name', RULES)
def test_preset_has_the_rules_of_the_benchmark(name):
    images, min_depth_m, max_depth_m, domain, crop, image_crop = RULES[name]
    preset = find_preset(name)
    assert (preset.name, preset.images, preset.max_depth_m) == (name, images, max_depth_m)
    assert (preset.domain, preset.crop, preset.image_crop) == (domain, crop, image_crop)
    assert 0 < preset.min_depth_m == (min_depth_m or pytest.approx(0, abs=1e-5))


@pytest.mark.parametrize('name', MRI_PERCENT)
def test_preset_published_figures_give_the_published_improvement(name):
    d1, rel, rmse = NEWCRFS[name]
    for result, percent in zip(PRESETS[name].published, MRI_PERCENT[name], strict=True):
        gain = ((result.d1 - d1) / d1 + (rel - result.rel) / rel + (rmse - result.rmse) / rmse) / 3
        assert 100 * gain == pytest.approx(percent, rel=0.02, abs=0.2)


def test_preset_published_figures_name_the_model_of_the_domain():
    for preset in PRESETS.values():
        models = {result.model for result in preset.published}
        single = 'ZoeD-M12-N' if preset.domain == 'indoor' else 'ZoeD-M12-K'
        assert models == {single, 'ZoeD-M12-NK'}
        assert all(result.source for result in preset.published)
    assert [result.rmse for result in PRESETS['nyu'].published] == [0.270, 0.277]


@pytest.mark.parametrize('name', RULES)
def test_preset_applies_to_a_data_set(name):
    dataset = DatasetConfig(kind='list', path='test.txt', frames='0:9', skip_bad=True)
    applied, preset = find_preset(name).applied_to(dataset), find_preset(name)
    assert (applied.path, applied.frames, applied.skip_bad) == ('test.txt', '0:9', True)
    assert (applied.domain, applied.crop) == (preset.domain, preset.image_crop)
    assert (applied.min_depth_m, applied.max_depth_m) == (preset.min_depth_m, preset.max_depth_m)
    assert applied.truth == ('distance' if name == 'hypersim' else 'depth')


@pytest.mark.parametrize(('name', 'stored', 'depth_m'), [
    ('nyu', 2500, 2.5), ('ibims', 65535, 50.0), ('kitti', 25600, 100.0), ('vkitti2', 1234, 12.34)])
def test_preset_knows_what_stored_integers_mean(name, stored, depth_m):
    assert math.isclose(stored / find_preset(name).depth_scale, depth_m)


def test_preset_crops_are_absolute_indoors_and_relative_outdoors():
    indoor, outdoor = find_preset('diode_indoor').mask((768, 1024)), find_preset('ddad')
    assert indoor[45:471, 41:601].all() and indoor.sum() == 426 * 560
    assert outdoor.mask((352, 1216))[143:349, 43:1172].all()
    assert not outdoor.mask((1216, 1936))[:496].any()


def test_preset_of_an_unknown_name_lists_the_known_ones():
    with pytest.raises(ConfigError, match="preset = 'nyu2' is not one of nyu, sun, ibims"):
        find_preset('nyu2')
