# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Things that stand or drive in streets, in real sizes, each put into a frame on the ground."""

from __future__ import annotations

from dataclasses import replace
from random import Random

from zoe_depth_ros.worlds import materials
from zoe_depth_ros.worlds.scene import Material
from zoe_depth_ros.worlds.stage import Frame

_BLACK = materials.plastic((0.015, 0.015, 0.015))
_RED = Material((0.6, 0.02, 0.02), glow=0.2)
_WHITE_LIGHT = Material((0.85, 0.85, 0.8), glow=0.3)


def car_paint(rng: Random) -> Material:
    """Return the paint of a vehicle: mostly neutral, sometimes bright."""
    if rng.random() < 0.6:
        return materials.plastic(materials.gray(rng, 0.08, 0.97))
    return materials.plastic(materials.any_tone(rng, 0.95, 0.25, 0.85))


def vehicle(frame: Frame, rng: Random, *, detailed: bool) -> float:
    """Put a car, van, bus or lorry that faces along x; return its length in metres."""
    kind = rng.choices((car, van, lorry, bus), (0.8, 0.1, 0.06, 0.04))[0]
    return kind(frame, rng, detailed=detailed)


def car(frame: Frame, rng: Random, *, detailed: bool) -> float:
    """Put a car about 4.4 x 1.8 x 1.5 m."""
    length, width = rng.gauss(4.4, 0.3), rng.gauss(1.8, 0.06)
    height = min(1.9, max(1.38, rng.gauss(1.52, 0.1)))
    paint, glass = car_paint(rng), materials.glass(rng)
    waist = rng.uniform(0.56, 0.62) * height
    frame.box((0, 0, 0.2), (length, width, waist * 0.55), paint, taper=(1.0, 1.0), shadow=True)
    frame.box((0, 0, 0.2 + waist * 0.55), (length, width, waist * 0.45 - 0.2), paint,
              taper=(rng.uniform(0.93, 0.98), 0.95))
    estate = rng.random() < 0.45
    cabin = length * (0.62 if estate else 0.54)
    shift = -length * (0.13 if estate else 0.04)
    frame.box((shift, 0, waist), (cabin, width * 0.93, height - waist - 0.03), glass,
              taper=(0.72 if estate else 0.6, 0.8), shadow=True)
    roof = cabin * (0.72 if estate else 0.6)
    frame.box((shift, 0, height - 0.035), (roof, width * 0.75, 0.035), paint)
    _wheels(frame, length * 0.3, width, 0.31, detailed)
    if detailed:
        _front_and_back(frame, rng, length, width, waist)
    return length


def _front_and_back(frame: Frame, rng: Random, length: float, width: float, waist: float) -> None:
    """Add lights, plates and bumpers."""
    for side in (-1, 1):
        y = side * (width / 2 - 0.22)
        frame.box((-length / 2, y, waist * 0.66), (0.06, 0.3, 0.13), _RED)
        frame.box((length / 2, y, waist * 0.6), (0.06, 0.34, 0.13), _WHITE_LIGHT)
    plate = Material((0.8, 0.8, 0.75), (0.05, 0.05, 0.05), (0.06, 0.11), (0.5, 0.4))
    for end in (-1, 1):
        frame.box((end * length / 2, 0, 0.42), (0.03, 0.52, 0.11), plate)
        frame.box((end * length / 2, 0, 0.22), (0.08, width * 0.9, 0.12), _BLACK)


def _wheels(frame: Frame, axle_x: float, width: float, radius: float, detailed: bool) -> None:
    hub = materials.plastic((0.25, 0.25, 0.26))
    for end in (-1, 1):
        for side in (-1, 1) if detailed else ():
            frame.ball((end * axle_x, side * (width / 2 - 0.07), 0), (radius, 0.1, radius), _BLACK)
            frame.ball((end * axle_x, side * (width / 2 - 0.05), radius * 0.45),
                       (radius * 0.55, 0.09, radius * 0.55), hub)
    if detailed:
        frame.box((0, 0, 0.12), (2 * axle_x, width * 0.85, 0.2), _BLACK, shadow=True)
    else:
        frame.box((0, 0, 0), (2 * axle_x + 2 * radius, width - 0.02, 0.3), _BLACK)


def van(frame: Frame, rng: Random, *, detailed: bool) -> float:
    """Put a van about 5.4 x 2 x 2.3 m."""
    length, width, height = rng.uniform(4.8, 6.0), rng.uniform(1.9, 2.05), rng.uniform(1.9, 2.6)
    paint, glass = car_paint(rng), materials.glass(rng)
    frame.box((-0.5, 0, 0.25), (length - 1.0, width, height - 0.25), paint, shadow=True)
    frame.box((length / 2 - 0.55, 0, 0.25), (1.1, width * 0.98, 0.85), paint, shadow=True)
    frame.box((length / 2 - 0.8, 0, 1.1), (1.0, width * 0.95, height - 1.25), glass,
              taper=(0.4, 0.85))
    frame.box((-length / 2, 0, 1.25), (0.04, width * 0.7, 0.45), glass)
    _wheels(frame, length * 0.3, width, 0.34, detailed)
    if detailed:
        _front_and_back(frame, rng, length, width, 1.1)
    return length


def lorry(frame: Frame, rng: Random, *, detailed: bool) -> float:
    """Put a lorry with a box body."""
    length, width, height = rng.uniform(7.0, 12.0), 2.5, rng.uniform(3.2, 3.9)
    paint = car_paint(rng)
    color = materials.any_tone(rng, 0.7, 0.5, 0.97)
    body = Material(color, materials.mixed(color, 0.8), (1.2, 10.0), (0.03, 0.0), noise=0.05)
    frame.box((-1.2, 0, 1.1), (length - 2.4, width, height - 1.1), body, shadow=True)
    frame.box((length / 2 - 1.0, 0, 0.4), (2.0, 2.4, 2.4), paint, taper=(0.92, 0.95), shadow=True)
    frame.box((length / 2 - 0.05, 0, 1.6), (0.16, 2.1, 0.8), materials.glass(rng))
    frame.box((-1.0, 0, 0.6), (length - 2, 0.9, 0.5), _BLACK, shadow=True)
    _wheels(frame, length * 0.34, 2.4, 0.5, detailed)
    if detailed:
        _front_and_back(frame, rng, length, width, 1.1)
    return length


def bus(frame: Frame, rng: Random, *, detailed: bool) -> float:
    """Put a bus about 12 x 2.5 x 3.1 m."""
    length, width, height = rng.uniform(9.0, 12.5), 2.5, rng.uniform(2.9, 3.2)
    paint = materials.plastic(materials.any_tone(rng, 0.9, 0.4, 0.9))
    glass = replace(materials.glass(rng), gap_color=paint.color, cell_m=(1.5, 1.3),
                    gap=(0.07, 0.0), variation=0.3)
    frame.box((0, 0, 0.3), (length, width, 0.8), paint, shadow=True)
    frame.box((0, 0, 1.1), (length - 0.02, width - 0.02, 1.2), glass, shadow=True)
    frame.box((0, 0, 2.3), (length, width, height - 2.3), paint, taper=(0.98, 0.9), shadow=True)
    _wheels(frame, length * 0.28, width, 0.48, detailed)
    return length


def tree(frame: Frame, rng: Random, *, detailed: bool) -> None:
    """Put a tree 4 to 10 m high."""
    height = rng.uniform(4.0, 10.0)
    trunk = height * rng.uniform(0.3, 0.5)
    radius = rng.uniform(0.09, 0.13) * height ** 0.5
    frame.tube((0, 0, -0.05), radius * 0.5 + 0.04, trunk + 0.3, materials.bark(rng))
    leaf = materials.foliage(rng)
    crown = height - trunk
    spread = crown * rng.uniform(0.28, 0.55)
    frame.ball((0, 0, trunk), (spread, spread, crown / 2), leaf, shadow=True)
    for _ in range(rng.randint(1, 4) if detailed else 0):
        part = spread * rng.uniform(0.4, 0.75)
        frame.ball((rng.gauss(0, 0.5) * spread, rng.gauss(0, 0.5) * spread,
                    trunk + rng.uniform(0.0, 0.55) * crown), (part, part, part * 0.9), leaf,
                   shadow=True)


def bush(frame: Frame, rng: Random) -> None:
    """Put a bush 0.6 to 1.6 m high."""
    height = rng.uniform(0.6, 1.6)
    leaf = materials.foliage(rng)
    for _ in range(rng.randint(1, 3)):
        width = rng.uniform(0.4, 0.7) * height
        frame.ball((rng.gauss(0, 0.3), rng.gauss(0, 0.3), -0.1), (width, width, height / 2), leaf,
                   shadow=True)


def lamp_post(frame: Frame, rng: Random) -> None:
    """Put a lamp post 4 to 9 m high, its arm along y."""
    height = rng.uniform(4.0, 9.0)
    metal = materials.plastic(materials.gray(rng, 0.2, 0.7))
    frame.tube((0, 0, 0), 0.1, 1.0, metal)
    frame.tube((0, 0, 0), 0.06, height, metal)
    arm = rng.uniform(0.4, 2.0)
    frame.box((0, arm / 2, height - 0.08), (0.07, arm, 0.07), metal)
    frame.box((0, arm, height - 0.15), (0.25, 0.6, 0.12), metal)


def sign(frame: Frame, rng: Random) -> None:
    """Put a road sign about 0.6 m wide, facing along -x, on a pole."""
    metal = materials.plastic((0.4, 0.4, 0.42))
    size, height = rng.uniform(0.4, 0.75), rng.uniform(2.0, 2.5)
    frame.tube((0, 0, 0), 0.035, height + size, metal)
    face, border = rng.choice((
        ((0.85, 0.85, 0.85), (0.6, 0.02, 0.03)), ((0.02, 0.1, 0.5), (0.85, 0.85, 0.85)),
        ((0.8, 0.6, 0.02), (0.02, 0.02, 0.02))))
    paint = Material(face, border, (size, size), (0.25, 0.25))
    frame.box((-0.05, 0, height), (0.02, size, size), paint)


def street_furniture(frame: Frame, rng: Random) -> None:
    """Put a bin, bench, bollard, letter box or switch cabinet."""
    kind = rng.randrange(4)
    color = materials.plastic(materials.any_tone(rng, 0.9, 0.15, 0.8))
    if kind == 0:
        frame.drum((0, 0, 0), rng.uniform(0.2, 0.3), rng.uniform(0.8, 1.0), color)
    elif kind == 1:
        wood = materials.wood(rng)
        frame.box((0, 0, 0.4), (1.6, 0.45, 0.05), wood, shadow=True)
        frame.box((0, -0.22, 0.55), (1.6, 0.04, 0.3), wood, shadow=True)
        for x in (-0.6, 0.6):
            frame.box((x, 0, 0), (0.06, 0.4, 0.4), _BLACK)
    elif kind == 2:
        for x in (-1.5, 0, 1.5):
            frame.drum((x, 0, 0), 0.08, 0.9, color)
    else:
        frame.box((0, 0, 0), (rng.uniform(0.5, 1.2), 0.4, rng.uniform(1.0, 1.4)), color,
                  shadow=True)
