# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Counts of values, of which there may be more than memory holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike


@dataclass(frozen=True)
class Histogram:
    """
    How often values fell between edges.

    :param edges: ascending.
    :param counts: one fewer; a value at an edge counts above it, one beyond the last not at all.
    :param others: values below the first edge, from the last on, or NaN.
    """

    edges: tuple[float, ...]
    counts: tuple[int, ...]
    others: int

    @classmethod
    def of(cls, edges: Sequence[float], values: ArrayLike) -> Histogram:
        """Count values, an array of any shape."""
        flat = np.ravel(values)
        places = np.searchsorted(edges, flat, side='right')  # NaN goes last
        counts = np.bincount(places, minlength=len(edges) + 1)
        return cls(tuple(edges), tuple(counts[1:-1].tolist()), int(counts[0] + counts[-1]))

    def __add__(self, other: Histogram) -> Histogram:
        counts = (a + b for a, b in zip(self.counts, other.counts, strict=True))
        return Histogram(self.edges, tuple(counts), self.others + other.others)

    def quantile(self, share: float) -> float:
        """
        Return the value below which a share of the counted ones lies, to within an interval.

        :param share: from 0 to 1.
        :return: NaN where nothing was counted.
        """
        below = np.concatenate([[0], np.cumsum(self.counts)])
        return float(np.interp(share * below[-1], below, self.edges)) if below[-1] else np.nan
