# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What a bag knows of a topic besides its messages, so that a copy plays like the original."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from rosbags.interfaces import Connection
from rosbags.interfaces import ConnectionExtRosbag2
from rosbags.interfaces import Qos
from rosbags.interfaces import QosDurability
from rosbags.interfaces import QosHistory
from rosbags.interfaces import QosLiveliness
from rosbags.interfaces import QosReliability
from rosbags.interfaces import QosTime

FOREVER = QosTime(9223372036, 854775807)
RELIABLE: Final = Qos(
    QosHistory.KEEP_LAST, 10, QosReliability.RELIABLE, QosDurability.VOLATILE, deadline=FOREVER,
    lifespan=FOREVER, liveliness=QosLiveliness.AUTOMATIC, liveliness_lease_duration=FOREVER,
    avoid_ros_namespace_conventions=False)
LATCHED: Final = RELIABLE._replace(durability=QosDurability.TRANSIENT_LOCAL)


@dataclass(frozen=True)
class TopicRecord:
    """
    How a topic was recorded.

    :param name: absolute topic name.
    :param type_name: message type, such as 'sensor_msgs/msg/Image'.
    :param definition: of the message type in the ROS 2 language, '' where the bag has none.
    :param definition_hash: its RIHS01 hash, '' where the bag has none.
    :param qos: profiles its publishers offered.
    """

    name: str
    type_name: str
    definition: str = ''
    definition_hash: str = ''
    qos: tuple[Qos, ...] = (RELIABLE,)


def record_of(link: Connection) -> TopicRecord:
    """Return how a topic was recorded; ROS 1 knows no QoS but latched topics."""
    if isinstance(link.ext, ConnectionExtRosbag2):
        return TopicRecord(
            link.topic, link.msgtype, link.msgdef.data, link.digest,
            tuple(link.ext.offered_qos_profiles))
    return TopicRecord(link.topic, link.msgtype, qos=(LATCHED if link.ext.latching else RELIABLE,))
