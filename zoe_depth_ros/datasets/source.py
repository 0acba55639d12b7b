# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What all data sets have in common: which images are used, and what of their depth is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
import logging
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from zoe_depth_ros.datasets.config import DatasetConfig
from zoe_depth_ros.datasets.sample import Complaint
from zoe_depth_ros.datasets.sample import Sample
from zoe_depth_ros.errors import DatasetError
from zoe_depth_ros.errors import ImageError
from zoe_depth_ros.errors import ZoeDepthError
from zoe_depth_ros.metrics import EVALUATION_MASKS

LOGGER = logging.getLogger(__name__)
KB_SIZE_HW = (352, 1216)


class Images(Protocol):
    """
    The images of one kind of data set, as they are stored. They can be pickled.

    :param config: where they are.
    """

    def __init__(self, config: DatasetConfig) -> None: ...

    @property
    def name(self) -> str:
        """What the images come from, for messages."""

    @property
    def are_made(self) -> bool:
        """Whether they are made, not read, so that none can be bad."""

    def __len__(self) -> int:
        """Return the number of images that have depth."""

    def name_of(self, number: int) -> str:
        """Return which image this is, for messages."""

    def load(self, number: int) -> Sample:
        """
        Return an image, its depth as stored, with +inf where that is known to be sky.

        :raises ZoeDepthError: it cannot be used; the message does not repeat its name.
        """


class ImageSource:
    """
    The images of a data set that are used: cropped, and with depth within limits.

    :param images: all images.
    :param config: which of them to use, and how.
    :raises DatasetError: no image is left.
    """

    def __init__(self, images: Images, config: DatasetConfig) -> None:
        self.name = images.name
        self.skipped = 0
        self._images = images
        self._config = config
        self._numbers = list(range(len(images))[config.frame_slice])
        if config.skip_bad:
            self._leave_out(self._bad(self._numbers))
        if not self._numbers:
            chosen = f' in frames {config.frames}' if config.frames else ''
            raise DatasetError(f'{self.name} has no usable image with depth{chosen}')

    def __len__(self) -> int:
        return len(self._numbers)

    def __getitem__(self, number: int) -> Sample:
        """
        Return an image.

        :raises DatasetError: it is missing, unreadable, of another size than its depth, or, unless
            it is a generated world, has no depth within the limits.
        """
        return self._load(self._numbers[number])

    def problems(
        self, first: int = 0, step: int = 1, complaint: Complaint | None = None,
    ) -> list[str]:
        """
        Read every step-th image; return one sentence for each that cannot be used.

        Those that were left out as bad are no problem.
        """
        if self._config.skip_bad and complaint is None:
            return []
        return list(self._bad(self._numbers[first::step], complaint).values())

    def _load(self, stored: int) -> Sample:
        try:
            sample = self._images.load(stored)
            if self._config.crop == 'kb':
                sample = _cropped(sample)
            return self._limited(sample)
        except ZoeDepthError as error:
            raise DatasetError(f'{self._images.name_of(stored)}: {error}') from error

    def _limited(self, sample: Sample) -> Sample:
        depth_m, limits = sample.depth_m, ''
        if self._config.mask:
            is_seen = EVALUATION_MASKS[self._config.mask](depth_m.shape)
            depth_m = np.where(is_seen, depth_m, np.float32(np.nan))
        if self._config.truth != 'disparity':
            near_m, far_m = self._config.min_depth_m, self._config.max_depth_m
            limits = f' between {near_m:g} and {far_m:g} m'
            is_known = (depth_m > near_m) & (depth_m < far_m) | np.isposinf(depth_m)
            depth_m = np.where(is_known, depth_m, np.float32(np.nan))
        # Images that are made are not looked at before the run that they would end.
        if not (np.isfinite(depth_m).any() or self._images.are_made):
            raise ImageError(f'no depth{limits} is known')
        rgb: NDArray[np.uint8] = np.require(sample.rgb, np.uint8, ['C', 'W'])
        return replace(sample, rgb=rgb, depth_m=np.ascontiguousarray(depth_m, np.float32))

    def _bad(
        self, numbers: Sequence[int], complaint: Complaint | None = None,
    ) -> dict[int, str]:
        """Return those stored numbers whose images cannot be used, with the reason."""
        if self._images.are_made:
            return {}
        reasons = ((stored, self._problem(stored, complaint)) for stored in numbers)
        return {stored: reason for stored, reason in reasons if reason is not None}

    def _problem(self, stored: int, complaint: Complaint | None) -> str | None:
        try:
            sample = self._load(stored)
        except DatasetError as error:
            return str(error)
        reason = complaint(sample) if complaint else None
        return f'{sample.name}: {reason}' if reason else None

    def _leave_out(self, bad: dict[int, str]) -> None:
        if bad:
            LOGGER.warning(
                '%s: %d of %d images left out, the first because %s', self.name, len(bad),
                len(self._numbers), next(iter(bad.values())))
        self.skipped = len(bad)
        self._numbers = [stored for stored in self._numbers if stored not in bad]


def _cropped(sample: Sample) -> Sample:
    """Return the part of a KITTI image that has lidar depth (KB crop): below, in the middle."""
    (height, width), (crop_height, crop_width) = sample.depth_m.shape, KB_SIZE_HW
    if height < crop_height or width < crop_width:
        raise ImageError(
            f'image of {width}x{height} is too small for the kb crop {crop_width}x{crop_height}')
    top, left = height - crop_height, (width - crop_width) // 2
    part = slice(top, height), slice(left, left + crop_width)
    camera = sample.camera and replace(
        sample.camera, width=crop_width, height=crop_height, cx=sample.camera.cx - left,
        cy=sample.camera.cy - top)
    return replace(
        sample, rgb=sample.rgb[part], depth_m=sample.depth_m[part], camera=camera)
