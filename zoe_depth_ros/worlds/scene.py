# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
What a random world is made of: solids with materials, light, and the eye that looks at them.

World frame: x forward along the street or corridor, y left, z up, floor or road at z = 0, metres.
"""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import field
import math

import numpy as np
from numpy.typing import NDArray

from zoe_depth_ros.camera import Camera
from zoe_depth_ros.config import Domain
from zoe_depth_ros.config import DOMAINS
from zoe_depth_ros.errors import ConfigError

Vector = tuple[float, float, float]
FloatArray = NDArray[np.float64]
WHITE: Vector = (0.8, 0.8, 0.8)


@dataclass(frozen=True)
class Material:
    """
    A surface colour laid out in cells (tiles, bricks, planks, windows) of real size, with grain.

    :param color: linear RGB albedo of the cells.
    :param gap_color: linear RGB albedo between the cells.
    :param cell_m: cell width and height in metres.
    :param gap: fraction of the cell's width and height that is gap.
    :param shift: shift of each row against the one below, in cells (0.5: bricks).
    :param variation: random brightness of the cells, +- this fraction.
    :param tint: random hue of the cells, +- this albedo.
    :param checker: 1 turns every second cell into gap colour.
    :param noise: amplitude of the grain, as a fraction of the albedo.
    :param grain_m: size of a speck of grain along the surface's two axes in metres.
    :param glow: light emitted, in units of albedo.
    """

    color: Vector = WHITE
    gap_color: Vector = WHITE
    cell_m: tuple[float, float] = (1.0, 1.0)
    gap: tuple[float, float] = (0.0, 0.0)
    shift: float = 0.0
    variation: float = 0.0
    tint: float = 0.0
    checker: float = 0.0
    noise: float = 0.0
    grain_m: tuple[float, float] = (0.008, 0.008)
    glow: float = 0.0


PLAIN = Material()


@dataclass(frozen=True)
class Box:
    """
    A box standing upright, turned about the vertical; its top may be smaller than its base.

    :param center_m: centre in the world.
    :param size_m: full length, width, height along the box's own axes.
    :param material: its surface.
    :param yaw_rad: turn about the world's z axis.
    :param taper: size of the top relative to the base along length and width (0: a ridge).
    :param casts_shadow: whether it darkens the ground beside it.
    :param velocity_mps: how it moves in a drive.
    :param indoors: whether lamps light it rather than sun and sky.
    """

    center_m: Vector
    size_m: Vector
    material: Material = PLAIN
    yaw_rad: float = 0.0
    taper: tuple[float, float] = (1.0, 1.0)
    casts_shadow: bool = False
    velocity_mps: Vector = (0.0, 0.0, 0.0)
    indoors: bool = False


@dataclass(frozen=True)
class Round:
    """
    An ellipsoid or an upright elliptic cylinder (a tube: no lids).

    :param center_m: centre in the world.
    :param radii_m: half axes; of a cylinder the third is half its height.
    :param material: its surface.
    :param yaw_rad: turn about the world's z axis.
    :param is_cylinder: a tube instead of an ellipsoid.
    :param casts_shadow: whether it darkens the ground below it.
    :param velocity_mps: how it moves in a drive.
    :param indoors: whether lamps light it rather than sun and sky.
    """

    center_m: Vector
    radii_m: Vector
    material: Material = PLAIN
    yaw_rad: float = 0.0
    is_cylinder: bool = False
    casts_shadow: bool = False
    velocity_mps: Vector = (0.0, 0.0, 0.0)
    indoors: bool = False


@dataclass(frozen=True)
class Lighting:
    """
    Light of a scene: a sun and a sky outdoors, lamps and their reflections indoors.

    :param sun_direction: unit vector towards the sun.
    :param sun: linear RGB of the sun on a surface that faces it.
    :param sky: linear RGB falling on surfaces that face up.
    :param bounce: linear RGB falling on surfaces that face down.
    :param room: linear RGB falling on surfaces indoors from all around.
    :param lamps_m: positions of point lights.
    :param lamp: linear RGB of a lamp at one metre.
    :param shadow: fraction of the direct light that a shadow takes away.
    :param haze_per_m: extinction by haze.
    :param haze: linear RGB of thick haze and of the horizon.
    :param zenith: linear RGB of the sky overhead.
    :param clouds: amount of clouds, 0 to 1.
    """

    sun_direction: Vector = (0.0, 0.0, 1.0)
    sun: Vector = (0.6, 0.6, 0.6)
    sky: Vector = (0.4, 0.4, 0.4)
    bounce: Vector = (0.3, 0.3, 0.3)
    room: Vector = (0.4, 0.4, 0.4)
    lamps_m: tuple[Vector, ...] = ()
    lamp: Vector = (0.0, 0.0, 0.0)
    shadow: float = 0.8
    haze_per_m: float = 0.0
    haze: Vector = (0.7, 0.75, 0.8)
    zenith: Vector = (0.25, 0.4, 0.7)
    clouds: float = 0.0


@dataclass(frozen=True)
class Sensor:
    """
    What the image sensor does to the light.

    :param exposure: mean brightness aimed at, linear.
    :param white_balance: gain of each colour.
    :param noise: standard deviation of the pixel noise in the image's 0 to 1 range.
    :param vignette: light lost in the image corners.
    :param blur: weight of the neighbouring pixels, 0 to 0.5.
    :param noise_offset: place in the table of noise below 65536, so that images differ.
    """

    exposure: float = 0.22
    white_balance: Vector = (1.0, 1.0, 1.0)
    noise: float = 0.0
    vignette: float = 0.0
    blur: float = 0.0
    noise_offset: int = 0


@dataclass(frozen=True)
class Scene:
    """Solids and their light; the open sky is where no solid is."""

    boxes: tuple[Box, ...] = ()
    rounds: tuple[Round, ...] = ()
    lighting: Lighting = field(default_factory=Lighting)


@dataclass(frozen=True)
class View:
    """
    A scene seen by one camera.

    :param scene: what is seen.
    :param camera: pinhole camera of the image.
    :param camera_to_world: (4, 4) float64 pose of the optical frame, metres.
    :param domain: 'indoor' or 'outdoor'.
    :param sensor: how the image is made.
    :param time_s: when, for what moves.
    """

    scene: Scene
    camera: Camera
    camera_to_world: FloatArray
    domain: Domain = 'indoor'
    sensor: Sensor = field(default_factory=Sensor)
    time_s: float = 0.0

    def __post_init__(self) -> None:
        if self.domain not in DOMAINS:
            raise ConfigError(f'domain {self.domain!r} is not one of {DOMAINS}')
        if self.camera_to_world.shape != (4, 4) or not np.isfinite(self.camera_to_world).all():
            raise ConfigError(f'camera_to_world {self.camera_to_world} is not a finite 4x4 pose')


def camera_pose(position_m: Vector, yaw_rad: float, pitch_rad: float, roll_rad: float = 0.0,
                ) -> FloatArray:
    """
    Return the pose of a camera that looks along yaw, tilted up by pitch, then turned by roll.

    :param position_m: optical centre in the world.
    :param yaw_rad: heading, 0 along the world's x, positive to the left.
    :param pitch_rad: tilt, positive up.
    :param roll_rad: turn about the optical axis, positive clockwise as seen by the camera.
    :return: (4, 4) float64 camera_to_world of the optical frame (z forward, x right, y down).
    """
    cos_yaw, sin_yaw = math.cos(yaw_rad), math.sin(yaw_rad)
    cos_pitch, sin_pitch = math.cos(pitch_rad), math.sin(pitch_rad)
    forward = np.array([cos_yaw * cos_pitch, sin_yaw * cos_pitch, sin_pitch])
    level = np.array([sin_yaw, -cos_yaw, 0.0])
    drop = np.cross(forward, level)
    cos_roll, sin_roll = math.cos(roll_rad), math.sin(roll_rad)
    pose = np.eye(4)
    pose[:3, 0] = cos_roll * level + sin_roll * drop
    pose[:3, 1] = cos_roll * drop - sin_roll * level
    pose[:3, 2] = forward
    pose[:3, 3] = position_m
    return pose
