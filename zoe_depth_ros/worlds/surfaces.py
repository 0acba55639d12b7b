# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""One table per view with what shading must know of each surface in the image."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from zoe_depth_ros.worlds.polygons import cross
from zoe_depth_ros.worlds.polygons import pixel_coefficients
from zoe_depth_ros.worlds.raycast import Hits
from zoe_depth_ros.worlds.scene import FloatArray
from zoe_depth_ros.worlds.scene import Lighting
from zoe_depth_ros.worlds.scene import Material
from zoe_depth_ros.worlds.scene import View

LAMPS = 3
# Numbers of the noise table across a speck of grain.
SPECK = 4
COLUMNS = (
    's_u', 's_v', 's_1', 's_0', 't_u', 't_v', 't_1', 't_0',
    'cells_s', 'cells_t', 'shift', 'half_s', 'half_t', 'variation', 'tint', 'checker',
    'red', 'green', 'blue', 'gap_red', 'gap_green', 'gap_blue', 'noise', 'grains_s', 'grains_t',
    'glow', 'seed', 'ambient_red', 'ambient_green', 'ambient_blue', 'sun', 'shadow',
    'lamp_0', 'lamp_1', 'lamp_2',
)
# A surface that receives shadows faces up and lies no higher than a kerb, metres.
GROUND_TOP_M = 0.2


def surface_table(view: View, hits: Hits) -> FloatArray:
    """
    Describe the surfaces of a view.

    :param view: the scene and its light.
    :param hits: the face images and round images.
    :return: (surfaces, columns) float64 in the order of `hits.surface` and `COLUMNS`.
    """
    faces = hits.faces
    boxes, rounds = view.scene.boxes, view.scene.rounds
    materials = [boxes[index].material for index in faces.box.tolist()]
    materials += [rounds[index].material for index in hits.rounds.source.tolist()]
    table = np.zeros((1 + len(materials), len(COLUMNS)))
    if not materials:
        return table
    count = len(faces.box) + 1
    table[1:, 8:26] = [_material_row(material) for material in materials]
    table[1:count, 26] = faces.runs.source * 7919 % 65521
    table[count:, 26] = (hits.rounds.source + 1) * 104729 % 65521
    table[1:count, :8] = _face_axes(view, faces.vertices_m)
    table[count:, :8] = _round_axes(view, hits.rounds.middle_m)
    table[1:count, 27:] = _face_light(view, hits)
    table[count:, 27:30] = _round_ambient(view, hits)
    return table


def _material_row(material: Material) -> tuple[float, ...]:
    return (
        1 / material.cell_m[0], 1 / material.cell_m[1], material.shift,
        _half_cell(material.gap[0]), _half_cell(material.gap[1]),
        material.variation, material.tint, material.checker, *material.color, *material.gap_color,
        material.noise, SPECK / material.grain_m[0], SPECK / material.grain_m[1], material.glow)


def _half_cell(gap: float) -> float:
    """Return half the cell's share of its pitch; more than all where there is no gap."""
    return (1 - gap) / 2 if gap > 0 else 2.0


def _axes(view: View, along: FloatArray, up: FloatArray, origin: FloatArray) -> FloatArray:
    offsets = [-np.einsum('ij,ij->i', axis, origin)[:, None] for axis in (along, up)]
    return np.concatenate([
        pixel_coefficients(along, view.camera), offsets[0],
        pixel_coefficients(up, view.camera), offsets[1]], axis=1)


def _normals(vertices: FloatArray) -> FloatArray:
    return _unit(cross(vertices[:, 2] - vertices[:, 0], vertices[:, 3] - vertices[:, 1]))


def _unit(vectors: FloatArray) -> FloatArray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12)


def _face_axes(view: View, vertices: FloatArray) -> FloatArray:
    along = _unit(vertices[:, 1] - vertices[:, 0])
    return _axes(view, along, cross(_normals(vertices), along), vertices[:, 0])


def _round_axes(view: View, middle: FloatArray) -> FloatArray:
    turn = view.camera_to_world[:3, :3]
    along = np.broadcast_to(np.array([0.8, 0.6, 0.0]) @ turn, middle.shape)
    return _axes(view, along, np.broadcast_to(turn[2], middle.shape), middle)


def _ambient(lighting: Lighting, normals: FloatArray, indoors: NDArray[np.bool_],
             ) -> FloatArray:
    """Return (N, 3) light from all around on surfaces with these world normals."""
    upness = (0.5 + 0.5 * normals[:, 2:])
    outside = upness * np.array(lighting.sky) + (1 - upness) * np.array(lighting.bounce)
    inside = np.array(lighting.room) * (1 + normals @ np.array([[0.12], [0.07], [0.1]]))
    return np.where(indoors[:, None], inside, outside)


def _face_light(view: View, hits: Hits) -> FloatArray:
    """Return (N, 3 + 1 + 1 + LAMPS): ambient, sun, shadow strength, distance of each lamp."""
    lighting, pose = view.scene.lighting, view.camera_to_world
    vertices = hits.faces.vertices_m @ pose[:3, :3].T + pose[:3, 3]
    normals = _normals(vertices)
    boxes = view.scene.boxes
    indoors = np.array([boxes[i].indoors for i in hits.faces.box.tolist()], dtype=bool)
    light = np.zeros((len(normals), 5 + LAMPS))
    light[:, :3] = _ambient(lighting, normals, indoors)
    light[:, 3] = np.where(indoors, 0, np.maximum(normals @ np.array(lighting.sun_direction), 0))
    ground = (normals[:, 2] > 0.9) & (vertices[:, :, 2].max(axis=1) < GROUND_TOP_M)
    light[:, 4] = lighting.shadow * ground
    for number, lamp in enumerate(lighting.lamps_m[:LAMPS]):
        toward = np.einsum('ij,ij->i', normals, np.array(lamp) - vertices[:, 0])
        light[:, 5 + number] = np.where(indoors, np.maximum(toward, 0), 0)
    return light


def _round_ambient(view: View, hits: Hits) -> FloatArray:
    """Return (N, 3) ambient light; what depends on a round solid's normal is shaded per pixel."""
    rounds = view.scene.rounds
    indoors = np.array([rounds[i].indoors for i in hits.rounds.source.tolist()], dtype=bool)
    level = np.tile([0.0, 0.0, 0.2], (len(indoors), 1))
    return _ambient(view.scene.lighting, level, indoors)
