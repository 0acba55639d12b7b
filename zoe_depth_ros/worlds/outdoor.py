# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Random streets."""

from __future__ import annotations

from dataclasses import dataclass
import math
from random import Random

from zoe_depth_ros.worlds import buildings
from zoe_depth_ros.worlds import furniture
from zoe_depth_ros.worlds import materials
from zoe_depth_ros.worlds import street_items
from zoe_depth_ros.worlds.indoor import Place
from zoe_depth_ros.worlds.scene import Lighting
from zoe_depth_ros.worlds.scene import Material
from zoe_depth_ros.worlds.scene import Vector
from zoe_depth_ros.worlds.stage import Frame
from zoe_depth_ros.worlds.stage import Stage

NEAR_M = 30.0
END_M = 110.0
BEHIND_M = -14.0


@dataclass(frozen=True)
class Street:
    """
    Cross-section of a street along x, symmetrical about the line between its lanes.

    :param kind: 'urban', 'suburb' or 'rural'.
    :param lane: width of a lane, metres.
    :param lanes: lanes per direction.
    :param parking: width of the parking strip on each side, 0 for none.
    :param walk: width of the pavement or verge on each side.
    :param setback: from the pavement to the house fronts.
    :param kerb: height of the kerb, 0 where there is none.
    """

    kind: str
    lane: float
    lanes: int
    parking: float
    walk: float
    setback: float
    kerb: float

    @property
    def kerb_y(self) -> float:
        """Distance of the kerb from the middle line."""
        return self.lane * self.lanes + self.parking

    @property
    def front_y(self) -> float:
        """Distance of the house fronts from the middle line."""
        return self.kerb_y + self.walk + self.setback


def outdoor_place(rng: Random) -> Place:
    """Return a random street; cameras stand in the right lane or on the right pavement."""
    street = random_street(rng)
    stage = Stage()
    camera_y = -street.lane / 2 + rng.uniform(-0.4, 0.4)
    if rng.random() < 0.2 and street.kind != 'rural':
        camera_y = -street.kerb_y - street.walk / 2
    stage.claim(0.0, camera_y, 7.0, 1.6)
    build_street(stage, rng, street)
    return Place(stage.scene(daylight(rng)), (-0.5, 0.5), (camera_y - 0.1, camera_y + 0.1), 0.85)


def random_street(rng: Random, kind: str | None = None) -> Street:
    """Return a random cross-section."""
    kind = kind or rng.choices(('urban', 'suburb', 'rural'), (0.5, 0.35, 0.15))[0]
    parking = rng.uniform(1.9, 2.3) if kind != 'rural' and rng.random() < 0.65 else 0.0
    lanes = rng.choices((1, 2), (0.8, 0.2))[0]
    setback = {'urban': (0, 0.5), 'suburb': (2, 9), 'rural': (6, 25)}[kind]
    kerb = 0.0 if kind == 'rural' else rng.uniform(0.08, 0.15)
    return Street(kind, rng.uniform(2.8, 3.6), lanes, parking, rng.uniform(1.5, 4.0),
                  rng.uniform(*setback), kerb)


def build_street(stage: Stage, rng: Random, street: Street,
                 gap: tuple[float, float] | None = None, detail_m: float = NEAR_M) -> None:
    """
    Build a street along x.

    :param stage: where to build.
    :param rng: source of chance.
    :param street: its cross-section.
    :param gap: lowest and highest x on the right side to be left without a house.
    :param detail_m: up to which x vehicles, trees and houses have all their parts.
    """
    surface = materials.asphalt(rng) if rng.random() < 0.88 else materials.paving(rng)
    _ground(stage, rng, street, surface)
    _lines(stage, rng, street, surface)
    _houses(stage, rng, street, 1, (BEHIND_M, END_M), detail_m)
    low, high = gap or (END_M, END_M)
    _houses(stage, rng, street, -1, (BEHIND_M, low), detail_m)
    _houses(stage, rng, street, -1, (high, END_M), detail_m)
    for side in (-1, 1):
        _parked(stage, rng, street, side, detail_m)
        _poles_and_trees(stage, rng, street, side, detail_m)
        _small_things(stage, rng, street, side)
    _traffic(stage, rng, street, detail_m)
    if rng.random() < 0.35:
        far = stage.at(END_M + rng.uniform(5, 30), rng.uniform(-4, 4), 0, math.pi / 2)
        buildings.town_house(far, rng, rng.uniform(15, 40), detailed=False)


def _ground(stage: Stage, rng: Random, street: Street, surface: Material) -> None:
    """Lay the land, the road and the pavements behind their kerbs."""
    length, middle = 900.0, (BEHIND_M + END_M) / 2
    land = materials.grass(rng) if street.kind != 'urban' else materials.paving(rng)
    road = stage.at(middle, 0)
    road.box((0, 0, -0.35), (length, 900.0, 0.3), land)
    road.box((0, 0, -0.2), (length, 2 * street.kerb_y, 0.2), surface)
    walk = materials.grass(rng) if street.kind == 'rural' else materials.paving(rng)
    stone = materials.plastic(materials.gray(rng, 0.5, 0.8))
    outer = street.walk + (street.setback if street.kind == 'urban' else 0) + 0.16
    for side in (-1, 1):
        if street.kerb:
            base = (0.0, side * (street.kerb_y + 0.07), -0.2)
            road.box(base, (length, 0.14, 0.2 + street.kerb), stone)
        base = (0.0, side * (street.kerb_y + 0.14 + outer / 2), -0.2)
        road.box(base, (length, outer, 0.199 + street.kerb), walk)


def _lines(stage: Stage, rng: Random, street: Street, road: Material) -> None:
    """Paint lines: dashes of 3 to 6 m with gaps, edge lines, sometimes a zebra crossing."""
    dash = rng.choice((3.0, 4.0, 6.0))
    broken = materials.dashes(rng, road, dash, dash + rng.choice((3.0, 6.0, 9.0)))
    solid = materials.dashes(rng, road, 1.0, 1.0)
    length, width = END_M - BEHIND_M + 200, rng.uniform(0.1, 0.16)
    road_frame = stage.at((BEHIND_M + END_M) / 2, 0)
    if rng.random() < 0.85:
        _line(road_frame, 0.0, length, width, solid if rng.random() < 0.2 else broken)
    for number in range(1, street.lanes):
        for side in (-1, 1):
            _line(road_frame, side * number * street.lane, length, width, broken)
    if rng.random() < 0.5 or street.kind == 'rural':
        for side in (-1, 1):
            edge = street.lane * street.lanes - (0.15 if not street.parking else 0.0)
            _line(road_frame, side * edge, length, width, solid)
    if street.kind != 'rural' and rng.random() < 0.35:
        zebra = materials.dashes(rng, road, 0.5, 1.0)
        crossing = stage.at(rng.uniform(8, 40), 0, 0, math.pi / 2)
        size = (2 * street.lane * street.lanes, rng.uniform(2.5, 4), 0.006)
        crossing.box((0, 0, 0), size, zebra)


def _line(frame: Frame, y: float, length: float, width: float, paint: Material) -> None:
    frame.box((0, y, 0), (length, width, 0.005), paint)


def _houses(stage: Stage, rng: Random, street: Street, side: int, reach_m: tuple[float, float],
            detail_m: float) -> None:
    """Line one side of the street with houses, gaps, side streets or trees."""
    built, spacing = {
        'urban': (0.92, 0.15), 'suburb': (0.8, 0.8), 'rural': (0.3, 0.8)}[street.kind]
    yaw = math.pi if side > 0 else 0.0
    x, end = reach_m
    while end - x > 6:
        width = rng.uniform(7, 24) if street.kind == 'urban' else rng.uniform(8, 15)
        width = min(width, end - x)
        frame = stage.at(x + width / 2, side * (street.front_y + rng.uniform(0, 0.3)), 0, yaw)
        if rng.random() < built:
            _house(frame, rng, street.kind, width, x < detail_m)
        else:
            _green(frame, rng, width, x < detail_m)
        if street.kind != 'urban' and street.setback > 3 and rng.random() < 0.5:
            edge = stage.at(x + width / 2, side * (street.kerb_y + street.walk + 0.6), 0, yaw)
            buildings.fence(edge, rng, width * rng.uniform(0.6, 1.0))
        x += width + (rng.uniform(3, 9) if rng.random() < spacing else 0.0)


def _house(frame: Frame, rng: Random, kind: str, width: float, detailed: bool) -> None:
    if kind == 'urban':
        build = rng.choices((buildings.town_house, buildings.hall), (0.92, 0.08))[0]
    else:
        build = rng.choices((buildings.cottage, buildings.town_house, buildings.hall),
                            (0.75, 0.15, 0.1))[0]
    build(frame, rng, width, detailed=detailed)


def _green(frame: Frame, rng: Random, width: float, detailed: bool) -> None:
    for _ in range(rng.randint(1, 4)):
        spot = frame.at(rng.uniform(-0.5, 0.5) * width, -rng.uniform(2.5, 10))
        street_items.tree(spot, rng, detailed=detailed)


def _parked(stage: Stage, rng: Random, street: Street, side: int, detail_m: float) -> None:
    if not street.parking:
        return
    share, x = rng.uniform(0.1, 0.9), BEHIND_M + rng.uniform(0, 5)
    y = side * (street.kerb_y - street.parking / 2)
    while x < 70:
        if rng.random() < share and stage.claim(x, y, 5.0, 1.9, 0.0):
            heading = (0.0 if side < 0 else math.pi) + rng.gauss(0, 0.02)
            street_items.car(stage.at(x, y, 0, heading), rng, detailed=x < detail_m / 2)
        x += rng.uniform(5.6, 7.0)


def _traffic(stage: Stage, rng: Random, street: Street, detail_m: float) -> None:
    """Put vehicles on the lanes, those on the right moving along x."""
    density = rng.uniform(0.0, 0.6)
    for side in (-1, 1):
        for number in range(street.lanes):
            y = side * (number + 0.5) * street.lane
            x, speed = BEHIND_M + rng.uniform(0, 20), rng.uniform(4, 12)
            while x < END_M:
                if rng.random() < density and stage.claim(x, y, 9.0, 2.2, 0.0):
                    heading = 0.0 if side < 0 else math.pi
                    frame = stage.at(x, y + rng.gauss(0, 0.1), 0, heading,
                                     (-side * speed, 0.0, 0.0))
                    street_items.vehicle(frame, rng, detailed=x < detail_m)
                x += rng.uniform(11, 30)


def _poles_and_trees(stage: Stage, rng: Random, street: Street, side: int, detail_m: float,
                     ) -> None:
    yaw = 0.0 if side < 0 else math.pi
    edge, step = side * (street.kerb_y + 0.45), rng.uniform(18, 35)
    x = BEHIND_M + rng.uniform(0, step)
    while x < END_M and street.kind != 'rural':
        if stage.claim(x, edge, 0.3, 0.3):
            street_items.lamp_post(stage.at(x, edge, street.kerb, yaw), rng)
        x += step
    for _ in range(rng.randint(2, 12) if rng.random() < 0.4 else rng.randint(0, 3)):
        x, y = rng.uniform(BEHIND_M, END_M * 0.7), side * (street.kerb_y + rng.uniform(0.7, 1.0))
        if street.kind == 'rural':
            y += side * rng.uniform(0, 12)
        if stage.claim(x, y, 3.0, 0.6):
            street_items.tree(stage.at(x, y), rng, detailed=x < detail_m)


def _small_things(stage: Stage, rng: Random, street: Street, side: int) -> None:
    """Put signs, benches, bins and people on the pavement."""
    for _ in range(rng.randint(0, 3)):
        spot = _spot(stage, rng, street, side, 0.6)
        if spot:
            street_items.sign(stage.at(*spot, street.kerb), rng)
    if street.kind == 'rural':
        return
    for _ in range(rng.randint(0, 3)):
        spot = _spot(stage, rng, street, side, 1.7)
        if spot:
            yaw = 0.0 if side < 0 else math.pi
            street_items.street_furniture(stage.at(*spot, street.kerb, yaw), rng)
    for _ in range(rng.choice((0, 0, 1, 2, 4))):
        spot = _spot(stage, rng, street, side, 0.6)
        if spot:
            walks = rng.choice((-1, 1))
            heading = 0.0 if walks > 0 else math.pi
            frame = stage.at(*spot, street.kerb, heading, (1.3 * walks, 0.0, 0.0))
            furniture.person(frame, rng)


def _spot(stage: Stage, rng: Random, street: Street, side: int, length: float,
          ) -> tuple[float, float] | None:
    """Return a free place on the pavement."""
    x = rng.uniform(3.0, 40.0)
    y = side * (street.kerb_y + rng.uniform(0.4, max(0.5, street.walk - 0.3)))
    return (x, y) if stage.claim(x, y, length, 0.6) else None


def daylight(rng: Random) -> Lighting:
    """Return the light of a sunny, hazy or overcast day."""
    overcast = rng.random() < 0.35
    elevation, azimuth = rng.uniform(0.25, 1.2), rng.uniform(-math.pi, math.pi)
    direction: Vector = (math.cos(elevation) * math.cos(azimuth),
                         math.cos(elevation) * math.sin(azimuth), math.sin(elevation))
    strength = rng.uniform(0.0, 0.15) if overcast else rng.uniform(0.5, 1.1)
    warmth = rng.uniform(0.0, 0.2)
    gray = rng.uniform(0.5, 0.9) if overcast else rng.uniform(0.35, 0.6)
    blue = rng.uniform(0.0, 0.1) if overcast else rng.uniform(0.1, 0.35)
    haze = rng.uniform(0.6, 1.1)
    zenith = haze * rng.uniform(0.8, 1.0) if overcast else haze * rng.uniform(0.4, 0.7)
    return Lighting(
        direction, (strength * (1 + warmth), strength, strength * (1 - warmth)),
        (gray * (1 - blue / 3), gray, gray * (1 + blue / 2)),
        (gray * 0.55, gray * 0.5, gray * 0.45),
        shadow=rng.uniform(0.6, 0.95), haze_per_m=rng.choice((0.0005, 0.002, 0.006, 0.012)),
        haze=(haze * 0.96, haze, haze * 1.03),
        zenith=(zenith * (1 - blue * 1.6), zenith * (1 - blue * 0.4), zenith * (1 + blue * 0.5)),
        clouds=rng.uniform(0.3, 0.8))
