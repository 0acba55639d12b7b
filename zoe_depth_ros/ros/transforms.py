# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Where frames are, from /tf and /tf_static or from a parameter."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from threading import Lock
from typing import Any
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from rclpy.node import Node
from rclpy.qos import QoSDurabilityPolicy
from rclpy.qos import QoSProfile
from rclpy.subscription import Subscription

from zoe_depth_ros.errors import ZoeDepthError
from zoe_depth_ros.frame_forest import frame_name
from zoe_depth_ros.frame_forest import FrameForest
from zoe_depth_ros.frame_forest import message_link

TOPIC, STATIC_TOPIC = '/tf', '/tf_static'
# As long as tf2 keeps them.
KEEP_NS = 10 * 10**9
STATIC_QOS = QoSProfile(depth=100, durability=QoSDurabilityPolicy.TRANSIENT_LOCAL)
MOVING_QOS = QoSProfile(depth=100)
WARNING_PERIOD_S = 5.0
HAS_TF = find_spec('tf2_msgs') is not None


class Transforms(Protocol):
    """Knows where frames are."""

    def lookup(self, target: str, source: str, stamp_ns: int) -> NDArray[np.float64]:
        """
        Return the transform from one frame to another.

        :param stamp_ns: when, nanoseconds.
        :return: (4, 4) float64, takes points from source to target, metres.
        :raises ZoeDepthError: it is not known.
        """

    def destroy(self) -> None:
        """Remove what listens from the node."""


class FixedTransform:
    """
    One transform for all frames and times.

    :param target_from_source: (4, 4) float64, metres.
    """

    def __init__(self, target_from_source: NDArray[np.float64]) -> None:
        self._matrix = target_from_source

    def lookup(self, target: str, source: str, stamp_ns: int) -> NDArray[np.float64]:
        """Return the transform."""
        return self._matrix

    def destroy(self) -> None:
        """Do nothing."""


class TransformListener:
    """
    What /tf and /tf_static tell, in numpy, so that it is the same as for a bag.

    Frames move evenly between two stamps and rest before the first and after the last one: an
    answer never has to wait for a transform that is yet to come. What is static holds at any time.

    :param node: the node that listens; its callbacks may run in another thread than lookups.
    """

    def __init__(self, node: Node) -> None:
        self._node = node
        self._forest = FrameForest(keep_ns=KEEP_NS)
        self._lock = Lock()
        self._subscriptions: list[Subscription] = []
        if HAS_TF:
            message_type = import_module('tf2_msgs.msg').TFMessage
            self._subscriptions = [
                node.create_subscription(message_type, topic, partial(self.take, topic), qos)
                for topic, qos in ((TOPIC, MOVING_QOS), (STATIC_TOPIC, STATIC_QOS))]

    def take(self, topic: str, message: Any) -> None:
        """
        Take in a message.

        :param topic: '/tf' or '/tf_static'.
        :param message: a tf2_msgs/TFMessage.
        """
        for item in message.transforms:
            try:
                link = message_link(item, item.transform.translation, item.transform.rotation)
            except ZoeDepthError as error:
                self._node.get_logger().warning(
                    f'{topic} has {error}', throttle_duration_sec=WARNING_PERIOD_S)
                continue
            with self._lock:
                self._forest.add(replace(link, stamp_ns=0) if topic == STATIC_TOPIC else link)

    def lookup(self, target: str, source: str, stamp_ns: int) -> NDArray[np.float64]:
        """Return the transform from one frame to another; see `Transforms`."""
        with self._lock:
            matrix = self._forest.transform(frame_name(target), frame_name(source), stamp_ns)
        if matrix is None:
            reason = '' if HAS_TF else ': tf2_msgs is not installed'
            raise ZoeDepthError(f'no transform from {source} to {target}{reason}')
        return matrix

    def destroy(self) -> None:
        """Remove the subscriptions from the node."""
        for subscription in self._subscriptions:
            self._node.destroy_subscription(subscription)
