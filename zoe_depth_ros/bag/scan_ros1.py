# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Damaged bags of ROS 1, read from their beginning as far as they go."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
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

from zoe_depth_ros.bag.reader import BagMessage
from zoe_depth_ros.bag.record import record_of
from zoe_depth_ros.bag.record import TopicRecord
from zoe_depth_ros.errors import BagError

MAGIC = b'#ROSBAG V2.0\n'


class _Record(NamedTuple):
    header: Header
    content: bytes


class _Stored(NamedTuple):
    connection: int
    stamp_ns: int
    content: bytes


class Ros1Scan:
    """
    A .bag file without its index.

    :param path: the file; it may end anywhere, and chunks in it may be damaged.
    :raises BagError: it is no bag of ROS 1.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.problems: list[str] = []
        self.start_ns, self.stop_ns = 2**63 - 1, 0
        self._connections: dict[int, Connection] = {}
        self._places: list[tuple[int, int, int]] = []
        by_connection: Counter[int] = Counter()
        with path.open('rb') as file:
            if file.read(len(MAGIC)) != MAGIC:
                raise BagError(f'{path} is no bag of ROS 1')
            self._walk(file, by_connection)
        self.records: dict[str, TopicRecord] = {
            link.topic: record_of(link) for link in self._connections.values()}
        self.counts: Counter[str] = Counter()
        for number, count in by_connection.items():
            if number in self._connections:
                self.counts[self._connections[number].topic] += count
            else:
                self.problems.append(f'{path}: {count} messages of an unknown topic')

    def messages(
        self, topics: Collection[str], start_ns: int, stop_ns: int,
    ) -> Iterator[BagMessage]:
        """Yield the messages, as ROS 1 serialized them, with start_ns <= stamp < stop_ns."""
        with self.path.open('rb') as file:
            for offset, first_ns, last_ns in self._places:
                if last_ns < start_ns or first_ns >= stop_ns:
                    continue
                file.seek(offset)
                for stored in sorted(self._stored(_read(file)), key=lambda item: item.stamp_ns):
                    link = self._connections.get(stored.connection)
                    if (link is not None and link.topic in topics
                            and start_ns <= stored.stamp_ns < stop_ns):
                        yield BagMessage(
                            link.topic, link.msgtype, stored.stamp_ns, stored.content)

    def _walk(self, file: BinaryIO, by_connection: Counter[int]) -> None:
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
                continue
            by_connection.update(item.connection for item in found)
            if found:
                stamps_ns = [item.stamp_ns for item in found]
                self._places.append((offset, min(stamps_ns), max(stamps_ns)))
                self.start_ns = min(self.start_ns, *stamps_ns)
                self.stop_ns = max(self.stop_ns, max(stamps_ns) + 1)

    def _stored(self, record: _Record) -> list[_Stored]:
        """Return the messages in a record, and learn the connections in it."""
        kind = record.header.get_uint8('op')
        if kind == RecordType.CHUNK:
            content = decompressors[record.header.get_string('compression')](record.content)
            return [item for inner in _records(content) for item in self._stored(inner)]
        if kind == RecordType.CONNECTION:
            self._learn(record)
        if kind != RecordType.MSGDATA:
            return []
        return [_Stored(
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
