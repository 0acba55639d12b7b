# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The networks that have names: three as released by the authors, and the compact one."""

from __future__ import annotations

from zoe_depth_ros.config import BinsConfig
from zoe_depth_ros.config import DecoderConfig
from zoe_depth_ros.config import EncoderConfig
from zoe_depth_ros.config import HeadConfig
from zoe_depth_ros.config import ModelConfig
from zoe_depth_ros.config import RouterConfig

_NYU = HeadConfig('nyu', 'indoor', 1e-3, 10.0, focal_of_width=518.86 / 640)
_KITTI = HeadConfig('kitti', 'outdoor', 1e-3, 80.0, focal_of_width=721.54 / 1242)

ZOED_N = ModelConfig()
ZOED_K = ModelConfig(
    bins=BinsConfig(bin_type='normed'), heads=(_KITTI,), network_size_hw=(384, 768))
ZOED_NK = ModelConfig(
    bins=BinsConfig(
        n_attractors=(16, 16, 16, 16), seed_hidden=64, projector_hidden=64,
        bottleneck_factor=4, concat_relative=False),
    heads=(_NYU, _KITTI), router=RouterConfig())
# The shipped weights have absolute_position and stem_maps besides (config/train/shipped_*.yaml).
ZOED_MINI_NK = ModelConfig(
    encoder=EncoderConfig(
        embed_dim=192, depth=12, num_heads=3, stem='conv', pretrain_window=12, hooks=(2, 5, 8, 11),
        layer_scale=1.0),
    decoder=DecoderConfig(
        reassemble_channels=(32, 64, 128, 192), features=48, relative_channels=16),
    bins=BinsConfig(
        n_bins=16, n_attractors=(8, 4, 2, 1), embedding_dim=32, seed_hidden=48,
        projector_hidden=32, attractor_hidden=32, concat_relative=False),
    heads=(_NYU, _KITTI), router=RouterConfig(dim=64, layers=2, hidden=256),
    network_size_hw=(192, 256))
