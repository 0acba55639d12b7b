# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Camera drives through random worlds: a corridor, a street, and out of a door into a street."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from dataclasses import dataclass
from dataclasses import replace
import math
from random import Random

import numpy as np
from numpy.typing import NDArray

from zoe_depth_ros.camera import Camera
from zoe_depth_ros.config import Domain
from zoe_depth_ros.errors import ConfigError
from zoe_depth_ros.worlds.indoor import corridor_extent
from zoe_depth_ros.worlds.indoor import furnish
from zoe_depth_ros.worlds.indoor import lamp_light
from zoe_depth_ros.worlds.materials import facade
from zoe_depth_ros.worlds.noise import SENSOR_OFFSETS
from zoe_depth_ros.worlds.outdoor import build_street
from zoe_depth_ros.worlds.outdoor import daylight
from zoe_depth_ros.worlds.outdoor import END_M
from zoe_depth_ros.worlds.outdoor import random_street
from zoe_depth_ros.worlds.outdoor import Street
from zoe_depth_ros.worlds.rooms import Extent
from zoe_depth_ros.worlds.rooms import Opening
from zoe_depth_ros.worlds.rooms import WALL_M
from zoe_depth_ros.worlds.sample import FOCAL_OF_WIDTH
from zoe_depth_ros.worlds.sample import random_sensor
from zoe_depth_ros.worlds.sample import render_views
from zoe_depth_ros.worlds.scene import camera_pose
from zoe_depth_ros.worlds.scene import FloatArray
from zoe_depth_ros.worlds.scene import Scene
from zoe_depth_ros.worlds.scene import Vector
from zoe_depth_ros.worlds.scene import View
from zoe_depth_ros.worlds.stage import Stage

# One lens has to serve both sides of the door: between the focal lengths of the two domains.
DOORWAY_FOCAL_OF_WIDTH = math.sqrt(FOCAL_OF_WIDTH['indoor'] * FOCAL_OF_WIDTH['outdoor'])
DOOR_TO_STREET_M = 0.25
HOUSE_M = 12.0


@dataclass(frozen=True)
class WorldFrame:
    """
    One image of a drive.

    :param image_u8: (H, W, 3) uint8 RGB.
    :param depth_m: (H, W) float32, metres along the optical axis, NaN in the sky.
    :param camera: pinhole camera of the image.
    :param domain: 'indoor' or 'outdoor': where the camera is.
    :param camera_to_world: (4, 4) float64 pose of the optical frame, metres.
    :param stamp_ns: time since the start of the drive.
    """

    image_u8: NDArray[np.uint8]
    depth_m: NDArray[np.float32]
    camera: Camera
    domain: Domain
    camera_to_world: FloatArray
    stamp_ns: int


@dataclass(frozen=True)
class Path:
    """
    A smooth way on the ground: heading changes once, from one direction to another.

    :param start_m: first position of the camera.
    :param yaw_rad: heading before and after the turn.
    :param turn_m: distances from the start between which the heading changes.
    :param length_m: length of the way.
    """

    start_m: Vector
    yaw_rad: tuple[float, float]
    turn_m: tuple[float, float]
    length_m: float

    def poses(self, frames: int) -> list[FloatArray]:
        """Return camera poses at equal distances, swaying a little as vehicles do."""
        fine = np.linspace(0, self.length_m, 2001)
        share = np.clip((fine - self.turn_m[0]) / (self.turn_m[1] - self.turn_m[0]), 0, 1)
        yaw = self.yaw_rad[0] + (self.yaw_rad[1] - self.yaw_rad[0]) * share ** 2 * (3 - 2 * share)
        step = np.diff(fine, prepend=0.0)
        x = self.start_m[0] + np.cumsum(np.cos(yaw) * step)
        y = self.start_m[1] + np.cumsum(np.sin(yaw) * step)
        poses = []
        for place in np.linspace(0, self.length_m, frames):
            at = [float(np.interp(place, fine, values)) for values in (x, y, yaw)]
            pitch = math.radians(-3.0 + 0.8 * math.sin(place * 1.1))
            roll = math.radians(0.6 * math.sin(place * 0.7 + 1))
            poses.append(camera_pose((at[0], at[1], self.start_m[2]), at[2], pitch, roll))
        return poses


def corridor_drive(seed: int, size_hw: tuple[int, int], frames: int = 150, fps: float = 30.0,
                   ) -> Iterator[WorldFrame]:
    """Drive along a corridor; arguments as for `doorway_drive`."""
    rng = _checked(seed, frames, fps)
    room = replace(corridor_extent(rng), x_high=rng.uniform(12, 25))
    stage = Stage(indoors=True)
    stage.claim(room.length / 2, 0.0, room.length, 0.8)
    lamps = furnish(stage, rng, room, 'corridor', {})
    length = min(1.5 * frames / fps, room.length - 2.5)
    path = Path((1.0, 0.0, rng.uniform(0.9, 1.3)), (0.04, -0.04), (0.0, length), length)
    camera = _lens(size_hw, FOCAL_OF_WIDTH['indoor'])
    return _film(stage.scene(lamp_light(rng, lamps)), path, camera, rng, frames, fps,
                 lambda _: 'indoor')


def street_drive(seed: int, size_hw: tuple[int, int], frames: int = 150, fps: float = 30.0,
                 ) -> Iterator[WorldFrame]:
    """Drive along a street in the right lane; arguments as for `doorway_drive`."""
    rng = _checked(seed, frames, fps)
    street, stage = random_street(rng), Stage()
    y = -street.lane / 2
    stage.claim(30.0, y, 90.0, 1.8)
    build_street(stage, rng, street, detail_m=END_M)
    length = min(8.0 * frames / fps, 60.0)
    path = Path((0.0, y, rng.uniform(1.4, 1.8)), (0.01, -0.01), (0.0, length), length)
    camera = _lens(size_hw, FOCAL_OF_WIDTH['outdoor'])
    return _film(stage.scene(daylight(rng)), path, camera, rng, frames, fps, lambda _: 'outdoor')


def doorway_drive(seed: int, size_hw: tuple[int, int], frames: int = 150, fps: float = 30.0,
                  focal_of_width: float = DOORWAY_FOCAL_OF_WIDTH) -> Iterator[WorldFrame]:
    """
    Drive along a corridor, out of its door, and along the street outside, in one go.

    :param seed: an integer; decides on corridor, street, light.
    :param size_hw: image height and width in pixels.
    :param frames: number of images, at least 2.
    :param fps: images per second.
    :param focal_of_width: focal length over image width of the one lens.
    :return: the frames in order, rendered one by one as they are asked for.
    :raises ConfigError: fewer than 2 frames, or fps or focal length not positive.
    """
    rng = _checked(seed, frames, fps)
    if not focal_of_width > 0:
        raise ConfigError(f'focal_of_width {focal_of_width} is not positive')
    length = min(max(2.2 * frames / fps, 11.0), 36.0)
    inside = min(0.45 * length, 14.0)
    street = replace(random_street(rng, 'urban'), walk=rng.uniform(4.5, 5.5), setback=0.1)
    door_x = rng.uniform(4.0, 10.0)
    scene = _doorway_scene(rng, street, door_x, inside + 1.0)
    start = (door_x, -street.front_y - DOOR_TO_STREET_M - inside, street.kerb + 1.3)
    turn = inside + DOOR_TO_STREET_M
    path = Path(start, (math.pi / 2, 0.0), (turn, turn + 4.5), length)
    return _film(scene, path, _lens(size_hw, focal_of_width), rng, frames, fps,
                 lambda pose: 'indoor' if pose[1, 3] < -street.front_y else 'outdoor')


def _checked(seed: int, frames: int, fps: float) -> Random:
    if frames < 2:
        raise ConfigError(f'a drive of {frames} frames is no drive')
    if not fps > 0:
        raise ConfigError(f'fps {fps} is not positive')
    return Random(int(seed))


def _lens(size_hw: tuple[int, int], focal_of_width: float) -> Camera:
    height, width = size_hw
    focal = focal_of_width * width
    return Camera(width, height, focal, focal, (width - 1) / 2, (height - 1) / 2)


def _film(scene: Scene, path: Path, camera: Camera, rng: Random, frames: int, fps: float,
          domain_at: Callable[[FloatArray], Domain]) -> Iterator[WorldFrame]:
    sensor = random_sensor(rng)
    for number, pose in enumerate(path.poses(frames)):
        offset = (sensor.noise_offset + 7919 * number) % SENSOR_OFFSETS
        moment = replace(sensor, noise_offset=offset)
        view = View(scene, camera, pose, domain_at(pose), moment, number / fps)
        batch = render_views([view])
        image = (batch.image[0] * 255).round_().byte().permute(1, 2, 0).contiguous().numpy()
        yield WorldFrame(image, batch.depth_m[0, 0].numpy(), camera, view.domain, pose,
                         round(number / fps * 1e9))


def _doorway_scene(rng: Random, street: Street, door_x: float, length: float) -> Scene:
    """Return a street with a house whose corridor, along y, opens to the pavement at door_x."""
    stage, corridor = Stage(), Stage(indoors=True)
    room = replace(corridor_extent(rng), x_high=length)
    door = Opening(0.0, min(rng.uniform(1.1, 1.5), room.width - 0.25), rng.uniform(2.05, 2.2))
    corridor.claim(length / 2, 0.0, length, 0.8)
    lamps = furnish(corridor, rng, room, 'corridor', {'front': door})
    place = stage.at(door_x, -street.front_y - DOOR_TO_STREET_M - length, street.kerb, math.pi / 2)
    stage.add(corridor, place)
    _front(stage, rng, street, door_x, room, door)
    stage.claim(door_x + 20, -street.front_y + 1.6, 46.0, 3.2)
    build_street(stage, rng, street, (door_x - HOUSE_M / 2, door_x + HOUSE_M / 2), END_M)
    inside = lamp_light(rng, [place.world_point(lamp) for lamp in lamps])
    return stage.scene(replace(
        daylight(rng), lamps_m=inside.lamps_m, lamp=inside.lamp, room=inside.room))


def _front(stage: Stage, rng: Random, street: Street, door_x: float, room: Extent, door: Opening,
           ) -> None:
    """Build the house around the corridor: front with the door in it, and its bulk."""
    front = stage.at(door_x, -street.front_y, street.kerb)
    storey = rng.uniform(2.9, 3.3)
    wall, height, half, thick = facade(rng, storey), storey * rng.randint(2, 5), HOUSE_M / 2, 0.13
    side = half - door.width / 2
    for sign in (-1, 1):
        base = (sign * (half - side / 2), -thick / 2, 0.0)
        front.box(base, (side, thick, height), wall)
        bulk = half - room.width / 2 - WALL_M
        front.box((sign * (half - bulk / 2), -5.0, 0.0), (bulk, 10.0 - 2 * thick, height), wall)
    above = replace(wall, color=wall.gap_color, variation=0.0)
    front.box((0, -thick / 2, door.height), (door.width, thick, height - door.height), above)
