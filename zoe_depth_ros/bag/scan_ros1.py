# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Damaged bags of ROS 1, read from their beginning as far as they go."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import BinaryIO
from typing import NamedTuple

from rosbags.interfaces import Connection
from rosbags.rosbag1.reader import decompressors
from rosbags.rosbag1.reader import Header
from rosbags.rosbag1.reader import read_bytes
from rosbags.rosbag1.reader import read_uint32
from rosbags.rosbag1.reader import Reader
from rosbags.rosbag1.reader import RecordType

from zoe_depth_ros.bag.record import record_of
from zoe_depth_ros.bag.record import TopicRecord
from zoe_depth_ros.bag.walk import Stored
from zoe_depth_ros.bag.walk import WalkedFile

MAGIC = b'#ROSBAG V2.0\n'


class _Record(NamedTuple):
    header: Header
    content: bytes


class Ros1Scan(WalkedFile):
    """
    A .bag file without its index.

    :param path: the file; it may end anywhere, and chunks in it may be damaged.
    :raises BagError: it is no bag of ROS 1.
    """

    def __init__(self, path: Path) -> None:
        self._connections: dict[int, Connection] = {}
        super().__init__(path, MAGIC, 'bag of ROS 1')

    def _walk(self, file: BinaryIO) -> Iterator[tuple[int, list[Stored]]]:
        size = self.path.stat().st_size
        while (offset := file.tell()) < size:
            try:
                record = _read(file)
            except Exception:  # on damaged bytes the library raises nearly anything
                self.problems.append(f'{self.path} ends within what begins at {offset}')
                return
            try:
                found = self._stored(record)
            except Exception as error:  # as above
                self.problems.append(f'{self.path}: the chunk at {offset} is damaged: {error}')
            else:
                yield offset, found

    def _stored_at(self, file: BinaryIO) -> list[Stored]:
        return self._stored(_read(file))

    def _known_topics(self) -> dict[int, TopicRecord]:
        return {number: record_of(link) for number, link in self._connections.items()}

    def _stored(self, record: _Record) -> list[Stored]:
        """Return the messages in a record, and learn the connections in it."""
        kind = record.header.get_uint8('op')
        if kind == RecordType.CHUNK:
            content = decompressors[record.header.get_string('compression')](record.content)
            return [item for inner in _records(content) for item in self._stored(inner)]
        if kind == RecordType.CONNECTION:
            self._learn(record)
        if kind != RecordType.MSGDATA:
            return []
        return [Stored(
            record.header.get_uint32('conn'), record.header.get_time('time'), record.content)]

    def _learn(self, record: _Record) -> None:
        number = record.header.get_uint32('conn')
        if number not in self._connections:
            parser = Reader(self.path)
            parser.bio = BytesIO(_packed(record))
            self._connections[number] = parser.read_connection()


def _records(content: bytes) -> Iterator[_Record]:
    stream = BytesIO(content)
    while stream.tell() < len(content):
        yield _read(stream)


def _read(stream: BinaryIO) -> _Record:
    header = Header.read(stream)
    return _Record(header, read_bytes(stream, read_uint32(stream)))


def _packed(record: _Record) -> bytes:
    """Return a record as bytes again."""
    fields = b''.join(
        len(item).to_bytes(4, 'little') + item
        for item in (name.encode() + b'=' + value for name, value in record.header.items()))
    return b''.join(
        len(part).to_bytes(4, 'little') + part for part in (fields, record.content))
