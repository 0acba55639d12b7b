# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
import math

from network_helpers import random_network
from network_helpers import random_rgb
import numpy as np
import pytest
import torch

from zoe_depth_ros.config import ModelConfig
from zoe_depth_ros.errors import ConfigError
from zoe_depth_ros.inference import DepthEstimator
from zoe_depth_ros.inference import DepthMap
from zoe_depth_ros.inference.frames import estimate_frames
from zoe_depth_ros.inference.frames import Frame
from zoe_depth_ros.inference.frames import FramePipeline
from zoe_depth_ros.inference.routing_filter import RoutingFilter
from zoe_depth_ros.model.zoedepth import ZoeDepth
from zoe_depth_ros.options import EstimatorConfig
from zoe_depth_ros.options import NodeConfig
from zoe_depth_ros.options import RoutingConfig

pytestmark = pytest.mark.usefixtures('one_thread')

# The brightness of an image is the router's probability that it is outdoor.
INSIDE, OUTSIDE = 0.02, 0.98
STEP_S = 0.1


class Router(torch.nn.Module):
    """Tells the domain by what its image is painted with."""

    def __init__(self) -> None:
        super().__init__()
        self.outdoor: list[float] = []

    def forward(self, bottleneck: torch.Tensor) -> torch.Tensor:
        return torch.tensor([[0.0, math.log(p / (1 - p))] for p in self.outdoor])
