# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A node that listens and asks, and changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
import math
import os
import time
from typing import Any
from typing import TYPE_CHECKING

import rclpy
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.parameter import Parameter
from rclpy.qos import DurabilityPolicy
from rclpy.qos import QoSProfile
from rclpy.qos import ReliabilityPolicy

from zoe_depth_ros.ros.doctor.facts import Arrival
from zoe_depth_ros.ros.doctor.facts import Endpoint
from zoe_depth_ros.ros.doctor.facts import Stream

if TYPE_CHECKING:
    from types import TracebackType

POLL_S = 0.05
ASK_AGAIN_S = 0.3
QUEUE = 100


class Observer:
    """
    Takes part in the graph while a `with` statement lasts; everything happens in `spin`.

    Its own ROS clock follows /clock, whatever other nodes do.
    """

    def __init__(self) -> None:
        self._context = Context()
        rclpy.init(context=self._context)
        self.node = rclpy.create_node(
            f'_zoe_depth_doctor_{os.getpid()}', context=self._context, enable_rosout=False,
            start_parameter_services=False,
            parameter_overrides=[Parameter('use_sim_time', value=True)])
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self.node)
        self._arrivals: dict[str, list[Arrival]] = {}
        self._last: dict[str, Any] = {}
        self._questions: list[Question] = []

    def __enter__(self) -> Observer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._executor.shutdown()
        self.node.destroy_node()
        rclpy.try_shutdown(context=self._context)

    def spin(self, seconds: float, until: Callable[[], bool] = lambda: False) -> None:
        """Let things come in for some time, or until a condition holds."""
        end_s = time.monotonic() + seconds
        while time.monotonic() < end_s and not until():
            for question in self._questions:
                question.send_once_possible()
            self._executor.spin_once(timeout_sec=POLL_S)

    # Listening

    def listen(self, topic: str, message_class: type[Any]) -> None:
        """Note when messages with a header come on a topic, and keep the last."""
        if topic not in self._arrivals:
            self._arrivals[topic] = []
            self.subscribe(topic, message_class, partial(self._arrived, topic))

    def subscribe(
        self, topic: str, message_class: type[Any], callback: Callable[[Any], None],
    ) -> None:
        """Subscribe with the strictest quality of service that every publisher offers."""
        offered = [endpoint.qos for endpoint in self.publishers(topic)]
        profile = QoSProfile(
            depth=QUEUE, reliability=ReliabilityPolicy.BEST_EFFORT,
            durability=DurabilityPolicy.VOLATILE)
        if offered and all(qos.reliability == ReliabilityPolicy.RELIABLE for qos in offered):
            profile.reliability = ReliabilityPolicy.RELIABLE
        if offered and all(
                qos.durability == DurabilityPolicy.TRANSIENT_LOCAL for qos in offered):
            profile.durability = DurabilityPolicy.TRANSIENT_LOCAL
        self.node.create_subscription(message_class, topic, callback, profile)

    def stream(self, topic: str) -> Stream:
        """Return what came so far."""
        return Stream(topic, tuple(self._arrivals.get(topic, ())), self._last.get(topic))

    def sim_time_ns(self) -> int | None:
        """Return the time of /clock, None where it did not tick."""
        return self.node.get_clock().now().nanoseconds or None

    def _arrived(self, topic: str, message: Any) -> None:
        header = message.header
        self._arrivals[topic].append(Arrival(
            header.stamp.sec * 10**9 + header.stamp.nanosec, header.frame_id, time.time_ns(),
            self.sim_time_ns()))
        self._last[topic] = message

    # Asking

    def ask(self, service_type: Any, service: str, **fields: Any) -> Question:
        """Send a request, once there is such a service."""
        question = Question(
            self.node.create_client(service_type, service), service_type.Request(**fields))
        self._questions.append(question)
        return question

    # Looking at the graph

    def publishers(self, topic: str) -> tuple[Endpoint, ...]:
        """Return who publishes a topic."""
        return tuple(map(_endpoint, self.node.get_publishers_info_by_topic(topic)))

    def subscriptions(self, topic: str) -> tuple[Endpoint, ...]:
        """Return who else subscribes to a topic."""
        found = map(_endpoint, self.node.get_subscriptions_info_by_topic(topic))
        own_name = self.node.get_fully_qualified_name()
        return tuple(endpoint for endpoint in found if endpoint.node != own_name)

    def node_names(self) -> tuple[str, ...]:
        """Return the full names of all nodes but tools, whose names begin with _."""
        return tuple(sorted(
            _full_name(name, namespace)
            for name, namespace in self.node.get_node_names_and_namespaces()
            if not name.startswith('_')))


class Question:
    """A request to a service that may answer, or not."""

    def __init__(self, client: Any, request: Any) -> None:
        self._client = client
        self._request = request
        self._futures: list[Any] = []
        self._sent_s = -math.inf

    def send_once_possible(self) -> None:
        """
        Send the request if there is such a service, and again while there is no answer.

        The middleware drops an answer to a client that the server has not found yet.
        """
        is_due = time.monotonic() - self._sent_s > ASK_AGAIN_S
        if self.answer is None and is_due and self._client.service_is_ready():
            self._futures.append(self._client.call_async(self._request))
            self._sent_s = time.monotonic()

    @property
    def answer(self) -> Any | None:
        """The response, None as long as there is none."""
        return next((future.result() for future in self._futures if future.done()), None)


def _full_name(name: str, namespace: str) -> str:
    return f'{namespace.rstrip("/")}/{name}'


def _endpoint(info: Any) -> Endpoint:
    return Endpoint(
        _full_name(info.node_name, info.node_namespace), info.topic_type, info.qos_profile)
