# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from dataclasses import replace
import math
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file
import torch
from torch import nn

from zoe_depth_ros.config import ModelConfig
from zoe_depth_ros.config import RouterConfig
from zoe_depth_ros.errors import WeightsError
from zoe_depth_ros.known_models import ZOED_K
from zoe_depth_ros.known_models import ZOED_N
from zoe_depth_ros.known_models import ZOED_NK
from zoe_depth_ros.model.checkpoint import load_checkpoint
from zoe_depth_ros.model.checkpoint import read_weights
from zoe_depth_ros.model.layouts import translate
from zoe_depth_ros.model.zoedepth import ModelOutput
from zoe_depth_ros.model.zoedepth import ZoeDepth

SEED_SPREAD_M = 9.0
KINDS = ('n', 'k', 'nk')


def reference(kind: str) -> Any:
    """Return a small Hugging Face ZoeDepth whose every weight is random."""
    transformers = pytest.importorskip('transformers')
    backbone = transformers.BeitConfig(
        hidden_size=32, num_hidden_layers=4, num_attention_heads=2, intermediate_size=128,
        image_size=64, use_relative_position_bias=True, reshape_hidden_states=False,
        out_features=['stage1', 'stage2', 'stage3', 'stage4'], layer_norm_eps=1e-6)
    heads = [{'name': 'nyu', 'n_bins': 16, 'min_depth': 1e-3, 'max_depth': 10.0},
             {'name': 'kitti', 'n_bins': 16, 'min_depth': 1e-3, 'max_depth': 80.0}]
    config = transformers.ZoeDepthConfig(
        backbone_config=backbone, neck_hidden_sizes=[8, 12, 16, 20], fusion_hidden_size=16,
        bottleneck_features=16, num_relative_features=8, bin_embedding_dim=8,
        bin_centers_type='normed' if kind == 'k' else 'softplus',
        bin_configurations={'n': heads[:1], 'k': heads[1:], 'nk': heads}[kind],
        num_patch_transformer_layers=4, patch_transformer_hidden_size=128,
        patch_transformer_intermediate_size=64, patch_transformer_num_attention_heads=4)
    network = transformers.ZoeDepthForDepthEstimation(config).eval()
    randomise(network)
    return network


@torch.no_grad()
def randomise(network: nn.Module) -> None:
    generator = torch.Generator().manual_seed(3)
    for name, parameter in network.named_parameters():
        noise = torch.randn(parameter.shape, generator=generator)
        if parameter.ndim == 1:
            noise = 0.1 * noise + ('norm' in name and name.endswith('weight')) + (
                0.5 if 'lambda' in name or name.startswith('relative_head') else 0.0)
        elif not name.endswith(('bias_table', 'cls_token')):
            noise /= math.sqrt(parameter[0].numel())
        if 'seed_bin' in name and name.endswith('conv2.bias'):
            noise += torch.linspace(0, SEED_SPREAD_M, len(parameter))
        parameter.copy_(noise)


def small(kind: str, tiny_config: ModelConfig) -> ModelConfig:
    """Return our description of the network that `reference` builds."""
    bins = replace(tiny_config.bins, attractor_hidden=8)
    if kind == 'nk':
        return replace(
            tiny_config, bins=replace(
                bins, n_attractors=(16,) * 4, seed_hidden=4, projector_hidden=4,
                bottleneck_factor=4),
            router=RouterConfig(dim=128, layers=4, num_heads=4, hidden=64))
    return replace(
        tiny_config, router=None, heads=tiny_config.heads[1:] if kind == 'k' else
        tiny_config.heads[:1], bins=replace(
            bins, bin_type='normed' if kind == 'k' else 'softplus', n_attractors=(16, 8, 4, 1),
            seed_hidden=256, projector_hidden=128, concat_relative=True))


def ours(kind: str, tiny_config: ModelConfig, folder: Path) -> ZoeDepth:
    """Return our network with the weights that `save_pretrained` wrote."""
    state, _ = translate(load_file(folder / 'model.safetensors'))
    network = ZoeDepth(small(kind, tiny_config)).eval()
    network.load_state_dict(state)
    return network


@torch.no_grad()
def run_reference(network: Any, image: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """Return (depth, relative depth, domain logits or None)."""
    relative: list[torch.Tensor] = []
    handle = network.relative_head.register_forward_hook(
        lambda module, inputs, outputs: relative.append(outputs[0]))
    output = network(image)
    handle.remove()
    return output.predicted_depth, relative[0], output.domain_logits


def assert_close(actual: torch.Tensor, expected: torch.Tensor) -> None:
    assert expected.std() > 1e-3 * expected.abs().mean(), 'a constant proves nothing'
    torch.testing.assert_close(actual, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(('kind', 'head'), [('n', 0), ('k', 0), ('nk', 0), ('nk', 1)])
def test_layouts_hugging_face_network_and_ours_agree(kind, head, tiny_config, tmp_path):
    network = reference(kind)
    if kind == 'nk':
        network.metric_head.mlp_classifier.linear2.bias.data[head] += 5
    network.save_pretrained(tmp_path)
    model = ours(kind, tiny_config, tmp_path)
    for size_hw in ((64, 64), (64, 96), (128, 64)):
        image = torch.randn(2, 3, *size_hw, generator=torch.Generator().manual_seed(size_hw[1]))
        depth_m, relative_depth, domain_logits = run_reference(network, image)
        with torch.no_grad():
            output: ModelOutput = model(image, vote_size=2)
        assert output.head_index.tolist() == [head, head]
        assert_close(output.depth_m[:, 0], depth_m)
        assert_close(output.relative_depth[:, 0], relative_depth)
        if kind == 'nk':
            assert_close(output.domain_logits, domain_logits)


@pytest.mark.parametrize('kind', KINDS)
def test_layouts_recognise_the_variant_of_a_hugging_face_file(kind, tmp_path):
    network = reference(kind)
    network.save_pretrained(tmp_path)
    _, config = read_weights(tmp_path / 'model.safetensors')
    assert config == {'n': ZOED_N, 'k': ZOED_K, 'nk': ZOED_NK}[kind]
    with pytest.raises(WeightsError, match=r'bias is \(16,\), not \(256,\)'):
        load_checkpoint(tmp_path / 'model.safetensors')


def released_names(shared_dir: Path, kind: str) -> dict[str, torch.Tensor]:
    lines = (shared_dir / 'golden' / f'keys_{kind}.tsv').read_text().splitlines()
    pairs = [line.split('\t') for line in lines]
    return {name: torch.empty([int(side) for side in shape.split(',') if side], device='meta')
            for name, shape in pairs}


@pytest.mark.shared
@pytest.mark.parametrize('kind', KINDS)
@pytest.mark.parametrize('prefix', ['', 'module.'])
def test_layouts_released_names_and_shapes_are_exactly_our_network(kind, prefix, shared_dir):
    unused = {
        'core.core.pretrained.model.blocks.0.attn.relative_position_index': torch.zeros(577, 577),
        'core.core.pretrained.model.fc_norm.weight': torch.zeros(1024),
        'core.core.pretrained.model.head.bias': torch.zeros(1000),
        'conditional_log_binomial.log_binomial_transform.k_idx': torch.zeros(1),
        'conditional_log_binomial.kitti.log_binomial_transform.K_minus_1': torch.zeros(1)}
    released = {**released_names(shared_dir, kind), **unused}
    state, config = translate({prefix + name: tensor for name, tensor in released.items()})
    assert config == {'n': ZOED_N, 'k': ZOED_K, 'nk': ZOED_NK}[kind]
    with torch.device('meta'):
        wanted = ZoeDepth(config).state_dict()
    shapes = {name: tensor.shape for name, tensor in state.items()}
    assert shapes == {name: tensor.shape for name, tensor in wanted.items()}


@pytest.mark.shared
def test_layouts_released_kitti_weights_reach_80_metres(shared_dir):
    _, config = translate(released_names(shared_dir, 'k'))
    assert [head.max_depth_m for head in config.heads] == [80.0]


def test_layouts_refuse_names_of_no_known_network():
    with pytest.raises(WeightsError, match=r'conv1\.weight.*known: released ZoeDepth'):
        translate({'conv1.weight': torch.zeros(1)})
