# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Worlds to evaluate on, of both domains."""

from __future__ import annotations

from zoe_depth_ros.config import DOMAINS
from zoe_depth_ros.datasets import DatasetConfig
from zoe_depth_ros.datasets import open_source
from zoe_depth_ros.datasets import Sample
from zoe_depth_ros.datasets.sample import Complaint


class AlternatingWorlds:
    """
    The worlds of consecutive seeds, indoors and outdoors in turn.

    :param count: how many.
    :param size_hw: (height, width) of the images.
    :param first_seed: of the first.
    :raises ConfigError: the count is not positive.
    """

    skipped = 0

    def __init__(self, count: int, size_hw: tuple[int, int], first_seed: int = 0) -> None:
        self.name = f'{count} worlds'
        self._count = count
        self._sources = [
            open_source(DatasetConfig(
                kind='worlds', domain=domain, count=count, first_seed=first_seed,
                size_hw=size_hw))
            for domain in DOMAINS]

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, number: int) -> Sample:
        """Return the world of that seed."""
        return self._sources[number % len(self._sources)][number]

    def problems(
        self, first: int = 0, step: int = 1, complaint: Complaint | None = None,
    ) -> list[str]:
        """Return nothing: worlds are made, not read."""
        return []
