# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The ROS 2 side: messages, parameters, the node. Imports rclpy; owns no algorithm."""
