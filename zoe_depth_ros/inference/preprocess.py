# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Image to network input and depth back: the object that changes pixels owns the way back.

Sizes and resampling follow the reference implementation where the mode says so (paper section 5
and its code): bilinear with aligned corners towards the network, no antialiasing.
"""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import replace
from functools import lru_cache
import math

import torch
from torch import Tensor
from torch.nn import functional

from zoe_depth_ros.camera import Camera
from zoe_depth_ros.config import SIZE_MULTIPLE

PADDING_FACTOR = 3.0


@dataclass(frozen=True)
class Framing:
    """
    How images of one size are fed to the network and their depth is brought back.

    :param image_hw: (height, width) of the image.
    :param padding_hw: rows above and below, columns left and right, reflected.
    :param network_hw: (height, width) of the network input.
    :param bicubic: bring depth back bicubically with half-pixel centres, as the reference infers;
        else bilinearly with aligned corners, the exact inverse of the way in.
    """

    image_hw: tuple[int, int]
    padding_hw: tuple[int, int]
    network_hw: tuple[int, int]
    bicubic: bool

    def prepare(self, images: Tensor) -> Tensor:
        """
        Return the network input.

        :param images: (B, H, W, 3) uint8 RGB.
        :return: (B, 3, h, w) float32 in [-1, 1].
        """
        pad_y, pad_x = self.padding_hw
        inputs = images.permute(0, 3, 1, 2).float()
        if pad_y or pad_x:
            inputs = functional.pad(inputs, (pad_x, pad_x, pad_y, pad_y), mode='reflect')
        if tuple(inputs.shape[-2:]) != self.network_hw:
            inputs = functional.interpolate(
                inputs, size=self.network_hw, mode='bilinear', align_corners=True)
        return (inputs / 255 - 0.5) / 0.5  # last, where pixels are few

    def restore(self, maps: Tensor) -> Tensor:
        """
        Return maps (B, C, h, w) of the network at the size of the image, (B, C, H, W).

        The padding is cut off. Bicubic maps overshoot.
        """
        (height, width), (pad_y, pad_x) = self.image_hw, self.padding_hw
        size = (height + 2 * pad_y, width + 2 * pad_x)
        if self.bicubic:
            maps = functional.interpolate(maps, size=size, mode='bicubic')
        else:
            maps = _resize_axis(_resize_axis(maps, 3, size[1]), 2, size[0])
        return maps[..., pad_y:pad_y + height, pad_x:pad_x + width]

    def network_camera(self, camera: Camera) -> Camera:
        """
        Return the camera of the network input.

        Aligned corners map pixel centres by u' = u (w - 1) / (W - 1), with no half-pixel shift,
        where W is the width with its padding.
        """
        height, width = self.network_hw
        pad_y, pad_x = self.padding_hw
        sx = (width - 1) / max(1, camera.width + 2 * pad_x - 1)
        sy = (height - 1) / max(1, camera.height + 2 * pad_y - 1)
        return replace(
            camera, width=width, height=height, fx=camera.fx * sx, fy=camera.fy * sy,
            cx=(camera.cx + pad_x) * sx, cy=(camera.cy + pad_y) * sy, tx=camera.tx * sx)


def _resize_axis(maps: Tensor, axis: int, size: int) -> Tensor:
    """
    Return float32 maps with one axis resized linearly with aligned corners.

    One axis after the other is the bilinear resize; enlarging on a CPU it is the faster way.
    """
    if maps.shape[axis] == size:
        return maps
    low, high, share = _neighbours(maps.shape[axis], size, maps.device)
    share = share.view(-1, *[1] * (maps.dim() - axis - 1))
    return maps.index_select(axis, low).lerp_(maps.index_select(axis, high), share)


@lru_cache(maxsize=32)
def _neighbours(size: int, new_size: int, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    """Return two places on the old axis for each on the new one, and the share of the second."""
    with torch.inference_mode(mode=False):
        step = torch.tensor((size - 1) / max(1, new_size - 1))
        position = torch.arange(new_size) * step
        low = position.long().clamp(max=size - 1)
        high = (low + 1).clamp(max=size - 1)
        return low.to(device), high.to(device), (position - low).to(device)


def to_uint8(inputs: Tensor) -> Tensor:
    """Return (B, h, w, 3) uint8 RGB from a network input (B, 3, h, w) in [-1, 1]."""
    return ((inputs * 0.5 + 0.5) * 255).round().clamp(0, 255).byte().permute(0, 2, 3, 1)


def plan_framing(image_hw: tuple[int, int], target_hw: tuple[int, int], mode: str) -> Framing:
    """
    Plan how images of a size go through the network.

    :param image_hw: (height, width) of the image.
    :param target_hw: (height, width) the network is wanted to see.
    :param mode: 'robot' keeps the aspect ratio; 'reference' also pads; 'paper' squashes.
    """
    if mode == 'paper':
        return Framing(image_hw, (0, 0), target_hw, bicubic=False)
    if mode == 'robot':
        return Framing(image_hw, (0, 0), fit_size(image_hw, target_hw), bicubic=False)
    pad_y, pad_x = (int(math.sqrt(side / 2) * PADDING_FACTOR) for side in image_hw)
    padded_hw = image_hw[0] + 2 * pad_y, image_hw[1] + 2 * pad_x
    return Framing(image_hw, (pad_y, pad_x), fit_size(padded_hw, target_hw), bicubic=True)


def fit_size(image_hw: tuple[int, int], target_hw: tuple[int, int]) -> tuple[int, int]:
    """
    Return the network size with nearly the image's aspect ratio.

    Of the two scales that fit one side, the one nearer to 1 is taken, and both sides are rounded
    (half to even) to multiples of 32.
    """
    scale_y, scale_x = (target / side for target, side in zip(target_hw, image_hw, strict=True))
    scale = scale_x if abs(1 - scale_x) < abs(1 - scale_y) else scale_y
    height, width = (
        max(1, round(scale * side / SIZE_MULTIPLE)) * SIZE_MULTIPLE for side in image_hw)
    return height, width


def with_flipped(images: Tensor) -> Tensor:
    """
    Return (2B, H, W, 3) images followed by their mirror images.

    Images are mirrored before they are padded and resized, as the reference implementation does:
    the resize rounds a mirror image differently, and the bins carry that on to the depth.
    """
    return torch.cat([images, images.flip(2)])


def merge_flipped(depth_m: Tensor, std_dev_m: Tensor | None) -> tuple[Tensor, Tensor | None]:
    """
    Average the depth of images and of their mirror images.

    :param depth_m: (2B, 1, h, w) metres, mirrored ones last.
    :param std_dev_m: (2B, 1, h, w) metres, None where it is not wanted.
    :return: (B, 1, h, w) mean depth, and the standard deviation of the mixture of both.
    """
    depth, mirrored = _unflipped(depth_m)
    mean_m = (depth + mirrored) / 2
    if std_dev_m is None:
        return mean_m, None
    std_dev, mirrored_std_dev = _unflipped(std_dev_m)
    variance = (std_dev.square() + mirrored_std_dev.square()) / 2
    return mean_m, (variance + ((depth - mirrored) / 2).square()).sqrt()


def _unflipped(maps: Tensor) -> tuple[Tensor, Tensor]:
    """Return the maps of images and those of their mirror images, mirrored back."""
    straight, mirrored = maps.chunk(2)
    return straight, mirrored.flip(-1)
