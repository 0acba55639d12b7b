# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What is wrong with a running ROS graph around a depth node, and how to mend it."""
