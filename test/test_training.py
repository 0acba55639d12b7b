# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace
import math
from pathlib import Path

import pytest
import torch

from zoe_depth_ros.config import ZOED_MINI_NK
from zoe_depth_ros.errors import ConfigError
from zoe_depth_ros.errors import TrainingError
from zoe_depth_ros.evaluation import evaluate
from zoe_depth_ros.evaluation import world_samples
from zoe_depth_ros.inference import DepthEstimator
from zoe_depth_ros.model.checkpoint import load_checkpoint
from zoe_depth_ros.model.zoedepth import ModelOutput
from zoe_depth_ros.model.zoedepth import ZoeDepth
from zoe_depth_ros.training.config import read_train_config
from zoe_depth_ros.training.config import TrainConfig
from zoe_depth_ros.training.engine import batch_losses
from zoe_depth_ros.training.engine import parameter_groups
from zoe_depth_ros.training.engine import train
from zoe_depth_ros.training.engine import TrainBatch
from zoe_depth_ros.training.engine import WorldBatches

QUICK = TrainConfig(
    size_hw=(32, 64), steps=4, batch_size=2, save_every=2, learning_rate=1e-3, precision='fp32')


class Interrupted(Exception):
    pass


def test_train_interrupted_and_resumed_takes_the_same_steps(tmp_path):
    whole, parts = [], []
    train(QUICK, tmp_path / 'whole', whole.append)

    def stop_after_three(step):
        parts.append(step)
        if step.number == 3:
            raise Interrupted

    with pytest.raises(Interrupted):
        train(QUICK, tmp_path / 'parts', stop_after_three)
    train(QUICK, tmp_path / 'parts', parts.append)
    assert [step.number for step in parts] == [1, 2, 3, 3, 4]
    assert [step.metric for step in parts[2:4]] == [whole[2].metric] * 2
    assert parts[4].metric == whole[3].metric
    resumed = load_checkpoint(tmp_path / 'parts' / 'weights.safetensors').state_dict()
    straight = load_checkpoint(tmp_path / 'whole' / 'weights.safetensors').state_dict()
    assert all(torch.equal(resumed[name], straight[name]) for name in straight)


def test_train_from_weights_starts_where_they_are(tmp_path):
    weights = train(replace(QUICK, steps=2), tmp_path / 'first', lambda step: None)
    first, again = [], []
    train(replace(QUICK, steps=1), tmp_path / 'a', first.append)
    train(replace(QUICK, steps=1, init=str(weights)), tmp_path / 'b', again.append)
    assert first[0].metric != again[0].metric


def test_trained_weights_evaluate_on_worlds(tmp_path):
    weights = train(replace(QUICK, steps=1), tmp_path, lambda step: None)
    estimator = DepthEstimator.from_pretrained(weights, network_height=32, network_width=64)
    reports = evaluate(estimator, world_samples(range(4), (32, 64)))
    assert [report.domain for report in reports] == ['indoor', 'outdoor']
    assert all(report.images == 2 for report in reports)
    assert all(math.isfinite(report.metrics.rel) for report in reports)
    routed_in, routed_out = (report.router_accuracy for report in reports)
    assert {routed_in, routed_out} <= {0.0, 0.5, 1.0}


def test_batches_of_one_number_are_the_same_always():
    first = WorldBatches(QUICK, ZOED_MINI_NK, 0)[3]
    later = WorldBatches(QUICK, ZOED_MINI_NK, 2)[1]
    assert torch.equal(first.image, later.image) and first.heads == [0, 1]
    assert not torch.equal(first.image, WorldBatches(QUICK, ZOED_MINI_NK, 0)[2].image)


def test_losses_push_sky_beyond_the_head_and_leave_out_far_surfaces():
    depth_m = torch.tensor([[5.0, math.nan, 90.0, 5.0]]).view(1, 1, 1, 4)
    batch = TrainBatch(torch.zeros(1, 3, 1, 4), depth_m, [1])
    perfect = torch.tensor([[5.0, 160.0, 7.0, 5.0]]).view(1, 1, 1, 4)
    output = ModelOutput(
        perfect, None, torch.rand(1, 1, 1, 4), torch.tensor([[-20.0, 20.0]]), torch.tensor([1]))
    metric, router, _ = batch_losses(output, batch, ZOED_MINI_NK, sky_factor=2.0)
    assert metric < 1e-3 and router < 1e-3


def test_losses_that_are_not_finite_stop_the_run(tmp_path, monkeypatch):
    monkeypatch.setattr(
        'zoe_depth_ros.training.engine.silog_loss', lambda *_: torch.tensor(math.nan))
    with pytest.raises(TrainingError, match='step 1 is nan'):
        train(QUICK, tmp_path, lambda step: None)


def test_every_parameter_is_in_one_group_and_only_matrices_decay(tiny_config):
    model = ZoeDepth(tiny_config)
    groups = parameter_groups(model, QUICK)
    assert sum(len(group['params']) for group in groups) == len(list(model.parameters()))
    assert [group['weight_decay'] > 0 for group in groups] == [True, False, False]
    assert all(parameter.ndim >= 2 for parameter in groups[0]['params'])
    assert groups[2]['lr'] == 10 * groups[0]['lr']


@pytest.mark.parametrize('path', sorted(Path(__file__).parents[1].glob('config/train/*.yaml')))
def test_train_config_file_is_valid(path):
    assert read_train_config(path).steps > 0


@pytest.mark.parametrize(('text', 'message'), [
    ('steps: 0', 'steps = 0'), ('size_hw: [100, 128]', '100x128'), ('stepz: 3', 'stepz'),
    ('- 3', 'list'), ('seed: 5', 'seed = 5'), ('batch_size: 3', 'batch_size = 3'),
    ('model: nothing', "'nothing'"), ('{', 'cannot be read')])
def test_train_config_with_a_wrong_value_names_it(tmp_path, text, message):
    path = tmp_path / 'wrong.yaml'
    path.write_text(text)
    with pytest.raises(ConfigError, match=message):
        read_train_config(path)
