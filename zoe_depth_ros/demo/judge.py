# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Compares recorded depth with the truth in the bag that was played."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from zoe_depth_ros.bag.decode import depth
from zoe_depth_ros.bag.decode import header_stamp_ns
from zoe_depth_ros.bag.decode import Scene
from zoe_depth_ros.bag.decode import scene
from zoe_depth_ros.bag.drive import SCENE_TRUTH_TOPIC
from zoe_depth_ros.bag.reader import BagMessage
from zoe_depth_ros.bag.reader import BagReader
from zoe_depth_ros.bag.reader import BagTopic
from zoe_depth_ros.demo.live import DEPTH_TOPIC
from zoe_depth_ros.demo.live import SCENE_TOPIC
from zoe_depth_ros.errors import ImageError
from zoe_depth_ros.metrics import depth_metrics
from zoe_depth_ros.metrics import DepthMetrics
from zoe_depth_ros.metrics import RANGES_M


@dataclass(frozen=True)
class FrameResult:
    """
    One depth image of a recording.

    :param stamp_ns: of the image, nanoseconds.
    :param domain: it was routed to, 'indoor' or 'outdoor'.
    :param probability: of that domain.
    :param true_domain: where the camera was, None where unknown.
    :param metrics: against the true depth, within the range of the true domain, or of the routed
        one where that is unknown; None without true depth.
    """

    stamp_ns: int
    domain: str
    probability: float
    true_domain: str | None
    metrics: DepthMetrics | None


def judge_recording(
    recording: Path, source: BagReader, truth: BagTopic | None,
) -> list[FrameResult]:
    """
    Return the results of every recorded depth image, in order.

    :param recording: bag with the outputs of a depth node.
    :param source: bag that was played to it.
    :param truth: its topic with true depth, None where it has none.
    :raises BagError: a bag cannot be read.
    """
    true_scenes = _scenes(source, SCENE_TRUTH_TOPIC)
    truths = source.messages([truth.name]) if truth else iter(())
    with BagReader(recording) as recorded:
        scenes = _scenes(recorded, SCENE_TOPIC)
        pairs = with_truth(recorded.messages([DEPTH_TOPIC]) if scenes else (), truths)
        results = []
        for predicted, true in pairs:
            stamp_ns = header_stamp_ns(predicted.cdr)
            results.append(_judged(
                predicted, true, scenes[stamp_ns], true_scenes.get(stamp_ns)))
    return results


def with_truth(
    messages: Iterable[BagMessage], truths: Iterator[BagMessage],
) -> Iterator[tuple[BagMessage, BagMessage | None]]:
    """
    Yield every message with the truth of the same stamp, None where there is none.

    :param messages: in the order of the stamps in their headers.
    :param truths: in the order of the stamps in their headers.
    """
    truth = next(truths, None)
    for message in messages:
        stamp_ns = header_stamp_ns(message.cdr)
        while truth is not None and header_stamp_ns(truth.cdr) < stamp_ns:
            truth = next(truths, None)
        is_same = truth is not None and header_stamp_ns(truth.cdr) == stamp_ns
        yield message, truth if is_same else None


def _scenes(bag: BagReader, topic: str) -> dict[int, Scene]:
    if topic not in {known.name for known in bag.topics}:
        return {}
    return {header_stamp_ns(message.cdr): scene(message) for message in bag.messages([topic])}


def _judged(
    predicted: BagMessage, true: BagMessage | None, routed: Scene, true_scene: Scene | None,
) -> FrameResult:
    true_domain = true_scene.domain if true_scene else None
    metrics = _metrics(predicted, true, true_domain or routed.domain) if true else None
    return FrameResult(
        header_stamp_ns(predicted.cdr), routed.domain, routed.probability, true_domain, metrics)


def _metrics(predicted: BagMessage, true: BagMessage, domain: str) -> DepthMetrics | None:
    """Compare as evaluation does; None where no pixel has a true depth in range."""
    near_m, far_m = RANGES_M[domain]
    try:
        return depth_metrics(
            depth(predicted), depth(true), min_depth_m=near_m, max_depth_m=far_m,
            unknown='farthest')
    except ImageError:
        return None
