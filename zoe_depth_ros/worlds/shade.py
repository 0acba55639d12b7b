# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Colours of what the rays meet: material, light, haze, sky, sensor. Batched, on any device."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from zoe_depth_ros.worlds import noise
from zoe_depth_ros.worlds.light import light_of
from zoe_depth_ros.worlds.pixels import CHANNELS
from zoe_depth_ros.worlds.pixels import color_per_view
from zoe_depth_ros.worlds.pixels import per_view
from zoe_depth_ros.worlds.pixels import Pixels
from zoe_depth_ros.worlds.pixels import put
from zoe_depth_ros.worlds.pixels import Surfaces
from zoe_depth_ros.worlds.polygons import pixel_coefficients
from zoe_depth_ros.worlds.raycast import Hits
from zoe_depth_ros.worlds.scene import View
from zoe_depth_ros.worlds.surfaces import SPECK

CLOUDS_PER_HEIGHT = 100


def shade(views: list[View], hits: list[Hits], device: torch.device) -> Tensor:
    """
    Return the images of views.

    :param views: B views of one image size.
    :param hits: what their rays meet.
    :param device: where to compute.
    :return: (B, 3, H, W) float32 RGB in 0 to 1, gamma 2.
    """
    surfaces, pixels = Surfaces(views, hits, device), Pixels.of(views, hits, device)
    light = light_of(views, hits, surfaces, pixels)
    color = _haze(views, _albedo(surfaces, pixels).mul_(light), pixels)
    for view, hit, image in zip(views, hits, color, strict=True):
        _paint_sky(view, hit, image)
    return _expose(views, color)


def _albedo(surfaces: Surfaces, pixels: Pixels) -> Tensor:
    """Return (B, 3, H, W) albedo of patterns and grain at surface coordinates s, t."""
    s = pixels.linear(surfaces['s_u'], surfaces['s_v'], surfaces['s_1'])
    t = pixels.linear(surfaces['t_u'], surfaces['t_v'], surfaces['t_1'])
    s.mul_(pixels.depth).add_(surfaces['s_0'])
    t.mul_(pixels.depth).add_(surfaces['t_0'])
    grain = _grain_at(surfaces, pixels, s, t)
    cells_s, cells_t = surfaces['cells_s'], surfaces['cells_t']
    t.mul_(cells_t)
    row = torch.floor(t)
    s.mul_(cells_s).addcmul_(row, surfaces['shift'])
    column = torch.floor(s)
    cover = _cover(s.sub_(column), surfaces['half_s'], pixels.per_m / cells_s)
    cover.mul_(_cover(t.sub_(row), surfaces['half_t'], pixels.per_m / cells_t))
    odd = torch.frac((row + column).mul_(0.5)).abs_().mul_(2)
    cover.mul_(odd.mul_(surfaces['checker']).neg_().add_(1))
    return _cell_colors(surfaces, row, column, cover, grain)


def _cover(fraction: Tensor, half: Tensor, cell_px: Tensor) -> Tensor:
    """Return how much of each pixel is cell rather than gap; the mean of cells too small."""
    edge = fraction.sub_(0.5).abs_().neg_().add_(half).mul_(cell_px).add_(0.5).clamp_(0, 1)
    mean = half.mul_(2).clamp_(max=1)
    return torch.lerp(mean, edge, cell_px.mul_(0.5).sub_(0.75).clamp_(0, 1))


def _grain_at(surfaces: Surfaces, pixels: Pixels, s: Tensor, t: Tensor) -> Tensor:
    """Return 1 + noise at surface coordinates s, t in metres; coarser where specks are small."""
    table = noise.grain(SPECK, s.device)
    grains_s, grains_t = surfaces['grains_s'], surfaces['grains_t']
    i, j = (s * grains_s).int().add_(surfaces['seed'].int()), (t * grains_t).int()
    fine = table.index_select(0, _wrapped(i, j)).view(surfaces.shape)
    coarse = table.index_select(0, _wrapped((i >> 3).add_(91), (j >> 3).add_(37)))
    sharp = (pixels.per_m / torch.maximum(grains_s, grains_t)).mul_(3 * SPECK).clamp_(0, 1)
    value = torch.lerp(coarse.view(surfaces.shape), fine, sharp)
    return value.mul_(surfaces['noise']).add_(1).clamp_(0.1, 3)


def _wrapped(i: Tensor, j: Tensor) -> Tensor:
    """Return the place of row i, column j of the endless grain in its table."""
    last = noise.GRAIN_SIZE - 1
    return i.bitwise_and(last).mul_(noise.GRAIN_SIZE).add_(j.bitwise_and(last)).view(-1)


def _cell_colors(surfaces: Surfaces, row: Tensor, column: Tensor, cover: Tensor, grain: Tensor,
                 ) -> Tensor:
    key = row.mul_(37).add_(column, alpha=101).add_(surfaces['seed']).int()
    key = key.bitwise_and_(noise.CELLS - 1).view(-1)
    values = [row.index_select(0, key).view(surfaces.shape)
              for row in noise.cell_values(cover.device)]
    brightness = (values[0] * surfaces['variation']).add_(1)
    tint = surfaces['tint']
    color = torch.empty((surfaces.shape[0], 3, *surfaces.shape[1:]), device=cover.device)
    for channel, name in enumerate(CHANNELS):
        cell = surfaces[name].mul_(brightness).addcmul_(values[channel], tint)
        torch.mul(torch.lerp(surfaces['gap_' + name], cell, cover), grain, out=color[:, channel])
    return color.clamp_(min=0.005)


def _haze(views: list[View], color: Tensor, pixels: Pixels) -> Tensor:
    if not any(view.scene.lighting.haze_per_m for view in views):
        return color
    density = per_view([view.scene.lighting.haze_per_m for view in views], color.device)
    haze = color_per_view([view.scene.lighting.haze for view in views], color.device)
    return torch.lerp(haze, color, torch.exp(-density * pixels.depth)[:, None])


def _paint_sky(view: View, hit: Hits, image: Tensor) -> None:
    """Paint where no surface is: haze at the horizon, clouds on a plane high above."""
    rows, columns = np.nonzero(hit.surface == 0)
    lighting = view.scene.lighting
    world = pixel_coefficients(view.camera_to_world[:3, :3], view.camera)
    x, y, z = (axis[0] * columns + axis[1] * rows + axis[2] for axis in world)
    z = np.maximum(z / np.sqrt(x * x + y * y + z * z), 0.0)
    reach = CLOUDS_PER_HEIGHT / (z + 0.08)
    place = [(along * reach).astype(np.int64) & (noise.GRAIN_SIZE - 1) for along in (x, y)]
    grain = noise.grain(SPECK, torch.device('cpu')).numpy()[place[0] * noise.GRAIN_SIZE + place[1]]
    cloud = np.clip(grain * 0.5 + lighting.clouds * 1.5 - 0.6, 0, 1) * np.minimum(z * 6, 1)
    low, white = np.exp(-5 * z), 1.05 * max(lighting.haze)
    for channel, (zenith, haze) in enumerate(zip(lighting.zenith, lighting.haze, strict=True)):
        clear = zenith + (haze - zenith) * low
        put(image[channel], rows, columns, clear + (white - clear) * cloud)


def _expose(views: list[View], color: Tensor) -> Tensor:
    """Turn linear light into an image: exposure, white balance, vignette, gamma, blur, noise."""
    device, (height, width) = color.device, color.shape[2:]
    sensors = [view.sensor for view in views]
    mean = color[:, 1, ::8, ::8].sqrt().mean(dim=(1, 2)).square_().clamp_(min=1e-4)
    gain = torch.tensor([sensor.exposure for sensor in sensors], device=device) / mean
    balance = color_per_view([sensor.white_balance for sensor in sensors], device)
    u = torch.linspace(-1, 1, width, device=device) ** 2
    v = torch.linspace(-1, 1, height, device=device)[:, None] ** 2
    dark = per_view([sensor.vignette / 2 for sensor in sensors], device)
    color.mul_(gain[:, None, None, None] * balance).mul_((1 - dark * (u + v))[:, None])
    image = color.clamp_(0, 1).sqrt_()
    weight = torch.tensor([s.blur for s in sensors], device=device)[:, None, None, None]
    image[..., 1:-1].lerp_((image[..., :-2] + image[..., 2:]).mul_(0.5), weight)
    image[..., 1:-1, :].lerp_((image[..., :-2, :] + image[..., 2:, :]).mul_(0.5), weight)
    table = noise.sensor_noise(3 * height * width, device)
    for one, sensor in zip(image, sensors, strict=True):
        tile = table[sensor.noise_offset:sensor.noise_offset + one.numel()]
        one.add_(tile.view(one.shape), alpha=sensor.noise)
    return image.clamp_(0, 1)
