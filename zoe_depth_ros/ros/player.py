# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Plays recorded messages in real time."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from importlib import import_module
import time
from typing import Any

from rclpy.node import Node
from rclpy.qos import QoSProfile
from rclpy.qos import ReliabilityPolicy

from zoe_depth_ros.bag.reader import BagMessage
from zoe_depth_ros.ros.session import wait_until

QOS = QoSProfile(depth=10, reliability=ReliabilityPolicy.RELIABLE)


class Player:
    """
    Publishes messages as they lie in a bag, at the pace they were recorded, reliably.

    :param node: the node that publishes.
    :param topics: type of every topic that will be played.
    """

    def __init__(self, node: Node, topics: Mapping[str, str]) -> None:
        self._publishers = {
            topic: node.create_publisher(message_class(type_name), topic, QOS)
            for topic, type_name in topics.items()}

    def wait_for_subscribers(self, timeout_s: float) -> bool:
        """Return whether every topic found a subscriber in time."""
        return wait_until(
            lambda: all(
                publisher.get_subscription_count() > 0
                for publisher in self._publishers.values()), timeout_s)

    def send(self, message: BagMessage) -> None:
        """Publish one message now, byte for byte."""
        self._publishers[message.topic].publish(message.cdr)

    def play(
        self, messages: Iterable[BagMessage], rate: float = 1.0,
    ) -> Iterator[tuple[BagMessage, int]]:
        """
        Publish messages at their times, as the caller iterates.

        :param messages: in the order of their stamps.
        :param rate: how much faster than recorded.
        :return: every message with the time it was published, nanoseconds since the epoch.
        """
        start: tuple[int, int] | None = None
        for message in messages:
            start = start or (message.stamp_ns, time.monotonic_ns())
            due_ns = start[1] + (message.stamp_ns - start[0]) / rate
            time.sleep(max(0.0, (due_ns - time.monotonic_ns()) / 1e9))
            sent_ns = time.time_ns()
            self.send(message)
            yield message, sent_ns


def message_class(type_name: str) -> Any:
    """Return the class of a message type such as 'sensor_msgs/msg/Image'."""
    package, _, name = type_name.split('/')
    return getattr(import_module(f'{package}.msg'), name)
