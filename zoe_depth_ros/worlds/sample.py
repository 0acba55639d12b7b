# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Random images with exact depth, one per seed."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import dataclass
import math
from random import Random

import numpy as np
import torch
from torch import Tensor

from zoe_depth_ros.camera import Camera
from zoe_depth_ros.config import Domain
from zoe_depth_ros.config import DOMAINS
from zoe_depth_ros.errors import ConfigError
from zoe_depth_ros.worlds.indoor import indoor_place
from zoe_depth_ros.worlds.indoor import Place
from zoe_depth_ros.worlds.noise import SENSOR_OFFSETS
from zoe_depth_ros.worlds.outdoor import outdoor_place
from zoe_depth_ros.worlds.raycast import cast_rays
from zoe_depth_ros.worlds.scene import camera_pose
from zoe_depth_ros.worlds.scene import FloatArray
from zoe_depth_ros.worlds.scene import Scene
from zoe_depth_ros.worlds.scene import Sensor
from zoe_depth_ros.worlds.scene import Vector
from zoe_depth_ros.worlds.scene import View
from zoe_depth_ros.worlds.shade import shade

# Horizontal focal length over image width: 519 / 640 indoors; 0.58 outdoors.
FOCAL_OF_WIDTH = {'indoor': 519 / 640, 'outdoor': 0.58}
FOCAL_SPREAD = 0.05
CAMERA_HEIGHT_M = {'indoor': (0.9, 1.3), 'outdoor': (1.4, 1.8)}
PITCH_DEG = {'indoor': (-10.0, -1.0), 'outdoor': (-6.0, 2.0)}
ROLL_DEG = 2.0
CLEARANCE_M = {'indoor': 0.45, 'outdoor': 0.8}
AHEAD_CLEARANCE_M = 0.2
# A wall alone tells no scale: some solids narrower than a wall must have their middle in view.
SEEN_SOLIDS = 3
WALL_SIZE_M = 2.4
MIN_SIZE_PX = 8


@dataclass(frozen=True)
class WorldBatch:
    """
    Images of B random worlds.

    :param image: (B, 3, H, W) float32 RGB, 0 to 1.
    :param depth_m: (B, 1, H, W) float32, metres along the optical axis, NaN in the sky.
    :param cameras: pinhole camera of each image.
    :param domains: 'indoor' or 'outdoor' of each image.
    :param camera_to_world: (B, 4, 4) float64 poses of the optical frames, metres.
    """

    image: Tensor
    depth_m: Tensor
    cameras: tuple[Camera, ...]
    domains: tuple[Domain, ...]
    camera_to_world: FloatArray


def sample_worlds(seeds: Sequence[int], size_hw: tuple[int, int],
                  domains: Sequence[Domain] | None = None,
                  device: str | torch.device = 'cpu') -> WorldBatch:
    """
    Render one random world per seed; an image depends on its own seed, size and domain only.

    :param seeds: B seeds.
    :param size_hw: image height and width in pixels.
    :param domains: B domains; drawn from the seeds when None.
    :param device: where to shade and to return the tensors.
    :raises ConfigError: no seeds, size too small, unknown domain, other number of domains.
    """
    seeds = list(seeds)
    if domains is not None and len(domains) != len(seeds):
        raise ConfigError(f'{len(domains)} domains for {len(seeds)} seeds')
    chosen = [None] * len(seeds) if domains is None else list(domains)
    return render_views(
        [sample_view(seed, size_hw, domain) for seed, domain in zip(seeds, chosen, strict=True)],
        device)


def render_views(views: Sequence[View], device: str | torch.device = 'cpu') -> WorldBatch:
    """
    Render views of one image size.

    :param views: B views.
    :param device: where to shade and to return the tensors.
    :raises ConfigError: no views, or image sizes differ.
    """
    views, device = list(views), torch.device(device)
    sizes = {view.camera.size_hw for view in views}
    if len(sizes) != 1:
        raise ConfigError(f'worlds of sizes {sorted(sizes)} cannot be one batch')
    hits = [cast_rays(view) for view in views]
    if device.type == 'cpu':
        # One image at a time stays in the cache, and is too small to be shared between threads.
        with _one_thread():
            images = [shade([view], [hit], device) for view, hit in zip(views, hits, strict=True)]
    else:
        images = [shade(views, hits, device)]
    inverse_depth = torch.from_numpy(np.stack([hit.inverse_depth for hit in hits])).to(device)
    depth = torch.where(inverse_depth > 0, 1 / inverse_depth, math.nan)
    return WorldBatch(
        torch.cat(images), depth[:, None], tuple(view.camera for view in views),
        tuple(view.domain for view in views), np.stack([view.camera_to_world for view in views]))


@contextmanager
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def sample_view(seed: int, size_hw: tuple[int, int], domain: Domain | None = None) -> View:
    """
    Return the random scene, camera and sensor of a seed.

    :param seed: an integer; its sign does not matter.
    :param size_hw: image height and width in pixels.
    :param domain: 'indoor', 'outdoor' or None to draw it from the seed.
    :raises ConfigError: size too small or unknown domain.
    """
    if min(size_hw) < MIN_SIZE_PX:
        raise ConfigError(f'world size_hw {size_hw} is smaller than {MIN_SIZE_PX} pixels')
    if domain is not None and domain not in DOMAINS:
        raise ConfigError(f'domain {domain!r} is not one of {DOMAINS}')
    rng = Random(int(seed))
    drawn: Domain = 'indoor' if rng.random() < 0.5 else 'outdoor'
    domain = domain or drawn
    camera, pose = random_camera(rng, size_hw, domain), None
    while pose is None:
        place = indoor_place(rng) if domain == 'indoor' else outdoor_place(rng)
        pose = _stand(rng, place, domain, camera)
    return View(place.scene, camera, pose, domain, random_sensor(rng))


def random_camera(rng: Random, size_hw: tuple[int, int], domain: Domain) -> Camera:
    """Return a camera whose focal length is near the domain's usual one."""
    height, width = size_hw
    focal = width * FOCAL_OF_WIDTH[domain] * (1 + rng.uniform(-FOCAL_SPREAD, FOCAL_SPREAD))
    return Camera(width, height, focal, focal, (width - 1) / 2 + rng.uniform(-0.01, 0.01) * width,
                  (height - 1) / 2 + rng.uniform(-0.01, 0.01) * height)


def random_sensor(rng: Random) -> Sensor:
    """Return the exposure, colour cast, noise and blur of a random sensor."""
    balance = (rng.gauss(1, 0.06), 1.0, rng.gauss(1, 0.08))
    return Sensor(
        rng.uniform(0.12, 0.32), balance, rng.uniform(0.002, 0.03), rng.uniform(0, 0.4),
        rng.uniform(0, 0.35), rng.randrange(SENSOR_OFFSETS))


def _stand(rng: Random, place: Place, domain: Domain, camera: Camera) -> FloatArray | None:
    """Return a pose clear of all solids from which some are seen, None if not found soon."""
    solids = _Solids(place.scene)
    for _ in range(12):
        position = (rng.uniform(*place.x_m), rng.uniform(*place.y_m),
                    rng.uniform(*CAMERA_HEIGHT_M[domain]))
        yaw = _heading(rng, place, domain, position)
        pitch = math.radians(rng.uniform(*PITCH_DEG[domain]))
        roll = math.radians(rng.uniform(-ROLL_DEG, ROLL_DEG))
        pose = camera_pose(position, yaw, pitch, roll)
        ahead = (position[0] + 0.8 * math.cos(yaw), position[1] + 0.8 * math.sin(yaw), position[2])
        if (solids.distance_m(position) > CLEARANCE_M[domain]
                and solids.distance_m(ahead) > AHEAD_CLEARANCE_M
                and solids.seen(pose, camera) >= SEEN_SOLIDS):
            return pose
    return None


def _heading(rng: Random, place: Place, domain: Domain, position: Vector) -> float:
    """Return a heading: along the street or corridor, or one of the longer views in a room."""
    if rng.random() < place.along:
        turned = domain == 'indoor' and rng.random() < 0.5
        return rng.gauss(0, 0.12) + (math.pi if turned else 0.0)
    if domain == 'outdoor':
        return rng.gauss(0, 0.6)
    headings = [rng.uniform(-math.pi, math.pi) for _ in range(rng.randint(2, 4))]
    return max(headings, key=lambda yaw: _free_m(place, position, yaw))


def _free_m(place: Place, position: Vector, yaw: float) -> float:
    """Return how far one can go that way before leaving the camera's place."""
    free = math.inf
    for at, step, (low, high) in ((position[0], math.cos(yaw), place.x_m),
                                  (position[1], math.sin(yaw), place.y_m)):
        if abs(step) > 1e-6:
            free = min(free, ((high if step > 0 else low) - at) / step)
    return free


class _Solids:
    """Bounding boxes of all solids: what a camera must keep out of and what it may see."""

    def __init__(self, scene: Scene) -> None:
        rows: list[tuple[float, ...]] = [
            (*box.center_m, *box.size_m, box.yaw_rad) for box in scene.boxes]
        rows += [(*item.center_m, *(2 * r for r in item.radii_m), item.yaw_rad)
                 for item in scene.rounds]
        table = np.array(rows)
        self._center, self._half = table[:, :3], table[:, 3:6] / 2
        self._cos, self._sin = np.cos(table[:, 6]), np.sin(table[:, 6])

    def distance_m(self, position_m: Vector) -> float:
        """Return the distance to the nearest one; 0 inside."""
        offset = np.array(position_m) - self._center
        along = np.abs(self._cos * offset[:, 0] + self._sin * offset[:, 1])
        across = np.abs(self._cos * offset[:, 1] - self._sin * offset[:, 0])
        local = np.stack([along, across, np.abs(offset[:, 2])], axis=1)
        return float(np.linalg.norm(np.maximum(local - self._half, 0), axis=1).min())

    def seen(self, pose: FloatArray, camera: Camera) -> int:
        """Return how many solids smaller than walls have their middle in the image."""
        small = (2 * self._half < WALL_SIZE_M).sum(axis=1) >= 2
        x, y, z = ((self._center[small] - pose[:3, 3]) @ pose[:3, :3]).T
        return int(np.count_nonzero(
            (z > 0) & (np.abs(x * camera.fx) < z * camera.width / 2)
            & (np.abs(y * camera.fy) < z * camera.height / 2)))
