# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from dataclasses import replace
import itertools

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor

from zoe_depth_ros.config import ATTRACTOR_KINDS
from zoe_depth_ros.config import ATTRACTOR_TYPES
from zoe_depth_ros.config import BIN_TYPES
from zoe_depth_ros.config import BinsConfig
from zoe_depth_ros.config import DISTRIBUTIONS
from zoe_depth_ros.config import ModelConfig
from zoe_depth_ros.config import STEMS
from zoe_depth_ros.errors import ConfigError
from zoe_depth_ros.model.bin_distribution import BinDistribution
from zoe_depth_ros.model.zoedepth import ModelOutput
from zoe_depth_ros.model.zoedepth import ZoeDepth
from zoe_depth_ros.training.network import ADDITIONS


def randomised(config: ModelConfig) -> ZoeDepth:
    """Return a network whose every weight is random, so that every part matters."""
    torch.manual_seed(5)
    network = ZoeDepth(config).eval()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.2 * torch.randn_like(parameter))
    return network


def images(count: int, height: int = 64, width: int = 96) -> Tensor:
    generator = torch.Generator().manual_seed(7)
    return torch.rand(count, 3, height, width, generator=generator) * 2 - 1


@pytest.fixture(scope='module')
def network(tiny_config) -> ZoeDepth:
    """Return a network whose router sends some of `images` to each head."""
    warm = replace(tiny_config.bins, min_temperature=1.0)  # rounding is not magnified
    network = randomised(replace(tiny_config, bins=warm))
    with torch.no_grad():
        logits = network(images(4)).domain_logits
        network.router.classifier[2].bias -= logits.median(dim=0).values
        logits = network(images(4)).domain_logits
    assert sorted(logits.argmax(dim=1).tolist()) in ([0, 0, 0, 1], [0, 0, 1, 1], [0, 1, 1, 1])
    return network


@pytest.mark.parametrize(
    ('bin_type', 'attractor', 'attractor_kind'),
    list(itertools.product(BIN_TYPES, ATTRACTOR_TYPES, ATTRACTOR_KINDS)))
def test_zoedepth_every_kind_of_bins_gives_depth_and_trains(
        bin_type, attractor, attractor_kind, tiny_config):
    bins = replace(
        tiny_config.bins, bin_type=bin_type, attractor=attractor, attractor_kind=attractor_kind)
    network = randomised(replace(tiny_config, bins=bins))
    output = network(images(2), heads=[0, 1])
    assert output.depth_m.shape == output.std_dev_m.shape == (2, 1, 64, 96)
    assert output.depth_m.isfinite().all()
    assert output.depth_m.std() > 0
    can_overshoot = attractor_kind == 'sum' and not bins.normed_attractor
    assert can_overshoot or (output.depth_m > 0).all()
    (output.depth_m.log().sum() + output.domain_logits.square().sum()
     + output.relative_depth.sum()).backward()
    dead = [name for name, parameter in network.named_parameters()
            if parameter.grad is None or not parameter.grad.isfinite().all()
            or not parameter.grad.any()]
    assert dead == []


def test_zoedepth_every_stem_sees_the_whole_image(tiny_config):
    for stem in STEMS:
        network = randomised(replace(tiny_config, encoder=replace(tiny_config.encoder, stem=stem)))
        image = images(1).requires_grad_()
        network.encoder(image).tokens[0].square().sum().backward()
        assert (image.grad[0] != 0).float().mean() > 0.99


@pytest.fixture(scope='module')
def config_with_additions(tiny_config) -> ModelConfig:
    return replace(
        tiny_config, decoder=replace(tiny_config.decoder, stem_maps=True),
        encoder=replace(tiny_config.encoder, stem='conv', absolute_position=True))


def test_zoedepth_everything_that_can_be_added_matters_and_learns(config_with_additions):
    network = randomised(config_with_additions)
    depth_m = network(images(1)).depth_m
    depth_m.log().square().sum().backward()
    added = [one for name, one in network.named_parameters() if name.startswith(ADDITIONS)]
    assert [tuple(one.shape) for one in added] == [
        (1, 32, 4, 4), (16, 4, 1, 1), (16, 8, 1, 1), (16, 16, 1, 1)]
    for addition in added:
        assert addition.grad.any()
        with torch.no_grad():
            kept = addition.clone()
            addition.zero_()
            without_m = network(images(1)).depth_m
            addition.copy_(kept)
        assert not torch.allclose(without_m, depth_m, rtol=1e-3)


def test_zoedepth_absolute_position_is_its_table_resized_to_the_patches(config_with_additions):
    encoder = randomised(config_with_additions).encoder
    table = encoder.absolute_position.detach()[0].clone()
    with torch.no_grad():
        for block in encoder.blocks:  # so that tokens pass through unchanged
            block.gamma_1.zero_()
            block.gamma_2.zero_()
        placed = encoder(images(1)).tokens[3][0, 1:]
        encoder.absolute_position.zero_()
        patches = encoder(images(1)).tokens[3][0, 1:]
    expected = cv2.resize(
        table.permute(1, 2, 0).numpy(), (6, 4), interpolation=cv2.INTER_LINEAR)
    np.testing.assert_allclose(
        (placed - patches).unflatten(0, (4, 6)).numpy(), expected, atol=1e-5)


@pytest.mark.parametrize('distribution', DISTRIBUTIONS)
@pytest.mark.parametrize('concat_relative', [True, False])
def test_zoedepth_probabilities_sum_to_one(distribution, concat_relative, tiny_config):
    network = randomised(replace(tiny_config, bins=replace(
        tiny_config.bins, distribution=distribution, concat_relative=concat_relative)))
    with torch.no_grad():
        output = network(images(2), with_bins=True)
    assert output.bin_probabilities.shape == (2, 16, 64, 96)
    assert (output.bin_probabilities >= 0).all()
    torch.testing.assert_close(output.bin_probabilities.sum(dim=1), torch.ones(2, 64, 96))


def test_zoedepth_relative_depth_reaches_the_metric_depth_when_concatenated(tiny_config):
    bins = replace(tiny_config.bins, concat_relative=True)
    network = randomised(replace(tiny_config, bins=bins))
    with torch.no_grad():
        before = network(images(1))
        network.decoder.relative_head.conv3.bias += 1
        after = network(images(1))
    assert not torch.equal(before.relative_depth, after.relative_depth)
    assert not torch.allclose(before.depth_m, after.depth_m)


@pytest.mark.parametrize('bin_type', ['normed', 'hybrid2'])
@pytest.mark.parametrize(('head', 'max_depth_m'), [(0, 10.0), (1, 80.0)])
def test_zoedepth_normed_bins_fill_their_heads_range_in_order(
        bin_type, head, max_depth_m, tiny_config):
    bins = replace(tiny_config.bins, bin_type=bin_type)
    network = randomised(replace(tiny_config, bins=bins))
    with torch.no_grad():
        output = network(images(1), heads=[head], with_bins=True)
    centers_m = output.bin_centers_m
    assert centers_m.min() >= 1e-3
    assert centers_m.max() <= max_depth_m
    assert centers_m.max() > max_depth_m / 2
    assert (centers_m.diff(dim=1) >= -1e-4).all()


def test_zoedepth_without_attraction_normed_seed_bins_tile_the_range(tiny_config):
    bins = replace(tiny_config.bins, bin_type='hybrid1')
    network = randomised(replace(tiny_config, bins=bins))
    with torch.no_grad():
        network.heads[1].seed[2].weight.zero_()
        network.heads[1].seed[2].bias.fill_(1.0)
        for attractor in network.heads[1].attractors:
            attractor[2].weight.zero_()
            attractor[2].bias.fill_(1e6)
        output = network(images(1), heads=[1], with_bins=True)
    width_m = (80 - 1e-3) / 16
    expected_m = 1e-3 + width_m * (torch.arange(16) + 0.5)
    torch.testing.assert_close(
        output.bin_centers_m, expected_m.view(1, -1, 1, 1).expand(1, -1, 64, 96))


def fields(output: ModelOutput) -> list[Tensor]:
    return [output.depth_m, output.std_dev_m, output.bin_centers_m, output.bin_probabilities]


def test_zoedepth_mixed_batch_equals_its_images_one_by_one(network):
    batch = images(4)
    with torch.no_grad():
        together = network(batch, with_bins=True)
        alone = [network(image[None], with_bins=True) for image in batch]
    assert set(together.head_index.tolist()) == {0, 1}
    assert together.head_index.tolist() == [int(output.head_index) for output in alone]
    for name, many in enumerate(fields(together)):
        one_by_one = torch.cat([fields(output)[name] for output in alone])
        torch.testing.assert_close(many, one_by_one, rtol=1e-3, atol=1e-3)


def test_zoedepth_heads_differ_and_can_be_forced(network):
    with torch.no_grad():
        forced = network(images(2), heads=[1, 0])
        indoor, outdoor = (network(images(2), heads=[head] * 2) for head in (0, 1))
    assert forced.head_index.tolist() == [1, 0]
    torch.testing.assert_close(forced.depth_m[0], outdoor.depth_m[0], rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(forced.depth_m[1], indoor.depth_m[1], rtol=1e-4, atol=1e-5)
    assert not torch.allclose(indoor.depth_m, outdoor.depth_m, rtol=0.1)


def depth_of_both_heads(network: ZoeDepth, batch: Tensor) -> list[ModelOutput]:
    with torch.no_grad():
        return [network(batch, heads=[head] * len(batch)) for head in (0, 1)]


def test_zoedepth_weights_of_one_head_are_that_head(network):
    weights = torch.eye(2)[[1, 0, 0, 1]]
    with torch.no_grad():
        weighed = network(images(4), weigh=lambda logits: weights, with_bins=True)
        forced = network(images(4), heads=[1, 0, 0, 1], with_bins=True)
    assert weighed.head_index.tolist() == [1, 0, 0, 1]
    for one, other in zip(fields(weighed), fields(forced), strict=True):
        assert torch.equal(one, other)


def test_zoedepth_weights_are_asked_for_with_the_logits_of_the_router(network):
    asked = []
    with torch.no_grad():
        expected = network(images(3))
        output = network(
            images(3), weigh=lambda logits: asked.append(logits) or logits.softmax(dim=1))
    assert [logits.tolist() for logits in asked] == [expected.domain_logits.tolist()]
    assert output.head_index.tolist() == expected.head_index.tolist()


def test_zoedepth_equal_weights_give_the_geometric_mean_of_depth_and_the_mean_spread(network):
    indoor, outdoor = depth_of_both_heads(network, images(2))
    with torch.no_grad():
        output = network(images(2), weigh=lambda logits: torch.full((2, 2), 0.5))
    torch.testing.assert_close(output.depth_m, (indoor.depth_m * outdoor.depth_m).sqrt())
    torch.testing.assert_close(output.std_dev_m, (indoor.std_dev_m + outdoor.std_dev_m) / 2)
    assert not torch.allclose(output.depth_m, (indoor.depth_m + outdoor.depth_m) / 2, rtol=1e-2)


def test_zoedepth_weighs_every_image_of_a_batch_by_itself(network):
    weights = torch.tensor([[1, 0], [0.25, 0.75], [0, 1], [0.9, 0.1]])
    indoor, outdoor = depth_of_both_heads(network, images(4))
    with torch.no_grad():
        output = network(images(4), weigh=lambda logits: weights)
        without = network(images(4), weigh=lambda logits: weights, with_std_dev=False)
    share, other = weights.view(4, 2, 1, 1, 1).unbind(dim=1)
    torch.testing.assert_close(output.depth_m, indoor.depth_m ** share * outdoor.depth_m ** other)
    torch.testing.assert_close(
        output.std_dev_m, share * indoor.std_dev_m + other * outdoor.std_dev_m)
    assert output.head_index.tolist() == [0, 1, 1, 0]
    assert without.std_dev_m is None
    assert torch.equal(without.depth_m, output.depth_m)


@pytest.mark.parametrize('vote_size', [1, 2, 4])
def test_zoedepth_vote_is_the_largest_sum_of_logits_of_its_images(network, vote_size):
    with torch.no_grad():
        output = network(images(4), vote_size=vote_size)
    logits = output.domain_logits.numpy()
    expected = [
        logits[start:start + vote_size].sum(axis=0).argmax()
        for start in range(0, 4, vote_size) for _ in range(vote_size)]
    assert output.head_index.tolist() == expected


def test_zoedepth_std_dev_is_that_of_the_bins(network):
    with torch.no_grad():
        output = network(images(2), with_bins=True)
    p, z = output.bin_probabilities.double(), output.bin_centers_m.double()
    mean_m = (p * z).sum(dim=1, keepdim=True)
    std_dev_m = (p * (z - mean_m).square()).sum(dim=1, keepdim=True).sqrt()
    torch.testing.assert_close(output.depth_m.double(), mean_m, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(output.std_dev_m.double(), std_dev_m, rtol=1e-4, atol=1e-5)
    assert std_dev_m.max() > 0.1


def test_zoedepth_bins_are_returned_on_request_only(network):
    with torch.no_grad():
        output = network(images(1))
    assert output.bin_centers_m is None
    assert output.bin_probabilities is None


@pytest.mark.parametrize('size_hw', [(32, 32), (96, 64), (64, 160)])
def test_zoedepth_depth_has_the_size_of_its_input(network, size_hw):
    with torch.no_grad():
        output = network(images(1, *size_hw))
    assert output.depth_m.shape == output.relative_depth.shape == (1, 1, *size_hw)


@pytest.mark.parametrize('size_hw', [(48, 96), (64, 100)])
def test_zoedepth_refuses_sizes_that_are_not_multiples_of_32(network, size_hw):
    with pytest.raises(ConfigError, match=f'{size_hw[0]}x{size_hw[1]}'):
        network(images(1, *size_hw))


def test_zoedepth_metric_head_stays_in_float32_under_autocast(network):
    with torch.no_grad(), torch.autocast('cpu', torch.bfloat16):
        reduced = network(images(1), heads=[0], with_bins=True)
    with torch.no_grad():
        exact = network(images(1), heads=[0])
    assert {tensor.dtype for tensor in fields(reduced)} == {torch.float32}
    assert not torch.equal(reduced.depth_m, exact.depth_m)
    assert ((reduced.depth_m - exact.depth_m).abs() / exact.depth_m).mean() < 0.02


@pytest.mark.parametrize('n_bins', [16, 64])
def test_log_binomial_is_the_published_formula_in_float64(n_bins):
    distribution = BinDistribution(BinsConfig(n_bins=n_bins), in_channels=8)
    raw = torch.rand(2, 4, 5, 6, generator=torch.Generator().manual_seed(2)).mul(6).exp() / 50
    p0, p1, t0, t1 = np.moveaxis(raw.double().numpy() + 1e-4, 1, 0)
    p = (p0 / (p0 + p1))[:, None]
    temperature = ((50 - 0.0212) * t0 / (t0 + t1) + 0.0212)[:, None]
    k = np.arange(n_bins, dtype=float).reshape(1, -1, 1, 1)
    top = n_bins - 1
    n_, k_ = top + 1e-7, k + 1e-7
    stirling = n_ * np.log(n_) - k_ * np.log(k_) - (n_ - k_) * np.log(n_ - k_ + 1e-7)
    y = stirling + k * np.log(p.clip(1e-4, 1)) + (top - k) * np.log((1 - p).clip(1e-4, 1))
    y = y / temperature
    expected = np.exp(y - y.max(axis=1, keepdims=True))
    expected /= expected.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(
        distribution.log_binomial(raw).numpy(), expected, rtol=0.01, atol=2e-5)


def test_log_binomial_mode_moves_from_the_first_bin_to_the_last():
    distribution = BinDistribution(BinsConfig(n_bins=64), in_channels=8)
    p = torch.tensor([0.001, 0.25, 0.5, 0.75, 0.999])
    parameters = torch.stack([p, 1 - p, torch.full((5,), 0.01), torch.ones(5)])
    modes = distribution.log_binomial(parameters.view(1, 4, 1, 5)).argmax(dim=1).flatten()
    for mode, expected in zip(modes.tolist(), (0, 0.25 * 63, 31.5, 0.75 * 63, 63), strict=True):
        assert abs(mode - expected) <= 1


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason='no CUDA device')
def test_zoedepth_head_that_no_image_went_through_has_no_gradient_on_a_gpu_either(tiny_config):
    moved = randomised(tiny_config).cuda().train()
    with torch.no_grad():
        moved.router.classifier[2].bias.copy_(torch.tensor([100.0, -100.0]))
    moved(images(2).cuda()).depth_m.sum().backward()
    assert all(one.grad is None for one in moved.heads[1].parameters())
    assert all(one.grad is not None for one in moved.heads[0].parameters())


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason='no CUDA device')
def test_zoedepth_on_a_gpu_routes_a_mixed_batch_as_the_cpu_does(network):
    with torch.no_grad():
        expected = network(images(4), with_bins=True)
        moved = ZoeDepth(network.config).eval()
        moved.load_state_dict(network.state_dict())
        actual = moved.cuda()(images(4).cuda(), with_bins=True)
    assert set(actual.head_index.tolist()) == {0, 1}
    for one, other in zip(fields(expected), fields(actual), strict=True):
        torch.testing.assert_close(one, other.cpu(), rtol=1e-2, atol=1e-2)
