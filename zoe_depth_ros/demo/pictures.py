# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Pictures of a recording: images beside their depth, and clouds."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Collection
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from zoe_depth_ros.bag.decode import colored_points
from zoe_depth_ros.bag.decode import depth
from zoe_depth_ros.bag.decode import header_stamp_ns
from zoe_depth_ros.bag.decode import picture
from zoe_depth_ros.bag.reader import BagMessage
from zoe_depth_ros.bag.reader import BagReader
from zoe_depth_ros.bag.reader import BagTopic
from zoe_depth_ros.colorize import colorize_depth
from zoe_depth_ros.colorize import render_cloud
from zoe_depth_ros.demo.judge import FrameResult
from zoe_depth_ros.demo.live import DEPTH_TOPIC
from zoe_depth_ros.demo.live import IMAGE_TOPIC
from zoe_depth_ros.demo.live import POINTS_TOPIC
from zoe_depth_ros.demo.panels import below
from zoe_depth_ros.demo.panels import beside
from zoe_depth_ros.demo.panels import captioned
from zoe_depth_ros.demo.panels import depth_scale
from zoe_depth_ros.demo.panels import Picture
from zoe_depth_ros.demo.panels import resized
from zoe_depth_ros.demo.panels import write_picture
from zoe_depth_ros.metrics import RANGES_M

ROWS = 5
PANEL_WIDTH_PX = 360
CLOUD_SIZE_HW = (540, 720)
CLOUD_GRID_M = {'indoor': 1.0, 'outdoor': 5.0}
PERCENTILES = (1.0, 99.0)

Value = TypeVar('Value')
Depth = NDArray[np.float32]


def paint_preview(
    recording: Path, source: BagReader, truth: BagTopic | None, results: Sequence[FrameResult],
    path: Path,
) -> None:
    """
    Write a picture of a few moments: image, estimated depth, and true depth where there is one.

    :param recording: bag with the outputs of a depth node.
    :param source: bag that was played to it.
    :param truth: its topic with true depth, None without.
    :param results: of the depth images in the recording, at least one.
    :param path: PNG file to write.
    """
    count = len(results)
    chosen = {results[int((row + 0.5) * count / ROWS)].stamp_ns for row in range(ROWS)}
    with BagReader(recording) as bag:
        images = _decoded(bag, IMAGE_TOPIC, chosen, picture)
        depths = _decoded(bag, DEPTH_TOPIC, chosen, depth)
    truths = _decoded(source, truth.name, chosen, depth) if truth else {}
    rows = [
        _row(_label(result, results[0]), images[result.stamp_ns], depths[result.stamp_ns],
             truths.get(result.stamp_ns), result)
        for result in results if result.stamp_ns in chosen]
    write_picture(below(rows), path)


def paint_clouds(recording: Path, results: Sequence[FrameResult], path: Path) -> None:
    """
    Write a picture of one cloud of each domain, the middle one of the images routed to it.

    Without a calibration there are no clouds, and nothing is written.

    :param recording: bag with the outputs of a depth node.
    :param results: of the depth images in the recording.
    :param path: PNG file to write.
    """
    with BagReader(recording) as bag:
        if POINTS_TOPIC not in {topic.name for topic in bag.topics}:
            return
        with_cloud = {header_stamp_ns(message.cdr) for message in bag.messages([POINTS_TOPIC])}
        chosen = [
            own[len(own) // 2] for domain in CLOUD_GRID_M
            if (own := [result for result in results
                        if result.domain == domain and result.stamp_ns in with_cloud])]
        clouds = _decoded(bag, POINTS_TOPIC, {item.stamp_ns for item in chosen}, colored_points)
    panels = []
    for result in chosen:
        cloud, grid_m = clouds[result.stamp_ns], CLOUD_GRID_M[result.domain]
        panel = render_cloud(
            cloud.points_m, cloud.rgb, size_hw=CLOUD_SIZE_HW, grid_m=grid_m, point_px=2.0)
        panels.append(captioned(
            panel, f'{_label(result, results[0])}, grid of {grid_m:.0f} m'))
    write_picture(beside(panels), path)


def _decoded(
    bag: BagReader, topic: str, stamps_ns: Collection[int],
    decode: Callable[[BagMessage], Value],
) -> dict[int, Value]:
    return {
        stamp_ns: decode(message) for message in bag.messages([topic])
        if (stamp_ns := header_stamp_ns(message.cdr)) in stamps_ns}


def _label(result: FrameResult, first: FrameResult) -> str:
    time_s = (result.stamp_ns - first.stamp_ns) / 1e9
    return f'{time_s:.1f} s, {result.domain} {100 * result.probability:.0f} %'


def _row(
    label: str, rgb: Picture, depth_m: Depth, truth_m: Depth | None, result: FrameResult,
) -> Picture:
    near_m, far_m = _limits_m(
        depth_m if truth_m is None else truth_m, RANGES_M[result.domain][1])
    figures = f', REL {result.metrics.rel:.2f}' if result.metrics else ''
    panels = [
        captioned(resized(rgb, PANEL_WIDTH_PX), label),
        captioned(_colored(depth_m, near_m, far_m), f'estimated depth{figures}')]
    if truth_m is not None:
        panels.append(captioned(_colored(truth_m, near_m, far_m), 'true depth'))
    return beside([*panels, depth_scale(near_m, far_m, panels[0].shape[0])])


def _colored(depth_m: Depth, near_m: float, far_m: float) -> Picture:
    return resized(colorize_depth(depth_m, near_m=near_m, far_m=far_m), PANEL_WIDTH_PX)


def _limits_m(depth_m: Depth, end_m: float) -> tuple[float, float]:
    known_m = depth_m[depth_m < end_m]
    if not known_m.size:
        return 1.0, 10.0
    near_m, far_m = np.percentile(known_m, PERCENTILES)
    return float(near_m), max(float(far_m), 1.01 * float(near_m))
