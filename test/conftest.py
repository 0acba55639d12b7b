# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0

from pathlib import Path

import pytest

from zoe_depth_ros.config import BinsConfig
from zoe_depth_ros.config import DecoderConfig
from zoe_depth_ros.config import EncoderConfig
from zoe_depth_ros.config import HeadConfig
from zoe_depth_ros.config import ModelConfig
from zoe_depth_ros.config import RouterConfig


@pytest.fixture(scope='session')
def shared_dir() -> Path:
    """Return the data folder beside the repository; skip where it is absent."""
    path = Path(__file__).parents[1].parent / 'shared'
    if not path.is_dir():
        pytest.skip(f'no data folder {path}')
    return path


@pytest.fixture(scope='session')
def tiny_config() -> ModelConfig:
    """Return two heads and a router on a network of some thousand weights."""
    return ModelConfig(
        encoder=EncoderConfig(
            embed_dim=32, depth=4, num_heads=2, pretrain_window=4, hooks=(0, 1, 2, 3),
            layer_scale=0.5),
        decoder=DecoderConfig(
            reassemble_channels=(8, 12, 16, 20), features=16, relative_channels=8),
        bins=BinsConfig(
            n_bins=16, n_attractors=(4, 3, 2, 1), embedding_dim=8, seed_hidden=12,
            projector_hidden=10, attractor_hidden=14, concat_relative=False),
        heads=(
            HeadConfig('nyu', 'indoor', 1e-3, 10.0), HeadConfig('kitti', 'outdoor', 1e-3, 80.0)),
        router=RouterConfig(dim=16, layers=1, num_heads=2, hidden=24),
        network_size_hw=(64, 96))
