# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
import signal
from typing import TYPE_CHECKING

import pytest

from zoe_depth_ros.config import BinsConfig
from zoe_depth_ros.config import DecoderConfig
from zoe_depth_ros.config import EncoderConfig
from zoe_depth_ros.config import HeadConfig
from zoe_depth_ros.config import ModelConfig
from zoe_depth_ros.config import RouterConfig

if TYPE_CHECKING:
    from zoe_depth_ros.inference import DepthEstimator


@pytest.fixture(scope='session', autouse=True)
def interruptible() -> None:
    """Let SIGINT end what tests start, though a shell had its background job ignore it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


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


@pytest.fixture(scope='module')
def one_thread() -> Iterator[None]:
    """Keep a tiny network from waiting for many threads, on whose number its results depend."""
    import torch
    usual = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(usual)


@pytest.fixture(scope='session')
def weights(tiny_config, tmp_path_factory) -> Path:
    """Return the file of a tiny network's random weights."""
    from network_helpers import random_network

    from zoe_depth_ros.model.checkpoint import save_checkpoint
    path = tmp_path_factory.mktemp('weights') / 'tiny.safetensors'
    save_checkpoint(random_network(tiny_config), path)
    return path


@pytest.fixture(scope='module')
def estimator(one_thread, weights) -> DepthEstimator:
    """Return the estimator that a node with these weights has, with as many threads."""
    from zoe_depth_ros.inference import DepthEstimator
    return DepthEstimator.from_pretrained(weights)
