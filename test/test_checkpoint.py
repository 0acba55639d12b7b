# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import json
import os
from pathlib import Path
import pickle

import pytest
from safetensors.torch import load_file
from safetensors.torch import save_file
import torch

from zoe_depth_ros.errors import WeightsError
from zoe_depth_ros.model.checkpoint import CONFIG_KEY
from zoe_depth_ros.model.checkpoint import load_checkpoint
from zoe_depth_ros.model.checkpoint import load_model
from zoe_depth_ros.model.checkpoint import save_checkpoint
from zoe_depth_ros.model.zoedepth import ZoeDepth


@pytest.fixture(scope='module')
def model(tiny_config) -> ZoeDepth:
    torch.manual_seed(1)
    return ZoeDepth(tiny_config).eval()


@pytest.fixture
def saved(model, tmp_path) -> Path:
    path = tmp_path / 'runs' / 'tiny.safetensors'
    save_checkpoint(model, path, {'note': 'for tests'})
    return path


def rewrite(path: Path, config: object, tensors: dict[str, torch.Tensor]) -> Path:
    save_file(tensors, path, {CONFIG_KEY: json.dumps(config)})
    return path


def refuse(path: Path) -> str:
    with pytest.raises(WeightsError) as caught:
        load_checkpoint(path)
    assert str(path) in str(caught.value)
    return str(caught.value)


def test_checkpoint_rebuilds_the_network_and_its_output(model, saved):
    loaded = load_model(saved)
    assert loaded.config == model.config
    assert not loaded.training
    assert not any(parameter.requires_grad for parameter in loaded.parameters())
    image = torch.rand(2, 3, 64, 96) * 2 - 1
    with torch.no_grad():
        expected, actual = model(image), loaded(image)
    assert torch.equal(expected.depth_m, actual.depth_m)
    assert torch.equal(expected.domain_logits, actual.domain_logits)
    assert os.listdir(saved.parent) == ['tiny.safetensors']


def test_checkpoint_stored_in_half_precision_loads_in_single(model, tmp_path):
    path = tmp_path / 'half.safetensors'
    save_checkpoint(model, path, half=True)
    assert {tensor.dtype for tensor in load_file(path).values()} == {torch.float16}
    state = load_checkpoint(path).state_dict()
    assert {tensor.dtype for tensor in state.values()} == {torch.float32}
    for name, tensor in model.state_dict().items():
        torch.testing.assert_close(state[name], tensor, rtol=1e-3, atol=1e-6)


def test_checkpoint_loaded_in_inference_mode_works_in_and_outside_it(saved):
    image = torch.rand(1, 3, 64, 96)
    with torch.inference_mode():
        loaded = load_checkpoint(saved)
        inside = loaded(image).depth_m
    with torch.no_grad():
        assert torch.equal(loaded(image).depth_m, inside)


def test_checkpoint_of_a_data_parallel_network_loses_its_prefix(model, saved):
    prefixed = {f'module.{name}': tensor for name, tensor in load_file(saved).items()}
    loaded = load_checkpoint(rewrite(saved, model.config.to_dict(), prefixed))
    assert torch.equal(loaded.encoder.cls_token, model.encoder.cls_token)


def test_checkpoint_names_missing_extra_and_misshapen_tensors(model, saved):
    tensors = load_file(saved)
    del tensors['decoder.lateral.0.weight']
    tensors['encoder.surprise'] = torch.zeros(1)
    tensors['router.embed.bias'] = torch.zeros(3)
    message = refuse(rewrite(saved, model.config.to_dict(), tensors))
    assert '1 missing: decoder.lateral.0.weight' in message
    assert '1 unexpected: encoder.surprise' in message
    assert '1 misshapen: router.embed.bias is (3,), not (16,)' in message


@pytest.mark.parametrize('config', [
    'not a mapping', {'n_wings': 2}, {'bins': {'n_bins': 1}}, {'network_size_hw': [64, 95]},
    {'encoder': 7}, {'heads': 5}, {'bins': {'n_attractors': 4}},
])
def test_checkpoint_with_an_unusable_configuration_is_refused(saved, config):
    assert 'no usable configuration' in refuse(rewrite(saved, config, load_file(saved)))


def test_checkpoint_without_a_configuration_is_refused(model, tmp_path):
    path = tmp_path / 'bare.pt'
    torch.save(model.state_dict(), path)
    assert 'no usable configuration' in refuse(path)


@pytest.mark.parametrize('suffix', ['.safetensors', '.pt'])
@pytest.mark.parametrize('damage', ['truncated', 'garbage', 'empty', 'missing', 'folder'])
def test_checkpoint_that_is_damaged_is_refused(model, saved, tmp_path, suffix, damage):
    path = tmp_path / f'damaged{suffix}'
    if damage == 'folder':
        path.mkdir()
    elif damage != 'missing':
        released = tmp_path / 'whole.pt'
        torch.save({'model': model.state_dict()}, released)
        whole = (saved if suffix == '.safetensors' else released).read_bytes()
        half = len(whole) // 2
        path.write_bytes(
            {'truncated': whole[:half], 'garbage': os.urandom(half), 'empty': b''}[damage])
    refuse(path)


class Payload:
    """Creates a file when it is unpickled."""

    def __init__(self, victim: Path) -> None:
        self.victim = victim

    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, (str(self.victim),)


@pytest.mark.parametrize('zipped', [True, False])
def test_checkpoint_never_executes_what_a_pickle_asks_for(tmp_path, zipped):
    path, victim = tmp_path / 'evil.pt', tmp_path / 'executed'
    if zipped:
        torch.save({'model': {'weight': Payload(victim)}}, path)
    else:
        path.write_bytes(pickle.dumps({'model': {'weight': Payload(victim)}}))
    refuse(path)
    assert not victim.exists()
    if zipped:
        torch.load(path, weights_only=False)
        assert victim.exists(), 'the payload works, so the test can fail'


@pytest.mark.parametrize('content', [
    torch.zeros(3), [torch.zeros(3)], {'model': [1, 2]}, {'model': {'epoch': 3}},
    {3: torch.zeros(3)},
])
def test_checkpoint_without_named_tensors_is_refused(tmp_path, content):
    path = tmp_path / 'other.pt'
    torch.save(content, path)
    assert 'not tensors by name' in refuse(path)


def test_checkpoint_of_another_network_is_refused(tmp_path):
    path = tmp_path / 'resnet.pt'
    torch.save({'layer1.conv.weight': torch.zeros(3)}, path)
    assert 'no known weight layout has keys like' in refuse(path)
