# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Data sets listed in a text file, as the splits of NYU and KITTI are."""

from __future__ import annotations

import logging
import math
from pathlib import Path
from typing import NamedTuple

from zoe_depth_ros.camera import Camera
from zoe_depth_ros.datasets.config import DatasetConfig
from zoe_depth_ros.datasets.files import read_rgb
from zoe_depth_ros.datasets.files import read_truth
from zoe_depth_ros.datasets.sample import Sample
from zoe_depth_ros.errors import DatasetError

LOGGER = logging.getLogger(__name__)
MISSING = 'None'


class _Line(NamedTuple):
    number: int
    words: list[str]


class ListImages:
    """
    Images of a list with a line `rgb depth focal` each.

    Paths start at the root, with or without a slash. Focal is the focal length in pixels of the
    image as it is stored. Images with `None` for depth are left out. A malformed line is an image
    that cannot be used.

    :param config: path of the list, roots, and what depth files hold.
    :raises DatasetError: the list or a root is missing.
    """

    are_made = False

    def __init__(self, config: DatasetConfig) -> None:
        self.name = f'list {config.path}'
        self._config = config
        self._root = Path(config.root) if config.root else Path(config.path).parent
        self._depth_root = Path(config.depth_root) if config.depth_root else self._root
        for folder in (self._root, self._depth_root):
            if not folder.is_dir():
                raise DatasetError(f'{self.name}: root {folder} is no folder')
        lines = _read_lines(Path(config.path))
        self._lines = [line for line in lines if line.words[1:2] != [MISSING]]
        self.without_truth = len(lines) - len(self._lines)
        if self.without_truth:
            LOGGER.warning('%s: %d of %d images have no depth', self.name, self.without_truth,
                           len(lines))

    def __len__(self) -> int:
        return len(self._lines)

    def name_of(self, number: int) -> str:
        """Return list, line and path of an image."""
        line = self._lines[number]
        return f'{self._config.path} line {line.number} ({line.words[0]})'

    def load(self, number: int) -> Sample:
        """
        Return an image with its depth.

        :raises ZoeDepthError: it cannot be used.
        """
        rgb_path, depth_path, focal_px = _parsed(self._lines[number].words)
        rgb = read_rgb(_below(self._root, rgb_path))
        height, width = size_hw = rgb.shape[:2]
        camera = Camera(
            width, height, focal_px, focal_px, (width - 1) / 2, (height - 1) / 2)
        depth_m = read_truth(
            _below(self._depth_root, depth_path), self._config, camera, size_hw)
        return Sample(rgb, depth_m, camera, self._config.domain, self.name_of(number))


def _below(root: Path, path: str) -> Path:
    return root / path.lstrip('/')


def _read_lines(path: Path) -> list[_Line]:
    try:
        text = path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(f'list {path} cannot be read: {error}') from error
    return [_Line(number, words)
            for number, line in enumerate(text.splitlines(), 1) if (words := line.split())]


def _parsed(words: list[str]) -> tuple[str, str, float]:
    if len(words) != 3:
        raise DatasetError(f'{len(words)} words, not rgb, depth and focal')
    rgb, depth, focal = words
    try:
        focal_px = float(focal)
    except ValueError as error:
        raise DatasetError(f'focal length {focal!r} is not a number') from error
    if not (math.isfinite(focal_px) and focal_px > 0):
        raise DatasetError(f'focal length {focal} is not positive')
    return rgb, depth, focal_px
