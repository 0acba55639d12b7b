# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Buildings in real sizes; the frame's x runs along the front, y out of it to the street."""

from __future__ import annotations

from random import Random

from zoe_depth_ros.worlds import materials
from zoe_depth_ros.worlds.scene import Material
from zoe_depth_ros.worlds.stage import Frame


def town_house(frame: Frame, rng: Random, width: float, *, detailed: bool) -> None:
    """Put up a house of two to six storeys of about 3 m."""
    storey, floors, depth = rng.uniform(2.8, 3.4), rng.randint(2, 6), rng.uniform(8.0, 14.0)
    front = materials.facade(rng, storey)
    height = storey * floors
    base = rng.choice((0.0, storey + rng.uniform(0.0, 0.6)))
    ground = rng.uniform(0.0, 0.6)
    if base:
        _shop(frame, rng, width, depth, base, front)
    else:
        plinth = materials.plastic(materials.mixed(front.gap_color, 0.6))
        frame.box((0, -depth / 2 + 0.02, 0), (width, depth + 0.04, ground), plinth)
    low = base or ground
    frame.box((0, -depth / 2, low), (width, depth, height), front, shadow=True)
    top = low + height
    if rng.random() < 0.6:
        frame.box((0, -depth / 2, top), (width, depth + 0.8, rng.uniform(1.5, 4.0)),
                  materials.roof(rng), taper=(1.0, rng.choice((0.0, 0.3))))
    else:
        frame.box((0, -depth / 2, top), (width + 0.1, depth + 0.4, 0.4),
                  materials.plastic(materials.gray(rng, 0.4, 0.8)))
    if detailed:
        entrance(frame.at(rng.uniform(-0.4, 0.4) * (width - 2), 0.0), rng)
        if rng.random() < 0.3:
            _balconies(frame, rng, width, low, storey, floors)


def _shop(frame: Frame, rng: Random, width: float, depth: float, height: float, front: Material,
          ) -> None:
    """Put up a ground floor of shop windows under a sign."""
    pane = rng.uniform(1.5, 3.0)
    frame_color = rng.choice((front.gap_color, materials.any_tone(rng, 0.5)))
    glass = Material(materials.glass(rng).color, frame_color,
                     (pane, height * 1.5), (0.12, 0.25), variation=0.5, tint=0.04, noise=0.3,
                     grain_m=(0.1, 0.1))
    frame.box((0, -depth / 2, 0), (width, depth, height), glass, shadow=True)
    if rng.random() < 0.7:
        color = materials.plastic(materials.any_tone(rng))
        frame.box((0, 0.06, height - 0.75), (width * 0.9, 0.12, 0.6), color)


def _balconies(frame: Frame, rng: Random, width: float, low: float, storey: float, floors: int,
               ) -> None:
    slab = materials.plastic(materials.gray(rng, 0.4, 0.9))
    x = rng.uniform(-0.3, 0.3) * width
    for floor in range(1, floors):
        frame.box((x, 0.6, low + floor * storey), (2.6, 1.2, 0.15), slab)
        frame.box((x, 1.15, low + floor * storey), (2.6, 0.06, 1.05), slab)


def entrance(frame: Frame, rng: Random) -> None:
    """Fix a house door about 2.1 x 1 m with its surround."""
    leaf = materials.wood(rng)
    stone = materials.plastic(materials.gray(rng, 0.4, 0.9))
    frame.box((0, 0.03, 0), (1.3, 0.1, 2.3), stone)
    frame.box((0, 0.05, 0.05), (1.0, 0.1, 2.1), leaf)
    frame.box((0.38, 0.12, 1.0), (0.04, 0.05, 0.2), materials.plastic((0.4, 0.35, 0.2)))


def cottage(frame: Frame, rng: Random, width: float, *, detailed: bool) -> None:
    """Put up a house of one or two storeys with a pitched roof."""
    storey, floors, depth = rng.uniform(2.6, 3.0), rng.randint(1, 2), rng.uniform(7.0, 11.0)
    front = materials.facade(rng, storey)
    height = storey * floors + 0.3
    frame.box((0, -depth / 2, 0), (width, depth, height), front, shadow=True)
    frame.box((0, -depth / 2, height), (width + 0.6, depth + 0.8, rng.uniform(2.0, 4.0)),
              materials.roof(rng), taper=(rng.choice((1.0, 0.5)), 0.0), shadow=True)
    if rng.random() < 0.6:
        brick = materials.bricks(rng)
        frame.box((width * 0.25, -depth / 2, height + 0.5), (0.5, 0.5, 3.5), brick)
    if detailed:
        entrance(frame.at(rng.uniform(-0.3, 0.3) * width, 0.0), rng)


def hall(frame: Frame, rng: Random, width: float, *, detailed: bool) -> None:
    """Put up a plain hall, garage or supermarket."""
    height, depth = rng.uniform(3.5, 9.0), rng.uniform(10.0, 20.0)
    color = materials.render(rng)
    sheet = Material(color, materials.mixed(color, 0.8), (rng.uniform(0.3, 1.2), 50.0),
                     (0.12, 0.0), noise=0.06, grain_m=(0.1, 0.1))
    frame.box((0, -depth / 2, 0), (width, depth, height), sheet, shadow=True)
    gate = Material(materials.gray(rng, 0.3, 0.9), (0.1, 0.1, 0.1), (10.0, 0.5), (0.0, 0.06))
    for x in (-width / 4, width / 4):
        frame.box((x, 0.02, 0), (3.0, 0.08, 3.0), gate)
    if detailed:
        entrance(frame, rng)


def fence(frame: Frame, rng: Random, length: float) -> None:
    """Put up a hedge, garden wall or fence along x."""
    kind = rng.randrange(3)
    if kind == 0:
        frame.box((0, 0, 0), (length, rng.uniform(0.5, 0.9), rng.uniform(0.9, 2.0)),
                  materials.foliage(rng), shadow=True)
    elif kind == 1:
        frame.box((0, 0, 0), (length, 0.25, rng.uniform(0.6, 1.8)), materials.bricks(rng),
                  shadow=True)
    else:
        board = materials.wood(rng)
        slats = Material(board.color, materials.mixed(board.color, 0.25), (0.12, 3.0), (0.2, 0.0),
                         variation=0.15, noise=0.1)
        frame.box((0, 0, 0), (length, 0.05, rng.uniform(0.8, 1.8)), slats, shadow=True)
