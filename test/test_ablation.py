# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from dataclasses import replace
import importlib.util
import json
from pathlib import Path
import re
import sys
from types import ModuleType

import numpy as np
import pytest
import yaml

from zoe_depth_ros.datasets import DatasetConfig
from zoe_depth_ros.datasets import open_source
from zoe_depth_ros.model.checkpoint import save_checkpoint
from zoe_depth_ros.model.zoedepth import ZoeDepth
from zoe_depth_ros.training.config import read_train_config
from zoe_depth_ros.training.network import build_network

ROOT = Path(__file__).parents[1]
ROWS = sorted((ROOT / 'config' / 'train').glob('ablation_*.yaml'))
BASE = ROOT / 'config' / 'train' / 'ablation_base.yaml'


@pytest.fixture(scope='module')
def ablation() -> ModuleType:
    spec = importlib.util.spec_from_file_location('ablation', ROOT / 'benchmarks' / 'ablation.py')
    module = importlib.util.module_from_spec(spec)
    sys.modules['ablation'] = module  # where dataclasses look up the types of their fields
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def setting(tmp_path, tiny_config) -> list[str]:
    """Return the arguments of a run of one tiny configuration with two seeds."""
    save_checkpoint(ZoeDepth(tiny_config), tmp_path / 'stage_1.safetensors')
    worlds = {'kind': 'worlds', 'count': 4, 'size_hw': [32, 64]}
    network = json.loads(json.dumps(tiny_config.to_dict()))
    (tmp_path / 'tiny.yaml').write_text(yaml.safe_dump({
        'model_options': {**network, 'network_size_hw': [32, 64]}, 'steps': 2, 'batch_size': 2,
        'init_parts': 'encoder_decoder', 'workers': 0,
        'datasets': [{**worlds, 'domain': 'indoor'}, {**worlds, 'domain': 'outdoor'}]}))
    return [
        str(tmp_path / 'tiny.yaml'), '--init', str(tmp_path / 'stage_1.safetensors'), '--seeds',
        '2', '--worlds', '4', '--output', str(tmp_path / 'runs'), '--cache', str(tmp_path / 'c')]


def test_ablation_row_is_mean_and_spread_of_its_seeds(ablation):
    scores = [ablation.Score(0.5, 0.1, 0.25, 0.2, 1.0), ablation.Score(0.7, 0.1, 0.75, 0.4, 0.5)]
    assert ablation.markdown_row('split', scores) == (
        '| split | 0.600 ± 0.141 | 0.100 ± 0.000 | 0.500 ± 0.354 | 0.300 ± 0.141 '
        '| 0.750 ± 0.354 |')
    alone = ablation.Score(0.5, 0.1, 0.25, 0.2, None)
    assert ablation.markdown_row('one', [alone]) == '| one | 0.500 | 0.100 | 0.250 | 0.200 | - |'


def test_ablation_cache_holds_the_worlds_as_they_are(ablation, tmp_path):
    worlds = DatasetConfig(domain='outdoor', count=3, first_seed=1_000_007, size_hw=(32, 64))
    folder = ablation.cached(worlds, tmp_path)
    fresh, stored = open_source(worlds), open_source(folder)
    assert len(fresh) == len(stored) == 3
    for number in range(3):
        np.testing.assert_array_equal(stored[number].rgb, fresh[number].rgb)
        np.testing.assert_array_equal(stored[number].depth_m, fresh[number].depth_m)
        assert stored[number].domain == 'outdoor'
    assert np.isinf(stored[0].depth_m).any()
    assert ablation.cached(worlds, tmp_path) == folder


def test_ablation_trains_each_seed_once(ablation, setting, tmp_path, capsys):
    ablation.main(setting)
    row = capsys.readouterr().out.splitlines()[-1]
    assert re.fullmatch(r'\| tiny( \| \d\.\d{3} ± \d\.\d{3}){5} \|', row)
    assert sorted(path.name for path in (tmp_path / 'runs').iterdir()) == [
        'tiny_0.json', 'tiny_1.json']
    (tmp_path / 'stage_1.safetensors').unlink()
    ablation.main(setting)
    assert capsys.readouterr().out.splitlines()[-1] == row


def test_ablation_trains_one_head_on_both_domains(ablation, setting, tmp_path, capsys):
    config = tmp_path / 'tiny.yaml'
    values = yaml.safe_load(config.read_text())
    one_head = yaml.safe_load((BASE.parent / 'ablation_one_head.yaml').read_text())
    values['model_options'] |= one_head['model_options']
    config.write_text(yaml.safe_dump(values))
    ablation.main([*setting, '--seeds', '1'])
    row = capsys.readouterr().out.splitlines()[-1]
    assert re.fullmatch(r'\| tiny( \| \d\.\d{3}){4} \| - \|', row)


def test_ablation_refuses_results_of_other_options(ablation, setting, tmp_path):
    ablation.main(setting)
    config = tmp_path / 'tiny.yaml'
    config.write_text(config.read_text().replace('steps: 2', 'steps: 3'))
    with pytest.raises(SystemExit, match=r'tiny_0\.json was made with other options'):
        ablation.main(setting)


@pytest.mark.parametrize('path', ROWS, ids=lambda path: path.stem)
def test_ablation_row_has_the_network_of_its_name(path):
    config = read_train_config(path)
    model = build_network(replace(config, init_parts='all')).config
    bins = model.bins
    found = {
        'no_pretraining': config.init_parts == 'all',
        'exponential': bins.attractor == 'exp',
        'equal_counts': len(set(bins.n_attractors)) == 1,
        'rising_counts': bins.n_attractors[0] < bins.n_attractors[3],
        'no_refinement': bins.refinement == 'none',
        'normed': bins.bin_type == 'normed' and bins.refinement == 'attractor',
        'split': bins.bin_type == 'normed' and bins.refinement == 'split',
        'softmax': bins.distribution == 'softmax',
        'one_head': len(model.heads) == 1,
        'trained_router': config.routing == 'trained',
        'auto_router': config.routing == 'auto'}
    name = path.stem.removeprefix('ablation_')
    assert found == {row: row == name for row in found}


def test_ablation_rows_differ_from_the_base_in_one_option_each():
    base = yaml.safe_load(BASE.read_text())
    assert len(ROWS) == 12
    for path in ROWS:
        values = yaml.safe_load(path.read_text())
        changed = {name for name in {*base, *values} if base.get(name) != values.get(name)}
        assert len(changed) == (path != BASE), path
        assert changed <= {'model_options', 'routing', 'init_parts'}
