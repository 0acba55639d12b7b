# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Flat quadrilaterals as a pinhole camera sees them.

A ray through pixel (u, v) is r = ((u - cx) / fx, (v - cy) / fy, 1). On the plane n . X = d it
ends at 1 / z = n . r / d, which is linear in u and v. It passes an edge from A to B on the side
that the sign of (A x B) . r tells, linear as well, and true for corners behind the camera too. So
the image of a quadrilateral is a linear inverse depth on one run of pixels per row.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zoe_depth_ros.camera import Camera
from zoe_depth_ros.worlds.scene import FloatArray

FAR_M = 600.0
NEAR_M = 0.02
ROUNDING_PX = 1e-6
SHADOW_HEIGHT_M = 0.01


@dataclass(frozen=True)
class Runs:
    """
    Images of N quadrilaterals, each a run of pixels in some rows.

    :param source: (N,) index of the quadrilateral each image shows.
    :param plane: (N, 3) float64, inverse depth in 1/m is plane . (u, v, 1).
    :param first: (M, 1) float32, first column of every row of every image, image after image.
    :param last: (M, 1) float32, last column; below `first` in empty rows.
    :param start: (N,) place of each image's first row in `first` and `last`.
    :param window: (N, 4) int, rows [0]:[1] and columns [2]:[3] that hold all pixels.
    """

    source: NDArray[np.intp]
    plane: FloatArray
    first: NDArray[np.float32]
    last: NDArray[np.float32]
    start: NDArray[np.intp]
    window: NDArray[np.intp]


def pixel_coefficients(rays: FloatArray, camera: Camera) -> FloatArray:
    """
    Turn functions k . r of the ray into functions c . (u, v, 1) of the pixel.

    :param rays: (..., 3) coefficients k.
    :param camera: the camera.
    :return: (..., 3) coefficients c.
    """
    along_u = rays[..., 0] / camera.fx
    along_v = rays[..., 1] / camera.fy
    constant = rays[..., 2] - along_u * camera.cx - along_v * camera.cy
    return np.stack([along_u, along_v, constant], axis=-1)


def cross(a: FloatArray, b: FloatArray) -> FloatArray:
    """Return a x b over the last axis; exactly -(b x a), so that neighbours leave no crack."""
    ax, ay, az = a[..., 0], a[..., 1], a[..., 2]
    bx, by, bz = b[..., 0], b[..., 1], b[..., 2]
    return np.stack([ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx], axis=-1)


def in_view(vertices: FloatArray, camera: Camera) -> NDArray[np.bool_]:
    """
    Tell which quadrilaterals are not wholly behind the camera or beyond one border of the image.

    :param vertices: (N, 4, 3) corners in the optical frame, metres.
    :param camera: the camera.
    :return: (N,) bool.
    """
    x, y, z = vertices[..., 0] * camera.fx, vertices[..., 1] * camera.fy, vertices[..., 2]
    left, top = (camera.cx + 1) * z, (camera.cy + 1) * z
    right, bottom = (camera.width - camera.cx) * z, (camera.height - camera.cy) * z
    sides = ((z > 0), (x + left > 0), (y + top > 0), (x < right), (y < bottom))
    return np.logical_and.reduce([side.any(axis=1) for side in sides])


def rasterize(vertices: FloatArray, camera: Camera) -> Runs:
    """
    Find the pixels of quadrilaterals whose corners run anticlockwise as seen from the camera.

    :param vertices: (N, 4, 3) float64 corners in the optical frame, metres.
    :param camera: the camera.
    :return: images of those that cover a pixel centre and turn their front to the camera.
    """
    normal = cross(vertices[:, 2] - vertices[:, 0], vertices[:, 3] - vertices[:, 1])
    distance = np.einsum('ij,ij->i', normal, vertices[:, 0])
    length = np.sqrt(np.einsum('ij,ij->i', normal, normal))
    in_front = (distance < -1e-6 * length) & (length > 1e-9)
    source = np.flatnonzero(in_front & in_view(vertices, camera))
    vertices = vertices[source]
    top, bottom = _row_ranges(vertices, camera)
    tall = np.flatnonzero(bottom > top)
    source, vertices, top, bottom = source[tall], vertices[tall], top[tall], bottom[tall]
    plane = normal[source] / distance[source, None]
    edges = -cross(vertices, np.roll(vertices, -1, axis=1))
    within = plane - np.array([0.0, 0.0, 1 / FAR_M])
    sides = pixel_coefficients(np.concatenate([edges, within[:, None]], axis=1), camera)
    start = np.cumsum(bottom - top) - (bottom - top)
    first, last = _row_runs(sides, top, bottom - top, camera)
    left, right = _columns(first, last, start)
    wide = np.flatnonzero(right > left)
    window = np.stack([top, bottom, left, right], axis=1)
    return Runs(
        source[wide], pixel_coefficients(plane[wide], camera),
        first.astype(np.float32)[:, None], last.astype(np.float32)[:, None],
        start[wide], window[wide].astype(np.intp))


def _row_ranges(vertices: FloatArray, camera: Camera) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the rows that (N, 4, 3) quadrilaterals may cover: all, if they reach the camera."""
    z = vertices[..., 2]
    v = camera.fy * vertices[..., 1] / np.maximum(z, NEAR_M) + camera.cy
    near = z.min(axis=1) < NEAR_M
    top = np.where(near, 0, np.ceil(np.clip(v.min(axis=1) - ROUNDING_PX, 0, camera.height)))
    bottom = np.where(near, camera.height, np.floor(
        np.clip(v.max(axis=1) + ROUNDING_PX, -1, camera.height - 1)) + 1)
    return top.astype(np.intp), bottom.astype(np.intp)


def _row_runs(sides: FloatArray, top: NDArray[np.intp], count: NDArray[np.intp], camera: Camera,
              ) -> tuple[FloatArray, FloatArray]:
    """Return the first and last column of each row where all (N, 5, 3) side functions are >= 0."""
    row = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count - top, count)
    slope, along, constant = np.repeat(sides.transpose(2, 1, 0), count, axis=2)
    value = along * row
    value += constant
    flat = slope == 0
    with np.errstate(divide='ignore', invalid='ignore'):
        crossing = value / -slope
    crossing[flat] = np.where(value[flat] < 0, np.inf, -np.inf)
    lower = np.where(slope >= 0, crossing, -np.inf).max(axis=0)
    upper = np.where(slope < 0, crossing, np.inf).min(axis=0)
    return (np.ceil(np.clip(lower, 0, camera.width)),
            np.floor(np.clip(upper, -1, camera.width - 1)))


def _columns(first: FloatArray, last: FloatArray, start: NDArray[np.intp],
             ) -> tuple[FloatArray, FloatArray]:
    """Return the first column and the one after the last of each image; 0 of an empty one."""
    if not len(start):
        return np.zeros(0), np.zeros(0)
    filled = first <= last
    return (np.minimum.reduceat(np.where(filled, first, np.inf), start),
            np.maximum.reduceat(np.where(filled, last, -1.0), start) + 1)
