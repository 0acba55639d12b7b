# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What transforms and odometry of a bag tell of frames."""

from __future__ import annotations

from zoe_depth_ros.bag.decode import deserialized
from zoe_depth_ros.bag.reader import BagMessage
from zoe_depth_ros.errors import BagError
from zoe_depth_ros.errors import ZoeDepthError
from zoe_depth_ros.frame_forest import Link
from zoe_depth_ros.frame_forest import message_link

TF_TYPE = 'tf2_msgs/msg/TFMessage'
ODOMETRY_TYPE = 'nav_msgs/msg/Odometry'


def read_links(message: BagMessage) -> list[Link]:
    """
    Return what a tf2_msgs/TFMessage or nav_msgs/Odometry tells.

    :raises BagError: the bytes are no such message, or a rotation is none.
    """
    content = deserialized(message)
    try:
        if message.type_name == ODOMETRY_TYPE:
            pose = content.pose.pose
            return [message_link(content, pose.position, pose.orientation)]
        return [
            message_link(item, item.transform.translation, item.transform.rotation)
            for item in content.transforms]
    except ZoeDepthError as error:
        raise BagError(f'{message.topic} has {error}') from error
