# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""From a camera's raw images to metric depth that is steady over time. Live and offline alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from zoe_depth_ros.camera import Calibration
from zoe_depth_ros.camera import Camera
from zoe_depth_ros.errors import ImageError
from zoe_depth_ros.geometry import Rectifier
from zoe_depth_ros.ground import fit_ground
from zoe_depth_ros.ground import GroundPlane
from zoe_depth_ros.inference.depth_map import DepthMap
from zoe_depth_ros.inference.estimator import DepthEstimator
from zoe_depth_ros.inference.routing import Routing
from zoe_depth_ros.inference.routing_filter import RoutingFilter
from zoe_depth_ros.options import NodeConfig
from zoe_depth_ros.scale import height_reading
from zoe_depth_ros.scale import Scale
from zoe_depth_ros.scale import ScaleFilter
from zoe_depth_ros.scale import ScaleReading

LEAST_CONFIDENCE = 0.05  # of a scale that counts as known


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
    Follows one camera: undistorts its images, routes them and finds their scale over time.

    :param estimator: the loaded network.
    :param config: what of it concerns a camera: rectify, domain, scene, ground, scale.
    :param already_rectified: True when the images come undistorted although their calibration
        tells of distortion, as image_rect topics do.
    :raises ConfigError: the model has no head for the domain.
    """

    def __init__(
        self, estimator: DepthEstimator, config: NodeConfig | None = None, *,
        already_rectified: bool,
    ) -> None:
        self.already_rectified = already_rectified
        self._estimator = estimator
        self._config = config or NodeConfig()
        self._rectifier: Rectifier | None = None
        self._rectifier_of: Calibration | None = None
        self._routing = RoutingFilter(
            estimator.domains, self._config.scene, self._config.estimator.domain)
        self._scale = ScaleFilter(self._config.scale)

    def configure(self, config: NodeConfig) -> None:
        """
        Change options; what was learnt stays, but for another source of scale.

        :raises ConfigError: the model has no head for the domain.
        """
        self._routing.configure(config.scene, config.estimator.domain)
        if config.scale.source != self._config.scale.source:
            self._scale = ScaleFilter(config.scale)
        self._scale.config = config.scale
        self._config = config

    def process(
        self, rgb: NDArray[np.uint8], calibration: Calibration | None, stamp_s: float,
    ) -> DepthMap:
        """
        Estimate the depth of one image; unknown where rectifying leaves nothing to see.

        :param rgb: (H, W, 3) uint8 RGB as the camera sent it.
        :param calibration: of the camera; None where unknown, the image is then taken as it is.
        :param stamp_s: of the image.
        :raises ImageError: the image does not have the calibration's size.
        :raises CameraError: the distortion model is not supported.
        """
        frame = Frame(self, self.prepare(rgb, calibration), stamp_s)
        return self.finish(estimate_frames(self._estimator, [frame])[0], stamp_s)

    def prepare(
        self, rgb: NDArray[np.uint8], calibration: Calibration | None,
    ) -> PreparedImage:
        """Return an image as the estimator wants it; parameters and errors as for `process`."""
        if calibration is None:
            return PreparedImage(rgb, None, None)
        width, height = calibration.image_size
        if rgb.shape != (height, width, 3):  # before maps of a senseless size are made
            raise ImageError(
                f'image shape {rgb.shape} does not fit its calibration for {width}x{height}')
        if not self._must_rectify(calibration):
            return PreparedImage(rgb, calibration.rectified_camera(), None)
        rectifier = self._rectifier_for(calibration)
        return PreparedImage(rectifier.rectify(rgb), rectifier.camera, rectifier)

    def route(self, stamp_s: float, probabilities: Sequence[float]) -> Routing:
        """
        Return how the next image is routed.

        :param probabilities: of each metric head, by the router.
        """
        return self._routing.update(stamp_s, probabilities)

    def finish(
        self, depth: DepthMap, stamp_s: float, *, reading: ScaleReading | None = None,
        with_ground: bool = False,
    ) -> DepthMap:
        """
        Return depth in its true scale, as far as that is known, and learn from it.

        Parameters as for `learn`.
        """
        shown = self.scaled(depth)
        return replace(shown, ground=self.learn(
            depth, stamp_s, reading=reading, with_ground=with_ground))

    def scaled(self, depth: DepthMap) -> DepthMap:
        """Return depth in its true scale, as far as that is known."""
        scale = self._known_scale()
        return depth if scale is None else replace(depth.scaled(scale.factor), scale=scale)

    def learn(
        self, depth: DepthMap, stamp_s: float, *, reading: ScaleReading | None = None,
        with_ground: bool = False,
    ) -> GroundPlane | None:
        """
        Learn the scale of the images to come.

        Nothing waits for it but what needs the ground: so it never delays depth, which is told in
        the scale that earlier images taught.

        :param depth: of an image of this camera, as the network has it.
        :param stamp_s: of the image.
        :param reading: what another sensor tells of the scale, for the source range.
        :param with_ground: find the ground, whether the scale needs it or not.
        :return: the ground in the scale of `scaled`, None where it was not looked for or found.
        """
        options, camera, known = self._config.scale, depth.camera, self._known_scale()
        by_height, ground = options.source == 'camera_height', None
        if camera is not None and (with_ground or by_height):
            ground = fit_ground(
                depth.depth_m, camera, config=self._config.ground,
                height_m=options.camera_height if by_height else None)
        if by_height:
            reading = None if ground is None else height_reading(ground, options.camera_height)
        if by_height or options.source == 'range':
            self._scale.update(stamp_s, reading)
        return ground if ground is None or known is None else ground.scaled(known.factor)

    def scale_problem(
        self, shown: DepthMap, ground: GroundPlane | None, reading_problem: str = '',
    ) -> str:
        """
        Return why the scale of a depth is not known although it is asked for, '' otherwise.

        :param shown: by `scaled`.
        :param ground: by `learn`.
        :param reading_problem: why another sensor told nothing.
        """
        options = self._config.scale
        if options.source in ('none', 'factor') or shown.scale is None or (
                shown.scale.confidence >= LEAST_CONFIDENCE):
            return ''
        if shown.camera is None:
            return 'no usable camera_info'
        if options.source == 'camera_height' and ground is None:
            return 'no ground found'
        return reading_problem or (
            f'what {options.source} tells is not believed (yet): it must agree for '
            f'{options.persistence} s, at a factor of 0.2 to 5')

    def _known_scale(self) -> Scale | None:
        """Return what the next depth is multiplied with, None where nothing is to be."""
        if self._config.scale.source == 'none':
            return None
        if self._config.scale.source == 'factor':
            return Scale(self._config.scale.factor, 1.0)
        return self._scale.scale

    def _must_rectify(self, calibration: Calibration) -> bool:
        if self._config.rectify == 'auto':
            return calibration.is_distorted and not self.already_rectified
        return self._config.rectify == 'always'

    def _rectifier_for(self, calibration: Calibration) -> Rectifier:
        if self._rectifier is None or self._rectifier_of != calibration:
            self._rectifier, self._rectifier_of = Rectifier(calibration), calibration
        return self._rectifier


@dataclass(frozen=True, eq=False)
class Frame:
    """
    An image of one of several cameras.

    :param pipeline: of its camera, which prepared the image.
    :param image: to be estimated.
    :param stamp_s: of the image.
    """

    pipeline: FramePipeline
    image: PreparedImage
    stamp_s: float


def estimate_frames(estimator: DepthEstimator, frames: Sequence[Frame]) -> list[DepthMap]:
    """
    Estimate the depth of images, of one camera or of several, in one pass of the network.

    :param frames: in the order of time where they are of the same camera.
    :return: depth as the network has it, unknown where rectifying left nothing to see; for the
        pipelines to finish.
    """
    def choose(number: int, probabilities: Sequence[float]) -> Routing:
        return frames[number].pipeline.route(frames[number].stamp_s, probabilities)

    over_time = estimator.config.routing == 'image'
    depths = estimator.estimate_batch(
        [frame.image.rgb for frame in frames], [frame.image.camera for frame in frames],
        choose=choose if over_time else None)
    return [frame.image.seen_only(depth) for frame, depth in zip(frames, depths, strict=True)]
