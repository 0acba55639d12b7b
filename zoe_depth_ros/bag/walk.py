# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Walking through a storage file from its beginning, as far as it goes."""

from __future__ import annotations

from abc import ABC
from abc import abstractmethod
from collections import Counter
from collections.abc import Collection
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO
from typing import NamedTuple

from zoe_depth_ros.bag.reader import BagMessage
from zoe_depth_ros.bag.record import TopicRecord
from zoe_depth_ros.errors import BagError


class Stored(NamedTuple):
    """
    A message in a file.

    :param number: of its topic in the file.
    :param stamp_ns: when it was recorded, nanoseconds.
    :param content: its bytes, as they lie there.
    """

    number: int
    stamp_ns: int
    content: bytes


class _Place(NamedTuple):
    offset: int
    first_ns: int
    last_ns: int


class WalkedFile(ABC):
    """
    A storage file without its index, walked through once to learn what is where.

    :param path: the file; it may end anywhere, and parts of it may be damaged.
    :param magic: what it begins with.
    :param kind: what it is called.
    :raises BagError: it begins otherwise.
    """

    def __init__(self, path: Path, magic: bytes, kind: str) -> None:
        self.path = path
        self.problems: list[str] = []
        self.start_ns, self.stop_ns = 2**63 - 1, 0
        self._places: list[_Place] = []
        by_number: Counter[int] = Counter()
        with path.open('rb') as file:
            if file.read(len(magic)) != magic:
                raise BagError(f'{path} is no {kind}')
            for offset, found in self._walk(file):
                by_number.update(item.number for item in found)
                self._note(offset, [item.stamp_ns for item in found])
        self._topics = self._known_topics()
        self.records = {record.name: record for record in self._topics.values()}
        self.counts: Counter[str] = Counter()
        for number, count in by_number.items():
            if number in self._topics:
                self.counts[self._topics[number].name] += count
            else:
                self.problems.append(f'{path}: {count} messages of an unknown topic')

    def messages(
        self, topics: Collection[str], start_ns: int, stop_ns: int,
    ) -> Iterator[BagMessage]:
        """Yield the messages of some topics with start_ns <= stamp < stop_ns, as they lie."""
        with self.path.open('rb') as file:
            for place in self._places:
                if place.last_ns < start_ns or place.first_ns >= stop_ns:
                    continue
                file.seek(place.offset)
                for stored in sorted(self._stored_at(file), key=lambda item: item.stamp_ns):
                    record = self._topics.get(stored.number)
                    if (record is not None and record.name in topics
                            and start_ns <= stored.stamp_ns < stop_ns):
                        yield BagMessage(
                            record.name, record.type_name, stored.stamp_ns, stored.content)

    @abstractmethod
    def _walk(self, file: BinaryIO) -> Iterator[tuple[int, list[Stored]]]:
        """Yield offsets with the messages there, and note problems."""

    @abstractmethod
    def _stored_at(self, file: BinaryIO) -> list[Stored]:
        """Return the messages at one of these offsets."""

    @abstractmethod
    def _known_topics(self) -> dict[int, TopicRecord]:
        """Return the topics by their numbers in the file, after the walk."""

    def _note(self, offset: int, stamps_ns: list[int]) -> None:
        if stamps_ns:
            place = _Place(offset, min(stamps_ns), max(stamps_ns))
            self._places.append(place)
            self.start_ns = min(self.start_ns, place.first_ns)
            self.stop_ns = max(self.stop_ns, place.last_ns + 1)
