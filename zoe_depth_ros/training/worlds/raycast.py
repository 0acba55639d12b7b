# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
What each pixel's ray meets first.

Solids are drawn one by one into the part of the image that they can cover; the greatest inverse depth wins. In numpy even
when the shading runs on a GPU: a solid covers few pixels, and calling a tensor operation would cost more than computing it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zoe_depth_ros.training.worlds.polygons import Runs
from zoe_depth_ros.training.worlds.projection import box_corners
from zoe_depth_ros.training.worlds.projection import FaceImages
from zoe_depth_ros.training.worlds.projection import project_faces
from zoe_depth_ros.training.worlds.projection import project_rounds
from zoe_depth_ros.training.worlds.projection import project_shadows
from zoe_depth_ros.training.worlds.projection import RoundImages
from zoe_depth_ros.training.worlds.scene import View

Float32Array = NDArray[np.float32]
SUN_SHADOW, LAMP_SHADOW = 1, 2


@dataclass(frozen=True)
class Hits:
    """
    First surfaces met by the rays of one view.

    :param inverse_depth: (H, W) float32, 1 / depth along the optical axis in 1/m; 0 for the sky.
    :param surface: (H, W) int16: 0 sky, then one number per face image, then one per round image.
    :param shadow: (H, W) uint8, SUN_SHADOW and LAMP_SHADOW where they darken ground seen here.
    :param faces: the face images.
    :param rounds: the round images.
    """

    inverse_depth: Float32Array
    surface: NDArray[np.int16]
    shadow: NDArray[np.uint8]
    faces: FaceImages
    rounds: RoundImages


def cast_rays(view: View) -> Hits:
    """Return what the ray through every pixel centre of the view meets first."""
    corners = box_corners(view.scene.boxes, view.time_s)
    faces, rounds = project_faces(corners, view), project_rounds(view)
    shadow = np.zeros(view.camera.size_hw, np.uint8)
    _draw_shadows(project_shadows(corners, view, indoors=False), SUN_SHADOW, shadow)
    _draw_shadows(project_shadows(corners, view, indoors=True), LAMP_SHADOW, shadow)
    inverse_depth = np.zeros(view.camera.size_hw, np.float32)
    surface = np.zeros(view.camera.size_hw, np.int16)
    _draw_faces(faces.runs, inverse_depth, surface)
    _draw_rounds(rounds, len(faces.box) + 1, inverse_depth, surface)
    return Hits(inverse_depth, surface, shadow, faces, rounds)


def _draw_shadows(runs: Runs, kind: int, shadow: NDArray[np.uint8]) -> None:
    columns = np.arange(shadow.shape[1], dtype=np.float32)
    for start, (top, bottom, left, right) in zip(runs.start.tolist(), runs.window.tolist(),
                                                 strict=True):
        rows = slice(start, start + bottom - top)
        across = columns[left:right]
        inside = across >= runs.first[rows]
        inside &= across <= runs.last[rows]
        shadow[top:bottom, left:right] |= np.uint8(kind) * inside


def _draw_faces(runs: Runs, inverse_depth: Float32Array, surface: NDArray[np.int16]) -> None:
    height, width = surface.shape
    columns = np.arange(width, dtype=np.float32)
    by_row = (runs.plane[:, 1:2] * np.arange(height) + runs.plane[:, 2:]).astype(np.float32)
    by_row = by_row[:, :, None]
    by_column = (runs.plane[:, :1] * np.arange(width)).astype(np.float32)
    starts = runs.start.tolist()
    for index, (top, bottom, left, right) in enumerate(runs.window.tolist()):
        rows = slice(starts[index], starts[index] + bottom - top)
        across = columns[left:right]
        best = inverse_depth[top:bottom, left:right]
        candidate = by_row[index, top:bottom] + by_column[index, left:right]
        wins = candidate > best
        wins &= across >= runs.first[rows]
        wins &= across <= runs.last[rows]
        np.copyto(best, candidate, where=wins)
        np.copyto(surface[top:bottom, left:right], np.int16(index + 1), where=wins)


def _draw_rounds(rounds: RoundImages, number: int, inverse_depth: Float32Array,
                 surface: NDArray[np.int16]) -> None:
    height, width = surface.shape
    u, v = np.arange(width), np.arange(height)
    u_off, v_off = u - rounds.center[:, :1], v - rounds.center[:, 1:]
    one, du, dv, duu, duv, dvv = rounds.d.T[:, :, None]
    d_row = ((dvv * v_off + dv) * v_off).astype(np.float32)[:, :, None]
    d_column = ((duu * u_off + du) * u_off + one).astype(np.float32)
    d_both, v_off = (duv * u_off).astype(np.float32), v_off.astype(np.float32)[:, :, None]
    scale = 1 / rounds.c[:, None]
    b_row = ((rounds.b[:, 1:2] * v + rounds.b[:, 2:]) * scale).astype(np.float32)[:, :, None]
    b_column = (rounds.b[:, :1] * scale * u).astype(np.float32)
    roots = scale.astype(np.float32)
    for index, (top, bottom, left, right) in enumerate(rounds.window.tolist()):
        rows, columns = slice(top, bottom), slice(left, right)
        best = inverse_depth[rows, columns]
        candidate = d_both[index, columns] * v_off[index, rows]
        candidate += d_row[index, rows]
        candidate += d_column[index, columns]
        hit = candidate >= 0
        np.sqrt(np.maximum(candidate, 0, out=candidate), out=candidate)
        candidate *= roots[index]
        candidate += b_row[index, rows]
        candidate += b_column[index, columns]
        hit &= candidate > best
        low, high = rounds.heights_m[index].tolist()
        if high < np.inf:
            along_u, along_v, constant = rounds.rise[index].tolist()
            rise = along_u * u[columns] + (along_v * v[rows, None] + constant)
            hit &= rise >= low * candidate
            hit &= rise <= high * candidate
        np.copyto(best, candidate, where=hit)
        np.copyto(surface[rows, columns], np.int16(number + index), where=hit)
