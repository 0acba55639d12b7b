# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Light that falls on the surfaces of a batch of views: surroundings, sun, lamps, shadows."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from zoe_depth_ros.worlds.pixels import CHANNELS
from zoe_depth_ros.worlds.pixels import color_per_view
from zoe_depth_ros.worlds.pixels import per_view
from zoe_depth_ros.worlds.pixels import Pixels
from zoe_depth_ros.worlds.pixels import put
from zoe_depth_ros.worlds.pixels import Surfaces
from zoe_depth_ros.worlds.raycast import Hits
from zoe_depth_ros.worlds.raycast import LAMP_SHADOW
from zoe_depth_ros.worlds.raycast import SUN_SHADOW
from zoe_depth_ros.worlds.scene import FloatArray
from zoe_depth_ros.worlds.scene import View
from zoe_depth_ros.worlds.surfaces import LAMPS

# A lamp is no point: its light grows no stronger nearer than this, square metres.
LAMP_AREA_M2 = 0.4


def light_of(views: list[View], hits: list[Hits], surfaces: Surfaces, pixels: Pixels) -> Tensor:
    """
    Return the light on every pixel's surface, and what the surface itself gives.

    :param views: B views.
    :param hits: what their rays meet.
    :param surfaces: the surfaces seen.
    :param pixels: the pixels.
    :return: (B, 3, H, W) float32 linear RGB.
    """
    device = pixels.depth.device
    sun = surfaces['sun']
    toward = [surfaces[f'lamp_{number}'] for number in range(_lamp_count(views))]
    for number, (view, hit) in enumerate(zip(views, hits, strict=True)):
        _light_rounds(view, hit, sun[number], [part[number] for part in toward])
    lamp = _lamp_light(views, pixels, toward)
    shadow = torch.from_numpy(np.stack([hit.shadow for hit in hits])).to(device)
    strength = surfaces['shadow'].neg_()
    sun.addcmul_(sun, strength * (shadow & SUN_SHADOW > 0))
    lamp.addcmul_(lamp, strength * (shadow & LAMP_SHADOW > 0))
    light = sun[:, None] * color_per_view([view.scene.lighting.sun for view in views], device)
    light.addcmul_(
        lamp[:, None], color_per_view([view.scene.lighting.lamp for view in views], device))
    light.add_(surfaces['glow'][:, None])
    for channel, name in enumerate(CHANNELS):
        light[:, channel].add_(surfaces['ambient_' + name])
    return light


def _lamp_count(views: list[View]) -> int:
    return min(LAMPS, max(len(view.scene.lighting.lamps_m) for view in views))


def _lamp_in_camera(view: View, number: int) -> FloatArray:
    """Return a lamp's place in the optical frame; the origin if there is no such lamp."""
    lamps, pose = view.scene.lighting.lamps_m, view.camera_to_world
    if number >= len(lamps):
        return np.zeros(3)
    place: FloatArray = (np.array(lamps[number]) - pose[:3, 3]) @ pose[:3, :3]
    return place


def _lamp_light(views: list[View], pixels: Pixels, toward: list[Tensor]) -> Tensor:
    """
    Return the light of the lamps: cosine over squared distance.

    :param toward: per lamp (B, H, W) its height above the surface, metres.
    """
    device = pixels.depth.device
    cameras = [view.camera for view in views]
    x = ((pixels.u - per_view([c.cx for c in cameras], device))
         / per_view([c.fx for c in cameras], device))
    y = ((pixels.v - per_view([c.cy for c in cameras], device))
         / per_view([c.fy for c in cameras], device))
    ray_squared = x ** 2 + y ** 2 + 1
    total = torch.zeros_like(pixels.depth)
    for number, rise in enumerate(toward):
        lamps = np.array([_lamp_in_camera(view, number) for view in views])
        lx, ly, lz = (per_view(lamps[:, axis].tolist(), device) for axis in range(3))
        distance = ray_squared * pixels.depth
        distance.sub_((x * lx + (y * ly + lz)).mul_(2)).mul_(pixels.depth)
        distance.add_(lx ** 2 + ly ** 2 + lz ** 2).clamp_(min=0).add_(LAMP_AREA_M2)
        total.addcdiv_(rise.mul_(distance.rsqrt()), distance)
    return total


def _light_rounds(view: View, hit: Hits, sun: Tensor, toward: list[Tensor]) -> None:
    """Write into `sun` and `toward` what the round solids' own normals make of the light."""
    first = len(hit.faces.box) + 1
    rows, columns = np.nonzero(hit.surface >= first)
    index = hit.surface[rows, columns] - first
    camera = view.camera
    ray = np.stack([(columns - camera.cx) / camera.fx, (rows - camera.cy) / camera.fy,
                    np.ones(len(rows))], axis=1)
    point = ray / hit.inverse_depth[rows, columns, None]
    normal = np.einsum(
        'nij,nj->ni', hit.rounds.quadric[index], point - hit.rounds.middle_m[index])
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    inside = np.array([view.scene.rounds[i].indoors for i in hit.rounds.source.tolist()], bool)
    inside = inside[index]
    direction = np.array(view.scene.lighting.sun_direction) @ view.camera_to_world[:3, :3]
    put(sun, rows, columns, np.where(inside, 0, np.maximum(normal @ direction, 0)))
    for number in range(min(len(view.scene.lighting.lamps_m), LAMPS)):
        rise = np.einsum('ni,ni->n', normal, _lamp_in_camera(view, number) - point)
        put(toward[number], rows, columns, np.where(inside, np.maximum(rise, 0), 0))
