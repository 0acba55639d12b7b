# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Data sets in a folder of images and a folder of depth beside it."""

from __future__ import annotations

from collections.abc import Collection
import json
from pathlib import Path
from typing import NamedTuple

import numpy as np

from zoe_depth_ros.camera import Camera
from zoe_depth_ros.datasets.config import DatasetConfig
from zoe_depth_ros.datasets.files import read_rgb
from zoe_depth_ros.datasets.files import read_truth
from zoe_depth_ros.datasets.sample import Sample
from zoe_depth_ros.errors import CameraError
from zoe_depth_ros.errors import DatasetError

IMAGE_FOLDERS = ('images', 'rgb')
IMAGE_SUFFIXES = ('.jpg', '.jpeg', '.png')
DEPTH_SUFFIXES = ('.png', '.exr', '.npy', '.tif', '.tiff')


class _Intrinsics(NamedTuple):
    fx: float
    fy: float
    cx: float
    cy: float
    size_hw: tuple[int, int] | None = None


class FolderImages:
    """
    The files in images/ (or rgb/), each with the file of its name in depth/.

    Intrinsics of all images are in intrinsics.json (width, height, fx, fy, cx, cy) or in K.txt
    (the 3x3 matrix), in pixels of the images as they are stored. Without these files the camera
    is not known.

    :param config: path of the folder, and what depth files hold.
    :raises DatasetError: there are no images with depth, or the intrinsics cannot be read.
    """

    are_made = False

    def __init__(self, config: DatasetConfig) -> None:
        self.name = f'folder {config.path}'
        self._config = config
        path = Path(config.path)
        folders = [path / name for name in IMAGE_FOLDERS if (path / name).is_dir()]
        if not folders:
            raise DatasetError(f'{self.name} has no folder {" or ".join(IMAGE_FOLDERS)}')
        self._images = list(_files(folders[0], IMAGE_SUFFIXES).values())
        self._depths = _files(path / 'depth', DEPTH_SUFFIXES)
        if not any(image.stem in self._depths for image in self._images):
            raise DatasetError(f'{self.name} has no image with a depth file of its name')
        self._intrinsics = _read_intrinsics(path)

    def __len__(self) -> int:
        return len(self._images)

    def name_of(self, number: int) -> str:
        """Return the path of an image."""
        return str(self._images[number])

    def load(self, number: int) -> Sample:
        """
        Return an image with its depth.

        :raises ZoeDepthError: it cannot be used.
        """
        image = self._images[number]
        if image.stem not in self._depths:
            raise DatasetError(f'no depth file {image.stem} in {self._config.path}/depth')
        rgb = read_rgb(image)
        camera = self._camera(rgb.shape[0], rgb.shape[1])
        depth_m = read_truth(
            self._depths[image.stem], self._config, camera, (rgb.shape[0], rgb.shape[1]))
        return Sample(rgb, depth_m, camera, self._config.domain, self.name_of(number))

    def _camera(self, height: int, width: int) -> Camera | None:
        if self._intrinsics is None:
            return None
        fx, fy, cx, cy, size_hw = self._intrinsics
        if size_hw not in (None, (height, width)):
            raise CameraError(
                f'intrinsics.json for {size_hw[1]}x{size_hw[0]} does not fit an image of '
                f'{width}x{height}')
        return Camera(width, height, fx, fy, cx, cy)


def _files(folder: Path, suffixes: Collection[str]) -> dict[str, Path]:
    """Return the files of a folder by their stems, in order."""
    if not folder.is_dir():
        raise DatasetError(f'there is no folder {folder}')
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in suffixes:
            if path.stem in found:
                raise DatasetError(f'{path} has the same name as {found[path.stem].name}')
            found[path.stem] = path
    return found


def _read_intrinsics(folder: Path) -> _Intrinsics | None:
    for name, read in (('intrinsics.json', _read_json), ('K.txt', _read_matrix)):
        path = folder / name
        if path.exists():
            try:
                return read(path)
            except (OSError, ValueError, TypeError) as error:
                raise DatasetError(f'intrinsics {path} cannot be read: {error}') from error
    return None


def _read_json(path: Path) -> _Intrinsics:
    values = json.loads(path.read_text())
    missing = {'width', 'height', 'fx', 'fy', 'cx', 'cy'} - set(values)
    if missing:
        raise ValueError(f'no {", ".join(sorted(missing))}')
    fx, fy, cx, cy = (float(values[name]) for name in ('fx', 'fy', 'cx', 'cy'))
    return _Intrinsics(fx, fy, cx, cy, (int(values['height']), int(values['width'])))


def _read_matrix(path: Path) -> _Intrinsics:
    k = np.loadtxt(path)
    if k.shape != (3, 3) or k[2].tolist() != [0, 0, 1]:
        raise ValueError(f'{k.tolist()} is no 3x3 camera matrix')
    return _Intrinsics(float(k[0, 0]), float(k[1, 1]), float(k[0, 2]), float(k[1, 2]))
