# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Inference: images in, metric depth out. `DepthEstimator` is the only door to the network."""

from zoe_depth_ros.inference.depth_map import DepthMap
from zoe_depth_ros.inference.estimator import DepthEstimator

__all__ = ['DepthEstimator', 'DepthMap']
