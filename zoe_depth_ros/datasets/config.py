# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Options of a data set, as they stand in training files and on the command line."""

from __future__ import annotations

from dataclasses import dataclass
import re

from zoe_depth_ros.config import Domain
from zoe_depth_ros.config import DOMAINS
from zoe_depth_ros.errors import ConfigError
from zoe_depth_ros.metrics import EVALUATION_MASKS
from zoe_depth_ros.option_fields import check_types

KINDS = ('worlds', 'list', 'folder', 'bag')
FILE_KINDS = ('list', 'folder')
CROPS = ('', 'kb')
MASKS = ('', *EVALUATION_MASKS)
LEAST_SIDE = 8
TRUTHS = ('depth', 'distance', 'disparity')


@dataclass(frozen=True)
class DatasetConfig:
    """
    Where images with depth come from, and how they are read.

    :param kind: 'worlds' (generated), 'list' (text file of `rgb depth focal` lines), 'folder'
        (images and depth files of equal names) or 'bag' (image and depth topics).
    :param path: the list, folder or bag; '' for worlds.
    :param root: folder that the paths in a list start from, '' for the folder of the list.
    :param depth_root: folder that the paths of depth in a list start from, '' for root.
    :param domain: 'indoor' or 'outdoor', the metric head and the router's label.
    :param share: how many of the images of a mixed batch, relative to the other data sets.
    :param count: worlds in an epoch; other kinds have as many images as they have.
    :param first_seed: of the first world.
    :param size_hw: (height, width) worlds are rendered at.
    :param frames: 'start:stop' of the images to use, as a Python slice; '' for all.
    :param depth_scale: integers a metre in depth files: 1000 for millimetres, 256 for KITTI.
    :param truth: depth files hold 'depth' along the optical axis, 'distance' to the camera's
        centre, or 'disparity' (inverse depth of unknown scale and shift, relative stage only).
    :param crop: 'kb' cuts KITTI's lower 352 rows and middle 1216 columns out of the images.
    :param mask: 'eigen' or 'garg' leaves truth only where that evaluation crop of NYU or KITTI
        looks, after `crop`.
    :param min_depth_m: truth not beyond it counts as unknown; not for disparity, which is in no
        unit.
    :param max_depth_m: truth not nearer counts as unknown; not for disparity.
    :param image_topic: of a bag, '' for the only one.
    :param depth_topic: of a bag, '' for the one that fits the image.
    :param max_stamp_difference_s: between an image and its depth.
    :param skip_bad: leave out images that cannot be read or have no depth, and count them,
        instead of refusing the data set.
    :param loss_weight: of this data set's images in the relative loss.
    :param trim: share of an image's pixels, those with the largest residuals, that the relative
        loss leaves out.
    """

    kind: str = 'worlds'
    path: str = ''
    root: str = ''
    depth_root: str = ''
    domain: Domain = 'indoor'
    share: float = 1.0
    count: int = 10_000
    first_seed: int = 1_000_000
    size_hw: tuple[int, int] = (96, 128)
    frames: str = ''
    depth_scale: float = 1000.0
    truth: str = 'depth'
    crop: str = ''
    mask: str = ''
    min_depth_m: float = 1e-3
    max_depth_m: float = 80.0
    image_topic: str = ''
    depth_topic: str = ''
    max_stamp_difference_s: float = 0.02
    skip_bad: bool = False
    loss_weight: float = 1.0
    trim: float = 0.2

    def __post_init__(self) -> None:
        check_types(self)
        for name, known in (
                ('kind', KINDS), ('crop', CROPS), ('mask', MASKS), ('truth', TRUTHS),
                ('domain', DOMAINS)):
            if getattr(self, name) not in known:
                raise ConfigError(
                    f'{name} = {getattr(self, name)!r} is not one of '
                    f'{", ".join(repr(value) for value in known)}')
        if (self.kind == 'worlds') != (self.path == ''):
            raise ConfigError(
                f'path = {self.path!r}: a data set of kind {self.kind} '
                f'{"has no" if self.kind == "worlds" else "needs a"} path')
        if self.crop and self.kind == 'worlds':
            raise ConfigError(f'crop = {self.crop!r} is of images of KITTI, not of worlds')
        if self.truth != 'depth' and self.kind not in FILE_KINDS:
            raise ConfigError(f'truth = {self.truth!r}: a data set of kind {self.kind} has depth')
        if not _is_size(self.size_hw):
            raise ConfigError(
                f'size_hw = {self.size_hw!r} is not [height, width], {LEAST_SIDE} pixels or more')
        for name in ('share', 'count', 'depth_scale', 'min_depth_m', 'max_stamp_difference_s',
                     'loss_weight'):
            if getattr(self, name) <= 0:
                raise ConfigError(f'{name} = {getattr(self, name)} is not positive')
        if self.max_depth_m <= self.min_depth_m:
            raise ConfigError(
                f'max_depth_m = {self.max_depth_m} is not beyond min_depth_m = {self.min_depth_m}')
        if not 0 <= self.trim < 1:
            raise ConfigError(f'trim = {self.trim} is not from 0 to below 1')
        if not re.fullmatch(r'|(-?\d+)?:(-?\d+)?', self.frames):
            raise ConfigError(f'frames = {self.frames!r} is not start:stop')

    @property
    def frame_slice(self) -> slice:
        """Which images are used."""
        start, _, stop = self.frames.partition(':')
        return slice(int(start) if start else None, int(stop) if stop else None)


def _is_size(value: object) -> bool:
    return isinstance(value, tuple | list) and len(value) == 2 and all(
        type(side) is int and side >= LEAST_SIDE for side in value)
