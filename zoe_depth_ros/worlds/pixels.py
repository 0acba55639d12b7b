# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What is known of every pixel of a batch of views before it is shaded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from zoe_depth_ros.worlds.polygons import FAR_M
from zoe_depth_ros.worlds.raycast import Hits
from zoe_depth_ros.worlds.scene import Vector
from zoe_depth_ros.worlds.scene import View
from zoe_depth_ros.worlds.surfaces import COLUMNS
from zoe_depth_ros.worlds.surfaces import surface_table

CHANNELS = ('red', 'green', 'blue')


class Surfaces:
    """
    The columns of the views' surface tables, spread over the pixels when asked for.

    :param views: B views of one image size.
    :param hits: what their rays meet.
    :param device: where to compute.
    """

    def __init__(self, views: list[View], hits: list[Hits], device: torch.device) -> None:
        tables = [surface_table(view, hit) for view, hit in zip(views, hits, strict=True)]
        rows = max(len(table) for table in tables)
        padded = np.zeros((len(COLUMNS), len(tables), rows), np.float32)
        for number, table in enumerate(tables):
            padded[:, number, :len(table)] = table.T
        self._columns = torch.from_numpy(padded.reshape(len(COLUMNS), -1)).to(device)
        surface = torch.from_numpy(np.stack([hit.surface for hit in hits])).to(device).int()
        self.shape = surface.shape
        start = rows * torch.arange(len(tables), dtype=torch.int32, device=device)
        self._index = surface.add_(start[:, None, None]).view(-1)

    def __getitem__(self, name: str) -> Tensor:
        """Return the column's value at every pixel, (B, H, W) float32, to be changed at will."""
        column = self._columns[COLUMNS.index(name)]
        return column.index_select(0, self._index).view(self.shape)


@dataclass(frozen=True)
class Pixels:
    """
    Where the pixels of B views are, and how far what they show.

    :param u: (W,) float32 columns.
    :param v: (H, 1) float32 rows.
    :param depth: (B, H, W) float32 metres, `FAR_M` in the sky.
    :param per_m: (B, H, W) float32, pixels that a metre across the optical axis covers.
    """

    u: Tensor
    v: Tensor
    depth: Tensor
    per_m: Tensor

    @classmethod
    def of(cls, views: list[View], hits: list[Hits], device: torch.device) -> Pixels:
        """Return the pixels of views on a device."""
        height, width = views[0].camera.size_hw
        inverse = torch.from_numpy(np.stack([hit.inverse_depth for hit in hits])).to(device)
        inverse = inverse.clamp(min=1 / FAR_M)
        return cls(
            torch.arange(width, device=device, dtype=torch.float32),
            torch.arange(height, device=device, dtype=torch.float32)[:, None],
            inverse.reciprocal(),
            inverse * per_view([view.camera.fx for view in views], device))

    def linear(self, along_u: Tensor, along_v: Tensor, constant: Tensor) -> Tensor:
        """Return along_u * u + along_v * v + constant, (B, H, W); factors per pixel or view."""
        return torch.addcmul(torch.addcmul(constant, along_u, self.u), along_v, self.v)


def per_view(values: Sequence[float], device: torch.device) -> Tensor:
    """Return one number per view as (B, 1, 1) float32."""
    return torch.tensor(values, dtype=torch.float32, device=device)[:, None, None]


def color_per_view(values: Sequence[Vector], device: torch.device) -> Tensor:
    """Return one colour per view as (B, 3, 1, 1) float32."""
    return torch.tensor(values, dtype=torch.float32, device=device)[:, :, None, None]


def put(image: Tensor, rows: np.ndarray[tuple[int], np.dtype[np.intp]],
        columns: np.ndarray[tuple[int], np.dtype[np.intp]],
        values: np.ndarray[tuple[int], np.dtype[np.float64]]) -> None:
    """Write values into some pixels of an (H, W) image."""
    place = torch.from_numpy(rows * image.shape[1] + columns).to(image.device)
    source = torch.from_numpy(values.astype(np.float32)).to(image.device)
    image.view(-1).index_copy_(0, place, source)
