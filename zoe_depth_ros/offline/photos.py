# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Depth for photos, with the focal length that the camera noted in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
import math
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from zoe_depth_ros.camera import Camera
from zoe_depth_ros.errors import BagError
from zoe_depth_ros.errors import ConfigError
from zoe_depth_ros.errors import ImageError
from zoe_depth_ros.inference import DepthEstimator
from zoe_depth_ros.inference import DepthMap
from zoe_depth_ros.inference.clouds import cloud_of
from zoe_depth_ros.offline.exports import write_color
from zoe_depth_ros.offline.exports import write_ply
from zoe_depth_ros.offline.exports import write_png
from zoe_depth_ros.options import NodeConfig

# What is made of a photo, by the end of its name.
WRITERS = {'_color.png': write_color, '_depth.png': write_png, '.ply': write_ply}
# CIPA DCG-001: lenses are compared by the diagonal of a 36 x 24 mm picture.
FILM_DIAGONAL_MM = math.hypot(36, 24)
# Tags of Exif (CIPA DC-008).
EXIF_IFD = 0x8769
FOCAL_LENGTH, FOCAL_LENGTH_IN_35MM_FILM = 0x920A, 0xA405
FOCAL_PLANE_X_RESOLUTION, FOCAL_PLANE_RESOLUTION_UNIT = 0xA20E, 0xA210
PIXEL_X_DIMENSION = 0xA002
INCH, CENTIMETRE = 2, 3
UNIT_MM = {INCH: 25.4, CENTIMETRE: 10.0}


@dataclass(frozen=True)
class PhotoJob:
    """
    A photo and where its depth goes.

    :param path: of the photo.
    :param output: folder for what is made of it.
    """

    path: Path
    output: Path

    def target(self, ending: str) -> Path:
        """Return the path of one of the outputs, by a key of `WRITERS`."""
        return self.output / f'{self.path.stem}{ending}'


@dataclass(frozen=True, eq=False)
class Photo:
    """
    A photo, upright.

    :param rgb: (H, W, 3) uint8 RGB.
    :param camera: intrinsics, None where nothing tells of them.
    """

    rgb: NDArray[np.uint8]
    camera: Camera | None


def plan_photos(paths: Sequence[Path], output: Path, *, force: bool = False) -> list[PhotoJob]:
    """
    Decide where the depth of photos goes.

    :param force: replace what is there already.
    :raises ConfigError: something is there already, or two photos have one name.
    """
    jobs: dict[str, PhotoJob] = {}
    for path in paths:
        job = jobs.setdefault(path.stem, PhotoJob(path, output))
        if job.path != path:
            raise ConfigError(
                f'{job.path} and {path} have one name, and so would what is made of them')
        for target in map(job.target, WRITERS):
            if target.exists() and not force:
                raise ConfigError(f'{target} exists already')
    return list(jobs.values())


def process_photo(
    job: PhotoJob, estimator: DepthEstimator, config: NodeConfig, fov_deg: float | None = None,
) -> DepthMap:
    """
    Write the depth of a photo: colours, millimetres and, if its camera is known, a cloud.

    :param config: of which the points apply.
    :param fov_deg: horizontal field of view; by default what the photo tells.
    :raises ImageError: the photo cannot be read.
    :raises CameraError: the field of view is impossible.
    :raises BagError: the disk does not take it.
    :raises DeviceError: the network cannot compute.
    """
    photo = read_photo(job.path, fov_deg)
    depth = estimator.estimate(photo.rgb, photo.camera)
    cloud = None if depth.camera is None else cloud_of(depth, config.points)
    for ending, write in WRITERS.items():
        path = job.target(ending)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.unlink(missing_ok=True)  # no old cloud beside new depth
            write(path, depth, cloud)
        except (OSError, cv2.error) as error:
            raise BagError(f'{path} cannot be written: {error}') from error
    return depth


def read_photo(path: Path, fov_deg: float | None = None) -> Photo:
    """
    Return a photo as it is meant to be seen, by its orientation tag.

    :param path: JPEG, PNG or any other file that OpenCV reads.
    :param fov_deg: horizontal field of view; by default what the photo tells.
    :raises ImageError: it is missing, or does not decode.
    :raises CameraError: the field of view is impossible.
    """
    rgb = _upright_rgb(path)
    height, width = rgb.shape[:2]
    if fov_deg is not None:
        return Photo(rgb, Camera.from_fov(width, height, fov_deg))
    focal_px = exif_focal_px(path)
    if focal_px is None:
        return Photo(rgb, None)
    return Photo(rgb, Camera(
        width, height, focal_px, focal_px, (width - 1) / 2, (height - 1) / 2))


def exif_focal_px(path: Path) -> float | None:
    """
    Return the focal length in pixels that the Exif tags of a photo tell, None where they do not.

    FocalLengthIn35mmFilm comes first, since it respects digital zoom.
    """
    try:
        with Image.open(path) as image:
            width, height = image.size
            tags = image.getexif().get_ifd(EXIF_IFD)
    except (OSError, SyntaxError):  # tags that are none
        return None
    film_mm = _positive(tags.get(FOCAL_LENGTH_IN_35MM_FILM))
    if film_mm:
        return film_mm / FILM_DIAGONAL_MM * math.hypot(width, height)
    focal_mm = _positive(tags.get(FOCAL_LENGTH))
    resolution = _positive(tags.get(FOCAL_PLANE_X_RESOLUTION))
    unit_mm = UNIT_MM.get(tags.get(FOCAL_PLANE_RESOLUTION_UNIT, INCH))
    if not focal_mm or not resolution or not unit_mm:
        return None
    # The resolution is that of the picture as taken; this one may be smaller.
    taken_width = _positive(tags.get(PIXEL_X_DIMENSION)) or width
    return focal_mm * resolution / unit_mm * width / taken_width


def _upright_rgb(path: Path) -> NDArray[np.uint8]:
    try:
        bgr = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_COLOR)
    except OSError as error:
        raise ImageError(f'photo {path}: {error.strerror}') from error
    except cv2.error as error:
        raise ImageError(f'photo {path} does not decode') from error
    if bgr is None:
        raise ImageError(f'photo {path} does not decode')
    return np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), np.uint8)


def _positive(value: object) -> float | None:
    try:
        found = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    return found if math.isfinite(found) and found > 0 else None
