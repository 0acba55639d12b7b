# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import itertools

import cv2
import numpy as np
import pytest
import torch
from torch import nn
from torch import Tensor

from zoe_depth_ros.model.encoder import RelativePositionBias


@pytest.fixture
def bias() -> RelativePositionBias:
    bias = RelativePositionBias(depth=2, num_heads=3, pretrain_window=4)
    generator = torch.Generator().manual_seed(4)
    for table in bias.tables:
        nn.init.normal_(table, generator=generator)
    return bias


def masks(bias: RelativePositionBias, window_hw: tuple[int, int]) -> list[Tensor]:
    with torch.no_grad():
        of_block = bias(window_hw)
        return [of_block(0), of_block(1)]


def expected_mask(table: Tensor, window_hw: tuple[int, int]) -> np.ndarray:
    """Return (heads, N, N): one pair of tokens at a time, the table resized by OpenCV."""
    height, width = window_hw
    square = table[:-3].detach().numpy().reshape(7, 7, -1)
    offsets = cv2.resize(
        square, (2 * width - 1, 2 * height - 1), interpolation=cv2.INTER_LINEAR)
    class_to_patch, patch_to_class, class_to_class = table[-3:].detach().numpy()
    tokens = 1 + height * width
    mask = np.empty((tokens, tokens, table.shape[1]), np.float32)
    mask[0, 1:], mask[1:, 0], mask[0, 0] = class_to_patch, patch_to_class, class_to_class
    for i, j in itertools.product(range(tokens - 1), repeat=2):
        dy = i // width - j // width + height - 1
        dx = i % width - j % width + width - 1
        mask[1 + i, 1 + j] = offsets[dy, dx]
    return mask.transpose(2, 0, 1)


@pytest.mark.parametrize('window_hw', [(4, 4), (2, 6), (7, 3), (1, 1)])
def test_position_bias_is_the_resized_table_at_the_offset_of_every_pair(bias, window_hw):
    for table, mask in zip(bias.tables, masks(bias, window_hw), strict=True):
        np.testing.assert_allclose(mask[0], expected_mask(table, window_hw), atol=2e-6)


def test_position_bias_at_the_pretraining_window_is_the_table_itself(bias):
    mask = masks(bias, (4, 4))[0][0]
    assert torch.equal(mask[:, 1, 16], bias.tables[0][0])
    assert torch.equal(mask[:, 16, 1], bias.tables[0][48])
    assert torch.equal(mask[:, 5, 5], bias.tables[0][24])


def test_position_bias_is_the_same_with_and_without_its_cache(bias):
    first, again = masks(bias, (3, 5)), masks(bias, (3, 5))
    of_block = bias((3, 5))
    for block in (0, 1):
        assert torch.equal(first[block], again[block])
        assert torch.equal(first[block], of_block(block))
        assert of_block(block).requires_grad
        assert not first[block].requires_grad


def test_position_bias_too_large_to_keep_expanded_is_the_same(bias, monkeypatch):
    kept = masks(bias, (3, 5))
    monkeypatch.setattr('zoe_depth_ros.model.encoder.MASK_CACHE_BYTES', {})
    for mask, expected in zip(masks(bias, (3, 5)), kept, strict=True):
        assert torch.equal(mask, expected)
    bias.tables[0].data = bias.tables[0].data.clone()
    for mask, expected in zip(masks(bias, (3, 5)), kept, strict=True):
        assert torch.equal(mask, expected)


def test_position_bias_follows_its_weights(bias):
    before = masks(bias, (3, 5))[0]
    with torch.no_grad():
        bias.tables[0] += 1
    torch.testing.assert_close(masks(bias, (3, 5))[0], before + 1)
    other = RelativePositionBias(depth=2, num_heads=3, pretrain_window=4)
    bias.load_state_dict(other.state_dict())
    assert not masks(bias, (3, 5))[0].any()
    for value in (1.0, 2.0):
        state = {name: torch.full_like(table, value) for name, table in other.state_dict().items()}
        bias.load_state_dict(state, assign=True)
        torch.testing.assert_close(masks(bias, (3, 5))[0], torch.full((1, 3, 16, 16), value))


def test_position_bias_follows_the_type_of_weights_and_autocast(bias):
    exact = masks(bias, (3, 5))[0]
    with torch.autocast('cpu', torch.bfloat16):
        reduced = masks(bias, (3, 5))[0]
    assert reduced.dtype == torch.bfloat16
    torch.testing.assert_close(reduced.float(), exact, rtol=0.01, atol=0.01)
    assert masks(bias, (3, 5))[0].dtype == torch.float32
    assert masks(bias.double(), (3, 5))[0].dtype == torch.float64


@pytest.mark.parametrize('window_hw', [(3, 5), (4, 4), (2, 6)])
def test_position_bias_rows_start_at_aligned_addresses(bias, window_hw):
    for mask in masks(bias, window_hw):
        tokens = 1 + window_hw[0] * window_hw[1]
        assert mask.shape == (1, 3, tokens, tokens)
        assert mask.stride(-2) % 16 == 0
        assert mask.stride(-1) == 1
