# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Bags in and out, without a ROS installation. The only place that knows the bag library."""
