# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from collections import Counter
import math

import numpy as np
import pytest
import torch
from training_helpers import batches_of
from training_helpers import quick_config
from training_helpers import quick_run
from training_helpers import WORLDS
from training_helpers import write_list

from zoe_depth_ros.datasets import open_source
from zoe_depth_ros.errors import ConfigError
from zoe_depth_ros.errors import DatasetError
from zoe_depth_ros.errors import TrainingError
from zoe_depth_ros.inference.preprocess import plan_framing
from zoe_depth_ros.known_models import ZOED_K
from zoe_depth_ros.known_models import ZOED_NK
from zoe_depth_ros.training.batches import at_network_size
from zoe_depth_ros.training.batches import Batches
from zoe_depth_ros.training.batches import heads_of_domains
from zoe_depth_ros.training.batches import load
from zoe_depth_ros.training.batches import Order
from zoe_depth_ros.training.sources import open_sources

INDOOR, OUTDOOR = WORLDS


def shared(*shares: float, **changes):
    datasets = [{**INDOOR, 'share': share} for share in shares]
    return quick_config(datasets=datasets, **changes)


def test_mixed_batches_have_images_of_every_set_by_its_share():
    order = Order(shared(0.625, 0.375, batch_size=16))
    for step in range(4):
        sets = Counter(order[step * 16 + row].dataset for row in range(16))
        assert sets == {0: 10, 1: 6}


def test_mixed_batches_of_odd_shares_keep_them_in_the_long_run():
    order = Order(shared(5, 1, 0.013))
    sets = Counter(order[number].dataset for number in range(60_130))
    assert [sets[number] / 60_130 for number in range(3)] == pytest.approx(
        [5 / 6.013, 1 / 6.013, 0.013 / 6.013], abs=1e-4)


def test_homogeneous_batches_are_of_one_set_in_turn():
    order = Order(shared(2, 1, batches='homogeneous', batch_size=4))
    sets = [{order[step * 4 + row].dataset for row in range(4)} for step in range(6)]
    assert all(len(one) == 1 for one in sets)
    assert Counter(next(iter(one)) for one in sets) == {0: 4, 1: 2}


@pytest.mark.parametrize('batches', ['mixed', 'homogeneous'])
def test_images_of_a_set_come_one_after_the_other(batches):
    order = Order(shared(3, 1, batches=batches, batch_size=4))
    turns = [order[number] for number in range(64)]
    for dataset in (0, 1):
        ranks = [turn.rank for turn in turns if turn.dataset == dataset]
        assert ranks == list(range(len(ranks)))


def test_every_image_of_a_set_is_seen_once_an_epoch_in_another_order(tmp_path):
    path = write_list(tmp_path, count=6)
    run = quick_run(datasets=[{'kind': 'list', 'path': str(path)}], batch_size=6,
                    augment={'flip': 0, 'rotate_deg': 0, 'color': 0})
    batches = batches_of(run)
    epochs = [[batches.sample(6 * epoch + row).name for row in range(6)] for epoch in range(3)]
    assert [len(set(epoch)) for epoch in epochs] == [6, 6, 6]
    assert epochs[0] != epochs[1] or epochs[1] != epochs[2]


def test_batch_of_one_number_is_the_same_always():
    config = quick_config(augment={'degrade': 1.0, 'zoom': 1.4})
    first, later = (batches_of(quick_run()) for _ in range(2))
    first.config = later.config = config
    later[1]
    assert torch.equal(first[3].image, later[3].image)
    assert np.array_equal(first[3].depth_m, later[3].depth_m, equal_nan=True)
    assert not torch.equal(first[3].image, first[2].image)


def test_processes_and_parts_share_a_steps_images_out():
    config = quick_config(batch_size=8, accumulate=2)
    sources = open_sources(config, ZOED_NK)
    seen = [
        number for process in (0, 1) for part in (2, 3)
        for number in Batches(config, sources, ZOED_NK, (32, 64), process=process,
                              processes=2).images_of(part)]
    assert sorted(seen) == list(range(8, 16))
    with pytest.raises(ConfigError, match='times 3 processes'):
        Batches(config, sources, ZOED_NK, (32, 64), processes=3)


@pytest.mark.parametrize('workers', [0, 2])
def test_loading_goes_on_at_any_step_with_the_same_images(workers):
    run = quick_run(accumulate=2, workers=workers)
    batches = batches_of(run)
    whole = list(load(batches, 0))
    rest = list(load(batches, 3))
    assert [len(parts) for parts in whole] == [2, 2, 2, 2]
    assert len(rest) == 1
    assert all(torch.equal(a.image, b.image) for a, b in zip(whole[3], rest[0], strict=True))


@pytest.mark.parametrize('workers', [0, 1])
def test_image_that_cannot_be_read_ends_loading_with_one_sentence(tmp_path, workers):
    path = write_list(tmp_path)
    (tmp_path / '1.png').write_bytes(b'nothing')
    run = quick_run(datasets=[{'kind': 'list', 'path': str(path)}], workers=workers)
    with pytest.raises(DatasetError, match=r'1\.png') as caught:
        list(load(batches_of(run), 0))
    assert '\n' not in str(caught.value)


def test_batch_has_network_input_truth_and_labels():
    run = quick_run(augment={'flip': 0, 'rotate_deg': 0, 'color': 0})
    batch = batches_of(run)[0]
    assert batch.image.shape == (4, 3, 32, 64)
    assert batch.depth_m.shape == (4, 1, 32, 64)
    assert batch.image.min() >= -1 and batch.image.max() <= 1
    assert batch.labels.tolist() == [0, 1, 0, 1]
    source = open_source(run.config.datasets[0])
    rows = [np.array_equal(batch.depth_m[0, 0], source[n].depth_m) for n in range(len(source))]
    assert sum(rows) == 1


def test_batch_takes_loss_weight_and_trim_from_the_images_data_set():
    run = quick_run(datasets=[
        {**INDOOR, 'loss_weight': 3.0, 'trim': 0.0}, {**OUTDOOR, 'loss_weight': 0.5}])
    batch = batches_of(run)[0]
    assert batch.loss_weight.tolist() == [3.0, 0.5, 3.0, 0.5]
    assert batch.trim.tolist() == [0.0, 0.2, 0.0, 0.2]


def test_truth_at_network_size_is_of_the_nearest_pixels_and_never_mixed():
    depth_m = np.arange(20, dtype=np.float32).reshape(4, 5)
    depth_m[0, 0] = math.nan
    small = at_network_size(depth_m, plan_framing((4, 5), (2, 3), 'paper'))
    assert np.array_equal(
        small, np.array([[math.nan, 2, 4], [15, 17, 19]], np.float32), equal_nan=True)


def test_truth_of_native_size_keeps_it_and_refuses_mixed_sizes(tmp_path):
    (tmp_path / 'a').mkdir()
    (tmp_path / 'b').mkdir()
    small = {'kind': 'list', 'path': str(write_list(tmp_path / 'a', size_hw=(40, 80)))}
    large = {'kind': 'list', 'path': str(write_list(tmp_path / 'b', size_hw=(48, 80)))}
    alone = batches_of(quick_run(datasets=[small], truth_size='native'))[0]
    assert alone.image.shape[-2:] == (32, 64)
    assert alone.depth_m.shape[-2:] == (40, 80)
    both = batches_of(quick_run(datasets=[small, large], truth_size='native'))[0]
    assert isinstance(both, TrainingError)
    assert 'depths of 80x48' in str(both) and 'batches: homogeneous' in str(both)


def test_framing_as_the_estimator_keeps_the_aspect_ratio(tmp_path):
    path = write_list(tmp_path, size_hw=(64, 64))
    run = quick_run(datasets=[{'kind': 'list', 'path': str(path)}], framing='robot')
    assert batches_of(run)[0].image.shape[-2:] == plan_framing(
        (64, 64), (32, 64), 'robot').network_hw


def test_network_of_one_head_takes_images_of_both_domains():
    assert heads_of_domains(ZOED_K) == {'indoor': 0, 'outdoor': 0}
    assert heads_of_domains(ZOED_NK) == {'indoor': 0, 'outdoor': 1}


def test_run_without_data_sets_is_refused():
    with pytest.raises(ConfigError, match='datasets is empty'):
        open_sources(quick_config(datasets=[]), ZOED_NK)
