# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Storage files of damaged bags, read from their beginning as far as they go."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from collections.abc import Collection
from collections.abc import Iterator
from contextlib import closing
from contextlib import suppress
from io import BytesIO
from pathlib import Path
import sqlite3
import struct
from typing import BinaryIO
from typing import Protocol
from urllib.parse import quote

from mcap.data_stream import ReadDataStream
from mcap.opcode import Opcode
from mcap.records import Channel
from mcap.records import Chunk
from mcap.records import Message
from mcap.records import Schema
from mcap.stream_reader import breakup_chunk
from rosbags.rosbag2.metadata import parse_qos
import zstandard

from zoe_depth_ros.bag.reader import BagMessage
from zoe_depth_ros.bag.record import TopicRecord
from zoe_depth_ros.bag.scan_ros1 import Ros1Scan
from zoe_depth_ros.bag.walk import Stored
from zoe_depth_ros.bag.walk import WalkedFile
from zoe_depth_ros.errors import BagError

MCAP_MAGIC = b'\x89MCAP0\r\n'
ZSTD_SUFFIX = '.zstd'
BLOCK_BYTES = 2**20
ZSTD_MAGIC = b'\x28\xb5\x2f\xfd'
RECORD_HEAD = struct.Struct('<BQ')


class Scan(Protocol):
    """A storage file that has been walked through once."""

    records: dict[str, TopicRecord]
    counts: Counter[str]
    start_ns: int
    stop_ns: int
    problems: list[str]

    def messages(
        self, topics: Collection[str], start_ns: int, stop_ns: int,
    ) -> Iterator[BagMessage]:
        """Yield the messages of some topics with start_ns <= stamp < stop_ns, as they lie."""


class McapScan(WalkedFile):
    """
    An .mcap file without its index.

    :param path: the file; it may end anywhere, and chunks in it may be damaged.
    :raises BagError: it is no mcap file.
    """

    def __init__(self, path: Path) -> None:
        self._schemas: dict[int, Schema] = {}
        self._channels: dict[int, Channel] = {}
        super().__init__(path, MCAP_MAGIC, 'mcap file')

    def _walk(self, file: BinaryIO) -> Iterator[tuple[int, list[Stored]]]:
        opcode = 0
        for offset, opcode, content in _mcap_records(file):
            try:
                found = self._stored(opcode, content)
            except Exception as error:  # on damaged bytes the library raises nearly anything
                self.problems.append(
                    f'{self.path}: {len(content)} bytes at {offset} are damaged: {error}')
                continue
            yield offset, found
        if opcode != Opcode.FOOTER:
            self.problems.append(f'{self.path} ends after {self.path.stat().st_size} bytes')

    def _stored_at(self, file: BinaryIO) -> list[Stored]:
        _, opcode, content = next(_mcap_records(file))
        return self._stored(opcode, content)

    def _known_topics(self) -> dict[int, TopicRecord]:
        return {number: self._record(channel) for number, channel in self._channels.items()}

    def _stored(self, opcode: int, content: bytes) -> list[Stored]:
        """Return the messages in a record, and learn the topics in it."""
        found = []
        for record in _unpacked(opcode, content):
            if isinstance(record, Schema):
                self._schemas[record.id] = record
            elif isinstance(record, Channel):
                self._channels[record.id] = record
            else:
                found.append(Stored(
                    record.channel_id, record.log_time, _decompressed(record.data)))
        return found

    def _record(self, channel: Channel) -> TopicRecord:
        schema = self._schemas.get(channel.schema_id)
        return TopicRecord(
            channel.topic, schema.name if schema else '',
            schema.data.decode(errors='replace') if schema else '', '',
            tuple(parse_qos(channel.metadata.get('offered_qos_profiles', ''))))


class SqliteScan:
    """
    A .db3 file whose index is not trusted.

    :param path: the file; pages of it may be missing or damaged.
    :raises BagError: its topics cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.problems: list[str] = []
        self.start_ns, self.stop_ns = 2**63 - 1, 0
        self.counts: Counter[str] = Counter()
        try:
            self._topics = self._read_topics()
        except sqlite3.Error as error:
            raise BagError(f'{path} has no readable table of topics: {error}') from error
        self.records = {record.name: record for record in self._topics.values()}
        for number, stamp_ns, _ in self._rows("topic_id, timestamp, ''", 0, 2**63 - 1):
            if number in self._topics:
                self.counts[self._topics[number].name] += 1
                self.start_ns = min(self.start_ns, stamp_ns)
                self.stop_ns = max(self.stop_ns, stamp_ns + 1)

    def messages(
        self, topics: Collection[str], start_ns: int, stop_ns: int,
    ) -> Iterator[BagMessage]:
        """Yield the messages of some topics with start_ns <= stamp < stop_ns, as they lie."""
        for number, stamp_ns, stored in self._rows('topic_id, timestamp, data', start_ns, stop_ns):
            record = self._topics.get(number)
            if record is not None and record.name in topics:
                yield BagMessage(
                    record.name, record.type_name, stamp_ns, _decompressed(stored))

    def _open(self) -> sqlite3.Connection:
        database = sqlite3.connect(
            f'file:{quote(str(self.path))}?mode=ro&immutable=1', uri=True)
        database.execute('PRAGMA writable_schema = ON')  # else it refuses files that are too short
        return database

    def _read_topics(self) -> dict[int, TopicRecord]:
        with closing(self._open()) as database:
            rows = database.execute('SELECT id, name, type, offered_qos_profiles FROM topics')
            return {number: TopicRecord(name, type_name, qos=tuple(parse_qos(qos)))
                    for number, name, type_name, qos in rows}

    def _rows(
        self, columns: str, start_ns: int, stop_ns: int,
    ) -> Iterator[tuple[int, int, bytes]]:
        with closing(self._open()) as database:
            try:
                yield from database.execute(
                    f'SELECT {columns} FROM messages NOT INDEXED '
                    'WHERE timestamp >= ? AND timestamp < ?', (start_ns, stop_ns))
            except sqlite3.Error as error:
                problem = f'{self.path} is damaged: {error}'
                if problem not in self.problems:
                    self.problems.append(problem)


SCANS: dict[str, Callable[[Path], Scan]] = {
    '.mcap': McapScan, '.db3': SqliteScan, '.bag': Ros1Scan}


def unpacked_file(path: Path, folder: Path) -> Path:
    """Return a storage file itself, or a file in a folder with what can be had from a .zstd."""
    if path.suffix != ZSTD_SUFFIX:
        return path
    unpacked = folder / path.stem
    unpack = zstandard.ZstdDecompressor().decompressobj()
    broken = suppress(zstandard.ZstdError)
    with path.open('rb') as source, unpacked.open('wb') as target, broken:
        while block := source.read(BLOCK_BYTES):
            target.write(unpack.decompress(block))
    return unpacked


def _mcap_records(file: BinaryIO) -> Iterator[tuple[int, int, bytes]]:
    """Yield (offset, opcode, content) of every record that is complete."""
    while len(head := file.read(RECORD_HEAD.size)) == RECORD_HEAD.size:
        opcode, length = RECORD_HEAD.unpack(head)
        offset = file.tell() - RECORD_HEAD.size
        content = file.read(length) if length < 2**32 else b''
        if len(content) < length:
            return
        yield offset, opcode, content


def _unpacked(opcode: int, content: bytes) -> list[Schema | Channel | Message]:
    stream = ReadDataStream(BytesIO(content))
    if opcode == Opcode.CHUNK:
        inner = breakup_chunk(Chunk.read(stream), validate_crc=True)
        return [item for item in inner if isinstance(item, Schema | Channel | Message)]
    if opcode == Opcode.SCHEMA:
        return [Schema.read(stream)]
    if opcode == Opcode.CHANNEL:
        return [Channel.read(stream)]
    if opcode == Opcode.MESSAGE:
        return [Message.read(stream, len(content))]
    return []


def _decompressed(stored: bytes) -> bytes:
    """Return a message that may have been compressed by itself; CDR never begins like zstd."""
    if stored.startswith(ZSTD_MAGIC):
        with suppress(zstandard.ZstdError):
            return zstandard.ZstdDecompressor().decompressobj().decompress(stored)
    return stored
