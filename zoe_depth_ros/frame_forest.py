# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Where frames are over time: what transforms and odometry tell, as one forest."""

from __future__ import annotations

from bisect import bisect_left
from bisect import bisect_right
from collections.abc import Iterable
from collections.abc import Iterator
from dataclasses import dataclass
from dataclasses import field
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from zoe_depth_ros.errors import ZoeDepthError
from zoe_depth_ros.poses import pose_matrix


@dataclass(frozen=True, eq=False)
class Link:
    """
    Where a frame is in another at one time.

    :param parent: name of the other frame.
    :param child: name of the frame.
    :param stamp_ns: when, nanoseconds.
    :param parent_from_child: (4, 4) float64, takes points from child to parent, metres.
    """

    parent: str
    child: str
    stamp_ns: int
    parent_from_child: NDArray[np.float64]


def message_link(stamped: Any, position: Any, rotation: Any) -> Link:
    """
    Return the link in a message, live or from a bag.

    :param stamped: with a header, and the child_frame_id that position and rotation are of.
    :param position: with x, y and z.
    :param rotation: with x, y, z and w.
    :raises ZoeDepthError: position and rotation are no pose.
    """
    child, stamp = frame_name(stamped.child_frame_id), stamped.header.stamp
    try:
        matrix = pose_matrix(
            (position.x, position.y, position.z),
            (rotation.x, rotation.y, rotation.z, rotation.w))
    except ZoeDepthError as error:
        raise ZoeDepthError(f'{child} at {error}') from error
    return Link(
        frame_name(stamped.header.frame_id), child, stamp.sec * 10**9 + stamp.nanosec, matrix)


def frame_name(frame_id: str) -> str:
    """Return a frame's name as ROS 2 has it, without the slash that ROS 1 allowed before it."""
    return frame_id.removeprefix('/') or 'unnamed'


class FrameForest:
    """
    Frames that hang on each other, each on one parent.

    :param links: in any order; the first one of a frame names its parent, those to others are
        left out.
    :param keep_ns: how long before its newest link those of a frame are kept; None for ever. A
        link older than that says that time starts again.
    """

    def __init__(self, links: Iterable[Link] = (), keep_ns: int | None = None) -> None:
        self._keep_ns = keep_ns
        self._tracks: dict[str, _Track] = {}
        for link in sorted(links, key=lambda link: link.stamp_ns):
            if self._tracks.get(link.child, link).parent == link.parent:
                self.add(link)

    def add(self, link: Link) -> None:
        """Take in a link; it replaces those of its frame to another parent."""
        track = self._tracks.get(link.child)
        if track is None or track.parent != link.parent:
            track = self._tracks[link.child] = _Track(link.parent)
        track.add(link)
        if self._keep_ns is not None:
            track.forget(link.stamp_ns, self._keep_ns)

    def root(self, frame: str) -> str:
        """Return the frame that everything above a frame hangs on; itself where nothing is."""
        return [frame, *(track.parent for track in self._above(frame))][-1]

    def root_from(self, frame: str, stamp_ns: int) -> NDArray[np.float64]:
        """
        Return where a frame is in its root.

        Between two stamps it moves evenly; before the first and after the last it rests.

        :param stamp_ns: when, nanoseconds.
        :return: (4, 4) float64, takes points from the frame to its root, metres.
        """
        matrix = np.eye(4)
        for track in self._above(frame):
            matrix = track.at(stamp_ns) @ matrix
        return matrix

    def transform(self, target: str, source: str, stamp_ns: int) -> NDArray[np.float64] | None:
        """
        Return where a frame is in another one, None where nothing connects them.

        :param stamp_ns: when, nanoseconds; as for `root_from`.
        :return: (4, 4) float64, takes points from source to target, metres.
        """
        if self.root(target) != self.root(source):
            return None
        root_from_target = self.root_from(target, stamp_ns)
        return np.linalg.inv(root_from_target) @ self.root_from(source, stamp_ns)

    def _above(self, frame: str) -> Iterator[_Track]:
        seen = {frame}
        while (track := self._tracks.get(frame)) and track.parent not in seen:
            yield track
            frame = track.parent
            seen.add(frame)


@dataclass
class _Track:
    """Where one frame is in its parent, by time."""

    parent: str
    stamps_ns: list[int] = field(default_factory=list)
    matrices: list[NDArray[np.float64]] = field(default_factory=list)

    def add(self, link: Link) -> None:
        same = slice(
            bisect_left(self.stamps_ns, link.stamp_ns), bisect_right(
                self.stamps_ns, link.stamp_ns))
        self.stamps_ns[same] = [link.stamp_ns]
        self.matrices[same] = [link.parent_from_child]

    def forget(self, added_ns: int, keep_ns: int) -> None:
        """Keep what is near the newest stamp, or near the added one where time jumped back."""
        oldest_ns = self.stamps_ns[-1] - keep_ns
        stale = slice(bisect_left(self.stamps_ns, oldest_ns)) if added_ns >= oldest_ns else (
            slice(bisect_right(self.stamps_ns, added_ns), None))
        del self.stamps_ns[stale], self.matrices[stale]

    def at(self, stamp_ns: int) -> NDArray[np.float64]:
        after = bisect_right(self.stamps_ns, stamp_ns)
        if after in (0, len(self.stamps_ns)):
            return self.matrices[max(0, after - 1)]
        start_ns, stop_ns = self.stamps_ns[after - 1:after + 1]
        share = (stamp_ns - start_ns) / (stop_ns - start_ns)
        return _between(self.matrices[after - 1], self.matrices[after], share)


def _between(
    first: NDArray[np.float64], last: NDArray[np.float64], share: float,
) -> NDArray[np.float64]:
    turn = cv2.Rodrigues(first[:3, :3].T @ last[:3, :3])[0]
    matrix = np.eye(4)
    matrix[:3, :3] = first[:3, :3] @ cv2.Rodrigues(share * turn)[0]
    matrix[:3, 3] = (1 - share) * first[:3, 3] + share * last[:3, 3]
    return matrix
