# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Images and depth in files."""

from __future__ import annotations

from functools import lru_cache
from importlib import import_module
from io import BytesIO
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from zoe_depth_ros.camera import Camera
from zoe_depth_ros.datasets.config import DatasetConfig
from zoe_depth_ros.encoding import decode_compressed
from zoe_depth_ros.errors import DatasetError
from zoe_depth_ros.errors import ImageError

# The channel that holds depth, in this order, where an EXR file has several.
EXR_CHANNELS = ('Z', 'Y', 'R')


def read_rgb(path: Path) -> NDArray[np.uint8]:
    """
    Return the pixels of an image file as they are stored, whatever its orientation tag says.

    :return: (H, W, 3) uint8 RGB.
    :raises ImageError: it is missing, or does not decode.
    """
    try:
        return decode_compressed(path.suffix, _content(path))
    except ImageError as error:
        raise ImageError(f'image {path}: {error}') from error


def read_truth(
    path: Path, config: DatasetConfig, camera: Camera | None, size_hw: tuple[int, int],
) -> NDArray[np.float32]:
    """
    Return the depth in a file: integers (PNG, TIFF, npy) or floats (EXR, TIFF, npy).

    :param config: what its values mean: `truth` and, for integers, `depth_scale`.
    :param camera: of the image; needed for distances.
    :param size_hw: (height, width) the depth must have: the image's.
    :return: (H, W) float32 metres along the optical axis, NaN where unknown, +inf in the sky; of
        unknown scale for disparity.
    :raises ImageError: it is missing, does not decode, or has another size.
    """
    try:
        values = _stored_values(path)
    except ImageError as error:
        raise ImageError(f'depth {path}: {error}') from error
    if values.shape != size_hw:
        raise ImageError(
            f'depth {path} of {_size_text(values.shape)} does not fit its image of '
            f'{_size_text(size_hw)}')
    metres = values.astype(np.float32)
    if values.dtype.kind in 'ui':
        metres /= np.float32(config.depth_scale)
    if config.truth == 'disparity':
        return _depth_of_disparity(metres)
    metres[~(metres > 0)] = np.nan
    return metres / _ray_lengths(camera) if config.truth == 'distance' else metres


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ImageError(error.strerror or str(error)) from error


def _stored_values(path: Path) -> NDArray[Any]:
    """Return (H, W) integers or floats."""
    readers = {'.exr': _read_exr, '.npy': _read_npy}
    values = readers.get(path.suffix.lower(), _read_opencv)(path)
    if values.ndim == 3 and values.shape[2] == 1:
        values = values[..., 0]
    if values.ndim != 2 or values.dtype.kind not in 'uif' or values.size == 0:
        raise ImageError(f'{values.dtype} values of shape {values.shape} are no depth')
    return values


def _read_opencv(path: Path) -> NDArray[Any]:
    try:
        values = cv2.imdecode(np.frombuffer(_content(path), np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error as error:
        raise ImageError(f'does not decode: {error}') from error
    if values is None:
        raise ImageError('does not decode')
    return np.asarray(values)


def _read_npy(path: Path) -> NDArray[Any]:
    content = BytesIO(_content(path))
    try:
        values = np.load(content, allow_pickle=False)
    except Exception as error:  # a damaged file raises whatever its first bytes lead to
        raise ImageError(f'does not load: {error}') from error
    if not isinstance(values, np.ndarray):
        raise ImageError('does not load: an archive, not an array')
    return values


def _read_exr(path: Path) -> NDArray[Any]:
    # OpenCV's packages for Python are built without OpenEXR.
    try:
        open_exr = import_module('OpenEXR')
    except ImportError as error:
        raise ImageError(
            'reading EXR files needs the Python package OpenEXR: pip install OpenEXR') from error
    if not path.is_file():  # the library would print that instead of telling it
        raise ImageError('No such file or directory')
    try:
        with open_exr.File(str(path), separate_channels=True) as file:
            channels = {name: channel.pixels for name, channel in file.channels().items()}
    except RuntimeError as error:
        raise ImageError(f'does not decode: {error}') from error
    if len(channels) == 1:
        return next(iter(channels.values()))
    for name in EXR_CHANNELS:
        if name in channels:
            return channels[name]
    raise ImageError(f'channels {", ".join(sorted(channels))} are no depth')


def _depth_of_disparity(disparity: NDArray[np.float32]) -> NDArray[np.float32]:
    depth = np.full(disparity.shape, np.nan, np.float32)
    depth[disparity == 0] = np.inf
    is_seen = (disparity > 0) & np.isfinite(disparity)
    depth[is_seen] = 1 / disparity[is_seen]
    return depth


def _ray_lengths(camera: Camera | None) -> NDArray[np.float32]:
    if camera is None:
        raise DatasetError("truth = 'distance' needs the camera's intrinsics")
    return _camera_ray_lengths(camera)


@lru_cache(maxsize=4)
def _camera_ray_lengths(camera: Camera) -> NDArray[np.float32]:
    """Return (H, W) distances from the camera's centre to the plane at depth 1."""
    x = (np.arange(camera.width) - camera.cx) / camera.fx
    y = (np.arange(camera.height) - camera.cy) / camera.fy
    return np.sqrt(x * x + (y * y)[:, np.newaxis] + 1).astype(np.float32)


def _size_text(shape: tuple[int, ...]) -> str:
    return f'{shape[1]}x{shape[0]}'
