# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
import shutil

import pytest
import yaml

from zoe_depth_ros.errors import ConfigError
from zoe_depth_ros.training import config as config_module
from zoe_depth_ros.training.config import read_train_config
from zoe_depth_ros.training.config import shipped_config
from zoe_depth_ros.training.config import TrainConfig

FOLDER = Path(__file__).parents[1] / 'config' / 'train'
FILES = sorted(FOLDER.glob('*.yaml'))


def assert_holds(config: dict, written: dict) -> None:
    for name, value in written.items():
        if isinstance(value, dict) and name != 'model_options':
            assert_holds(config[name], value)
        elif value and isinstance(value, list) and isinstance(value[0], dict):
            for held, item in zip(config[name], value, strict=True):
                assert_holds(held, item)
        else:
            assert config[name] == (tuple(value) if isinstance(value, list) else value)


@pytest.mark.parametrize('path', FILES, ids=lambda path: path.stem)
def test_training_file_holds_what_is_written_in_it(path):
    assert_holds(asdict(read_train_config(path)), yaml.safe_load(path.read_text()))


def test_training_files_of_the_paper_have_its_numbers():
    n, k, nk = (read_train_config(FOLDER / f'zoed_{name}.yaml') for name in ('n', 'k', 'nk'))
    assert (n.learning_rate, k.learning_rate, nk.learning_rate) == (1.61e-4, 1.61e-4, 2.512e-4)
    assert (n.size_hw, k.size_hw, nk.size_hw) == ((384, 512), (384, 768), (384, 512))
    assert [(one.encoder_divisor, one.table_divisor, one.decoder_divisor, one.head_divisor)
            for one in (n, nk)] == [(10, 10, 1, 1), (10, 10, 10, 1)]
    for one in (n, k, nk):
        assert (one.batch_size, one.clip_norm, one.weight_decay) == (16, 0.1, 0.01)
        assert (one.warmup, one.div_factor, one.final_div_factor) == (0.3, 25, 1e4)
        assert one.validation and one.validate_every
        assert (one.augment.flip, one.augment.rotate_deg, one.augment.zoom) == (0.5, 1, 1)
    assert (nk.batches, nk.routing, nk.router_weight) == ('homogeneous', 'trained', 100)


@pytest.mark.parametrize(('text', 'message'), [
    ('steps: 0', 'steps = 0'), ('size_hw: [100, 128]', '100x128'), ('stepz: 3', 'stepz'),
    ('- 3', 'list'), ('seed: -5', 'seed = -5'), ('model: nothing', "'nothing'"),
    ('{', 'cannot be read'), ('stage: third', "stage = 'third'"), ('warmup: 1', 'warmup = 1'),
    ('routing: guess', 'labelled, trained, auto'), ('steps: many', "steps = 'many' is not a int"),
    ('steps: 2.5', 'steps = 2.5 is not a int'), ('batch_size: true', 'batch_size = True is not'),
    ('learning_rate: fast', "learning_rate = 'fast' is not a float"),
    ('augment: {flip: yes}', 'flip = True is not a float'),
    ('datasets: [{kind: list, path: l.txt, truth: disparity}]', "stage = 'metric' cannot use"),
    ('datasets: [{frames: "3:-"}]', "frames = '3:-' is not start:stop"),
    ('datasets: [{kind: list, path: l.txt, mask: kb}]', "mask = 'kb' is not one of"),
    ('{batch_size: 9, accumulate: 2}', 'batch_size = 9 is not a multiple of accumulate = 2'),
    ('augment: {zoom: 0.5}', 'augment: zoom = 0.5'), ('augment: 3', 'augment holds 3'),
    ('datasets: [worlds]', "datasets holds 'worlds'"), ('datasets: [{knd: worlds}]', 'knd'),
    ('validation: [{kind: world}]', "kind = 'world'"), ('precision: half', "precision = 'half'"),
    ('model_options:', 'model_options holds None'), ('datasets: 3', 'datasets holds 3'),
    ('model_options: {bins: {4: 2}}', r'model_options\.bins has an option 4'),
    ('{1: 2}', 'has no option 1')])
def test_training_file_with_a_wrong_value_names_it(tmp_path, text, message):
    path = tmp_path / 'wrong.yaml'
    path.write_text(text)
    with pytest.raises(ConfigError, match=message):
        read_train_config(path)


def test_training_file_may_have_numbers_that_yaml_takes_for_text(tmp_path):
    path = tmp_path / 'run.yaml'
    path.write_text('{learning_rate: 1e-4, datasets: [{share: 5e-1}]}')
    config = read_train_config(path, ['weight_decay=1e-2'])
    assert (config.learning_rate, config.weight_decay) == (1e-4, 0.01)
    assert config.datasets[0].share == 0.5


def test_training_file_that_is_missing_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r'no\.yaml cannot be read'):
        read_train_config(tmp_path / 'no.yaml')


def test_changes_replace_what_the_file_says(tmp_path):
    path = tmp_path / 'run.yaml'
    path.write_text('{steps: 5, augment: {flip: 0}, datasets: []}')
    config = read_train_config(path, [
        'steps=7', 'augment.zoom=1.5', 'model_options.bins.distribution=softmax',
        'size_hw=[64, 96]', 'init_parts=encoder_decoder'])
    assert (config.steps, config.size_hw) == (7, (64, 96))
    assert (config.augment.flip, config.augment.zoom) == (0, 1.5)
    assert config.model_options == {'bins': {'distribution': 'softmax'}}


@pytest.mark.parametrize('change', ['steps', 'steps.more=3', 'steps=[', 'stepz=3'])
def test_changes_that_make_no_sense_are_refused(tmp_path, change):
    path = tmp_path / 'run.yaml'
    path.write_text('steps: 5')
    with pytest.raises(ConfigError, match='step'):
        read_train_config(path, [change])


def test_shipped_file_is_found_in_a_source_tree_and_in_an_installation(tmp_path, monkeypatch):
    assert shipped_config('zoed_n.yaml') == FOLDER / 'zoed_n.yaml'
    module = tmp_path / 'lib' / 'python3' / 'site-packages' / 'zoe_depth_ros' / 'training' / 'c.py'
    share = tmp_path / 'share' / 'zoe_depth_ros' / 'config' / 'train'
    module.parent.mkdir(parents=True)
    share.mkdir(parents=True)
    shutil.copy(FOLDER / 'zoed_n.yaml', share)
    monkeypatch.setattr(config_module, '__file__', str(module))
    assert shipped_config('zoed_n.yaml') == share / 'zoed_n.yaml'
    with pytest.raises(ConfigError, match=r'zoed_k\.yaml'):
        shipped_config('zoed_k.yaml')


def test_defaults_train_nothing_by_themselves():
    assert TrainConfig().datasets == ()
