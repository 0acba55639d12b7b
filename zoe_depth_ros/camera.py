# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Cameras as numbers, without ROS messages.

`Calibration` is what a driver reports (sensor_msgs/CameraInfo), `Camera` is the ideal pinhole
camera of a rectified image. Pixel centres have integer coordinates, as in OpenCV.
"""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import replace
import math

from zoe_depth_ros.errors import CameraError

PINHOLE_MODELS = ('plumb_bob', 'rational_polynomial')
FISHEYE_MODELS = ('equidistant', 'fisheye')
IDENTITY = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)


@dataclass(frozen=True)
class Camera:
    """
    Ideal pinhole camera: u = fx * x / z + cx, v = fy * y / z + cy in the optical frame (REP 103).

    :param width: image width in pixels.
    :param height: image height in pixels.
    :param fx: focal length along u, pixels.
    :param fy: focal length along v, pixels.
    :param cx: principal point u, pixels (the centre of the first pixel is 0).
    :param cy: principal point v, pixels.
    :param tx: P[0, 3] of a stereo camera, pixels * metres; carried along, never applied.
    :raises CameraError: size or focal length not positive, or a number not finite.
    """

    width: int
    height: int
    fx: float
    fy: float
    cx: float
    cy: float
    tx: float = 0.0

    def __post_init__(self) -> None:
        if self.width < 1 or self.height < 1:
            raise CameraError(f'camera size {self.width}x{self.height} is not positive')
        for name in ('fx', 'fy'):
            value = getattr(self, name)
            if not (math.isfinite(value) and value > 0):
                raise CameraError(f'camera {name} = {value} is not a positive focal length')
        for name in ('cx', 'cy', 'tx'):
            if not math.isfinite(getattr(self, name)):
                raise CameraError(f'camera {name} = {getattr(self, name)} is not finite')

    @classmethod
    def from_fov(cls, width: int, height: int, horizontal_fov_deg: float) -> Camera:
        """Return the camera with square pixels, a centred axis and that field of view."""
        if not 0 < horizontal_fov_deg < 180:
            raise CameraError(f'field of view {horizontal_fov_deg} deg is not between 0 and 180')
        focal_px = width / 2 / math.tan(math.radians(horizontal_fov_deg) / 2)
        return cls(width, height, focal_px, focal_px, (width - 1) / 2, (height - 1) / 2)

    @property
    def size_hw(self) -> tuple[int, int]:
        """Image size as (height, width)."""
        return self.height, self.width

    def resized(self, width: int, height: int) -> Camera:
        """
        Return this camera after its image was resampled to width x height.

        Half-pixel rule: pixel centres move by c' = (c + 0.5) * s - 0.5.
        """
        sx, sy = width / self.width, height / self.height
        return replace(
            self, width=width, height=height, fx=self.fx * sx, fy=self.fy * sy,
            cx=(self.cx + 0.5) * sx - 0.5, cy=(self.cy + 0.5) * sy - 0.5, tx=self.tx * sx,
        )


@dataclass(frozen=True)
class Calibration:
    """
    A camera's calibration as reported by its driver (sensor_msgs/CameraInfo without the header).

    :param width: full sensor width in pixels, before ROI and binning.
    :param height: full sensor height in pixels, before ROI and binning.
    :param k: intrinsic matrix of the raw image, row-major 3x3, pixels.
    :param d: distortion coefficients in OpenCV's order for the model.
    :param r: rectification rotation, row-major 3x3.
    :param p: projection matrix of the rectified image, row-major 3x4; all zero when not filled in.
    :param distortion_model: 'plumb_bob', 'rational_polynomial', 'equidistant' or ''.
    :param binning_x: columns combined into one (0 means 1).
    :param binning_y: rows combined into one (0 means 1).
    :param roi: (x_offset, y_offset, width, height) in full-sensor pixels; zero size means all.
    """

    width: int
    height: int
    k: tuple[float, ...]
    d: tuple[float, ...] = ()
    r: tuple[float, ...] = IDENTITY
    p: tuple[float, ...] = (0.0,) * 12
    distortion_model: str = 'plumb_bob'
    binning_x: int = 1
    binning_y: int = 1
    roi: tuple[int, int, int, int] = (0, 0, 0, 0)

    def __post_init__(self) -> None:
        for name, length in (('k', 9), ('r', 9), ('p', 12)):
            if len(getattr(self, name)) != length:
                found = len(getattr(self, name))
                raise CameraError(f'camera_info {name} has {found} numbers, not {length}')
        for name in ('k', 'd', 'r', 'p'):
            if not all(math.isfinite(value) for value in getattr(self, name)):
                raise CameraError(f'camera_info {name} = {getattr(self, name)} is not finite')
        if self.k[0] <= 0 or self.k[4] <= 0:
            raise CameraError(
                f'camera_info K has focal lengths {self.k[0]}, {self.k[4]}: not calibrated')

    @property
    def is_distorted(self) -> bool:
        """True when the raw image differs from the rectified one."""
        return any(self.d) or self.projection.k != self.k or not _is_identity(self.r)

    @property
    def binning(self) -> tuple[int, int]:
        """Columns and rows combined into one, at least 1."""
        return max(1, self.binning_x), max(1, self.binning_y)

    @property
    def projection(self) -> _Projection:
        """P of the full sensor, or K in its place where the driver left P empty."""
        if self.p[0] <= 0 or self.p[5] <= 0:
            return _Projection(self.k, 0.0)
        p = self.p
        return _Projection((p[0], p[1], p[2], p[4], p[5], p[6], p[8], p[9], p[10]), p[3])

    @property
    def image_size(self) -> tuple[int, int]:
        """Size (width, height) of the images that belong to this calibration."""
        _, _, roi_width, roi_height = self.roi
        width = roi_width if roi_width else self.width
        height = roi_height if roi_height else self.height
        binning_x, binning_y = self.binning
        return width // binning_x, height // binning_y

    def raw_matrix(self) -> tuple[float, ...]:
        """Return K (row-major 3x3) for the pixels of the image after ROI and binning."""
        return self._in_image(self.k)

    def rectified_camera(self) -> Camera:
        """Return the pinhole camera that P describes, for the image after ROI and binning."""
        width, height = self.image_size
        projection = self.projection
        k = self._in_image(projection.k)
        return Camera(
            width, height, k[0], k[4], k[2], k[5], projection.tx / self.binning[0])

    def _in_image(self, k: tuple[float, ...]) -> tuple[float, ...]:
        (binning_x, binning_y), (x_offset, y_offset, _, _) = self.binning, self.roi
        return (
            k[0] / binning_x, k[1] / binning_x, (k[2] - x_offset) / binning_x,
            k[3] / binning_y, k[4] / binning_y, (k[5] - y_offset) / binning_y,
            k[6], k[7], k[8],
        )


@dataclass(frozen=True)
class _Projection:
    k: tuple[float, ...]
    tx: float


def _is_identity(r: tuple[float, ...]) -> bool:
    return not any(r) or all(abs(a - b) < 1e-9 for a, b in zip(r, IDENTITY, strict=True))
