# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""From raw images to rectified ones, and from depth to points."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
import math
from typing import NamedTuple
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from zoe_depth_ros.camera import Calibration
from zoe_depth_ros.camera import Camera
from zoe_depth_ros.camera import FISHEYE_MODELS
from zoe_depth_ros.errors import CameraError
from zoe_depth_ros.errors import ConfigError
from zoe_depth_ros.errors import ImageError

if TYPE_CHECKING:
    from cv2.typing import MatLike

# OpenCV continues the rational polynomial with thin prism (12) and tilted sensor (14) terms.
COEFFICIENT_COUNTS = {
    'plumb_bob': (4, 5), 'rational_polynomial': (8, 12, 14), 'equidistant': (4,), 'fisheye': (4,),
}
SMALLEST_M = float(np.finfo(np.float32).tiny)
LARGEST_M = float(np.finfo(np.float32).max)
BELOW_ONE = 1 - 1e-6  # so that a rounded range does not exceed its limit


class Rectifier:
    """
    Turns the raw images of one calibrated camera into those of an ideal pinhole camera.

    As in image_geometry, D without a non-zero coefficient means no distortion in any model.

    :param calibration: what the driver reports; R, P, ROI and binning are respected.
    :raises CameraError: distortion model unknown, or with another number of coefficients.
    """

    def __init__(self, calibration: Calibration) -> None:
        self.camera = calibration.rectified_camera()
        self._maps = _rectifying_maps(calibration) if calibration.is_distorted else None
        white = np.full((*self.camera.size_hw, 3), 255, np.uint8)
        self._seen = self.rectify(white)[..., 0] == 255

    def seen(self, size_hw: tuple[int, int]) -> NDArray[np.bool_]:
        """
        Return where the raw image reaches, (H, W) bool, for a rectified image resized to a size.

        :param size_hw: (height, width) of the resized image.
        """
        mask = cv2.resize(
            self._seen.view(np.uint8), (size_hw[1], size_hw[0]), interpolation=cv2.INTER_NEAREST)
        return np.asarray(mask, bool)

    def rectify(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """
        Return the image as `camera` would have taken it.

        :param image: (H, W, 3) uint8, of the calibration's image size.
        :return: (H, W, 3) uint8, black where the raw image does not reach; `image` itself when
            there is nothing to undo.
        :raises ImageError: the image has another size.
        """
        height, width = self.camera.size_hw
        if image.shape != (height, width, 3):
            raise ImageError(
                f'image shape {image.shape} does not fit its calibration for {width}x{height}')
        if self._maps is None:
            return image
        return np.asarray(cv2.remap(image, *self._maps, cv2.INTER_LINEAR), np.uint8)

    def rectify_depth(self, depth_m: NDArray[np.float32]) -> NDArray[np.float32]:
        """
        Return depth of the raw image's pixels for those of `camera`.

        Every pixel takes the depth of the nearest raw one: those of two surfaces do not mix.

        :param depth_m: (H, W) float32 metres, of the calibration's image size.
        :return: (H, W) float32 metres, NaN where the raw image does not reach; `depth_m` itself
            when there is nothing to undo.
        :raises ImageError: the depth has another size.
        """
        height, width = self.camera.size_hw
        if depth_m.shape != (height, width):
            raise ImageError(
                f'depth shape {depth_m.shape} does not fit its calibration for {width}x{height}')
        if self._maps is None:
            return depth_m
        # With maps of fixed point OpenCV rounds to the farther pixel.
        x, y = cv2.convertMaps(*self._maps, cv2.CV_32FC1)
        return np.asarray(cv2.remap(
            depth_m, x, y, cv2.INTER_NEAREST, borderMode=cv2.BORDER_CONSTANT,
            borderValue=math.nan), np.float32)


@dataclass(frozen=True, eq=False)
class PointCloud:
    """
    Points in the optical frame (REP 103: x right, y down, z forward).

    :param points: (H, W) structured array without padding: x, y, z float32 metres and, where the
        cloud has them, rgb float32 whose bits are 0x00RRGGBB and std_dev float32 metres. An
        unorganized cloud has one row.
    :param is_dense: True when every point is known; otherwise unknown ones have NaN x, y, z.
    """

    points: NDArray[np.void]
    is_dense: bool

    @property
    def height(self) -> int:
        """Rows of the cloud: 1 when unorganized."""
        return self.points.shape[0]

    @property
    def width(self) -> int:
        """Points in a row."""
        return self.points.shape[1]

    @property
    def xyz_m(self) -> NDArray[np.float32]:
        """Coordinates, (N, 3) float32 metres, row by row."""
        points = self.points.ravel()
        return np.stack([points['x'], points['y'], points['z']]).T

    def where(self, chosen: NDArray[np.bool_]) -> PointCloud:
        """
        Return the chosen points; the others become unknown where the cloud is a grid.

        :param chosen: (N,) bool, row by row.
        """
        if self.is_dense:
            return PointCloud(self.points.compress(chosen, axis=1), is_dense=True)
        points = self.points.copy()
        for name in ('x', 'y', 'z'):
            points[name][~chosen.reshape(points.shape)] = np.nan
        return PointCloud(points, is_dense=False)


def point_cloud(
    depth_m: NDArray[np.float32], rgb: NDArray[np.uint8] | None, camera: Camera, *,
    std_dev_m: NDArray[np.float32] | None = None, refused: NDArray[np.bool_] | None = None,
    stride: int = 1, min_range_m: float = 0.0, max_range_m: float = math.inf,
    free_rays: bool = False, organized: bool = False,
) -> PointCloud:
    """
    Lift depth to points along the exact rays of its pixels.

    Range is the distance from the camera centre to the point, as costmaps measure it, not depth.

    :param depth_m: (H, W) float32, metres along the optical axis; NaN, infinity and anything not
        positive are unknown.
    :param rgb: (H, W, 3) uint8 RGB of the same pixels, or None for a cloud without colour.
    :param camera: the camera of these pixels.
    :param std_dev_m: (H, W) float32 metres, for a field of that name.
    :param refused: bool, of the pixels that `stride` keeps; those become unknown.
    :param stride: keep every stride-th row and column, starting with the first.
    :param min_range_m: nearer points are unknown.
    :param max_range_m: farther points are unknown.
    :param free_rays: put farther points, infinite ones too, at max_range_m instead.
    :param organized: keep unknown points, so that the cloud is a grid of ceil(H / stride) rows
        and ceil(W / stride) columns; otherwise only known points remain.
    :raises ImageError: depth, rgb or std_dev has another size than the camera.
    :raises ConfigError: stride below 1, or a range limit that contradicts the other.
    """
    _check_sizes(depth_m, rgb, std_dev_m, camera)
    if stride < 1:
        raise ConfigError(f'point cloud stride {stride} is not positive')
    if not 0 <= min_range_m < max_range_m:
        raise ConfigError(f'point cloud range {min_range_m} to {max_range_m} m holds nothing')
    rays = _rays(camera, stride)
    depth_m = depth_m[::stride, ::stride]
    if free_rays:
        depth_m = np.minimum(depth_m, np.float32(max_range_m * BELOW_ONE) / rays.length)
    range_m = depth_m * rays.length
    is_known = (range_m >= max(min_range_m, SMALLEST_M)) & (range_m <= min(max_range_m, LARGEST_M))
    if refused is not None:
        is_known &= ~refused
    z = np.where(is_known, depth_m, np.float32(np.nan))
    fields = {'x': rays.x * z, 'y': rays.y * z, 'z': z}
    if rgb is not None:
        fields['rgb'] = _packed_rgb(rgb[::stride, ::stride])
    if std_dev_m is not None:
        fields['std_dev'] = std_dev_m[::stride, ::stride]
    if not organized:
        kept = np.flatnonzero(is_known)
        fields = {name: plane.take(kept)[np.newaxis] for name, plane in fields.items()}
    return PointCloud(_interleaved(fields), is_dense=not organized)


def _rectifying_maps(calibration: Calibration) -> tuple[MatLike, MatLike]:
    if any(calibration.d):
        _check_distortion(calibration)
    camera = calibration.rectified_camera()
    raw_k = np.reshape(calibration.raw_matrix(), (3, 3))
    distortion = np.array(calibration.d if any(calibration.d) else (0.0,) * 4)
    rotation = np.reshape(calibration.r, (3, 3)) if any(calibration.r) else np.eye(3)
    k = np.array([[camera.fx, 0, camera.cx], [0, camera.fy, camera.cy], [0, 0, 1]])
    size = camera.width, camera.height
    if any(calibration.d) and calibration.distortion_model in FISHEYE_MODELS:
        return cv2.fisheye.initUndistortRectifyMap(
            raw_k, distortion, rotation, k, size, cv2.CV_16SC2)
    return cv2.initUndistortRectifyMap(raw_k, distortion, rotation, k, size, cv2.CV_16SC2)


def _check_distortion(calibration: Calibration) -> None:
    model, found = calibration.distortion_model, len(calibration.d)
    if model not in COEFFICIENT_COUNTS:
        known = ', '.join(sorted(COEFFICIENT_COUNTS))
        raise CameraError(f'distortion model {model!r} is not supported (known: {known})')
    if found not in COEFFICIENT_COUNTS[model]:
        counts = ' or '.join(str(count) for count in COEFFICIENT_COUNTS[model])
        raise CameraError(f'distortion model {model!r} has {found} coefficients, not {counts}')


class _Rays(NamedTuple):
    x: NDArray[np.float32]
    y: NDArray[np.float32]
    length: NDArray[np.float32]


@lru_cache(maxsize=16)
def _rays(camera: Camera, stride: int) -> _Rays:
    x = (np.arange(0, camera.width, stride) - camera.cx)[np.newaxis, :] / camera.fx
    y = (np.arange(0, camera.height, stride) - camera.cy)[:, np.newaxis] / camera.fy
    length = np.sqrt(x * x + y * y + 1)
    return _Rays(*(grid.astype(np.float32) for grid in (x, y, length)))


def _check_sizes(
    depth_m: NDArray[np.float32], rgb: NDArray[np.uint8] | None,
    std_dev_m: NDArray[np.float32] | None, camera: Camera,
) -> None:
    for name, plane in (('depth', depth_m), ('std_dev', std_dev_m)):
        if plane is not None and plane.shape != camera.size_hw:
            raise ImageError(f'{name} shape {plane.shape} is not of camera size {camera.size_hw}')
    if rgb is not None and rgb.shape != (*camera.size_hw, 3):
        raise ImageError(f'rgb shape {rgb.shape} is not of camera size {camera.size_hw} by 3')


def _packed_rgb(rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
    bgra = np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2BGRA), np.uint8)
    packed = bgra.view('<u4')[..., 0] & np.uint32(0x00FFFFFF)
    return packed.view(np.float32)


def _interleaved(fields: dict[str, NDArray[np.float32]]) -> NDArray[np.void]:
    dtype = np.dtype([(name, np.float32) for name in fields])
    points: NDArray[np.void] = np.empty(fields['z'].shape, dtype)
    for name, plane in fields.items():
        points[name] = plane
    return points
