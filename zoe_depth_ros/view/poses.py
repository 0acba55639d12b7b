# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Where frames are over time: transforms and odometry of a bag as one forest."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from collections.abc import Iterator
from dataclasses import dataclass
from dataclasses import field
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from zoe_depth_ros.bag.decode import deserialized
from zoe_depth_ros.bag.reader import BagMessage
from zoe_depth_ros.errors import BagError

TF_TYPE = 'tf2_msgs/msg/TFMessage'
ODOMETRY_TYPE = 'nav_msgs/msg/Odometry'


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


def read_links(message: BagMessage) -> list[Link]:
    """
    Return what a tf2_msgs/TFMessage or nav_msgs/Odometry tells.

    :raises BagError: the bytes are no such message, or a rotation is none.
    """
    content = deserialized(message)
    if message.type_name == ODOMETRY_TYPE:
        pose = content.pose.pose
        return [_link(message, content, pose.position, pose.orientation)]
    return [
        _link(message, item, item.transform.translation, item.transform.rotation)
        for item in content.transforms]


class FrameForest:
    """
    Frames that hang on each other, each on one parent.

    :param links: in any order; the first one of a frame names its parent, those to others are
        left out.
    """

    def __init__(self, links: Iterable[Link]) -> None:
        self._tracks: dict[str, _Track] = {}
        for link in sorted(links, key=lambda link: link.stamp_ns):
            track = self._tracks.setdefault(link.child, _Track(link.parent))
            if link.parent == track.parent:
                track.stamps_ns.append(link.stamp_ns)
                track.matrices.append(link.parent_from_child)

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

    def _above(self, frame: str) -> Iterator[_Track]:
        seen = {frame}
        while (track := self._tracks.get(frame)) and track.parent not in seen:
            yield track
            frame = track.parent
            seen.add(frame)


@dataclass
class _Track:
    parent: str
    stamps_ns: list[int] = field(default_factory=list)
    matrices: list[NDArray[np.float64]] = field(default_factory=list)

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


def _link(message: BagMessage, stamped: Any, position: Any, rotation: Any) -> Link:
    quaternion = np.array([rotation.w, rotation.x, rotation.y, rotation.z])
    position_m = np.array([position.x, position.y, position.z])
    norm = np.linalg.norm(quaternion)
    if not (np.isfinite(norm) and norm > 0 and np.isfinite(position_m).all()):
        raise BagError(
            f'{message.topic} has {stamped.child_frame_id} at {position_m.tolist()} m, turned by '
            f'{quaternion.tolist()} (w, x, y, z), which is no pose')
    matrix = np.eye(4)
    matrix[:3, :3] = _rotation(quaternion / norm)
    matrix[:3, 3] = position_m
    stamp = stamped.header.stamp
    return Link(
        frame_name(stamped.header.frame_id), frame_name(stamped.child_frame_id),
        stamp.sec * 10**9 + stamp.nanosec, matrix)


def frame_name(frame_id: str) -> str:
    """Return a frame's name as ROS 2 has it, without the slash that ROS 1 allowed before it."""
    return frame_id.removeprefix('/') or 'unnamed'


def _rotation(quaternion: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the (3, 3) matrix of a unit quaternion (w, x, y, z)."""
    w, v = quaternion[0], quaternion[1:]
    cross = np.array([[0, -v[2], v[1]], [v[2], 0, -v[0]], [-v[1], v[0], 0]])
    return np.eye(3) + 2 * w * cross + 2 * cross @ cross
