# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""An image with its true depth, and what hands such images out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from zoe_depth_ros.camera import Camera
from zoe_depth_ros.config import Domain


@dataclass(frozen=True, eq=False)
class Sample:
    """
    One image with its truth.

    :param rgb: (H, W, 3) uint8 RGB.
    :param depth_m: (H, W) float32 metres along the optical axis, NaN where unknown, +inf in the
        sky.
    :param camera: intrinsics of the image, None if not known.
    :param domain: 'indoor' or 'outdoor'.
    :param name: which image this is, for messages: a file, or a bag, topic and stamp.
    """

    rgb: NDArray[np.uint8]
    depth_m: NDArray[np.float32]
    camera: Camera | None
    domain: Domain
    name: str


Complaint: TypeAlias = Callable[[Sample], str | None]


class Source(Protocol):
    """
    Images with depth, by number.

    A source can be pickled, for the worker processes of a loader, and opens its files there.
    """

    @property
    def name(self) -> str:
        """What the images come from, for messages."""

    @property
    def skipped(self) -> int:
        """How many images were left out because they cannot be used."""

    def __len__(self) -> int:
        """Return the number of images."""

    def __getitem__(self, number: int) -> Sample:
        """
        Return an image.

        :raises DatasetError: it is missing, unreadable, of another size than its depth, or has no
            depth within the limits.
        """

    def problems(
        self, first: int = 0, step: int = 1, complaint: Complaint | None = None,
    ) -> list[str]:
        """
        Read every step-th image; return one sentence for each that cannot be used.

        :param complaint: why an image that can be read cannot be used all the same, if so.
        """
