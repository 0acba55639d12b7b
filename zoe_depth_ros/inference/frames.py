# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""From a camera's raw image to metric depth: rectify, then estimate. Live and offline alike."""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from zoe_depth_ros.camera import Calibration
from zoe_depth_ros.camera import Camera
from zoe_depth_ros.errors import ImageError
from zoe_depth_ros.geometry import Rectifier
from zoe_depth_ros.inference.estimator import DepthEstimator
from zoe_depth_ros.inference.estimator import DepthMap


@dataclass(frozen=True, eq=False)
class PreparedImage:
    """
    An image without distortion.

    :param rgb: (H, W, 3) uint8 RGB.
    :param camera: its intrinsics, None if unknown.
    :param rectifier: what undid the distortion, None where nothing did.
    """

    rgb: NDArray[np.uint8]
    camera: Camera | None
    rectifier: Rectifier | None

    def seen_only(self, depth: DepthMap) -> DepthMap:
        """Return the depth of this image with NaN where nothing of the raw image is seen."""
        if self.rectifier is None:
            return depth
        seen, unknown = self.rectifier.seen(depth.depth_m.shape), np.float32(np.nan)
        std_dev_m = depth.std_dev_m
        return replace(
            depth, depth_m=np.where(seen, depth.depth_m, unknown),
            std_dev_m=None if std_dev_m is None else np.where(seen, std_dev_m, unknown))


class FramePipeline:
    """
    Estimates depth for the images of one camera.

    :param estimator: the loaded network.
    :param already_rectified: True when the images come undistorted although their calibration
        tells of distortion, as image_rect topics do.
    """

    def __init__(self, estimator: DepthEstimator, *, already_rectified: bool) -> None:
        self.estimator = estimator
        self.already_rectified = already_rectified
        self._rectifier: Rectifier | None = None
        self._rectifier_of: Calibration | None = None

    def process(
        self, rgb: NDArray[np.uint8], calibration: Calibration | None, *, rectify: str = 'auto',
    ) -> DepthMap:
        """
        Estimate the depth of one image; unknown where rectifying leaves nothing to see.

        :param rgb: (H, W, 3) uint8 RGB as the camera sent it.
        :param calibration: of the camera; None where unknown, the image is then taken as it is.
        :param rectify: 'always', 'never', or 'auto': when distorted and not yet rectified.
        :raises ImageError: the image does not have the calibration's size.
        :raises CameraError: the distortion model is not supported.
        """
        prepared = self.prepare(rgb, calibration, rectify=rectify)
        return prepared.seen_only(self.estimator.estimate(prepared.rgb, prepared.camera))

    def prepare(
        self, rgb: NDArray[np.uint8], calibration: Calibration | None, *, rectify: str = 'auto',
    ) -> PreparedImage:
        """
        Return an image as the estimator wants it; parameters and errors as for `process`.

        Whoever estimates several images together passes their depth to `seen_only`.
        """
        if calibration is None:
            return PreparedImage(rgb, None, None)
        width, height = calibration.image_size
        if rgb.shape != (height, width, 3):  # before maps of a senseless size are made
            raise ImageError(
                f'image shape {rgb.shape} does not fit its calibration for {width}x{height}')
        if not self._must_rectify(calibration, rectify):
            return PreparedImage(rgb, calibration.rectified_camera(), None)
        rectifier = self._rectifier_for(calibration)
        return PreparedImage(rectifier.rectify(rgb), rectifier.camera, rectifier)

    def _must_rectify(self, calibration: Calibration, rectify: str) -> bool:
        if rectify == 'auto':
            return calibration.is_distorted and not self.already_rectified
        return rectify == 'always'

    def _rectifier_for(self, calibration: Calibration) -> Rectifier:
        if self._rectifier is None or self._rectifier_of != calibration:
            self._rectifier, self._rectifier_of = Rectifier(calibration), calibration
        return self._rectifier
