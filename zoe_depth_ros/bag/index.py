# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Messages of a bag by number instead of in the order of time."""

from __future__ import annotations

from collections.abc import Collection
from collections.abc import Iterator
from collections.abc import Sequence
from dataclasses import dataclass
import os
from pathlib import Path
import weakref

from zoe_depth_ros.bag.decode import header_stamp_ns
from zoe_depth_ros.bag.reader import BagMessage
from zoe_depth_ros.bag.reader import BagReader
from zoe_depth_ros.errors import BagError


@dataclass(frozen=True, order=True)
class Moment:
    """
    When a message was taken; with its topic, this tells it from all others.

    :param recorded_ns: when it was recorded, nanoseconds.
    :param stamp_ns: stamp in its header, nanoseconds.
    """

    recorded_ns: int
    stamp_ns: int


def find_moments(bag: BagReader, topics: Collection[str]) -> dict[str, list[Moment]]:
    """
    Read a bag once and return the moments of some topics, in the order they were recorded.

    :raises BagError: the bag has none of these topics, is damaged, or a message has no header.
    """
    moments: dict[str, dict[Moment, None]] = {topic: {} for topic in topics}
    for message in bag.messages(topics):
        moment = Moment(message.stamp_ns, header_stamp_ns(message.cdr))
        moments[message.topic][moment] = None
    return {topic: list(found) for topic, found in moments.items()}


class MessageSeries:
    """
    Some messages of a topic by number, fastest in the order they were recorded.

    Reads the bag through a reader of its own, opened in every process that uses it.

    :param path: the bag.
    :param topic: absolute topic name.
    :param moments: of the messages.
    """

    def __init__(self, path: Path, topic: str, moments: Sequence[Moment]) -> None:
        self.path = path
        self.topic = topic
        self.moments = tuple(moments)
        self._reader: BagReader | None = None
        self._process_id = 0
        self._running: Iterator[BagMessage] = iter(())
        self._next = -1

    def __reduce__(self) -> tuple[type[MessageSeries], tuple[Path, str, tuple[Moment, ...]]]:
        return MessageSeries, (self.path, self.topic, self.moments)

    def __len__(self) -> int:
        return len(self.moments)

    def __getitem__(self, number: int) -> BagMessage:
        """
        Return a message.

        :raises BagError: the bag is damaged, or is no longer what it was.
        """
        moment = self.moments[number]
        if not self._is_ahead(number):
            self._running = self._opened().messages([self.topic], start_ns=moment.recorded_ns)
        self._next = -1
        for message in self._running:
            if Moment(message.stamp_ns, header_stamp_ns(message.cdr)) == moment:
                self._next = number + 1
                return message
            if message.stamp_ns > moment.recorded_ns:
                break
        raise BagError(f'bag {self.path} no longer has {self.topic} of {moment.stamp_ns} ns')

    def _is_ahead(self, number: int) -> bool:
        """Return whether the running iterator comes to a message next, or soon."""
        return (
            number == self._next and self._process_id == os.getpid()
            and self.moments[number].recorded_ns > self.moments[number - 1].recorded_ns)

    def _opened(self) -> BagReader:
        # A forked process shares the place in its parent's files: it needs a reader of its own.
        if self._reader is None or self._process_id != os.getpid():
            self._reader = BagReader(self.path)
            self._process_id = os.getpid()
            weakref.finalize(self, self._reader.close)
        return self._reader
