# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Walls, floors and ceilings of rooms, and what stands along their walls."""

from __future__ import annotations

from dataclasses import dataclass
import math
from random import Random

from zoe_depth_ros.worlds import fittings
from zoe_depth_ros.worlds import furniture
from zoe_depth_ros.worlds import materials
from zoe_depth_ros.worlds.scene import Material
from zoe_depth_ros.worlds.stage import Frame
from zoe_depth_ros.worlds.stage import Stage

WALL_M = 0.12
FURNISHINGS: dict[str, dict[str, float]] = {
    'living': {'sofa': 3, 'shelf': 2, 'cupboard': 2, 'picture': 3, 'window': 2, 'plant': 1.5,
               'lamp': 1, 'door': 1.5, 'bin': 0.4, 'gap': 0.7},
    'bedroom': {'bed': 3, 'cupboard': 3, 'shelf': 1, 'picture': 2, 'window': 2, 'desk': 1,
                'door': 1.5, 'plant': 0.5, 'gap': 0.7},
    'kitchen': {'kitchen': 4, 'appliance': 3, 'cupboard': 1, 'window': 2, 'door': 1.5,
                'picture': 1, 'bin': 1, 'gap': 0.5},
    'office': {'desk': 4, 'shelf': 3, 'cupboard': 2, 'window': 2, 'picture': 2, 'plant': 1,
               'door': 1.5, 'bin': 1, 'boxes': 1, 'gap': 0.7},
    'store': {'shelf': 3, 'boxes': 4, 'cupboard': 2, 'door': 1.5, 'gap': 1.5, 'bin': 1},
    'corridor': {'door': 6, 'gap': 4, 'picture': 2, 'extinguisher': 1, 'plant': 0.4, 'bin': 0.5,
                 'cupboard': 0.4, 'radiator': 0.7, 'boxes': 0.3},
}


@dataclass(frozen=True)
class Extent:
    """
    The inside of a room.

    :param x_low: first wall along x, metres.
    :param x_high: last wall along x.
    :param y_low: right wall.
    :param y_high: left wall.
    :param height: ceiling height.
    """

    x_low: float
    x_high: float
    y_low: float
    y_high: float
    height: float

    @property
    def length(self) -> float:
        """Size along x in metres."""
        return self.x_high - self.x_low

    @property
    def width(self) -> float:
        """Size along y in metres."""
        return self.y_high - self.y_low

    @property
    def middle(self) -> tuple[float, float]:
        """Centre of the floor."""
        return (self.x_low + self.x_high) / 2, (self.y_low + self.y_high) / 2


@dataclass(frozen=True)
class Opening:
    """
    A passage through a wall.

    :param x: its middle along the wall's frame, metres.
    :param width: clear width.
    :param height: clear height.
    """

    x: float
    width: float
    height: float


def wall_frames(stage: Stage, room: Extent) -> dict[str, tuple[Frame, float]]:
    """Return per wall the frame at its middle, y pointing inward, and the wall's length."""
    x, y = room.middle
    return {
        'right': (stage.at(x, room.y_low), room.length),
        'left': (stage.at(x, room.y_high, 0, math.pi), room.length),
        'back': (stage.at(room.x_low, y, 0, -math.pi / 2), room.width),
        'front': (stage.at(room.x_high, y, 0, math.pi / 2), room.width),
    }


def build_shell(stage: Stage, rng: Random, room: Extent, openings: dict[str, Opening],
                without: str = '') -> None:
    """Build floor, ceiling, walls with their passages and skirting boards, but one wall."""
    x, y = room.middle
    size = (room.length + WALL_M + 0.004, room.width + 2 * WALL_M)
    middle = stage.at(x, y)
    middle.box((0, 0, -0.1), (*size, 0.1), materials.floor(rng))
    middle.box((0, 0, room.height), (*size, 0.1), materials.ceiling(rng))
    common, skirting = materials.wall(rng), materials.plastic(materials.gray(rng, 0.2, 0.97))
    board = rng.uniform(0.05, 0.12)
    for side, (frame, length) in wall_frames(stage, room).items():
        if side == without:
            continue
        own = materials.wall(rng) if rng.random() < 0.12 else common
        for left, right, low, high in _wall_parts(length, room.height, openings.get(side)):
            part = ((left + right) / 2, right - left)
            frame.box((part[0], -WALL_M / 2, low), (part[1], WALL_M, high - low), own)
            if low == 0 and board > 0.065:
                frame.box((part[0], 0.007, 0), (part[1] - 0.002, 0.014, board), skirting)


def _wall_parts(length: float, height: float, opening: Opening | None,
                ) -> list[tuple[float, float, float, float]]:
    """Return left, right, low, high of the rectangles of a wall, a little beyond its corners."""
    left, right = -length / 2 - WALL_M, length / 2 + WALL_M
    if opening is None:
        return [(left, right, 0.0, height)]
    start, end = opening.x - opening.width / 2, opening.x + opening.width / 2
    return [(left, start, 0.0, height), (end, right, 0.0, height),
            (start, end, opening.height, height)]


def furnish_wall(frame: Frame, rng: Random, length: float, kinds: dict[str, float],
                 opening: Opening | None, door_leaf: Material) -> None:
    """Put things along a wall, of kinds drawn by weight, where there is room for them."""
    names, weights = list(kinds), list(kinds.values())
    x = -length / 2 + rng.uniform(0.1, 0.7)
    for _ in range(12):
        kind = rng.choices(names, weights)[0]
        width = _width(kind, rng)
        start = x
        x += width + rng.uniform(0.05, 0.6)
        if start + width > length / 2 - 0.1:
            return
        if opening and abs(start + width / 2 - opening.x) < opening.width + width / 2:
            continue
        put_at_wall(kind, frame.at(start + width / 2, 0), rng, width, door_leaf)


def _width(kind: str, rng: Random) -> float:
    low, high = {
        'sofa': (0.9, 2.3), 'shelf': (0.6, 1.4), 'cupboard': (0.5, 2.0), 'bed': (0.9, 1.8),
        'kitchen': (1.2, 3.2), 'desk': (1.2, 1.9), 'picture': (0.3, 1.5), 'window': (0.9, 2.2),
        'door': (0.94, 1.04), 'appliance': (0.62, 0.64), 'radiator': (0.7, 1.6), 'gap': (0.3, 1.2),
    }.get(kind, (0.5, 0.7))
    return rng.uniform(low, high)


_DEPTH_M = {'bed': 2.1, 'desk': 1.2, 'kitchen': 0.63, 'appliance': 0.63, 'boxes': 0.5,
            'plant': 0.5, 'bin': 0.4, 'lamp': 0.4}


def put_at_wall(kind: str, frame: Frame, rng: Random, width: float, door_leaf: Material) -> None:
    """Put one thing at a wall unless something stands there."""
    depth = _DEPTH_M.get(kind, 0.1)
    if kind in ('shelf', 'cupboard'):
        depth = rng.uniform(0.26, 0.4) if kind == 'shelf' else rng.uniform(0.38, 0.62)
    elif kind == 'sofa':
        depth = rng.uniform(0.78, 0.98)
    if kind == 'gap' or not frame.at(0, depth / 2).claim(width, depth):
        return
    if kind in _LOW and rng.random() < 0.5:
        fittings.picture(frame, rng, width * rng.uniform(0.3, 0.6), low=1.15)
    if kind in ('shelf', 'cupboard', 'sofa'):
        sized = {'shelf': furniture.shelf, 'cupboard': furniture.cupboard, 'sofa': furniture.sofa}
        sized[kind](frame, rng, width, depth)
    elif kind == 'door':
        fittings.door(frame, rng, width - 0.14, door_leaf)
        if rng.random() < 0.5:
            fittings.switch(frame.at(width / 2 + 0.12, 0), rng)
    elif kind in _WIDE:
        _WIDE[kind](frame, rng, width)
    else:
        _FIXED[kind](frame, rng)


_LOW = ('sofa', 'bed', 'radiator', 'boxes')
_WIDE = {'bed': furniture.bed, 'kitchen': furniture.kitchen, 'window': fittings.window,
         'picture': fittings.picture, 'radiator': fittings.radiator}
_FIXED = {'desk': furniture.desk, 'appliance': furniture.appliance, 'boxes': furniture.boxes,
          'plant': furniture.plant, 'bin': furniture.bin_or_stool, 'lamp': furniture.floor_lamp,
          'extinguisher': fittings.extinguisher}
