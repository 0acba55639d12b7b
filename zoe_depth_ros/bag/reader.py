# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Reading bags of ROS 2 (sqlite3, mcap, compressed) and ROS 1, without a ROS installation."""

from __future__ import annotations

from collections.abc import Collection
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rosbags.rosbag1 import Reader as Ros1Reader
from rosbags.rosbag2 import Reader as Ros2Reader

from zoe_depth_ros.bag.typestore import TYPESTORE
from zoe_depth_ros.errors import BagError

if TYPE_CHECKING:
    from types import TracebackType


@dataclass(frozen=True)
class BagTopic:
    """
    A topic in a bag.

    :param name: absolute topic name.
    :param type_name: message type, such as 'sensor_msgs/msg/Image'.
    :param count: number of messages.
    """

    name: str
    type_name: str
    count: int


@dataclass(frozen=True)
class BagMessage:
    """
    A message as it lies in a bag.

    :param topic: absolute topic name.
    :param type_name: message type, such as 'sensor_msgs/msg/Image'.
    :param stamp_ns: when it was recorded, nanoseconds; not the stamp in its header.
    :param cdr: the message, serialized as ROS 2 sends it.
    """

    topic: str
    type_name: str
    stamp_ns: int
    cdr: bytes


class BagReader:
    """
    An open bag; close it, or use it in a `with` statement.

    :param path: a rosbag2 directory, a bare .mcap or .db3 file, or a ROS 1 .bag file.
    :raises BagError: there is no such bag, or it is damaged.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._is_ros1 = path.suffix == '.bag'
        try:
            self._reader = Ros1Reader(path) if self._is_ros1 else Ros2Reader(path)
            self._reader.open()
        except Exception as error:  # on damaged files the library raises nearly anything
            raise BagError(f'bag {path} cannot be opened: {error}') from error
        self.topics = tuple(
            BagTopic(name, info.msgtype or '', info.msgcount)
            for name, info in sorted(self._reader.topics.items()))

    def __enter__(self) -> BagReader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the files."""
        self._reader.close()

    def messages(
        self, topics: Collection[str], *, start_ns: int | None = None,
        stop_ns: int | None = None,
    ) -> Iterator[BagMessage]:
        """
        Yield the messages of some topics in the order they were recorded.

        Let only one iterator of a reader run at a time: they share the place in the file.

        :param start_ns: leave out what was recorded earlier.
        :param stop_ns: leave out what was recorded then or later.
        :raises BagError: the bag has none of these topics, or is damaged.
        """
        chosen = [link for link in self._reader.connections if link.topic in topics]
        if not chosen:
            raise BagError(f'bag {self.path} has no topic {" or ".join(sorted(topics))}')
        try:
            for link, stamp_ns, stored in self._reader.messages(chosen, start_ns, stop_ns):
                cdr = TYPESTORE.ros1_to_cdr(stored, link.msgtype) if self._is_ros1 else stored
                yield BagMessage(link.topic, link.msgtype, stamp_ns, bytes(cdr))
        except Exception as error:  # on damaged files the library raises nearly anything
            raise BagError(f'bag {self.path} cannot be read: {error}') from error
