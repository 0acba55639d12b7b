# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
What each pixel's ray meets first.

Solids are drawn one by one into the part of the image that they can cover; the greatest inverse
depth wins. In numpy even when the shading runs on a GPU: most solids cover few pixels, and calling
a tensor operation would cost more than the operation itself.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zoe_depth_ros.worlds.polygons import Runs
from zoe_depth_ros.worlds.projection import box_corners
from zoe_depth_ros.worlds.projection import FaceImages
from zoe_depth_ros.worlds.projection import project_faces
from zoe_depth_ros.worlds.projection import project_rounds
from zoe_depth_ros.worlds.projection import project_shadows
from zoe_depth_ros.worlds.projection import RoundImages
from zoe_depth_ros.worlds.scene import View

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
    slope, constant = runs.plane[:, 1:2, None], runs.plane[:, 2:, None]
    by_row = (slope * np.arange(height)[:, None] + constant).astype(np.float32)
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


@dataclass(frozen=True)
class _RoundTerms:
    """Inverse depth of N round solids is root(d) + b, each the sum of a row and a column term."""

    d_row: Float32Array
    d_column: Float32Array
    d_product: tuple[Float32Array, Float32Array]
    b_row: Float32Array
    b_column: Float32Array
    scale: Float32Array

    @classmethod
    def of(cls, rounds: RoundImages, height: int, width: int) -> _RoundTerms:
        u, v = np.arange(width), np.arange(height)[:, None]
        from_column = u - rounds.center[:, :1]
        from_row = v - rounds.center[:, 1:, None]
        one, du, dv, duu, duv, dvv = rounds.d.T[:, :, None]
        scale = 1 / rounds.c[:, None]
        b = rounds.b * scale
        terms = (
            (dvv[..., None] * from_row + dv[..., None]) * from_row,
            (duu * from_column + du) * from_column + one,
            duv * from_column, from_row,
            b[:, 1:2, None] * v + b[:, 2:, None], b[:, :1] * u, scale)
        single = [term.astype(np.float32) for term in terms]
        return cls(single[0], single[1], (single[2], single[3]), single[4], single[5], single[6])

    def inverse_depth(self, index: int, rows: slice, columns: slice) -> Float32Array:
        """Return the inverse depth in a window, 0 beside the solid."""
        across, down = self.d_product
        value: Float32Array = across[index, columns] * down[index, rows]
        value += self.d_row[index, rows]
        value += self.d_column[index, columns]
        beside = value < 0
        np.sqrt(np.maximum(value, 0, out=value), out=value)
        value *= self.scale[index]
        value += self.b_row[index, rows]
        value += self.b_column[index, columns]
        value[beside] = 0
        return value


def _draw_rounds(rounds: RoundImages, number: int, inverse_depth: Float32Array,
                 surface: NDArray[np.int16]) -> None:
    height, width = surface.shape
    u, v = np.arange(width), np.arange(height)[:, None]
    terms = _RoundTerms.of(rounds, height, width)
    for index, (top, bottom, left, right) in enumerate(rounds.window.tolist()):
        rows, columns = slice(top, bottom), slice(left, right)
        best = inverse_depth[rows, columns]
        candidate = terms.inverse_depth(index, rows, columns)
        wins = candidate > best
        low, high = rounds.heights_m[index].tolist()
        if high < np.inf:
            along_u, along_v, constant = rounds.rise[index].tolist()
            rise = along_u * u[columns] + (along_v * v[rows] + constant)
            wins &= rise >= low * candidate
            wins &= rise <= high * candidate
        np.copyto(best, candidate, where=wins)
        np.copyto(surface[rows, columns], np.int16(number + index), where=wins)
