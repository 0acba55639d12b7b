# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Random changes of an image with its depth and camera, by the image's number alone.

Rotation, flip and colours are ZoeDepth's (its training data loader); zoom and degraded pictures
widen what few images show.
"""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import replace
import math

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from zoe_depth_ros.camera import Camera
from zoe_depth_ros.config import Domain
from zoe_depth_ros.datasets.sample import Sample
from zoe_depth_ros.errors import ConfigError
from zoe_depth_ros.option_fields import check_types

JPEG_BEST_QUALITY = 95


@dataclass(frozen=True)
class AugmentConfig:
    """
    How much images are changed; the defaults are the paper's.

    :param flip: probability of a mirror image.
    :param rotate_deg: largest angle, either way.
    :param zoom: largest s of a random crop of 1 / s of the frame; 1 for none.
    :param color: probability of a change of colours.
    :param gamma: largest change of the exponent, either way from 1.
    :param brightness_indoor: largest change of the factor indoors, either way from 1.
    :param brightness_outdoor: the same outdoors.
    :param tint: largest change of each channel's factor, either way from 1.
    :param degrade: probability of a worse picture: blurred, noisy and compressed.
    :param blur_px: largest standard deviation of the blur.
    :param noise: largest standard deviation of the noise, as a fraction of white.
    :param jpeg_quality: worst quality, 1 to 95.
    """

    flip: float = 0.5
    rotate_deg: float = 1.0
    zoom: float = 1.0
    color: float = 0.5
    gamma: float = 0.1
    brightness_indoor: float = 0.25
    brightness_outdoor: float = 0.1
    tint: float = 0.1
    degrade: float = 0.0
    blur_px: float = 1.0
    noise: float = 0.02
    jpeg_quality: int = 40

    def __post_init__(self) -> None:
        check_types(self)
        for name in ('flip', 'color', 'degrade'):
            self._require(name, 0 <= getattr(self, name) <= 1, 'is not a probability')
        for name in ('gamma', 'brightness_indoor', 'brightness_outdoor', 'tint'):
            self._require(name, 0 <= getattr(self, name) < 1, 'is not from 0 to below 1')
        for name in ('rotate_deg', 'blur_px', 'noise'):
            self._require(name, getattr(self, name) >= 0, 'is negative')
        self._require('zoom', self.zoom >= 1, 'is below 1')
        self._require('jpeg_quality', 1 <= self.jpeg_quality <= JPEG_BEST_QUALITY,
                      f'is not from 1 to {JPEG_BEST_QUALITY}')

    def _require(self, name: str, condition: bool, complaint: str) -> None:
        if not condition:
            raise ConfigError(f'augment: {name} = {getattr(self, name)!r} {complaint}')


@dataclass(frozen=True, eq=False)
class Warp:
    """
    A similarity of the image plane that keeps the image's size.

    :param matrix: (3, 3) float64, old pixel (u, v, 1) to new pixel.
    :param depth_factor: new depth over old depth.
    """

    matrix: NDArray[np.float64]
    depth_factor: float = 1.0

    def then(self, other: Warp) -> Warp:
        """Return this change followed by another."""
        return Warp(other.matrix @ self.matrix, self.depth_factor * other.depth_factor)

    def inverse(self) -> Warp:
        """Return the change back."""
        return Warp(np.linalg.inv(self.matrix).astype(np.float64), 1 / self.depth_factor)

    def image(self, rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return the changed (H, W, 3) uint8 image; what was outside is mirrored in."""
        return np.asarray(cv2.warpAffine(
            rgb, self.matrix[:2], rgb.shape[1::-1], flags=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REFLECT_101), np.uint8)

    def depth(self, depth_m: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the changed (H, W) float32 metres, NaN where it was outside; never mixed."""
        moved = cv2.warpAffine(
            depth_m, self.matrix[:2], depth_m.shape[1::-1], flags=cv2.INTER_NEAREST,
            borderMode=cv2.BORDER_CONSTANT, borderValue=math.nan)
        return np.asarray(moved * np.float32(self.depth_factor), np.float32)

    def camera(self, camera: Camera) -> Camera:
        """
        Return the camera of the changed image.

        A rotation assumes square pixels. In a mirror image it sees the mirrored scene.
        """
        scale = math.sqrt(abs(np.linalg.det(self.matrix[:2, :2])))
        cx, cy, _ = self.matrix @ (camera.cx, camera.cy, 1)
        return replace(
            camera, fx=camera.fx * scale, fy=camera.fy * scale, cx=float(cx), cy=float(cy))

    def __call__(self, sample: Sample) -> Sample:
        """Change image, depth and camera together."""
        return replace(
            sample, rgb=self.image(sample.rgb), depth_m=self.depth(sample.depth_m),
            camera=sample.camera and self.camera(sample.camera))


def flipped(size_hw: tuple[int, int]) -> Warp:
    """Mirror left and right."""
    return Warp(np.array([[-1.0, 0, size_hw[1] - 1], [0, 1, 0], [0, 0, 1]]))


def rotated(size_hw: tuple[int, int], angle_deg: float) -> Warp:
    """Rotate clockwise about the middle; depth along the optical axis stays what it is."""
    height, width = size_hw
    middle = ((width - 1) / 2, (height - 1) / 2)
    return Warp(np.vstack([cv2.getRotationMatrix2D(middle, -angle_deg, 1.0), (0, 0, 1)]))


def zoomed(size_hw: tuple[int, int], factor: float, place_yx: tuple[float, float]) -> Warp:
    """
    Enlarge a crop of 1 / factor of the frame to the whole frame.

    The network sees no focal length: an image of `factor` times the focal length looks to it as
    the same scene `factor` times nearer, so depth is divided by it and depth over focal length,
    seen from the network, stays what it was.

    :param factor: 1 or more.
    :param place_yx: where the crop lies: 0 at the upper (left), 1 at the lower (right) border.
    """
    (height, width), (place_y, place_x) = size_hw, place_yx
    # Pixel borders, half a pixel from the centres, are what the crop maps onto the frame.
    left = place_x * width * (1 - 1 / factor) - 0.5
    top = place_y * height * (1 - 1 / factor) - 0.5
    return Warp(np.array([
        [factor, 0, -0.5 - factor * left], [0, factor, -0.5 - factor * top], [0, 0, 1]]),
        1 / factor)


def augmented(sample: Sample, config: AugmentConfig, seed: int, number: int) -> Sample:
    """
    Return a sample changed at random.

    :param number: of the image in the whole training run; seed and number decide everything.
    """
    rng = np.random.default_rng((seed, number))
    warp = random_warp(sample.depth_m.shape, config, rng)
    moved = sample if warp is None else warp(sample)
    rgb = random_colors(moved.rgb, sample.domain, config, rng)
    return replace(moved, rgb=degraded(rgb, config, rng))


def random_warp(
    size_hw: tuple[int, ...], config: AugmentConfig, rng: Generator,
) -> Warp | None:
    """Draw flip, rotation and zoom; None for no change."""
    height, width = size_hw
    flips = rng.random() < config.flip
    angle_deg = rng.uniform(-config.rotate_deg, config.rotate_deg)
    factor = math.exp(rng.uniform(0, math.log(config.zoom)))
    place_y, place_x = rng.random(2)
    warps = [
        *([flipped((height, width))] if flips else []),
        *([rotated((height, width), angle_deg)] if angle_deg else []),
        *([zoomed((height, width), factor, (place_y, place_x))] if factor > 1 else [])]
    if not warps:
        return None
    first, *rest = warps
    for warp in rest:
        first = first.then(warp)
    return first


def random_colors(
    rgb: NDArray[np.uint8], domain: Domain, config: AugmentConfig, rng: Generator,
) -> NDArray[np.uint8]:
    """Draw gamma, brightness and the factor of every channel of an (H, W, 3) RGB image."""
    spread = config.brightness_indoor if domain == 'indoor' else config.brightness_outdoor
    changes = rng.random() < config.color
    gamma = 1 + rng.uniform(-config.gamma, config.gamma)
    brightness = 1 + rng.uniform(-spread, spread)
    tint = 1 + rng.uniform(-config.tint, config.tint, 3)
    if not changes:
        return rgb
    levels = np.linspace(0, 1, 256)[:, np.newaxis] ** gamma * brightness * tint
    table = np.rint(255 * levels.clip(0, 1)).astype(np.uint8)
    return np.asarray(cv2.LUT(rgb, table[np.newaxis]), np.uint8)


def degraded(
    rgb: NDArray[np.uint8], config: AugmentConfig, rng: Generator,
) -> NDArray[np.uint8]:
    """Draw blur, noise and JPEG compression of an (H, W, 3) uint8 RGB image."""
    if rng.random() >= config.degrade:
        return rgb
    blur_px, noise = rng.uniform(0, config.blur_px), rng.uniform(0, config.noise)
    quality = int(rng.integers(config.jpeg_quality, JPEG_BEST_QUALITY + 1))
    blurred = cv2.GaussianBlur(rgb, (0, 0), blur_px) if blur_px > 0 else rgb
    grain = rng.standard_normal(rgb.shape, np.float32) * np.float32(255 * noise)
    noisy = np.rint(np.clip(blurred + grain, 0, 255)).astype(np.uint8)
    # In BGR order, which JPEG needs to tell brightness from colour.
    _, file = cv2.imencode('.jpg', noisy[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    bgr = np.asarray(cv2.imdecode(file, cv2.IMREAD_COLOR), np.uint8)
    return np.ascontiguousarray(bgr[..., ::-1])
