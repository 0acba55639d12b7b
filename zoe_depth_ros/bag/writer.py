# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Writing rosbag2 bags, without a ROS installation."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final
from typing import TYPE_CHECKING

from rosbags.interfaces import Connection
from rosbags.interfaces import Qos
from rosbags.interfaces import QosDurability
from rosbags.interfaces import QosHistory
from rosbags.interfaces import QosLiveliness
from rosbags.interfaces import QosReliability
from rosbags.interfaces import QosTime
from rosbags.rosbag2 import CompressionFormat
from rosbags.rosbag2 import CompressionMode
from rosbags.rosbag2 import StoragePlugin
from rosbags.rosbag2 import Writer
from rosbags.typesys import TypesysError

from zoe_depth_ros.bag.reader import BagMessage
from zoe_depth_ros.bag.typestore import TYPESTORE
from zoe_depth_ros.errors import BagError

if TYPE_CHECKING:
    from types import TracebackType

# Metadata of this version is read by the players of Humble and of everything newer.
METADATA_VERSION: Final = 8
FOREVER = QosTime(9223372036, 854775807)
RELIABLE = Qos(
    QosHistory.KEEP_LAST, 10, QosReliability.RELIABLE, QosDurability.VOLATILE, deadline=FOREVER,
    lifespan=FOREVER, liveliness=QosLiveliness.AUTOMATIC, liveliness_lease_duration=FOREVER,
    avoid_ros_namespace_conventions=False)


class BagWriter:
    """
    Writes a bag (mcap) in a `with` statement; it appears when complete or not at all.

    :param path: directory to make.
    :param compress: with zstd; raw images and depth become little smaller, at 10 ms a megabyte.
    :raises BagError: it exists already, or cannot be made.
    """

    def __init__(self, path: Path, *, compress: bool = True) -> None:
        self.path = path
        self._connections: dict[str, Connection] = {}
        if path.exists():
            raise BagError(f'bag {path} exists already')
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._folder = TemporaryDirectory(prefix=f'.{path.name}.', dir=path.parent)
            self._writer = Writer(
                Path(self._folder.name) / path.name, version=METADATA_VERSION,
                storage_plugin=StoragePlugin.MCAP)
            self._writer.set_compression(
                CompressionMode.STORAGE if compress else CompressionMode.NONE,
                CompressionFormat.ZSTD)
            self._writer.open()
        except OSError as error:
            raise BagError(f'bag {path} cannot be made: {error}') from error

    def __enter__(self) -> BagWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with self._folder:
            if kind is None:
                self._complete()
            else:
                self._writer.abort()

    def write(self, message: BagMessage) -> None:
        """
        Append a message.

        :raises BagError: its type is unknown, or the disk does not take it.
        """
        try:
            if message.topic not in self._connections:
                self._connections[message.topic] = self._writer.add_connection(
                    message.topic, message.type_name, typestore=TYPESTORE,
                    offered_qos_profiles=[RELIABLE])
            self._writer.write(
                self._connections[message.topic], message.stamp_ns, message.cdr)
        except (OSError, TypesysError, KeyError) as error:
            raise BagError(
                f'{message.type_name} on {message.topic} cannot be written to bag {self.path}: '
                f'{error}') from error

    def _complete(self) -> None:
        try:
            self._writer.close()
            self._writer.path.rename(self.path)
        except OSError as error:
            raise BagError(f'bag {self.path} cannot be completed: {error}') from error
