# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Where the solids of a scene appear in the image: faces of boxes, round solids, shadows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zoe_depth_ros.camera import Camera
from zoe_depth_ros.worlds.polygons import pixel_coefficients
from zoe_depth_ros.worlds.polygons import rasterize
from zoe_depth_ros.worlds.polygons import Runs
from zoe_depth_ros.worlds.polygons import SHADOW_HEIGHT_M
from zoe_depth_ros.worlds.scene import Box
from zoe_depth_ros.worlds.scene import FloatArray
from zoe_depth_ros.worlds.scene import Lighting
from zoe_depth_ros.worlds.scene import View

# Corners of the six faces, anticlockwise from outside; the first edge is the lower one.
_FACES = np.array([
    [(1, -1, -1), (1, 1, -1), (1, 1, 1), (1, -1, 1)],
    [(-1, 1, -1), (-1, -1, -1), (-1, -1, 1), (-1, 1, 1)],
    [(1, 1, -1), (-1, 1, -1), (-1, 1, 1), (1, 1, 1)],
    [(-1, -1, -1), (1, -1, -1), (1, -1, 1), (-1, -1, 1)],
    [(-1, -1, 1), (1, -1, 1), (1, 1, 1), (-1, 1, 1)],
    [(-1, 1, -1), (1, 1, -1), (1, -1, -1), (-1, -1, -1)],
], dtype=np.float64)
_DISC = np.array([
    [(np.cos(a), np.sin(a), 0.0) for a in start + np.arange(4) * np.pi / 2]
    for start in (0.0, np.pi / 4)])


@dataclass(frozen=True)
class RoundImages:
    """
    Images of N round solids: inverse depth = (b + sqrt(d)) / c where d >= 0.

    :param source: (N,) index of the solid.
    :param center: (N, 2) column and row about which `d` is expanded.
    :param d: (N, 6) coefficients of (1, u, v, u^2, u v, v^2) about the centre.
    :param b: (N, 3) coefficients of (u, v, 1).
    :param c: (N,) float64.
    :param rise: (N, 3) height gained per metre of depth, coefficients of (u, v, 1).
    :param heights_m: (N, 2) lowest and highest point relative to the camera.
    :param window: (N, 4) int, rows [0]:[1] and columns [2]:[3].
    :param quadric: (N, 3, 3) matrix Q of (X - m)^T Q (X - m) = 1 in the optical frame.
    :param middle_m: (N, 3) m in the optical frame.
    """

    source: NDArray[np.intp]
    center: FloatArray
    d: FloatArray
    b: FloatArray
    c: FloatArray
    rise: FloatArray
    heights_m: FloatArray
    window: NDArray[np.intp]
    quadric: FloatArray
    middle_m: FloatArray


@dataclass(frozen=True)
class FaceImages:
    """
    Images of the box faces turned to the camera.

    :param runs: their pixels.
    :param box: (N,) index of the box of each.
    :param vertices_m: (N, 4, 3) corners in the optical frame.
    """

    runs: Runs
    box: NDArray[np.intp]
    vertices_m: FloatArray


def box_corners(boxes: tuple[Box, ...], time_s: float) -> FloatArray:
    """Return (N, 6, 4, 3) corners of the faces in the world, anticlockwise from outside."""
    center = np.array([box.center_m for box in boxes]).reshape(-1, 3)
    if time_s:
        center += time_s * np.array([box.velocity_mps for box in boxes]).reshape(-1, 3)
    half = np.array([box.size_m for box in boxes]).reshape(-1, 3) / 2
    taper = np.ones((len(boxes), 3))
    taper[:, :2] = np.array([box.taper for box in boxes]).reshape(-1, 2)
    top = _FACES[..., 2:] > 0
    scale = np.where(top, taper[:, None, None], 1.0) * half[:, None, None]
    local = (_FACES * scale).reshape(-1, 24, 3)
    turn = turns(np.array([box.yaw_rad for box in boxes]))
    return (local @ turn.swapaxes(1, 2) + center[:, None]).reshape(-1, 6, 4, 3)


def turns(yaw_rad: FloatArray) -> FloatArray:
    """Return (N, 3, 3) rotations about the vertical."""
    matrix = np.zeros((len(yaw_rad), 3, 3))
    matrix[:, 0, 0] = matrix[:, 1, 1] = np.cos(yaw_rad)
    matrix[:, 1, 0] = np.sin(yaw_rad)
    matrix[:, 0, 1] = -matrix[:, 1, 0]
    matrix[:, 2, 2] = 1.0
    return matrix


def to_camera(points_m: FloatArray, view: View) -> FloatArray:
    """Return world points (..., 3) in the optical frame of the view."""
    pose = view.camera_to_world
    return (points_m - pose[:3, 3]) @ pose[:3, :3]


def project_faces(corners_m: FloatArray, view: View) -> FaceImages:
    """
    Find the images of box faces.

    :param corners_m: (N, 6, 4, 3) from `box_corners`.
    :param view: camera and pose.
    """
    vertices = to_camera(corners_m.reshape(-1, 4, 3), view)
    runs = rasterize(vertices, view.camera)
    return FaceImages(runs, runs.source // 6, vertices[runs.source])


def project_shadows(corners_m: FloatArray, view: View, *, indoors: bool) -> Runs:
    """
    Find the images of the shadows on the ground.

    :param corners_m: (N, 6, 4, 3) from `box_corners`.
    :param view: camera, pose, light.
    :param indoors: shadows of what lamps light, else of what the sun lights.
    """
    boxes, rounds, lighting = view.scene.boxes, view.scene.rounds, view.scene.lighting
    casters = [i for i, box in enumerate(boxes) if box.casts_shadow and box.indoors == indoors]
    discs = [_DISC * item.radii_m + item.center_m + view.time_s * np.array(item.velocity_mps)
             for item in rounds if item.casts_shadow and item.indoors == indoors]
    quads = np.concatenate([corners_m[casters].reshape(-1, 4, 3), *discs])
    if indoors:
        on_ground = _lamp_shadows(quads, lighting)
    else:
        sun = np.array(lighting.sun_direction)
        on_ground = quads - sun * ((quads[..., 2:] - SHADOW_HEIGHT_M) / max(sun[2], 0.05))
    return rasterize(to_camera(on_ground, view), view.camera)


def _lamp_shadows(quads_m: FloatArray, lighting: Lighting) -> FloatArray:
    """Return where the nearest lamps' light past (N, 4, 3) quadrilaterals meets the ground."""
    if not lighting.lamps_m:
        return np.zeros((0, 4, 3))
    lamps = np.array(lighting.lamps_m)
    nearest = np.abs(quads_m.mean(axis=1)[:, None] - lamps).sum(axis=2).argmin(axis=1)
    lamp = lamps[nearest][:, None]
    below = (quads_m[..., 2] < lamp[..., 2] - 0.1).all(axis=1)
    lamp, quads_m = lamp[below], quads_m[below]
    reach = (lamp[..., 2:] - SHADOW_HEIGHT_M) / (lamp[..., 2:] - quads_m[..., 2:])
    return lamp + (quads_m - lamp) * reach


def project_rounds(view: View) -> RoundImages:
    """Find the images of the ellipsoids and cylinders in front of the camera."""
    rounds, camera = view.scene.rounds, view.camera
    world = np.array([item.center_m for item in rounds]).reshape(-1, 3)
    world += view.time_s * np.array([item.velocity_mps for item in rounds]).reshape(-1, 3)
    radii = np.array([item.radii_m for item in rounds]).reshape(-1, 3)
    middle = to_camera(world, view)
    turn = view.camera_to_world[:3, :3].T @ turns(np.array([item.yaw_rad for item in rounds]))
    window = _round_windows(middle, turn, radii, camera)
    source = np.flatnonzero((window[:, 0] < window[:, 1]) & (window[:, 2] < window[:, 3]))
    middle, turn, radii, window = middle[source], turn[source], radii[source], window[source]
    tube = np.array([item.is_cylinder for item in rounds], dtype=bool)[source]
    weights = radii ** -2
    weights[tube, 2] = 0.0
    quadric = (turn * weights[:, None]) @ turn.swapaxes(1, 2)
    heights = (world[source, 2] - view.camera_to_world[2, 3])[:, None] + radii[:, 2:] * [-1, 1]
    heights[~tube] = [-np.inf, np.inf]
    up = np.broadcast_to(view.camera_to_world[2, :3], middle.shape)
    center, d, b, c = _round_equation(quadric, middle, camera)
    return RoundImages(
        source, center, d, b, c, pixel_coefficients(up, camera), heights, window, quadric, middle)


def _round_equation(quadric: FloatArray, middle: FloatArray, camera: Camera,
                    ) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Solve (r - w m)^T Q (r - w m) = w^2 for the inverse depth w: centre, d, b and c."""
    across = np.einsum('nij,nj->ni', quadric, middle)
    c = np.einsum('ni,ni->n', across, middle) - 1
    center = np.stack([camera.fx * middle[:, 0] / middle[:, 2] + camera.cx,
                       camera.fy * middle[:, 1] / middle[:, 2] + camera.cy], axis=1)
    center = np.where(np.abs(center) < 1e4, center, 0.0)
    form = across[:, :, None] * across[:, None] - c[:, None, None] * quadric
    to_ray = np.zeros((len(middle), 3, 3))
    to_ray[:, 0, 0], to_ray[:, 1, 1], to_ray[:, 2, 2] = 1 / camera.fx, 1 / camera.fy, 1
    to_ray[:, 0, 2] = (center[:, 0] - camera.cx) / camera.fx
    to_ray[:, 1, 2] = (center[:, 1] - camera.cy) / camera.fy
    form = to_ray.swapaxes(1, 2) @ form @ to_ray
    d = np.stack([form[:, 2, 2], 2 * form[:, 0, 2], 2 * form[:, 1, 2],
                  form[:, 0, 0], 2 * form[:, 0, 1], form[:, 1, 1]], axis=1)
    return center, d, pixel_coefficients(across, camera), c


def _round_windows(middle: FloatArray, turn: FloatArray, radii: FloatArray, camera: Camera,
                   ) -> NDArray[np.intp]:
    """Return (N, 4) windows of the bounding boxes; empty behind the camera or out of the image."""
    corners = (_FACES[4:].reshape(1, 8, 3) * radii[:, None]) @ turn.swapaxes(1, 2)
    corners += middle[:, None]
    near = corners[..., 2].min(axis=1) < 0.05
    z = np.maximum(corners[..., 2], 0.05)
    u = np.where(near[:, None], [[0, camera.width] * 4],
                 camera.fx * corners[..., 0] / z + camera.cx)
    v = np.where(near[:, None], [[0, camera.height] * 4],
                 camera.fy * corners[..., 1] / z + camera.cy)
    window = np.stack([v.min(axis=1), v.max(axis=1) + 2, u.min(axis=1), u.max(axis=1) + 2], axis=1)
    size = np.array([camera.height, camera.height, camera.width, camera.width])
    window = np.clip(window, 0, size).astype(np.intp)
    window[corners[..., 2].max(axis=1) < 0.05] = 0
    return window
