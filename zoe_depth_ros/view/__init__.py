# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Bags to look at: recordings for the Rerun viewer."""
