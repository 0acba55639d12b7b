# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The demo: a drive is played to a live depth node, what comes out is recorded and judged."""
