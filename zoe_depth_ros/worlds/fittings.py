# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Things fixed to the walls and ceilings of rooms, in real sizes.

Each function puts one piece into a frame whose origin is on the floor at the wall, x along the
wall, y out of it.
"""

from __future__ import annotations

from random import Random

from zoe_depth_ros.worlds import materials
from zoe_depth_ros.worlds.scene import Material
from zoe_depth_ros.worlds.stage import Frame


def door(frame: Frame, rng: Random, width: float, leaf: Material) -> None:
    """Put up a closed door 2.0 to 2.1 m high with frame, panels, handle."""
    height = rng.uniform(2.0, 2.1)
    border = materials.plastic(materials.mixed(leaf.color, rng.choice((0.5, 1.0, 1.2))))
    door_case(frame, width, height, border)
    frame.box((0, 0.015, 0), (width, 0.03, height), leaf)
    if rng.random() < 0.4:
        for z in (0.25, 1.15):
            inlay = materials.plastic(materials.mixed(leaf.color, 0.8))
            frame.box((0, 0.032, z), (width - 0.28, 0.01, 0.72), inlay)
    elif rng.random() < 0.3:
        frame.box((0, 0.032, 1.2), (width * 0.4, 0.008, 0.6), Material((0.6, 0.65, 0.7), glow=0.3))
    side = rng.choice((-1, 1)) * (width / 2 - 0.07)
    metal = materials.plastic(materials.gray(rng, 0.3, 0.8))
    frame.box((side * 0.9, 0.07, 1.04), (0.13, 0.025, 0.025), metal)
    frame.box((side, 0.035, 0.95), (0.04, 0.02, 0.2), metal)


def door_case(frame: Frame, width: float, height: float, material: Material) -> None:
    """Put up the frame around a door opening."""
    for side in (-1, 1):
        frame.box((side * (width / 2 + 0.035), 0.02, 0), (0.07, 0.05, height + 0.07), material)
    frame.box((0, 0.02, height), (width + 0.14, 0.05, 0.07), material)


def window(frame: Frame, rng: Random, width: float) -> None:
    """Put up a window with daylight behind it, sill, radiator or curtains."""
    sill, height = rng.uniform(0.75, 1.0), rng.uniform(1.0, 1.4)
    border = materials.plastic(materials.gray(rng, 0.5, 0.97))
    frame.box((0, 0.01, sill), (width, 0.03, height), border)
    panes = max(1, round(width / 0.7))
    sky = Material((0.75, 0.85, 0.97), border.color, (width / panes, height),
                   (0.08 / width * panes, 0.12), glow=rng.uniform(0.3, 1.6), noise=0.12,
                   grain_m=(0.08, 0.08))
    frame.box((0, 0.02, sill), (width - 0.04, 0.02, height - 0.04), sky)
    frame.box((0, 0.08, sill - 0.03), (width + 0.1, 0.16, 0.03), border)
    if rng.random() < 0.5:
        radiator(frame, rng, width * 0.8)
    if rng.random() < 0.4:
        cloth = materials.fabric(rng)
        for side in (-1, 1):
            frame.box((side * (width / 2 + 0.1), 0.1, 0.05), (0.35, 0.08, sill + height + 0.1),
                      cloth)


def radiator(frame: Frame, rng: Random, width: float) -> None:
    """Put up a ribbed radiator 0.6 m high."""
    ribs = Material(materials.gray(rng, 0.8, 0.95), (0.4, 0.4, 0.4), (0.05, 1.0), (0.25, 0.0))
    frame.box((0, 0.08, 0.12), (width, 0.1, 0.58), ribs)


def picture(frame: Frame, rng: Random, width: float, low: float = 0.0) -> None:
    """Hang a picture, pinboard or whiteboard at eye height, not below `low`."""
    height = width * rng.uniform(0.6, 1.4)
    height = min(height, 1.1)
    z = max(low, 1.55 - height / 2)
    art = Material(materials.any_tone(rng), materials.any_tone(rng),
                   (rng.uniform(0.05, 1.0), rng.uniform(0.05, 1.0)), (0.4, 0.4),
                   rng.random(), 0.4, rng.uniform(0, 0.2), noise=0.35,
                   grain_m=(rng.uniform(0.003, 0.02), rng.uniform(0.003, 0.02)))
    frame.box((0, 0.012, z - 0.03), (width + 0.06, 0.025, height + 0.06), materials.wood(rng))
    frame.box((0, 0.022, z), (width, 0.01, height), art)


def extinguisher(frame: Frame, rng: Random) -> None:
    """Hang a fire extinguisher with its sign."""
    red = materials.plastic((0.7, 0.02, 0.02))
    frame.tube((0, 0.1, 0.55), 0.075, 0.45, red)
    frame.ball((0, 0.1, 0.93), (0.075, 0.075, 0.12), red)
    frame.box((0, 0.1, 1.02), (0.04, 0.12, 0.06), materials.plastic((0.02, 0.02, 0.02)))
    frame.box((0, 0.005, rng.uniform(1.5, 1.8)), (0.15, 0.008, 0.15), red)


def switch(frame: Frame, rng: Random) -> None:
    """Fix a light switch or socket."""
    frame.box((0, 0.005, rng.choice((0.3, 1.05))), (0.08, 0.012, 0.08),
              materials.plastic(materials.gray(rng, 0.85, 0.97)))


def ceiling_lamp(frame: Frame, rng: Random, height_m: float, kind: str) -> None:
    """Fix a lamp below the ceiling: 'panel', 'tube', 'ball' or 'pendant'."""
    shine = materials.lamp(rng.uniform(1.5, 4.0))
    if kind == 'panel':
        frame.box((0, 0, height_m - 0.02), (0.6, 0.6, 0.03), shine)
    elif kind == 'tube':
        frame.box((0, 0, height_m - 0.07), (1.2, 0.12, 0.07), shine)
    elif kind == 'ball':
        frame.ball((0, 0, height_m - 0.22), (0.17, 0.17, 0.12), shine)
    else:
        drop = min(0.9, height_m - 1.7)
        dark = materials.plastic(materials.any_tone(rng))
        frame.tube((0, 0, height_m - drop), 0.008, drop, dark)
        frame.box((0, 0, height_m - drop - 0.1), (0.36, 0.36, 0.2), dark, taper=(0.4, 0.4))
        frame.ball((0, 0, height_m - drop - 0.14), (0.06, 0.06, 0.06), shine)
