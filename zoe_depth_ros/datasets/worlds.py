# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Random worlds as a data set: as many images as wanted, the same for a seed."""

from __future__ import annotations

import numpy as np
import torch

from zoe_depth_ros.datasets.config import DatasetConfig
from zoe_depth_ros.datasets.sample import Sample
from zoe_depth_ros.worlds import sample_worlds


class WorldImages:
    """
    Rendered worlds of one domain; number n has the seed first_seed + n.

    :param config: domain, size, seeds and count.
    """

    are_made = True

    def __init__(self, config: DatasetConfig) -> None:
        self.name = f'{config.domain} worlds'
        self._config = config

    def __len__(self) -> int:
        return self._config.count

    def name_of(self, number: int) -> str:
        """Return domain and seed of a world."""
        return f'{self._config.domain} world {self._config.first_seed + number}'

    def load(self, number: int) -> Sample:
        """Render a world."""
        config = self._config
        worlds = sample_worlds([config.first_seed + number], config.size_hw, [config.domain])
        rgb = (worlds.image[0].permute(1, 2, 0) * 255).round().to(torch.uint8).numpy()
        depth_m = worlds.depth_m[0, 0].numpy()
        depth_m[np.isnan(depth_m)] = np.inf
        return Sample(rgb, depth_m, worlds.cameras[0], config.domain, self.name_of(number))
