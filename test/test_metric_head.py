# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from dataclasses import replace
from functools import reduce
import math

import numpy as np
import pytest
import torch
from torch import Tensor

from zoe_depth_ros.config import BinsConfig
from zoe_depth_ros.config import ModelConfig
from zoe_depth_ros.errors import ConfigError
from zoe_depth_ros.known_models import ZOED_MINI_NK
from zoe_depth_ros.model.checkpoint import load_model
from zoe_depth_ros.model.checkpoint import save_checkpoint
from zoe_depth_ros.model.decoder import resize
from zoe_depth_ros.model.metric_head import split_bins
from zoe_depth_ros.model.zoedepth import ZoeDepth

SPLIT = {'refinement': 'split', 'bin_type': 'normed', 'n_bins': 32}
NEAR_M, FAR_M = 1e-3, 80.0
OUTDOOR = 1


def network_of(config: ModelConfig, **bins: object) -> ZoeDepth:
    """Return a network whose every weight is random, so that every part matters."""
    torch.manual_seed(5)
    network = ZoeDepth(replace(config, bins=replace(config.bins, **bins))).eval()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.2 * torch.randn_like(parameter))
    return network


def images(count: int) -> Tensor:
    generator = torch.Generator().manual_seed(7)
    return torch.rand(count, 3, 64, 96, generator=generator) * 2 - 1


def fix_output(regressor: torch.nn.Module, value: float) -> None:
    """Make a regressor give one value before its last activation."""
    regressor.get_parameter('2.weight').data.zero_()
    regressor.get_parameter('2.bias').data.fill_(value)


def centers_m(network: ZoeDepth, head: int = OUTDOOR) -> Tensor:
    with torch.no_grad():
        return network(images(2), heads=[head, head], with_bins=True).bin_centers_m


def assert_centers_everywhere(found_m: Tensor, expected_m: np.ndarray) -> None:
    wanted_m = torch.from_numpy(expected_m).float().view(1, -1, 1, 1).expand_as(found_m)
    torch.testing.assert_close(found_m, wanted_m, rtol=1e-5, atol=1e-4)


def test_split_bins_are_parts_of_their_bin_in_its_place():
    widths = torch.tensor([0.5, 0.3, 0.2]).view(1, 3, 1, 1)
    fractions = torch.tensor([0.2, 0.5, 1.0]).view(1, 3, 1, 1)
    expected = torch.tensor([0.1, 0.4, 0.15, 0.15, 0.2, 0.0]).view(1, 6, 1, 1)
    torch.testing.assert_close(split_bins(widths, fractions), expected)


@pytest.mark.parametrize('fraction', [0.5, 0.25])
def test_split_at_one_fraction_everywhere_gives_the_bins_of_that_fraction(fraction, tiny_config):
    network = network_of(tiny_config, **SPLIT)
    fix_output(network.heads[OUTDOOR].seed, 1.0)
    for splitter in network.heads[OUTDOOR].splitters:
        fix_output(splitter, math.log(fraction / (1 - fraction)))
    widths = reduce(np.kron, [[fraction, 1 - fraction]] * 4, np.array([0.5, 0.5]))
    expected_m = NEAR_M + (FAR_M - NEAR_M) * (np.cumsum(widths) - widths / 2)
    if fraction == 0.5:
        np.testing.assert_allclose(np.diff(expected_m), (FAR_M - NEAR_M) / 32)
    assert_centers_everywhere(centers_m(network), expected_m)


@pytest.mark.parametrize(('head', 'far_m'), [(0, 10.0), (1, 80.0)])
def test_split_bins_keep_their_order_and_the_heads_range(head, far_m, tiny_config):
    found_m = centers_m(network_of(tiny_config, **SPLIT), head)
    assert found_m.shape == (2, 32, 64, 96)
    assert (found_m.diff(dim=1) > -1e-4).all()
    assert found_m.min() >= NEAR_M
    assert far_m / 2 < found_m.max() <= far_m * (1 + 1e-6)


def test_split_fractions_differ_from_pixel_to_pixel(tiny_config):
    network = network_of(tiny_config, **SPLIT)
    fix_output(network.heads[OUTDOOR].seed, 1.0)
    assert (centers_m(network).std(dim=(2, 3)) > 0).all()


def test_without_refinement_the_bins_are_the_seeds_own(tiny_config):
    network = network_of(tiny_config, refinement='none')
    with torch.no_grad():
        bottleneck = network.embedding.embed_bottleneck(network.features(images(2)))
        seed_m = network.heads[OUTDOOR].seed(bottleneck)
    assert seed_m.shape == (2, 16, 2, 3)
    torch.testing.assert_close(centers_m(network), resize(seed_m, (64, 96)))


def test_without_refinement_even_normed_seeds_tile_the_range(tiny_config):
    network = network_of(tiny_config, refinement='none', bin_type='normed')
    fix_output(network.heads[OUTDOOR].seed, 1.0)
    expected_m = NEAR_M + (FAR_M - NEAR_M) / 16 * (np.arange(16) + 0.5)
    assert_centers_everywhere(centers_m(network), expected_m)


@pytest.mark.parametrize(('bins', 'unused'), [
    (SPLIT, ()),
    ({'refinement': 'none'}, ('embedding.seed_projector.', 'embedding.projectors.0.',
                              'embedding.projectors.1.', 'embedding.projectors.2.')),
])
def test_refinement_trains_every_weight_that_it_uses(bins, unused, tiny_config):
    network = network_of(tiny_config, **bins)
    output = network(images(2), heads=[0, 1])
    (output.depth_m.log().sum() + output.domain_logits.square().sum()
     + output.relative_depth.sum()).backward()
    dead = [name for name, parameter in network.named_parameters()
            if parameter.grad is None or not parameter.grad.any()]
    assert {name for name in dead if not name.startswith(unused)} == set()


@pytest.mark.parametrize(('values', 'reason'), [
    ({'refinement': 'merge'}, "refinement = 'merge' is not one of attractor, split, none"),
    ({**SPLIT, 'bin_type': 'softplus'}, "'split' goes with bin_type normed, not 'softplus'"),
    ({**SPLIT, 'bin_type': 'hybrid1'}, "'split' goes with bin_type normed, not 'hybrid1'"),
    ({'refinement': 'none', 'bin_type': 'hybrid2'},
     "'none' goes with bin_type normed or softplus, not 'hybrid2'"),
    ({**SPLIT, 'n_bins': 40}, 'n_bins = 40 is not two or more seed bins split 4 times'),
    ({**SPLIT, 'n_bins': 16}, 'n_bins = 16 is not two or more seed bins split 4 times'),
])
def test_refinement_that_contradicts_other_options_is_refused(values, reason):
    with pytest.raises(ConfigError, match=reason):
        BinsConfig(**values)


def test_configuration_from_before_refinements_means_attractors():
    values = ZOED_MINI_NK.to_dict()
    del values['bins']['refinement']
    assert ModelConfig.from_dict(values) == ZOED_MINI_NK
    assert ZOED_MINI_NK.bins.refinement == 'attractor'


@pytest.mark.parametrize('bins', [SPLIT, {'refinement': 'none'}])
def test_refinement_travels_inside_the_checkpoint(bins, tiny_config, tmp_path):
    network = network_of(tiny_config, **bins)
    save_checkpoint(network, tmp_path / 'weights.safetensors')
    loaded = load_model(tmp_path / 'weights.safetensors')
    assert loaded.config == network.config
    assert torch.equal(centers_m(loaded), centers_m(network))
