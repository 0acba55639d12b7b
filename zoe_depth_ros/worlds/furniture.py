# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Things that stand or hang in rooms, in real sizes.

Each function puts one piece into a frame whose origin is on the floor, x along the wall and y out
of it.
"""

from __future__ import annotations

from random import Random

from zoe_depth_ros.worlds import materials
from zoe_depth_ros.worlds.scene import Material
from zoe_depth_ros.worlds.stage import Frame


def legs(frame: Frame, length: float, width: float, height: float, thick: float,
         material: Material) -> None:
    """Put up four legs at the corners of a rectangle."""
    for x in (-1, 1):
        for y in (-1, 1):
            frame.box((x * (length - thick) / 2, y * (width - thick) / 2, 0.0),
                      (thick, thick, height), material)


def table(frame: Frame, rng: Random, length: float, width: float) -> None:
    """Put up a dining table or desk 0.70 to 0.78 m high."""
    height, wood = rng.uniform(0.70, 0.78), materials.wood(rng)
    frame.box((0, 0, height - 0.03), (length, width, 0.03), wood, shadow=True)
    legs(frame, length - 0.06, width - 0.06, height - 0.03, rng.uniform(0.03, 0.08), wood)


def chair(frame: Frame, rng: Random) -> None:
    """Put up a chair with a seat 0.43 to 0.48 m high, its back at negative y."""
    seat, size, wood = rng.uniform(0.43, 0.48), rng.uniform(0.38, 0.46), materials.wood(rng)
    cushion = materials.fabric(rng) if rng.random() < 0.5 else wood
    frame.box((0, 0, seat - 0.04), (size, size, 0.04), cushion, shadow=True)
    legs(frame, size, size, seat - 0.04, 0.035, wood)
    rise = rng.uniform(0.35, 0.5)
    low = rng.uniform(0.0, 0.2)
    frame.box((0, -size / 2 + 0.015, seat + low), (size, 0.03, rise - low), cushion)


def table_group(frame: Frame, rng: Random) -> None:
    """Put up a table with chairs on both sides."""
    length, width = rng.uniform(1.0, 2.0), rng.uniform(0.7, 1.0)
    table(frame, rng, length, width)
    state = rng.random()
    for side in (-1, 1):
        for number in range(int(length // 0.65)):
            twin = Random(state)
            x = (number + 0.5) * length / int(length // 0.65) - length / 2
            turn = (0.0 if side < 0 else 3.1416) + rng.gauss(0, 0.1)
            away = width / 2 + rng.uniform(-0.05, 0.25)
            chair(frame.at(x, side * away, 0, turn), twin)
    if rng.random() < 0.5:
        small_things(frame.at(0, 0, 0.78), rng, length * 0.7, width * 0.6)


def small_things(frame: Frame, rng: Random, length: float, width: float) -> None:
    """Put a few cups, books and boxes on a surface."""
    for _ in range(rng.randint(1, 4)):
        x, y = rng.uniform(-length, length) / 2, rng.uniform(-width, width) / 2
        color = materials.plastic(materials.any_tone(rng))
        if rng.random() < 0.3:
            frame.drum((x, y, -0.03), rng.uniform(0.035, 0.1), rng.uniform(0.1, 0.28), color)
        else:
            frame.box((x, y, -0.03), (rng.uniform(0.1, 0.35), rng.uniform(0.08, 0.25),
                                      rng.uniform(0.03, 0.25)), color, yaw_rad=rng.uniform(0, 3))


def desk(frame: Frame, rng: Random) -> None:
    """Put up a desk with a screen and a chair."""
    length, width = rng.uniform(1.1, 1.8), rng.uniform(0.6, 0.8)
    table(frame.at(0, width / 2), rng, length, width)
    dark = materials.plastic(materials.gray(rng, 0.1, 0.3))
    for x in (-0.3, 0.35)[:rng.randint(1, 2)]:
        screen = rng.uniform(0.45, 0.62)
        frame.box((x, 0.2, 0.76), (0.2, 0.15, 0.015), dark)
        frame.box((x, 0.2, 0.77), (0.04, 0.03, 0.15), dark)
        frame.box((x, 0.22, 0.86), (screen, 0.03, screen * 0.6), dark)
        bright = Material(materials.any_tone(rng), glow=rng.uniform(0, 0.8))
        frame.box((x, 0.236, 0.875), (screen - 0.03, 0.004, screen * 0.6 - 0.03), bright)
    chair(frame.at(rng.uniform(-0.3, 0.3), width + 0.15, 0, 3.14 + rng.gauss(0, 0.4)), rng)


def shelf(frame: Frame, rng: Random, width: float, depth: float) -> None:
    """Put up open shelves with books and things."""
    height, wood = rng.uniform(0.8, 2.2), materials.wood(rng)
    frame.box((0, 0.01, 0), (width, 0.02, height), wood)
    for side in (-1, 1):
        frame.box((side * (width / 2 - 0.01), depth / 2, 0), (0.022, depth, height), wood,
                  shadow=True)
    boards = max(2, round(height / rng.uniform(0.3, 0.42)))
    for number in range(boards + 1):
        z = 0.06 + number * (height - 0.08) / boards
        frame.box((0, depth / 2, z), (width - 0.02, depth, 0.02), wood, shadow=number == boards)
        if number < boards and rng.random() < 0.8:
            _books(frame.at(0, 0, z + 0.02), rng, width - 0.06, depth)


def _books(frame: Frame, rng: Random, width: float, depth: float) -> None:
    length = rng.uniform(0.4, 1.0) * width
    height = rng.uniform(0.18, 0.26)
    thick = rng.uniform(0.018, 0.06)
    color = materials.any_tone(rng, 0.4)
    books = Material(color, materials.mixed(color, 0.2), (thick, height), (0.1, 0.0),
                     variation=0.5, tint=0.35)
    frame.box((rng.choice((-1, 1)) * (width - length) / 2, depth * 0.45, 0),
              (length, depth * 0.7, height), books)


def cupboard(frame: Frame, rng: Random, width: float, depth: float) -> None:
    """Put up a cupboard, chest of drawers or wardrobe with doors and handles."""
    height = rng.choice((rng.uniform(0.7, 1.2), rng.uniform(1.7, 2.2)))
    doors = max(1, round(width / 0.5))
    rows = 1 if height > 1.5 else rng.choice((1, 3, 4))
    front = materials.panels(rng, width / doors, height / rows)
    frame.box((0, depth / 2, 0), (width, depth, height), front, shadow=True)
    metal = materials.plastic(materials.gray(rng, 0.3, 0.8))
    for column in range(doors):
        for row in range(rows):
            x = (column + 0.5 + (0.35 if rows == 1 else 0)) * width / doors - width / 2
            frame.box((x, depth + 0.012, (row + 0.5) * height / rows), (0.03, 0.025, 0.12), metal)


def sofa(frame: Frame, rng: Random, width: float, depth: float) -> None:
    """Put up an armchair or sofa with a seat about 0.43 m high."""
    cloth, seat = materials.fabric(rng), rng.uniform(0.38, 0.46)
    arm = rng.uniform(0.12, 0.24)
    frame.box((0, depth / 2, 0.05), (width, depth, seat - 0.2), cloth, shadow=True)
    places = max(1, round((width - 2 * arm) / 0.65))
    step = (width - 2 * arm) / places
    for number in range(places):
        x = (number + 0.5) * step - width / 2 + arm
        frame.box((x, depth / 2 + 0.08, seat - 0.15), (step - 0.02, depth - 0.16, 0.15), cloth)
    frame.box((0, 0.12, seat - 0.15), (width, 0.24, rng.uniform(0.5, 0.65)), cloth, shadow=True)
    for side in (-1, 1):
        frame.box((side * (width - arm) / 2, depth / 2, 0.05), (arm, depth, seat + 0.12), cloth)
    if rng.random() < 0.6:
        frame.ball((rng.uniform(-0.3, 0.3) * width, 0.35, seat), (0.22, 0.1, 0.2),
                   materials.fabric(rng))


def bed(frame: Frame, rng: Random, width: float) -> None:
    """Put up a bed 2 m long, its head at the wall."""
    wood, cloth = materials.wood(rng), materials.fabric(rng)
    height = rng.uniform(0.4, 0.6)
    frame.box((0, 0.03, 0), (width, 0.06, rng.uniform(0.7, 1.1)), wood, shadow=True)
    frame.box((0, 1.04, 0.12), (width, 1.98, height - 0.3), wood, shadow=True)
    frame.box((0, 1.05, height - 0.2), (width - 0.04, 1.96, 0.16),
              materials.plastic(materials.gray(rng, 0.8, 0.95)))
    frame.box((0, 1.3, height - 0.18), (width + 0.02, 1.5, 0.19), cloth)
    for x in ((0.0,) if width < 1.2 else (-width / 4, width / 4)):
        frame.ball((x, 0.35, height - 0.08), (0.33, 0.22, 0.1),
                   materials.plastic(materials.gray(rng, 0.75, 0.97)))


def kitchen(frame: Frame, rng: Random, width: float) -> None:
    """Put up a kitchen counter 0.9 m high with cabinets above it."""
    front = materials.panels(rng, 0.6, 0.75)
    frame.box((0, 0.29, 0.1), (width, 0.58, 0.76), front, shadow=True)
    frame.box((0, 0.31, 0.86), (width, 0.62, 0.04), materials.wood(rng), shadow=True)
    frame.box((0, 0.26, 0), (width, 0.5, 0.1), materials.plastic((0.05, 0.05, 0.05)))
    frame.box((0, 0.01, 0.9), (width, 0.015, 0.52), materials.tiles(rng, 0.1))
    frame.box((0, 0.18, 1.42), (width, 0.35, rng.uniform(0.6, 0.75)), front)
    hob = rng.uniform(-0.3, 0.3) * width
    frame.box((hob, 0.3, 0.9), (0.58, 0.5, 0.006), materials.plastic((0.02, 0.02, 0.02)))
    small_things(frame.at(0, 0.3, 0.93), rng, width * 0.8, 0.3)


def appliance(frame: Frame, rng: Random) -> None:
    """Put up a fridge or washing machine 0.6 m wide."""
    height = rng.choice((0.85, rng.uniform(1.5, 2.0)))
    shell = Material(materials.gray(rng, 0.6, 0.97), (0.1, 0.1, 0.1), (0.6, height / 1.5),
                     (0.02, 0.02))
    frame.box((0, 0.3, 0), (0.6, 0.6, height), shell, shadow=True)
    if height < 1:
        frame.ball((0, 0.57, 0.25), (0.18, 0.05, 0.18), materials.plastic((0.05, 0.06, 0.08)))
    else:
        frame.box((0.22, 0.62, height * 0.5), (0.03, 0.04, 0.4),
                  materials.plastic((0.4, 0.4, 0.4)))


def boxes(frame: Frame, rng: Random) -> None:
    """Stack one to three cardboard boxes or crates."""
    z = 0.0
    for _ in range(rng.randint(1, 3)):
        size = (rng.uniform(0.3, 0.6), rng.uniform(0.25, 0.4), rng.uniform(0.2, 0.45))
        color = materials.warm_tone(rng, (0.2, 0.5), (0.5, 0.8))
        card = Material(
            color, materials.mixed(color, 1.2), (5.0, size[2] * 2), (0.0, 0.1), noise=0.08)
        frame.box((0, 0.22, z), size, card, yaw_rad=rng.gauss(0, 0.15), shadow=True)
        z += size[2]


def plant(frame: Frame, rng: Random) -> None:
    """Put up a potted plant 0.6 to 1.8 m high."""
    pot, height = rng.uniform(0.25, 0.4), rng.uniform(0.6, 1.7)
    clay = materials.plastic(materials.any_tone(rng))
    frame.drum((0, 0.25, 0), rng.uniform(0.12, 0.2), pot, clay)
    frame.tube((0, 0.25, pot), 0.02, height * 0.4, materials.bark(rng))
    leaf = materials.foliage(rng)
    for _ in range(rng.randint(1, 4)):
        radius = rng.uniform(0.12, 0.25)
        place = (rng.gauss(0, 0.08), 0.25 + rng.gauss(0, 0.05), height * rng.uniform(0.5, 0.75))
        frame.ball(place, (radius, radius, radius * rng.uniform(0.6, 1.6)), leaf,
                   shadow=True)


def bin_or_stool(frame: Frame, rng: Random) -> None:
    """Put up a waste bin or a round stool."""
    color = materials.plastic(materials.any_tone(rng))
    frame.drum((0, 0.2, 0), rng.uniform(0.12, 0.2), rng.uniform(0.28, 0.6), color)


def floor_lamp(frame: Frame, rng: Random) -> None:
    """Put up a floor lamp 1.4 to 1.8 m high."""
    height = rng.uniform(1.4, 1.8)
    metal = materials.plastic(materials.gray(rng, 0.1, 0.7))
    frame.drum((0, 0.2, 0), 0.14, 0.03, metal)
    frame.tube((0, 0.2, 0), 0.014, height - 0.2, metal)
    frame.ball((0, 0.2, height - 0.3), (0.18, 0.18, 0.14), materials.lamp(rng.uniform(0.3, 1.5)))


def person(frame: Frame, rng: Random) -> None:
    """Put up a person 1.5 to 1.95 m tall."""
    height = rng.gauss(1.72, 0.09)
    height = min(1.95, max(1.5, height))
    shirt, trousers = materials.fabric(rng), materials.fabric(rng)
    skin = materials.plastic(materials.warm_tone(rng, (0.25, 0.5), (0.35, 0.9)))
    hip, neck, stride = 0.5 * height, 0.83 * height, rng.uniform(0.0, 0.16)
    shoe = materials.plastic(materials.gray(rng, 0.1, 0.5))
    for side in (-1, 1):
        frame.ball((side * stride + 0.04, side * 0.09, 0.0), (0.13, 0.05, 0.05), shoe)
        frame.tube((side * stride * 0.7, side * 0.09, 0.04), 0.07, hip, trousers)
        frame.tube((-side * stride * 0.6, side * 0.235, hip - 0.03), 0.045, 0.33 * height, shirt)
        frame.ball((-side * stride * 0.6, side * 0.235, hip - 0.13), (0.045, 0.035, 0.08), skin)
    frame.ball((0, 0, hip - 0.06), (0.13, 0.17, 0.16), trousers)
    frame.ball((0, 0, hip - 0.02), (0.13, 0.2, (neck - hip) / 2 + 0.03), shirt, shadow=True)
    frame.ball((0, 0, neck - 0.14), (0.1, 0.23, 0.09), shirt)
    frame.tube((0, 0, neck - 0.02), 0.055, 0.1, skin)
    frame.ball((0.01, 0, height - 0.25), (0.095, 0.078, 0.12), skin)
    frame.ball((-0.015, 0, height - 0.165), (0.1, 0.088, 0.085),
               materials.plastic(materials.warm_tone(rng, (0.1, 0.7), (0.05, 0.5))))
