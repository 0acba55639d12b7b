# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Which calibration an image belongs to: the one that is nearest by stamp."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable

from zoe_depth_ros.bag.decode import calibration
from zoe_depth_ros.bag.header import header_of
from zoe_depth_ros.bag.lenient import LenientReader
from zoe_depth_ros.bag.reader import BagMessage
from zoe_depth_ros.camera import Calibration
from zoe_depth_ros.errors import ZoeDepthError

MARGIN_NS = 10**9
WIDER = 8
STAMP_END = 12


class Calibrations:
    """
    The calibrations of a camera over time.

    :param messages: its camera_info messages; unusable ones are left out.
    """

    def __init__(self, messages: Iterable[BagMessage]) -> None:
        known: dict[bytes, Calibration] = {}
        found: list[tuple[int, Calibration]] = []
        for message in messages:
            content = message.cdr[STAMP_END:]  # mostly the same in all of them
            try:
                if content not in known:
                    known[content] = calibration(message)
                found.append((header_of(message.cdr).stamp_ns, known[content]))
            except ZoeDepthError:
                continue
        found.sort(key=lambda entry: entry[0])
        self._stamps_ns = [stamp_ns for stamp_ns, _ in found]
        self._calibrations = [value for _, value in found]

    def __len__(self) -> int:
        return len(self._stamps_ns)

    def nearest(self, stamp_ns: int) -> Calibration | None:
        """Return the calibration whose stamp is nearest, None where there is none at all."""
        after = bisect_left(self._stamps_ns, stamp_ns)
        candidates = range(max(0, after - 1), min(after + 1, len(self)))
        nearest = min(
            candidates, key=lambda n: abs(self._stamps_ns[n] - stamp_ns), default=None)
        return None if nearest is None else self._calibrations[nearest]


def read_calibrations(
    bag: LenientReader, topic: str | None, start_ns: int, stop_ns: int,
) -> Calibrations:
    """
    Read the calibrations around a part of a bag, farther away where there are none near.

    :param topic: camera_info topic, None for no calibrations.
    :param start_ns: where the part begins, in time of recording.
    :param stop_ns: where it ends.
    """
    if topic is None:
        return Calibrations([])
    margin_ns = MARGIN_NS
    while True:
        first_ns, last_ns = start_ns - margin_ns, stop_ns + margin_ns
        found = Calibrations(bag.messages([topic], start_ns=max(0, first_ns), stop_ns=last_ns))
        if len(found) or (first_ns <= bag.start_ns and last_ns >= bag.stop_ns):
            return found
        margin_ns *= WIDER
