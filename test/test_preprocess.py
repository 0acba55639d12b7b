# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional

from zoe_depth_ros.camera import Camera
from zoe_depth_ros.inference.preprocess import fit_size
from zoe_depth_ros.inference.preprocess import Framing
from zoe_depth_ros.inference.preprocess import merge_flipped
from zoe_depth_ros.inference.preprocess import plan_framing
from zoe_depth_ros.inference.preprocess import with_flipped

N_TARGET, K_TARGET = (384, 512), (384, 768)


@pytest.mark.parametrize(('image_hw', 'target_hw', 'padding_hw', 'network_hw'), [
    ((480, 640), N_TARGET, (46, 53), (384, 512)),
    ((480, 640), K_TARGET, (46, 53), (576, 768)),
    ((1080, 1920), N_TARGET, (69, 92), (384, 672)),
    ((1080, 1920), K_TARGET, (69, 92), (448, 768)),
    ((1920, 1080), N_TARGET, (92, 69), (896, 512)),
    ((1920, 1080), K_TARGET, (92, 69), (1312, 768)),
    ((375, 1242), N_TARGET, (41, 74), (384, 1152)),
    ((352, 1216), N_TARGET, (39, 73), (384, 1216)),
    ((512, 512), N_TARGET, (48, 48), (512, 512)),
])
def test_framing_of_the_reference_has_its_padding_and_network_size(
        image_hw, target_hw, padding_hw, network_hw):
    framing = plan_framing(image_hw, target_hw, 'reference')
    assert framing.padding_hw == padding_hw
    assert framing.network_hw == network_hw
    assert framing.bicubic


@pytest.mark.parametrize(('image_hw', 'target_hw', 'network_hw'), [
    ((375, 1242), N_TARGET, (384, 1280)),
    ((480, 640), N_TARGET, (384, 512)),
    ((1, 1), N_TARGET, (384, 384)),
    ((1, 10000), N_TARGET, (32, 512)),
    ((10000, 1), N_TARGET, (384, 32)),
])
def test_framing_for_robots_keeps_the_aspect_ratio_without_padding(
        image_hw, target_hw, network_hw):
    framing = plan_framing(image_hw, target_hw, 'robot')
    assert (framing.padding_hw, framing.network_hw) == ((0, 0), network_hw)
    assert not framing.bicubic


@pytest.mark.parametrize('image_hw', [(480, 640), (375, 1242), (1920, 1080)])
def test_framing_of_the_paper_squashes_to_exactly_the_target(image_hw):
    framing = plan_framing(image_hw, K_TARGET, 'paper')
    assert (framing.padding_hw, framing.network_hw) == ((0, 0), K_TARGET)


def test_fit_size_rounds_half_to_even_multiples_of_32():
    assert fit_size((80, 640), (80, 640)) == (64, 640)
    assert fit_size((112, 640), (112, 640)) == (128, 640)


def test_framing_maps_bytes_to_minus_one_to_one():
    framing = plan_framing((32, 64), (32, 64), 'robot')
    image = torch.zeros(1, 32, 64, 3, dtype=torch.uint8)
    image[0, 0, 0] = torch.tensor([255, 0, 51])
    prepared = framing.prepare(image)
    assert prepared.shape == (1, 3, 32, 64)
    assert prepared[0, :, 0, 0].tolist() == pytest.approx([1.0, -1.0, -0.6])
    assert prepared[0, :, 1:].unique().tolist() == [-1.0]


def ramp(height: int, width: int) -> torch.Tensor:
    """Return (height, width) with 0 in the first corner and 240 in the last one."""
    v, u = torch.meshgrid(
        torch.linspace(0, 120, height), torch.linspace(0, 120, width), indexing='ij')
    return u + v


@pytest.mark.parametrize('mode', ['robot', 'paper'])
def test_framing_keeps_a_ramp_a_ramp_on_the_way_in_and_back(mode):
    framing = plan_framing((61, 121), (64, 96), mode)
    image = ramp(61, 121).round().byte()
    prepared = framing.prepare(image[None, ..., None].expand(-1, -1, -1, 3))
    height, width = framing.network_hw
    assert torch.allclose((prepared[0, 0] + 1) * 127.5, ramp(height, width), atol=0.6)
    back = framing.restore(ramp(height, width)[None, None])
    assert back.shape == (1, 1, 61, 121)
    assert torch.allclose(back[0, 0], ramp(61, 121), atol=1e-3)


@pytest.mark.parametrize('image_hw', [(480, 640), (61, 121), (50, 40), (96, 128), (1, 700)])
def test_depth_comes_back_by_the_bilinear_resize_with_aligned_corners(image_hw):
    maps = torch.rand(3, 2, 96, 128)
    framing = Framing(image_hw, (0, 0), (96, 128), bicubic=False)
    expected = functional.interpolate(maps, image_hw, mode='bilinear', align_corners=True)
    assert torch.allclose(framing.restore(maps), expected, atol=2e-5)


def test_framing_of_the_reference_reflects_outwards_and_cuts_the_padding_off_again():
    framing = plan_framing((50, 72), (92, 108), 'reference')
    assert framing.padding_hw == (15, 18)
    unresized = Framing((50, 72), (15, 18), (80, 108), bicubic=True)
    image = torch.arange(50 * 72, dtype=torch.int64).remainder(251).byte().view(50, 72, 1)
    prepared = unresized.prepare(image.expand(1, 50, 72, 3))
    assert torch.equal(prepared[..., 14, 18:90], prepared[..., 16, 18:90])
    assert torch.equal(prepared[..., 15:65, 17], prepared[..., 15:65, 19])
    restored = unresized.restore(prepared[:, :1])
    assert torch.allclose((restored[0, 0] + 1) * 127.5, image[..., 0].float(), atol=1e-4)


@pytest.mark.parametrize('mode', ['robot', 'paper'])
def test_network_camera_sees_a_point_where_its_pixel_went(mode):
    camera = Camera(121, 61, 100.0, 110.0, 57.0, 33.0, tx=-5.0)
    framing = plan_framing((61, 121), (64, 96), mode)
    seen = framing.network_camera(camera)
    assert seen.size_hw == framing.network_hw
    marker = np.zeros((1, 61, 121, 3), np.uint8)
    x, y, z = 0.3, -0.2, 2.0
    u, v = 100 * x / z + 57, 110 * y / z + 33
    assert (u, v) == (72.0, 22.0)
    marker[0, 22, 72] = 255
    prepared = (framing.prepare(torch.from_numpy(marker))[0, 0] + 1).double()
    rows = torch.arange(framing.network_hw[0]).double()
    columns = torch.arange(framing.network_hw[1]).double()
    weight = prepared.sum()
    assert (prepared.sum(1) @ rows / weight).item() == pytest.approx(
        seen.fy * y / z + seen.cy, abs=0.5)
    assert (prepared.sum(0) @ columns / weight).item() == pytest.approx(
        seen.fx * x / z + seen.cx, abs=0.5)
    assert seen.fx * x / z + seen.cx == pytest.approx(u * (seen.width - 1) / 120)
    assert seen.fy * y / z + seen.cy == pytest.approx(v * (seen.height - 1) / 60)
    assert seen.tx == pytest.approx(-5.0 * (seen.width - 1) / 120)


def test_flipped_images_follow_the_images():
    images = torch.arange(18, dtype=torch.uint8).view(2, 1, 3, 3)
    both = with_flipped(images)
    assert torch.equal(both[:2], images)
    assert both[2, 0].tolist() == [[6, 7, 8], [3, 4, 5], [0, 1, 2]]


def test_merged_depth_is_the_mean_and_its_spread_that_of_the_mixture():
    depth_m = torch.tensor([[1.0, 2.0], [4.0, 3.0]]).view(2, 1, 1, 2)
    std_dev_m = torch.tensor([[0.1, 0.2], [0.4, 0.3]]).view(2, 1, 1, 2)
    mean_m, spread_m = merge_flipped(depth_m, std_dev_m)
    assert mean_m.flatten().tolist() == [2.0, 3.0]
    samples = [np.random.default_rng(0).normal(mean, spread, 400_000)
               for mean, spread in ((1.0, 0.1), (3.0, 0.3))]
    assert spread_m[0, 0, 0, 0].item() == pytest.approx(np.concatenate(samples).std(), rel=2e-3)
