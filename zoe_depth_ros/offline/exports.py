# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Depth as files: PNG, NPZ, EXR, PLY, films, and as data sets to learn from."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
import os
from pathlib import Path
from typing import Any
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from zoe_depth_ros.colorize import colorize_depth
from zoe_depth_ros.encoding import encode_depth_mm
from zoe_depth_ros.errors import BagError
from zoe_depth_ros.errors import ConfigError
from zoe_depth_ros.geometry import PointCloud
from zoe_depth_ros.inference import DepthMap

if TYPE_CHECKING:
    from types import TracebackType

# A scale that stays, so that a film does not flicker.
SHOWN_RANGE_M = {'indoor': (0.3, 10.0), 'outdoor': (1.0, 80.0)}
FILM_CODEC = 'mp4v'


def side_by_side(depth: DepthMap) -> NDArray[np.uint8]:
    """Return (H, 2 W, 3) uint8 RGB, the image beside its coloured depth."""
    near_m, far_m = SHOWN_RANGE_M[depth.domain]
    return np.hstack([depth.rgb, colorize_depth(depth.depth_m, near_m=near_m, far_m=far_m)])


def write_color(path: Path, depth: DepthMap, cloud: PointCloud | None) -> None:
    """Write depth in colours from red (near) to blue (far), for eyes only."""
    picture = colorize_depth(depth.depth_m)
    _write_picture(path, np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), np.uint8))


def write_png(path: Path, depth: DepthMap, cloud: PointCloud | None) -> None:
    """Write depth as 16-bit millimetres, 0 where unknown."""
    _write_picture(path, encode_depth_mm(depth.depth_m))


def write_exr(path: Path, depth: DepthMap, cloud: PointCloud | None) -> None:
    """Write depth as 32-bit metres in the channel Z, NaN where unknown."""
    openexr = load_openexr()
    header = {'compression': openexr.ZIP_COMPRESSION, 'type': openexr.scanlineimage}
    # The library says nothing of a full disk, so it writes to memory.
    memory = os.memfd_create(path.name)
    with open(memory, 'rb') as content:
        with openexr.File(header, {'Z': np.ascontiguousarray(depth.depth_m)}) as file:
            file.write(f'/proc/self/fd/{memory}')
        path.write_bytes(content.read())


def load_openexr() -> Any:
    """
    Return the package OpenEXR; those of OpenCV are built without it.

    :raises ConfigError: it is not installed.
    """
    try:
        return import_module('OpenEXR')
    except ImportError as error:
        raise ConfigError(
            'writing EXR files needs the Python package OpenEXR: pip install OpenEXR') from error


def write_npz(path: Path, depth: DepthMap, cloud: PointCloud | None) -> None:
    """Write depth and standard deviation as float32 metres, NaN where unknown."""
    arrays = {'depth_m': depth.depth_m}
    if depth.std_dev_m is not None:
        arrays['std_dev_m'] = depth.std_dev_m
    np.savez(path, **arrays)  # type: ignore[arg-type]


def write_ply(path: Path, depth: DepthMap, cloud: PointCloud | None) -> None:
    """Write the known points with their colours; nothing where the camera is unknown."""
    if cloud is None:
        return
    points = cloud.points[np.isfinite(cloud.points['z'])]
    colors = points['rgb'].view(np.uint32)
    vertices = np.empty(len(points), [(name, '<f4') for name in 'xyz']
                        + [(name, 'u1') for name in ('red', 'green', 'blue')])
    for name in 'xyz':
        vertices[name] = points[name]
    for name, shift in (('red', 16), ('green', 8), ('blue', 0)):
        vertices[name] = colors >> shift & 0xFF
    properties = [f'property float {name}' for name in 'xyz'] + [
        f'property uchar {name}' for name in ('red', 'green', 'blue')]
    head = '\n'.join([
        'ply', 'format binary_little_endian 1.0', f'element vertex {len(points)}', *properties,
        'end_header', ''])
    path.write_bytes(head.encode() + vertices.tobytes())


def write_sample(path: Path, depth: DepthMap, cloud: PointCloud | None) -> None:
    """Write image and depth beside `path`, as data sets of the kind 'folder' are read."""
    image = path.parent / 'images' / f'{path.stem}.png'
    truth = path.parent / 'depth' / f'{path.stem}.npy'
    for file in (image, truth):
        file.parent.mkdir(exist_ok=True)
    _write_picture(image, np.asarray(cv2.cvtColor(depth.rgb, cv2.COLOR_RGB2BGR), np.uint8))
    np.save(truth, depth.depth_m)


WRITERS: dict[str, Callable[[Path, DepthMap, PointCloud | None], None]] = {
    'png': write_png, 'npz': write_npz, 'exr': write_exr, 'ply': write_ply,
    'dataset': write_sample}


def write_files(
    folder: Path, label: str, name: str, formats: tuple[str, ...], depth: DepthMap,
    cloud: PointCloud | None,
) -> None:
    """
    Write one depth image in several formats, each as folder/format/label/name.format.

    :raises BagError: the disk does not take it.
    """
    for kind in formats:
        if kind in WRITERS:
            path = folder / kind / label / f'{name}.{kind}'
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                WRITERS[kind](path, depth, cloud)
            except (OSError, cv2.error) as error:
                raise BagError(f'{path} cannot be written: {error}') from error


class Film:
    """
    A film of images beside their depth, in a `with` statement; it appears when complete.

    :param path: .mp4 file to make, not made without pictures.
    :param rate_hz: pictures a second.
    """

    def __init__(self, path: Path, rate_hz: float) -> None:
        self._path = path
        self._unfinished = path.with_name(f'.unfinished_{path.name}')
        self._rate_hz = rate_hz
        self._writer: cv2.VideoWriter | None = None
        self._size = 0, 0

    def __enter__(self) -> Film:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._writer is None:
            return
        self._writer.release()
        if kind is None:
            self._unfinished.replace(self._path)

    def add(self, picture: NDArray[np.uint8]) -> None:
        """
        Append a picture.

        :param picture: (H, W, 3) uint8 RGB; resized to the first one's size.
        :raises BagError: the film cannot be made.
        """
        if self._writer is None:
            self._writer = self._opened(picture)
        bgr = cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)
        if (bgr.shape[1], bgr.shape[0]) != self._size:
            bgr = cv2.resize(bgr, self._size, interpolation=cv2.INTER_AREA)
        self._writer.write(bgr)

    def _opened(self, picture: NDArray[np.uint8]) -> cv2.VideoWriter:
        height, width = picture.shape[:2]
        self._size = width - width % 2, height - height % 2
        self._path.parent.mkdir(parents=True, exist_ok=True)
        writer = cv2.VideoWriter(
            str(self._unfinished), cv2.VideoWriter.fourcc(*FILM_CODEC), self._rate_hz,
            self._size)
        if not writer.isOpened():
            raise BagError(f'film {self._path} cannot be made: OpenCV has no codec for it')
        return writer


def _write_picture(path: Path, pixels: NDArray[np.uint8] | NDArray[np.uint16]) -> None:
    if not cv2.imwrite(str(path), pixels):
        raise BagError(f'{path} cannot be written')
