# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Colours of the surfaces that the rays meet: material, light, haze, sky, sensor. Batched, on any device."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from zoe_depth_ros.training.worlds.polygons import FAR_M
from zoe_depth_ros.training.worlds.polygons import pixel_coefficients
from zoe_depth_ros.training.worlds.raycast import Hits
from zoe_depth_ros.training.worlds.raycast import LAMP_SHADOW
from zoe_depth_ros.training.worlds.raycast import SUN_SHADOW
from zoe_depth_ros.training.worlds.scene import View
from zoe_depth_ros.training.worlds.surfaces import COLUMNS
from zoe_depth_ros.training.worlds.surfaces import LAMPS
from zoe_depth_ros.training.worlds.surfaces import surface_table

GRAIN_SIZE = 256
NOISE_OFFSETS = 65536


class Surfaces:
    """
    The per-pixel values of a surface table's columns, looked up when asked for.

    :param views: B views of one image size.
    :param hits: what their rays meet.
    :param device: where to compute.
    """

    def __init__(self, views: list[View], hits: list[Hits], device: torch.device) -> None:
        tables = [surface_table(view, hit) for view, hit in zip(views, hits, strict=True)]
        rows = max(len(table) for table in tables)
        padded = np.zeros((len(COLUMNS), len(tables), rows), np.float32)
        for number, table in enumerate(tables):
            padded[:, number, :len(table)] = table.T
        self._columns = torch.from_numpy(padded.reshape(len(COLUMNS), -1)).to(device)
        surface = torch.from_numpy(np.stack([hit.surface for hit in hits])).to(device).int()
        self.shape = surface.shape
        if len(tables) > 1:
            surface += rows * torch.arange(len(tables), device=device, dtype=torch.int32)[:, None, None]
        self._index = surface.view(-1)

    def __getitem__(self, name: str) -> Tensor:
        """Return the column's value at every pixel, (B, H, W) float32."""
        column = self._columns[COLUMNS.index(name)]
        return column.index_select(0, self._index).view(self.shape)


@dataclass(frozen=True)
class Rays:
    """
    Pixel grids of B views.

    :param u: (W,) float32 columns.
    :param v: (H, 1) float32 rows.
    :param depth: (B, H, W) float32 metres, `FAR_M` in the sky.
    :param pixels_per_m: (B, H, W) float32, size of one metre across the optical axis.
    """

    u: Tensor
    v: Tensor
    depth: Tensor
    pixels_per_m: Tensor

    def linear(self, along_u: Tensor, along_v: Tensor, constant: Tensor) -> Tensor:
        """Return along_u * u + along_v * v + constant, (B, H, W), of per-pixel or per-view factors."""
        return torch.addcmul(torch.addcmul(constant, along_u, self.u), along_v, self.v)


def shade(views: list[View], hits: list[Hits], device: torch.device) -> Tensor:
    """
    Return the images of views.

    :param views: B views of one image size.
    :param hits: what their rays meet.
    :param device: where to compute.
    :return: (B, 3, H, W) float32 RGB in 0 to 1, gamma 2.
    """
    surfaces = Surfaces(views, hits, device)
    rays = _rays(views, hits, device)
    light = _light(views, hits, surfaces, rays)
    color = _albedo(surfaces, rays).mul_(light)
    color = _haze(views, color, rays)
    _paint_sky(views, hits, color, rays)
    return _expose(views, color)


def _rays(views: list[View], hits: list[Hits], device: torch.device) -> Rays:
    height, width = views[0].camera.size_hw
    inverse = torch.from_numpy(np.stack([hit.inverse_depth for hit in hits])).to(device)
    inverse = inverse.clamp_(min=1 / FAR_M)
    focal = _per_view([view.camera.fx for view in views], device)
    return Rays(
        torch.arange(width, device=device, dtype=torch.float32),
        torch.arange(height, device=device, dtype=torch.float32)[:, None],
        inverse.reciprocal(), inverse * focal)


def _per_view(values: list[float], device: torch.device) -> Tensor:
    return torch.tensor(values, dtype=torch.float32, device=device)[:, None, None]


def _per_view_colors(values: list[tuple[float, float, float]], device: torch.device) -> Tensor:
    return torch.tensor(values, dtype=torch.float32, device=device)[:, :, None, None]


@lru_cache(maxsize=4)
def _grain(device: torch.device) -> Tensor:
    """Return (GRAIN_SIZE^2,) noise that repeats without a seam, rough on all scales, deviation 1."""
    white = np.random.default_rng(1).standard_normal((GRAIN_SIZE, GRAIN_SIZE))
    frequency = np.fft.fftfreq(GRAIN_SIZE) * GRAIN_SIZE
    radius = np.hypot(frequency, frequency[:, None])
    rough = np.fft.ifft2(np.fft.fft2(white) / np.maximum(radius, 4.0)).real
    rough = np.clip(rough / rough.std(), -2.5, 2.5)
    return torch.from_numpy(rough.astype(np.float32).ravel()).to(device)


@lru_cache(maxsize=4)
def _cell_values(device: torch.device) -> Tensor:
    """Return (3, 4096) numbers between -1 and 1 that stand for the random look of cells."""
    values = np.random.default_rng(2).uniform(-1, 1, (3, 4096))
    return torch.from_numpy(values.astype(np.float32)).to(device)


@lru_cache(maxsize=8)
def _sensor_noise(size_hw: tuple[int, int], device: torch.device) -> Tensor:
    count = 3 * size_hw[0] * size_hw[1] + NOISE_OFFSETS
    values = np.random.default_rng(3).standard_normal(count, dtype=np.float32)
    return torch.from_numpy(values).to(device)


def _albedo(surfaces: Surfaces, rays: Rays) -> Tensor:
    """Return (B, 3, H, W) albedo."""
    s = rays.linear(surfaces['s_u'], surfaces['s_v'], surfaces['s_1'])
    t = rays.linear(surfaces['t_u'], surfaces['t_v'], surfaces['t_1'])
    s, t = s.mul_(rays.depth).add_(surfaces['s_0']), t.mul_(rays.depth).add_(surfaces['t_0'])
    grain = _grain_at(surfaces, rays, s, t)
    cells_s, cells_t = surfaces['cells_s'], surfaces['cells_t']
    t = t.mul_(cells_t)
    row = torch.floor(t)
    s = s.mul_(cells_s).addcmul_(row, surfaces['shift'])
    column = torch.floor(s)
    cover = _cover(s.sub_(column), surfaces['half_s'], rays.pixels_per_m / cells_s)
    cover.mul_(_cover(t.sub_(row), surfaces['half_t'], rays.pixels_per_m / cells_t))
    odd = torch.frac((row + column).mul_(0.5)).abs_().mul_(2)
    cover.mul_(odd.mul_(surfaces['checker']).neg_().add_(1))
    return _cell_colors(surfaces, row, column, cover, grain)


def _cover(fraction: Tensor, half: Tensor, cell_px: Tensor) -> Tensor:
    """Return how much of each pixel is cell rather than gap; the mean where cells are too small."""
    edge = fraction.sub_(0.5).abs_().neg_().add_(half).mul_(cell_px).add_(0.5).clamp_(0, 1)
    mean = half.mul_(2).clamp_(max=1)
    visible = cell_px.mul_(0.5).sub_(0.75).clamp_(0, 1)
    return torch.lerp(mean, edge, visible)


def _grain_at(surfaces: Surfaces, rays: Rays, s: Tensor, t: Tensor) -> Tensor:
    """Return 1 + noise of real size at surface coordinates s, t in metres."""
    noise = _grain(rays.depth.device)
    grains_s, grains_t = surfaces['grains_s'], surfaces['grains_t']
    seed = surfaces['seed'].int()
    i, j = (s * grains_s).int().add_(seed), (t * grains_t).int()
    fine = _wrapped(i, j)
    coarse = _wrapped((i >> 3).add_(91), (j >> 3).add_(37))
    sharp = (rays.pixels_per_m / torch.maximum(grains_s, grains_t)).mul_(3).clamp_(0, 1)
    value = torch.lerp(noise.index_select(0, coarse.view(-1)).view(surfaces.shape),
                       noise.index_select(0, fine.view(-1)).view(surfaces.shape), sharp)
    return value.mul_(surfaces['noise']).add_(1).clamp_(0.1, 3)


def _wrapped(i: Tensor, j: Tensor) -> Tensor:
    return i.bitwise_and(GRAIN_SIZE - 1).mul_(GRAIN_SIZE).add_(j.bitwise_and(GRAIN_SIZE - 1))


def _cell_colors(surfaces: Surfaces, row: Tensor, column: Tensor, cover: Tensor, grain: Tensor,
                 ) -> Tensor:
    key = row.mul_(37).add_(column, alpha=101).add_(surfaces['seed']).int().bitwise_and_(4095)
    values = _cell_values(cover.device)
    key = key.view(-1)
    brightness = values[0].index_select(0, key).view(surfaces.shape)
    brightness.mul_(surfaces['variation']).add_(1)
    tint = surfaces['tint']
    color = torch.empty((surfaces.shape[0], 3, *surfaces.shape[1:]), device=cover.device)
    for channel, name in enumerate(('red', 'green', 'blue')):
        cell = surfaces[name].mul_(brightness)
        cell.addcmul_(values[channel].index_select(0, key).view(surfaces.shape), tint)
        gap = surfaces['gap_' + name]
        torch.mul(torch.lerp(gap, cell, cover), grain, out=color[:, channel])
    return color.clamp_(min=0.005)


def _light(views: list[View], hits: list[Hits], surfaces: Surfaces, rays: Rays) -> Tensor:
    """Return (B, 3, H, W) light that falls on the surfaces or comes from them."""
    device = rays.depth.device
    sun = surfaces['sun']
    lamps = [surfaces[f'lamp_{number}'] for number in range(LAMPS)]
    _turn_rounds(views, hits, rays, sun, lamps)
    lamp = _lamp_light(views, rays, lamps)
    shadow = torch.from_numpy(np.stack([hit.shadow for hit in hits])).to(device)
    strength, glow = surfaces['shadow'], surfaces['glow']
    sun.addcmul_(sun, strength * (shadow & SUN_SHADOW > 0), value=-1)
    lamp.addcmul_(lamp, strength * (shadow & LAMP_SHADOW > 0), value=-1)
    sun_rgb = _per_view_colors([view.scene.lighting.sun for view in views], device)
    lamp_rgb = _per_view_colors([view.scene.lighting.lamp for view in views], device)
    light = sun[:, None] * sun_rgb
    light.addcmul_(lamp[:, None], lamp_rgb).add_(glow[:, None])
    for channel, name in enumerate(('red', 'green', 'blue')):
        light[:, channel].add_(surfaces['ambient_' + name])
    return light


def _lamp_light(views: list[View], rays: Rays, toward: list[Tensor]) -> Tensor:
    """Return (B, H, W) light of the point lights: cosine over squared distance, softened."""
    device = rays.depth.device
    total = torch.zeros_like(rays.depth)
    count = max(len(view.scene.lighting.lamps_m) for view in views)
    xn = (rays.u - _per_view([view.camera.cx for view in views], device)) / _per_view(
        [view.camera.fx for view in views], device)
    yn = (rays.v - _per_view([view.camera.cy for view in views], device)) / _per_view(
        [view.camera.fy for view in views], device)
    squared = xn ** 2 + yn ** 2 + 1
    for number in range(min(count, LAMPS)):
        lamps = np.array([_lamp_in_camera(view, number) for view in views])
        lx, ly, lz = (_per_view(lamps[:, axis].tolist(), device) for axis in range(3))
        gap = (squared * rays.depth).sub_((xn * lx + (yn * ly + lz)).mul_(2)).mul_(rays.depth)
        gap.add_(lx ** 2 + ly ** 2 + lz ** 2).clamp_(min=0).add_(0.4)
        total.add_(toward[number].div_(gap).mul_(gap.rsqrt_()))
    return total


def _lamp_in_camera(view: View, number: int) -> tuple[float, ...]:
    lamps = view.scene.lighting.lamps_m
    if number >= len(lamps):
        return (0.0, 0.0, 0.0)
    pose = view.camera_to_world
    return tuple(((np.array(lamps[number]) - pose[:3, 3]) @ pose[:3, :3]).tolist())


def _turn_rounds(views: list[View], hits: list[Hits], rays: Rays, sun: Tensor,
                 lamps: list[Tensor]) -> None:
    """Light the pixels of round solids by their own normals: write into `sun` and `lamps`."""
    device = rays.depth.device
    for number, (view, hit) in enumerate(zip(views, hits, strict=True)):
        count = len(hit.faces.box) + 1
        rows, columns = np.nonzero(hit.surface >= count)
        if not len(rows):
            continue
        index = hit.surface[rows, columns] - count
        camera, lighting, pose = view.camera, view.scene.lighting, view.camera_to_world
        ray = np.stack([(columns - camera.cx) / camera.fx, (rows - camera.cy) / camera.fy,
                        np.ones(len(rows))], axis=1)
        point = ray / hit.inverse_depth[rows, columns, None]
        normal = np.einsum('nij,nj->ni', hit.rounds.quadric[index],
                           point - hit.rounds.middle_m[index])
        normal /= np.linalg.norm(normal, axis=1, keepdims=True)
        outside = np.array(
            [not view.scene.rounds[i].indoors for i in hit.rounds.source.tolist()])[index]
        place = (torch.from_numpy(rows).to(device), torch.from_numpy(columns).to(device))
        sun_camera = np.array(lighting.sun_direction) @ pose[:3, :3]
        facing = np.where(outside, np.maximum(normal @ sun_camera, 0), 0)
        sun[number][place] = torch.from_numpy(facing.astype(np.float32)).to(device)
        for lamp_number in range(min(len(lighting.lamps_m), LAMPS)):
            lamp = np.array(_lamp_in_camera(view, lamp_number))
            toward = np.einsum('ni,ni->n', normal, lamp - point)
            toward = np.where(outside, 0, np.maximum(toward, 0)).astype(np.float32)
            lamps[lamp_number][number][place] = torch.from_numpy(toward).to(device)


def _haze(views: list[View], color: Tensor, rays: Rays) -> Tensor:
    device = color.device
    density = _per_view([view.scene.lighting.haze_per_m for view in views], device)
    if not bool(density.any()):
        return color
    haze = _per_view_colors([view.scene.lighting.haze for view in views], device)
    clear = torch.exp(-density * rays.depth)[:, None]
    return torch.lerp(haze, color, clear)


def _paint_sky(views: list[View], hits: list[Hits], color: Tensor, rays: Rays) -> None:
    device = color.device
    grain = _grain(torch.device('cpu')).numpy()
    for number, (view, hit) in enumerate(zip(views, hits, strict=True)):
        rows, columns = np.nonzero(hit.surface == 0)
        if not len(rows):
            continue
        camera, lighting = view.camera, view.scene.lighting
        turn = view.camera_to_world[:3, :3]
        world = pixel_coefficients(turn, camera).astype(np.float32)
        x, y, z = (row[0] * columns + row[1] * rows + row[2] for row in world)
        z = np.maximum(z / np.sqrt(x * x + y * y + z * z), 0.0)
        haze = np.exp(-5 * z)
        i = (x / (z + 0.08) * 30).astype(np.int32) & (GRAIN_SIZE - 1)
        j = (y / (z + 0.08) * 30).astype(np.int32) & (GRAIN_SIZE - 1)
        cloud = np.clip(grain[i * GRAIN_SIZE + j] * 0.5 + lighting.clouds * 1.5 - 0.6, 0, 1)
        cloud *= np.minimum(z * 6, 1)
        sky = [zenith + (low - zenith) * haze for zenith, low in
               zip(lighting.zenith, lighting.haze, strict=True)]
        for channel, tone in enumerate(sky):
            shown = tone + (1.05 * max(lighting.haze) - tone) * cloud
            color[number, channel, torch.from_numpy(rows).to(device),
                  torch.from_numpy(columns).to(device)] = torch.from_numpy(
                      shown.astype(np.float32)).to(device)


def _expose(views: list[View], color: Tensor) -> Tensor:
    """Turn linear light into an image: exposure, white balance, vignette, gamma, blur, noise."""
    device = color.device
    height, width = color.shape[2:]
    sensors = [view.sensor for view in views]
    mean = color[:, 1, ::8, ::8].sqrt().mean(dim=(1, 2)).square_()
    gain = torch.tensor([s.exposure for s in sensors], device=device) / mean.clamp(min=1e-4)
    balance = _per_view_colors([s.white_balance for s in sensors], device)
    color.mul_(gain[:, None, None, None] * balance)
    u = torch.linspace(-1, 1, width, device=device) ** 2
    v = torch.linspace(-1, 1, height, device=device)[:, None] ** 2
    dark = _per_view([s.vignette / 2 for s in sensors], device)
    color.mul_((1 - dark * (u + v))[:, None])
    image = color.clamp_(0, 1).sqrt_()
    weight = torch.tensor([s.blur for s in sensors], device=device)[:, None, None, None]
    image[..., 1:-1].lerp_((image[..., :-2] + image[..., 2:]).mul_(0.5), weight)
    image[..., 1:-1, :].lerp_((image[..., :-2, :] + image[..., 2:, :]).mul_(0.5), weight)
    noise = _sensor_noise((height, width), device)
    for number, sensor in enumerate(sensors):
        tile = noise[sensor.noise_offset:sensor.noise_offset + 3 * height * width]
        image[number].add_(tile.view(3, height, width), alpha=sensor.noise)
    return image.clamp_(0, 1)
