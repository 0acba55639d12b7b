# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Random materials whose patterns have the sizes that real ones have."""

from __future__ import annotations

import colorsys
from dataclasses import replace
from random import Random

from zoe_depth_ros.worlds.scene import Material
from zoe_depth_ros.worlds.scene import Vector


def tone(hue: float, saturation: float, value: float) -> Vector:
    """Return linear RGB albedo of a colour given as hue, saturation and gamma-coded value."""
    red, green, blue = colorsys.hsv_to_rgb(hue % 1.0, saturation, value)
    return red ** 2, green ** 2, blue ** 2


def mixed(color: Vector, factor: float) -> Vector:
    """Return the colour made brighter or darker."""
    return color[0] * factor, color[1] * factor, color[2] * factor


def any_tone(rng: Random, saturation: float = 0.8, low: float = 0.25, high: float = 0.95,
             ) -> Vector:
    """Return any colour up to that saturation."""
    return tone(rng.random(), rng.random() * saturation, rng.uniform(low, high))


def warm_tone(rng: Random, saturation: tuple[float, float], value: tuple[float, float]) -> Vector:
    """Return a colour of wood, brick, sand."""
    return tone(rng.uniform(0.02, 0.13), rng.uniform(*saturation), rng.uniform(*value))


def gray(rng: Random, low: float, high: float) -> Vector:
    """Return a nearly neutral colour."""
    return tone(rng.random(), rng.uniform(0, 0.08), rng.uniform(low, high))


def plastic(color: Vector) -> Material:
    """Return a smooth surface."""
    return Material(color, color, noise=0.02)


def lamp(glow: float) -> Material:
    """Return a surface that shines."""
    return Material((1.0, 0.98, 0.92), (1.0, 0.98, 0.92), glow=glow)


def paint(rng: Random) -> Material:
    """Return a painted or plastered wall: mostly pale, sometimes coloured."""
    if rng.random() < 0.8:
        color = tone(rng.random(), rng.uniform(0, 0.15), rng.uniform(0.75, 0.97))
    else:
        color = any_tone(rng, 0.6, 0.4, 0.9)
    grain = rng.choice((0.002, 0.004, 0.008))
    return Material(color, color, noise=rng.uniform(0.0, 0.05), grain_m=(grain, grain))


def wallpaper(rng: Random) -> Material:
    """Return striped or checked wallpaper."""
    color = any_tone(rng, 0.5, 0.55, 0.95)
    width = rng.uniform(0.08, 0.4)
    height = rng.choice((10.0, width))
    gap = (rng.uniform(0.1, 0.5), 0.0 if height > 1 else rng.uniform(0.1, 0.5))
    return Material(color, mixed(color, rng.uniform(0.6, 1.2)), (width, height), gap, noise=0.03)


def bricks(rng: Random) -> Material:
    """Return brickwork of bricks about 24 x 7 cm."""
    color = warm_tone(rng, (0.1, 0.7), (0.4, 0.85))
    return Material(
        color, gray(rng, 0.45, 0.85), (rng.uniform(0.21, 0.26), rng.uniform(0.065, 0.085)),
        (0.05, 0.16), 0.5, rng.uniform(0.05, 0.3), rng.uniform(0, 0.03), noise=0.12)


def tiles(rng: Random, size_m: float | None = None) -> Material:
    """Return square tiles with joints, sometimes a chequerboard."""
    size = size_m or rng.choice((0.1, 0.15, 0.2, 0.3, 0.33, 0.4, 0.45, 0.6))
    color = any_tone(rng, 0.35, 0.5, 0.95)
    joint = rng.uniform(0.003, 0.008) / size
    checker = float(rng.random() < 0.2)
    gap_color = mixed(color, rng.uniform(0.3, 0.8)) if checker else gray(rng, 0.35, 0.8)
    return Material(color, gap_color, (size, size), (joint, joint), 0.0, rng.uniform(0, 0.12),
                    checker=checker, noise=rng.uniform(0.02, 0.1), grain_m=(0.015, 0.015))


def planks(rng: Random) -> Material:
    """Return floor boards or panelling."""
    color = warm_tone(rng, (0.25, 0.7), (0.35, 0.85))
    width = rng.uniform(0.07, 0.2)
    return Material(
        color, mixed(color, 0.4), (rng.uniform(0.6, 1.8), width), (0.004, 0.003 / width + 0.01),
        rng.choice((0.5, 0.33, 0.41)), rng.uniform(0.05, 0.25), 0.01,
        noise=rng.uniform(0.05, 0.18), grain_m=(0.08, 0.005))


def wood(rng: Random) -> Material:
    """Return furniture wood: natural, stained or lacquered."""
    color = warm_tone(rng, (0.2, 0.75), (0.2, 0.85))
    if rng.random() < 0.3:
        color = gray(rng, 0.15, 0.95)
    return Material(color, mixed(color, 0.5), noise=rng.uniform(0.03, 0.15), grain_m=(0.06, 0.004))


def panels(rng: Random, width_m: float, height_m: float) -> Material:
    """Return cupboard doors or drawers of that size."""
    base = wood(rng) if rng.random() < 0.6 else plastic(any_tone(rng, 0.5, 0.3, 0.95))
    gap = (min(0.5, 0.012 / width_m), min(0.5, 0.012 / height_m))
    return replace(base, gap_color=mixed(base.color, 0.3), cell_m=(width_m, height_m), gap=gap)


def carpet(rng: Random) -> Material:
    """Return carpet or linoleum."""
    color = any_tone(rng, 0.5, 0.25, 0.7)
    return Material(color, color, noise=rng.uniform(0.08, 0.25), grain_m=(0.006, 0.006))


def fabric(rng: Random) -> Material:
    """Return cloth, plain, striped or checked."""
    color = any_tone(rng, 0.7, 0.2, 0.9)
    if rng.random() < 0.6:
        return Material(color, color, noise=rng.uniform(0.05, 0.2), grain_m=(0.008, 0.008))
    size, gap = rng.uniform(0.04, 0.2), rng.uniform(0.2, 0.5)
    return Material(color, any_tone(rng, 0.7), (size, rng.choice((size, 5.0))),
                    (gap, rng.choice((0.0, gap))), noise=0.08)


def floor(rng: Random) -> Material:
    """Return an indoor floor."""
    kind = rng.choice((planks, planks, tiles, tiles, carpet, concrete))
    return kind(rng)


def wall(rng: Random) -> Material:
    """Return an indoor wall."""
    kind = rng.choices((paint, wallpaper, bricks, tiles, planks), (8, 1, 0.7, 0.7, 0.4))[0]
    return kind(rng)


def ceiling(rng: Random) -> Material:
    """Return a ceiling: plaster or 0.6 m panels."""
    color = gray(rng, 0.8, 0.98)
    if rng.random() < 0.6:
        return Material(color, color, noise=0.02)
    return Material(color, mixed(color, 0.6), (0.6, rng.choice((0.6, 1.2))), (0.04, 0.03),
                    noise=rng.uniform(0.02, 0.1), grain_m=(0.01, 0.01))


def concrete(rng: Random) -> Material:
    """Return concrete or screed, sometimes in slabs."""
    color = gray(rng, 0.4, 0.75)
    size = rng.choice((100.0, 2.0, 3.0))
    return Material(color, mixed(color, 0.5), (size, size), (0.01 / size, 0.01 / size),
                    variation=0.05, noise=rng.uniform(0.04, 0.14), grain_m=(0.01, 0.01))


def asphalt(rng: Random) -> Material:
    """Return a road surface."""
    color = gray(rng, 0.25, 0.55)
    return Material(color, color, noise=rng.uniform(0.05, 0.14), grain_m=(0.015, 0.015))


def paving(rng: Random) -> Material:
    """Return a pavement: slabs, cobbles or asphalt."""
    if rng.random() < 0.25:
        return asphalt(rng)
    size = rng.choice((0.2, 0.3, 0.4, 0.5))
    color = warm_tone(rng, (0, 0.25), (0.5, 0.8))
    return Material(color, mixed(color, 0.6), (size, size * rng.choice((0.5, 1.0))),
                    (0.03, 0.04), rng.choice((0.0, 0.5)), 0.1, noise=0.12)


def grass(rng: Random) -> Material:
    """Return lawn or meadow."""
    color = tone(rng.uniform(0.19, 0.31), rng.uniform(0.4, 0.75), rng.uniform(0.35, 0.65))
    return Material(color, color, noise=rng.uniform(0.2, 0.4), grain_m=(0.02, 0.02))


def foliage(rng: Random) -> Material:
    """Return leaves, mostly green."""
    hue = rng.uniform(0.2, 0.34) if rng.random() < 0.85 else rng.uniform(0.03, 0.15)
    color = tone(hue, rng.uniform(0.35, 0.8), rng.uniform(0.25, 0.6))
    return Material(color, color, noise=rng.uniform(0.35, 0.6), grain_m=(0.05, 0.05))


def bark(rng: Random) -> Material:
    """Return the bark of a trunk."""
    color = warm_tone(rng, (0.1, 0.45), (0.25, 0.5))
    return Material(color, color, noise=0.3, grain_m=(0.012, 0.06))


def render(rng: Random) -> Vector:
    """Return the colour of a rendered or brick house front."""
    if rng.random() < 0.6:
        return tone(rng.uniform(0.02, 0.16), rng.uniform(0.02, 0.45), rng.uniform(0.6, 0.97))
    if rng.random() < 0.6:
        return warm_tone(rng, (0.3, 0.65), (0.4, 0.7))
    return any_tone(rng, 0.3, 0.45, 0.9)


def facade(rng: Random, storey_m: float) -> Material:
    """Return a house front: rows of dark windows, one per storey, of real size."""
    pitch = rng.uniform(1.6, 3.8)
    width = rng.uniform(0.9, min(1.7, pitch - 0.4))
    height = rng.uniform(1.2, min(1.9, storey_m - 0.9))
    glass = tone(rng.uniform(0.5, 0.65), rng.uniform(0.0, 0.4), rng.uniform(0.15, 0.5))
    gap = (1 - width / pitch, 1 - height / storey_m)
    return Material(glass, render(rng), (pitch, storey_m), gap,
                    variation=rng.uniform(0.2, 0.8), noise=rng.uniform(0.03, 0.15),
                    grain_m=(0.04, 0.04))


def glass(rng: Random) -> Material:
    """Return dark vehicle glass."""
    color = tone(rng.uniform(0.5, 0.65), rng.uniform(0, 0.3), rng.uniform(0.1, 0.35))
    return Material(color, color, noise=0.1, grain_m=(0.2, 0.1))


def roof(rng: Random) -> Material:
    """Return roof tiles."""
    color = warm_tone(rng, (0.1, 0.7), (0.25, 0.6))
    return Material(color, mixed(color, 0.5), (0.25, 0.33), (0.05, 0.15), 0.5, 0.15, noise=0.1)


def dashes(rng: Random, road: Material, dash_m: float, period_m: float) -> Material:
    """Return a line of dashes along the road; an unbroken one where the two lengths agree."""
    white = gray(rng, 0.75, 0.95)
    return replace(road, color=white, gap_color=road.color, cell_m=(period_m, 10.0),
                   gap=(1 - dash_m / period_m, 0.0), shift=0.0)
