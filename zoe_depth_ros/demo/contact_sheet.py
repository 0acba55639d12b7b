# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Many random worlds at a glance."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from zoe_depth_ros.colorize import colorize_depth
from zoe_depth_ros.demo.panels import below
from zoe_depth_ros.demo.panels import beside
from zoe_depth_ros.demo.panels import blank
from zoe_depth_ros.demo.panels import captioned
from zoe_depth_ros.demo.panels import write_picture
from zoe_depth_ros.worlds import sample_worlds

SIZE_HW = (240, 320)
COLUMNS = 4


def paint_worlds(seeds: Sequence[int], path: Path) -> None:
    """
    Write a picture with the worlds of some seeds, each above its exact depth.

    :param seeds: at least one.
    :param path: PNG file to write.
    :raises ZoeDepthError: it cannot be written.
    """
    panels = []
    for seed in seeds:
        world = sample_worlds([seed], SIZE_HW)
        image = (world.image[0] * 255).round().byte().permute(1, 2, 0).numpy()
        colored = colorize_depth(world.depth_m[0, 0].numpy())
        panels.append(below([captioned(image, f'{seed}: {world.domains[0]}'), colored]))
    panels += [blank(*panels[0].shape[:2])] * (-len(panels) % min(COLUMNS, len(panels)))
    rows = [beside(panels[start:start + COLUMNS]) for start in range(0, len(panels), COLUMNS)]
    write_picture(below(rows), path)
