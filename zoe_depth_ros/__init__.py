# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Metric depth from one camera with ZoeDepth, as a ROS 2 node, a library and an offline tool."""

__version__ = '0.1.0'
