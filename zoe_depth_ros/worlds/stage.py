# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A stage on which scenes are put together, piece by piece, in the pieces' own frames."""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import field
from dataclasses import replace
import math

from zoe_depth_ros.worlds.scene import Box
from zoe_depth_ros.worlds.scene import Lighting
from zoe_depth_ros.worlds.scene import Material
from zoe_depth_ros.worlds.scene import Round
from zoe_depth_ros.worlds.scene import Scene
from zoe_depth_ros.worlds.scene import Vector

Rectangle = tuple[float, float, float, float]


@dataclass
class Stage:
    """
    Solids collected so far, and the ground they take.

    :param boxes: the boxes.
    :param rounds: the ellipsoids and cylinders.
    :param indoors: whether what is put down stands under lamps rather than sun and sky.
    :param taken: ground rectangles (x low, y low, x high, y high) where something stands.
    """

    boxes: list[Box] = field(default_factory=list)
    rounds: list[Round] = field(default_factory=list)
    indoors: bool = False
    taken: list[Rectangle] = field(default_factory=list)

    def at(self, x: float, y: float, z: float = 0.0, yaw_rad: float = 0.0,
           velocity_mps: Vector = (0.0, 0.0, 0.0)) -> Frame:
        """Return a frame at that place in which pieces are put down."""
        return Frame(self, x, y, z, yaw_rad, velocity_mps)

    def claim(self, x: float, y: float, length: float, width: float, margin: float = 0.05) -> bool:
        """Take length by width of the ground about (x, y); False if something stands there."""
        low_x, low_y = x - length / 2 - margin, y - width / 2 - margin
        high_x, high_y = x + length / 2 + margin, y + width / 2 + margin
        for other in self.taken:
            if low_x < other[2] and high_x > other[0] and low_y < other[3] and high_y > other[1]:
                return False
        self.taken.append((low_x, low_y, high_x, high_y))
        return True

    def add(self, other: Stage, place: Frame) -> None:
        """Put what stands on another stage, its origin and axes at the frame, onto this one."""
        for box in other.boxes:
            center, yaw = place.world_point(box.center_m), box.yaw_rad + place.yaw_rad
            self.boxes.append(replace(box, center_m=center, yaw_rad=yaw))
        for item in other.rounds:
            center, yaw = place.world_point(item.center_m), item.yaw_rad + place.yaw_rad
            self.rounds.append(replace(item, center_m=center, yaw_rad=yaw))

    def scene(self, lighting: Lighting) -> Scene:
        """Return what stands on the stage, in this light."""
        return Scene(tuple(self.boxes), tuple(self.rounds), lighting)


@dataclass(frozen=True)
class Frame:
    """
    A place on the stage: x forward, y left, z up; pieces are given by the middle of their base.

    :param stage: where the pieces go.
    :param x: origin in the world, metres.
    :param y: origin in the world, metres.
    :param z: height of the origin, metres.
    :param yaw_rad: turn of the frame about the vertical.
    :param velocity_mps: how the pieces move.
    """

    stage: Stage
    x: float
    y: float
    z: float
    yaw_rad: float
    velocity_mps: Vector

    def at(self, x: float, y: float, z: float = 0.0, yaw_rad: float = 0.0) -> Frame:
        """Return a frame inside this one."""
        world = self.world_point((x, y, z))
        return Frame(self.stage, *world, self.yaw_rad + yaw_rad, self.velocity_mps)

    def claim(self, length: float, width: float, margin: float = 0.05) -> bool:
        """Take the ground around the origin; False if something stands there."""
        cos, sin = abs(math.cos(self.yaw_rad)), abs(math.sin(self.yaw_rad))
        return self.stage.claim(
            self.x, self.y, length * cos + width * sin, length * sin + width * cos, margin)

    def box(self, base_m: Vector, size_m: Vector, material: Material, *, yaw_rad: float = 0.0,
            taper: tuple[float, float] = (1.0, 1.0), shadow: bool = False) -> None:
        """Put down a box, `base_m` the middle of its base."""
        center = self.world_point((base_m[0], base_m[1], base_m[2] + size_m[2] / 2))
        self.stage.boxes.append(Box(
            center, size_m, material, self.yaw_rad + yaw_rad, taper, shadow, self.velocity_mps,
            self.stage.indoors))

    def ball(self, base_m: Vector, radii_m: Vector, material: Material, *,
             shadow: bool = False) -> None:
        """Put down an ellipsoid, `base_m` its lowest point."""
        self._round(base_m, radii_m, material, is_cylinder=False, shadow=shadow)

    def tube(self, base_m: Vector, radius_m: float, height_m: float, material: Material) -> None:
        """Put up a cylinder without a lid, `base_m` the middle of its foot."""
        radii = (radius_m, radius_m, height_m / 2)
        self._round(base_m, radii, material, is_cylinder=True, shadow=False)

    def drum(self, base_m: Vector, radius_m: float, height_m: float, material: Material) -> None:
        """Put up a cylinder closed by a slightly domed lid."""
        self.tube(base_m, radius_m, height_m, material)
        top = (base_m[0], base_m[1], base_m[2] + height_m - 0.015)
        self.ball(top, (radius_m, radius_m, 0.015), material, shadow=True)

    def _round(self, base_m: Vector, radii_m: Vector, material: Material, *, is_cylinder: bool,
               shadow: bool) -> None:
        center = self.world_point((base_m[0], base_m[1], base_m[2] + radii_m[2]))
        self.stage.rounds.append(Round(
            center, radii_m, material, self.yaw_rad, is_cylinder, shadow, self.velocity_mps,
            self.stage.indoors))

    def world_point(self, point_m: Vector) -> Vector:
        """Return a point of this frame in the world."""
        x, y, z = point_m
        cos, sin = math.cos(self.yaw_rad), math.sin(self.yaw_rad)
        return self.x + cos * x - sin * y, self.y + sin * x + cos * y, self.z + z
