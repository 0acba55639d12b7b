# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The message definitions that bags are read and written with."""

from rosbags.typesys import get_typestore
from rosbags.typesys import Stores

TYPESTORE = get_typestore(Stores.ROS2_JAZZY)
