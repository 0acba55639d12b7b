# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Reading bags that may be damaged: as far as they go, telling what is lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
import re
from tempfile import TemporaryDirectory

import yaml

from zoe_depth_ros.bag.merge import METADATA
from zoe_depth_ros.bag.merge import ROOT
from zoe_depth_ros.bag.reader import BagMessage
from zoe_depth_ros.bag.reader import BagReader
from zoe_depth_ros.bag.reader import BagTopic
from zoe_depth_ros.bag.record import record_of
from zoe_depth_ros.bag.record import TopicRecord
from zoe_depth_ros.bag.scan import Scan
from zoe_depth_ros.bag.scan import SCANS
from zoe_depth_ros.bag.scan import unpacked_file
from zoe_depth_ros.bag.scan import ZSTD_SUFFIX
from zoe_depth_ros.bag.typestore import TYPESTORE
from zoe_depth_ros.errors import BagError

FOREVER_NS = 2**63 - 1
DIGITS = re.compile(r'\d+')


class LenientReader(BagReader):
    """
    A bag that is read as far as it can be.

    Where the bag library gives up, its files are read from their beginning instead.

    :param path: a rosbag2 directory, a bare .mcap or .db3 file, or a ROS 1 .bag file.
    :raises BagError: nothing of it can be read.

    `records` tells how every topic was recorded, `announced` how many messages each should have
    as far as that is known, and `unreadable` counts messages by topic and by why they could not
    be given.
    """

    def __init__(self, path: Path) -> None:
        self._scans: list[Scan] = []
        self._unpacked: TemporaryDirectory[str] | None = None
        self._is_scanned = False
        self._is_open = False
        self.records: dict[str, TopicRecord] = {}
        self.announced: dict[str, int] = {}
        self._errors: list[str] = []
        self.unreadable: Counter[tuple[str, str]] = Counter()
        try:
            super().__init__(path)
        except BagError as error:
            self.path = path
            self._fall_back(error)
            if not self.records:
                raise BagError('; '.join(self.problems)) from error
        else:
            self._is_open = True
            links = sorted(self._reader.connections, key=lambda link: link.topic)
            self.records = {link.topic: record_of(link) for link in links}
            self.announced = {topic.name: topic.count for topic in self.topics}
            self.start_ns, self.stop_ns = self._reader.start_time, self._reader.end_time

    @property
    def problems(self) -> list[str]:
        """What is known to be wrong with the files."""
        return [*self._errors, *(text for scan in self._scans for text in scan.problems)]

    def close(self) -> None:
        """Close the files."""
        if self._is_open:
            super().close()
        if self._unpacked is not None:
            self._unpacked.cleanup()

    def messages(
        self, topics: Collection[str], *, start_ns: int | None = None,
        stop_ns: int | None = None,
    ) -> Iterator[BagMessage]:
        """
        Yield the messages of some topics that can be read; count the others in `unreadable`.

        :param start_ns: leave out what was recorded earlier, nanoseconds.
        :param stop_ns: leave out what was recorded then or later, nanoseconds.
        """
        given: Counter[tuple[str, int]] = Counter()
        if not self._is_scanned:
            try:
                for message in self._indexed(topics, start_ns, stop_ns):
                    given[message.topic, message.stamp_ns] += 1
                    yield message
                return
            except BagError as error:
                self._fall_back(error)
        for message in self._scanned(topics, start_ns, stop_ns):
            key = message.topic, message.stamp_ns
            if given[key]:
                given[key] -= 1
            else:
                yield message

    def _indexed(
        self, topics: Collection[str], start_ns: int | None, stop_ns: int | None,
    ) -> Iterator[BagMessage]:
        chosen = [link for link in self._reader.connections if link.topic in topics]
        if not chosen:
            return
        try:
            for link, stamp_ns, stored in self._reader.messages(chosen, start_ns, stop_ns):
                yield from self._as_ros2(BagMessage(link.topic, link.msgtype, stamp_ns, stored))
        except Exception as error:  # on damaged files the library raises nearly anything
            raise BagError(f'bag {self.path} cannot be read: {error}') from error

    def _scanned(
        self, topics: Collection[str], start_ns: int | None, stop_ns: int | None,
    ) -> Iterator[BagMessage]:
        first_ns = 0 if start_ns is None else start_ns
        last_ns = FOREVER_NS if stop_ns is None else stop_ns
        for scan in self._scans:
            for message in scan.messages(topics, first_ns, last_ns):
                yield from self._as_ros2(message)

    def _as_ros2(self, message: BagMessage) -> Iterator[BagMessage]:
        """Yield a message as ROS 2 serializes it, nothing where ROS 2 has no such message."""
        if not self._is_ros1:
            yield message
            return
        try:
            cdr = bytes(TYPESTORE.ros1_to_cdr(message.cdr, message.type_name))
        except Exception as error:  # of a type that is unknown or other, nearly anything
            reason = f'{message.type_name} of ROS 1 has no twin: {type(error).__name__}'
            self.unreadable[message.topic, reason] += 1
        else:
            yield replace(message, cdr=cdr)

    def _fall_back(self, error: BagError) -> None:
        """Read the files themselves from now on."""
        self._errors.append(str(error))
        self._unpacked = TemporaryDirectory()
        for file in storage_files(self.path):
            self._add_scan(file, Path(self._unpacked.name))
        self._is_scanned = True
        if any(scan.counts for scan in self._scans):
            self._learn_from_scans()

    def _learn_from_scans(self) -> None:
        self.records = {
            name: record for scan in self._scans for name, record in scan.records.items()}
        counts = sum((scan.counts for scan in self._scans), Counter[str]())
        self.topics = tuple(
            BagTopic(name, record.type_name, counts[name])
            for name, record in sorted(self.records.items()))
        self.announced = self.announced or announced_counts(self.path)
        self.start_ns = min(scan.start_ns for scan in self._scans)
        self.stop_ns = max(scan.stop_ns for scan in self._scans)

    def _add_scan(self, file: Path, folder: Path) -> None:
        try:
            path = unpacked_file(file, folder)
            self._scans.append(SCANS[path.suffix](path))
        except (BagError, OSError) as error:
            self._errors.append(str(error))


def announced_counts(path: Path) -> dict[str, int]:
    """Return how many messages of each topic metadata.yaml tells of, nothing where it is lost."""
    try:
        topics = yaml.safe_load((path / METADATA).read_text())[ROOT]['topics_with_message_count']
        return {topic['topic_metadata']['name']: topic['message_count'] for topic in topics}
    except (OSError, yaml.YAMLError, KeyError, TypeError):
        return {}


def storage_files(path: Path) -> list[Path]:
    """Return the storage files of a bag in the order they were recorded."""
    files = path.iterdir() if path.is_dir() else [path]
    return sorted((file for file in files if file.is_file() and _is_storage(file)), key=_order)


def _is_storage(path: Path) -> bool:
    return Path(path.name.removesuffix(ZSTD_SUFFIX)).suffix in SCANS


def _order(path: Path) -> tuple[list[int], str]:
    """Sort bag_10 after bag_9."""
    stem = path.name.partition('.')[0]
    return [int(number) for number in DIGITS.findall(stem)[-1:]], path.name
