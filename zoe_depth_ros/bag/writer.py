# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Writing rosbag2 bags, without a ROS installation."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
import sqlite3
from tempfile import TemporaryDirectory
from typing import Final
from typing import TYPE_CHECKING

from rosbags.interfaces import Connection
from rosbags.rosbag2 import CompressionFormat
from rosbags.rosbag2 import CompressionMode
from rosbags.rosbag2 import StoragePlugin
from rosbags.rosbag2 import Writer
from rosbags.rosbag2.storage_mcap import McapWriter
from rosbags.typesys import TypesysError

from zoe_depth_ros.bag.reader import BagMessage
from zoe_depth_ros.bag.record import RELIABLE
from zoe_depth_ros.bag.record import TopicRecord
from zoe_depth_ros.bag.typestore import TYPESTORE
from zoe_depth_ros.errors import BagError

if TYPE_CHECKING:
    from types import TracebackType

# Metadata of this version is read by the players of Humble and of everything newer.
METADATA_VERSION: Final = 8
STORAGES = {'mcap': StoragePlugin.MCAP, 'sqlite3': StoragePlugin.SQLITE3}
# Depth becomes no smaller at higher levels of zstd, pictures hardly, at six times the time.
ZSTD_LEVEL: Final = 1
UNKNOWN_HASH: Final = 'RIHS01_unknown'


class BagWriter:
    """
    Writes a bag in a `with` statement; it appears when complete or not at all.

    :param path: directory to make.
    :param compress: with zstd, where the storage is mcap: raw images and depth become a little
        smaller, at 1 to 2 ms a megabyte.
    :param storage: 'mcap' or 'sqlite3'.
    :param records: how topics were recorded, where they are copied from another bag.
    :raises BagError: it exists already, or cannot be made.
    """

    def __init__(
        self, path: Path, *, compress: bool = True, storage: str = 'mcap',
        records: Mapping[str, TopicRecord] | None = None,
    ) -> None:
        self.path = path
        self._records = dict(records or {})
        self._connections: dict[str, Connection] = {}
        if path.exists():
            raise BagError(f'bag {path} exists already')
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._folder = TemporaryDirectory(prefix=f'.{path.name}.', dir=path.parent)
            self._writer = Writer(
                Path(self._folder.name) / path.name, version=METADATA_VERSION,
                storage_plugin=STORAGES[storage])
            self._writer.set_compression(
                CompressionMode.STORAGE if compress and storage == 'mcap'
                else CompressionMode.NONE, CompressionFormat.ZSTD)
            self._writer.open()
        except OSError as error:
            raise BagError(f'bag {path} cannot be made: {error}') from error
        if compress and isinstance(self._writer.storage, McapWriter):
            self._writer.storage.compressor = partial(
                self._writer.storage.compressor, level=ZSTD_LEVEL)  # type: ignore[call-arg]

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
                self._connections[message.topic] = self._connect(message)
            self._writer.write(
                self._connections[message.topic], message.stamp_ns, message.cdr)
        except (OSError, sqlite3.Error, TypesysError, KeyError) as error:
            raise BagError(
                f'{message.type_name} on {message.topic} cannot be written to bag {self.path}: '
                f'{error}') from error

    def _connect(self, message: BagMessage) -> Connection:
        record = self._records.get(message.topic)
        if record is None:
            return self._writer.add_connection(
                message.topic, message.type_name, typestore=TYPESTORE,
                offered_qos_profiles=[RELIABLE])
        if record.type_name in TYPESTORE.types and not (
                record.definition and record.definition_hash):
            return self._writer.add_connection(
                record.name, record.type_name, typestore=TYPESTORE,
                offered_qos_profiles=record.qos)
        return self._writer.add_connection(
            record.name, record.type_name, msgdef=record.definition,
            rihs01=record.definition_hash or UNKNOWN_HASH, offered_qos_profiles=record.qos)

    def _complete(self) -> None:
        try:
            self._writer.close()
            self._writer.path.rename(self.path)
        except (OSError, sqlite3.Error) as error:
            raise BagError(f'bag {self.path} cannot be completed: {error}') from error
