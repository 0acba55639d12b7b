# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Records topics without deserializing them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
import time

from rclpy.node import Node
from rclpy.qos import QoSProfile
from rclpy.qos import ReliabilityPolicy

from zoe_depth_ros.bag.decode import header_stamp_ns
from zoe_depth_ros.bag.reader import BagMessage
from zoe_depth_ros.bag.writer import BagWriter
from zoe_depth_ros.errors import BagError
from zoe_depth_ros.ros.player import message_class
from zoe_depth_ros.ros.session import wait_until

# Deep enough for the moments in which the disk is slow.
QOS = QoSProfile(depth=100, reliability=ReliabilityPolicy.RELIABLE)


@dataclass(frozen=True)
class Passage:
    """
    When a message passed.

    :param stamp_ns: the stamp in its header, nanoseconds.
    :param at_ns: nanoseconds since the epoch.
    """

    stamp_ns: int
    at_ns: int


class Recorder:
    """
    Writes everything that comes on some topics into a bag, stamped with the time it came.

    :param node: the node that subscribes; it must be spinning.
    :param topics: type of every topic; their messages begin with a header.
    :param bag: where to write.
    :param since_ns: what has an older stamp is heard, but not written.
    """

    def __init__(
        self, node: Node, topics: Mapping[str, str], bag: BagWriter, since_ns: int = 0,
    ) -> None:
        self._node = node
        self._bag = bag
        self._since_ns = since_ns
        self._heard: set[str] = set()
        self._arrivals: dict[str, list[Passage]] = {topic: [] for topic in topics}
        self._last_s = time.monotonic()
        self._error: BagError | None = None
        self._subscriptions = [
            node.create_subscription(
                message_class(type_name), topic, partial(self._write, topic, type_name), QOS,
                raw=True)
            for topic, type_name in topics.items()]

    def arrivals(self, topic: str) -> tuple[Passage, ...]:
        """Return what has come on a topic so far and was written."""
        return tuple(self._arrivals[topic])

    @property
    def heard(self) -> frozenset[str]:
        """The topics on which anything has come."""
        return frozenset(self._heard)

    def wait_for_publishers(self, timeout_s: float) -> bool:
        """Return whether every topic found a publisher in time."""
        return wait_until(
            lambda: all(map(self._node.count_publishers, self._arrivals)), timeout_s)

    def quiet_s(self) -> float:
        """Return how long nothing has come."""
        return time.monotonic() - self._last_s

    def close(self) -> None:
        """
        Stop recording.

        :raises BagError: something could not be written.
        """
        for subscription in self._subscriptions:
            self._node.destroy_subscription(subscription)
        if self._error is not None:
            raise self._error

    def _write(self, topic: str, type_name: str, cdr: bytes, info: Mapping[str, int]) -> None:
        received_ns = info['received_timestamp']
        try:
            stamp_ns = header_stamp_ns(cdr)
            self._heard.add(topic)
            if stamp_ns < self._since_ns:
                return
            self._bag.write(BagMessage(topic, type_name, received_ns, cdr))
            self._arrivals[topic].append(Passage(stamp_ns, received_ns))
        except BagError as error:  # raised here it would end the thread that spins, unheard
            self._error = error
        self._last_s = time.monotonic()
