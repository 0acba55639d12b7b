# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Training: random worlds, losses and the loop (paper section 4.2)."""
