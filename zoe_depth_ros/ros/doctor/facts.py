# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What was seen of a ROS graph, and what follows from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rclpy.qos import QoSProfile


@dataclass(frozen=True)
class Finding:
    """
    Something that needs attention.

    :param severity: 'wrong', or 'hint' for what may be meant that way.
    :param what: what is wrong.
    :param remedy: how to mend it.
    """

    severity: str
    what: str
    remedy: str


def wrong(what: str, remedy: str) -> Finding:
    """Return a finding that needs mending."""
    return Finding('wrong', what, remedy)


def hint(what: str, remedy: str) -> Finding:
    """Return a finding that may be meant that way."""
    return Finding('hint', what, remedy)


@dataclass(frozen=True)
class Endpoint:
    """
    A publisher or subscription.

    :param node: full name of its node.
    :param type_name: of its messages, such as 'sensor_msgs/msg/Image'.
    :param qos: what it offers or requests.
    """

    node: str
    type_name: str
    qos: QoSProfile


@dataclass(frozen=True)
class Channel:
    """A topic that a depth node takes or gives, with everybody at its ends."""

    topic: str
    type_name: str
    publishers: tuple[Endpoint, ...]
    subscriptions: tuple[Endpoint, ...]


@dataclass(frozen=True)
class Arrival:
    """
    One message that came.

    :param stamp_ns: in its header, nanoseconds.
    :param frame_id: in its header.
    :param at_ns: when it came, nanoseconds of this machine's clock.
    :param sim_ns: when it came, nanoseconds of /clock; None without one.
    """

    stamp_ns: int
    frame_id: str
    at_ns: int
    sim_ns: int | None


@dataclass(frozen=True, eq=False)
class Stream:
    """
    What came on a topic.

    :param last: the last message, None where none came.
    """

    topic: str
    arrivals: tuple[Arrival, ...]
    last: Any

    @property
    def period_s(self) -> float | None:
        """Mean seconds between messages, None of fewer than two."""
        if len(self.arrivals) < 2:
            return None
        first, *_, last = self.arrivals
        return (last.at_ns - first.at_ns) / (len(self.arrivals) - 1) / 1e9


@dataclass(frozen=True, eq=False)
class CameraFacts:
    """The images of a camera and the calibration that most likely belongs to them."""

    image: Stream
    info: Stream


@dataclass(frozen=True, eq=False)
class NodeFacts:
    """
    A depth node.

    :param name: its full name.
    :param state: of its lifecycle, None where it did not answer.
    :param parameters: the values of some, empty where it did not answer.
    :param inputs: what it subscribes to, and what it was expected to.
    :param outputs: what it publishes.
    :param cameras: what came on its inputs.
    :param depths: what came on its depth images.
    :param calibrations: what came on the camera_info of its depth images.
    :param warnings: what its last diagnostics warn of.
    :param sim_time_of: use_sim_time of the nodes it is connected with.
    :param device_in_use: what it says it computes on, '' where it says nothing.
    :param device_problem: why its device cannot be had on this machine, '' if it can.
    :param model_problem: why its model names no weights at all, '' if it names some.
    :param missing_weights: how to get weights that are not on this machine, '' if they are.
    """

    name: str
    state: str | None
    parameters: Mapping[str, Any]
    inputs: tuple[Channel, ...]
    outputs: tuple[Channel, ...]
    cameras: tuple[CameraFacts, ...]
    depths: tuple[Stream, ...]
    calibrations: tuple[Stream, ...]
    warnings: tuple[str, ...]
    sim_time_of: Mapping[str, bool]
    device_in_use: str
    device_problem: str
    model_problem: str
    missing_weights: str

    @property
    def uses_sim_time(self) -> bool:
        """Whether its clock is /clock."""
        return bool(self.parameters.get('use_sim_time', False))


@dataclass(frozen=True, eq=False)
class Graph:
    """
    Everything that was looked at.

    :param nodes: the depth nodes.
    :param node_names: full names of all nodes.
    :param published: types of every topic that somebody other than a depth node publishes.
    :param has_clock: whether /clock ticked.
    :param parents: parent of every frame in TF, None where that could not be read.
    :param gpu_problem: why torch sees no GPU, '' if it does.
    :param has_nvidia_gpu: whether this machine has one, whatever torch sees.
    :param middleware: name of the RMW implementation.
    :param seconds: how long was listened.
    """

    nodes: tuple[NodeFacts, ...]
    node_names: tuple[str, ...]
    published: Mapping[str, tuple[str, ...]]
    has_clock: bool
    parents: Mapping[str, str] | None
    gpu_problem: str
    has_nvidia_gpu: bool
    middleware: str
    seconds: float
