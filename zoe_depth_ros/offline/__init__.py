# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Depth for bags: every frame of recorded cameras into new bags, as the live node makes it."""
