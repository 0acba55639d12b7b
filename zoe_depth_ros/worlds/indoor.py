# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Random rooms and corridors."""

from __future__ import annotations

from dataclasses import dataclass
import math
from random import Random

from zoe_depth_ros.worlds import fittings
from zoe_depth_ros.worlds import furniture
from zoe_depth_ros.worlds import materials
from zoe_depth_ros.worlds.rooms import build_shell
from zoe_depth_ros.worlds.rooms import Extent
from zoe_depth_ros.worlds.rooms import furnish_wall
from zoe_depth_ros.worlds.rooms import FURNISHINGS
from zoe_depth_ros.worlds.rooms import Opening
from zoe_depth_ros.worlds.rooms import wall_frames
from zoe_depth_ros.worlds.rooms import WALL_M
from zoe_depth_ros.worlds.scene import Lighting
from zoe_depth_ros.worlds.scene import Scene
from zoe_depth_ros.worlds.scene import Vector
from zoe_depth_ros.worlds.stage import Stage


@dataclass(frozen=True)
class Place:
    """
    A scene and where a camera may stand in it.

    :param scene: the scene.
    :param x_m: lowest and highest x of the camera.
    :param y_m: lowest and highest y of the camera.
    :param along: probability that the camera looks along x, give or take a few degrees.
    """

    scene: Scene
    x_m: tuple[float, float]
    y_m: tuple[float, float]
    along: float


def indoor_place(rng: Random) -> Place:
    """Return a random room or corridor."""
    is_corridor = rng.random() < 0.3
    room = corridor_extent(rng) if is_corridor else _room_extent(rng)
    stage = Stage(indoors=True)
    kind = 'corridor' if is_corridor else rng.choice(
        ('living', 'bedroom', 'kitchen', 'office', 'store'))
    openings = _openings(rng, room)
    lamps = furnish(stage, rng, room, kind, openings)
    if 'front' in openings:
        _next_room(stage, rng, room, openings['front'])
    margin = min(0.5, room.width / 2 - 0.3)
    return Place(
        stage.scene(lamp_light(rng, lamps)), (room.x_low + margin, room.x_high - margin),
        (room.y_low + margin, room.y_high - margin), 0.7 if is_corridor else 0.0)


def _room_extent(rng: Random) -> Extent:
    length, width = rng.uniform(2.8, 9.0), rng.uniform(2.5, 6.5)
    return Extent(0.0, length, -width / 2, width / 2, rng.uniform(2.3, 3.2))


def corridor_extent(rng: Random) -> Extent:
    """Return the inside of a random corridor along x."""
    width = rng.uniform(1.2, 2.8)
    return Extent(0.0, rng.uniform(6.0, 25.0), -width / 2, width / 2, rng.uniform(2.3, 3.2))


def _openings(rng: Random, room: Extent) -> dict[str, Opening]:
    """Return a passage in the front wall, sometimes."""
    if rng.random() > 0.45:
        return {}
    width = rng.uniform(0.8, min(1.6, room.width - 0.3))
    reach = (room.width - width) / 2 - 0.1
    height = rng.uniform(2.0, 2.15) if width < 1.2 else rng.uniform(2.05, room.height - 0.1)
    return {'front': Opening(rng.uniform(-reach, reach), width, height)}


def furnish(stage: Stage, rng: Random, room: Extent, kind: str, openings: dict[str, Opening],
            ) -> list[Vector]:
    """Build and furnish a room of that kind; return where its lamps hang."""
    leaf = materials.wood(rng)
    build_shell(stage, rng, room, openings)
    if kind != 'corridor' and rng.random() < 0.6:
        _middle(stage, rng, room, kind)
    for side, (frame, length) in wall_frames(stage, room).items():
        furnish_wall(frame, rng, length, FURNISHINGS[kind], openings.get(side), leaf)
        if side in openings:
            gap = openings[side]
            fittings.door_case(frame.at(gap.x, 0), gap.width, gap.height, leaf)
    return hang_lamps(stage, rng, room)


def _middle(stage: Stage, rng: Random, room: Extent, kind: str) -> None:
    """Put a table, a person or a carpet into the middle of a room."""
    x, y = room.middle
    if min(room.length, room.width) < 3.2:
        return
    frame = stage.at(x + rng.uniform(-0.2, 0.2) * room.length, y, 0, rng.choice((0, math.pi / 2)))
    if rng.random() < 0.5:
        frame.box((0, 0, 0), (rng.uniform(1.4, 2.6), rng.uniform(1.0, 1.8), 0.01),
                  materials.carpet(rng) if rng.random() < 0.4 else materials.fabric(rng))
    if kind != 'store' and rng.random() < 0.6 and frame.claim(2.2, 2.0):
        furniture.table_group(frame, rng)
    if rng.random() < 0.3:
        other = stage.at(rng.uniform(room.x_low + 0.7, room.x_high - 0.7),
                         rng.uniform(room.y_low + 0.7, room.y_high - 0.7), 0, rng.uniform(0, 6))
        if other.claim(0.6, 0.6):
            furniture.person(other, rng)


def hang_lamps(stage: Stage, rng: Random, room: Extent) -> list[Vector]:
    """Hang a lamp or a row of lamps; return up to three light sources."""
    _, y = room.middle
    kind = rng.choice(('panel', 'panel', 'tube', 'ball', 'pendant'))
    if room.width < 3 and kind == 'pendant':
        kind = 'panel'
    count = max(1, round(room.length / rng.uniform(2.5, 5.0)))
    places = [room.x_low + (number + 0.5) * room.length / count for number in range(count)]
    for place in places:
        fittings.ceiling_lamp(stage.at(place, y), rng, room.height, kind)
    lit = places if count <= 3 else [places[0], places[count // 2], places[-1]]
    return [(place, y, room.height - 0.25) for place in lit]


def _next_room(stage: Stage, rng: Random, room: Extent, gap: Opening) -> None:
    """Build a plainly furnished room behind the front wall."""
    _, y = room.middle
    start, width = room.x_high + WALL_M, rng.uniform(2.0, 5.0)
    middle = y + gap.x + rng.uniform(-0.2, 0.2) * (width - gap.width)
    behind = Extent(start, start + rng.uniform(1.5, 5.0), middle - width / 2, middle + width / 2,
                    room.height)
    build_shell(stage, rng, behind, {}, without='back')
    kinds = FURNISHINGS[rng.choice(('living', 'office', 'corridor'))]
    leaf = materials.wood(rng)
    frame, length = wall_frames(stage, behind)['front']
    furnish_wall(frame, rng, length, kinds, None, leaf)


def lamp_light(rng: Random, lamps: list[Vector]) -> Lighting:
    """Return lamp light of a random warmth and strength over even room light."""
    warmth = rng.uniform(-0.12, 0.25)
    strength, room = rng.uniform(0.4, 2.2), rng.uniform(0.15, 0.5)
    color = (1 + warmth, 1.0, 1 - warmth)
    return Lighting(
        lamps_m=tuple(lamps), lamp=(strength * color[0], strength, strength * color[2]),
        room=(room * (1 + warmth / 2), room, room * (1 - warmth / 2)),
        shadow=rng.uniform(0.2, 0.7))
